/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts as moments of CLOCK_MONOTONIC, which nobody can set, in nanoseconds. */
#ifndef SHMX_DEADLINE_H
#define SHMX_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SECOND      INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

/* The clock starts with the machine, and no machine runs for the 68 years that this is. */
#define NEVER (INT32_MAX * SECOND)

static inline int64_t
deadline_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* Puts the moment at which a timeout from now on ends into *deadline. For NULL that is NEVER.
   Returns false if the timeout is not valid. */
static inline bool
deadline_after(const struct timespec *timeout, int64_t *deadline)
{
    *deadline = NEVER;
    if (timeout == NULL)
        return true;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= SECOND)
        return false;
    if (timeout->tv_sec < INT32_MAX / 2)
        *deadline = deadline_now() + timeout->tv_sec * SECOND + timeout->tv_nsec;
    return true;
}

static inline struct timespec
deadline_time(int64_t deadline)
{
    return (struct timespec){ .tv_sec = (time_t)(deadline / SECOND),
                              .tv_nsec = (long)(deadline % SECOND) };
}

#endif
