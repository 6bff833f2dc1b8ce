#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# frames.py, on both backends. tests/world runs this.
# usage: frames.sh FRAMES.PY DIRECTORY-OF-THE-EXAMPLES DIRECTORY-OF-THE-LIBRARY
set -eu

for prefix in posix: sysv:; do
    LD_LIBRARY_PATH=$3 /usr/bin/python3 "$1" "$2/frames" $prefix
    [ -z "$(ls -A /dev/shm)" ]
done
