#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Twice as many segments take twice as many instructions and system calls, and not four times as
# many. (Times are not asserted.) tests/world runs this as root.
# usage: cli_scale.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
set -u
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"
for tool in strace valgrind; do
    command -v $tool >/dev/null || { echo "skipped: no $tool" >&2; exit 77; }
done
strace -o /dev/null true || { echo 'skipped: strace may not trace here' >&2; exit 77; }

# Makes so many hundreds each of objects of other programs, names of this library, and segments
# without a name.
made=0
make() {
    while [ $made -lt $(($1 * 100)) ]; do
        made=$((made + 1))
        echo x >/dev/shm/psm_$made
        echo "sysv:/s$made"
    done | xargs -I{} shmx create {} 4096
    made=$(($1 * 100))
    perl -e "shmget(0, 4096, 0600 | 512) for 1 .. $2 * 100"
}
# In a pid namespace of its own, the command does not look at processes of others. Their locks add a
# little.
alone() { unshare --pid --fork --mount-proc "$@"; }
calls() { # COMMAND...: prints the number of system calls, without those that look at processes
    alone strace -f -c -o counts "$@" >/dev/null
    awk '$NF != "total" && $NF != "statx" && $4 ~ /^[0-9]+$/ { sum += $4 } END { print sum }' counts
}
instructions() {
    alone valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file=counts "$@" >/dev/null
    sed -n 's/^.* I *refs: *//p' counts | tr -d ,
}

make 4 4
for words in ls 'gc --dry-run' 'gc --dry-run --orphans' doctor; do
    # shellcheck disable=SC2086 # words
    echo "$words,$(calls shmx $words),$(instructions shmx $words)"
done >before
make 8 4
for words in ls 'gc --dry-run' 'gc --dry-run --orphans' doctor; do
    # shellcheck disable=SC2086 # words
    echo "$words,$(calls shmx $words),$(instructions shmx $words)"
done >after
paste -d , before after | awk -F , '
    { printf "%s: %d and %d system calls, %d and %d instructions\n", $1, $2, $5, $3, $6 }
    $2 < 100 || $3 < 100000 || $5 > 2.3 * $2 || $6 > 3 * $3 { bad = 1 }
    END { exit bad || NR != 4 }' || bad 'not in proportion'
find /dev/shm -name 'psm_*' -delete
shmx rm --match '*' 'sysv:*'
finish 'the command takes time in proportion'
