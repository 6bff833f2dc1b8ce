#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Kill a process before each system call that the library makes, and after the last. Then no half-made
# segment has a name, collecting leaves nothing of it, and the name can be used again.
# To be run by world. usage: kill_walk.sh WALKER
set -u

walker=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0 kills=0

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

# The calls after the mark, each as "NAME OCCURRENCE": strace counts every name for itself.
calls() {
    awk -F '(' '/^[a-z]/ { count[$1]++; if (marked) print $1, count[$1]; if ($1 == "getppid") marked = 1 }' "$dir/trace"
}

walk() { # SCENARIO FLAGS
    strace -o "$dir/trace" "$walker" "$1" "$2" || bad "$1 $2: does not run"
    "$walker" check "$2" || bad "$1 $2: not killed at all"
    calls >"$dir/calls"
    [ -s "$dir/calls" ] || bad "$1 $2: nothing to walk over"
    while read -r call occurrence; do
        strace -o /dev/null -e "inject=$call:signal=SIGKILL:when=$occurrence" "$walker" "$1" "$2" 2>/dev/null
        [ $? = 137 ] || bad "$1 $2: not killed at $call $occurrence"
        kills=$((kills + 1))
        "$walker" check "$2" || bad "$1 $2: killed at $call $occurrence"
        found=$(left)
        [ -z "$found" ] || {
            bad "$1 $2: killed at $call $occurrence: left: $found"
            find /dev/shm -mindepth 1 -delete
            ipcrm --all=shm
        }
        "$walker" destroy "$2" || bad "$1 $2: killed at $call $occurrence: the name is of no use any more"
    done <"$dir/calls"
}

# SHMX_POSIX 1, SHMX_SYSV 2, SHMX_EPHEMERAL 4
for flags in 1 2 5 6; do
    for scenario in create destroy open change collect; do walk "$scenario" "$flags"; done
done
for flags in 1 2; do walk remove "$flags"; done
# A persistent anonymous System V segment of a killed process stays, as the kernel has it.
for flags in 1 5 6; do walk publish "$flags"; done

echo "killed $kills times, $failures failures"
[ "$failures" = 0 ] && [ "$kills" -gt 100 ]
