#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A PostgreSQL server is in the middle of a parallel query. shmx ls and stat show its segments as
# the kernel knows them, and shmx gc touches none of them. tests/world runs this.
# usage: postgresql.sh DIRECTORY-OF-THE-COMMAND posix | sysv
set -eu
export LC_ALL=C

dir=$(mktemp -d)
chmod 755 "$dir"
# The user of the server may have no access to the build directory, but this script has.
PATH=$1:$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1):$PATH
kind=$2
fail() { echo "FAILED: $*" >&2; cat "$dir/log" >&2; exit 1; }
server() { setpriv --reuid 65534 --regid 65534 --clear-groups env PATH="$PATH" HOME="$dir" "$@"; }
stop() {
    [ ! -d "$dir/data" ] || server pg_ctl -D "$dir/data" stop -m immediate >/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
query() { server psql -h "$dir" -X -At -d postgres -c "$1"; }

mkdir "$dir/data"
chown 65534:65534 "$dir" "$dir/data"
server initdb -D "$dir/data" -A trust --no-sync >"$dir/initdb"
cat >>"$dir/data/postgresql.conf" <<END
dynamic_shared_memory_type = $kind
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
max_parallel_workers_per_gather = 2
END
server pg_ctl -D "$dir/data" -l "$dir/log" -w start >/dev/null || fail 'the server does not start'
query 'create table numbers as select generate_series(1, 20000) as n' >/dev/null
query 'analyze numbers' >/dev/null
query 'explain select sum(n) from numbers where pg_sleep(0.0002) is not null' | grep -q 'Workers Planned: 2' ||
    fail 'the query would not be a parallel one'
query 'select sum(n) from numbers where pg_sleep(0.0002) is not null' >"$dir/sum" &
asking=$!
while [ "$(query "select count(*) from pg_stat_activity where backend_type = 'parallel worker'")" != 2 ]; do
    kill -0 $asking || fail 'the query is over too early'
    sleep 0.05
done

# Prints each object as stat(1) shows it, and each segment as the table of the kernel does.
known() {
    case $kind in
    posix) (cd /dev/shm && stat -c '%n %s %U %a' PostgreSQL.*) | sort ;;
    sysv) awk 'NR > 1 { print $2, $4, $7 }' /proc/sysvipc/shm | sort ;;
    esac
}
# Repeats this until nothing has changed meanwhile, because the workers may still be attaching.
known >"$dir/before"
until shmx ls --json >"$dir/ls.json" && known >"$dir/known" && cmp -s "$dir/before" "$dir/known"; do
    mv "$dir/known" "$dir/before"
done
case $kind in
posix)
    jq -r '.[] | select(.backend == "posix") | "\(.name | sub("^(posix:)?/"; "")) \(.size) \(.owner) \(.mode | sub("^0"; ""))"' \
        "$dir/ls.json" | sort >"$dir/shown"
    name=posix:/$(awk 'NR == 1 { print $1 }' "$dir/known")
    ;;
sysv)
    jq -r '.[] | select(.backend == "sysv") | "\(.id) \(.size) \(.holders)"' "$dir/ls.json" | sort >"$dir/shown"
    jq -e 'all(.[]; .owner == "nobody" and .holders >= 1)' "$dir/ls.json" >/dev/null || fail 'owner or holders'
    name=sysv:id=$(awk 'NR == 1 { print $1 }' "$dir/known")
    ;;
esac
[ "$(wc -l <"$dir/known")" -ge 2 ] || fail "too few segments: $(cat "$dir/known")"
diff "$dir/known" "$dir/shown" >&2 || fail 'shmx ls shows something else than the kernel'
[ "$kind" = sysv ] || jq -e '[.[] | select(.backend == "posix")] | all(.owner == "nobody" and .holders >= 1) and any(.holders >= 3)' \
    "$dir/ls.json" >/dev/null || fail "owner or holders: $(cat "$dir/ls.json")"
shmx stat "$name" | grep -qw "$(awk 'NR == 1 { print $2 }' "$dir/known")" || fail "shmx stat: another size: $(shmx stat "$name")"
shmx stat "$name" | grep -q postgres || fail "shmx stat does not name the processes: $(shmx stat "$name")"

removed=$(shmx gc 2>&1) || fail "shmx gc: $removed"
shmx ls --json | jq -r '.[].name' | sort >"$dir/after"
jq -r '.[].name' "$dir/ls.json" | sort | comm -23 - "$dir/after" >"$dir/gone"
[ ! -s "$dir/gone" ] || fail "gone after shmx gc: $(cat "$dir/gone")"
wait $asking || fail 'the query failed'
[ "$(cat "$dir/sum")" = 200010000 ] || fail "the query said $(cat "$dir/sum")"
