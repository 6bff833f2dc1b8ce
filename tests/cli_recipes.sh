#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The recipes of docs/operating.md do what they say to what Python really leaves. tests/world runs
# this as root.
# usage: cli_recipes.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
# shellcheck disable=SC2016 # for the shells that are started
set -u
tests=$(cd "$(dirname "$0")" && pwd)
doc=$tests/../docs/operating.md
# shellcheck source=tests/cli_lib.sh
. "$tests/cli_lib.sh"
command -v python3 >/dev/null || { echo 'skipped: no python3' >&2; exit 77; }

names() { shmx ls --noheadings -r -o NAME | sed 's/psm_.*/psm_/' | sort | tr '\n' ' '; }
# Prints the lines of the blocks in that language.
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$doc" | grep -v '^```'; }

# Runs a Python program that uses shared memory, and is killed together with its tracker.
python() { # WHAT: runs until it is killed
    rm -f ready
    setsid python3 -c '
import sys, time, multiprocessing, _multiprocessing
from multiprocessing import shared_memory
keep = shared_memory.SharedMemory(create=True, size=100000)
keep.buf[0] = 1
lock = _multiprocessing.SemLock(1, 1, 1, "/mp-left", False)
open("ready", "w").close()
time.sleep(100)' &
    pid=$!
    until [ -e ready ]; do sleep 0.05; done
}
killed() { # the program and its tracker
    pkill -9 -g "$pid"
    wait "$pid" 2>/dev/null
    until [ "$(pgrep -g "$pid" | wc -l)" = 0 ]; do sleep 0.05; done
}

python
head -c 1000 /dev/zero >/dev/shm/torch_1_2_3
shmx create /cache 4K
is "$(names)" '/cache /psm_ /sem.mp-left /torch_1_2_3 '
block cron | cut -d ' ' -f 7- >lines
is "$(wc -l <lines)" 2
# Nothing is a day old.
sh -eu lines || bad 'the lines for cron'
is "$(names)" '/cache /psm_ /sem.mp-left /torch_1_2_3 '
# What is in use is spared, whatever its age is.
sed 's/--older 1d/--older 1/' lines >sooner
sleep 1.1
sh -eu sooner || bad 'the lines for cron'
is "$(names)" '/cache /psm_ /sem.mp-left '
sh -euc "$(grep -o "shmx gc --orphans --dry-run" "$doc")" >out
grep -q psm_ out && bad "what lives would be removed: $(cat out)"
killed
sh -eu sooner
is "$(names)" '/cache /sem.mp-left '
line="shmx gc $(grep -o -e "--orphans --older 7d --match 'sem.mp-\*'" "$doc")"
sh -euc "$line" >out
is "$(names)" '/cache /sem.mp-left '
sh -euc "$(echo "$line" | sed 's/7d/1/')" >out
is "$(names)" '/cache '

# The init container is in a pid namespace of its own. A process outside of it is spared.
python
block yaml | grep -o '\["/shmx".*\]' | jq -r '.[1:] | @sh' >arguments
test -s arguments || bad 'no init container found'
unshare --pid --fork --mount-proc sh -euc "shmx $(cat arguments)"
is "$(names)" '/cache /psm_ /sem.mp-left '
killed
unshare --pid --fork --mount-proc sh -euc "shmx $(cat arguments)" >out
is "$(names)" '/cache /sem.mp-left '

# Recipes for scripts, and for looking.
shmx create /frames 4K
nobody shmx create "$(printf '/of nobody\n\377')" 1
nobody shmx create "/of nobody" 1
block sh >scripts
is "$(wc -l <scripts)" 5
sh -eu scripts >out || bad 'the lines for scripts'
is "$(names)" '/cache /frames /sem.mp-left '
shmx rm --match '*'

# The units are off, and remove only what is provably dead.
grep -q '^ExecStart=.*/shmx gc$' "$tests/../cli/shmx-gc.service.in" || bad 'the unit runs something else'
if command -v systemd-analyze >/dev/null; then
    mkdir units
    sed "s|@CMAKE_INSTALL_FULL_BINDIR@|$dir/bin|; /^Documentation/d" "$tests/../cli/shmx-gc.service.in" >units/shmx-gc.service
    sed '/^Documentation/d' "$tests/../cli/shmx-gc.timer" >units/shmx-gc.timer
    systemd-analyze verify units/shmx-gc.service units/shmx-gc.timer 2>err || bad "the units: $(cat err)"
    [ -s err ] && bad "the units: $(cat err)"
fi
finish 'the recipes do what they say'
