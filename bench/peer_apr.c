/* SPDX-License-Identifier: BSD-2-Clause */
/* The Apache Portable Runtime. */
#include "contender.h"

#include <apr_general.h>
#include <apr_shm.h>

#define FILE_NAME "/dev/shm/" BENCH_NAME "-apr"

static apr_pool_t *held_pool;
static apr_shm_t  *held;

static apr_pool_t *
new_pool(void)
{
    static int  initialised;
    apr_pool_t *pool;

    if (!initialised++)
        apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        bench_fail("apr_pool_create");
    return pool;
}

static void
begin(size_t size)
{
    held_pool = new_pool();
    if (apr_shm_create(&held, size, FILE_NAME, held_pool) != APR_SUCCESS)
        bench_fail("apr_shm_create");
}

static void
end(void)
{
    apr_shm_destroy(held);
    apr_pool_destroy(held_pool);
}

static void
create_cycle(size_t size)
{
    begin(size);
    bench_use(apr_shm_baseaddr_get(held));
    end();
}

static void
open_cycle(size_t size)
{
    apr_pool_t *pool = new_pool();
    apr_shm_t  *shm;

    (void)size;
    if (apr_shm_attach(&shm, FILE_NAME, pool) != APR_SUCCESS)
        bench_fail("apr_shm_attach");
    bench_use(apr_shm_baseaddr_get(shm));
    apr_shm_detach(shm);
    apr_pool_destroy(pool);
}

static const struct contender contender = {
    "APR",
    "posix",
    "whole when named, reserved, ephemeral, holders counted, read-only, growth",
    create_cycle,
    begin,
    end,
    open_cycle,
    NULL,
    NULL
};
const struct contender *const apr = &contender;
