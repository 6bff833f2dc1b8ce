/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "shmx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "/shmx-bench-fill"
#define MIB  ((size_t)1 << 20)
#define MOST 9

/* Who fills: a contender, or this library with flags of its own. */
struct filler {
    const struct contender *contender;
    unsigned                create, attach;
    const char             *name;
};

static void
fill_ours(const struct filler *f)
{
    struct shmx *seg;
    void        *addr = NULL;
    int          r = shmx_create(NAME, bench_span, 0600, f->create, &seg);

    if (r == 0)
        r = shmx_attach(seg, f->attach, &addr);
    if (r < 0)
        bench_fail(shmx_strerror(r));
    bench_use(addr);
    shmx_destroy(seg);
    shmx_close(seg);
}

static void
fill(void *arg)
{
    const struct filler *f = arg;

    if (f->contender != NULL)
        f->contender->create_cycle(bench_span);
    else
        fill_ours(f);
}

/* By hand: memory brought in at once, in the two ways that there are. */
static void
fill_at_once(bool reserve)
{
    int   fd = shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
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
    shm_unlink(NAME);
}

static void
fill_populated(size_t size)
{
    (void)size;
    fill_at_once(false);
}

static void
fill_allocated(size_t size)
{
    (void)size;
    fill_at_once(true);
}

static const struct contender populated = { .name = "MAP_POPULATE",
                                            .create_cycle = fill_populated },
                              allocated = { .name = "fallocate", .create_cycle = fill_allocated };

static const char *
name_of(const struct filler *f)
{
    return f->contender != NULL ? f->contender->name : f->name;
}

/* The same memory is used by turns. Whoever gets pages that another one has used differently before
   pays for that, on a virtual machine above all; so each fills once before it is timed. */
static void
compare(const char *title, const struct filler *fillers, int rounds, void (*before)(void *arg))
{
    struct sample samples[MOST] = { 0 };
    size_t        i, count = 0;

    for (i = 0; i < MOST && (fillers[i].name != NULL || fillers[i].contender != NULL); i++)
        samples[count++] = (struct sample){
            .name = name_of(&fillers[i]), .run = fill, .arg = (void *)&fillers[i], .before = before
        };
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
compare_all(size_t size, int rounds)
{
    const struct contender *const posix_peers[] = { boost_posix, apr, python_posix() };
    const struct contender *const sysv_peers[] = { boost_sysv, qt_sysv };
    struct filler                 posix[MOST] = { { .contender = &naive_posix },
                                                  { .contender = &allocated },
                                                  { .contender = &populated },
                                                  { NULL, SHMX_POSIX, 0, "libshmx" },
                                                  { NULL, SHMX_POSIX | SHMX_HUGE, 0, "libshmx huge" },
                                                  { NULL, SHMX_POSIX | SHMX_SPARSE, SHMX_POPULATE,
                                                    "libshmx sparse populate" } };
    struct filler                 sysv[MOST] = { { .contender = &naive_sysv },
                                                 { NULL, SHMX_SYSV, 0, "libshmx" },
                                                 { NULL, SHMX_SYSV | SHMX_HUGE, 0, "libshmx huge" },
                                                 { NULL, SHMX_SYSV, SHMX_POPULATE, "libshmx populate" } };
    char                          title[64];

    add(posix, 6, posix_peers, 3);
    add(sysv, 4, sysv_peers, 2);
    bench_span = size;
    snprintf(title, sizeof title, "posix: create and fill %zu MiB", size / MIB);
    compare(title, posix, rounds, fill);
    snprintf(title, sizeof title, "sysv: create and fill %zu MiB", size / MIB);
    compare(title, sysv, rounds, fill);
    bench_span = 1;
}

/* A second process, which waits for us to say what it is to do. */

struct order {
    void (*run)(void *arg);
    void  *arg; /* of what was there before it was started */
    size_t span;
};

static int second;

static pid_t
start_second(void)
{
    struct order order;
    int          line[2];
    pid_t        pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
        bench_fail("socketpair");
    second = line[0];
    pid = fork();
    if (pid != 0) {
        close(line[1]);
        return pid;
    }
    close(line[0]);
    while (read(line[1], &order, sizeof order) == sizeof order) {
        bench_span = order.span;
        order.run(order.arg);
        if (write(line[1], "", 1) != 1)
            break;
    }
    _exit(0);
}

static void
run_elsewhere(void *arg)
{
    char c;

    if (write(second, arg, sizeof(struct order)) != sizeof(struct order)
        || read(second, &c, 1) != 1)
        bench_fail("the second process");
}

static void
open_and_touch(void *arg)
{
    const struct contender *contender = arg;

    contender->open_cycle(bench_span);
}

/* It touches what the first has made and filled, which stays as it is for all rounds. */
static void
compare_second(size_t size, const struct contender *const all[], size_t most, int rounds)
{
    struct order  orders[MOST];
    struct sample samples[MOST] = { 0 };
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
            (struct sample){ .name = all[i]->name, .run = run_elsewhere, .arg = &orders[count] };
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
    int r = shmx_create(NAME, size, 0600, flags, &held);

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
    int          r = shmx_open(NAME, 0, &seg);

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

    start_second();
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int few = sizes[i] <= 16 ? rounds / 2 + 1 : sizes[i] <= 256 ? rounds / 16 + 2 : 3;

        compare_all(sizes[i] * MIB, few);
        compare_second(sizes[i] * MIB, posix, 4, few);
        compare_second(sizes[i] * MIB, sysv, 4, few);
    }
    close(second);
}

/* Memory is scarce. */

static const struct filler scarce_posix[] = { { .contender = &allocated },
                                              { NULL, SHMX_POSIX, 0, "libshmx" },
                                              { NULL, SHMX_POSIX | SHMX_HUGE, 0, "libshmx huge" },
                                              { 0 } },
                           scarce_sysv[] = { { .contender = &naive_sysv },
                                             { NULL, SHMX_SYSV | SHMX_HUGE, 0, "libshmx huge" },
                                             { 0 } };

static void
compare_scarce(const char *how, size_t size, int rounds)
{
    char title[96];

    bench_span = size;
    snprintf(title, sizeof title, "posix: create and fill %zu MiB, %s", size / MIB, how);
    compare(title, scarce_posix, rounds, fill);
    snprintf(title, sizeof title, "sysv: create and fill %zu MiB, %s", size / MIB, how);
    compare(title, scarce_sysv, rounds, fill);
    bench_span = 1;
}

/* Nearly all of the memory is taken, and every other page of it given back. */
static void
compare_in_pieces(int rounds)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), left = (size_t)3 << 30;
    size_t       size = (size_t)sysconf(_SC_AVPHYS_PAGES) * page, at;
    char        *taken;

    if (size <= left)
        bench_fail("too little memory is free");
    size -= left;
    taken = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (taken == MAP_FAILED)
        bench_fail("mmap");
    madvise(taken, size, MADV_NOHUGEPAGE);
    for (at = 0; at < size; at += page)
        taken[at] = 1;
    for (at = 0; at < size; at += 2 * page)
        madvise(taken + at, page, MADV_DONTNEED);
    compare_scarce("memory in pieces", 256 * MIB, rounds);
    munmap(taken, size);
}

/* A control group whose limit is taken up by a file that was read: memory has to be taken from it.
 */
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
    run_elsewhere(&(struct order){ read_file, NULL, 1 });
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
    struct order  orders[MOST];
    struct sample samples[MOST] = { 0 };
    size_t        i;

    for (i = 0; fillers[i].name != NULL || fillers[i].contender != NULL; i++) {
        orders[i] = (struct order){ fill, (void *)&fillers[i], 256 * MIB };
        samples[i] = (struct sample){ .name = name_of(&fillers[i]),
                                      .run = run_elsewhere,
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
    const pid_t pid = start_second();

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
    close(second);
    waitpid(pid, NULL, 0);
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
    compare_in_pieces(rounds);
}
