#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Uses the command as a person would, on both backends. tests/world runs this as root.
# usage: cli.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
set -u
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"

both() {
    backend=$1 other=$2

    expect 0 shmx create "$backend:/a" 10000 --mode 640
    expect 1 shmx create /a 10000
    warns "^shmx: /a: exists already"
    expect 0 shmx stat a
    says "Size: 10000 (9.8K)"
    says "Mode: 0640"
    says "Owner: root:root"

    expect 0 shmx wait /a
    is "$(cat out)" "$backend:/a"
    expect 1 shmx wait --timeout 0.01 /later
    warns '^shmx: /later: the time is over'
    shmx wait /later >waited &
    shmx create "$backend:/later" 10
    wait $!
    is "$(cat waited)" "$backend:/later"
    expect 0 shmx rm /later

    echo hello | expect 0 shmx write a
    expect 0 shmx read a --count 5
    is "$(cat out)" hello
    echo world | expect 0 shmx write a --offset 9994
    expect 0 shmx read a --offset 9994
    is "$(cat out)" world
    expect 1 shmx read a --offset 9998 --count 5
    warns "there are only 2 bytes"
    expect 1 shmx read a --offset 10001
    warns "past the end"
    echo world | expect 1 shmx write a --offset 9995
    warns "larger than the segment"
    head -c 10001 /dev/zero >large
    expect 1 shmx write a <large
    warns "nothing was written"
    shmx read a --count 5 | grep -q hello || bad 'something was written'
    head -c 20000 /dev/zero | expect 1 shmx write a
    warns "larger than the segment"
    head -c 10000 /dev/urandom >exact
    expect 0 shmx write a <exact
    shmx read a | cmp - exact || bad 'not what was written'

    expect 0 shmx copy a "$other:/b"
    shmx read b | cmp - exact || bad 'not what was copied'
    is "$(shmx ls -r --noheadings -b -P -o NAME,BACKEND,SIZE,MODE | sort | tr '\n' ';')" \
        "/a $backend 10000 0640;/b $other 10000 0640;"
    expect 1 shmx copy a b
    warns "^shmx: b: exists already"
    expect 1 shmx copy missing c
    warns "^shmx: missing: no such segment"

    expect 0 shmx chmod 604 a b
    is "$(shmx ls -r --noheadings -P -o MODE | sort -u)" 0604
    expect 0 shmx chown nobody:nogroup a
    expect 0 shmx stat a
    says "Owner: nobody:nogroup (65534:65534)"
    expect 0 shmx chown 0:0 a
    expect 0 nobody shmx read a --count 1
    expect 1 nobody shmx write a </dev/null
    warns "permission denied"
    expect 1 nobody shmx rm a
    warns "not permitted"
    expect 1 shmx rm missing a b
    warns "^shmx: missing: no such segment"
    is "$(left) $(segments)" '0 0'

    # A segment is filled before anybody can see it, or it is not made.
    expect 0 shmx create "$backend:/f" 10000 --from exact
    shmx read f | cmp - exact || bad 'not what it was filled with'
    expect 0 shmx rm f
    expect 0 shmx create "$backend:/f" 20K --from - <exact
    shmx read f --count 10000 | cmp - exact || bad 'not what it was filled with'
    expect 1 shmx create "$backend:/f" 20K --from - <exact
    warns "exists already"
    expect 0 shmx rm f
    expect 1 shmx create "$backend:/f" 9999 --from exact
    warns "the input is larger than the segment"
    expect 1 shmx create "$backend:/f" 9999 --from missing
    warns "^shmx: missing: No such file"
    expect 1 shmx create "$backend:/f" 9999 --from .
    warns "Is a directory"
    is "$(left) $(segments)" '0 0'

    # A segment is held, and goes with its holder.
    expect 7 shmx create --ephemeral "$backend:/e" 1M -- sh -c 'shmx stat /e >/dev/null && exit 7'
    is "$(left) $(segments)" '0 0'
    expect 143 shmx create --ephemeral "$backend:/e" 1M -- sh -c 'kill $$'
    expect 127 shmx create --ephemeral "$backend:/e" 1M -- ./no-such-command
    mkfifo gate gate2
    shmx create --ephemeral "$backend:/e" 1M -- cat gate &
    creator=$!
    until shmx stat e >/dev/null 2>&1; do sleep 0.01; done
    shmx hold /e -- cat gate2 &
    holder=$!
    until [ "$(shmx ls --noheadings -r -o HOLDERS)" = 2 ]; do sleep 0.01; done
    kill -9 "$creator"
    wait "$creator"
    expect 0 shmx stat e
    says ephemeral
    says "Held by: $holder (shmx)"
    : >gate2
    wait "$holder"
    : >gate
    expect 1 shmx stat e
    rm gate gate2
    expect 0 shmx gc
    is "$(left) $(segments)" '0 0'

    # Ctrl-C interrupts filling. (A background process of a shell ignores SIGINT.)
    mkfifo slow
    env --default-signal=INT shmx create "$backend:/f" 1M --from slow 2>err &
    exec 3>slow
    sleep 0.1
    kill -INT $! 2>/dev/null
    wait $!
    is $? 130
    exec 3>&-
    rm slow
    is "$(left) $(segments)" '0 0'

    # A dead segment is removed.
    shmx create "$backend:/kept" 4K
    expect 0 shmx gc
    says "^left $backend:/kept (unheld: --orphans removes it"
    expect 0 shmx gc --orphans -n
    says "^would remove $backend:/kept"
    expect 0 shmx gc --orphans
    says "^removed $backend:/kept"
    is "$(left) $(segments)" '0 0'

    # The disk is full, and the pipe is closed.
    shmx create "$backend:/w" 4M
    expect 1 sh -c 'shmx read /w >/dev/full'
    warns "^shmx: standard output: No space left"
    # shellcheck disable=SC2016 # for that shell
    expect 1 sh -c '{ shmx read /w; echo $? >status; } | true; exit $(cat status)'
    warns "^shmx: standard output: Broken pipe"
    expect 1 sh -c 'shmx ls >/dev/full'
    shmx rm /w
}

wrong_use() {
    for words in '' 'nothing' 'create' 'create /x' 'create /x 0' 'create /x -1' 'create /x 1X' 'create /x 12KiBs' \
        'create /x 18446744073709551616' 'create /x 99999999999T' 'create /x 1 2' 'create /x 1 --mode 8' 'create /x 1 --mode 1777' \
        'create /x 1 --bogus' 'create /x 1 --backend x' 'create /x 1 --ephemeral' 'create /x 1 -- true' \
        'create 1 --backend posix' 'hold /x' 'hold' 'wait' 'wait /x /y' 'wait /x --timeout x' 'wait /x --timeout -1' 'ls x' 'ls -o NOPE' 'ls --sort nope' 'ls --watch=x' 'ls --watch 0' 'ls --watch 1 2' 'stat' 'read' \
        'read /x --offset -1' 'read /x --count 1e3' 'write' 'copy /x' 'resize /x' 'resize /x y' 'chmod /x' 'chmod 9 /x' 'chown x' \
        'chown no-such-user /x' 'chown : /x' 'pin' 'unpin' 'rm' 'rm --match' 'gc x' 'gc --match' 'gc --older' 'gc --older x' 'gc --older 1x' 'gc --json=1' 'gc -x' 'doctor x' 'write /x --count 1'; do
        # shellcheck disable=SC2086 # words
        expect 2 shmx $words </dev/null
        [ "$(wc -l <err)" = 1 ] || bad "'$words': not one line: $(cat err)"
    done
    is "$(left) $(segments)" '0 0'
    for command in create hold wait ls stat read write copy resize chmod chown pin unpin rm gc doctor; do
        expect 0 shmx $command --help
        says "^usage: shmx $command"
    done
    expect 0 shmx --help
    says '^  doctor '
    expect 0 shmx --version
    is "$(cat out)" 'shmx 1.0.0'
}

sizes() {
    for size in 1:1 1k:1024 2K:2048 3M:3145728 1GiB:1073741824 1MB:1048576 2KiB:2048 7B:7; do
        shmx create --sparse "/size" "${size%:*}" || bad "$size"
        is "$(shmx ls -b -r --noheadings -o SIZE)" "${size#*:}"
        shmx rm /size
    done
}

listing() {
    shmx create posix:/one 1M
    shmx create sysv:/two 3M
    shmx create --sparse sysv:key=0x1234 2M
    id=$(shmx create 5K)
    shmx create "$(printf '/odd\nname\\"')" 1
    shmx ls --json >json
    jq -e 'length == 5' json >/dev/null || bad 'not five segments in JSON'
    is "$(jq -r '.[] | select(.name == "posix:/one") | "\(.size) \(.mode) \(.id) \(.inode)"' json)" \
        "1048576 0600 null $(stat -c %i /dev/shm/one)"
    is "$(jq -r '.[] | select(.backend == "sysv") | "\(.id) \(.key) \(.size) \(.holders) \(.uid) \(.cpid)"' json | sort)" \
        "$(tail -n +2 /proc/sysvipc/shm | awk '{
            key = $1 == 0 ? "null" : sprintf("%.0f", $1 < 0 ? $1 + 4294967296 : $1)
            print $2, key, $4, $7, $8, $5
        }' | sort)"
    is "$(jq -r '.[] | select(.backend == "posix") | "\(.inode) \(.size)"' json | sort)" \
        "$(find /dev/shm -type f -printf '%i %s\n' | sort)"
    jq -e --arg id "$id" '.[] | select(.name == $id) | .state | index("nameless")' json >/dev/null ||
        bad 'the anonymous one is not nameless'
    is "$(shmx ls --noheadings -r -o NAME --sort size | head -n 3 | tr '\n' ' ')" '/two sysv:key=0x1234 /one '
    is "$(shmx ls --noheadings -r -o NAME | grep -c '^/odd\\nname\\\\"$')" 1
    is "$(shmx ls --backend sysv --noheadings | wc -l)" 3
    is "$(shmx ls | awk 'NR == 1 { print $1, $NF }')" 'NAME STATE'
    is "$(shmx ls -o +GROUP,ID | awk 'NR == 1 { print NF }')" 11
    is "$(shmx ls --json -o NAME,SIZE | jq -c '.[0] | keys')" '["name","size"]'
    shmx ls -o CTIME --noheadings -r | grep -q '^20[0-9-]*T[0-9:]*+0000$' || bad "times"
    expect 0 shmx stat "$id" sysv:key=0x1234 sysv:key=4660
    says '0x00001234'
    shmx rm /one /two sysv:key=0x1234 "$id" "$(printf '/odd\nname\\"')"
    is "$(shmx ls --json)" '[]'
    is "$(left) $(segments)" '0 0'
}

foreign() {
    # A program does not know this library. Its mapping is seen, and its object is spared.
    head -c 4096 /dev/zero >/dev/shm/foreign
    is "$(shmx ls --noheadings -r -o NAME,HOLDERS,STATE)" '/foreign 0 unheld'
    mkfifo gate
    "$peer" plain-hold /foreign <gate >mapped &
    exec 3>gate
    until [ -s mapped ]; do sleep 0.01; done
    is "$(shmx ls --noheadings -r -o NAME,HOLDERS)" '/foreign 1'
    expect 0 shmx stat /foreign
    says 'Held by: [0-9]* (peer)'
    expect 0 shmx gc --orphans
    is "$(left)" 1
    exec 3>&-
    wait
    rm gate
    expect 0 shmx gc --orphans
    is "$(left)" 0
}

# Prints what the kernel remembers of uses of System V segments. Looking at segments is no use.
used() { tail -n +2 /proc/sysvipc/shm | awk '{ print "id " $2 ": lpid " $6 ", nattch " $7 ", atime " $12 ", dtime " $13 ", ctime " $14 }'; }
looking() {
    shmx create sysv:/named 4K
    shmx create sysv:key=0x1234 4K
    id=$(shmx create 4K)
    mkfifo gate
    shmx create --ephemeral sysv:/going 4K -- cat gate &
    until shmx stat /going >/dev/null 2>&1; do sleep 0.01; done
    sleep 1.1 # the times are in seconds
    used >before
    for words in 'stat named' 'stat //named' 'stat sysv:/named' 'stat sysv:key=0x1234' 'stat sysv:key=04660' "stat $id" 'stat going' \
        'ls' 'ls --json' 'gc --dry-run' 'gc --dry-run --orphans' doctor; do
        # shellcheck disable=SC2086 # words
        expect 0 shmx $words
        used >after
        cmp -s before after || bad "'shmx $words' changed what is known of a segment: $(diff before after)"
        cp after before
    done
    is "$(tail -n +2 /proc/sysvipc/shm | awk '$7 > 0' | wc -l)" 1
    expect 0 shmx stat going
    says 'State: ephemeral$'
    is "$(shmx ls --noheadings -r -o STATE,NAME | grep going)" 'ephemeral /going'
    : >gate
    wait
    rm gate
    expect 1 shmx stat going
    warns '^shmx: going: no such segment'

    # shellcheck disable=SC2016 # for that shell
    expect 0 shmx hold "$id" -- sh -c 'shmx rm "$1" && shmx stat "$1" && shmx ls --noheadings -r -o STATE,NAME' sh "$id"
    says 'State: destroyed nameless$'
    says "^nameless,destroyed $id\$"
    expect 1 shmx stat "$id"
    for name in sysv:key=0x posix:named sysv:id=-1 sysv:; do
        expect 1 shmx stat "$name"
        warns "^shmx: $name: invalid argument"
    done
    expect 0 shmx rm named sysv:key=0x1234
    is "$(left) $(segments)" '0 0'
}

# A segment with a key can be seen before it is filled. If filling fails, the segment is removed.
keys() {
    head -c 10000 /dev/urandom >exact
    expect 0 shmx create sysv:key=0x51a3 10000 --from exact
    expect 1 shmx create sysv:key=0x51a3 10000 --from exact
    warns 'exists already'
    expect 0 shmx copy sysv:key=0x51a3 sysv:key=0x51a4
    shmx read sysv:key=0x51a4 | cmp - exact || bad 'not what was copied'
    expect 1 shmx create sysv:key=0x51a5 9999 --from exact
    warns 'the input is larger than the segment'
    is "$(segments)" 2
    expect 0 shmx rm sysv:key=0x51a3 sysv:key=0x51a4
    is "$(left) $(segments)" '0 0'
}

resizing() {
    shmx create /r 10
    expect 0 shmx resize /r 1M
    is "$(shmx ls -b --noheadings -r -o SIZE)" 1048576
    expect 0 shmx resize /r 0
    expect 1 shmx copy /r /s
    shmx rm /r
    shmx create sysv:/r 10
    expect 1 shmx resize /r 20
    warns 'System V segments keep the size'
    expect 0 shmx pin /r
    shmx ls | grep -q pinned || bad 'not pinned'
    expect 0 shmx unpin /r
    shmx rm /r
    shmx create posix:/r 10
    expect 2 shmx pin /r
    expect 0 shmx pin /r -- shmx stat /r
    shmx rm /r
}

terminal() {
    # Progress and colours appear only on a real terminal.
    head -c 3000000 /dev/zero >source
    script -qec 'sh -c "{ head -c 1500000 source; sleep 0.8; head -c 1500000 source; } | shmx create /p 3000000 --from -"' /dev/null >typed
    grep -q 'filling .* of .*/s.*left' typed || bad "no progress on a terminal: $(cat -v typed)"
    shmx rm /p
    { head -c 1500000 source; sleep 0.8; head -c 1500000 source; } | expect 0 shmx create /p 3000000 --from -
    [ -s err ] && bad "progress where there is no terminal: $(cat -v err)"
    script -qec 'shmx ls' /dev/null | grep -q "$(printf '\033')" || bad 'no colour on a terminal'
    script -qec 'NO_COLOR=1 shmx ls' /dev/null | grep -q "$(printf '\033')" && bad 'colour with NO_COLOR'
    shmx ls | grep -q "$(printf '\033')" && bad 'colour where there is no terminal'
    shmx rm /p
}

diagnosis() {
    shmx create sysv:/large 4M # nobody knows its pages
    is "$(shmx ls --noheadings -r -o PAGE,NAME)" '- /large'
    expect 0 shmx doctor
    says 'huge pages  '
    says 'huge pages at the first touch .*2048kB' || [ ! -e /sys/kernel/mm/transparent_hugepage/hugepages-2048kB ]
    shmx rm /large
    says 'kernel.shmmni'
    says 'RLIMIT_MEMLOCK'
    says '/dev/shm .* free'
    echo 1 >/proc/sys/kernel/shmmni
    id=$(shmx create 1)
    expect 1 shmx doctor
    says '^BAD .*kernel.shmmni'
    expect 1 shmx create sysv:/x 1
    warns 'no space.*shmx doctor'
    shmx rm "$id"
    echo 4096 >/proc/sys/kernel/shmmni
    mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
    expect 0 shmx doctor
    says '^note .*/dev/shm'
    head -c 64M /dev/zero >/dev/shm/full
    expect 1 shmx doctor
    says '^BAD .*/dev/shm'
    expect 1 shmx create /x 1M
    warns 'no space'
    umount /dev/shm
}

both posix sysv
both sysv posix
wrong_use
sizes
listing
foreign
looking
keys
resizing
terminal
diagnosis
is "$(left) $(segments)" '0 0'
finish 'the command does what it should'
