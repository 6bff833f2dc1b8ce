/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways in which two processes, 0 and 1, take turns and hand a message there and back. */
#ifndef BENCH_MESSENGER_H
#define BENCH_MESSENGER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MESSAGE_MOST (1 << 20)

/* What both processes have in common, made before they part. */
struct line {
    const struct messenger *way;
    size_t                  size;       /* of a message */
    int                     ends[2][2]; /* by process: to read from and to write to */
    void                   *shared;     /* by the way: LINE_ROOM bytes, cleared */
    struct shmx            *seg;        /* libshmx only */
    char                   *message;    /* where it is built and looked at */
};

#define LINE_ROOM 4096 /* for what the way itself needs, in front of the message */

struct messenger {
    const char *name;
    unsigned    backend; /* libshmx: SHMX_POSIX or SHMX_SYSV */
    int         copies;  /* by descriptor: the message itself goes over it */
    void (*begin)(struct line *line);
    void (*end)(struct line *line);
    void (*pass)(struct line *line, int me);  /* the turn, to the other process */
    void (*await)(struct line *line, int me); /* it */
};

/* The first is what the others are compared with: a pair of sockets; a futex in a program's own
   loop is the second. */
extern const struct messenger messengers[];
extern const size_t           messengers_count;
#define SOCKETS 0
#define FUTEX   1

extern const struct messenger *const boost_messenger; /* NULL if it was not found */

#ifdef __cplusplus
}
#endif

#endif
