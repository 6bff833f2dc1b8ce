/* SPDX-License-Identifier: BSD-2-Clause */
/* This library. */
#include "contender.h"

#include "shmx.h"

static struct shmx *held;

static void
check(int r)
{
    if (r < 0)
        bench_fail(shmx_strerror(r));
}

static void
use(struct shmx *seg)
{
    void *addr;

    check(shmx_attach(seg, 0, &addr));
    bench_use(addr);
}

static void
begin(size_t size, unsigned backend)
{
    check(shmx_create("/" BENCH_NAME, size, 0600, backend | SHMX_SPARSE, &held));
}

static void
end(void)
{
    check(shmx_destroy(held));
    shmx_close(held);
}

static void
create_cycle(size_t size, unsigned backend)
{
    begin(size, backend);
    use(held);
    end();
}

static void
open_cycle(const char *name)
{
    struct shmx *seg;

    check(shmx_open(name, 0, &seg));
    use(seg);
    shmx_close(seg);
}

static void
open_or_create_cycle(const char *name, size_t size)
{
    struct shmx *seg;

    check(shmx_open_or_create(name, size, 0600, SHMX_SPARSE, NULL, NULL, &seg));
    use(seg);
    shmx_close(seg);
}

static void
attach_cycle(size_t size)
{
    void *addr;

    (void)size;
    check(shmx_attach(held, 0, &addr));
    check(shmx_detach(held, addr));
}

static void
posix_create_cycle(size_t size)
{
    create_cycle(size, SHMX_POSIX);
}

static void
posix_begin(size_t size)
{
    begin(size, SHMX_POSIX);
}

static void
posix_open_cycle(size_t size)
{
    (void)size;
    open_cycle("posix:/" BENCH_NAME);
}

static void
posix_open_or_create_cycle(size_t size)
{
    open_or_create_cycle("posix:/" BENCH_NAME, size);
}

static void
sysv_create_cycle(size_t size)
{
    create_cycle(size, SHMX_SYSV);
}

static void
sysv_begin(size_t size)
{
    begin(size, SHMX_SYSV);
}

static void
sysv_open_cycle(size_t size)
{
    (void)size;
    open_cycle("sysv:/" BENCH_NAME);
}

static void
sysv_open_or_create_cycle(size_t size)
{
    open_or_create_cycle("sysv:/" BENCH_NAME, size);
}

const struct contender shmx_posix = {
    "libshmx", "posix",          "",           posix_create_cycle,        posix_begin,
    end,       posix_open_cycle, attach_cycle, posix_open_or_create_cycle
};
const struct contender shmx_sysv = { "libshmx",         "sysv",       "",
                                     sysv_create_cycle, sysv_begin,   end,
                                     sysv_open_cycle,   attach_cycle, sysv_open_or_create_cycle };
