/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has which segment mapped or open, as far as /proc lets the caller see. */
#ifndef CLI_PROCESSES_H
#define CLI_PROCESSES_H

#include "shmx.h"

#include <stdbool.h>

/* A use of an object of /dev/shm, or of a System V segment of this IPC namespace. */
struct use {
    bool     sysv;
    uint64_t ino; /* System V: the id */
    pid_t    pid;
    bool     unlinked; /* an object without a name, */
    uint64_t bytes;    /* and its memory; 0: unknown */
};

struct uses {
    struct use *items; /* sorted; each process once for each object */
    size_t      count;
    uint64_t    dev;      /* of /dev/shm */
    bool        complete; /* no process can have been missed */
    uint64_t   *unused;   /* else, inodes of objects that the kernel says nobody has; sorted */
    size_t      unused_count;
};

void uses_find(struct uses *uses);
void uses_free(struct uses *uses);
/* The uses of that segment: the first, and how many there are. */
size_t uses_of(const struct uses *uses, const struct shmx_stat *st, const struct use **first);
/* Who holds it, by all that is known: processes, for System V attachments; -1: nobody can tell. */
int64_t uses_holders(const struct uses *uses, const struct shmx_stat *st);

/* The command's name of the process, or "?". Anybody can choose it. */
void process_name(pid_t pid, char *name, size_t room);

/* namespaces.c: whether it is certain that nothing is left of the IPC namespace of that number. */
bool ipc_namespace_is_gone(uint64_t number);

#endif
