/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "fills.h"
#include "measure.h"
#include "shmx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct filler scarce_posix[] = { { .contender = &fill_allocated },
                                              { NULL, SHMX_POSIX, 0, "libshmx" },
                                              { NULL, SHMX_POSIX | SHMX_HUGE, 0, "libshmx huge" },
                                              { 0 } },
                           scarce_sysv[] = { { .contender = &naive_sysv },
                                             { NULL, SHMX_SYSV, 0, "libshmx" },
                                             { NULL, SHMX_SYSV | SHMX_HUGE, 0, "libshmx huge" },
                                             { 0 } };

static void
compare_scarce(const char *how, size_t size, int rounds)
{
    char title[96];

    bench_span = size;
    snprintf(title, sizeof title, "posix: create and fill %zu MiB, %s", size / MIB, how);
    fills_compare(title, scarce_posix, rounds, filler_run);
    snprintf(title, sizeof title, "sysv: create and fill %zu MiB, %s", size / MIB, how);
    fills_compare(title, scarce_sysv, rounds, filler_run);
    bench_span = 1;
}

static char *
take(size_t size, int advice)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t       at;
    char        *taken = mmap(NULL, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (taken == MAP_FAILED)
        bench_fail("mmap");
    madvise(taken, size, advice);
    for (at = 0; at < size; at += page)
        taken[at] = 1;
    return taken;
}

/* What is in one piece is taken before each measurement, so that each contender has to make pieces
   itself. */
static char *held[32];

static void
take_large_pieces(void *arg)
{
    size_t i = 0;

    (void)arg;
    while (held[i] != NULL)
        i++;
    held[i] = take(256 * MIB, MADV_HUGEPAGE);
}

/* Takes nearly all of the memory, gives every other page of it back, and then also takes what was
   left in large pieces. */
static void
compare_in_pieces(void)
{
    static const struct filler fillers[] = { { .contender = &fill_allocated },
                                             { NULL, SHMX_POSIX, 0, "libshmx" },
                                             { 0 } };
    const size_t               page = (size_t)sysconf(_SC_PAGESIZE), left = (size_t)3 << 30;
    const size_t               all = (size_t)sysconf(_SC_AVPHYS_PAGES) * page;
    char                      *pieces, *large;
    size_t                     at, i;

    if (all <= 4 * left)
        bench_fail("too little memory is free");
    pieces = take(all - left, MADV_NOHUGEPAGE);
    for (at = 0; at < all - left; at += 2 * page)
        madvise(pieces + at, page, MADV_DONTNEED);
    large = take(left, MADV_HUGEPAGE);
    bench_span = 256 * MIB;
    fills_compare("posix: create and fill 256 MiB, memory in pieces", fillers, 5,
                  take_large_pieces);
    bench_span = 1;
    for (i = 0; held[i] != NULL; i++)
        munmap(held[i], 256 * MIB);
    munmap(large, left);
    munmap(pieces, all - left);
}

/* A file that was read takes up the limit of this control group, so memory has to be taken from the
   file. */
#define GROUP "/sys/fs/cgroup/memory/shmx-bench"

static char file[] = "/var/tmp/shmx-bench-XXXXXX";

static void
read_file(void *arg)
{
    static char buf[1 << 16];
    const int   fd = open(file, O_RDONLY | O_CLOEXEC);

    (void)arg;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    while (read(fd, buf, sizeof buf) > 0)
        ;
    close(fd);
}

static void
read_elsewhere(void *arg)
{
    (void)arg;
    second_run(&(struct order){ read_file, NULL, 1 });
}

static bool
write_number(const char *path, long long number)
{
    FILE *f = fopen(path, "we");

    if (f == NULL)
        return false;
    fprintf(f, "%lld\n", number);
    return fclose(f) == 0;
}

static void
compare_in_group(const char *title, const struct filler *fillers, int rounds)
{
    struct order  orders[FILLS_MOST];
    struct sample samples[FILLS_MOST] = { 0 };
    size_t        i;

    for (i = 0; fillers[i].name != NULL || fillers[i].contender != NULL; i++) {
        orders[i] = (struct order){ filler_run, (void *)&fillers[i], 256 * MIB };
        samples[i] = (struct sample){ .name = filler_name(&fillers[i]),
                                      .run = second_run,
                                      .arg = &orders[i],
                                      .before = read_elsewhere };
    }
    measure(samples, i, rounds);
    report(title, samples, i);
}

static void
compare_in_groups(int rounds)
{
    const int   fd = mkstemp(file);
    const pid_t pid = second_start();

    if (fd < 0 || posix_fallocate(fd, 0, (off_t)(256 * MIB)) != 0)
        bench_fail(file);
    if (mkdir(GROUP, 0755) == 0
        && write_number(GROUP "/memory.limit_in_bytes", (long long)(320 * MIB))
        && write_number(GROUP "/cgroup.procs", pid)) {
        compare_in_group("posix: create and fill 256 MiB, group at its limit", scarce_posix,
                         rounds);
        compare_in_group("sysv: create and fill 256 MiB, group at its limit", scarce_sysv, rounds);
    } else {
        fprintf(stderr, "shortage: no memory control groups of version 1 here\n");
    }
    second_end();
    rmdir(GROUP);
    unlink(file);
    close(fd);
}

void
bench_shortage(int rounds)
{
    rounds = rounds / 12 + 3;
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    compare_scarce("huge pages switched off", 2 * MIB, rounds * 8);
    compare_scarce("huge pages switched off", 256 * MIB, rounds);
    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    compare_in_groups(rounds);
    compare_in_pieces();
}
