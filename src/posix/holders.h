/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds a POSIX segment: each handle keeps an open-file-description read lock on one byte far
 * past the end, whose offset says the process. The kernel releases it however the process ends.
 * Nothing is stored in the object.
 *
 * Two rules keep a dead ephemeral segment dead. Who joins first sees another holder, then locks.
 * Who buries takes a write lock on all the bytes, so that nobody can join meanwhile.
 */
#ifndef SHMX_HOLDERS_H
#define SHMX_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Become a holder for as long as the description lives. -EAGAIN: somebody is burying. */
int shmx_holders_join(int fd);

/* Whether anyone holds, or buries, through another description. */
bool shmx_holders_exist(int fd);

/* Whether another process holds. 1, 0 or a negative errno. */
int shmx_holders_others(int fd);

/*
 * Shut everybody out, if no process holds the object, and none at all has it open or mapped
 * through another description. Only the owner and root can know. True: to be readmitted.
 */
bool shmx_holders_exclude(int fd);
void shmx_holders_readmit(int fd);

/* The locks of a moment, as the kernel lists them. */
struct holder {
    dev_t    dev;
    ino_t    ino;
    uint64_t byte; /* 0: a lock of another kind */
};

struct holders {
    struct holder *items; /* sorted */
    size_t         count;
    bool           unknown; /* the kernel's list could not be read */
};

/* To be released with free(holders->items). -ENOMEM, or 0. */
int shmx_holders_read(struct holders *holders);

/* How many processes hold the object; -1: unknown. */
int64_t shmx_holders_count(const struct holders *holders, dev_t dev, ino_t ino);

/* Whether nobody has a lock of any kind on the object, as far as the kernel tells. */
bool shmx_holders_none(const struct holders *holders, dev_t dev, ino_t ino);

#endif
