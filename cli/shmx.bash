# SPDX-License-Identifier: BSD-2-Clause
# Completion of shmx(1) for bash.

_shmx() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words
    local commands='create hold wait ls stat read write copy resize chmod chown pin unpin rm gc doctor'

    # A colon is part of a name, and splits words in bash.
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    case $previous in
    --backend) words='posix sysv' ;;
    --time-format) words='short full iso' ;;
    -s | --sort) words='name size resident age holders' ;;
    --from)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    *)
        case $command:$word in
        create:-*) words='--backend --mode --from --huge --sparse --ephemeral --help' ;;
        ls:-*) words='--json --bytes --output --raw --numeric-perms --sort --backend --noheadings --time-format --help' ;;
        stat:-*) words='--bytes --help' ;;
        wait:-*) words='--timeout --help' ;;
        read:-*) words='--offset --count --help' ;;
        write:-*) words='--offset --help' ;;
        copy:-*) words='--backend --help' ;;
        gc:-*) words='--dry-run --orphans --help' ;;
        *:-*) words='--help' ;;
        ls:* | gc:* | doctor:* | create:*) return ;;
        *) words=$(shmx ls --noheadings --raw -o NAME 2>/dev/null | grep -v :) ;;
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _shmx shmx
