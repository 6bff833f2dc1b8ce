/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library's own entries in the directory of names, for what is being made or removed just now:
 *
 *     .shmx-4026531836-812-0-f5a1-frames
 *
 * They say the maker's pid namespace and pid, a number that makes them unique, what they are for,
 * which inode, key or id was meant, and of which entry it is about. So whoever collects finishes or
 * undoes exactly what was meant.
 */
#ifndef SHMX_HIDDEN_H
#define SHMX_HIDDEN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HIDDEN_MAX (NAME_MAX + 1)

enum hidden_kind {
    HIDDEN_CREATE = 'c',  /* a link to a segment that is being made: both go if the maker died */
    HIDDEN_PUBLISH = 'p', /* a link to a segment that is to stay: only the link goes */
    /* An entry on its way out, if it is the one that was meant; else it goes back. */
    HIDDEN_FILE = 'f',
    HIDDEN_LINK = 'l'
};

struct hidden {
    uint64_t         process; /* as of shmx_process */
    enum hidden_kind kind;
    uint64_t         meant; /* the inode of a file; the key or id of a link */
    const char      *entry; /* inside the text; "" where the entry's name was too long for it */
};

/* A new name. The entry may be "". Returns 0 or a negative errno. */
int shmx_hidden_name(enum hidden_kind kind, uint64_t meant, const char *entry,
                     char text[HIDDEN_MAX]);

bool shmx_is_hidden(const char *entry);

/* False: not a name that shmx_hidden_name makes. */
bool shmx_hidden_parse(const char *text, struct hidden *hidden);

/* Whether the maker is a process of this pid namespace that lives. */
bool shmx_hidden_in_use(const struct hidden *hidden);

/* Give the entry, which was taken away by mistake, its name again if that is free. */
void shmx_hidden_put_back(const char *text, const struct hidden *hidden);

/* Whether the maker can be the process of that pid, as this pid namespace numbers it. */
bool shmx_hidden_is_by(const struct hidden *hidden, pid_t pid);

#endif
