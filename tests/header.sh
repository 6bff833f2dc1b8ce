#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The header compiles alone, first and twice, as strict C99 and as C++17.
# usage: header.sh DIRECTORY-OF-THE-HEADER
set -eu

printf '#include <shmx.h>\n#include <shmx.h>\nstruct shmx_stat st;\n' |
    ${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$1" -x c -
printf '#include <shmx.h>\nint main() { shmx *seg; return shmx_create("/x", 1, 0600, SHMX_POSIX | SHMX_SPARSE, &seg); }\n' |
    ${CXX:-c++} -std=c++17 -pedantic -Wall -Wextra -Wconversion -Werror -fsyntax-only -I"$1" -x c++ -
