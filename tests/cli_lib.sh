# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What the tests of the command share. Scripts source this that world runs as root with the
# arguments DIRECTORY-OF-THE-COMMAND LIBRARY PEER.
if grep -q deny /proc/self/setgroups; then
    echo 'skipped: there are no other users in this user namespace' >&2
    exit 77
fi
# shellcheck disable=SC2034 # for the script that sources this
peer=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Another user may have no access to the build directory.
mkdir "$dir/bin" "$dir/lib" "$dir/work"
cp "$1/shmx" "$dir/bin"
cp "$2" "$dir/lib/libshmx.so.1"
chmod -R a+rX "$dir"
PATH=$dir/bin:$PATH
export LD_LIBRARY_PATH="$dir/lib"
cd "$dir/work" || exit 1
failures=0
export LC_ALL=C

# expect STATUS COMMAND...: leaves the output in ./out and ./err
expect() {
    wanted=$1
    shift
    "$@" >out 2>err
    got=$?
    [ "$got" = "$wanted" ] || bad "exit $got, not $wanted: $*: $(cat err)"
}
bad() {
    printf 'FAILED: %s\n' "$*" >&2
    failures=$((failures + 1))
}
says() { grep -q -e "$1" out || bad "no '$1' on standard output: $(cat out)"; }
warns() {
    grep -q -e "$1" err || bad "no '$1' on standard error: $(cat err)"
    [ "$(wc -l <err)" = 1 ] || bad "more than a line on standard error: $(cat err)"
}
is() { [ "$1" = "$2" ] || bad "'$1' is not '$2'"; }
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env PATH="$PATH" "$@"; }
left() { find /dev/shm -mindepth 1 -printf x | wc -c; }
segments() { tail -n +2 /proc/sysvipc/shm | wc -l; }
json() { jq -e "$1" out >/dev/null || bad "not so in JSON: $1: $(cat out)"; }
finish() {
    is "$(left) $(segments)" '0 0'
    [ "$failures" = 0 ] || exit 1
    echo "$1"
}
