#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The header, the version map and the dynamic symbols name the same functions, and nothing else. All
# global symbols of the archive begin with shmx_, so they do not clash with those of a program.
# usage: symbols.sh HEADER MAP LIBRARY ARCHIVE
set -eu
export LC_ALL=C

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The preprocessor removes the comments, which name functions, too.
${CC:-cc} -E -P -x c "$1" | grep -o '\<shmx_[a-z_]* *(' | tr -d ' (' | sort -u >"$dir/header"
grep -o '^ *shmx_[a-z_]*;' "$2" | tr -d ' ;' | sort >"$dir/map"
nm -D --defined-only "$3" | awk '$2 != "A" { print $3 }' | sort >"$dir/exported"
sed 's/$/@@LIBSHMX_1.0/' "$dir/map" >"$dir/versioned"

test -s "$dir/header"
diff "$dir/header" "$dir/map"
diff "$dir/versioned" "$dir/exported"

# Every library that is needed is named, and the name that programs remember contains the version.
readelf -d "$3" | grep -q 'SONAME.*\[libshmx\.so\.1\]'

# Symbols that begin with __ belong to the compiler, for sanitizers and coverage.
nm -g --defined-only "$4" | awk 'NF == 3 && $3 !~ /^(shmx_|__)/ { print }' >"$dir/others"
nm -g --defined-only "$4" | grep -q ' T shmx_create$'
diff /dev/null "$dir/others"
