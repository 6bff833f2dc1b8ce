/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that once waited for what another thread was doing through the same handle. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB ((size_t)1 << 20)

static struct shmx *
created(int i, const char *name, size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, mode, backend_flag[i] | flags, &seg));
    return seg;
}

/* So many reads during one attach are not an accident. */
#define READS_TOO_MANY 500
#define READ_SIZE      (16 * MIB)

struct reading {
    struct shmx *seg;
    atomic_int   begun, stop, waited; /* waited: the number of reads that ended while somebody was
                                         attaching */
    atomic_bool attaching;
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

/* Returns whether the handle answers while another thread is still populating through it. */
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

/* This is tried more than once, because this thread may sleep for as long as the other one
   populates. */
START_TEST(populating_delays_nobody)
{
    bool answered = false;
    int  k;

    if (valgrind_lacks("threads that run at the same time"))
        return;
    for (k = 0; k < 5 && !answered; k++)
        answered = answers_meanwhile(_i, 1024 * MIB);
    ck_assert(answered);
}
END_TEST

/* Work for threads that go on until they are told to stop, or fail. */
struct together {
    struct shmx *seg;
    atomic_int   stop, turn, won;
    char        *place;
};

static void *
attach_and_detach(void *arg)
{
    struct together *t = arg;
    void            *addr;

    while (!atomic_load(&t->stop))
        if (shmx_attach(t->seg, 0, &addr) != 0 || shmx_detach(t->seg, addr) != 0)
            return "failed";
    return NULL;
}

/* Only its hold keeps the segment. */
START_TEST(attaching_after_destroy)
{
    struct together t = { .seg = created(_i, "/x", MIB, 0600, 0) };
    pthread_t       threads[2];
    void           *bad;
    char            got[8] = "";
    int             k;

    ck_assert_int_eq(shmx_write(t.seg, "segment", 8, 0), 8);
    ok(shmx_destroy(t.seg));
    for (k = 0; k < 2; k++)
        ok(pthread_create(&threads[k], NULL, attach_and_detach, &t));
    for (k = 0; k < rounds(20000); k++) {
        ck_assert_int_eq(shmx_read(t.seg, got, 8, 0), 8);
        ck_assert_str_eq(got, "segment");
    }
    atomic_store(&t.stop, 1);
    for (k = 0; k < 2; k++) {
        ok(pthread_join(threads[k], &bad));
        ck_assert_ptr_null(bad);
    }
    shmx_close(t.seg);
}
END_TEST

#define ROUNDS rounds(300)

/* Attaches at the one place in each round, which the test begins. */
static void *
attach_in_place(void *arg)
{
    struct together *t = arg;
    void            *addr;
    int              k, r;

    for (k = 1; k <= ROUNDS; k++) {
        while (atomic_load(&t->turn) / 2 < k)
            sched_yield();
        addr = t->place;
        r = shmx_attach(t->seg, SHMX_FIXED | SHMX_REPLACE, &addr);
        if (r != 0 && r != -EBUSY)
            return "failed";
        atomic_fetch_add(&t->won, r == 0 ? 1 : 1000);
    }
    return NULL;
}

/* Exactly one of the two gets the place. */
START_TEST(two_for_one_place)
{
    struct together t = { .seg = created(_i, "/x", MIB, 0600, 0) };
    pthread_t       threads[2];
    void           *bad;
    int             k;

    t.place = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (k = 0; k < 2; k++)
        ok(pthread_create(&threads[k], NULL, attach_in_place, &t));
    for (k = 0; k < ROUNDS; k++) {
        atomic_store(&t.won, 0);
        atomic_fetch_add(&t.turn, 2);
        while (atomic_load(&t.won) != 1001 && atomic_load(&t.won) != 2
               && atomic_load(&t.won) != 2000)
            sched_yield();
        ck_assert_int_eq(atomic_load(&t.won), 1001);
        ok(shmx_detach(t.seg, t.place));
    }
    for (k = 0; k < 2; k++) {
        ok(pthread_join(threads[k], &bad));
        ck_assert_ptr_null(bad);
    }
    ok(shmx_destroy(t.seg));
    shmx_close(t.seg);
    munmap(t.place, MIB);
}
END_TEST

/* Finds all mappings of that segment in this process. Returns how many there are. */
static int
find_mappings(const char *mark, char *found[], int room)
{
    char          line[1024];
    unsigned long start;
    int           count = 0;
    FILE         *f = fopen("/proc/self/maps", "re");

    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, mark) != NULL && sscanf(line, "%lx", &start) == 1 && count < room)
            found[count++] = (char *)start; /* NOLINT(performance-no-int-to-ptr) */
    fclose(f);
    return count;
}

/* An attachment of the handle cannot take the place of the library's own mapping, the hold or the
   pin. */
START_TEST(own_mapping_is_no_place)
{
    struct shmx *seg = created(_i, "/x", MIB, 0600, 0);
    char        *own[4], got[8] = "";
    void        *addr;

    if (valgrind_lacks("/proc/self/maps of the program alone"))
        goto out;
    ck_assert_int_eq(shmx_write(seg, "segment", 8, 0), 8);
    if (_i == 0)
        ok(shmx_pin(seg));
    ck_assert_int_eq(find_mappings(_i == 0 ? "/dev/shm/" : "/SYSV", own, 4), 1);
    addr = own[0];
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EEXIST);
    fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
    fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | SHMX_PRIVATE, &addr), -EBUSY);
    ck_assert_str_eq(own[0], "segment");
    ck_assert_int_eq(shmx_read(seg, got, 8, 0), 8);
    ck_assert_str_eq(got, "segment");
out:
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void *
pin_it(void *arg)
{
    struct together *t = arg;

    atomic_fetch_add(&t->turn, 1);
    while (atomic_load(&t->turn) < 2) {
    }
    return shmx_pin(t->seg) == 0 ? NULL : "failed";
}

/* Whichever comes first, all of the segment is pinned in the end. */
START_TEST(pinning_while_it_grows)
{
    struct together t;
    pthread_t       thread;
    void           *bad;
    int             k;

    if (!shows_locked_memory())
        return;
    for (k = 0; k < ROUNDS; k++) {
        t = (struct together){ .seg = created(0, "/x", MIB, 0600, 0) };
        ok(pthread_create(&thread, NULL, pin_it, &t));
        atomic_fetch_add(&t.turn, 1);
        while (atomic_load(&t.turn) < 2) {
        }
        ok(shmx_resize(t.seg, 2 * MIB));
        ok(pthread_join(thread, &bad));
        ck_assert_ptr_null(bad);
        ck_assert_int_eq(locked_kib(), 2048);
        ok(shmx_destroy(t.seg));
        shmx_close(t.seg);
        ck_assert_int_eq(locked_kib(), 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: threads");
    TCase *tc = add_case(suite, "threads");

    tcase_add_loop_test(tc, readers_starve_nobody, 0, BACKENDS);
    tcase_add_loop_test(tc, populating_delays_nobody, 0, BACKENDS);
    tcase_add_loop_test(tc, attaching_after_destroy, 0, BACKENDS);
    tcase_add_loop_test(tc, two_for_one_place, 0, BACKENDS);
    tcase_add_loop_test(tc, own_mapping_is_no_place, 0, BACKENDS);
    tcase_add_test(tc, pinning_while_it_grows);
    return suite_main(suite);
}
