# SPDX-License-Identifier: BSD-2-Clause
# Makes a manual page of the header and a template, so that what the header says is written once.
#
#   awk -f header.awk -f pages.awk shmx.h PAGE.in >PAGE
#
# A template is mdoc(7). These lines in it stand for parts of the header:
#
#   @functions       the functions that the .Nm lines have named, without their errors; if shmx_stat
#                    is one of them, the members of its structure as well
#   @errors          the errors of these functions
#   @overview WORD   the part of the header's first comment that begins with "WORD."
#   @example, @end   The lines between these two are a program, which is printed as it is.

FNR == 1 { files++ }
files == 1 { header(); next }

/^\.Nm / { named($2) }
/^@functions/ { functions(); next }
/^@errors/ { errors(); next }
/^@overview/ { overview($2); next }
/^@example/ { example = 1; print ".Bd -literal -offset indent"; next }
/^@end/ { example = 0; print ".Ed"; next }
example { gsub(/\\/, "\\e"); sub(/^[.']/, "\\\\\\&&") }
{ print }

# ---- the parts of a page ----

function named(name) {
    if (name !~ /^shmx_/)
        return
    here[name] = 1
    names[++count] = name
    if (!(name in entry)) {
        print "pages.awk: " name " is not in the header" >"/dev/stderr"
        exit 1
    }
    if (!(entry[name] in chosen)) {
        chosen[entry[name]] = 1
        order[++parts_here] = entry[name]
    }
}

function functions(    i) {
    print ".Sh LIBRARY"
    print "Shared memory segments (libshmx, \\-lshmx)"
    print ".Sh SYNOPSIS"
    print ".In shmx.h"
    for (i = 1; i <= count; i++)
        synopsis(names[i])
    print ".Sh DESCRIPTION"
    for (i = 1; i <= parts_here; i++) {
        print ".Ss " title[order[i]]
        describe(body[order[i]])
    }
    if ("shmx_stat" in here)
        structure()
    list_flags()
    returns()
}

function synopsis(name,    i, c, depth, argument, rest) {
    print ".Ft " quoted(type[name])
    print ".Fo " name
    rest = arguments[name] ","
    for (i = 1; i <= length(rest); i++) {
        c = substr(rest, i, 1)
        depth += (c == "(") - (c == ")")
        if (c != "," || depth) {
            argument = argument c
            continue
        }
        sub(/^ +/, "", argument)
        print ".Fa " quoted(argument)
        argument = ""
    }
    print ".Fc"
}

function quoted(words) { return "\"" words "\"" }

# Prints what a function does: its paragraphs and lists, without what it returns.
function describe(words,    n, i) {
    n = split(words, blocks, /\n\n+/)
    for (i = 1; i <= n; i++) {
        if (blocks[i] ~ /^\n*Returns? /)
            continue
        if (blocks[i] ~ /^ /)
            list(blocks[i])
        else {
            if (i > 1)
                print ".Pp"
            flow(i > 1 ? blocks[i] : toupper(substr(blocks[i], 1, 1)) substr(blocks[i], 2))
        }
    }
}

function list_flags(    i, j, used) {
    for (i = 1; i <= flags; i++)
        for (j = 1; j <= parts_here; j++)
            if (match(body[order[j]], flag_name[i] "[^A-Z_]") ||
                (names[j] == "shmx_stat" && flag_name[i] ~ /^SHMX_IS_/)) {
                if (!used++)
                    print ".Ss Flags\n.Bl -tag -width Ds"
                item(flag_name[i], flag_text[i])
                break
            }
    if (used)
        print ".El"
}

function item(name, words) {
    print ".It Dv " name
    flow(toupper(substr(words, 1, 1)) substr(words, 2) ".")
}

function structure(    i) {
    print ".Ss struct shmx_stat\n.Bl -tag -width Ds"
    for (i = 1; i <= fields; i++) {
        print ".It Vt " quoted(field_type[i]) " Fa " field_name[i]
        flow(field_text[i])
    }
    print ".El"
}

# Gives "Returns" and the errors below it, from the comment of one entry.
function result(number,    n, i) {
    n = split(body[number], blocks, /\n\n+/)
    for (i = 1; i <= n; i++)
        if (blocks[i] ~ /^Returns? /)
            return blocks[i]
    return ""
}

function returns(    i, words, subject) {
    print ".Sh RETURN VALUES"
    for (i = 1; i <= parts_here; i++) {
        words = result(order[i])
        if (words == "")
            continue
        sub(/\n +-?E.*/, "", words)
        sub(/\n+$/, "", words)
        sub(/^Return/, "return", words)
        sub(/\. Or$/, "; or", words)
        if (words ~ /[ \n](or|to)$/)
            words = words " one of the errors below"
        subject = title[order[i]]
        sub(/, /, " and ", subject)
        if (i > 1)
            print ".Pp"
        flow(subject " " words (words ~ /\.$/ ? "" : "."))
    }
}

function errors(    i, words, at) {
    print ".Sh ERRORS"
    flow("The section WHEN A CALL FAILS of shmx(7) describes what all functions have in common.")
    for (i = 1; i <= parts_here; i++) {
        words = result(order[i])
        at = match(words, /\n +-?E/)
        if (!at)
            continue
        print ".Pp"
        flow(title[order[i]] ":")
        list(substr(words, at + 1))
    }
}

function overview(word,    n, i, on) {
    n = split(about, paragraphs, /\n\n+/)
    for (i = 1; i <= n; i++) {
        if (sub("^" word "\\.  ", "", paragraphs[i]))
            on = 1
        else if (!on || paragraphs[i] ~ /^[A-Z]+\.  /)
            on = 0
        else if (paragraphs[i] !~ /^ /)
            print ".Pp"
        if (on && paragraphs[i] ~ /^ /)
            list(paragraphs[i])
        else if (on)
            flow(paragraphs[i])
    }
}

# ---- text ----

# Lines as deep as the first begin an item; deeper ones go on with it.
function list(words,    n, i, indent, term, said) {
    n = split(words, lines, "\n")
    match(lines[1], /^ +/)
    indent = RLENGTH
    print ".Bl -tag -width Ds"
    for (i = 1; i <= n; i++) {
        match(lines[i], /^ */)
        if (RLENGTH == indent) {
            flow(said)
            term = said = substr(lines[i], indent + 1)
            sub(/   *.*/, "", term)
            said = substr(said, length(term) + 1)
            tag(term)
        } else
            said = said " " lines[i]
    }
    flow(said)
    print ".El"
}

function tag(term) {
    if (term ~ /^-?E/) {
        gsub(/-/, "\\-", term)
        gsub(/, /, " , ", term)
        print ".It Bq Er " term
    } else if (term ~ /^"/) {
        gsub(/"/, "\\(dq", term)
        gsub(/, /, " , ", term)
        print ".It Li " term
    } else if (term ~ /^the /)
        print ".It " term
    else {
        gsub(/, /, " , ", term)
        print ".It Fa " term
    }
}

function flow(words,    n, i) {
    if (count)
        gsub(/See NAMES/, "See SEGMENT NAMES in shmx(7)", words)
    n = split(words, tokens, /[ \n]+/)
    for (i = 1; i <= n; i++)
        if (tokens[i] != "")
            word(tokens[i])
    flush()
}

function flush() {
    if (line != "")
        print line
    line = ""
}

# Prints one word, as a macro if it names something. A new sentence begins a new line.
function word(w,    before, after, core, macro) {
    core = w
    if (match(core, /^[("]+/)) {
        before = substr(core, 1, RLENGTH)
        core = substr(core, RLENGTH + 1)
    }
    if (match(core, /\([1-8]\)/) || match(core, /[^]).,;:?!"]/)) {
        match(core, /^[^()]+\([1-8]\)|^.*[^]).,;:?!"]/)
        after = substr(core, RLENGTH + 1)
        core = substr(core, 1, RLENGTH)
    }
    macro = macro_of(core)
    if (macro == "" || before ~ /"/)
        put(w)
    else {
        flush()
        gsub(/./, " &", after)
        print "." (before == "" ? "" : "No \\&" before " Ns ") macro after
    }
    if (after ~ /[.?!][ ")]*$/)
        flush()
}

function put(w) {
    gsub(/\\/, "\\e", w)
    gsub(/-1/, "\\-1", w)
    if (length(line) + length(w) > 76)
        flush()
    line = line == "" ? w : line " " w
    if (line ~ /^[.']/)
        line = "\\&" line
}

function macro_of(core) {
    if (core ~ /^shmx_[a-z_]+$/ && core in entry)
        return core in here ? "Fn " core : "Xr " core " 3"
    if (core ~ /^[a-z_0-9]+\([1-8]\)$/)
        return "Xr " substr(core, 1, length(core) - 3) " " substr(core, length(core) - 1, 1)
    if (core ~ /^-?E[A-Z]+$/ && core !~ /^ERROR/)
        return "Er " (core ~ /^-/ ? "\\" : "") core
    if (core ~ /^[A-Z]+_[A-Z_]+$/ || core ~ /^(NULL|SIGBUS|SIGSEGV|SIGXFSZ)$/)
        return "Dv " core
    if (core ~ /^\/(dev\/shm|proc)$/)
        return "Pa " core
    return ""
}
