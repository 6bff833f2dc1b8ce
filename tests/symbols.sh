#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Header, version map and dynamic symbols name the same functions, and nothing else.
# usage: symbols.sh HEADER MAP LIBRARY
set -eu
export LC_ALL=C

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The preprocessor takes away the comments, which name functions too.
${CC:-cc} -E -P -x c "$1" | grep -o '\<shmx_[a-z_]* *(' | tr -d ' (' | sort -u >"$dir/header"
grep -o '^ *shmx_[a-z_]*;' "$2" | tr -d ' ;' | sort >"$dir/map"
nm -D --defined-only "$3" | awk '$2 != "A" { print $3 }' | sort >"$dir/exported"
sed 's/$/@@LIBSHMX_1.0/' "$dir/map" >"$dir/versioned"

test -s "$dir/header"
diff "$dir/header" "$dir/map"
diff "$dir/versioned" "$dir/exported"

# Everything needed is named, and the name that programs remember carries the version.
readelf -d "$3" | grep -q 'SONAME.*\[libshmx\.so\.1\]'
