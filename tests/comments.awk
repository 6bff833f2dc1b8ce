# SPDX-License-Identifier: BSD-2-Clause
# Reads a rendered manual page of section 3, and prints what it says of each function as comments like
# those of shmx.h, for documented.awk.

/^[A-Z]/ { section = $0; current = ""; next }
{ gsub(/\(\)|\(3\)/, "") }
section == "DESCRIPTION" && /^   [^ ]/ { current = names($0) }
section == "RETURN VALUES" && /^     shmx_/ { current = names(substr($0, 1, match($0, / returns? /))) }
section == "ERRORS" && /^     shmx_[a-z_, ]*:$/ { current = names($0) }
current != "" { said[current] = said[current] " " $0 }
END {
    for (i = 1; i <= count; i++) {
        gsub(/ +/, " ", said[order[i]])
        sub(/see SEGMENT NAMES/, "see NAMES", said[order[i]])
        printf "/*\n * %s - %s\n */\n", order[i], said[order[i]]
    }
}

function names(heading) {
    gsub(/ and /, ", ", heading)
    gsub(/^ +|[: ]+$/, "", heading)
    if (heading !~ /^shmx_/ || heading ~ /shmx_.* shmx_stat$/)
        return ""
    if (!(heading in said)) {
        said[heading] = ""
        order[++count] = heading
    }
    return heading
}
