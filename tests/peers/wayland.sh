#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A real Wayland compositor shows what is drawn into a sealed segment. To be run by world.
# usage: wayland.sh DIRECTORY-OF-THE-EXAMPLES
set -eu

dir=$(mktemp -d)
weston=
stop() {
    [ -z "$weston" ] || kill "$weston"
    rm -rf "$dir"
}
trap stop EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
await() { # FILE TEXT
    tries=0
    until grep -qs "$2" "$1"; do
        [ $((tries += 1)) -le 400 ] || fail "no \"$2\" in $1: $(cat "$1")"
        sleep 0.05
    done
}

cd "$dir"
chmod 700 .
export XDG_RUNTIME_DIR="$dir" WAYLAND_DISPLAY=frame
printf '[shell]\n%s\n' startup-animation=none animation=none locking=false panel-position=none >weston.ini
weston --config="$dir/weston.ini" --backend=headless-backend.so --use-pixman --shell=desktop-shell.so --width=640 --height=480 --debug \
    --socket=$WAYLAND_DISPLAY --idle-time=0 >log 2>&1 </dev/null &
weston=$!
await log 'launching .*weston-desktop-shell'
mkfifo end
"$1/wayland-frame" <end >drawn.ppm 2>said &
frame=$!
exec 3>end
await said shown
weston-screenshooter
exec 3>&-
wait $frame || fail "$(cat said)"
pngtopnm wayland-screenshot-*.png | tail -c 921600 >shown
[ "$(wc -c <shown)" = 921600 ] || fail 'no picture'
tail -c 921600 drawn.ppm | cmp - shown || fail 'the picture is another one'
[ -z "$(ls -A /dev/shm)" ] || fail "left $(ls -A /dev/shm)"
