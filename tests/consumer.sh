#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A program is built with what is installed, and runs.
# usage: consumer.sh pkg-config | static | cmake
# The environment gives CC, PKG_CONFIG, and what these, CMake and the loader look at themselves.
set -eu

source=$(cd "$(dirname "$0")/consumer" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=${CC:-cc}
fail() { echo "FAILED: $*" >&2; exit 1; }
check() { [ "$("$1")" = "$version 100 100" ] || fail "$1 says $("$1")"; }
# shellcheck disable=SC2086 # words
pc() { ${PKG_CONFIG:-pkg-config} "$@" libshmx; }
version=$(pc --modversion)

# shellcheck disable=SC2046 # flags are words
case ${1-} in
pkg-config)
    case "$(pc --cflags) $(pc --libs)" in *bsd*) fail 'libbsd reaches the consumer' ;; esac
    $cc -Wall -Werror -o "$dir/use" "$source/use.c" $(pc --cflags --libs)
    check "$dir/use"
    ;;
static)
    $cc -Wall -Werror -static -o "$dir/use" "$source/use.c" $(pc --cflags --libs --static)
    check "$dir/use"
    ;;
cmake)
    cmake -S "$source" -B "$dir" -DCMAKE_C_COMPILER="$cc" >"$dir/log"
    cmake --build "$dir" >"$dir/log"
    check "$dir/use"
    check "$dir/use-static"
    ;;
*)
    sed -n 's/^# usage: /usage: /p' "$0" >&2
    exit 2
    ;;
esac
