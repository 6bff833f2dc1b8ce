#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs every test in a build with --coverage, and prints which lines of src/ they reach. That must
# be at least 97 % of all lines. Each of the others is in unreached.txt with the reason.
# usage: coverage.sh BUILD [ARGUMENT OF CTEST]...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Every user of the tests can write the counts there.
chmod 711 "$dir"
mkdir -m 777 "$dir/counts"
(cd "$build" && find . -name '*.gcno' -printf '%h\n' | sort -u) |
    while read -r folder; do mkdir -p "$dir/counts/$build/$folder"; done
chmod -R a+rwX "$dir/counts"
(umask 0 && GCOV_PREFIX=$dir/counts ctest --test-dir "$build" --output-on-failure --timeout 900 "$@")

cd "$build/CMakeFiles/shmx-objects.dir"
find . -name '*.gcno' | while read -r notes; do
    mkdir -p "$dir/objects/${notes%/*}"
    cp "$notes" "$dir/counts/$build/CMakeFiles/shmx-objects.dir/${notes%.gcno}.gcda" "$dir/objects/${notes%/*}"
done
cd "$dir" && find objects -name '*.gcda' -exec gcov -p {} + >/dev/null
cat ./*"#src#"*.gcov | awk -F : '
    $2 + 0 == 0 && $3 == "Source" { file = $4; sub(/.*\/src\//, "src/", file); next }
    $2 + 0 == 0 || $1 ~ /^ *-$/ { next }
    { lines[file]++; all++ }
    $1 ~ /#####/ { missed[file]++; misses++; text = $0; sub(/^[^:]*:[^:]*: */, "", text); print file ": " text >"missed" }
    END {
        for (file in lines)
            printf "%6.2f %% of %4d lines: %s\n", 100 * (1 - missed[file] / lines[file]), lines[file], file | "sort -k 6"
        close("sort -k 6")
        printf "%6.2f %% of %4d lines: all of src/\n", 100 * (1 - misses / all), all
        exit misses / all > 0.03
    }' || { echo 'less than 97 %' >&2; exit 1; }

touch missed
grep -v '^#' "$here/unreached.txt" | sed 's/ *##.*//' | sort -u >explained
sort -u missed | comm -23 - explained >unexplained
echo "not reached, for the reason in tests/unreached.txt: $(sort -u missed | comm -12 - explained | wc -l)"
[ ! -s unexplained ] || { echo 'not reached, and not explained:' >&2; cat unexplained >&2; exit 1; }
