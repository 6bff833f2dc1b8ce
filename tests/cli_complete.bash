#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Prints what bash offers, unquoted as the shell would do that, with a zero byte after each
# candidate.
# usage: cli_complete.bash COMPLETION WORD...: the words of the line, of which the last is to be
# completed
# shellcheck source=cli/shmx.bash
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shmx
for reply in "${COMPREPLY[@]}"; do
    eval "printf '%s\0' $reply"
done
