/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library's own entries in the directory of names: links to System V segments that are being
 * made or published just now.
 *
 *     .shmx-4026531836-812-0-c
 *
 * They say the maker's pid namespace and pid, a number that makes them unique, and what they are
 * for. So whoever collects can undo what a killed process has left.
 */
#ifndef SHMX_HIDDEN_H
#define SHMX_HIDDEN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HIDDEN_MAX 64

enum hidden_kind {
    HIDDEN_CREATE = 'c',  /* a segment that is being made: it goes, too, if the maker died */
    HIDDEN_PUBLISH = 'p', /* a segment that is to stay: only the link goes */
    HIDDEN_COLLECT = 'x'  /* a segment that its maker has left unfinished: both go */
};

struct hidden {
    uint64_t         process; /* as of shmx_process */
    enum hidden_kind kind;
};

/* A new name. Returns 0 or a negative errno. */
int shmx_hidden_name(enum hidden_kind kind, char text[HIDDEN_MAX]);

bool shmx_is_hidden(const char *entry);

/* False: not a name that shmx_hidden_name makes. */
bool shmx_hidden_parse(const char *text, struct hidden *hidden);

/* Whether the maker is a process of this pid namespace that lives. */
bool shmx_hidden_in_use(const struct hidden *hidden);

/* Whether the maker can be the process of that pid, as this pid namespace numbers it. */
bool shmx_hidden_is_by(const struct hidden *hidden, pid_t pid);

#endif
