#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 # what is quoted is for a shell in a container
# What containers and logind do to shared memory is what shmx(7) says, and shmx doctor tells of it.
# Both are emulated. tests/world runs this.
# usage: containers.sh DIRECTORY-OF-THE-COMMAND MANUAL-PAGE
set -eu
export LC_ALL=C

PATH=$1:$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export dir
fail() { echo "FAILED: $*" >&2; exit 1; }
page=$(mandoc -T ascii "$2" | sed 's/.\x08//g' | tr -s ' \n' ' ')
# page WORDS: the manual page contains the words
page() { case $page in *"$1"*) ;; *) fail "shmx(7) does not say: $1" ;; esac; }
# in_container OPTIONS SCRIPT: runs the script in namespaces of its own
in_container() {
    options=$1
    shift
    # shellcheck disable=SC2086 # words
    unshare $options sh -euc 'fail() { echo "FAILED: $*" >&2; exit 1; }; '"$1"
}

echo 'a /dev/shm of 64 MiB'
page 'a /dev/shm of its own, which usually has 64 MiB. With Docker'
in_container '--mount --ipc' '
    mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
    shmx doctor >"$dir/doctor" || true
    grep -q "^note .*/dev/shm .*64M" "$dir/doctor" || fail "doctor: $(cat "$dir/doctor")"
    grep -q "it is small, as in a container" "$dir/doctor"
    ! shmx create posix:/large 100M 2>"$dir/err" || fail "100 MiB in 64"
    grep -q "no space: the segment needs 100M, and all of /dev/shm has 64M" "$dir/err"
    [ -z "$(ls -A /dev/shm)" ]
    head -c 100M /dev/urandom >"$dir/data"
    shmx create sysv:/large 100M --from "$dir/data"
    shmx read /large | cmp - "$dir/data" || fail "what System V holds"
    [ "$(df --output=used -k /dev/shm | tail -n 1)" -lt 64 ] || fail "System V memory in /dev/shm"'

echo '/dev/shm shared, but not the IPC namespace'
page 'shmx_open(3) returns -EXDEV then, and shmx_create(3) returns -EEXIST.'
page 'shmx_remove(3) removes the name and leaves the segment. shmx_collect(3) leaves both, unless'
echo here | shmx create posix:/both 4K --from -
echo here | shmx create sysv:/one 4K --from -
in_container --ipc '
    [ "$(shmx read /both | head -c 4)" = here ] || fail "the POSIX segment"
    ! shmx read /one 2>"$dir/err" || fail "the System V segment of another namespace"
    grep -q "in another IPC namespace" "$dir/err"
    ! shmx create sysv:/one 4K 2>"$dir/err" || fail "its name, taken"
    grep -q "exists already" "$dir/err"
    shmx doctor >"$dir/doctor" || true
    grep -q "^ok .*IPC namespace .*ipc:\[$(readlink /proc/self/ns/ipc | tr -dc 0-9)\]" "$dir/doctor"
    grep -q "^note .*names of another IPC namespace *1$" "$dir/doctor" || fail "doctor: $(cat "$dir/doctor")"
    grep -q "share both, or use POSIX segments" "$dir/doctor"
    shmx gc
    [ -L /dev/shm/one ] || fail "its name, collected"'
[ "$(shmx read /one | head -c 4)" = here ] || fail 'what another namespace could not touch'
in_container --ipc 'shmx rm /one'
[ ! -L /dev/shm/one ] || fail 'its name, not removed'
nameless=$(shmx ls -r --noheadings -o NAME --backend sysv)
[ "$(shmx read "$nameless" | head -c 4)" = here ] || fail 'the segment of a name that another namespace has removed'
shmx rm "$nameless"
echo here | shmx create sysv:/one 4K --from -

echo 'both for themselves, and both shared'
page 'docker run --ipc=container:NAME'
in_container '--mount --ipc' '
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    ! shmx read /both 2>/dev/null || fail "a container sees the POSIX segment of the host"
    echo there | shmx create sysv:/one 4K --from -
    echo $$ >"$dir/pid"
    while [ ! -e "$dir/done" ]; do sleep 0.05; done' &
while [ ! -s "$dir/pid" ]; do
    kill -0 $! || fail 'the container ended'
    sleep 0.05
done
[ "$(nsenter --target "$(cat "$dir/pid")" --mount --ipc "$1/shmx" read /one | head -c 5)" = there ] || fail 'what a second container shares'
[ "$(shmx read /one | head -c 4)" = here ] || fail 'the same name, outside'
: >"$dir/done"
wait $!
shmx doctor >"$dir/doctor" || true
! grep -q 'names of another IPC' "$dir/doctor" || fail 'doctor finds foreign names where there are none'
shmx rm /both /one

echo 'RemoveIPC=yes, at the last logout of a user'
page "systemd-logind(8) removes the segments of an ordinary user at the user's last logout. It does so by default (RemoveIPC=yes"
# Does what clean-ipc.c of systemd does: it removes files of the user in /dev/shm, and System V
# segments of the user that have no attachment.
cat >"$dir/logout" <<'END'
find /dev/shm -mindepth 1 -user 65534 -delete
awk 'NR > 1 && $7 == 0 && $8 == 65534 { print $2 }' /proc/sysvipc/shm | xargs -r -n 1 ipcrm -m
END
for name in posix:/held posix:/free sysv:/free-too; do
    shmx create $name 4K
    shmx chown 65534:65534 $name
done
shmx create posix:/roots 4K
shmx hold posix:/held -- sh "$dir/logout"
[ "$(ls /dev/shm)" = roots ] || fail "left: $(ls /dev/shm)"
[ "$(wc -l </proc/sysvipc/shm)" = 1 ] || fail 'System V segments are left'
shmx create sysv:/held 4K
shmx chown 65534:65534 sysv:/held
id=$(awk 'NR == 2 { print $2 }' /proc/sysvipc/shm)
shmx hold sysv:/held -- sh -c "sh '$dir/logout'; shmx read sysv:id=$id | cmp -n 4096 - /dev/zero" || fail 'what is held stays'
shmx gc
shmx rm "sysv:id=$id" /roots
in_container --mount '
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/system
    shmx doctor >"$dir/doctor" || true
    grep -q "^note .*RemoveIPC .*yes" "$dir/doctor" || fail "doctor: $(cat "$dir/doctor")"
    grep -q "removed at the last logout: set RemoveIPC=no" "$dir/doctor"'

[ -z "$(ls -A /dev/shm)" ] || fail "left in /dev/shm: $(ls -A /dev/shm)"
