/* SPDX-License-Identifier: BSD-2-Clause */
/* One handle in many threads, on both backends. The suite can also run under ThreadSanitizer. */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE    65536
#define THREADS 8
#define TURNS   300

static struct shmx *seg;

/* Each thread has a part of the segment, and uses it in every way that there is. */
static void *
work(void *arg)
{
    const uint64_t   offset = (uintptr_t)arg * (SIZE / THREADS);
    struct shmx_stat st;
    char             buf[64];
    void            *addr;
    intptr_t         bad = 0;
    int              k;

    for (k = 0; k < TURNS; k++) {
        memset(buf, k, sizeof buf);
        bad += shmx_write(seg, buf, sizeof buf, offset) != sizeof buf;
        bad += shmx_attach_range(seg, offset, 64, k % 3 == 0 ? SHMX_RDONLY : 0, &addr) != 0;
        bad += memcmp(addr, buf, sizeof buf) != 0;
        bad += shmx_detach(seg, addr) != 0;
        bad += shmx_read(seg, buf, 1, offset + 63) != 1 || buf[0] != (char)k;
        bad += shmx_size(seg) != SIZE;
        bad += shmx_name(seg) == NULL;
        if (k % 50 == 0)
            bad += shmx_stat(seg, &st) != 0 || st.size != SIZE;
    }
    return (void *)bad; /* NOLINT(performance-no-int-to-ptr) */
}

START_TEST(one_handle_many_threads)
{
    pthread_t        threads[THREADS];
    struct shmx_stat st;
    size_t           k;
    void            *bad;

    ok(shmx_create("/threads", SIZE, 0600, backend_flag[_i], &seg));
    for (k = 0; k < THREADS; k++)
        ok(pthread_create(&threads[k], NULL, work, (void *)k)); /* NOLINT */
    for (k = 0; k < THREADS; k++) {
        ok(pthread_join(threads[k], &bad));
        ck_assert_ptr_null(bad);
    }
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 1); /* nothing of what they have made is left */
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* What all threads do to one handle at the same time, as far as that is possible. */
enum action { PUBLISH, ATTACH, READ, DESTROY };

static struct {
    pthread_barrier_t barrier;
    void             *place; /* where all threads attach */
    enum action       action;
    int               results[THREADS];
} turn;

static void *
take_turn(void *arg)
{
    const size_t k = (uintptr_t)arg;
    void        *addr = turn.place;
    char         name[16];

    snprintf(name, sizeof name, "/turn%zu", k);
    pthread_barrier_wait(&turn.barrier);
    if (turn.action == PUBLISH)
        turn.results[k] = shmx_publish(seg, name);
    else if (turn.action == ATTACH)
        turn.results[k] = shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr);
    else if (turn.action == READ)
        turn.results[k] = (int)shmx_read(seg, name, 1, 0) - 1;
    else
        turn.results[k] = shmx_destroy(seg);
    return NULL;
}

/* count threads have succeeded, and the others were told that they came too late. */
static void
assert_turn(enum action action, size_t count, int late)
{
    pthread_t threads[THREADS];
    size_t    k, succeeded = 0;

    turn.action = action;
    for (k = 0; k < THREADS; k++)
        ok(pthread_create(&threads[k], NULL, take_turn, (void *)k)); /* NOLINT */
    for (k = 0; k < THREADS; k++) {
        ok(pthread_join(threads[k], NULL));
        succeeded += turn.results[k] == 0;
        ck_assert(turn.results[k] == 0 || turn.results[k] == -EBUSY || turn.results[k] == late);
    }
    ck_assert_msg(succeeded == count, "action %d: %zu succeeded", (int)action, succeeded);
}

static int
count_names(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name;
    *(int *)arg += !(st->state & SHMX_IS_NAMELESS);
    return 0;
}

static int
names(void)
{
    int count = 0;

    ok(shmx_list(0, count_names, &count));
    return count;
}

START_TEST(one_of_many_threads_is_first)
{
    struct shmx_stat st;
    void            *addr;
    int              k;

    ok(pthread_barrier_init(&turn.barrier, NULL, THREADS));
    for (k = 0; k < 50; k++) {
        ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &seg));
        assert_turn(PUBLISH, 1, -EINVAL);
        ck_assert_int_eq(names(), 1);
        ok(shmx_attach(seg, 0, &addr));
        assert_turn(READ, THREADS, 0); /* and the first makes the window for all */
        ok(shmx_stat(seg, &st));
        ck_assert_int_eq(st.holders, 1 + _i);
        turn.place = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_turn(ATTACH, 1, -EBUSY);
        strcpy(turn.place, "attached");
        ck_assert_str_eq(addr, "attached");
        assert_turn(DESTROY, 1, -ENOENT);
        shmx_close(seg);
        ck_assert_int_eq(names(), 0);
    }
    ok(pthread_barrier_destroy(&turn.barrier));
}
END_TEST

static int
init(void *addr, size_t size, void *arg)
{
    (void)size;
    usleep(1000);
    strcpy(addr, "once");
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int inits;

static void *
race(void *arg)
{
    struct shmx *mine = NULL;
    char         text[5] = "";
    int          r =
        shmx_open_or_create("/race", SIZE, 0600, backend_flag[*(int *)arg], init, &inits, &mine);

    if (r < 0 || shmx_read(mine, text, 5, 0) != 5 || strcmp(text, "once") != 0)
        return "failed";
    shmx_close(mine);
    return NULL;
}

START_TEST(threads_race_to_create)
{
    pthread_t threads[THREADS];
    int       k, n;
    void     *bad;

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
    if (_i == 1) /* ThreadSanitizer does not know shmdt, and takes an address that is used again for
                    a race */
        return;
#endif
#endif
    for (n = 0; n < 20; n++) {
        inits = 0;
        for (k = 0; k < THREADS; k++)
            ok(pthread_create(&threads[k], NULL, race, &_i));
        for (k = 0; k < THREADS; k++) {
            ok(pthread_join(threads[k], &bad));
            ck_assert_ptr_null(bad);
        }
        ck_assert_int_eq(inits, 1);
        ok(shmx_remove("/race"));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tc = add_case(suite, "threads");

    tcase_add_loop_test(tc, one_handle_many_threads, 0, BACKENDS);
    tcase_add_loop_test(tc, one_of_many_threads_is_first, 0, BACKENDS);
    tcase_add_loop_test(tc, threads_race_to_create, 0, BACKENDS);
    return suite_main(suite);
}
