#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The header documents errors that were once returned without being documented.
# usage: documented.sh HEADER
set -eu
export LC_ALL=C

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

here=$(dirname "$0")
awk -f "$here/../man/header.awk" -f "$here/documented.awk" "$1" | tr -d '{}",' | sed 's/^ *//; s/ *$//' | sort >"$dir/documented"
sort >"$dir/expected" <<END
shmx_destroy -EACCES
shmx_destroy -EBUSY
shmx_destroy -EMFILE
shmx_destroy -EPERM
shmx_open -EPERM
shmx_publish -EBUSY
shmx_remove -EBUSY
shmx_resize -EPERM
shmx_stat_name -EACCES
shmx_stat_name -EINVAL
shmx_stat_name -EISDIR
shmx_stat_name -ELOOP
shmx_stat_name -ENODEV
shmx_stat_name -ENOENT
shmx_stat_name -EXDEV
END
comm -23 "$dir/expected" "$dir/documented" >"$dir/missing"
diff /dev/null "$dir/missing"
