/* SPDX-License-Identifier: BSD-2-Clause */
/* Lives on both backends: other processes, holders, ephemeral segments, crashes and collecting. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 20000

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *
number(unsigned long n)
{
    static char text[4][24];
    static int  next;

    next = (next + 1) % 4;
    snprintf(text[next], sizeof text[next], "%lu", n);
    return text[next];
}

static struct shmx *
created(int i, const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, backend_flag[i] | flags, &seg));
    return seg;
}

static int64_t
holders(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st.holders;
}

/* If the last attachment of a System V segment goes with a killed process, the segment goes a
   moment later. */
static void
await_absence(const char *name)
{
    struct shmx *seg;
    int          k, r = 0;

    for (k = 0; k < 1000; k++) {
        r = shmx_open(name, 0, &seg);
        if (r < 0)
            break;
        shmx_close(seg);
        usleep(1000);
    }
    ck_assert_int_eq(r, -ENOENT);
}

START_TEST(unrelated_process_shares)
{
    struct shmx   *seg = created(_i, "/shared", 0);
    unsigned char *p;
    void          *addr;
    size_t         k;

    ok(shmx_attach(seg, 0, &addr));
    for (k = 0, p = addr; k < SIZE; k++)
        p[k] = (unsigned char)(k * 7);
    ck_assert_int_eq(peer_run((const char *[]){ "peer", "pattern", "/shared", NULL }), 0);
    for (k = 0; k < SIZE; k++)
        ck_assert_uint_eq(p[k], (unsigned char)(k * 7 + 1));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(raw_reference_is_passed_between_processes)
{
    struct shmx   *seg = NULL;
    unsigned char *p;
    void          *addr;
    size_t         k;

    ok(shmx_create(_i == 0 ? NULL : "sysv:key=0x5a5a1234", SIZE, 0600, SHMX_SYSV, &seg));
    ck_assert_int_eq(strncmp(shmx_name(seg), _i == 0 ? "sysv:id=" : "sysv:key=0x5a5a1234", 8), 0);
    ok(shmx_attach(seg, 0, &addr));
    for (k = 0, p = addr; k < SIZE; k++)
        p[k] = (unsigned char)(k * 7);
    ck_assert_int_eq(peer_run((const char *[]){ "peer", "pattern", shmx_name(seg), NULL }), 0);
    ck_assert_uint_eq(p[5], 36);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(persistent_outlives_its_creator)
{
    struct peer  peer = peer_start((const char *[]){ "peer", "create", "/kept", "20000", "600",
                                                     number(backend_flag[_i]), NULL });
    struct shmx *seg;
    char         name[32];

    snprintf(name, sizeof name, "%s/kept", backend_prefix[_i]);
    peer_await(&peer, name);
    kill(peer.pid, SIGKILL);
    ck_assert_int_eq(peer_finish(&peer), -SIGKILL);
    ok(shmx_open("/kept", 0, &seg));
    ck_assert_int_eq(shmx_size(seg), SIZE);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(holders_are_counted)
{
    struct shmx *seg = created(_i, "/held", 0), *again;
    struct peer  peers[10];
    size_t       k;

    ck_assert_int_eq(holders(seg), 1);
    for (k = 0; k < COUNT_OF(peers); k++) {
        peers[k] = peer_start((const char *[]){ "peer", "hold", "/held", NULL });
        peer_await(&peers[k], "held");
        ck_assert_int_eq(holders(seg), (int)k + 2);
    }
    ok(shmx_open("/held", 0, &again));
    /* nattch counts handles, and the kernel's locks count processes */
    ck_assert_int_eq(holders(again), (int)COUNT_OF(peers) + 1 + _i);
    shmx_close(again);
    for (k = 0; k < COUNT_OF(peers); k++) {
        if (k % 2 == 0)
            kill(peers[k].pid, SIGKILL);
        ck_assert_int_eq(peer_finish(&peers[k]), k % 2 == 0 ? -SIGKILL : 0);
        ck_assert_int_eq(holders(seg), (int)(COUNT_OF(peers) - k));
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* The kernel lists locks in the order in which they were taken, and not in the order of the bytes
   that stand for the pids. */
START_TEST(holders_are_counted_in_any_order)
{
    static const int order[] = { 2, 4, 0, 3, 1 };
    struct shmx     *seg = created(_i, "/held", 0);
    struct peer      peers[COUNT_OF(order)];
    size_t           k;

    for (k = 0; k < COUNT_OF(order); k++) {
        peers[k] = peer_start((const char *[]){ "peer", "late-hold", "/held", NULL });
        peer_await(&peers[k], "ready");
    }
    for (k = 0; k < COUNT_OF(order); k++) {
        ck_assert_int_eq(write(peers[order[k]].in, "g", 1), 1);
        peer_await(&peers[order[k]], "held");
        ck_assert_int_eq(holders(seg), (int)k + 2);
    }
    for (k = 0; k < COUNT_OF(order); k++)
        ck_assert_int_eq(peer_finish(&peers[k]), 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* nattch counts handles and the attachments that were made through them. Private copies do not
   count. */
START_TEST(attaching_counts_once)
{
    static const unsigned kinds[] = { 0, SHMX_RDONLY, SHMX_EXEC, SHMX_PRIVATE, 0 };
    struct shmx          *seg = created(_i, "/once", 0), *other;
    void                 *addrs[COUNT_OF(kinds)];
    int                   expected = 1;
    size_t                k;
    char                  c;

    ck_assert_int_eq(holders(seg), 1);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(shmx_write(seg, &c, 1, 0), 1);
    ck_assert_int_eq(holders(seg), 1);
    for (k = 0; k < COUNT_OF(kinds); k++) {
        ok(shmx_attach(seg, kinds[k], &addrs[k]));
        expected += _i == 1 && kinds[k] != SHMX_PRIVATE;
        ck_assert_int_eq(holders(seg), expected);
    }
    ok(shmx_open("/once", SHMX_RDONLY, &other));
    ck_assert_int_eq(holders(other), expected + _i);
    shmx_close(other);
    for (k = 0; k < COUNT_OF(kinds) - 1; k++) {
        ok(shmx_detach(seg, addrs[k]));
        expected -= _i == 1 && kinds[k] != SHMX_PRIVATE;
        ck_assert_int_eq(holders(seg), expected);
    }
    ck_assert_int_eq(holders(seg), 1 + _i);
    ok(shmx_detach(seg, addrs[k]));
    ck_assert_int_eq(holders(seg), 1);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(ephemeral_goes_with_the_last_close)
{
    struct shmx *seg = created(_i, "/fleeting", SHMX_EPHEMERAL), *other = NULL, *third = NULL;

    ok(shmx_open("/fleeting", SHMX_RDONLY, &other));
    shmx_close(seg);
    ok(shmx_open("/fleeting", 0, &third));
    shmx_close(third);
    shmx_close(other);
    fails(shmx_open("/fleeting", 0, &third), -ENOENT);
    seg = created(1 - _i, "/fleeting", 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(ephemeral_goes_with_the_last_killed)
{
    struct shmx *seg = created(_i, "/fleeting", SHMX_EPHEMERAL), *other = NULL;
    struct peer  peer = peer_start((const char *[]){ "peer", "hold", "/fleeting", NULL });

    peer_await(&peer, "held");
    shmx_close(seg);
    ok(shmx_open("/fleeting", 0, &other)); /* the segment lives on in the peer */
    shmx_close(other);
    kill(peer.pid, SIGKILL);
    ck_assert_int_eq(peer_finish(&peer), -SIGKILL);
    await_absence("/fleeting");
    /* what is left of the name is in nobody's way */
    seg = created(1 - _i, "/fleeting", SHMX_EPHEMERAL);
    shmx_close(seg);
}
END_TEST

START_TEST(dead_is_replaced_by_create)
{
    struct peer peer =
        peer_start((const char *[]){ "peer", "create", "/dead", "20000", "600",
                                     number(backend_flag[_i] | SHMX_EPHEMERAL), NULL });
    struct shmx *seg = NULL;
    char         name[32];
    int          k, r;

    snprintf(name, sizeof name, "%s/dead", backend_prefix[_i]);
    peer_await(&peer, name);
    fails(shmx_create("/dead", SIZE, 0600, SHMX_POSIX, &seg), -EEXIST);
    fails(shmx_create("/dead", SIZE, 0600, SHMX_SYSV, &seg), -EEXIST);
    kill(peer.pid, SIGKILL);
    peer_finish(&peer);
    for (k = 0; k < 1000; k++) {
        r = shmx_create("/dead", SIZE, 0600, backend_flag[1 - _i], &seg);
        if (r != -EEXIST)
            break;
        usleep(1000);
    }
    ok(r);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(fork_shares_the_hold)
{
    struct shmx *seg = created(_i, "/forked", SHMX_EPHEMERAL), *other = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        shmx_close(seg); /* the parent still holds it */
        _exit(0);
    }
    join(pid);
    ok(shmx_open("/forked", 0, &other));
    shmx_close(other);
    shmx_close(seg);
    fails(shmx_open("/forked", 0, &other), -ENOENT);
}
END_TEST

START_TEST(forked_child_keeps_it_alive)
{
    struct shmx *seg = created(_i, "/forked", SHMX_EPHEMERAL), *other = NULL;
    int          gate[2];
    pid_t        pid;
    char         c;

    ck_assert_int_eq(pipe(gate), 0);
    pid = check_fork();
    if (pid == 0) {
        close(gate[1]);
        ck_assert_int_eq(read(gate[0], &c, 1), 0);
        ck_assert_int_eq(shmx_write(seg, "x", 1, 0), 1);
        shmx_close(seg);
        _exit(0);
    }
    close(gate[0]);
    shmx_close(seg);
    ok(shmx_open("/forked", 0, &other));
    shmx_close(other);
    close(gate[1]);
    join(pid);
    fails(shmx_open("/forked", 0, &other), -ENOENT);
}
END_TEST

START_TEST(ephemeral_can_be_destroyed_early)
{
    struct shmx *seg = created(_i, "/fleeting", SHMX_EPHEMERAL), *other;
    void        *a, *b;

    ok(shmx_open("/fleeting", 0, &other));
    ok(shmx_attach(seg, 0, &a));
    ok(shmx_attach(other, 0, &b));
    ok(shmx_destroy(other));
    fails(shmx_destroy(seg), -ENOENT);
    strcpy(a, "works");
    ck_assert_str_eq(b, "works");
    shmx_close(seg);
    shmx_close(other);
}
END_TEST

START_TEST(anonymous_ephemeral_is_published)
{
    struct shmx *seg = NULL, *other = NULL;

    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i] | SHMX_EPHEMERAL, &seg));
    ok(shmx_publish(seg, "/late"));
    ok(shmx_open("/late", 0, &other));
    shmx_close(seg);
    shmx_close(other);
    fails(shmx_open("/late", 0, &other), -ENOENT);
}
END_TEST

START_TEST(ephemeral_keeps_its_owner_able)
{
    struct shmx *seg = created(_i, "/fleeting", SHMX_EPHEMERAL), *other = NULL;

    fails(shmx_chmod(seg, 0444), -EINVAL);
    ok(shmx_chmod(seg, 0644));
    ok(shmx_open("/fleeting", 0, &other));
    shmx_close(seg);
    shmx_close(other);
    fails(shmx_open("/fleeting", 0, &other), -ENOENT);
}
END_TEST

struct report {
    const char *name;
    int         total, matching;
    unsigned    state;
};

static int
record(const char *name, const struct shmx_stat *st, void *arg)
{
    struct report *report = arg;

    report->total++;
    if (strcmp(name, report->name) == 0) {
        report->matching++;
        report->state = st->state;
    }
    return 0;
}

START_TEST(collect_removes_the_dead)
{
    struct peer peer =
        peer_start((const char *[]){ "peer", "create", "/dead", "20000", "600",
                                     number(backend_flag[_i] | SHMX_EPHEMERAL), NULL });
    struct shmx  *alive = created(_i, "/alive", SHMX_EPHEMERAL), *kept = created(_i, "/kept", 0);
    char          name[32];
    struct report report = { .name = name };
    int           k;

    snprintf(name, sizeof name, "%s/dead", backend_prefix[_i]);
    peer_await(&peer, name);
    ok(shmx_collect(0, NULL, record, &report));
    ck_assert_int_eq(report.total, 0);
    kill(peer.pid, SIGKILL);
    peer_finish(&peer);
    for (k = 0; k < 1000 && report.total == 0; k++)
        ok(shmx_collect(SHMX_DRY_RUN, NULL, record, &report));
    ck_assert_int_eq(report.total, 1);
    ck_assert_int_eq(access("/dev/shm/dead", F_OK) == 0 || _i == 1, 1);
    ok(shmx_collect(backend_flag[1 - _i], NULL, record, &report));
    ck_assert_int_eq(report.total, 1);
    ok(shmx_collect(0, NULL, record, &report));
    ck_assert_int_eq(report.total, 2);
    ck_assert_int_eq(report.matching, 2);
    ck_assert(report.state & SHMX_IS_DEAD);
    ok(shmx_collect(0, NULL, NULL, NULL));
    shmx_close(alive);
    ok(shmx_destroy(kept));
    shmx_close(kept);
}
END_TEST

START_TEST(collect_asks_before_it_takes_orphans)
{
    struct shmx  *kept = created(_i, "/kept", 0), *held = created(_i, "/held", 0);
    char          name[32];
    struct report report = { .name = name };

    snprintf(name, sizeof name, "%s/kept", backend_prefix[_i]);
    shmx_close(kept);
    ok(shmx_collect(0, NULL, record, &report));
    ck_assert_int_eq(report.total, 1);
    ck_assert_int_eq(report.matching, 1);
    ck_assert(!(report.state & SHMX_IS_DEAD));
    ok(shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, NULL, record, &report));
    ck_assert_int_eq(report.total, 2);
    ok(shmx_open("/kept", 0, &kept));
    ok(shmx_collect(SHMX_ORPHANS, NULL, record, &report));
    ck_assert_int_eq(report.total, 2);
    shmx_close(kept);
    ok(shmx_collect(SHMX_ORPHANS, NULL, record, &report));
    ck_assert_int_eq(report.total, 3);
    fails(shmx_open("/kept", 0, &kept), -ENOENT);
    ok(shmx_collect(SHMX_ORPHANS, NULL, record, &report));
    ck_assert_int_eq(report.total, 3);
    ok(shmx_destroy(held));
    shmx_close(held);
}
END_TEST

START_TEST(killed_initialiser_leaves_nothing)
{
    struct peer peer =
        peer_start((const char *[]){ "peer", "stick", "/stuck", number(backend_flag[_i]), NULL });
    struct shmx *seg = NULL;

    peer_await(&peer, "in init");
    fails(shmx_open("/stuck", 0, &seg), -ENOENT); /* it was never seen half-made */
    kill(peer.pid, SIGKILL);
    ck_assert_int_eq(peer_finish(&peer), -SIGKILL);
    ok(shmx_collect(0, NULL, NULL, NULL));
}
END_TEST

START_TEST(waiter_takes_over_from_the_killed)
{
    const char *const stick[] = { "peer", "stick", "/stuck", number(backend_flag[_i]), NULL };
    struct peer       first = peer_start(stick), second;
    struct shmx      *seg;

    peer_await(&first, "in init");
    second = peer_start(stick);
    usleep(20000);
    kill(first.pid, SIGKILL);
    ck_assert_int_eq(peer_finish(&first), -SIGKILL);
    peer_await(&second, "in init");
    ck_assert_int_eq(peer_finish(&second), 11);
    ok(shmx_open("/stuck", 0, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmx_collect(0, NULL, NULL, NULL)); /* this removes the intent of the first one */
}
END_TEST

#define RACERS 1000

START_TEST(thousand_racers_one_creator)
{
    static struct peer racers[RACERS];
    char               log[] = "/tmp/shmx-race-XXXXXX";
    const char *const  argv[] = {
         "peer", "race", "/race", "8192", number(backend_flag[_i]), _i < 2 ? log : "", NULL
    };
    int           k, created = 0, opened = 0, fd = mkstemp(log);
    struct shmx  *seg;
    struct stat   st;
    struct rlimit files;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max; /* each racer takes two, and 1,024 is the usual limit */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    for (k = 0; k < RACERS; k++)
        racers[k] = peer_start(argv);
    for (k = 0; k < RACERS; k++) {
        close(racers[k].in); /* the others are waiting for their start, or racing already */
        racers[k].in = -1;
    }
    for (k = 0; k < RACERS; k++) {
        switch (peer_finish(&racers[k])) {
        case 10:
            opened++;
            break;
        case 11:
            created++;
            break;
        }
    }
    ck_assert_int_eq(fstat(fd, &st), 0);
    close(fd);
    unlink(log);
    ck_assert_int_eq(created, 1);
    ck_assert_int_eq(opened, RACERS - 1);
    ck_assert_int_eq(st.st_size, 1); /* it was initialised exactly once */
    ok(shmx_open(argv[2], 0, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

#define KEY_RACERS 4
#define KEY_TURNS  500

/* A segment with a raw key can have no initialiser. One of the processes that want it at the same
   time makes it. */
START_TEST(one_creator_of_a_raw_key)
{
    pthread_barrier_t *barrier =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t attributes;
    int                  *created = (int *)(barrier + 1), k, turn;
    struct shmx          *seg;
    pid_t                 pids[KEY_RACERS];

    ok(pthread_barrierattr_init(&attributes));
    ok(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    ok(pthread_barrier_init(barrier, &attributes, KEY_RACERS));
    for (k = 0; k < KEY_RACERS; k++) {
        pids[k] = check_fork();
        for (turn = 0; pids[k] == 0 && turn < KEY_TURNS; turn++) {
            pthread_barrier_wait(barrier);
            *created = 0;
            pthread_barrier_wait(barrier);
            int r = shmx_open_or_create("sysv:key=0x600d1dea", SIZE, 0600, 0, NULL, NULL, &seg);

            ck_assert_msg(r >= 0, "%s", shmx_strerror(r));
            ck_assert_int_eq(shmx_size(seg), SIZE);
            __atomic_add_fetch(created, r, __ATOMIC_SEQ_CST);
            pthread_barrier_wait(barrier);
            ck_assert_int_eq(*created, 1);
            if (r == 1)
                ok(shmx_destroy(seg));
            shmx_close(seg);
        }
        if (pids[k] == 0)
            _exit(0);
    }
    for (k = 0; k < KEY_RACERS; k++)
        join(pids[k]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: life");
    TCase *tc = add_case(suite, "processes");

    tcase_add_loop_test(tc, unrelated_process_shares, 0, BACKENDS);
    tcase_add_loop_test(tc, raw_reference_is_passed_between_processes, 0, 2);
    tcase_add_loop_test(tc, persistent_outlives_its_creator, 0, BACKENDS);
    tcase_add_loop_test(tc, holders_are_counted, 0, BACKENDS);
    tcase_add_loop_test(tc, holders_are_counted_in_any_order, 0, BACKENDS);
    tcase_add_loop_test(tc, attaching_counts_once, 0, BACKENDS);
    tcase_add_test(tc, one_creator_of_a_raw_key);
    tcase_add_loop_test(tc, fork_shares_the_hold, 0, BACKENDS);
    tcase_add_loop_test(tc, forked_child_keeps_it_alive, 0, BACKENDS);

    tc = add_case(suite, "ephemeral");
    tcase_add_loop_test(tc, ephemeral_goes_with_the_last_close, 0, BACKENDS);
    tcase_add_loop_test(tc, ephemeral_goes_with_the_last_killed, 0, BACKENDS);
    tcase_add_loop_test(tc, dead_is_replaced_by_create, 0, BACKENDS);
    tcase_add_loop_test(tc, ephemeral_can_be_destroyed_early, 0, BACKENDS);
    tcase_add_loop_test(tc, anonymous_ephemeral_is_published, 0, BACKENDS);
    tcase_add_loop_test(tc, ephemeral_keeps_its_owner_able, 0, BACKENDS);

    tc = add_case(suite, "collect");
    tcase_add_loop_test(tc, collect_removes_the_dead, 0, BACKENDS);
    tcase_add_loop_test(tc, collect_asks_before_it_takes_orphans, 0, BACKENDS);
    tcase_add_loop_test(tc, killed_initialiser_leaves_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, waiter_takes_over_from_the_killed, 0, BACKENDS);

    tc = add_case(suite, "race");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, thousand_racers_one_creator, 0, BACKENDS);
    return suite_main(suite);
}
