# SPDX-License-Identifier: BSD-2-Clause
# Completion of shmx(1) for bash. Anybody can choose names in /dev/shm. So the names are treated as
# data, which are quoted and never expanded. ("compgen -W" would expand its words.)

# _shmx_offer WORD CANDIDATE...: offers the candidates that begin with the word, quoted. The word is
# as it was typed, so it may begin with a quote.
_shmx_offer() {
    local word=$1 quote='' name quoted
    shift

    if [[ $word == [\'\"]* ]]; then
        quote=${word:0:1}
        word=${word:1}
    fi
    for name in "$@"; do
        if [ -z "$quote" ]; then
            printf -v quoted %q "$name"
            [[ $name == "$word"* || $quoted == "$word"* ]] && COMPREPLY+=("$quoted")
        elif [[ $name == "$word"* && $name != *[\'\"\$\`\\\!]* && $name != *[^[:print:]]* ]]; then
            COMPREPLY+=("$name")
        fi
    done
}

# Offers names of segments with the slash, with the prefix or without both, as the word begins. A name
# that would mean something else without the slash keeps it. Bash takes what follows a colon or an
# equals sign for a word of its own. The part before that is cut off by its length, because
# ${name#...} loses bytes of names that are not UTF-8.
_shmx_names() {
    local word=$1 before='' i=$COMP_CWORD name entry
    local -a names=() candidates=()

    while ((i > 2)) && [[ ${COMP_WORDS[i]} == [:=]* || ${COMP_WORDS[i - 1]} == *[:=] ]]; do
        i=$((i - 1))
        word=${COMP_WORDS[i]}$word
        [ "$i" = "$((COMP_CWORD - 1))" ] && [[ $1 == [:=] ]] && word=${COMP_WORDS[i]}$1
    done
    [[ $word == *[:=]* ]] && before=${word%"${word##*[:=]}"}
    mapfile -t -d '' names < <(shmx ls --zero -o NAME 2>/dev/null)
    for name in "${names[@]}"; do
        entry=${name:1}
        case $word in
        posix:* | sysv:*) [[ $name == /* ]] && name=${word%%:*}:$name ;;
        /* | [\'\"]/* | '') ;;
        *) [[ $name == /* && $entry != @(-|posix:|sysv:)* ]] && name=$entry ;;
        esac
        [[ $name == "$before"* ]] && candidates+=("${name:${#before}}")
    done
    _shmx_offer "${word:${#before}}" "${candidates[@]}"
}

_shmx() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}

    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        _shmx_offer "$word" create hold wait ls stat read write copy resize chmod chown pin unpin rm gc doctor --help --version
        return
    fi
    case $previous in
    --backend)
        _shmx_offer "$word" posix sysv
        return
        ;;
    -s | --sort)
        _shmx_offer "$word" name size resident age holders
        return
        ;;
    --from)
        compopt -o default # bash completes names of files itself, and quotes them
        return
        ;;
    --mode | --offset | --count | --older | -o | --output) return ;;
    esac
    case $command:$word in
    create:-*) _shmx_offer "$word" --backend --mode --from --huge --sparse --ephemeral --help ;;
    ls:-*) _shmx_offer "$word" --json --bytes --output --raw --zero --numeric-perms --sort --backend --noheadings --watch --help ;;
    stat:-* | doctor:-*) _shmx_offer "$word" --json --help ;;
    wait:-*) _shmx_offer "$word" --timeout --help ;;
    read:-*) _shmx_offer "$word" --offset --count --help ;;
    write:-*) _shmx_offer "$word" --offset --help ;;
    copy:-*) _shmx_offer "$word" --backend --help ;;
    rm:-*) _shmx_offer "$word" --match --help ;;
    gc:-*) _shmx_offer "$word" --dry-run --orphans --match --older --foreign --json --help ;;
    *:-*) _shmx_offer "$word" --help ;;
    ls:* | gc:* | doctor:* | create:*) ;;
    chmod:*)
        if [ "$COMP_CWORD" = 2 ]; then
            _shmx_offer "$word" 600 640 644 660 666 400 440 444
        else
            _shmx_names "$word"
        fi
        ;;
    chown:*)
        if [ "$COMP_CWORD" = 2 ]; then
            mapfile -t COMPREPLY < <(compgen -u -- "$word")
        else
            _shmx_names "$word"
        fi
        ;;
    *) _shmx_names "$word" ;;
    esac
}

complete -F _shmx shmx
