/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the world as a text of lines, so that two states can be compared. */
#ifndef TESTS_SNAPSHOT_H
#define TESTS_SNAPSHOT_H

#include <stddef.h>

#define SNAPSHOT_MAX 16384

enum {
    SNAPSHOT_NAMES = 1,     /* the entries of /dev/shm */
    SNAPSHOT_SEGMENTS = 2,  /* the System V segments */
    SNAPSHOT_OWN = 4,       /* descriptors, mappings of segments and locked memory of this
                               process */
    SNAPSHOT_MEMORY = 8,    /* also the mappings that are not of segments */
    SNAPSHOT_NO_LOCKS = 16, /* without the locks of elections */
    SNAPSHOT_ALIKE = 32     /* without what differs from run to run: inodes, ids and hidden names */
};

void snapshot(char text[SNAPSHOT_MAX], unsigned what);

/* Returns the first line of one that other does not have, or "". */
const char *snapshot_missing(const char *one, const char *other);

/* Sets the range of addresses that SNAPSHOT_OWN describes with its contents. NULL means none. */
void snapshot_watch(const void *start, size_t length);

/* Returns how many kilobytes this process has locked in RAM. */
long snapshot_locked(void);

#endif
