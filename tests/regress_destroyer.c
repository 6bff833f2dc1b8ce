/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: destroyers that are killed, suspended, overtaken, or meet each other. */
#include "support.h"
#include "trouble.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 10000

/* The ways to destroy: through a handle, by name, or as the last holder of an ephemeral segment. */
enum { BY_HANDLE, BY_NAME, BY_CLOSE, WAYS };

/* What happens to the destroyer at one of its system calls. KILLED: it is killed, and then others
   destroy the segment and make another one of that name. In the other cases that happens first, and
   then the destroyer is killed, or goes on. */
enum { KILLED, OVERTAKEN_AND_KILLED, OVERTAKEN, FATES };

static int
destroy(int way)
{
    struct shmx *seg = NULL;
    int          r = way == BY_NAME ? 0 : shmx_open("/x", 0, &seg);

    ck_assert_int_eq(r, 0);
    traced_begin();
    if (way == BY_NAME)
        return shmx_remove("/x");
    if (way == BY_HANDLE)
        return shmx_destroy(seg);
    shmx_close(seg);
    return 0;
}

/* Starts the destroyer and stops it at its system call number n, if it has that many. */
static pid_t
start_destroyer(int backend, int way, int n, bool *going)
{
    struct shmx *seg;
    int          result;
    pid_t        pid;

    ok(shmx_create("/x", SIZE, 0666, backend_flag[backend] | (way == BY_CLOSE ? SHMX_EPHEMERAL : 0),
                   &seg));
    pid = traced_start(false, destroy, way);
    shmx_close(seg);
    ck_assert(has_entry("x"));
    *going = traced_stop_at(pid, n, &result);
    return pid;
}

static void
make_another(int backend)
{
    int r = shmx_remove("/x");

    ck_assert_msg(r == 0 || r == -ENOENT, "remove: %s", shmx_strerror(r));
    make_segment("/x", backend_flag[backend], "another's");
}

/* Lets it go on to its end. Returns the result. */
static int
go_on(pid_t pid)
{
    int result;

    while (traced_next(pid, &result)) {
    }
    traced_let_go(pid);
    return result;
}

/* Returns false when the destroyer has no more calls. */
static bool
meet_destroyer(int first, int another, int way, int fate, int n)
{
    bool  going, lost = false;
    pid_t pid = start_destroyer(first, way, n, &going);

    if (fate == OVERTAKEN && going && is_removing())
        fate = OVERTAKEN_AND_KILLED; /* a process that overtakes it at this moment is promised
                                        nothing */
    if (going && fate == KILLED)
        traced_kill(pid);
    make_another(another);
    if (going && fate == OVERTAKEN_AND_KILLED)
        traced_kill(pid);
    else if (going && fate == OVERTAKEN) /* by name it may mean the other segment */
        lost = go_on(pid) == 0 && way == BY_NAME && !has_entry("x");
    else if (!going)
        traced_let_go(pid);
    collect_all(another == 1 && !lost);
    if (!lost) {
        assert_leads_to("/x", "another's");
        ok(shmx_remove("/x"));
    }
    collect_all(0);
    ck_assert(!has_entry("x"));
    return going;
}

START_TEST(destroyer_never_takes_what_came_after)
{
    const int way = _i / 4 % WAYS, fate = _i / 4 / WAYS;
    int       n = 0;

    if (valgrind_lacks("ptrace"))
        return;
    while (meet_destroyer(_i & 1, _i >> 1 & 1, way, fate, n))
        n++;
    ck_assert_int_gt(n, 0);
}
END_TEST

static bool
time_is_up(const struct timespec *begin)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000 > 1000;
}

/* Does this on both backends, or on one. Exits with 0 if every result is one that is allowed. */
static void
create_and_remove(int which)
{
    struct timespec begin;
    struct shmx    *seg;
    int             k, r;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (k = 0; !time_is_up(&begin); k++) {
        r = shmx_create("/x", SIZE, 0600, backend_flag[which < BACKENDS ? which : k % 2], &seg);
        if (r == 0)
            shmx_close(seg);
        else if (r != -EEXIST)
            _exit(-r);
        r = shmx_remove("/x");
        if (r != 0 && r != -ENOENT)
            _exit(-r);
    }
    _exit(0);
}

static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    ++*(int *)arg;
    return 0;
}

START_TEST(one_name_for_four)
{
    pid_t pids[4];
    int   k, left = 0;

    for (k = 0; k < 4; k++) {
        pids[k] = check_fork();
        if (pids[k] == 0)
            create_and_remove(_i);
    }
    for (k = 0; k < 4; k++)
        join(pids[k]);
    ck_assert_pstr_eq(hidden_entry(), NULL);
    ck_assert(!has_entry("x"));
    ok(shmx_list(0, count, &left));
    ck_assert_int_eq(left, 0);
    ck_assert_int_eq(count_segments(), 0);
}
END_TEST

/* Two threads that call fn(seg) at the same time. */
struct pair {
    int (*fn)(struct shmx **seg);
    struct shmx *seg[2];
    int          r[2];
    atomic_int   ready, done;
};

static void
run_one(struct pair *pair, int which)
{
    atomic_fetch_add(&pair->ready, 1);
    while (atomic_load(&pair->ready) < 2) {
    }
    pair->r[which] = pair->fn(&pair->seg[which]);
    atomic_fetch_add(&pair->done, 1);
}

static void *
run_first(void *pair)
{
    run_one(pair, 0);
    return NULL;
}

static void *
run_second(void *pair)
{
    run_one(pair, 1);
    return NULL;
}

static void
start_pair(struct pair *pair, pthread_t threads[2])
{
    ok(pthread_create(&threads[0], NULL, run_first, pair));
    ok(pthread_create(&threads[1], NULL, run_second, pair));
}

static void
join_pair(const pthread_t threads[2])
{
    ok(pthread_join(threads[0], NULL));
    ok(pthread_join(threads[1], NULL));
}

static int
destroy_it(struct shmx **seg)
{
    return shmx_destroy(*seg);
}

static int
close_it(struct shmx **seg)
{
    shmx_close(*seg);
    return 0;
}

static int
create_posix(struct shmx **seg)
{
    return shmx_create("/x", SIZE, 0600, SHMX_POSIX, seg);
}

static int
create_sysv(struct shmx **seg)
{
    return shmx_create("/x", SIZE, 0600, SHMX_SYSV, seg);
}

/* The entry that the handle knows belongs to another segment by now. */
START_TEST(destroyer_whose_name_is_anothers)
{
    struct shmx *old, *live;
    pid_t        pid;
    int          k;

    ok(shmx_create("/x", SIZE, 0600, backend_flag[_i & 1], &old));
    ok(rename("/dev/shm/x", "/dev/shm/y"));
    make_segment("/x", backend_flag[_i >> 1], "live");
    pid = check_fork();
    while (pid == 0)
        (void)shmx_destroy(old);
    for (k = 0; k < rounds(20000); k++) {
        ok(shmx_open("/x", 0, &live));
        shmx_close(live);
    }
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    assert_leads_to("/x", "live");
    ok(shmx_remove("/x"));
    (void)shmx_destroy(old);
    shmx_close(old);
    ok(shmx_remove("/y"));
}
END_TEST

/* Whoever creates the next segment opens it at once, while the destroyers still work on the last
   one. */
START_TEST(two_destroyers_of_one)
{
    struct pair  pair = { .fn = destroy_it };
    struct shmx *next;
    pthread_t    threads[2];
    int          k, r;

    for (k = 0; k < rounds(1000); k++) {
        ok(shmx_create("/x", SIZE, 0600, backend_flag[_i & 1], &pair.seg[0]));
        ok(shmx_open("/x", 0, &pair.seg[1]));
        atomic_store(&pair.ready, 0);
        atomic_store(&pair.done, 0);
        start_pair(&pair, threads);
        do
            r = shmx_create("/x", SIZE, 0600, backend_flag[_i >> 1], &next);
        while (r == -EEXIST);
        ok(r);
        shmx_close(next);
        do {
            ok(shmx_open("/x", 0, &next));
            shmx_close(next);
        } while (atomic_load(&pair.done) < 2);
        join_pair(threads);
        ck_assert(pair.r[0] == 0 || pair.r[1] == 0);
        shmx_close(pair.seg[0]);
        shmx_close(pair.seg[1]);
        ok(shmx_remove("/x"));
    }
}
END_TEST

START_TEST(two_last_closers)
{
    struct pair pair = { .fn = close_it };
    pthread_t   threads[2];
    int         k;

    for (k = 0; k < rounds(500); k++) {
        ok(shmx_create("/x", SIZE, 0600, backend_flag[_i] | SHMX_EPHEMERAL, &pair.seg[0]));
        ok(shmx_open("/x", 0, &pair.seg[1]));
        atomic_store(&pair.ready, 0);
        start_pair(&pair, threads);
        join_pair(threads);
        ck_assert_msg(!has_entry("x"), "in round %d", k);
    }
}
END_TEST

START_TEST(two_creators_over_one_dead)
{
    struct pair pair = { .fn = _i >> 1 ? create_sysv : create_posix };
    pthread_t   threads[2];
    pid_t       pid;
    int         k;

    for (k = 0; k < rounds(200); k++) {
        pid = fork();
        if (pid == 0)
            _exit(shmx_create("/x", SIZE, 0600, backend_flag[_i & 1] | SHMX_EPHEMERAL, pair.seg));
        join(pid);
        atomic_store(&pair.ready, 0);
        start_pair(&pair, threads);
        join_pair(threads);
        ck_assert_msg((pair.r[0] == 0 && pair.r[1] == -EEXIST)
                          || (pair.r[1] == 0 && pair.r[0] == -EEXIST),
                      "round %d: %d, %d", k, pair.r[0], pair.r[1]);
        ok(shmx_remove("/x"));
        shmx_close(pair.seg[pair.r[0] == 0 ? 0 : 1]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: destroyer");
    TCase *tc = add_case(suite, "destroyer");

    tcase_add_loop_test(tc, destroyer_never_takes_what_came_after, 0, 4 * WAYS * FATES);
    tc = add_case(suite, "at once");
    tcase_add_loop_test(tc, one_name_for_four, 0, BACKENDS + 1);
    tcase_add_loop_test(tc, destroyer_whose_name_is_anothers, 0, 4);
    tcase_add_loop_test(tc, two_destroyers_of_one, 0, 4);
    tcase_add_loop_test(tc, two_last_closers, 0, BACKENDS);
    tcase_add_loop_test(tc, two_creators_over_one_dead, 0, 4);
    return suite_main(suite);
}
