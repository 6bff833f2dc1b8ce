/* SPDX-License-Identifier: BSD-2-Clause */
/* Who fills segments, here or in another process. */
#ifndef BENCH_FILLS_H
#define BENCH_FILLS_H

#include "contender.h"

#include <sys/types.h>

#define FILL_NAME  "/shmx-bench-fill"
#define MIB        ((size_t)1 << 20)
#define FILLS_MOST 9

/* A contender, or this library with flags of its own. It makes and fills bench_span bytes. */
struct filler {
    const struct contender *contender;
    unsigned                create, attach;
    const char             *name;
};
const char *filler_name(const struct filler *f);
void        filler_run(void *filler);

/*
 * Compare those up to the first without a name. The same memory is used by turns, and whoever gets
 * pages that another one has used differently before pays for that, on a virtual machine above all.
 * So what is most often done before each is to fill once, untimed.
 */
void fills_compare(const char *title, const struct filler *fillers, int rounds,
                   void (*before)(void *arg));

/* fallocate(2) of the whole, which is then mapped and touched. */
extern const struct contender fill_allocated;

/* Another process, which waits for us to say what it is to do. */
struct order {
    void (*run)(void *arg);
    void  *arg; /* of what was there before it was started */
    size_t span;
};
pid_t second_start(void);
void  second_run(void *order);
void  second_end(void);

#endif
