/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"

#include <stdio.h>
#include <string.h>

#define CONTENDERS 5

struct turn {
    void (*cycle)(size_t size);
    size_t size;
};

static void
take(void *arg)
{
    const struct turn *turn = arg;

    turn->cycle(turn->size);
}

enum cycle { CREATE, OPEN, ATTACH, OPEN_OR_CREATE };

static void (*cycle_of(const struct contender *c, enum cycle cycle))(size_t)
{
    switch (cycle) {
    case CREATE:
        return c->create_cycle;
    case OPEN:
        return c->open_cycle;
    case ATTACH:
        return c->attach_cycle;
    default:
        return c->open_or_create_cycle;
    }
}

/* Except when creating is measured, each contender has a segment during the measurement. */
static void
compare(const char *what, const struct contender *const contenders[], enum cycle cycle, size_t size,
        int rounds)
{
    const struct contender *taking[CONTENDERS] = { 0 };
    struct turn             turns[CONTENDERS];
    struct sample           samples[CONTENDERS];
    char                    title[96];
    size_t                  count = 0, i;

    for (i = 0; i < CONTENDERS && contenders[i] != NULL; i++) {
        if (cycle_of(contenders[i], cycle) == NULL)
            continue;
        taking[count] = contenders[i];
        turns[count] = (struct turn){ cycle_of(contenders[i], cycle), size };
        samples[count] = (struct sample){ .name = contenders[i]->name,
                                          .lacks = contenders[i]->lacks,
                                          .run = take,
                                          .arg = &turns[count] };
        count++;
    }
    for (i = 0; i < count && cycle != CREATE; i++)
        taking[i]->begin(size);
    measure(samples, count, rounds);
    for (i = 0; i < count && cycle != CREATE; i++)
        taking[i]->end();
    snprintf(title, sizeof title, "%s: %s, %zu KiB", taking[0]->backend, what, size >> 10);
    report(title, samples, count);
}

static void
collect(const struct contender *contenders[CONTENDERS + 1], const struct contender *const all[])
{
    size_t i, count = 0;

    for (i = 0; i < CONTENDERS; i++)
        if (all[i] != NULL)
            contenders[count++] = all[i];
    contenders[count] = NULL;
}

void
bench_cycles(int rounds)
{
    static const size_t           sizes[] = { 4096, 1 << 20, 256 << 20 };
    const struct contender *const all[2][CONTENDERS] = {
        { &floor_posix, &naive_posix, &shmx_posix, boost_posix, apr },
        { &floor_sysv, &naive_sysv, &shmx_sysv, boost_sysv, qt_sysv }
    };
    const struct contender *contenders[CONTENDERS + 1];
    size_t                  i;
    int                     backend;

    if (apr == NULL)
        printf("APR (libapr1-dev) is absent\n");
    if (boost_posix == NULL)
        printf("Boost (libboost-dev) is absent\n");
    if (qt_sysv == NULL)
        printf("Qt (qt6-base-dev) is absent\n");
    for (backend = 0; backend < 2; backend++) {
        collect(contenders, all[backend]);
        for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
            compare("create, attach, touch, close, destroy", contenders, CREATE, sizes[i], rounds);
        compare("open, attach, touch, close", contenders, OPEN, 4096, rounds);
        compare("open, attach, touch, close", contenders, OPEN, 1 << 20, rounds);
        compare("attach and detach an open one", contenders, ATTACH, 4096, rounds);
        compare("open or create an existing one", contenders, OPEN_OR_CREATE, 4096, rounds);
    }
}
