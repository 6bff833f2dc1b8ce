#compdef shmx
# SPDX-License-Identifier: BSD-2-Clause
# Completion of shmx(1) for zsh. Anybody can choose names in /dev/shm. compadd takes them as they
# are and quotes them.

_shmx_names() {
    local -a names
    names=("${(@0)$(shmx ls --zero -o NAME 2>/dev/null)}")
    case $PREFIX in
    posix:* | sysv:*) names=("${PREFIX%%:*}:${(@)^${(@M)names:#/*}}" "${(@M)names:#sysv:*}") ;;
    /* | '') ;;
    *) names=("${(@)${(@)names:#/(-|posix:|sysv:)*}#/}") ;; # without the slash, these mean something else
    esac
    compadd -a names
}

_shmx() {
    local -a commands
    commands=(
        'create:make a segment' 'hold:keep a segment open while a command runs'
        'wait:wait until there is a segment of that name'
        'ls:list all segments' 'stat:print all about segments, and who holds them'
        'read:copy a segment to standard output' 'write:copy standard input into a segment'
        'copy:make a segment with the contents of another one' 'resize:grow or shrink a POSIX segment'
        'chmod:set permissions' 'chown:change owner and group'
        'pin:lock a segment in RAM' 'unpin:let segments be swapped out again'
        'rm:remove segments' 'gc:remove what dead processes have left' 'doctor:check limits and settings'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local backend='--backend[the backend]:backend:(posix sysv)' help='--help[print the help]'
    case $words[2] in
    create)
        _arguments $backend $help '--mode[the permissions]:octal mode:(600 640 644 660 666)' '--from[fill the segment from this file]:file:_files' \
            '--huge[use huge pages]' '--sparse[do not reserve memory]' '--ephemeral[the segment goes with its last holder]' '*:' ;;
    ls)
        _arguments $backend $help {-J,--json}'[print JSON]' {-b,--bytes}'[print sizes in bytes]' \
            {-o,--output}'[columns]:columns:' {-r,--raw}'[align nothing]' {-0,--zero}'[print exact names]' \
            {-P,--numeric-perms}'[print permissions in octal]' {-s,--sort}'[sort]:column:(name size resident age holders)' \
            '--noheadings[print no headings and no total]' '--watch[print the list again and again]' ;;
    stat) _arguments $help {-J,--json}'[print JSON]' '*:name:_shmx_names' ;;
    wait) _arguments $help '--timeout[wait no longer than this]:seconds:' '2:name:' ;;
    read) _arguments $help '--offset[begin at this byte]:size:' '--count[the number of bytes]:size:' '2:name:_shmx_names' ;;
    write) _arguments $help '--offset[begin at this byte]:size:' '2:name:_shmx_names' ;;
    copy) _arguments $help $backend '*:name:_shmx_names' ;;
    chmod) _arguments $help '2:mode:(600 640 644 660 666 400 440 444)' '*:name:_shmx_names' ;;
    chown) _arguments $help '2:owner:_users' '*:name:_shmx_names' ;;
    rm) _arguments $help '--match[remove all that match]' '*:name:_shmx_names' ;;
    gc)
        _arguments $help {-n,--dry-run}'[remove nothing]' '--orphans[remove persistent ones, too]' '--match[remove only these]:pattern:' \
            '--older[remove only what is older]:age:' '--foreign[also remove names of segments of other IPC namespaces]' {-J,--json}'[print JSON]' ;;
    doctor) _arguments $help {-J,--json}'[print JSON]' ;;
    *) _arguments $help '*:name:_shmx_names' ;;
    esac
}

_shmx "$@"
