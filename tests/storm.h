/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program that makes the storm shares with its workers. */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include "shmx.h"

#include <stdbool.h>

#define WORKERS 8
#define NAMES   4
#define SIZED   2 /* names of segments that are resized all the time */
#define SIZE    16384
#define WORDS   (SIZE / sizeof(unsigned))

#define HELD_POSIX "/held_posix"
#define HELD_SYSV  "/held_sysv"

/* The raw key of what a worker publishes, if it has one. */
#define KEPT_KEY       "sysv:key=%#x"
#define KEY_OF(worker) (0x73746f00u + (worker))

/* A worker publishes a persistent segment under a name that nobody else touches. */
enum keeping {
    NOT_KEEPING,
    PUBLISHING, /* the segment is complete, and must not be lost */
    DESTROYING  /* the segment may be gone */
};

struct slot {
    _Atomic enum keeping keeping;
    _Atomic int          id; /* the id of the System V segment; -1 for the other backend */
};

struct storm {
    unsigned    backends; /* the backends on which segments are made */
    _Atomic int violations;
    struct slot slots[WORKERS];
};

extern struct storm *storm; /* shared by all processes */

/* The sizes that a resized segment can have. */
extern const size_t sizes[];
#define SIZES 4

_Noreturn void violation(const char *what, int r);
/* The result must be 0 or more, -ENOENT, or or_else. */
void expect(const char *what, int r, int or_else);

/* All of the segment is of one generation, and of full size. What is left of a resized segment is
   zero. */
int  initialise(void *addr, size_t size, void *arg);
void verify(struct shmx *seg);
void verify_sized(struct shmx *seg);

/* Works until it is killed. */
_Noreturn void work(unsigned worker, unsigned seed);

#endif
