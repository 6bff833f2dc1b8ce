/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "shmx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char        *buffer, *mapped;
static struct shmx *segments[2]; /* POSIX and System V */
static size_t       bytes;

static void
check(bool well)
{
    if (!well)
        bench_fail("copies");
}

static void
read_by_memcpy(void *arg)
{
    (void)arg;
    memcpy(buffer, mapped, bytes);
    __asm__ volatile("" ::: "memory");
}

static void
write_by_memcpy(void *arg)
{
    (void)arg;
    memcpy(mapped, buffer, bytes);
    __asm__ volatile("" ::: "memory");
}

static void
read_by_pread(void *arg)
{
    check(pread(*(int *)arg, buffer, bytes, 0) == (ssize_t)bytes);
}

static void
write_by_pwrite(void *arg)
{
    check(pwrite(*(int *)arg, buffer, bytes, 0) == (ssize_t)bytes);
}

static void
read_by_shmx(void *arg)
{
    check(shmx_read(arg, buffer, bytes, 0) == (ssize_t)bytes);
}

static void
write_by_shmx(void *arg)
{
    check(shmx_write(arg, buffer, bytes, 0) == (ssize_t)bytes);
}

static void
compare(int fd, int rounds)
{
    struct sample posix_read[] = {
        { .name = "pread", .run = read_by_pread, .arg = &fd },
        { .name = "shmx_read", .run = read_by_shmx, .arg = segments[0] }
    };
    struct sample posix_write[] = {
        { .name = "pwrite", .run = write_by_pwrite, .arg = &fd },
        { .name = "shmx_write", .run = write_by_shmx, .arg = segments[0] }
    };
    struct sample sysv_read[] = {
        { .name = "memcpy", .run = read_by_memcpy },
        { .name = "shmx_read", .run = read_by_shmx, .arg = segments[1] }
    };
    struct sample sysv_write[] = {
        { .name = "memcpy", .run = write_by_memcpy },
        { .name = "shmx_write", .run = write_by_shmx, .arg = segments[1] }
    };
    const struct {
        const char    *what;
        struct sample *samples;
    } cases[] = { { "posix: read", posix_read },
                  { "posix: write", posix_write },
                  { "sysv: read", sysv_read },
                  { "sysv: write", sysv_write } };
    char   title[64];
    size_t i;

    for (i = 0; i < 4; i++) {
        measure(cases[i].samples, 2, rounds);
        snprintf(title, sizeof title, "%s %zu bytes", cases[i].what, bytes);
        report(title, cases[i].samples, 2);
    }
}

void
bench_copies(int rounds)
{
    static const size_t sizes[] = { 64, 1024, 16384, 65536, 1 << 20, 16 << 20, 64 << 20 };
    const size_t        most = 64 << 20;
    size_t              i;
    int                 fd = memfd_create("copies", 0);
    void               *addr;

    buffer = malloc(most);
    check(buffer != NULL && fd >= 0 && posix_fallocate(fd, 0, (off_t)most) == 0);
    check(shmx_create(NULL, most, 0600, SHMX_POSIX, &segments[0]) == 0);
    check(shmx_create(NULL, most, 0600, SHMX_SYSV, &segments[1]) == 0);
    /* The bare memcpy has the same kind of memory. */
    check(shmx_attach(segments[1], 0, &addr) == 0);
    memset(addr, 1, most);
    memset(buffer, 2, most);
    mapped = addr;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bytes = sizes[i];
        compare(fd, bytes > 1 << 20 ? rounds / 5 + 1 : rounds);
    }
    for (i = 0; i < 2; i++) {
        shmx_destroy(segments[i]);
        shmx_close(segments[i]);
    }
    free(buffer);
    close(fd);
}
