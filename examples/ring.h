/* SPDX-License-Identifier: BSD-2-Clause */
/* What producer.c and consumer.c have in common: a ring of slots, and the way to wait for the other
   side. */
#ifndef RING_H
#define RING_H

#include <limits.h>
#include <shmx.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RING_VERSION 0x52494e01u /* "RIN", 1 */
#define SLOTS        8           /* a power of two, so that the counters may overflow */
#define SLOT_SIZE    130048      /* 127 KiB */

/*
 * A number that one side advances and the other side waits for. The lowest bit says that the other
 * side may be asleep. As long as it is not set, advancing takes no system call.
 */
typedef _Atomic uint32_t counter;
enum { ASLEEP = 1, STEP = 2 };

/* Different processes write to the counters, so each has a cache line of its own. */
struct ring {
    uint32_t version;
    _Alignas(64) counter consumers; /* how many have come; only the first one is served */
    _Alignas(64) counter filled;    /* slots that the producer has filled */
    _Alignas(64) counter emptied;   /* slots that the consumer has emptied */
    uint32_t length[SLOTS];         /* bytes in each slot; 0 at the end of the file */
    _Alignas(64) char slot[SLOTS][SLOT_SIZE];
};

_Static_assert(sizeof(struct ring) <= 1 << 20, "a segment of 1 MiB");

static inline uint32_t
number(counter *c)
{
    return atomic_load(c) & ~(uint32_t)ASLEEP;
}

/* Whoever sees the new number also sees what was written before. A process that falls asleep
   between the second step and the third is woken for nothing, and looks again. */
static inline void
advance(struct shmx *seg, counter *c)
{
    if (atomic_fetch_add(c, STEP) & ASLEEP) {
        atomic_fetch_and(c, ~(uint32_t)ASLEEP);
        shmx_wake(seg, (uint32_t *)c, INT_MAX);
    }
}

/* Sleeps until the number is another one than seen, and returns 0. With SHMX_PEERS the function
   returns -EPIPE if the other side has died before that. */
static inline int
wait_beyond(struct shmx *seg, counter *c, uint32_t seen, unsigned flags)
{
    uint32_t now;
    int      r = 0;

    while (r == 0 && ((now = atomic_load(c)) & ~(uint32_t)ASLEEP) == seen)
        if ((now & ASLEEP) || atomic_compare_exchange_weak(c, &now, now | ASLEEP))
            r = shmx_wait(seg, (uint32_t *)c, seen | ASLEEP, flags, NULL);
    return number(c) != seen ? 0 : r;
}

#endif
