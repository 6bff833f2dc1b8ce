#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A real X server shows what is drawn into segments, with a name and without, by id and by
# descriptor. The picture is left as a PNG. tests/world runs this.
# usage: x11.sh DIRECTORY-OF-THE-EXAMPLES PNG
set -eu

dir=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server"
    rm -rf "$dir"
}
trap stop EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cd "$dir"
Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp 3>display 2>log &
server=$!
while [ ! -s display ]; do
    kill -0 $server || fail "the X server does not start: $(cat log)"
    sleep 0.05
done
DISPLAY=:$(cat display)
export DISPLAY
for how in sysv sysv:/frame posix posix:/frame; do
    rm -f x11-frame.ppm
    "$1/x11-frame" $how 3 || fail "$how"
    pnmtopng x11-frame.ppm >frame.png 2>log || fail "$(cat log)"
    pngtopnm frame.png | tail -c 192000 >shown
    tail -c 192000 x11-frame.ppm | cmp - shown || fail "$how: the PNG"
    [ -z "$(ls -A /dev/shm)" ] || fail "$how: left $(ls -A /dev/shm)"
done
mv frame.png "$2"
