#compdef shmx
# SPDX-License-Identifier: BSD-2-Clause
# Completion of shmx(1) for zsh. Names in /dev/shm are anybody's: compadd takes them as they are, and quotes them.

_shmx_names() {
    local -a names
    names=("${(@0)$(shmx ls --zero -o NAME 2>/dev/null)}")
    case $PREFIX in
    posix:* | sysv:*) names=("${PREFIX%%:*}:${(@)^${(@M)names:#/*}}" "${(@M)names:#sysv:*}") ;;
    /* | '') ;;
    *) names=("${(@)${(@)names#/}:#-*}") ;;
    esac
    compadd -a names
}

_shmx() {
    local -a commands
    commands=(
        'create:make a segment' 'hold:keep a segment open while a command runs'
        'wait:wait until there is a segment'
        'ls:list all segments' 'stat:tell all about segments, and who holds them'
        'read:copy a segment to standard output' 'write:copy standard input into a segment'
        'copy:make a segment with the contents of another' 'resize:grow or shrink a POSIX segment'
        'chmod:set permissions' 'chown:change owner and group'
        'pin:lock a segment in RAM' 'unpin:let it be swapped out again'
        'rm:remove segments' 'gc:clean up what is dead' 'doctor:check limits and settings'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local backend='--backend[which backend]:backend:(posix sysv)' help='--help[tell how it is used]'
    case $words[2] in
    create)
        _arguments $backend $help '--mode[permissions]:octal mode:(600 640 644 660 666)' '--from[fill it]:file:_files' \
            '--huge[huge pages]' '--sparse[do not reserve]' '--ephemeral[goes with its last holder]' '*:' ;;
    ls)
        _arguments $backend $help {-J,--json}'[for programs]' {-b,--bytes}'[sizes in bytes]' \
            {-o,--output}'[columns]:columns:' {-r,--raw}'[nothing aligned]' {-0,--zero}'[exact names]' \
            {-P,--numeric-perms}'[octal]' {-s,--sort}'[sort]:column:(name size resident age holders)' \
            '--noheadings[without headings and total]' '--watch[again and again]' ;;
    stat) _arguments $help {-J,--json}'[for programs]' '*:name:_shmx_names' ;;
    wait) _arguments $help '--timeout[at most so long]:seconds:' '2:name:' ;;
    read) _arguments $help '--offset[from there on]:size:' '--count[so many bytes]:size:' '2:name:_shmx_names' ;;
    write) _arguments $help '--offset[from there on]:size:' '2:name:_shmx_names' ;;
    copy) _arguments $help $backend '*:name:_shmx_names' ;;
    chmod) _arguments $help '2:mode:(600 640 644 660 666 400 440 444)' '*:name:_shmx_names' ;;
    chown) _arguments $help '2:owner:_users' '*:name:_shmx_names' ;;
    rm) _arguments $help '--match[all that match]' '*:name:_shmx_names' ;;
    gc)
        _arguments $help {-n,--dry-run}'[remove nothing]' '--orphans[persistent ones, too]' '--match[only these]:pattern:' \
            '--older[only what is older]:age:' '--foreign[names of all other IPC namespaces]' {-J,--json}'[for programs]' ;;
    doctor) _arguments $help {-J,--json}'[for programs]' ;;
    *) _arguments $help '*:name:_shmx_names' ;;
    esac
}

_shmx "$@"
