/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that once waited for what another one was doing through the same handle. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

static struct shmx *
created(int i, const char *name, size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, mode, backend_flag[i] | flags, &seg));
    return seg;
}

/* So many reads during one attach are no accident. */
#define READS_TOO_MANY 500
#define READ_SIZE      (16 * MIB)

struct reading {
    struct shmx *seg;
    atomic_int   begun, stop, waited; /* waited: reads that ended while somebody attached */
    atomic_bool  attaching;
};

static void *
read_on(void *arg)
{
    struct reading *reading = arg;
    char           *buf = malloc(READ_SIZE);

    while (buf != NULL && !atomic_load(&reading->stop)
           && atomic_load(&reading->waited) < READS_TOO_MANY) {
        if (shmx_read(reading->seg, buf, READ_SIZE, 0) != (ssize_t)READ_SIZE)
            break;
        atomic_fetch_add(&reading->begun, 1);
        if (atomic_load(&reading->attaching))
            atomic_fetch_add(&reading->waited, 1);
    }
    free(buf);
    return NULL;
}

START_TEST(readers_starve_nobody)
{
    struct reading reading = { .seg = created(_i, "/x", READ_SIZE, 0600, 0) };
    pthread_t      threads[2];
    void          *addr;
    int            k;

    if (valgrind_lacks("threads that run at the same time")) {
        ok(shmx_destroy(reading.seg));
        shmx_close(reading.seg);
        return;
    }
    for (k = 0; k < 2; k++)
        ok(pthread_create(&threads[k], NULL, read_on, &reading));
    while (atomic_load(&reading.begun) < 4)
        sched_yield();
    for (k = 0; k < 10 && atomic_load(&reading.waited) < READS_TOO_MANY; k++) {
        atomic_store(&reading.waited, 0);
        atomic_store(&reading.attaching, true);
        ok(shmx_attach(reading.seg, 0, &addr));
        atomic_store(&reading.attaching, false);
        ok(shmx_detach(reading.seg, addr));
    }
    atomic_store(&reading.stop, 1);
    for (k = 0; k < 2; k++)
        ok(pthread_join(threads[k], NULL));
    ck_assert_int_lt(atomic_load(&reading.waited), READS_TOO_MANY);
    ok(shmx_destroy(reading.seg));
    shmx_close(reading.seg);
}
END_TEST

static void *
populate(void *seg)
{
    void *addr;

    if (shmx_attach(seg, SHMX_POPULATE, &addr) != 0 || shmx_detach(seg, addr) != 0)
        return "failed";
    return NULL;
}

static int
note_resident(const char *name, const struct shmx_stat *st, void *arg)
{
    if (strcmp(strchr(name, ':'), ":/x") == 0)
        *(uint64_t *)arg = st->resident;
    return 0;
}

static uint64_t
resident(void)
{
    uint64_t bytes = 0;

    ok(shmx_list(0, note_resident, &bytes));
    return bytes;
}

/* Whether the handle answers while another thread is still populating through it. */
static bool
answers_meanwhile(int backend, size_t size)
{
    struct shmx *seg = created(backend, "/x", size, 0600, SHMX_SPARSE);
    pthread_t    thread;
    uint64_t     after;
    void        *bad;

    ok(pthread_create(&thread, NULL, populate, seg));
    while (resident() == 0)
        sched_yield();
    ck_assert_ptr_nonnull(shmx_name(seg));
    after = resident();
    ok(pthread_join(thread, &bad));
    ck_assert_ptr_null(bad);
    ck_assert_uint_eq(resident(), size);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    return after < size;
}

/* More than once, since this thread may sleep for as long as the other one populates. */
START_TEST(populating_delays_nobody)
{
    bool answered = false;
    int  k;

    for (k = 0; k < 5 && !answered; k++)
        answered = answers_meanwhile(_i, 1024 * MIB);
    ck_assert(answered);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: threads");
    TCase *tc = add_case(suite, "threads");

    tcase_add_loop_test(tc, readers_starve_nobody, 0, BACKENDS);
    tcase_add_loop_test(tc, populating_delays_nobody, 0, BACKENDS);
    return suite_main(suite);
}
