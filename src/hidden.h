/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries that the library makes for itself in the directory of names: links to System V segments
 * that are being made or published at the moment.
 *
 *     .shmx-4026531836-812-0-c
 *
 * The text consists of the pid namespace of the maker, the pid of the maker, a number that makes
 * the entry unique, and a letter for its purpose. So a process that collects can undo what a killed
 * process has left.
 */
#ifndef SHMX_HIDDEN_H
#define SHMX_HIDDEN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HIDDEN_MAX 64

enum hidden_kind {
    HIDDEN_CREATE = 'c',  /* a segment is being made: a dead maker's segment is removed, too */
    HIDDEN_PUBLISH = 'p', /* the segment is to stay: only the link is removed */
    HIDDEN_COLLECT = 'x'  /* a maker has left the segment unfinished: both are removed */
};

struct hidden {
    uint64_t         process; /* as shmx_process gives it */
    enum hidden_kind kind;
};

/* Makes a new name. Returns 0 or a negative errno value. */
int shmx_hidden_name(enum hidden_kind kind, char text[HIDDEN_MAX]);

bool shmx_is_hidden(const char *entry);

/* Parses a name that shmx_hidden_name has made. Returns false for any other text. */
bool shmx_hidden_parse(const char *text, struct hidden *hidden);

/* Returns whether the maker is a living process of this pid namespace. */
bool shmx_hidden_in_use(const struct hidden *hidden);

/* Returns whether the maker can be the process that has this pid in this pid namespace. */
bool shmx_hidden_is_by(const struct hidden *hidden, pid_t pid);

#endif
