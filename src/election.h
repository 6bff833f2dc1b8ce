/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The election decides which of the processes of one user initialises a segment. It is a courtesy
 * that saves work, because link(2) and rename(2) alone see to it that only one segment is
 * published. So a process that cannot take part goes ahead alone. The elected process has a lock of
 * the kernel, flock(2), on a hidden file. The lock ends with the process.
 */
#ifndef SHMX_ELECTION_H
#define SHMX_ELECTION_H

#include <stdbool.h>

struct election {
    int  fd; /* -1 if there is no lock */
    char hidden[64];
};

/* Returns whether the caller should go ahead. If so, the caller ends the election with
   shmx_election_end. If not, another process of this user is at work, and the caller asks again
   after a while. */
bool shmx_election_stand(const char *entry, struct election *election);
void shmx_election_end(struct election *election);

/* Returns whether the entry is a lock of an election. Who stands or waits has it open, so it is
   left over if nobody has it open. */
bool shmx_election_is_lock(const char *hidden);

#endif
