#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Make each system call that the library makes fail, with each of several errors that its manual page
# lists. The process neither crashes nor hangs; what could not be made leaves nothing, even without
# collecting; what is there is complete.
# To be run by world. usage: fault_walk.sh WALKER
set -u

walker=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0 faults=0

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

# What may go wrong. Not: taking back what was made (unlink, munmap, shmdt, close), nor looking at it.
errors() {
    case $1 in
    openat) echo EMFILE ENOMEM EACCES ;;
    fallocate) echo ENOSPC EINTR ;;
    ftruncate) echo EINVAL ENOSPC ;;
    fstat | newfstatat) echo ENOMEM ;;
    fchmod | fchown | fchownat) echo EPERM ;;
    linkat | symlink | renameat2) echo ENOSPC EACCES ENOMEM ;;
    readlink) echo EACCES ENOMEM ;;
    shmget) echo ENOSPC ENOMEM ;;
    shmat) echo ENOMEM EACCES ;;
    shmctl) echo EPERM EACCES ;;
    mmap | mprotect | mremap) echo ENOMEM ;;
    fcntl) echo ENOLCK ;;
    flock) echo EINTR ENOLCK ;;
    getrandom) echo EINTR ;;
    esac
}

calls() {
    awk -F '(' '/^[a-z]/ { count[$1]++; if (marked) print $1, count[$1]; if ($1 == "getppid") marked = 1 }' "$dir/trace"
}

walk() { # SCENARIO FLAGS
    strace -o "$dir/trace" "$walker" "$1" "$2" || bad "$1 $2: does not run"
    "$walker" check "$2"
    calls >"$dir/calls"
    [ -s "$dir/calls" ] || bad "$1 $2: nothing to walk over"
    while read -r call occurrence; do
        for error in $(errors "$call"); do
            faults=$((faults + 1))
            timeout 10 strace -o /dev/null -e "inject=$call:error=$error:when=$occurrence" \
                "$walker" "$1" "$2" 2>"$dir/err"
            status=$?
            [ "$status" -le 1 ] || bad "$1 $2: $error at $call $occurrence: status $status"
            if [ "$status" = 1 ]; then
                grep -q 'unknown error' "$dir/err" && bad "$1 $2: $error at $call $occurrence: $(cat "$dir/err")"
                [ "$1" = create ] && [ -n "$(left)" ] && bad "$1 $2: $error at $call $occurrence: left: $(left)"
            fi
            "$walker" check "$2" || bad "$1 $2: after $error at $call $occurrence"
            [ -z "$(left)" ] || bad "$1 $2: $error at $call $occurrence: left, though collected: $(left)"
            clear
        done
    done <"$dir/calls"
}

# SHMX_POSIX 1, SHMX_SYSV 2, SHMX_EPHEMERAL 4
for flags in 1 2 5 6; do
    for scenario in create destroy open change collect; do walk "$scenario" "$flags"; done
done
for flags in 1 2; do walk remove "$flags"; done
for flags in 1 5 6; do walk publish "$flags"; done

echo "$faults faults, $failures failures"
[ "$failures" = 0 ] && [ "$faults" -gt 100 ]
