#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compares figures with their bounds: the number of instructions that the library itself executes in
# a cycle (those of the C library and the kernel do not count), the size of the library, and the
# heap that a handle takes. tests/world runs this. usage: instructions.sh COUNTED LIBRARY
set -eu
counted=$1 library=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

command -v valgrind >/dev/null || { echo 'skipped: no valgrind' >&2; exit 77; }

# Adds up the cost lines of the functions in the library's object file. A cost line after "calls="
# belongs to another function.
instructions() { # CYCLE BACKEND TIMES
    valgrind -q --tool=callgrind --callgrind-out-file="$dir/out" "$counted" "$1" "$2" "$3" 2>"$dir/err" ||
        { cat "$dir/err" >&2; exit 1; }
    awk '
        /^ob=/ {
            id = $1; sub(/^ob=/, "", id)
            if ($2 != "") name[id] = $2
            ours = name[id] ~ /libshmx\.so/
            next
        }
        /^cob=/ { id = $1; sub(/^cob=/, "", id); if ($2 != "") name[id] = $2; next }
        /^calls=/ { skip = 1; next }
        /^[-+*0-9]/ { if (!skip && ours) sum += $2; skip = 0 }
        END { print sum + 0 }' "$dir/out"
}
report() { # WHAT FIGURE BOUND
    printf '%-24s %6d, at most %d\n' "$1" "$2" "$3"
    [ "$2" -gt 0 ] && [ "$2" -le "$3" ] || failures=$((failures + 1))
}

# valgrind does not know the mremap(2) with which a System V segment is attached. So the way for
# segments of the hugetlb pool is counted there, which takes longer.
for backend in posix sysv; do
    [ "$backend" = posix ] && attach=300 || attach=450
    for cycle in create:1500 destroy:2000 open:1000 attach:$attach; do # destroy also creates
        name=${cycle%:*}
        few=$(instructions "$name" "$backend" 10)
        many=$(instructions "$name" "$backend" 110)
        report "$backend $name" $(((many - few) / 100)) "${cycle#*:}"
    done
    report "$backend handle, bytes" "$("$counted" heap "$backend")" 512
done
strip -o "$dir/stripped" "$library"
# From the same source, gcc 16 makes 3 KiB more code than the compilers of Debian 12 and 13.
case $(readelf -p .comment "$library") in
*' 1'[2-4].*) most=90112 ;;
*) most=94208 ;;
esac
report 'stripped library, bytes' "$(stat -c %s "$dir/stripped")" $most
[ "$failures" = 0 ]
