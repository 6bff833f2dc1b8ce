/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the world as a text, line by line, so that two states can be compared. */
#ifndef TESTS_SNAPSHOT_H
#define TESTS_SNAPSHOT_H

#include <stddef.h>

#define SNAPSHOT_MAX 16384

enum {
    SNAPSHOT_NAMES = 1,     /* the entries of /dev/shm */
    SNAPSHOT_SEGMENTS = 2,  /* the System V segments */
    SNAPSHOT_OWN = 4,       /* this process's descriptors, mappings of segments and locked memory */
    SNAPSHOT_MEMORY = 8,    /* with its mappings that are of no segment */
    SNAPSHOT_NO_LOCKS = 16, /* without the locks of elections */
    SNAPSHOT_ALIKE = 32     /* without what differs from run to run: inodes, ids, hidden names */
};

void snapshot(char text[SNAPSHOT_MAX], unsigned what);

/* The first line of one that the other has not, or "". */
const char *snapshot_missing(const char *one, const char *other);

/* A range of addresses that SNAPSHOT_OWN describes, with its contents; NULL: none. */
void snapshot_watch(const void *start, size_t length);

/* Kilobytes that this process has locked in RAM. */
long snapshot_locked(void);

#endif
