/* SPDX-License-Identifier: BSD-2-Clause */
/* The contenders of the benchmark. Each goes through the same cycles in its own way. */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_NAME "shmx-bench"

/* A cycle ends the program if it fails. A cycle is NULL if the contender cannot do it. */
struct contender {
    const char *name;
    const char *backend; /* "posix" or "sysv" */
    const char *lacks;   /* the promises that it does not keep */

    /* Creates a segment, attaches it, uses it, closes it and destroys it. */
    void (*create_cycle)(size_t size);
    /* Makes a segment for the cycles that follow, and destroys it. */
    void (*begin)(size_t size);
    void (*end)(void);
    /* Opens the segment, attaches it, uses it and closes it. */
    void (*open_cycle)(size_t size);
    /* Attaches and detaches the segment, which is open already. */
    void (*attach_cycle)(size_t size);
    /* Opens or creates the segment, which exists already. */
    void (*open_or_create_cycle)(size_t size);
};

/* Using a segment means touching this many bytes of it, page by page. In most cases it is one
   byte. */
extern size_t bench_span;
void          bench_use(void *addr);

/* Ends the program after an error. */
void bench_fail(const char *what) __attribute__((noreturn));

extern const struct contender floor_posix, floor_sysv, naive_posix, naive_sysv, shmx_posix,
    shmx_sysv;

/* These are NULL if the package was not found at build time. */
extern const struct contender *const apr, *const boost_posix, *const boost_sysv, *const qt_sysv;

/* Python's SharedMemory, which is used only to create segments. NULL where there is no python3. */
const struct contender *python_posix(void);

#ifdef __cplusplus
}
#endif

#endif
