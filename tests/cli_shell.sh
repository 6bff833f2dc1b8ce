#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The command among descriptors, signals and terminals as shells and cron leave them. tests/world
# runs this as root.
# usage: cli_shell.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
# shellcheck disable=SC2016 # for the shells that are started
set -u
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"

# No segment gets the number of a closed descriptor, so nothing is written into it or read from it
# by mistake.
closed_descriptors() {
    shmx create /frames 4096
    head -c 4096 /dev/zero >zero
    shmx hold /frames -- ./no-such-command 2>&-
    shmx hold /frames -- sh -c 'echo "$0" >&2' 2>&-
    shmx pin /frames 2>&-
    shmx read /frames --count 99999 >/dev/null 2>&-
    shmx stat /frames >&- 2>err
    is "$?" 1
    grep -q 'standard output: Bad file descriptor' err || bad "a closed standard output: $(cat err)"
    shmx hold /frames -- sh -c 'echo text' >&- 2>/dev/null
    shmx read /frames >&- 2>err
    is "$?" 1
    shmx read /frames | cmp - zero || bad 'something was written into the segment'
    shmx write /frames <&- 2>err
    is "$?" 1
    grep -q 'standard input: Bad file descriptor' err || bad "a closed standard input: $(cat err)"
    shmx create /other 4096 --from - <&- 2>err
    is "$?" 1
    grep -q 'standard input: Bad file descriptor' err || bad "a closed standard input: $(cat err)"
    [ -e /dev/shm/other ] && bad 'made of nothing'
    # COMMAND finds these descriptors closed as well.
    shmx hold /frames -- sh -c 'ls /proc/$$/fd' 2>&- <&- >found
    grep -q -x -e 0 -e 2 found && bad "not closed for COMMAND: $(cat found)"
    shmx rm /frames
}

# If the name of an anonymous segment cannot be printed, the segment is not left.
lost_output() {
    shmx create 4096 >/dev/full 2>err
    is "$? $(segments)" '1 0'
    shmx create 4096 >&- 2>err
    is "$? $(segments)" '1 0'
    shmx create --ephemeral 4096 -- true >/dev/full 2>err
    is "$? $(segments)" '1 0'
    sh -c '{ sleep 0.2; shmx create 4096 2>/dev/null; } | true'
    is "$(segments)" 0
    for end in '>&-' '>/dev/full' '2>&-' '2>/dev/full' '>&- 2>&-'; do
        sh -c "shmx create --ephemeral /e 4096 -- ./no-such-command $end" 2>/dev/null
        is "$end: $?" "$end: 127"
        sh -c "shmx create --ephemeral /e 4096 -- . $end" 2>/dev/null
        is "$end: $?" "$end: 126"
    done
}

# It is no failure if nobody reads a list to its end.
broken_pipes() {
    shmx create /frames 4096
    for words in 'ls -r' 'ls' 'ls --json' 'stat /frames' 'doctor' '--help' 'gc --orphans -n'; do
        sh -c "{ sleep 0.1; shmx $words; } 2>err | true"
        [ -s err ] && bad "'shmx $words' complains of a broken pipe: $(cat err)"
    done
    shmx rm /frames
}

# Signals that a process ignores, or that have their usual action.
ignored() { awk '/^SigIgn/ { print $2 }' /proc/self/status; }
signals() {
    # As under nohup.
    : >said
    nohup shmx create --ephemeral /e 4096 -- sh -c 'echo started; sleep 0.5; echo ended' >said 2>&1 &
    until grep -q started said; do sleep 0.01; done
    kill -HUP $!
    wait $!
    is "$? $(tail -n 1 said)" '0 ended'
    mkfifo slow
    nohup shmx create /f 1M --from slow >said 2>&1 &
    exec 3>slow
    sleep 0.2
    kill -HUP $!
    echo text >&3
    exec 3>&-
    wait $!
    is "$? $(shmx read /f --count 4)" '0 text'
    shmx rm /f
    rm slow

    # while another one fills a segment of that name, a signal ends who waits for it
    mkfifo slow
    shmx create /f 4096 --from slow &
    first=$!
    exec 3>slow
    until [ "$(left)" != 0 ]; do sleep 0.01; done
    env --default-signal=INT timeout -s KILL 20 shmx create /f 4096 --from /dev/null 3>&- 2>err &
    sleep 0.3
    kill -s INT $! || bad 'it did not wait'
    wait $!
    is "$?" 130
    exec 3>&-
    wait $first
    is "$?" 0
    shmx rm /f
    rm slow
    # after the filling, a signal still keeps COMMAND from running, and nothing is left
    cat >late.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>
static int filled;
ssize_t read(int fd, void *buf, size_t count)
{
    const ssize_t r = ((ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read"))(fd, buf, count);

    filled |= r == 0;
    return r;
}
int linkat(int from, const char *of, int to, const char *name, int flags)
{
    if (filled)
        raise(SIGINT);
    return ((int (*)(int, const char *, int, const char *, int))dlsym(RTLD_NEXT, "linkat"))(from, of, to, name, flags);
}
END
    ${CC:-cc} -w -shared -fPIC -o late.so late.c -ldl || bad 'no compiler'
    for words in '--ephemeral /f 4096 --from - -- touch executed' '/f 4096 --from -'; do
        # shellcheck disable=SC2086 # words
        echo text | expect 130 env --default-signal=INT ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$PWD/late.so" shmx create $words
        [ -e executed ] && bad 'the command ran in spite of the signal'
        is "$(left)" 0
    done
    # without SIGCHLD there is still a status
    is "$(sh -c "trap '' CHLD; shmx create --ephemeral /e 4096 -- sh -c 'exit 7'; echo \$?")" 7
    is "$(sh -c "trap '' CHLD; exec shmx create --ephemeral /e 4096 -- sh -c 'trap'")" "$(sh -c "trap '' CHLD; sh -c trap")"

    # A signal that is sent to shmx is passed on to COMMAND.
    for signal in USR1 USR2 TERM HUP INT QUIT ALRM WINCH RTMIN; do
        : >said
        env --default-signal=INT --default-signal=QUIT \
            shmx create --ephemeral /e 4096 -- bash -c "trap 'echo $signal; exit 3' $signal; echo ready; while :; do sleep 0.05; done" >said &
        until grep -q ready said; do sleep 0.01; done
        kill -s $signal $!
        wait $!
        is "$? $(tail -n 1 said)" "3 $signal"
    done
    # what comes when the command has ended is not for whoever has its pid by then
    cat >late.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>
static int ended;
pid_t waitpid(pid_t pid, int *status, int options)
{
    const pid_t r = ((pid_t (*)(pid_t, int *, int))dlsym(RTLD_NEXT, "waitpid"))(pid, status, options);

    ended = r > 0;
    if (ended)
        raise(SIGTERM);
    return r;
}
int kill(pid_t pid, int signal)
{
    if (ended)
        close(open("sent", O_CREAT, 0600));
    return ((int (*)(pid_t, int))dlsym(RTLD_NEXT, "kill"))(pid, signal);
}
END
    ${CC:-cc} -w -shared -fPIC -o late.so late.c -ldl || bad 'no compiler'
    expect 7 env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$PWD/late.so" shmx create --ephemeral /e 4096 -- sh -c 'exit 7'
    [ -e sent ] && bad 'a signal was sent to the pid of a command that had ended'
    # what is meant for the writer of a file or a pipe does not end the one before the other
    for signal in PIPE XFSZ; do
        : >said
        env --default-signal shmx create --ephemeral /e 4096 -- sh -c 'echo ready; until [ -e go ]; do sleep 0.05; done; exit 7' >said &
        until grep -q ready said; do sleep 0.01; done
        kill -s $signal $!
        : >go
        wait $!
        is "$signal: $?" "$signal: 7"
        rm go
    done
    # what is ignored stays so, for COMMAND, too
    is "$(env --ignore-signal=USR1,PIPE,INT shmx create --ephemeral /e 4096 -- awk '/^SigIgn/ { print $2 }' /proc/self/status)" \
        "$(env --ignore-signal=USR1,PIPE,INT awk '/^SigIgn/ { print $2 }' /proc/self/status)"
    is "$(env --default-signal shmx create --ephemeral /e 4096 -- awk '/^Sig(Ign|Blk)/ { print $2 }' /proc/self/status)" \
        "$(env --default-signal awk '/^Sig(Ign|Blk)/ { print $2 }' /proc/self/status)"
}

# Waits until that many lines of the output match.
watch() { # LINES PATTERN COMMAND...
    lines=$1 pattern=$2
    shift 2
    : >typed
    "$@" >typed 2>/dev/null &
    tries=0
    until [ "$(grep -a -c -e "$pattern" typed)" -ge "$lines" ]; do
        sleep 0.1
        [ $((tries += 1)) -lt 600 ] || { bad "no $lines lines with $pattern: $(cat -v typed)"; break; }
    done
    kill $!
    wait $! 2>/dev/null
}
first_screen() { awk -v RS='\033\\[H' 'NR == 2 { printf "%s", $0 }' typed; }
terminal() {
    shmx create /frames 4096
    colour=$(printf '\033')
    script -qec 'NO_COLOR= shmx ls' /dev/null | grep -q "$colour" || bad 'an empty NO_COLOR counts'
    script -qec 'NO_COLOR= shmx doctor' /dev/null | grep -q "$colour" || bad 'an empty NO_COLOR counts for doctor'
    script -qec 'NO_COLOR=1 shmx ls' /dev/null | grep -q "$colour" && bad 'colours in spite of NO_COLOR'
    head -c 3000000 /dev/zero >source
    for columns in 20 40 200; do
        script -qec "stty cols $columns; { head -c 1500000 source; sleep 0.8; head -c 1500000 source; } |
            shmx create /p 3000000 --from -" /dev/null | tr '\r' '\n' | sed 's/\x1b\[K//' >typed
        grep -q filling typed || bad "no progress on a terminal of $columns columns"
        awk -v columns=$columns 'length > columns - 1 { exit 1 }' typed || bad "it wraps at $columns columns: $(cat typed)"
        shmx rm /p
    done
    # The list is printed in place until it is interrupted.
    watch 3 "$colour\[H$colour\[J.*NAME" script -qec 'stty rows 24; shmx ls --watch 1' /dev/null
    is "$(first_screen | wc -l)" 4
    first_screen | grep -q "^$colour\[J$colour\[?7l.*NAME" || bad 'long lines wrap'
    first_screen | tail -n 1 | grep -q "$colour\[?7h$" || bad 'long lines do not wrap afterwards'
    watch 2 '^/frames$' shmx ls --watch=1 --noheadings -r -o NAME
    is "$(sort -u typed)" /frames
    shmx rm /frames
    for i in $(seq 100); do shmx create "/many-$i" 1; done
    watch 2 '100 segments' script -qec 'stty rows 24; shmx ls --watch 1' /dev/null
    [ "$(first_screen | wc -l)" -lt 24 ] || bad "too many lines for the terminal: $(first_screen)"
    shmx rm --match 'many-*'
}

closed_descriptors
lost_output
broken_pipes
signals
terminal
finish 'the command gets along with shells'
