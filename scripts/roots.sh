# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Clean roots of Debian to work in, and checks that print a line each. Root sources this, with $out
# set to the directory for logs. The roots are in the directory $dir, which goes when the script
# ends.
unshare --mount --ipc --pid --fork true ||
    give_up "scripts/${0##*/} makes mounts in namespaces of its own, and cannot make them here. From a mere chroot, and in" \
        'a container without CAP_SYS_ADMIN, the kernel refuses them: run it on the machine itself.'
# The tree may belong to somebody else. Whoever runs this script trusts it.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$dir"
rm -rf "$out"
mkdir -p "$out"

# check WORDS COMMAND...: writes the output to a log, and shows the end of the log after a failure.
checks=0
check() {
    words=$1
    checks=$((checks + 1))
    log=$out/$checks.log
    shift
    # The command is not a condition, because then it would not end at its first failure.
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    if [ $status != 0 ]; then
        tail -n 40 "$log" | cut -c 1-300
        printf 'FAIL  %s: %s\n' "$words" "$log"
        exit 1
    fi
    printf 'ok    %s\n' "$words"
}

# enter ROOT [OPTION OF UNSHARE]... -- COMMAND...: runs the command with what a machine has mounted,
# in namespaces of its own in which ROOT is the root. In a mere chroot the tests could not make
# their namespaces.
enter() {
    root=$1
    shift
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    # shellcheck disable=SC2086,SC2016 # words; the inner shell's
    unshare --mount --ipc --pid --uts --fork --kill-child $options sh -euc '
        root=$1
        shift
        mount --bind "$root" "$root"
        cd "$root"
        mount -t proc proc proc
        mount -t tmpfs -o mode=1777 tmpfs dev/shm
        mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
        pivot_root . mnt
        exec chroot . sh -euc "umount -l /mnt; exec \"\$@\"" sh "$@"' sh "$root" "$@"
}
inside() { # ROOT COMMAND...
    root=$1
    shift
    enter "$root" -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
        ${http_proxy:+http_proxy="$http_proxy"} "$@"
}

# Names the tree as it is now, with the files that git knows, for git archive. In a copied tree, git
# stash fails because git remembers other attributes of the files, unless the index is refreshed.
snapshot() {
    git update-index -q --refresh >/dev/null || true
    tree=$(git stash create)
    echo "${tree:-HEAD}"
}

# A mirror of testing may be out of date.
make_roots() { # RELEASE NAME...
    mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' "$1" "$dir/base.tar"
    shift
    for root in "$@"; do
        mkdir "$dir/$root"
        tar xf "$dir/base.tar" -C "$dir/$root"
        cp /etc/resolv.conf /etc/hosts "$dir/$root/etc/"
        inside "$dir/$root" apt-get update -qq
    done
}
