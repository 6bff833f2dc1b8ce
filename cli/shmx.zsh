#compdef shmx
# SPDX-License-Identifier: BSD-2-Clause
# Completion of shmx(1) for zsh.

_shmx_names() {
    local -a names
    names=(${(f)"$(shmx ls --noheadings --raw -o NAME 2>/dev/null)"})
    compadd -a names
}

_shmx() {
    local -a commands
    commands=(
        'create:make a segment' 'hold:keep a segment open while a command runs'
        'wait:wait until there is a segment'
        'ls:show every segment' 'stat:tell all about segments'
        'read:copy a segment to standard output' 'write:copy standard input into a segment'
        'copy:make a segment with the contents of another' 'resize:grow or shrink a POSIX segment'
        'chmod:set permissions' 'chown:change owner and group'
        'pin:keep a segment in RAM' 'unpin:let it be swapped out again'
        'rm:remove segments' 'gc:remove what is dead' 'doctor:look at the settings'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local backend='--backend[which backend]:backend:(posix sysv)' help='--help[tell how it is used]'
    case $words[2] in
    create)
        _arguments $backend $help '--mode[permissions]:octal mode:' '--from[fill it]:file:_files' \
            '--huge[huge pages]' '--sparse[do not reserve]' '--ephemeral[goes with its last holder]' '*:' ;;
    ls)
        _arguments $backend $help {-J,--json}'[for programs]' {-b,--bytes}'[sizes in bytes]' \
            {-o,--output}'[columns]:columns:' {-r,--raw}'[nothing aligned]' \
            {-P,--numeric-perms}'[octal]' {-s,--sort}'[sort]:column:(name size resident age holders)' \
            '--noheadings[without headings]' '--time-format[times]:format:(short full iso)' ;;
    stat) _arguments $help {-b,--bytes}'[sizes in bytes]' '*:name:_shmx_names' ;;
    wait) _arguments $help '--timeout[at most so long]:seconds:' ':name:' ;;
    read) _arguments $help '--offset[from there on]:size:' '--count[so many bytes]:size:' ':name:_shmx_names' ;;
    write) _arguments $help '--offset[from there on]:size:' ':name:_shmx_names' ;;
    copy) _arguments $help $backend '*:name:_shmx_names' ;;
    gc) _arguments $help {-n,--dry-run}'[remove nothing]' '--orphans[persistent ones, too]' ;;
    doctor) _arguments $help ;;
    *) _arguments $help '*:name:_shmx_names' ;;
    esac
}

_shmx "$@"
