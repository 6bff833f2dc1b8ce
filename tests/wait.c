/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting and waking: no wake-up is lost, and nobody waits for the dead. */
#include "support.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 8192
#define RING 4
#define LAPS 3000

static const struct timespec at_once, soon = { .tv_nsec = 300000000 }, late = { .tv_sec = 40 };

/* A segment, "/w", whose second word is the one to wait for. */
struct stage {
    struct shmx      *seg;
    void             *addr;
    _Atomic uint32_t *word;
    uint32_t         *plain; /* the same word */
    unsigned          flags; /* the flags of some of the waits */
};

static struct stage
attached(struct shmx *seg, unsigned flags)
{
    struct stage s = { .seg = seg };

    ok(shmx_attach(seg, flags, &s.addr));
    s.word = (_Atomic uint32_t *)s.addr + 1;
    s.plain = (uint32_t *)s.addr + 1;
    return s;
}

static struct stage
created(unsigned flag)
{
    struct shmx *seg = NULL;

    ok(shmx_create("/w", SIZE, 0600, flag, &seg));
    return attached(seg, 0);
}

static struct stage
opened(unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_open("/w", flags, &seg));
    return attached(seg, 0);
}

static void
end(struct stage *s)
{
    ok(shmx_destroy(s->seg));
    shmx_close(s->seg);
}

START_TEST(what_cannot_be_waited_for)
{
    struct stage          s = created(backend_flag[_i]);
    const struct timespec bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000 } };
    uint32_t             *w = s.plain;
    void                 *copy;
    uint32_t              own = 0;
    size_t                k;

    ok(shmx_attach(s.seg, SHMX_PRIVATE, &copy));
    fails(shmx_wait(NULL, w, 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, NULL, 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, &own, 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, copy, 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, (void *)((char *)w + 2), 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, (uint32_t *)s.addr + SIZE / 4, 0, 0, &at_once), -EINVAL);
    fails(shmx_wait(s.seg, w, 0, SHMX_PEERS << 1, &at_once), -EINVAL);
    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        fails(shmx_wait(s.seg, w, 0, 0, &bad[k]), -EINVAL);
    fails(shmx_wait(s.seg, w, 0, 0, &at_once), -ETIMEDOUT);
    fails(shmx_wait(s.seg, w, 1, 0, NULL), 0);
    fails(shmx_wake(NULL, w, 1), -EINVAL);
    fails(shmx_wake(s.seg, NULL, 1), -EINVAL);
    fails(shmx_wake(s.seg, (void *)((char *)w + 2), 1), -EINVAL);
    fails(shmx_wake(s.seg, &own, 1), 0);
    fails(shmx_wake(s.seg, copy, 1), 0);
    fails(shmx_wake(s.seg, w, 0), -EINVAL);
    fails(shmx_wake(s.seg, w, -1), -EINVAL);
    fails(shmx_wake(s.seg, w, INT_MAX), 0);
    ok(shmx_detach(s.seg, copy));
    ok(shmx_detach(s.seg, s.addr));
    fails(shmx_wait(s.seg, w, 1, 0, &at_once), -EINVAL);
    if (!valgrind_lacks("silence about bad buffers"))
        fails(shmx_wake(s.seg, w, 1), -EINVAL); /* nothing is mapped there any more */
    end(&s);
}
END_TEST

/* Waits up to 30 microseconds. So others change the word at any moment of falling asleep. */
static void
dawdle(uint32_t *random)
{
    struct timespec begin, now;

    *random = *random * 1664525 + 1013904223;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec
           < (long)(*random >> 16) % 30000);
}

/* Each waits until the word is its own number, without a flag that tells wakers whether anybody
   sleeps. */
static void
run_ring(struct stage *s, uint32_t mine)
{
    const uint32_t next = (mine + 1) % RING;
    uint32_t       now, random = mine;
    int            lap;

    for (lap = 0; lap < LAPS; lap++) {
        while ((now = atomic_load(s->word)) != mine)
            ok(shmx_wait(s->seg, s->plain, now, lap % 2 ? s->flags : 0, &late));
        ck_assert_uint_eq(((uint32_t *)s->addr)[2], (uint32_t)lap * RING + mine);
        ((uint32_t *)s->addr)[2]++;
        dawdle(&random);
        atomic_store(s->word, next);
        ck_assert_int_ge(shmx_wake(s->seg, s->plain, INT_MAX), 0);
    }
}

START_TEST(processes_take_turns)
{
    struct stage s = created(backend_flag[_i]), own;
    pid_t        pids[RING];
    uint32_t     k;

    for (k = 1; k < RING; k++) {
        pids[k] = check_fork();
        if (pids[k] == 0) { /* at other addresses */
            own = opened(0);
            own.flags = SHMX_PEERS;
            atomic_fetch_add(own.word + 3, 1);
            run_ring(&own, k);
            _exit(0);
        }
    }
    s.flags = SHMX_PEERS;
    while (atomic_load(s.word + 3) < RING - 1) /* until all of them hold the segment */
        sched_yield();
    run_ring(&s, 0);
    for (k = 1; k < RING; k++)
        join(pids[k]);
    end(&s);
}
END_TEST

struct runner {
    struct stage *stage;
    uint32_t      mine;
};

static void *
run_in_thread(void *arg)
{
    const struct runner *runner = arg;

    run_ring(runner->stage, runner->mine);
    return NULL;
}

START_TEST(threads_take_turns)
{
    struct stage  s = created(backend_flag[_i]);
    struct runner runners[RING];
    pthread_t     threads[RING];
    struct shmx  *other = NULL;
    uint32_t      k;

    ok(shmx_open("/w", 0, &other)); /* this is a peer, but not on POSIX */
    s.flags = _i == 0 ? 0 : SHMX_PEERS;
    for (k = 0; k < RING; k++) {
        runners[k] = (struct runner){ &s, k };
        ok(pthread_create(&threads[k], NULL, run_in_thread, &runners[k]));
    }
    for (k = 0; k < RING; k++)
        ok(pthread_join(threads[k], NULL));
    shmx_close(other);
    end(&s);
}
END_TEST

/* Three processes sleep, of which one may only read, and are woken one by one. A process that does
   not sleep yet does not count, and finds another value. */
START_TEST(waking_counts)
{
    struct stage s = created(backend_flag[_i]), own;
    pid_t        pids[3];
    int          k, r, woken = 0;

    for (k = 0; k < 3; k++) {
        pids[k] = check_fork();
        if (pids[k] == 0) {
            own = opened(k == 0 ? SHMX_RDONLY : 0);
            ok(shmx_wait(own.seg, own.plain, 0, 0, &late));
            _exit(0);
        }
    }
    while (woken < 3) {
        r = shmx_wake(s.seg, s.plain, 1);
        ck_assert(r == 0 || r == 1);
        woken += r;
    }
    for (k = 0; k < 3; k++)
        join(pids[k]);
    ck_assert_int_eq(shmx_wake(s.seg, s.plain, INT_MAX), 0);
    end(&s);
}
END_TEST

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static void
handle(int signal)
{
    (void)signal;
    handled++;
}

struct sender {
    pthread_t   to;
    atomic_bool enough;
};

static void *
send_signals(void *arg)
{
    struct sender *sender = arg;

    while (!atomic_load(&sender->enough)) {
        usleep(2000);
        pthread_kill(sender->to, SIGUSR1);
    }
    return NULL;
}

/* A signal also interrupts with a handler that restarts calls, if the kernel has set a timer
   anyway. */
START_TEST(signals_interrupt)
{
    struct sigaction action = { .sa_handler = handle };
    struct stage     s = created(backend_flag[_i]);
    struct shmx     *other = NULL;
    struct sender    sender = { .to = pthread_self() };
    pthread_t        thread;
    int              k;

    ok(shmx_open("/w", 0, &other));
    ok(sigaction(SIGUSR1, &action, NULL));
    ok(pthread_create(&thread, NULL, send_signals, &sender));
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, 0, NULL), -EINTR);
    action.sa_flags = SA_RESTART;
    ok(sigaction(SIGUSR1, &action, NULL));
    for (k = 1; k < 4; k++)
        if (_i == 0 && k >= 2) /* on POSIX, a process has no peers in itself */
            ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late), -EPIPE);
        else
            ck_assert_int_eq(
                shmx_wait(s.seg, s.plain, 0, k < 2 ? 0 : SHMX_PEERS, k % 2 ? &late : NULL), -EINTR);
    atomic_store(&sender.enough, true);
    ok(pthread_join(thread, NULL));
    ck_assert_int_gt(handled, 0);
    shmx_close(other);
    end(&s);
}
END_TEST

/* ---- peers ---- */

enum way { CLOSED, KILLED, KILLED_STOPPED, EXECUTED, ZOMBIE, WAYS };

/* Forks a process that holds "/w" until the write end of the pipe is closed, or until it is
   killed. */
static pid_t
fork_holder(enum way way, int *hold)
{
    int          go[2], said[2];
    struct stage own;
    pid_t        pid;
    char         c;

    ok(pipe2(go, O_CLOEXEC));
    ok(pipe2(said, O_CLOEXEC));
    pid = check_fork();
    if (pid == 0) {
        close(go[1]);
        own = opened(SHMX_RDONLY);
        if (write(said[1], "x", 1) != 1 || read(go[0], &c, 1) != 0)
            _exit(1);
        if (way == EXECUTED)
            execl("/bin/sleep", "sleep", "60", NULL);
        shmx_close(own.seg);
        _exit(0);
    }
    close(go[0]);
    close(said[1]);
    ck_assert_int_eq(read(said[0], &c, 1), 1);
    close(said[0]);
    *hold = go[1];
    return pid;
}

struct end {
    enum way way;
    pid_t    pid;
    int      hold;
};

static void *
end_holder(void *arg)
{
    const struct end *e = arg;

    usleep(50000);
    if (e->way == CLOSED || e->way == EXECUTED)
        close(e->hold);
    else
        kill(e->pid, SIGKILL);
    return NULL;
}

/* However the holder ends, and even if nobody reaps it, a process that waits for it learns of
   that. */
START_TEST(peers_that_end)
{
    struct stage s = created(backend_flag[_i % BACKENDS]);
    struct end   e = { .way = (enum way)(_i / BACKENDS) };
    pthread_t    thread;

    e.pid = fork_holder(e.way, &e.hold);
    if (e.way == KILLED_STOPPED)
        kill(e.pid, SIGSTOP);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &soon), -ETIMEDOUT);
    ok(pthread_create(&thread, NULL, end_holder, &e));
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late), -EPIPE);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &at_once), -EPIPE);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, 0, &at_once), -ETIMEDOUT);
    ok(pthread_join(thread, NULL));
    if (e.way != CLOSED && e.way != EXECUTED)
        close(e.hold);
    kill(e.pid, SIGKILL);
    ck_assert_int_eq(waitpid(e.pid, NULL, 0), e.pid);
    end(&s);
}
END_TEST

/* The end of the last peer but one does not end the wait, and neither does another handle of this
   process. */
START_TEST(the_last_peer_counts)
{
    struct stage s = created(backend_flag[_i]);
    struct shmx *second = NULL;
    void        *again;
    int          one, other;
    pid_t        first = fork_holder(KILLED, &one), last = fork_holder(KILLED, &other);

    ok(shmx_attach(s.seg, SHMX_RDONLY, &again));
    kill(first, SIGKILL);
    ck_assert_int_eq(waitpid(first, NULL, 0), first);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &soon), -ETIMEDOUT);
    kill(last, SIGKILL);
    ck_assert_int_eq(waitpid(last, NULL, 0), last);
    ok(shmx_open("/w", 0, &second)); /* System V counts all attachments, whoever made them */
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &at_once),
                     _i == 0 ? -EPIPE : -ETIMEDOUT);
    shmx_close(second);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, NULL), -EPIPE);
    close(one);
    close(other);
    end(&s);
}
END_TEST

struct waker {
    struct stage *stage;
    atomic_bool   enough;
};

static void *
wake_repeatedly(void *arg)
{
    struct waker *waker = arg;

    while (!atomic_load(&waker->enough)) {
        usleep(10000);
        ck_assert_int_ge(shmx_wake(waker->stage->seg, waker->stage->plain, 1), 0);
    }
    return NULL;
}

/* A process that never sleeps for long also learns of the end. */
START_TEST(peers_that_end_between_wakes)
{
    struct stage s = created(backend_flag[_i]);
    struct waker waker = { .stage = &s };
    pthread_t    thread;
    int          hold, k, r = 0;
    pid_t        pid = fork_holder(KILLED, &hold);

    ok(pthread_create(&thread, NULL, wake_repeatedly, &waker));
    for (k = 0; k < 5; k++)
        ok(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    for (k = 0; k < 300 && r == 0; k++)
        r = shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late);
    ck_assert_int_eq(r, -EPIPE);
    atomic_store(&waker.enough, true);
    ok(pthread_join(thread, NULL));
    close(hold);
    end(&s);
}
END_TEST

static void *
end_attachment(void *arg)
{
    struct stage *s = arg;

    usleep(200000);
    ok(shmx_detach(s->seg, s->addr));
    return NULL;
}

START_TEST(a_word_that_goes)
{
    struct stage s = created(backend_flag[_i]);
    pthread_t    thread;
    int          hold;
    pid_t        pid = fork_holder(CLOSED, &hold);

    ok(pthread_create(&thread, NULL, end_attachment, &s));
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late), -EINVAL);
    ok(pthread_join(thread, NULL));
    close(hold);
    join(pid);
    end(&s);
}
END_TEST

/* A stranger locks all bytes for reading, and some that belong to no process for writing. There is
   a holder, and then there is none. */
START_TEST(locks_of_strangers)
{
    struct flock some = { .l_type = F_WRLCK, .l_start = (off_t)1 << 62, .l_len = 1 << 20 };
    struct flock all = { .l_type = F_RDLCK };
    struct stage s = created(SHMX_POSIX);
    int          hold, fd = open("/dev/shm/w", O_RDWR | O_CLOEXEC);
    pid_t        pid = fork_holder(KILLED, &hold);

    ck_assert_int_eq(fcntl(fd, _i < 2 ? F_OFD_SETLK : F_SETLK, _i % 2 ? &some : &all), 0);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &soon), -ETIMEDOUT);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(shmx_wait(s.seg, s.plain, 0, SHMX_PEERS, &late), -EPIPE);
    close(hold);
    close(fd);
    end(&s);
}
END_TEST

/* A duplicate of a descriptor that cannot be opened again shares the locks of its giver, so nobody
   can tell. */
START_TEST(no_holder)
{
    struct stage s = created(SHMX_POSIX), own;
    struct shmx *seg = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        ok(shmx_open_fd(shmx_fd(s.seg), 0, &seg));
        own = attached(seg, 0);
        ck_assert_int_eq(shmx_wait(own.seg, own.plain, 0, SHMX_PEERS, &at_once), -ENOTSUP);
        ck_assert_int_eq(shmx_wait(own.seg, own.plain, 0, 0, &at_once), -ETIMEDOUT);
        _exit(0);
    }
    join(pid);
    end(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("wait");
    TCase *tc = add_case(suite, "wait"), *peers = add_case(suite, "peers");

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, what_cannot_be_waited_for, 0, BACKENDS);
    tcase_add_loop_test(tc, processes_take_turns, 0, BACKENDS);
    tcase_add_loop_test(tc, threads_take_turns, 0, BACKENDS);
    tcase_add_loop_test(tc, waking_counts, 0, BACKENDS);
    tcase_add_loop_test(tc, signals_interrupt, 0, BACKENDS);
    tcase_add_loop_test(peers, peers_that_end, 0, BACKENDS * WAYS);
    tcase_add_loop_test(peers, the_last_peer_counts, 0, BACKENDS);
    tcase_add_loop_test(peers, peers_that_end_between_wakes, 0, BACKENDS);
    tcase_add_loop_test(peers, a_word_that_goes, 0, BACKENDS);
    tcase_add_loop_test(peers, locks_of_strangers, 0, 4);
    tcase_add_test(peers, no_holder);
    return suite_main(suite);
}
