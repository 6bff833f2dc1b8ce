#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Make each system call that the library makes fail, with each of several errors that its manual page
# lists. The process neither crashes nor hangs; what could not be made leaves nothing, even without
# collecting; what is there is complete.
# To be run by world. usage: fault_walk.sh WALKER
set -u
# shellcheck source=tests/walk.sh
. "$(dirname "$0")/walk.sh"

faults=0

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

walk() { # SCENARIO FLAGS
    calls "$1" "$2"
    while read -r call occurrence; do
        for error in $(errors "$call"); do
            what="$1 $2: $error at $call $occurrence"
            faults=$((faults + 1))
            timeout 10 strace -o /dev/null -e "inject=$call:error=$error:when=$occurrence" \
                "$walker" "$1" "$2" 2>"$dir/err"
            status=$?
            [ "$status" -le 1 ] || bad "$what: status $status"
            if [ "$status" = 1 ]; then
                grep -q 'unknown error' "$dir/err" && bad "$what: $(cat "$dir/err")"
                [ "$1" = create ] && [ -n "$(left)" ] && bad "$what: left: $(left)"
            fi
            "$walker" check || bad "$what"
            [ -z "$(left)" ] || bad "$what: left, though collected: $(left)"
            clear
        done
    done <"$dir/calls"
}

walk_all
echo "$faults faults, $failures failures"
[ "$failures" = 0 ] && [ "$faults" -gt 100 ]
