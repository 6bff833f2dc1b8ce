# SPDX-License-Identifier: BSD-2-Clause
# Lists the errors that the comment of each function in shmx.h documents, as rows of a table in C.
# If a comment says "an error of shmx_x", the errors of shmx_x belong to the list as well.
#
#   awk -f man/header.awk -f tests/documented.awk shmx.h

{ header() }
END {
    for (i = 1; i <= entries; i++) {
        gsub(/\n */, " ", body[i])
        n = split(title[i], parts, ", ")
        for (j = 1; j <= n; j++) {
            delete seen
            emit(parts[j], i)
        }
    }
}

function emit(name, number,    rest, error, list) {
    rest = body[number]
    while (match(rest, /[^A-Z_]E[A-Z]+/)) {
        error = substr(rest, RSTART + 1, RLENGTH - 1)
        rest = substr(rest, RSTART + RLENGTH)
        row(name, error)
    }
    row(name, "EINVAL")
    if (body[number] ~ /See NAMES|plain name/)
        row(name, "ENAMETOOLONG")
    rest = body[number]
    while (match(rest, /errors? of (shmx_[a-z_]+)( or (of )?shmx_[a-z_]+)?/)) {
        list = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/errors? of | or (of )?/, " ", list)
        references(name, list)
    }
}

function references(name, list,    n, i, parts) {
    n = split(list, parts, / +/)
    for (i = 1; i <= n; i++)
        if (parts[i] in entry && !((name, parts[i]) in done)) {
            done[name, parts[i]] = 1
            emit(name, entry[parts[i]])
        }
}

function row(name, error) {
    if (error in seen)
        return
    seen[error] = 1
    printf "    { \"%s\", -%s },\n", name, error
}
