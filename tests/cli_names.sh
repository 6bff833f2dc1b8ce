#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# 3,000 names that are meant to hurt, of all bytes except / and NUL. They come out of every
# subcommand as they went in, nothing is executed, and people see only printable characters. This is
# tried as root and as another user, in two locales. tests/world runs this.
# usage: cli_names.sh DIRECTORY-OF-THE-COMMAND LIBRARY PEER
# shellcheck disable=SC2016 # what hostile names look like
set -u
tests=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/cli_lib.sh
. "$tests/cli_lib.sh"
cp "$tests/../cli/shmx.bash" "$tests/../cli/shmx.zsh" "$tests/cli_complete.bash" "$dir/lib"
chmod 1777 "$dir/work"
random=${RANDOM_NAMES:-3000}

# All that a name may be: names that have hurt before, and random ones of this round's own. They begin with a slash, and a zero byte ends them.
make_names() { # SEED
    perl -e 'srand($ARGV[0]); my %names; binmode STDOUT;
    my @bad = (q($(touch executed)), q(`touch executed`), q(${x:-$(touch executed)}), q("), q(\x27), q(\x27"$x), "-rf", "--help", "*", "[a", "a b",
        " ", "\\", "\\n", "a\nb", "\n", "a\tb", "\e[31mred\e[0m", "\e]0;title\a", "\x9b31m", "\xc2\x9b31m", "x\r1 segment", "\x7f",
        "\xc3\xa9t\xc3\xa9", "\xe6\xbc\xa2\xe5\xad\x97", "\xe2\x80\xaeknil", "a\xcc\x81", "\xff\xfe", "\xed\xa0\x80", "\xf0\x9f\x98\x80", ";\xd5\\\xb8H",
        "\xc0\xaf", "posix:", "sysv:key=1", "sysv:id=0", "posix:hex=61", "=", ":", "a:b", "a=b", "~", "#x", "!x", "x;touch executed",
        "x|touch executed", "x>executed", "x&", "null", "{a,b}", "a" x 255);
    $names{$_} = 1 for @bad;
    while (keys %names < $ARGV[1] + @bad) {
        my $n = join "", map { chr(1 + int rand 255) } 1 .. 1 + int rand 24;
        $n =~ tr{/}{}d;
        $names{$n} = 1 unless $n eq "" || $n =~ /^\.\.?$/ || $n =~ /^\.shmx-/;
    }
    print "/$_\0" for keys %names;' "$1" "$((random / 6))" >names
    count=$(tr -cd '\0' <names | wc -c)
    sort -z names >sorted
}

# Checks the output as a terminal would take it: only printable characters of the locale, and
# newlines.
printable() { # WHAT <OUTPUT
    perl -e 'local $/; my $t = <STDIN>;
        utf8::decode($t) || die "no UTF-8" if $ARGV[0] =~ /UTF-8/;
        die sprintf "U+%04x", ord $1 if $ARGV[0] =~ /UTF-8/ ? $t =~ /([^\n\p{Print}]|(?!\n)[\p{DI}\p{Bidi_C}\p{Cc}\p{Zl}\p{Zp}])/ : $t =~ /([^\n -~])/' "$LC_ALL" ||
        bad "$1 prints what is not printable, in $LC_ALL"
}
# Prints the names of JSON as they are. A name that is not UTF-8 or has a newline is in hexadecimal
# digits.
exact() {
    jq -j '.[].name + "\u0000"' | perl -0 -pe 's{^(posix|sysv):hex=([0-9a-f]+)\0}{"/" . pack("H*", $2) . "\0"}e || s{^(posix|sysv):}{}'
}
same() { # WHAT FILE
    sort -z "$2" | cmp -s - sorted || bad "$1: not the names that were given, in $LC_ALL"
}
[ "$(id -u)" = 0 ] && as_user() { if [ "$user" = nobody ]; then nobody "$@"; else "$@"; fi; }

everything() { # as $user, on $backend
    as_user xargs -0 -n 1 sh -c 'shmx create "$0:$1" 1 || exit 255' "$backend" <names || bad 'not made'
    is "$(left)" "$count"
    find /dev/shm -mindepth 1 -printf '/%f\0' >found
    same 'what is there' found

    as_user shmx ls --zero >found
    same 'ls --zero' found
    as_user shmx ls >out
    printable ls <out
    is "$(wc -l <out)" "$((count + 3))"
    as_user shmx ls -r -o NAME,SIZE --noheadings >out
    printable 'ls --raw' <out
    is "$(awk 'NF == 2' out | wc -l)" "$count"
    is "$(sort -u out | wc -l)" "$count"

    as_user shmx ls --json >out
    printable 'ls --json' <out
    is "$(jq length out)" "$count"
    exact <out >found
    same 'ls --json' found
    # Names that are UTF-8 and fit into a line are printed as they are.
    jq -r '.[].name' out | grep -v "^$backend:hex=" >plain
    tr '\n' '\r' <names | tr '\0' '\n' | LC_ALL=C.UTF-8 grep -ax '.*' | sed "s/^/$backend:/" |
        grep -v "$(printf '\r')" | sort >expected
    sort plain | grep -v "$(printf '\r')" | cmp -s - expected || bad 'a name that is UTF-8 is not there as it is'
    jq -r '.[].name' out | as_user xargs -d '\n' shmx stat --json >told || bad 'stat by the names of ls --json'
    exact <told >found
    same 'stat --json by the names of ls --json' found
    as_user xargs -0 shmx stat <names >out || bad 'stat'
    printable stat <out
    is "$(grep -c '^      Name: ' out)" "$count"
    as_user shmx gc --orphans --dry-run --json >out
    printable 'gc --json' <out
    exact <out >found
    same gc found
    as_user shmx gc --orphans --dry-run >out
    printable gc <out
    is "$(grep -c '^would remove ' out)" "$count"
    # The names appear in messages, and as the name of a process.
    as_user xargs -0 -n 500 sh -c 'shmx create "$0" 1; shmx rm "/missing$1"; shmx "$2"; shmx ls "$3" --nope"$4" -o "$5"; shmx chmod "$6"' \
        <names >/dev/null 2>err
    [ -s err ] || bad 'no messages'
    printable 'a message' <err

    as_user "$dir/lib/cli_complete.bash" "$dir/lib/shmx.bash" shmx rm / >found
    same 'completion' found
    as_user "$dir/lib/cli_complete.bash" "$dir/lib/shmx.bash" shmx stat "$backend" : / >found
    same "completion after $backend:" found

    # The exact names, the names of JSON and patterns all lead to the segments.
    head -z -n "$((count / 3))" names | as_user xargs -0 shmx rm || bad 'rm'
    as_user shmx ls --json >out
    jq -r '.[].name' out | head -n "$((count / 3))" | as_user xargs -d '\n' shmx rm || bad 'rm by the names of JSON'
    is "$(left)" "$((count - count / 3 - count / 3))"
    as_user shmx gc --orphans --match '*' >out
    printable gc <out
    is "$(left)" 0
    [ -e executed ] && bad 'something was executed'
    find . -newer names -name executed | grep -q . && bad 'something was executed'
}

echo "seed ${SEED:=$$}"
for round in 'posix root C' 'posix root C.UTF-8' 'posix nobody C' 'posix nobody C.UTF-8' 'sysv root C.UTF-8' 'sysv nobody C'; do
    # shellcheck disable=SC2086 # words
    set -- $round
    backend=$1 user=$2
    export LC_ALL="$3"
    make_names "$SEED"
    SEED=$((SEED + 1))
    everything
done

# What bash offers, and where.
export LC_ALL=C
offers() { # EXPECTED WORD...
    expected=$1
    shift
    is "$*: $("$dir/lib/cli_complete.bash" "$dir/lib/shmx.bash" shmx "$@" | sort -z | tr '\0' ' ')" "$*: $expected"
}
for name in frames 'two words' fra:me 'x$(touch executed)' '-x' "it's" posix:frames sysv:key=0x5432; do shmx create "/$name" 1; done
shmx create sysv:key=0x51a3 1
offers '/frames ' rm /frame
offers 'frames ' rm frame
offers 'fra:me frames ' rm fra
offers 'me ' rm fra : m
offers 'me ' rm fra :
offers '/fra:me /frames ' rm posix : /fr
offers '' rm pos
offers 'sysv:key=0x51a3 ' rm sys
offers '/sysv:key=0x5432 ' rm /sys
offers '0x51a3 ' rm sysv : key = 0x
offers 'key=0x51a3 ' rm sysv : key
offers '/two words ' rm /two
offers '/two words ' rm '/two\ '
offers 'two words ' rm '"tw'
offers "/it's " rm /it
offers '' rm "'/it"
offers '/x$(touch executed) ' rm /x
offers '--help --match ' rm -
offers '400 440 444 600 640 644 660 666 ' chmod ''
offers '600 640 644 660 666 ' chmod 6
offers '/frames ' chmod 600 /frames
offers 'root ' chown roo
offers '/frames ' chown root /frames
offers '' gc ''
offers '--dry-run ' gc --d
offers 'posix ' ls --backend p
offers 'chmod chown copy create ' c
[ -e executed ] && bad 'something was executed'

# The names of files are completed by bash itself, so this takes a bash at a terminal. The line that it completes is run.
cat >rc <<END
. $dir/lib/shmx.bash
shmx() { printf '%s\\0' "\$@" >got; }
END
for name in 'aa;touch executed;#' 'bb$(touch executed)' 'cc`touch executed`' "d d'x" 'ee"$(touch executed)' "$(printf 'ff\ntouch executed')" 'gg*' 'hh!x'; do
    : >"$name"
    printf 'shmx create /x --from ./%.2s\t\nexit\n' "$name" | sed 's/ \t/\\ \t/' |
        timeout -k 1 20 script -qec 'bash --noprofile --rcfile rc -i' /dev/null >typed 2>&1 # a quote may be left open
    printf '%s\0' create /x --from "./$name" | cmp -s - got || bad "not '$name' is run: $(tr '\0' ' ' <got)"
    [ -e executed ] && bad "the name '$name' was executed"
    rm -f got executed "$name"
done

# zsh, in a terminal of its own: what is typed is what would be run.
if command -v zsh >/dev/null; then
    typed() { # EXPECTED TEXT
        LC_ALL=C.UTF-8 TEXT=$2 zsh -f -c '
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell "PS1= PROMPT= RPROMPT=; unsetopt zle_bracketed_paste; fpath=($FPATH_ADDED); autoload -U compinit; compinit -u -D; compdef _shmx shmx
                autoload -U +X _shmx; got() { print -rN -- \"\$BUFFER\" >got; exit }; zle -N got; bindkey \"^G\" got; bindkey \"^I\" complete-word; print READY"
            zpty -r shell line "*READY*READY*"
            zpty -w -n shell "$TEXT"$'"'\\t\\a'"'
            for i in {1..50}; do [ -s got ] && break; sleep 0.1; done
            zpty -d shell' >/dev/null 2>&1
        is "$2: $(tr '\0' '\n' <got)" "$2: $1"
        rm -f got
    }
    mkdir -p "$dir/zsh"
    cp "$dir/lib/shmx.zsh" "$dir/zsh/_shmx"
    FPATH_ADDED="$dir/zsh $(zsh -f -c 'print -r -- $fpath')"
    export FPATH_ADDED
    typed 'shmx rm /frames ' 'shmx rm /frame'
    typed 'shmx rm frames ' 'shmx rm frame'
    typed 'shmx rm posix:/frames ' 'shmx rm posix:/frame'
    typed 'shmx rm /two\ words ' 'shmx rm /tw'
    typed 'shmx rm /x\$\(touch\ executed\) ' 'shmx rm /x'
    typed 'shmx rm sysv:key=0x51a3 ' 'shmx rm sysv:k'
    typed 'shmx rm pos' 'shmx rm pos'
    typed 'shmx rm sysv:key=0x51a3 ' 'shmx rm sys'
    typed 'shmx chmod 6' 'shmx chmod 6'
    [ -e executed ] && bad 'something was executed'
else
    echo 'no zsh here'
fi
shmx rm --match '*' 'sysv:*'

# The command takes and prints a name that no text can contain.
expect 0 shmx create posix:hex=ff0a 1
is "$(find /dev/shm -mindepth 1 -printf '%f' | od -An -tx1)" ' ff 0a'
is "$(shmx ls --json | jq -r '.[].name')" posix:hex=ff0a
expect 0 shmx wait --timeout 0 posix:hex=Ff0A
is "$(cat out)" posix:hex=ff0a
expect 0 shmx create sysv:hex=ff 1
is "$(shmx ls --json --backend sysv | jq -r '.[].name')" sysv:hex=ff
expect 0 shmx rm posix:hex=ff0a sysv:hex=ff
for name in posix:hex= posix:hex=f posix:hex=2f posix:hex=00 posix:hex=zz posix:hex=6162f; do
    expect 1 shmx create "$name" 1
    warns '^shmx: .*: invalid argument'
done

# A process gives itself a name, and maps a file with such a path.
shmx create /frames 1
mkfifo gate
perl -e 'open my $f, "<", "/dev/shm/frames"; $0 = "\e[31m\xff\nx"; open my $g, "<", "gate"; <$g>' &
until shmx stat /frames | grep -q 'Held by'; do sleep 0.05; done
sleep 0.2
for LC_ALL in C C.UTF-8; do
    export LC_ALL
    shmx stat /frames >out
    printable 'a process' <out
    grep -q 'Held by: [0-9]* (\\033\[31m\\377\\nx)' out || bad "not the process: $(cat -v out)"
    shmx stat --json /frames | jq -e '.[0].processes[0].name | contains("[31m")' >/dev/null || bad 'not the process in JSON'
done
exec 3>gate
exec 3>&-
wait
shmx rm /frames

# Columns are as wide as they look.
export LC_ALL=C.UTF-8
for name in a 'été' '漢字'; do shmx create "/$name" 1; done
is "$(shmx ls -o NAME,SIZE --noheadings | perl -CS -ne 's/\p{Han}/xx/g; print index($_, " 1B"), "\n"' | sort -u | wc -l)" 1
shmx rm --match '*'
finish "$random random names came out as they went in, and those that have hurt before"
