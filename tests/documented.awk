# SPDX-License-Identifier: BSD-2-Clause
# Reads shmx.h, and prints the errors that the comment of each function documents, as rows of a C
# table. A comment "shmx_x - ..." belongs to shmx_x (or "shmx_x, shmx_y - ..." to both). "An error of
# shmx_z" in it takes over the errors of shmx_z.

/^\/\*$/ { text = ""; inside = 1; next }
inside && /\*\// { finish(); inside = 0; next }
inside { line = $0; sub(/^ \* ?/, "", line); text = text " " line }
END {
    for (i = 1; i <= functions; i++) {
        delete seen
        emit(order[i], order[i])
    }
}

function finish(    head, n, i, rest) {
    if (text !~ /^ shmx_[a-z_, ]* - /)
        return
    head = text
    sub(/ - .*/, "", head)
    n = split(head, parts, /[ ,]+/)
    for (i = 1; i <= n; i++)
        if (parts[i] != "") {
            order[++functions] = parts[i]
            body[parts[i]] = text
        }
}

function emit(name, from,    rest, error, list) {
    rest = body[from]
    while (match(rest, /[^A-Z_]E[A-Z]+/)) {
        error = substr(rest, RSTART + 1, RLENGTH - 1)
        rest = substr(rest, RSTART + RLENGTH)
        row(name, error)
    }
    row(name, "EINVAL")
    if (body[from] ~ /[Ss]ee NAMES|plain name/)
        row(name, "ENAMETOOLONG")
    rest = body[from]
    while (match(rest, /errors? of (shmx_[a-z_]+)( or (of )?shmx_[a-z_]+)?/)) {
        list = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/errors? of | or (of )?/, " ", list)
        n = split(list, others, / +/)
        references(name, list)
    }
}

function references(name, list,    n, i, parts) {
    n = split(list, parts, / +/)
    for (i = 1; i <= n; i++)
        if (parts[i] in body && !((name, parts[i]) in done)) {
            done[name, parts[i]] = 1
            emit(name, parts[i])
        }
}

function row(name, error) {
    if (error in seen)
        return
    seen[error] = 1
    printf "    { \"%s\", -%s },\n", name, error
}
