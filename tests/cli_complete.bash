#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What bash would offer, unquoted as the shell would do that: each candidate with a zero byte at its end.
# usage: cli_complete.bash COMPLETION WORD...: the words of the line, the last is the one to complete
# shellcheck source=cli/shmx.bash
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shmx
for reply in "${COMPREPLY[@]}"; do
    eval "printf '%s\0' $reply"
done
