#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the command reads, copies and makes: numbers are exact, holes stay holes, and messages say
# what is needed. tests/world runs this as root.
# usage: cli_data.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
set -u
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"

resident() { shmx ls --json | jq --arg name "$1" '.[] | select(.name == $name) | .resident'; }

numbers() { # [USER]
    for size in 0100:100 08:8 0x100:256 010K:10240 1KiB:1024 0x1f:31 9:9 00:bad 0x:bad 1i:bad '+1:bad' ' 1:bad' 1KK:bad 1e3:bad \
        16E:bad 8E:bad 0x0x1000:bad 0X10:bad 18446744073709551616:bad; do
        if [ "${size#*:}" = bad ]; then
            expect 2 "$@" shmx create --sparse /size "${size%:*}"
        else
            expect 0 "$@" shmx create --sparse /size "${size%:*}"
            is "$size: $("$@" shmx ls -b -r --noheadings -o SIZE)" "$size: ${size#*:}"
            expect 0 "$@" shmx rm /size
        fi
    done
    shmx create /ten 10 --from - <<END
123456789
END
    is "$(shmx read /ten --offset 08 --count 01)" 9
    shmx rm /ten
    shmx create /ten 10
    for seconds in 0 00 0.0 0.25 999999999.9999999999; do
        expect 0 shmx wait --timeout "$seconds" /ten
    done
    for seconds in '' . .5 1.5.5 0,5 -0 +0 ' 0' 0x1p3 1e0 inf nan 1000000000 0.5s; do
        expect 2 shmx wait --timeout "$seconds" /ten
        warns "not a number of seconds: '"
    done
    expect 2 shmx wait /ten --timeout
    warns "'--timeout' needs a value"
    expect 2 shmx wait -t 0 /ten
    shmx rm /ten
    expect 2 shmx read /ten --count 18446744073709551615
    # the last --backend counts
    expect 0 shmx create /ten 10 --backend posix --backend sysv
    is "$(shmx ls --noheadings -r -o BACKEND,NAME,BACKEND --backend posix --backend sysv)" 'sysv /ten'
    is "$(shmx ls --json -o NAME,name,Name)" "$(shmx ls --json -o name)"
    shmx rm /ten
    # references are those of the library, in every subcommand
    shmx create sysv:key=010 4K
    is "$(shmx stat --json sysv:key=10 sysv:key=0xa sysv:key=010 | jq -c 'map(.key)')" '[10,10,10]'
    for name in sysv:id=x sysv:id= sysv:key=08x sysv:id=-1 sysv:key=0; do
        for command in stat read rm 'chmod 600'; do
            # shellcheck disable=SC2086 # words
            expect 1 shmx $command "$name"
            warns "^shmx: $name: invalid argument"
        done
    done
    shmx rm sysv:key=0xa
}

# Reading leaves no page behind, and copies keep their holes.
sparse() { # BACKEND OTHER [USER]
    backend=$1 other=$2
    shift 2
    "$@" shmx create --sparse "$backend:/s" 8M
    echo text | "$@" shmx write /s --offset 5M
    before=$(resident "$backend:/s")
    "$@" shmx read /s >whole
    is "$(wc -c <whole) $(dd if=whole bs=1M skip=5 count=1 status=none | head -c 4) $(tr -d '\0' <whole | wc -c)" '8388608 text 5'
    is "$("$@" shmx read /s --offset 5242880 --count 4)" text
    is "$("$@" shmx read /s --offset 5242878 --count 3 | od -An -c | tr -d ' ')" '\0\0t'
    is "$backend $* $(resident "$backend:/s")" "$backend $* $before"
    for to in "$backend" "$other"; do
        expect 0 "$@" shmx copy /s "$to:/c"
        "$@" shmx read /c | cmp - whole || bad "not what was copied to $to"
        [ "$(resident "$to:/c")" -le 65536 ] || bad "a copy on $to has lost its holes: $(resident "$to:/c")"
        "$@" shmx rm /c
    done
    "$@" shmx rm /s
    # A segment that is reserved has a copy that is reserved.
    if [ "$backend" = posix ]; then
        "$@" shmx create "$backend:/s" 1M
        "$@" shmx copy /s "$backend:/c"
        is "$(resident "$backend:/c")" 1048576
        "$@" shmx rm /s /c
    fi
}

# If a segment shrinks while it is copied or read, the command says so.
shrinking() {
    cat >shrink.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/types.h>
static int times;
/* 8 bytes are what the library reads of /proc/self/pagemap. */
static void shrink(size_t n) { if (n > 8 && ++times == 2) { int r = truncate("/dev/shm/s", 1100000); (void)r; } }
ssize_t pread64(int fd, void *b, size_t n, off64_t at) { shrink(n); return ((ssize_t (*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64"))(fd, b, n, at); }
ssize_t pread(int fd, void *b, size_t n, off_t at) { return pread64(fd, b, n, at); }
END
    ${CC:-cc} -w -shared -fPIC -o shrink.so shrink.c -ldl || bad 'no compiler'
    for command in 'copy /s /c' 'copy /s sysv:/c' 'read /s'; do
        head -c 4M /dev/urandom | shmx create /s 4M --from -
        # shellcheck disable=SC2086 # words
        expect 1 env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$PWD/shrink.so" shmx $command
        warns '^shmx: /s: it shrank while it was read'
        is "$(left) $(segments)" '1 0'
        shmx rm /s
    done
}

# The segment gets the size of the file.
sizes_of_files() {
    head -c 12345 /dev/urandom >file
    for words in "/f --from file" "--from file sysv:/f" "/f --from -" "/f 12345 --from file"; do
        # shellcheck disable=SC2086 # words
        expect 0 shmx create $words <file
        is "$(shmx ls -b -r --noheadings -o SIZE)" 12345
        shmx read /f | cmp - file || bad 'not the file'
        shmx rm /f
    done
    expect 0 shmx create --from file
    shmx read "$(cat out)" | cmp - file || bad 'not the file'
    shmx rm "$(cat out)"
    expect 0 shmx create --from file 20K
    is "$(shmx ls -b -r --noheadings -o SIZE)" 20480
    shmx rm "$(cat out)"
    # shellcheck disable=SC2002 # a pipe
    cat file | expect 2 shmx create /f --from -
    expect 2 shmx create /f --from /dev/null
    expect 1 shmx create /f --from missing
    expect 1 shmx create /f 4K --from /proc/self/mem
    warns '^shmx: /proc/self/mem: Input/output error'
    # a read with less than 8 bytes, which that file refuses
    expect 1 shmx create /f 4 --from /proc/self/pagemap
    warns '^shmx: /proc/self/pagemap: Invalid argument'
    # what could be a size is no name
    expect 2 shmx create --from file 1.5G
    warns "not a size: '1.5G'"
    # from where it stands
    { head -c 12000 >/dev/null; expect 0 shmx create /f --from -; } <file
    is "$(shmx ls -b -r --noheadings -o SIZE)" 345
    shmx rm /f
}

# Messages say what is needed, and what there is.
reasons() {
    mount -t tmpfs -o size=1m,nr_inodes=10,mode=1777 tmpfs /dev/shm
    expect 1 shmx create /f 2M
    warns 'no space: the segment needs 2.0M, and all of /dev/shm has 1.0M'
    head -c 900K /dev/zero >/dev/shm/large
    expect 1 shmx create /f 512K
    warns 'no space: the segment needs 512K, and /dev/shm has 1.0M, of which 124K are left'
    expect 1 shmx resize large 1500K
    warns 'no space: the segment needs 1.5M, and all of /dev/shm has 1.0M'
    (cd /dev/shm && touch 1 2 3 4 5 6 7 8 9) 2>/dev/null
    expect 1 shmx create /f 4K
    warns 'no inode left'
    expect 1 shmx create sysv:/f 4K
    warns 'no inode left'
    umount /dev/shm
    is "$(segments)" 0

    echo 4096 >/proc/sys/kernel/shmmax
    expect 1 shmx create sysv:/f 8K
    warns 'the segment needs 8192 bytes, and kernel.shmmax allows 4096'
    echo 18446744073692774399 >/proc/sys/kernel/shmmax
    echo 10 >/proc/sys/kernel/shmall
    expect 1 shmx create sysv:/f 1M
    warns 'the segment needs 256 pages, and kernel.shmall allows 10'
    echo 18446744073692774399 >/proc/sys/kernel/shmall
    expect 1 sh -c 'ulimit -c 0; ulimit -f 1; shmx create /f 1M'
    warns 'the segment needs 1.0M, and this process may make files of at most'

    expect 1 shmx create posix:/f 1 --backend sysv
    warns 'the name and --backend contradict each other'
    expect 1 shmx create sysv:/f 1 --backend posix
    warns 'the name and --backend contradict each other'
    expect 1 shmx create sysv:id=1 1
    warns 'the kernel chooses the id'
    expect 1 shmx create /f 1 --ephemeral --mode 400 -- true
    warns 'must be able to read and write'
    expect 1 shmx create sysv:key=1 1 --ephemeral -- true
    warns 'a raw key cannot be ephemeral'
    expect 1 shmx create /f 1E
    warns 'too large: 1152921504606846976 bytes cannot be mapped'
    expect 1 shmx create a/b 1
    warns 'a NAME is /frames'

    shmx create posix:/f 1
    expect 1 shmx create sysv:/f 1
    warns "exists already, as a POSIX segment ('shmx rm posix:/f' removes it)"
    expect 1 shmx copy /f sysv:/f
    warns 'exists already, as a POSIX segment'
    expect 1 shmx create /f 1
    warns "^shmx: /f: exists already.*'shmx rm' removes it"
    shmx rm /f
    shmx create sysv:/f 1
    expect 1 shmx create /f 1
    warns "exists already, as a System V segment ('shmx rm sysv:/f' removes it)"
    shmx rm /f
    ln -s /etc/passwd /dev/shm/f
    expect 1 shmx create /f 1
    warns 'a symbolic link that this library has not made'
    rm /dev/shm/f
}

# An owner can restore a right that he has taken from himself.
modes() {
    for name in /m sysv:/m sysv:key=0x51a3; do
        expect 0 nobody shmx create "$name" 4K
        expect 0 nobody shmx chmod 0 "$name"
        expect 1 nobody shmx read "$name"
        expect 0 nobody shmx chmod 640 "$name"
        is "$(shmx ls -r -P --noheadings -o MODE)" 0640
        expect 0 nobody shmx read "$name"
        nobody shmx chmod 0 "$name"
        expect 1 setpriv --reuid 1 --regid 1 --clear-groups env PATH="$PATH" shmx chmod 640 "$name"
        is "$(shmx ls -r -P --noheadings -o MODE)" 0000
        nobody shmx rm "$name"
    done
    # by the id, if no name can become stale of that
    expect 0 nobody shmx create sysv:key=0x51a3 4K --mode 0
    expect 0 nobody shmx chmod 640 "sysv:id=$(shmx ls -r --noheadings -o ID)"
    is "$(shmx ls -r -P --noheadings -o MODE)" 0640
    nobody shmx rm sysv:key=0x51a3
    id=$(nobody shmx create 4K --mode 0)
    expect 1 nobody shmx chmod 640 "$id"
    warns 'permission denied'
    is "$(shmx ls -r -P --noheadings -o MODE)" 0000
    nobody shmx rm "$id"
    expect 1 shmx create --ephemeral /e 4K -- shmx chmod 400 /e
    warns 'must be able to read and write it'
}

for LC_ALL in C C.UTF-8; do
    export LC_ALL
    numbers
    numbers nobody
    for as in '' nobody; do
        sparse posix sysv $as
        sparse sysv posix $as
    done
done
shrinking
sizes_of_files
reasons
modes
finish 'the command is exact'
