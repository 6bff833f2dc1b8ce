#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is installed is what a consumer needs with pkg-config, shared and static, and with
# find_package.
# usage: install.sh BUILD-DIRECTORY
set -eu

build=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

say() { echo "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

say 'staged with DESTDIR'
DESTDIR=$dir/stage cmake --install "$build" >"$dir/log"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
find "$dir/stage$prefix" -name libshmx.so.1.0.0 | grep -q . || fail 'no library below DESTDIR'

say 'installed below a prefix'
cmake --install "$build" --prefix "$dir/usr" >"$dir/log"
lib=$(dirname "$(find "$dir/usr" -name libshmx.so)")
for f in "$lib/libshmx.so" "$lib/libshmx.so.1" "$lib/libshmx.so.1.0.0" "$lib/libshmx.a" "$lib/pkgconfig/libshmx.pc" \
    "$lib/cmake/shmx/shmxConfig.cmake" "$lib/cmake/shmx/shmxConfigVersion.cmake" "$dir/usr/include/shmx.h" \
    "$dir/usr/share/man/man3/shmx_write.3" "$dir/usr/share/man/man7/shmx.7"; do
    [ -e "$f" ] || fail "$f is missing"
done

export PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib" CMAKE_PREFIX_PATH="$dir/usr"
export PKG_CONFIG="pkg-config --define-variable=prefix=$dir/usr --define-variable=libdir=$lib \
    --define-variable=includedir=$dir/usr/include"
pkg-config --validate libshmx
[ "$(pkg-config --modversion libshmx)" = 1.0.0 ] || fail 'the version'
for way in pkg-config static cmake; do
    say "a program, through $way"
    "$here/consumer.sh" $way
done
