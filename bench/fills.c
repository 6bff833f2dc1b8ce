/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "shmx.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define SIZE    ((size_t)256 << 20)
#define SETTING "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Every page is brought in; what is written there costs the same for all. */
static void
touch(void *addr)
{
    volatile char *at, *end = (char *)addr + SIZE;

    for (at = addr; at < end; at += 4096)
        *at = 1;
}

static void
fill_naive_posix(void *arg)
{
    int   fd = shm_open("/shmx-bench-fill", O_RDWR | O_CREAT | O_EXCL, 0600);
    void *addr;

    (void)arg;
    if (fd < 0 || ftruncate(fd, (off_t)SIZE) < 0)
        bench_fail("ftruncate");
    addr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (addr == MAP_FAILED)
        bench_fail("mmap");
    touch(addr);
    munmap(addr, SIZE);
    close(fd);
    shm_unlink("/shmx-bench-fill");
}

static void
fill_naive_sysv(void *arg)
{
    int   id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
    void *addr = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

    (void)arg;
    if (addr == (void *)-1)
        bench_fail("shmat");
    touch(addr);
    shmdt(addr);
    shmctl(id, IPC_RMID, NULL);
}

struct way {
    unsigned create, attach;
};

static void
fill_ours(void *arg)
{
    const struct way *way = arg;
    struct shmx      *seg;
    void             *addr = NULL;
    int               r = shmx_create("/shmx-bench-fill", SIZE, 0600, way->create, &seg);

    if (r == 0)
        r = shmx_attach(seg, way->attach, &addr);
    if (r < 0)
        bench_fail(shmx_strerror(r));
    touch(addr);
    shmx_destroy(seg);
    shmx_close(seg);
}

static void
compare(const char *backend, unsigned flag, void (*naive)(void *), int rounds)
{
    struct way    ways[] = { { flag, 0 },
                             { flag | SHMX_SPARSE, 0 },
                             { flag, SHMX_POPULATE },
                             { flag | SHMX_SPARSE, SHMX_POPULATE },
                             { flag | SHMX_HUGE, 0 },
                             { flag | SHMX_HUGE | SHMX_SPARSE, 0 } };
    struct sample samples[] = {
        { .name = "naive", .run = naive },
        { .name = "libshmx", .run = fill_ours, .arg = &ways[0] },
        { .name = "libshmx sparse", .run = fill_ours, .arg = &ways[1] },
        { .name = "libshmx populate", .run = fill_ours, .arg = &ways[2] },
        { .name = "libshmx sparse populate", .run = fill_ours, .arg = &ways[3] },
        { .name = "libshmx huge", .run = fill_ours, .arg = &ways[4] },
        { .name = "libshmx huge sparse", .run = fill_ours, .arg = &ways[5] }
    };
    char title[64];

    measure(samples, sizeof samples / sizeof *samples, rounds);
    snprintf(title, sizeof title, "%s: create and fill 256 MiB", backend);
    report(title, samples, sizeof samples / sizeof *samples);
}

static bool
set(const char *value)
{
    int  fd = open(SETTING, O_WRONLY | O_CLOEXEC);
    bool well = fd >= 0 && write(fd, value, strlen(value)) > 0;

    close(fd);
    return well;
}

/* What is in force: in brackets. */
static bool
get(char value[32])
{
    FILE *f = fopen(SETTING, "re");
    bool  well = f != NULL && fscanf(f, "%*[^[][%31[a-z_]", value) == 1;

    if (f != NULL)
        fclose(f);
    return well;
}

void
bench_fills(int rounds)
{
    char saved[32];
    bool changed;

    rounds = rounds / 12 + 3;
    changed = get(saved) && strcmp(saved, "advise") != 0 && set("advise");
    if (!changed)
        fprintf(stderr, "fills: transparent huge pages are left as they are\n");
    compare("posix", SHMX_POSIX, fill_naive_posix, rounds);
    compare("sysv", SHMX_SYSV, fill_naive_sysv, rounds);
    if (changed && !set(saved))
        fprintf(stderr, "fills: " SETTING " could not be set back to %s\n", saved);
}
