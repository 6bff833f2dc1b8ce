#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Each script tells what it does when it is asked, and refuses arguments that it does not know
# before it does anything. It finds no other command here than those that are needed for that.
# usage: scripts.sh DIRECTORY-OF-THE-SCRIPTS
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
for command in dirname sed; do ln -s "$(command -v $command)" "$dir/bin"; done
fail() { echo "FAILED: $*" >&2; exit 1; }
try() { # STATUS SCRIPT [ARGUMENT]...
    wanted=$1
    shift
    status=0
    env PATH="$dir/bin" "$@" >"$dir/out" 2>"$dir/err" || status=$?
    [ $status = "$wanted" ] || fail "$*: exits with $status and says: $(cat "$dir/err")"
}

for script in "$1"/*; do
    [ -x "$script" ] || continue # other scripts source it
    for option in -h --help; do
        try 0 "$script" $option
        [ "$(wc -l <"$dir/out")" -ge 3 ] || fail "$script $option: says only: $(cat "$dir/out")"
        [ ! -s "$dir/err" ] || fail "$script $option: complains: $(cat "$dir/err")"
    done
    case ${script##*/} in bench | test) continue ;; esac # these pass on their arguments
    try 2 "$script" --wrong
    grep -q '[a-z]' "$dir/err" || fail "$script: does not say how it is used"
done
