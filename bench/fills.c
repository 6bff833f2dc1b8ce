/* SPDX-License-Identifier: BSD-2-Clause */
#include "fills.h"

#include "cases.h"
#include "measure.h"
#include "shmx.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void
fill_ours(const struct filler *f)
{
    struct shmx *seg;
    void        *addr = NULL;
    int          r = shmx_create(FILL_NAME, bench_span, 0600, f->create, &seg);

    if (r == 0)
        r = shmx_attach(seg, f->attach, &addr);
    if (r < 0)
        bench_fail(shmx_strerror(r));
    bench_use(addr);
    shmx_destroy(seg);
    shmx_close(seg);
}

void
filler_run(void *filler)
{
    const struct filler *f = filler;

    if (f->contender != NULL)
        f->contender->create_cycle(bench_span);
    else
        fill_ours(f);
}

/* Brings in the memory at once by hand, in the two ways that there are. */
static void
fill_at_once(bool reserve)
{
    int   fd = shm_open(FILL_NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
    void *addr;

    if (fd < 0
        || (reserve ? fallocate(fd, 0, 0, (off_t)bench_span) : ftruncate(fd, (off_t)bench_span))
               < 0)
        bench_fail("fallocate");
    addr = mmap(NULL, bench_span, PROT_READ | PROT_WRITE, MAP_SHARED | (reserve ? 0 : MAP_POPULATE),
                fd, 0);
    if (addr == MAP_FAILED)
        bench_fail("mmap");
    bench_use(addr);
    munmap(addr, bench_span);
    close(fd);
    shm_unlink(FILL_NAME);
}

static void
fill_populated(size_t size)
{
    (void)size;
    fill_at_once(false);
}

static void
allocate_and_fill(size_t size)
{
    (void)size;
    fill_at_once(true);
}

static const struct contender populated = { .name = "MAP_POPULATE",
                                            .create_cycle = fill_populated };
const struct contender fill_allocated = { .name = "fallocate", .create_cycle = allocate_and_fill };

const char *
filler_name(const struct filler *f)
{
    return f->contender != NULL ? f->contender->name : f->name;
}

void
fills_compare(const char *title, const struct filler *fillers, int rounds,
              void (*before)(void *arg))
{
    struct sample samples[FILLS_MOST] = { 0 };
    size_t        i, count = 0;

    for (i = 0; i < FILLS_MOST && (fillers[i].name != NULL || fillers[i].contender != NULL); i++)
        samples[count++] = (struct sample){ .name = filler_name(&fillers[i]),
                                            .run = filler_run,
                                            .arg = (void *)&fillers[i],
                                            .before = before };
    measure(samples, count, rounds);
    report(title, samples, count);
}

static size_t
add(struct filler *fillers, size_t count, const struct contender *const peers[], size_t most)
{
    size_t i;

    for (i = 0; i < most; i++)
        if (peers[i] != NULL)
            fillers[count++].contender = peers[i];
    return count;
}

static void
compare_all(size_t size, int rounds, void (*before)(void *arg))
{
    const struct contender *const posix_peers[] = { boost_posix, apr, python_posix() };
    const struct contender *const sysv_peers[] = { boost_sysv, qt_sysv };
    struct filler                 posix[FILLS_MOST] = { { .contender = &naive_posix },
                                                        { .contender = &fill_allocated },
                                                        { .contender = &populated },
                                                        { NULL, SHMX_POSIX, 0, "libshmx" },
                                                        { NULL, SHMX_POSIX | SHMX_HUGE, 0, "libshmx huge" },
                                                        { NULL, SHMX_POSIX | SHMX_SPARSE, SHMX_POPULATE,
                                                          "libshmx sparse populate" } };
    struct filler                 sysv[FILLS_MOST] = { { .contender = &naive_sysv },
                                                       { NULL, SHMX_SYSV, 0, "libshmx" },
                                                       { NULL, SHMX_SYSV | SHMX_HUGE, 0, "libshmx huge" },
                                                       { NULL, SHMX_SYSV, SHMX_POPULATE, "libshmx populate" } };
    char                          title[64];

    add(posix, 6, posix_peers, 3);
    add(sysv, 4, sysv_peers, 2);
    bench_span = size;
    snprintf(title, sizeof title, "posix: create and fill %zu MiB", size / MIB);
    fills_compare(title, posix, rounds, before);
    snprintf(title, sizeof title, "sysv: create and fill %zu MiB", size / MIB);
    fills_compare(title, sysv, rounds, before);
    bench_span = 1;
}

static void
open_and_touch(void *arg)
{
    const struct contender *contender = arg;

    contender->open_cycle(bench_span);
}

/* The second process touches what the first has made and filled. The segment stays for all
   rounds. */
static void
compare_second(size_t size, const struct contender *const all[], size_t most, int rounds)
{
    struct order  orders[FILLS_MOST];
    struct sample samples[FILLS_MOST] = { 0 };
    char          title[64];
    size_t        i, count = 0;

    bench_span = size;
    for (i = 0; i < most; i++) {
        if (all[i] == NULL)
            continue;
        all[i]->begin(size);
        all[i]->open_cycle(size);
        orders[count] = (struct order){ open_and_touch, (void *)all[i], size };
        samples[count] =
            (struct sample){ .name = all[i]->name, .run = second_run, .arg = &orders[count] };
        count++;
    }
    bench_span = 1;
    measure(samples, count, rounds);
    for (i = 0; i < most; i++)
        if (all[i] != NULL)
            all[i]->end();
    snprintf(title, sizeof title, "%s: a second process touches all of %zu MiB", all[0]->backend,
             size / MIB);
    report(title, samples, count);
}

static struct shmx *held;

static void
hold(size_t size, unsigned flags)
{
    int r = shmx_create(FILL_NAME, size, 0600, flags, &held);

    if (r < 0)
        bench_fail(shmx_strerror(r));
}

static void
hold_posix(size_t size)
{
    hold(size, SHMX_POSIX);
}

static void
hold_sysv(size_t size)
{
    hold(size, SHMX_SYSV | SHMX_HUGE);
}

static void
drop(void)
{
    shmx_destroy(held);
    shmx_close(held);
}

static void
open_ours(size_t size)
{
    struct shmx *seg;
    void        *addr = NULL;
    int          r = shmx_open(FILL_NAME, 0, &seg);

    (void)size;
    if (r == 0)
        r = shmx_attach(seg, 0, &addr);
    if (r < 0)
        bench_fail(shmx_strerror(r));
    bench_use(addr);
    shmx_close(seg);
}

static const struct contender ours_posix = { .name = "libshmx",
                                             .backend = "posix",
                                             .begin = hold_posix,
                                             .end = drop,
                                             .open_cycle = open_ours },
                              ours_sysv = { .name = "libshmx huge",
                                            .backend = "sysv",
                                            .begin = hold_sysv,
                                            .end = drop,
                                            .open_cycle = open_ours };

void
bench_fills(int rounds)
{
    static const size_t           sizes[] = { 2, 4, 16, 64, 256, 1024 };
    const struct contender *const posix[] = { &naive_posix, &ours_posix, boost_posix, apr };
    const struct contender *const sysv[] = { &naive_sysv, &ours_sysv, boost_sysv, qt_sysv };
    size_t                        i;

    second_start();
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int few = sizes[i] <= 16 ? rounds / 2 + 1 : sizes[i] <= 256 ? rounds / 16 + 2 : 3;

        compare_all(sizes[i] * MIB, few, sizes[i] <= 256 ? filler_run : NULL);
        compare_second(sizes[i] * MIB, posix, 4, few);
        compare_second(sizes[i] * MIB, sysv, 4, few);
    }
    second_end();
}
