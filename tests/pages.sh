#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The manual pages say what the header says, no more and no less, and their programs compile and
# run. The rendered page is compared, because readers see that. tests/world runs this.
# usage: pages.sh HEADER DIRECTORY-OF-THE-PAGES DIRECTORY-OF-THE-LIBRARY
set -eu
export LC_ALL=C

header=$1 pages=$2 library=$3
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=${CC:-cc}
fail() { echo "FAILED: $*" >&2; exit 1; }
same() { # WHAT FILE FILE: the first file is from the header, the second from the pages
    test -s "$2" || fail "$1: the header has none"
    diff "$2" "$3" >&2 || fail "$1: < only in the header, > only in the pages"
}

for page in "$pages"/*.[37]; do
    mandoc -T ascii -O width=200 "$page" | sed '1d; s/.\x08//g' >"$dir/$(basename "$page")"
done

"$cc" -E -P -x c "$header" | grep -o '\<shmx_[a-z_]* *(' | tr -d ' (' | sort -u >"$dir/functions"
(cd "$pages" && printf '%s\n' shmx_*.3 | sed 's/\.3$//' | sort) >"$dir/found"
same functions "$dir/functions" "$dir/found"

echo "#include <shmx.h>" >"$dir/synopses.c"
while read -r function; do
    page=$dir/$function.3
    sed -n '/^NAME/,/^LIBRARY/p' "$page" | grep -q "\<$function\>" || fail "$function: not in NAME of its page"
    # A declaration that differs from that of the header does not compile after it.
    sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' "$page" | sed 's/^SYNOPSIS//; s/^DESCRIPTION//' >"$dir/synopsis"
    grep -q "\<$function(" "$dir/synopsis" || fail "$function: not in SYNOPSIS of its page"
    cat "$dir/synopsis" >>"$dir/synopses.c"
done <"$dir/functions"
"$cc" -std=c99 -pedantic -Wall -Werror -fsyntax-only -I"$(dirname "$header")" "$dir/synopses.c"

grep -o '^#define SHMX_[A-Z_]* *0' "$header" | awk '{ print $2 }' | sort -u >"$dir/flags"
grep -h '^\.It Dv SHMX_' "$pages"/*.3 | awk '{ print $3 }' | sort -u >"$dir/found"
same flags "$dir/flags" "$dir/found"

sed -n '/^struct shmx_stat {/,/^};/s/^    [^ ][^;/]* \([a-z_]*\)\(\[8\]\)\?; .*/\1/p' "$header" >"$dir/members"
grep '^\.It Vt' "$pages/shmx_stat.3" | sed 's/.* Fa //; s/\[8\]//' >"$dir/found"
same 'members of struct shmx_stat' "$dir/members" "$dir/found"

# If a line of a list is too long, clang-format joins the lines of the list. Then the page has no
# list.
grep -n -E -e '-E[A-Z]+ {2,}[^ ]' "$header" | { ! grep -v -E '^[0-9]+: \*   -E' >&2; } || fail 'errors within a line of the header'

# A page is turned back into comments like those of the header, and is read in the same way.
documented() { awk -f "$here/../man/header.awk" -f "$here/documented.awk" "$@" | sort; }
documented "$header" >"$dir/errors"
find "$pages" -name 'shmx_*.3' -type f -exec basename {} \; | while read -r page; do
    awk -f "$here/comments.awk" "$dir/$page"
done | documented >"$dir/found"
same errors "$dir/errors" "$dir/found"

# The table in shmx(7) has a line for each function.
sed -n 's/^\.It Xr \(shmx_[a-z_]*\) 3 Ta .*/\1/p' "$pages/shmx.7" | sort >"$dir/found"
same 'functions in shmx(7)' "$dir/functions" "$dir/found"

# Programs that cannot read the header find the numbers of the flags in shmx(7).
sed -n 's/^#define \(SHMX_[A-Z_]*\) *\(0x[0-9a-f]\{8\}\)u.*/\1 \2/p' "$header" | sort >"$dir/numbers"
grep -o 'SHMX_[A-Z_]* Ta 0x[0-9a-f]*' "$pages/shmx.7" | sed 's/ Ta//' | sort >"$dir/found"
same 'numbers of the flags' "$dir/numbers" "$dir/found"

# The pages name nothing that does not exist.
cat "$dir"/*.3 "$dir/shmx.7" >"$dir/all"
grep -o '\<SHMX_[A-Z_]*[A-Z]\>' "$dir/all" | sort -u | comm -13 "$dir/flags" - | { ! grep -v '^SHMX_IS$'; } || fail 'no such flag'
grep -o '\<shmx_[a-z_]*' "$dir/all" | sort -u | comm -13 "$dir/functions" - | { ! grep .; } || fail 'no such function'
grep -h '^\.Xr shmx' "$pages"/*.[37] | awk '{ print $2 "." $3 }' | sort -u | grep -v '^shmx.1$' | while read -r page; do
    test -e "$pages/$page" || fail "no page $page"
done

programs=0
for page in $(find "$pages" -name 'shmx*.[37]' -type f | sort); do
    rm -f "$dir"/program*
    awk -v out="$dir/program" '
        /^\.Sh/ { examples = $2 == "EXAMPLES" }
        /^\.Ed/ { on = 0 }
        on { gsub(/\\&/, ""); gsub(/\\e/, "\\"); print >(out n ".c") }
        /^\.Bd -literal/ && examples { on = 1; n++ }' "$page"
    for program in "$dir"/program*.c; do
        "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$(dirname "$header")" -o "$dir/program" \
            "$program" -L"$library" -lshmx || fail "$page: does not compile"
        for time in first second; do
            LD_LIBRARY_PATH=$library "$dir/program" >/dev/null || fail "$page: fails, the $time time"
        done
        programs=$((programs + 1))
    done
done
[ "$programs" -ge 13 ] || fail "only $programs programs found"
