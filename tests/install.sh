#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is installed is what a consumer needs: through pkg-config, shared and static, and through
# find_package; and libbsd stays our own affair.
# usage: install.sh BUILD-DIRECTORY
set -eu

build=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=${CC:-cc}

say() { echo "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

say 'staged with DESTDIR'
DESTDIR=$dir/stage cmake --install "$build" >"$dir/log"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
find "$dir/stage$prefix" -name libshmx.so.1.0.0 | grep -q . || fail 'no library below DESTDIR'

say 'installed below a prefix'
cmake --install "$build" --prefix "$dir/usr" >"$dir/log"
lib=$(dirname "$(find "$dir/usr" -name libshmx.so)")
for f in libshmx.so libshmx.so.1 libshmx.so.1.0.0 libshmx.a pkgconfig/libshmx.pc \
    cmake/shmx/shmxConfig.cmake cmake/shmx/shmxConfigVersion.cmake; do
    [ -e "$lib/$f" ] || fail "$f is missing"
done
[ -e "$dir/usr/include/shmx.h" ] || fail 'shmx.h is missing'

say 'a program, through pkg-config'
cat >"$dir/use.c" <<'END'
#include <shmx.h>
#include <stdio.h>
int main(void)
{
    struct shmx *seg;
    int r = shmx_create(NULL, 100, 0600, 0, &seg);
    if (r < 0)
        return 1;
    printf("%s %d\n", shmx_version(), (int)shmx_size(seg));
    shmx_close(seg);
    return 0;
}
END
export PKG_CONFIG_PATH="$lib/pkgconfig"
pc() { pkg-config --define-variable=prefix="$dir/usr" --define-variable=libdir="$lib" \
    --define-variable=includedir="$dir/usr/include" "$@" libshmx; }
pkg-config --validate libshmx
[ "$(pkg-config --modversion libshmx)" = 1.0.0 ] || fail 'the version'
case "$(pc --cflags) $(pc --libs)" in *bsd*) fail 'libbsd reaches the consumer' ;; esac
# shellcheck disable=SC2046 # flags are words
$cc -o "$dir/shared" "$dir/use.c" $(pc --cflags --libs)
[ "$(LD_LIBRARY_PATH=$lib "$dir/shared")" = '1.0.0 100' ] || fail 'the shared program'

say 'a static program, through pkg-config --static'
# shellcheck disable=SC2046
$cc -static -o "$dir/static" "$dir/use.c" $(pc --cflags --libs --static)
[ "$("$dir/static")" = '1.0.0 100' ] || fail 'the static program'

say 'programs, through find_package'
mkdir "$dir/project"
cp "$dir/use.c" "$dir/project"
cat >"$dir/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(use C)
find_package(shmx 1.0 REQUIRED)
add_executable(use use.c)
target_link_libraries(use shmx::shmx)
add_executable(use-static use.c)
target_link_libraries(use-static shmx::shmx-static)
END
cmake -S "$dir/project" -B "$dir/project/build" -DCMAKE_PREFIX_PATH="$dir/usr" -DCMAKE_C_COMPILER="$cc" >"$dir/log"
cmake --build "$dir/project/build" >"$dir/log"
[ "$("$dir/project/build/use")" = '1.0.0 100' ] || fail 'the program of CMake'
[ "$("$dir/project/build/use-static")" = '1.0.0 100' ] || fail 'the static program of CMake'
