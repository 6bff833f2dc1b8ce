# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What kill_walk.sh and fault_walk.sh share. To be sourced; $1 is the walker.

walker=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

command -v strace >/dev/null || { echo 'skipped: no strace' >&2; exit 77; }
strace -o /dev/null true || { echo 'skipped: strace may not trace here' >&2; exit 77; }

bad() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}
left() {
    find /dev/shm -mindepth 1 -printf '%f %l '
    tail -n +2 /proc/sysvipc/shm
}
clear() {
    find /dev/shm -mindepth 1 -delete
    ipcrm --all=shm
}

# The calls of a scenario after its mark, each as "NAME OCCURRENCE": strace counts every name for itself.
calls() { # SCENARIO FLAGS
    strace -o "$dir/trace" "$walker" "$1" "$2" || bad "$1 $2: does not run"
    "$walker" check || bad "$1 $2: not well when nothing goes wrong"
    awk -F '(' '/^[a-z]/ { count[$1]++; if (marked) print $1, count[$1]; if ($1 == "getppid") marked = 1 }' \
        "$dir/trace" >"$dir/calls"
    [ -s "$dir/calls" ] || bad "$1 $2: nothing to walk over"
}

# SHMX_POSIX 1, SHMX_SYSV 2, SHMX_EPHEMERAL 4. A persistent anonymous System V segment of a killed process
# stays, as the kernel has it, so it is not published here.
walk_all() {
    for flags in 1 2 5 6; do
        for scenario in create destroy open change collect; do walk "$scenario" "$flags"; done
    done
    for flags in 1 2; do walk remove "$flags"; done
    for flags in 1 5 6; do walk publish "$flags"; done
}
