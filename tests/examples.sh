#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The examples do what their first comments say, on both backends. Several copies of this may run.
# usage: examples.sh DIRECTORY-OF-THE-PROGRAMS
set -eu

bin=$1
dir=$(mktemp -d)
name=shmx-examples-$$
cleanup() {
    rm -rf "$dir"
    rm -f "/dev/shm/$name"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

head -c 3000000 /dev/urandom >"$dir/large"
: >"$dir/empty"
for backend in posix sysv; do
    for file in large empty; do
        "$bin/producer" "$backend:/$name" <"$dir/$file" &
        "$bin/consumer" "/$name" >"$dir/got"
        wait $!
        cmp "$dir/$file" "$dir/got" || fail "$backend: the file is not the same"
        "$bin/consumer" "/$name" >"$dir/got" &
        "$bin/producer" "$backend:/$name" <"$dir/$file"
        wait $!
        cmp "$dir/$file" "$dir/got" || fail "$backend: with the consumer first, the file is not the same"
        if [ -L "/dev/shm/$name" ] || [ -e "/dev/shm/$name" ]; then
            fail "$backend: the name was left"
        fi
    done

    "$bin/table" "$backend:/$name" 20000 >"$dir/one" &
    "$bin/table" "$backend:/$name" 20000 >"$dir/other"
    wait $!
    "$bin/table" "/$name" 0 | grep -qx 'sum 64000, 0 repairs' || fail "$backend: the table"
    "$bin/counter" -r "/$name"

    "$bin/config" watch "/$name" >"$dir/seen" &
    watcher=$!
    echo first | "$bin/config" set "$backend:/$name"
    echo second | "$bin/config" set "/$name"
    for _ in $(seq 200); do
        ! grep -qx '2 second' "$dir/seen" || break
        sleep 0.05
    done
    kill "$watcher"
    wait "$watcher" || true
    ! head -c 1500 /dev/zero | tr '\0' x | "$bin/config" set "/$name" 2>"$dir/err" || fail "$backend: a text was cut off"
    grep -qx '2 second' "$dir/seen" || fail "$backend: the watcher has not seen the last configuration"
    "$bin/counter" -r "/$name"

    "$bin/counter" "$backend:/$name" | grep -q '^created .* 1001$' || fail "$backend: the first counter"
    "$bin/counter" "/$name" | grep -q "^opened $backend:.* 1002\$" || fail "$backend: the second counter"
    "$bin/counter" -r "/$name"
    ! "$bin/counter" -r "/$name" 2>"$dir/err" || fail "$backend: removed twice"
done

"$bin/pass_fd" give "$dir/socket" 'handed over' &
"$bin/pass_fd" take "$dir/socket" >"$dir/out"
wait $!
grep -q '^took 11 bytes: handed over$' "$dir/out" || fail 'what was passed'
grep -q '^writing: permission denied' "$dir/out" || fail 'the receiver may write'
