#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Another project can include libshmx. It gets the two libraries and nothing else, and stays as it
# is.
# usage: subproject.sh SOURCE-OF-LIBSHMX
set -eu

source=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

configure() { # WAY [OPTION OF CMAKE]...
    way=$1
    shift
    rm -rf "$dir/build"
    cmake -S "$here/subproject" -B "$dir/build" -DSHMX="$source" -DWAY="$way" -DCMAKE_C_COMPILER="${CC:-cc}" \
        -DCMAKE_C_FLAGS="-DIN_ITS_FLAGS -Werror" "$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; fail "configured $*"; }
}
build() { # [OPTION OF CMAKE]...
    cmake --build "$dir/build" "$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; fail "built $*"; }
}

for way in add_subdirectory FetchContent; do
    echo "with $way"
    configure $way
    build
    "$dir/build/command" || fail 'a program with shmx::shmx'
    "$dir/build/peer" || fail 'a program with shmx::shmx-static'
    [ "$(find "$dir/build" -name 'libshmx.*' | wc -l)" = 4 ] || fail 'the two libraries'
    cmake --install "$dir/build" --prefix "$dir/installed" >"$dir/log"
    [ ! -e "$dir/installed" ] || fail "installed, and not asked for: $(find "$dir/installed" -type f)"
done

echo 'with everything that can be asked for'
configure add_subdirectory -DSHMX_PROGRAMS=ON -DSHMX_TESTS=ON -DSHMX_INSTALL=ON
build --target shmx-command shmx-pages shmx-example-counter shmx-peer arithmetic
"$dir/build/shmx/cli/shmx" --version >"$dir/log"
build --target shmx shmx-static shmx-example-producer
