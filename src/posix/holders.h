/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The holders of a POSIX segment. Each handle keeps a read lock of its open file description on one
 * byte far past the end of the object. The offset of the byte tells the process. The kernel
 * releases the lock however the process ends. Nothing is stored in the object.
 *
 * To bury a segment is to remove it when it is ephemeral and dead. Two rules keep a dead segment
 * dead. A process that joins locks its byte only after it has seen that somebody else holds the
 * segment. A process that buries takes a write lock on all the bytes, so that nobody can join
 * meanwhile.
 */
#ifndef SHMX_HOLDERS_H
#define SHMX_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes this process a holder for as long as the open file description exists. -EAGAIN means that
   another process is burying the segment. */
int shmx_holders_join(int fd);

/* Returns whether anybody holds or buries the object through another open file description. */
bool shmx_holders_exist(int fd);

/* Returns 1 if another process than that one, which has joined through fd, holds the object, 0 if
   none does, or a negative errno value. */
int shmx_holders_others(int fd, uint64_t process);

/* Returns whether at this moment nobody has the object open or mapped through another open file
   description. Only the owner and root can find that out. Nobody is shut out for longer than the
   question takes. */
bool shmx_holders_absent(int fd);

/*
 * Shuts everybody out, provided that no process holds the object, and that nobody has it open or
 * mapped through another open file description. If the function returns true, shmx_holders_readmit
 * must follow.
 */
bool shmx_holders_exclude(int fd);
void shmx_holders_readmit(int fd);

/* The locks at one moment, as the kernel lists them. */
struct holder {
    dev_t    dev;
    ino_t    ino;
    uint64_t byte; /* 0 for a lock of another kind */
};

struct holders {
    struct holder *items; /* sorted */
    size_t         count;
    bool           unknown; /* whether the list of the kernel could not be read */
};

/* Reads the locks. The caller releases them with free(holders->items). Returns 0 or -ENOMEM. */
int shmx_holders_read(struct holders *holders);

/* Returns how many processes hold the object, or -1 if nobody can tell. */
int64_t shmx_holders_count(const struct holders *holders, dev_t dev, ino_t ino);

/* Returns whether nobody has a lock of any kind on the object, as far as the kernel tells. */
bool shmx_holders_none(const struct holders *holders, dev_t dev, ino_t ino);

#endif
