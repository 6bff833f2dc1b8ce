/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes that have segments mapped or open, as far as /proc shows them to the caller. */
#ifndef CLI_PROCESSES_H
#define CLI_PROCESSES_H

#include "shmx.h"

#include <stdbool.h>

/* A process that uses an object of /dev/shm or a System V segment of this IPC namespace. */
struct use {
    bool     sysv;
    uint64_t ino; /* System V: the id */
    pid_t    pid;
    bool     unlinked; /* the object has no name any more */
    uint64_t bytes;    /* of memory, if unlinked; 0 if unknown */
};

#define SYSV_DEVICES 8

struct uses {
    struct use *items; /* sorted, with each process once for each object */
    size_t      count;
    uint64_t    dev;                     /* the device of /dev/shm */
    uint64_t    sysv_devs[SYSV_DEVICES]; /* the devices of System V segments */
    size_t      sysv_dev_count;
    bool        complete; /* all processes can be seen */
};

void uses_find(struct uses *uses);
void uses_free(struct uses *uses);
/* Gives the first use of the segment, and returns how many uses there are. */
size_t uses_of(const struct uses *uses, const struct shmx_stat *st, const struct use **first);
/* Returns how many hold the segment, by all that is known: processes or, for System V, attachments.
   -1 means that nobody can tell. If nobody is seen, the kernel is asked about the object. */
int64_t uses_holders(const struct uses *uses, const char *name, const struct shmx_stat *st);

/* Gives the name of the command that the process runs, or "?". Anybody can choose such a name. */
void process_name(pid_t pid, char *name, size_t room);

#endif
