# SPDX-License-Identifier: BSD-2-Clause
# Reads shmx.h, line by line, for the programs that are run together with this file: pages.awk makes
# the manual pages, and tests/documented.awk lists the errors.
#
# The comments of the header have few forms: paragraphs; lists, which are indented and have at least
# two blanks after the term; and "Returns", with the list of errors directly below.

function header() {
    if (/^\/\*$/)
        text = inside = "\n"
    else if (inside && /^ \*\/$/) {
        keep()
        inside = ""
    } else if (inside)
        text = text substr($0, 4) "\n"
    else if (/^#define SHMX_/)
        flag()
    else if (/^struct shmx_stat \{/ || members)
        member()
    else if (/^[A-Za-z].*shmx_[a-z_]+\(/ || prototype != "")
        declaration()
}

# Keeps a comment that is the overview or describes functions.
function keep(    names, n, i) {
    if (text ~ /^\nshmx\.h - /)
        about = text
    if (text !~ /^\nshmx_[a-z_, ]* - /)
        return
    entries++
    names = substr(text, 2)
    sub(/ - .*/, "", names)
    n = split(names, parts, ", ")
    for (i = 1; i <= n; i++)
        entry[parts[i]] = entries
    title[entries] = names
    body[entries] = substr(text, length(names) + 5)
}

function flag(    words) {
    if (!index($0, "/*"))
        return
    flag_name[++flags] = $2
    words = $0
    sub(/^.*\/\* /, "", words)
    sub(/ \*\/$/, "", words)
    flag_text[flags] = words
}

function member(    code, words) {
    if (/^}/) {
        members = 0
        return
    }
    if (!members++)
        return
    words = $0
    sub(/ *\*\/$/, "", words)
    if (index($0, "/*")) {
        code = $0
        sub(/; *\/\*.*/, "", code)
        sub(/^ +/, "", code)
        fields++
        field_name[fields] = field_type[fields] = code
        sub(/.* /, "", field_name[fields])
        sub(/ +[^ ]+$/, "", field_type[fields])
        sub(/.*\/\*/, "", words)
    }
    field_text[fields] = field_text[fields] " " words
}

function declaration(    at, name) {
    prototype = prototype " " $0
    if (prototype !~ /;$/)
        return
    gsub(/ +/, " ", prototype)
    match(prototype, /shmx_[a-z_]+\(/)
    name = substr(prototype, RSTART, RLENGTH - 1)
    type[name] = substr(prototype, 2, RSTART - 2)
    sub(/ $/, "", type[name])
    arguments[name] = substr(prototype, RSTART + RLENGTH)
    sub(/\);$/, "", arguments[name])
    prototype = ""
}
