/* SPDX-License-Identifier: BSD-2-Clause */
/* What producer.c and consumer.c agree on: a ring of slots, and how to wait for the other side. */
#ifndef RING_H
#define RING_H

#include <limits.h>
#include <shmx.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RING_VERSION 0x52494e01u /* "RIN", 1 */
#define SLOTS        8           /* a power of two, so that numbers may overflow */
#define SLOT_SIZE    130048      /* 127 KiB */

/*
 * A number that one side advances and the other one waits for. The lowest bit says that the other
 * one may be asleep: as long as nobody is, no system call is made.
 */
typedef _Atomic uint32_t counter;
enum { ASLEEP = 1, STEP = 2 };

/* Each counter has a cache line of its own, since different processes write to them. */
struct ring {
    uint32_t version;
    _Alignas(64) counter consumers; /* how many have come; only the first is served */
    _Alignas(64) counter filled;    /* slots, by the producer */
    _Alignas(64) counter emptied;   /* slots, by the consumer */
    uint32_t length[SLOTS];         /* bytes in each; 0: the file is at its end */
    _Alignas(64) char slot[SLOTS][SLOT_SIZE];
};

_Static_assert(sizeof(struct ring) <= 1 << 20, "a segment of 1 MiB");

static inline uint32_t
number(counter *c)
{
    return atomic_load(c) & ~(uint32_t)ASLEEP;
}

/* What was written before can be seen by whoever sees the new number. Who falls asleep between the
   second step and the third is woken for nothing, and looks again. */
static inline void
advance(struct shmx *seg, counter *c)
{
    if (atomic_fetch_add(c, STEP) & ASLEEP) {
        atomic_fetch_and(c, ~(uint32_t)ASLEEP);
        shmx_wake(seg, (uint32_t *)c, INT_MAX);
    }
}

/* Sleep until there is another number than that: 0. With SHMX_PEERS, -EPIPE if the other side has
   died before. */
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
