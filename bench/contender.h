/* SPDX-License-Identifier: BSD-2-Clause */
/* Who takes part in the benchmark: each goes through the same cycles in its own way. */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_NAME "shmx-bench"

/* Cycles end the program if they fail. One that is NULL is not what that contender can do. */
struct contender {
    const char *name;
    const char *backend; /* "posix", "sysv" */
    const char *lacks;   /* which promises it does not keep */

    /* Create a segment, attach it, use it, close and destroy it. */
    void (*create_cycle)(size_t size);
    /* A segment for the cycles that follow; and its end. */
    void (*begin)(size_t size);
    void (*end)(void);
    /* Open it, attach, use, close. */
    void (*open_cycle)(size_t size);
    /* Attach and detach it, which is open already. */
    void (*attach_cycle)(size_t size);
    /* Open it or create it, and it is there. */
    void (*open_or_create_cycle)(size_t size);
};

/* How a segment is used: so many bytes of it are touched, page by page. Most often that is one. */
extern size_t bench_span;
void          bench_use(void *addr);

/* For what cannot be. */
void bench_fail(const char *what) __attribute__((noreturn));

extern const struct contender floor_posix, floor_sysv, naive_posix, naive_sysv, shmx_posix,
    shmx_sysv;

/* Those that were not found when this was built are NULL. */
extern const struct contender *const apr, *const boost_posix, *const boost_sysv, *const qt_sysv;

/* Python's SharedMemory, which only creates; NULL where there is no python3. */
const struct contender *python_posix(void);

#ifdef __cplusplus
}
#endif

#endif
