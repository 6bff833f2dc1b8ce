/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "shmx.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY 10000

static void
open_one(void *arg)
{
    struct shmx *seg;
    int          r = shmx_open(arg, 0, &seg);

    if (r < 0)
        bench_fail(shmx_strerror(r));
    shmx_close(seg);
}

static void
stat_one(void *arg)
{
    struct shmx_stat st;

    if (shmx_stat(arg, &st) < 0)
        bench_fail("shmx_stat");
}

static void
open_descriptor(void *arg)
{
    struct shmx *seg;
    int          r = shmx_open_fd(shmx_fd(arg), 0, &seg);

    if (r < 0)
        bench_fail(shmx_strerror(r));
    shmx_close(seg);
}

/* This is what people type, and ls is a program that lists all names with their sizes. */
static void
list_by_hand(void *arg)
{
    (void)arg;
    if (system("ls -lU /dev/shm >/dev/null") != 0)
        bench_fail("ls");
}

static int
ignore(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static void
list_all(void *arg)
{
    if (shmx_list(*(unsigned *)arg, ignore, NULL) < 0)
        bench_fail("shmx_list");
}

static void
make(unsigned flag, int from, int to)
{
    struct shmx *seg;
    char         name[32];
    int          r, i;

    for (i = from; i < to; i++) {
        snprintf(name, sizeof name, "/crowd%d", i);
        r = shmx_create(name, 1, 0600, flag | SHMX_SPARSE, &seg);
        if (r < 0)
            bench_fail(shmx_strerror(r));
        shmx_close(seg);
    }
}

static void
unmake(int count)
{
    char name[32];
    int  i;

    for (i = 0; i < count; i++) {
        snprintf(name, sizeof name, "/crowd%d", i);
        shmx_remove(name);
    }
}

/* Measures the same beside no other segments, 999 and many. System V has at most 4,096 segments,
   unless kernel.shmmni says otherwise. */
static void
compare(const char *backend, unsigned flag, int many, int rounds)
{
    const int     counts[] = { 1, 1000, many };
    char          text[32], title[64], names[3][32];
    struct sample opens[3], lists[4], stats[3], descriptors[3];
    struct shmx  *seg = NULL;
    size_t        i;
    int           made = 0;

    snprintf(text, sizeof text, "%s:/crowd0", backend);
    for (i = 0; i < 3; i++) {
        make(flag, made, counts[i]);
        made = counts[i];
        if (seg == NULL && shmx_open(text, 0, &seg) < 0)
            bench_fail("shmx_open");
        snprintf(names[i], sizeof names[i], "beside %d", counts[i] - 1);
        opens[i] = (struct sample){ .name = names[i], .run = open_one, .arg = text };
        lists[i] = (struct sample){ .name = names[i], .run = list_all, .arg = &flag };
        stats[i] = (struct sample){ .name = names[i], .run = stat_one, .arg = seg };
        descriptors[i] = (struct sample){ .name = names[i], .run = open_descriptor, .arg = seg };
        measure(&opens[i], 1, rounds);
        measure(&stats[i], 1, rounds);
        if (flag == SHMX_POSIX)
            measure(&descriptors[i], 1, rounds);
        lists[3] = (struct sample){ .name = "ls -lU", .run = list_by_hand };
        measure(&lists[i], i == 2 ? 2 : 1, rounds / 10 + 1);
    }
    shmx_close(seg);
    unmake(made);
    snprintf(title, sizeof title, "%s: open one of many", backend);
    report(title, opens, 3);
    snprintf(title, sizeof title, "%s: stat one of many", backend);
    report(title, stats, 3);
    if (flag == SHMX_POSIX)
        report("posix: open the descriptor of one of many", descriptors, 3);
    snprintf(title, sizeof title, "%s: list", backend);
    report(title, lists, 4);
}

void
bench_crowds(int rounds)
{
    compare("posix", SHMX_POSIX, MANY, rounds);
    compare("sysv", SHMX_SYSV, 4000, rounds);
}
