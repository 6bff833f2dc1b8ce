#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every line of the examples in the manual page runs as printed. tests/world runs this.
# usage: cli_examples.sh DIRECTORY-OF-THE-COMMAND MANUAL-PAGE
set -eu

PATH=$1:$PATH
script=$(sed -n 's/\\e/\\/g; s/^\$ //p' "$2")
[ "$(echo "$script" | wc -l)" -ge 15 ] || { echo "FAILED: no examples found" >&2; exit 1; }
echo "set -eux
$script" | sh
[ "$(find /dev/shm -mindepth 1 | wc -l)" = 0 ]
[ "$(tail -n +2 /proc/sysvipc/shm | wc -l)" = 0 ]

# The options in the manual page and in --help are the same.
for command in create ls stat read write copy rm gc doctor; do
    shmx "$command" --help | grep -o -e '--[a-z][a-z-]*' | sort -u | grep -v -e '--help' | while read -r option; do
        grep -q -e "Fl $(echo "$option" | sed 's/^-//')\>" -e ", $(echo "$option" | sed 's/^-//')\>" "$2" || {
            echo "FAILED: $option of $command is not in the page" >&2
            exit 1
        }
    done
done
