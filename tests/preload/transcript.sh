#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs see the same with the preloaded library as without it, although the library did the work.
# tests/world runs this. usage: transcript.sh TRANSCRIPT PRELOAD
set -eu
transcript=$1 preload=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

compare() { # MODE FUNCTION...
    mode=$1
    shift
    "$transcript" "$mode" >"$dir/without"
    SHMX_PRELOAD=$mode SHMX_PRELOAD_LOG=$dir/log LD_PRELOAD=$preload "$transcript" "$mode" >"$dir/with"
    diff -u "$dir/without" "$dir/with"
    for function in "$@"; do
        grep -q " $function carried" "$dir/log" || { echo "$function was not carried" >&2; exit 1; }
    done
    echo "$mode: $(wc -l <"$dir/with") lines, the same"
}
compare posix shm_open shm_unlink ftruncate mmap munmap fstat close
compare sysv shmget shmat shmdt shmctl
[ -z "$(ls -A /dev/shm)" ]
[ "$(wc -l </proc/sysvipc/shm)" = 1 ]
! grep -q deny /proc/self/setgroups ||
    { echo 'skipped: there are no other users in this user namespace' >&2; exit 77; }
