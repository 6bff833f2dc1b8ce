/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts, as moments of the clock that nobody sets, CLOCK_MONOTONIC, in nanoseconds. */
#ifndef SHMX_DEADLINE_H
#define SHMX_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SECOND      INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

/* The clock begins when the machine starts: 68 years later it is no time for any machine. */
#define NEVER (INT32_MAX * SECOND)

static inline int64_t
deadline_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* When the timeout is over that begins now; NULL: never. False: no valid timeout. */
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
