# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What the scripts share. Source this from the top of the tree. It sees the arguments of the script.

# The comment at the top of a script is its help.
usage() { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "scripts/${0##*/}"; }
wrong_use() {
    usage >&2
    exit 2
}
case ${1-} in
-h | --help)
    usage
    exit
    ;;
esac

say() { printf '\n==> %s\n' "$*"; }
give_up() { # LINE...
    printf '%s\n' '' "$@" >&2
    exit 1
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
# Starts the script again as root, with the arguments that it had.
be_root() {
    [ "$(id -u)" != 0 ] || return 0
    can_be_root || give_up "scripts/${0##*/} makes mounts and roots, so it needs root, and there is no sudo here."
    exec sudo "scripts/${0##*/}" "$@"
}
# The tests make namespaces. Without root or sudo, that is possible only in a user namespace.
in_namespaces() {
    if can_be_root; then as_root "$@"; else unshare --user --map-root-user "$@"; fi
}

# Installs those of these Debian packages that are missing.
install() {
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # words
    { can_be_root && say "installing$missing" && install $missing; } ||
        give_up 'These packages of Debian are needed, and could not be installed from here. As root, please:' \
            "    apt-get install --no-install-recommends$missing" \
            'With them scripts/demo and scripts/test work for an ordinary user, too. The library alone needs' \
            'gcc, libc6-dev, make, cmake, pkgconf and libbsd-dev; README.md says how to build it by hand.'
}

# A bare chroot has no /proc, no terminals, and a /dev/shm that is part of its disk. The script
# mounts all three until it ends.
borrowed=
give_back() {
    for mount in $borrowed; do as_root umount "$mount"; done
}
borrow() { # TYPE DIRECTORY
    {
        can_be_root && say "mounting $2, which is missing here, for as long as this runs" &&
            as_root mkdir -p "$2" && as_root mount -t "$1" -o "${3:-rw}" "$1" "$2"
    } || give_up "A $1 is needed on $2, and could not be mounted from here. As root, please:" \
        "    mount -t $1 -o ${3:-rw} $1 $2"
    borrowed="$2 $borrowed"
}
need_mounts() {
    trap give_back EXIT
    trap 'exit 130' INT TERM
    [ -e /proc/self/ns/ipc ] || borrow proc /proc
    [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || borrow tmpfs /dev/shm mode=1777
    [ -e /dev/pts/ptmx ] || borrow devpts /dev/pts ptmxmode=666
}

# Many tests wait for most of their time, so two of them share a processor.
tests_at_once() { echo "$(($(nproc) * 2))"; }

build() { # PRESET [ARGUMENT OF CMAKE --BUILD]...
    preset=$1
    shift
    say "building in build/$preset"
    mkdir -p build
    { cmake --preset "$preset" && cmake --build "build/$preset" -j "$(nproc)" "$@"; } >"build/$preset.log" 2>&1 || {
        tail -n 50 "build/$preset.log" >&2
        give_up "The build failed; all of its output is in build/$preset.log."
    }
}
