#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Cleaning up and looking around on many machines: patterns, ages, proof of death, names of
# other namespaces, totals and JSON. tests/world runs this as root.
# usage: cli_fleet.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
# shellcheck disable=SC2016 # for the shells that are started
set -u
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"
: "${peer:?}"

names() { shmx ls --noheadings -r -o NAME | sort | tr '\n' ' '; }
drop="setpriv --reuid 65534 --regid 65534 --clear-groups env PATH=$PATH"
cp "$peer" "$dir/bin/peer"
peer=$dir/bin/peer

collecting() { # BACKEND [USER], who is the owner
    backend=$1
    shift
    for name in psm_1 psm_2 other; do "$@" shmx create "$backend:/$name" 4K; done
    "$@" shmx create sysv:key=0x51a3 4K
    expect 0 "$@" shmx gc --match 'psm_*' --orphans -n
    is "$(sort out | cut -d ' ' -f 1-3 | tr '\n' ';')" "would remove $backend:/psm_1;would remove $backend:/psm_2;"
    expect 0 "$@" shmx gc --match psm_1 '/psm_2' --older 1h --orphans
    is "$(wc -c <out) $(names)" '0 /other /psm_1 /psm_2 sysv:key=0x51a3 '
    sleep 1.1
    expect 0 "$@" shmx gc --match 'psm_*' --older 1 --orphans
    is "$(cut -d ' ' -f 1 out | tr '\n' ' ')$(names)" 'removed removed /other sysv:key=0x51a3 '
    # "p*" does not match every "posix:", and "posix:*" does not match everything.
    "$@" shmx gc --match 'p*' 's*' --orphans >out
    is "$(names)" '/other sysv:key=0x51a3 '
    other=sysv
    [ "$backend" = sysv ] && other=posix
    "$@" shmx gc --match "$other:/*" --orphans >out
    is "$(names)" '/other sysv:key=0x51a3 '
    "$@" shmx gc --match "$backend:/oth?r" --orphans >out
    is "$(names)" 'sysv:key=0x51a3 '
    "$@" shmx gc --match 'sysv:key=*' --orphans --json >out
    json 'map([.name, .action, .reason, .size]) == [["sysv:key=0x51a3", "removed", "unheld", 4096]]'
    expect 0 "$@" shmx gc --json
    is "$(cat out)" '[]'
    is "$(left) $(segments)" '0 0'
}

# What somebody uses is never removed, whoever it is and whatever the use is.
in_use() {
    mkfifo gate
    for name in live psm_live; do head -c 4096 /dev/zero >"/dev/shm/$name"; done
    chmod 666 /dev/shm/*
    : >mapped
    # shellcheck disable=SC2086 # words
    (exec $drop "$peer" plain-hold /psm_live <gate >mapped) &
    holder=$!
    exec 3>gate
    until [ -s mapped ]; do sleep 0.01; done
    expect 0 shmx gc --match '*' --orphans
    is "$(names)" '/psm_live '
    is "$(shmx ls --noheadings -r -o HOLDERS,STATE)" '1 -'
    shmx stat --json /psm_live >out
    json ".[0].holders == 1 and .[0].processes == [{pid: $holder, name: \"peer\"}]"
    # rm --match removes segments of the caller even if they are used, and those of another user
    # only if they are not.
    chown nobody /dev/shm/psm_live
    expect 1 shmx rm --match 'psm_*'
    warns 'no segment that you may remove matches'
    is "$(names)" '/psm_live '
    expect 1 setpriv --reuid 1 --regid 1 --clear-groups env PATH="$PATH" shmx rm --match '*'
    expect 0 nobody shmx rm --match 'psm_*'
    is "$(names)" ''
    # An object is unlinked but still mapped. df counts it, and ls says who has it.
    expect 0 shmx ls
    says '^/dev/shm holds 4.0K more without a name'
    says "^  4.0K by process $holder (peer)"
    exec 3>&-
    wait
    rm gate
    expect 0 shmx ls
    grep -q 'without a name' out && bad "what is gone is counted: $(cat out)"

    for as in root nobody; do
        user=
        [ $as = nobody ] && user=$drop
        # shellcheck disable=SC2086 # words
        for name in /a sysv:/b sysv:key=0x51a3; do $user shmx create "$name" 4K; done
        # shellcheck disable=SC2086 # words
        $user shmx hold /b -- shmx rm --match '*' 'sysv:*' || bad 'not removed'
        is "$(left) $(segments)" '0 0'
    done
    # Root removes segments of others only if they have no holder.
    for name in /a /b sysv:/c sysv:/d; do nobody shmx create "$name" 4K; done
    nobody shmx hold /a -- env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" true
    mkfifo gate
    nobody shmx hold /a -- cat gate &
    nobody shmx hold /c -- cat gate &
    exec 3>gate
    until [ "$(shmx ls --noheadings -r -o HOLDERS | grep -c 1)" = 2 ]; do sleep 0.01; done
    expect 0 shmx rm --match '*'
    is "$(names)" '/a /c '
    exec 3>&-
    wait
    rm gate
    expect 0 shmx rm --match '*'
    is "$(left) $(segments)" '0 0'
}

# If nobody can know whether anybody has an object, the command does not claim to know.
unknown() {
    shmx create /roots 4K --mode 666
    nobody shmx create /own 4K
    shmx create sysv:/roots2 4K --mode 666
    is "$(nobody shmx ls --noheadings -r -o NAME,HOLDERS,STATE | sort | tr '\n' ';')" '/own 0 unheld;/roots - -;/roots2 0 unheld;'
    nobody shmx ls --json >out
    json '.[] | select(.name == "posix:/roots") | .holders == null and .state == []'
    expect 0 nobody shmx stat /roots
    says 'Holders: unknown'
    says 'State: persistent$'
    expect 0 shmx stat /roots
    says 'Holders: 0 processes'
    says 'State: persistent unheld'
    mkfifo gate
    nobody shmx hold /roots -- cat gate &
    exec 3>gate
    until [ "$(nobody shmx ls --noheadings -r -o NAME,HOLDERS | grep /roots)" = "$(printf '/roots 1\n/roots2 0')" ]; do sleep 0.01; done
    expect 0 nobody shmx stat /roots
    says 'State: persistent$'
    exec 3>&-
    wait
    rm gate
    # A dry run does not promise to remove what the caller may not remove.
    expect 0 nobody shmx gc --orphans --dry-run
    is "$(cut -d ' ' -f 1-3 out)" 'would remove posix:/own'
    expect 0 nobody shmx gc --orphans
    is "$(cut -d ' ' -f 1,2 out) $(names)" 'removed posix:/own /roots /roots2 '
    shmx rm /roots /roots2

    # A process of another IPC namespace has another segment with the same id.
    id=$(shmx create 4K)
    unshare --ipc sh -c 'echo "${1#sysv:id=}" >/proc/sys/kernel/shm_next_id
        [ "$(shmx create 8K)" = "$1" ] && { shmx hold "$1" -- sh -c "echo ready; sleep 1" >ready; shmx rm "$1"; }' sh "$id" &
    until [ -s ready ]; do sleep 0.01; done
    shmx stat "$id" --json >out
    json '.[0].processes == [] and .[0].holders == 0'
    wait
    shmx rm "$id"
}

# What /proc does not show is not said to be unheld, and what a stranger writes there is not believed.
unseen() {
    mkfifo gate
    : >mapped
    shmx create /alone 4K
    "$peer" leaderless /alone <gate >mapped &
    exec 3>gate
    until [ -s mapped ]; do sleep 0.01; done
    is "$(shmx ls --noheadings -r -o NAME,HOLDERS,STATE)" '/alone - -'
    exec 3>&-
    wait
    is "$(shmx ls --noheadings -r -o NAME,HOLDERS,STATE)" '/alone 0 unheld'
    head -c 4096 /dev/zero >file
    mount --bind file /dev/shm/alone
    exec 4<file
    is "$(shmx ls --noheadings -r -o NAME,HOLDERS,STATE)" '/alone - -'
    exec 4<&-
    umount /dev/shm/alone
    shmx rm /alone

    # in a new namespace, the ids of segments are 0, 1, 2 and 3, and 3 is an inode of a new file system, too
    PEER=$peer unshare --ipc --mount --propagation private sh -c '
        for id in 0 1 2 3; do shmx create 4K; done >ids
        [ "$(tail -n 1 ids)" = sysv:id=3 ] || exit
        mount -t tmpfs none /dev/shm
        for file in SYSV1 SYSV2 SYSV3 SYSV4; do
            head -c 4096 /dev/zero >/dev/shm/$file
            [ "$(stat -c %i /dev/shm/$file)" = 3 ] && break
        done
        : >mapped
        "$PEER" plain-hold /$file <gate >mapped &
        exec 3>gate
        until [ -s mapped ]; do sleep 0.01; done
        umount --lazy /dev/shm
        grep -q " 3 *//*SYSV" /proc/$!/maps || echo "not as it should be: $(cat /proc/$!/maps)"
        shmx stat --json sysv:id=3 >out
        shmx hold sysv:id=3 -- shmx stat --json sysv:id=3 >held
        exec 3>&-
        wait'
    json '.[0].processes == []'
    is "$(jq -c '.[0].processes | map(.name)' held)" '["shmx"]'
    rm gate
}

# A name leads into an IPC namespace that is gone.
foreign() {
    unshare --ipc shmx create sysv:/gone 4K
    expect 0 shmx ls --json
    json '.[0] | .name == "sysv:/gone" and (.state | index("foreign")) and .holders == null and .resident == null'
    expect 0 shmx ls
    says '^/gone .*foreign'
    says '^1 name of other IPC namespaces'
    expect 1 shmx create sysv:/gone 4K
    warns "as the name of a System V segment of another IPC namespace ('shmx rm' removes only the name)"
    expect 1 shmx stat /gone
    warns "out of reach.*'shmx rm' removes only the name"
    expect 0 nobody shmx gc
    expect 0 nobody shmx gc --foreign
    is "$(names)" '/gone '
    expect 0 shmx rm /gone
    warns '^shmx: /gone: only the name was removed: the segment is in another IPC namespace'
    is "$(left)" 0
    # With --foreign the name is removed.
    unshare --ipc shmx create sysv:/gone 4K
    expect 0 shmx gc --foreign --dry-run
    says '^would remove sysv:/gone (only the name'
    expect 0 shmx gc --foreign --match 'other*'
    is "$(names)" '/gone '
    expect 0 shmx gc --foreign
    says '^removed sysv:/gone (only the name'
    is "$(left)" 0
    # never by itself: all that keeps this namespace is a descriptor, which was opened through a mount that is gone
    : >mounted
    unshare --ipc sh -c 'shmx create sysv:/lives 4K; mount --bind /proc/self/ns/ipc mounted'
    exec 4<mounted
    umount -l mounted
    unshare --ipc shmx create sysv:/gone 4K
    expect 0 shmx gc
    expect 0 shmx gc --orphans
    expect 1 nobody shmx rm --match '*'
    is "$(names)" '/gone /lives '
    is "$(nsenter --ipc=/proc/self/fd/4 shmx ls --noheadings -r -o NAME,STATE | grep lives)" '/lives unheld'
    chown --no-dereference nobody /dev/shm/gone /dev/shm/lives
    expect 1 shmx rm --match '*'
    is "$(names)" '/gone /lives '
    exec 4>&-
    expect 0 shmx gc --foreign
    is "$(left)" 0
}

totals() {
    shmx create /a 1M
    shmx create --sparse sysv:/b 3M
    expect 0 shmx ls
    is "$(tail -n 1 out)" '2 segments, 4.0M, 1.0M resident'
    expect 0 shmx ls --bytes --backend sysv
    is "$(tail -n 1 out)" '1 segment, 3145728, 0 resident'
    for words in '-r' '--json' '--noheadings' '--zero'; do
        # shellcheck disable=SC2086 # words
        shmx ls $words | grep -q -a 'segment' && bad "a total with $words"
    done
    # Memory without a name is shown, as much as df counts.
    exec 4<>/dev/shm/nameless
    head -c 20M /dev/zero >&4
    rm /dev/shm/nameless
    mkdir /dev/shm/directory
    head -c 1M /dev/zero >/dev/shm/directory/file
    expect 0 shmx ls
    says '^/dev/shm holds 20M more without a name'
    says "^  20M by process $$ ("
    exec 4>&-
    rm -r /dev/shm/directory
    # no word of memory that has a name which the caller cannot see
    mkdir -m 700 /dev/shm/directory
    head -c 1M /dev/zero >/dev/shm/directory/file
    expect 0 nobody shmx ls
    grep -q 'without a name' out && bad "what cannot be seen is said to be unlinked: $(cat out)"
    mount -t tmpfs tmpfs /dev/shm/directory
    expect 0 shmx ls
    grep -q 'without a name' out && bad "what is covered is said to be unlinked: $(cat out)"
    umount /dev/shm/directory
    mkdir -m 1777 /dev/shm/part
    mount --bind /dev/shm/part /dev/shm
    expect 0 shmx ls
    grep -q 'without a name' out && bad "what is elsewhere is said to be unlinked: $(cat out)"
    umount /dev/shm
    rm -r /dev/shm/directory /dev/shm/part
    for name in 1 2 3; do truncate -s 9223372036854775807 /dev/shm/holes$name; done
    shmx rm a b
    expect 0 shmx ls --bytes
    is "$(tail -n 1 out)" '3 segments, 18446744073709551615, 0 resident'
    rm /dev/shm/holes?
    expect 0 shmx ls
    is "$(tail -n 1 out)" '0 segments, 0B, 0B resident'
}

doctor() {
    for as in '' nobody; do
        expect 0 $as shmx doctor --json
        json 'length > 8 and all(.[]; .finding == "ok" or .finding == "note") and (map(.what) | index("kernel.shmmni"))'
    done
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /etc/systemd
    mkdir -p /run/systemd/system /run/systemd/logind.conf.d /etc/systemd/logind.conf.d
    remove_ipc() { # EXPECTED
        shmx doctor | grep -q "^$1 *logind RemoveIPC" || bad "RemoveIPC: not $1: $(shmx doctor | grep RemoveIPC)"
    }
    remove_ipc note
    for value in no off false 0 n f No OFF ' no '; do
        printf '[Login]\nRemoveIPC=%s\n' "$value" >/etc/systemd/logind.conf
        remove_ipc ok
    done
    printf '[Login]\n  RemoveIPC = off\n' >/etc/systemd/logind.conf
    remove_ipc ok
    printf '[Login]\n#RemoveIPC=no\n[Other]\nRemoveIPC=no\n' >/etc/systemd/logind.conf
    remove_ipc note
    printf '[Login]\nRemoveIPC=no\n' >/run/systemd/logind.conf.d/50-ours.conf
    remove_ipc ok
    printf '[Login]\nRemoveIPC=yes\n' >/etc/systemd/logind.conf.d/40-theirs.conf
    remove_ipc ok
    # This file hides that of /run.
    printf '[Login]\nRemoveIPC=yes\n' >/etc/systemd/logind.conf.d/50-ours.conf
    remove_ipc note
    rm /etc/systemd/logind.conf.d/*
    printf '[Login]\nRemoveIPC=true\n' >/run/systemd/logind.conf.d/60-more.conf
    remove_ipc note
    umount /run /etc/systemd
}

for LC_ALL in C C.UTF-8; do
    export LC_ALL
    for as in '' nobody; do
        collecting posix $as
        collecting sysv $as
    done
    in_use
    unknown
    unseen
    foreign
    totals
done
doctor
finish 'the command keeps a fleet clean'
