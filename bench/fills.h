/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling segments, in this process or in another one. */
#ifndef BENCH_FILLS_H
#define BENCH_FILLS_H

#include "contender.h"

#include <sys/types.h>

#define FILL_NAME  "/shmx-bench-fill"
#define MIB        ((size_t)1 << 20)
#define FILLS_MOST 9

/* A contender, or this library with certain flags. It makes and fills bench_span bytes. */
struct filler {
    const struct contender *contender;
    unsigned                create, attach;
    const char             *name;
};
const char *filler_name(const struct filler *f);
void        filler_run(void *filler);

/*
 * Compares the fillers up to the first one without a name. They use the same memory by turns. If a
 * filler gets pages that another one has used differently, that costs time, above all on a virtual
 * machine. So in most cases, filling once without timing comes before each measurement.
 */
void fills_compare(const char *title, const struct filler *fillers, int rounds,
                   void (*before)(void *arg));

/* Reserves the whole with fallocate(2), and then maps and touches it. */
extern const struct contender fill_allocated;

/* Another process, which waits for orders. */
struct order {
    void (*run)(void *arg);
    void  *arg; /* must have existed when the process was started */
    size_t span;
};
pid_t second_start(void);
void  second_run(void *order);
void  second_end(void);

#endif
