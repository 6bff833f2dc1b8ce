/* SPDX-License-Identifier: BSD-2-Clause */
/* What producer.c and consumer.c agree on: the layout of the segment, and a checksum. */
#ifndef RELAY_H
#define RELAY_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SLOTS     16
#define SLOT_SIZE 65536

/* A ring: the producer fills slots, the consumer empties them, the semaphores count. */
struct relay {
    sem_t    empty, full;
    uint64_t checksum; /* of everything, valid with the last slot */
    struct {
        uint32_t length; /* 0: the file is at its end */
        char     data[SLOT_SIZE];
    } slots[SLOTS];
};

#define CHECKSUM_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, over one more piece. */
static inline uint64_t
checksum(uint64_t sum, const char *data, size_t length)
{
    for (; length > 0; length--)
        sum = (sum ^ (unsigned char)*data++) * UINT64_C(0x100000001b3);
    return sum;
}

/* Wait, but not for ever: the other side may have died. 0, or -1 and errno. */
static inline int
wait_for(sem_t *sem)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return sem_timedwait(sem, &until);
}

#endif
