#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# helgrind sees no race. usage: helgrind.sh SUITE
set -u
command -v valgrind >/dev/null || { echo 'skipped: no valgrind' >&2; exit 77; }
CK_TIMEOUT_MULTIPLIER=5 exec valgrind --tool=helgrind -q --error-exitcode=9 \
    --suppressions="$(dirname "$0")/valgrind.supp" "$@"
