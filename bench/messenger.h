/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways in which two processes, 0 and 1, take turns and pass a message there and back. */
#ifndef BENCH_MESSENGER_H
#define BENCH_MESSENGER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MESSAGE_MOST (1 << 20)

/* What both processes have in common. It is made before the second process is started. */
struct line {
    const struct messenger *way;
    size_t                  size;       /* of a message */
    int                     ends[2][2]; /* by process: the descriptors to read from and to write
                                           to */
    void        *shared;                /* LINE_ROOM bytes for the way itself, cleared */
    struct shmx *seg;                   /* only libshmx uses this */
    char        *message;               /* where the message is built and looked at */
};

#define LINE_ROOM 4096 /* the room in front of the message that the way itself needs */

struct messenger {
    const char *name;
    unsigned    backend; /* for libshmx: SHMX_POSIX or SHMX_SYSV */
    int         copies;  /* whether the message itself goes over a descriptor */
    void (*begin)(struct line *line);
    void (*end)(struct line *line);
    void (*pass)(struct line *line, int me);  /* passes the turn to the other process */
    void (*await)(struct line *line, int me); /* waits for the turn */
};

/* The others are compared with the first one, a pair of sockets. The second one is a futex in a
   loop of the program. */
extern const struct messenger messengers[];
extern const size_t           messengers_count;
#define SOCKETS 0
#define FUTEX   1

extern const struct messenger *const boost_messenger; /* NULL if Boost was not found */

#ifdef __cplusplus
}
#endif

#endif
