# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What the scripts share. To be sourced, from the top of the tree.

say() { printf '\n==> %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Install the Debian packages of these that are not there yet.
need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            missing="$missing $package"
    done
    [ -z "$missing" ] && return
    say "installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # words
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# A bare chroot has no /proc, no terminals, and a /dev/shm that is part of its disk: lend it all three
# until we end.
borrowed=
give_back() {
    for mount in $borrowed; do as_root umount "$mount"; done
}
borrow() { # TYPE DIRECTORY
    say "mounting $2, which is missing here, for as long as this runs"
    as_root mkdir -p "$2"
    as_root mount -t "$1" -o "${3:-rw}" "$1" "$2"
    borrowed="$2 $borrowed"
}
need_mounts() {
    trap give_back EXIT
    trap 'exit 130' INT TERM
    [ -e /proc/self/ns/ipc ] || borrow proc /proc
    [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || borrow tmpfs /dev/shm mode=1777
    [ -e /dev/pts/ptmx ] || borrow devpts /dev/pts ptmxmode=666
}
