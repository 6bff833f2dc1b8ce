/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who initialises a segment, among the processes of one user. An election is a courtesy that saves
 * work: that only one segment is published is the business of link(2) and rename(2). So whoever
 * cannot take part goes ahead alone. The elected one has a lock of the kernel's, flock(2), on a
 * hidden file, which ends with the process.
 */
#ifndef SHMX_ELECTION_H
#define SHMX_ELECTION_H

#include <stdbool.h>

struct election {
    int  fd; /* -1: no lock */
    char hidden[64];
};

/* Whether to go ahead. False: another process of this user is at it; ask again in a while. If true,
   shmx_election_end is to be called. */
bool shmx_election_stand(const char *entry, struct election *election);
void shmx_election_end(struct election *election);

/* Remove the hidden entry if it is such a lock, and nobody has it. */
void shmx_election_collect(const char *hidden);

#endif
