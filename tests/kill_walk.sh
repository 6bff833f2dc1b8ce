#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Kill a process before each system call that the library makes, and after the last. Then no half-made
# segment has a name, collecting leaves nothing of it, and the name can be used again.
# To be run by world. usage: kill_walk.sh WALKER
set -u
# shellcheck source=tests/walk.sh
. "$(dirname "$0")/walk.sh"

kills=0
walk() { # SCENARIO FLAGS
    calls "$1" "$2"
    while read -r call occurrence; do
        what="$1 $2: killed at $call $occurrence"
        strace -o /dev/null -e "inject=$call:signal=SIGKILL:when=$occurrence" "$walker" "$1" "$2" 2>/dev/null
        [ $? = 137 ] || bad "$what: it was not"
        kills=$((kills + 1))
        "$walker" check || bad "$what"
        [ -z "$(left)" ] || bad "$what: left: $(left)"
        clear
        "$walker" destroy "$2" || bad "$what: the name is of no use any more"
    done <"$dir/calls"
}

walk_all
echo "killed $kills times, $failures failures"
[ "$failures" = 0 ] && [ "$kills" -gt 100 ]
