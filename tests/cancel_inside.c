/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that are cancelled inside a callback of the program, or while they wait. */
#include "support.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SIZE 4096

struct caller {
    unsigned     flag;
    struct shmx *seg;
    bool         sleeps; /* the thread is cancelled in usleep, otherwise in pthread_testcancel */
    int          called; /* how often it was called back */
    bool         finished;
    int          result;
};

static int
init_nothing(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    return 0;
}

static int
visit_nothing(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

/* A callback may enable cancellation and be cancelled. */
static void
be_cancelled(struct caller *caller)
{
    caller->called++;
    pthread_cancel(pthread_self());
    if (caller->sleeps)
        usleep(10);
    else
        pthread_testcancel();
}

static int
init_cancelled(void *addr, size_t size, void *arg)
{
    memset(addr, 1, size);
    be_cancelled(arg);
    return 0;
}

static int
visit_cancelled(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    be_cancelled(arg);
    return 0;
}

static void
finish(struct caller *caller, int result)
{
    caller->result = result;
    caller->finished = true;
    pthread_testcancel();
}

static void *
call_init(void *arg)
{
    struct caller *c = arg;
    int            r = shmx_open_or_create("/o", SIZE, 0600, c->flag, init_cancelled, c, &c->seg);

    if (r == 1) { /* it was not cancelled before the callback returned */
        r = shmx_destroy(c->seg);
        shmx_close(c->seg);
    }
    finish(c, r);
    return NULL;
}

static void *
call_list(void *arg)
{
    finish(arg, shmx_list(0, visit_cancelled, arg));
    return NULL;
}

static void *
call_collect(void *arg)
{
    finish(arg, shmx_collect(0, NULL, visit_cancelled, arg));
    return NULL;
}

static void
run_in_thread(struct caller *caller, void *(*run)(void *))
{
    pthread_t thread;
    void     *ended;

    ok(pthread_create(&thread, NULL, run, caller));
    ok(pthread_join(thread, &ended));
    ck_assert_ptr_eq(ended, PTHREAD_CANCELED);
    ck_assert_int_ge(caller->called, 1);
}

/* Returns how many bytes all threads have allocated, or 0 where the C library does not tell. */
static size_t
allocated(void)
{
#ifdef __GLIBC__
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* Runs it again and again. After the first two runs, the C library has what it keeps for
   threads. */
static void
assert_no_leak(struct caller *caller, void (*run)(struct caller *caller))
{
    size_t before = 0;
    int    k;

#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1); /* the arena that is counted */
#endif
    for (k = 0; k < 4; k++) {
        if (k == 2)
            before = allocated();
        run(caller);
    }
    ck_assert_uint_eq(allocated(), before);
}

static void
be_cancelled_in_init(struct caller *caller)
{
    run_in_thread(caller, call_init);
    ok(caller->result);
}

/* The thread may end there and then, or after an ordinary return. In both cases the next thread
   initialises without waiting, elsewhere and here. */
START_TEST(cancelled_in_init)
{
    struct caller caller = { .flag = backend_flag[_i % BACKENDS], .sleeps = _i >= BACKENDS };
    struct shmx  *seg = NULL;
    pid_t         pid;

    assert_no_leak(&caller, be_cancelled_in_init);
    pid = check_fork();
    if (pid == 0) {
        ck_assert_int_eq(
            shmx_open_or_create("/o", SIZE, 0600, caller.flag, init_nothing, NULL, &seg), 1);
        ok(shmx_destroy(seg));
        _exit(0);
    }
    join(pid);
    ck_assert_int_eq(shmx_open_or_create("/o", SIZE, 0600, caller.flag, init_nothing, NULL, &seg),
                     1);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void
be_cancelled_in_visit(struct caller *caller)
{
    run_in_thread(caller, call_list);
    run_in_thread(caller, call_collect);
}

START_TEST(cancelled_in_visit)
{
    struct caller caller = { .flag = backend_flag[_i % BACKENDS], .sleeps = _i >= BACKENDS };
    struct shmx  *seg = NULL;

    ok(shmx_create("/kept", SIZE, 0600, caller.flag, &seg));
    shmx_close(seg); /* without a holder, collecting visits it, too */
    assert_no_leak(&caller, be_cancelled_in_visit);
    ok(shmx_list(0, visit_nothing, NULL));
    ok(shmx_collect(0, NULL, visit_nothing, NULL));
    ok(shmx_open("/kept", 0, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void *
wait_for_the_initialiser(void *arg)
{
    struct caller *c = arg;

    if (c->sleeps) /* here this means: cancelled before the call */
        pthread_cancel(pthread_self());
    finish(c, shmx_open_or_create("/o", SIZE, 0600, c->flag, init_nothing, NULL, &c->seg));
    return NULL;
}

START_TEST(cancelled_while_waiting_for_the_initialiser)
{
    struct caller caller = { .flag = backend_flag[_i % BACKENDS], .sleeps = _i >= BACKENDS };
    char          flag[16];
    struct peer   peer;
    pthread_t     thread;
    void         *ended;

    snprintf(flag, sizeof flag, "%u", caller.flag);
    peer = peer_start((const char *[]){ "peer", "stick", "/o", flag, NULL });
    peer_await(&peer, "in init");
    ok(pthread_create(&thread, NULL, wait_for_the_initialiser, &caller));
    usleep(100000);
    ok(pthread_cancel(thread));
    usleep(100000);
    ck_assert_int_eq(peer_finish(&peer), 11);
    ok(pthread_join(thread, &ended));
    ck_assert_ptr_eq(ended, PTHREAD_CANCELED);
    ck_assert(caller.finished);
    ck_assert_int_eq(caller.result, 0);
    shmx_close(caller.seg);
    ok(shmx_remove("/o"));
}
END_TEST

struct sleeper {
    struct caller caller;
    uint32_t     *word; /* NULL when it waits for a name */
};

static void *
sleep_for_ever(void *arg)
{
    struct sleeper *s = arg;

    if (s->caller.sleeps)
        pthread_cancel(pthread_self());
    finish(&s->caller, s->word != NULL ? shmx_wait(s->caller.seg, s->word, 0, 0, NULL)
                                       : shmx_open_wait("/late", 0, NULL, &s->caller.seg));
    return NULL;
}

/* A cancelled thread goes on waiting, so it does not take the wake-up of another thread. */
START_TEST(cancelled_while_waiting)
{
    const bool     names = _i % 2;
    struct sleeper s = { .caller = { .flag = backend_flag[_i / 2 % BACKENDS], .sleeps = _i >= 4 } };
    struct shmx   *seg = NULL;
    pthread_t      thread;
    void          *addr, *ended;

    ok(shmx_create(names ? NULL : "/late", SIZE, 0600, s.caller.flag, &seg));
    ok(shmx_attach(seg, 0, &addr));
    s.caller.seg = names ? NULL : seg;
    s.word = names ? NULL : addr;
    ok(pthread_create(&thread, NULL, sleep_for_ever, &s));
    usleep(100000);
    ok(pthread_cancel(thread));
    usleep(100000);
    if (names)
        ok(shmx_publish(seg, "/late"));
    else
        ck_assert_int_eq(shmx_wake(seg, addr, 1), 1);
    ok(pthread_join(thread, &ended));
    ck_assert_ptr_eq(ended, PTHREAD_CANCELED);
    ck_assert(s.caller.finished);
    ok(s.caller.result);
    if (names)
        shmx_close(s.caller.seg);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cancellation inside");
    TCase *tc = add_case(suite, "cancellation");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, cancelled_in_init, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, cancelled_in_visit, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, cancelled_while_waiting_for_the_initialiser, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, cancelled_while_waiting, 0, 4 * BACKENDS);
    return suite_main(suite);
}
