/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of strangers and of relatives that once made others wait, or lose data. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000
#define MIB  ((size_t)1 << 20)

static struct shmx *
created(int i, const char *name, size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, mode, backend_flag[i] | flags, &seg));
    return seg;
}

/* Forks a child that grows the segment, and that is to be traced meanwhile. */
static pid_t
fork_grower(struct shmx *seg)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        kill(getpid(), SIGSTOP);
        _exit(shmx_resize(seg, 3000) != 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSTOPPED(status));
    return pid;
}

/* Lets the child go on to its next system call, or to the end of that call. Returns whether it is
   still alive. */
static bool
step(pid_t pid, enum __ptrace_request how)
{
    int status;

    ok(ptrace(how, pid, NULL, NULL));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSTOPPED(status) || status == 0, "growing ended with %#x", (unsigned)status);
    return WIFSTOPPED(status);
}

/* Relatives share one open file description and its locks. What one of them has written stays,
   wherever the other one is, which grows the segment, too. */
START_TEST(relatives_grow_one_handle)
{
    struct shmx *seg = created(0, "/grown", 100, 0600, 0);
    bool         lives = true;
    int          k, stops;
    pid_t        pid;
    char         c;

    for (stops = 0; lives && !valgrind_lacks("ptrace"); stops++) {
        ok(shmx_resize(seg, 100));
        pid = fork_grower(seg);
        for (k = 0; k < stops && lives; k++)
            lives = step(pid, PTRACE_SYSCALL);
        ok(shmx_resize(seg, 2000));
        ck_assert_int_eq(shmx_write(seg, "L", 1, 1500), 1);
        if (lives)
            step(pid, PTRACE_CONT);
        ck_assert_int_eq(shmx_read(seg, &c, 1, 1500), 1);
        ck_assert_msg(c == 'L', "live data was lost at stop %d", stops);
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
visit_nothing(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static int
init_nothing(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    return 0;
}

/* Makes a call that is not about the object "/mine", or must not touch it. */
static void
call_beside(int which)
{
    struct shmx *seg = NULL;

    switch (which) {
    case 0:
        ok(shmx_list(0, visit_nothing, NULL));
        break;
    case 1:
        ok(shmx_collect(0, NULL, visit_nothing, NULL));
        break;
    case 2:
        ok(shmx_collect(SHMX_ORPHANS, NULL, visit_nothing, NULL));
        break;
    case 3:
        ck_assert_int_eq(shmx_create("/mine", SIZE, 0600, SHMX_POSIX, &seg), -EEXIST);
        break;
    case 4:
        ck_assert_int_eq(shmx_create("/mine", MIB, 0600, SHMX_SYSV, &seg), -EEXIST);
        break;
    case 5:
        ck_assert_int_eq(shmx_open("sysv:/mine", 0, &seg), -ENOENT);
        break;
    case 6:
        ck_assert_int_eq(shmx_open_or_create("/x", SIZE, 0600, 0, init_nothing, NULL, &seg), 1);
        ok(shmx_destroy(seg));
        shmx_close(seg);
    }
}

#define CALLS_BESIDE 7

/* Closing any descriptor of an object releases what fcntl(2) has locked in it. In the second turn
   the object looks like an ephemeral segment. */
START_TEST(locks_of_the_caller_stay)
{
    struct flock mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    int          fd = shm_open("/mine", O_RDWR | O_CREAT, 0600);
    pid_t        pid;

    ok(ftruncate(fd, SIZE));
    ok(fchmod(fd, _i < CALLS_BESIDE ? 0600 : 01600));
    ok(fcntl(fd, F_SETLK, &mine));
    call_beside(_i % CALLS_BESIDE);
    pid = check_fork();
    if (pid == 0) {
        ok(fcntl(fd, F_GETLK, &mine));
        ck_assert_int_eq(mine.l_type, F_WRLCK);
        _exit(0);
    }
    join(pid);
    close(fd);
    ok(shm_unlink("/mine"));
}
END_TEST

static void *
collect_until(void *stop)
{
    while (!atomic_load((atomic_int *)stop))
        if (shmx_collect(SHMX_POSIX, NULL, NULL, NULL) != 0)
            return "failed";
    return NULL;
}

/* A child that is forked in the middle of collecting inherits what is open at that moment. */
START_TEST(a_fork_beside_a_collector_locks_nothing)
{
    struct shmx *seg = created(0, "/kept", SIZE, 0600, 0);
    atomic_int   stop = 0;
    pthread_t    thread;
    pid_t        pid;
    void        *bad;
    int          k, r = 0;

    shmx_close(seg); /* the segment is persistent, and nobody holds it */
    ok(pthread_create(&thread, NULL, collect_until, &stop));
    for (k = 0; k < 300 && r == 0; k++) {
        pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }
        r = shmx_open("/kept", 0, &seg);
        if (r == 0)
            shmx_close(seg);
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    atomic_store(&stop, 1);
    ok(pthread_join(thread, &bad));
    ck_assert_ptr_null(bad);
    ck_assert_msg(r == 0, "after fork %d: %s", k, shmx_strerror(r));
    ok(shmx_remove("/kept"));
}
END_TEST

/* A process of another user, who may read the segment, locks all of it. */
static pid_t
lock_whole_as_nobody(const char *path, int command)
{
    struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    int          ready[2], fd;
    pid_t        pid;
    char         c;

    ok(pipe(ready));
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        fd = open(path, O_RDONLY | O_CLOEXEC);
        ok(fcntl(fd, command, &whole));
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

START_TEST(a_readers_lock_does_not_keep_from_resizing)
{
    struct shmx     *seg = created(0, "/read", SIZE, 0644, 0);
    struct shmx_stat st;
    pid_t            pid = lock_whole_as_nobody("/dev/shm/read", _i == 0 ? F_OFD_SETLK : F_SETLK);

    ok(shmx_resize(seg, SIZE + 5000));
    ok(shmx_resize(seg, SIZE));
    ck_assert_str_eq(shmx_name(seg), "posix:/read");
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 1); /* the lock is not that of a holder */
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* Each process has that many open file descriptions with that many locks each. To take a lock and
   to close one of them, the kernel walks over all locks of the object. */
#define LOCKERS      20
#define DESCRIPTIONS 125
#define LOCKS        4

/* Takes locks of one byte where holders have theirs. They are not adjacent, so that they stay many,
   and go from the last to the first, so that a search for the first finds another one first. */
static pid_t
lock_bytes_as_nobody(int locker)
{
    struct flock byte = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };
    int          ready[2], fd = -1, k;
    pid_t        pid;
    char         c;

    ok(pipe(ready));
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        for (k = 0; k < DESCRIPTIONS * LOCKS; k++) {
            if (k % LOCKS == 0)
                fd = open("/dev/shm/x", O_RDONLY | O_CLOEXEC);
            byte.l_start = ((off_t)1 << 62) + 1000000 - 2L * (locker * DESCRIPTIONS * LOCKS + k);
            ok(fcntl(fd, F_OFD_SETLK, &byte));
        }
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static int
count_visits(const char *name, const struct shmx_stat *st, void *arg)
{
    *(int *)arg += strcmp(name, "posix:/x") == 0 && st->size == SIZE;
    return 0;
}

static void *
look_at_holders(void *seg)
{
    struct shmx     *other = NULL;
    struct shmx_stat st;
    int              visits = 0;

    if (shmx_list(0, count_visits, &visits) != 0 || visits != 1)
        return "list";
    if (shmx_stat(seg, &st) != 0 || st.holders < 1)
        return "stat";
    if (shmx_open("/x", 0, &other) != 0)
        return "open";
    shmx_close(other);
    return shmx_collect(0, NULL, NULL, NULL) == 0 ? NULL : "collect";
}

/* The stack is small, as that of a thread may be. */
START_TEST(ten_thousand_locks_of_a_stranger)
{
    struct shmx   *seg = created(0, "/x", SIZE, 0644, _i == 0 ? 0 : SHMX_EPHEMERAL);
    pid_t          pids[LOCKERS];
    pthread_attr_t attr;
    pthread_t      thread;
    void          *bad;
    int            k;

    if (valgrind_lacks("threads with small stacks")) {
        ok(shmx_destroy(seg));
        shmx_close(seg);
        return;
    }
    for (k = 0; k < LOCKERS; k++)
        pids[k] = lock_bytes_as_nobody(k);
    ok(pthread_attr_init(&attr));
    ok(pthread_attr_setstacksize(&attr, 128 << 10));
    ok(pthread_create(&thread, &attr, look_at_holders, seg));
    ok(pthread_join(thread, &bad));
    ck_assert_msg(bad == NULL, "%s", (char *)bad);
    for (k = 0; k < LOCKERS; k++)
        kill(pids[k], SIGKILL);
    for (k = 0; k < LOCKERS; k++)
        ck_assert_int_eq(waitpid(pids[k], NULL, 0), pids[k]);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* Locks that many bytes, one by one, so that each is a lock of its own. */
static void
lock_bytes(int fd, off_t count)
{
    struct flock byte = { .l_type = F_RDLCK, .l_len = 1 };

    for (byte.l_start = 0; byte.l_start < 2 * count; byte.l_start += 2)
        ok(fcntl(fd, F_OFD_SETLK, &byte));
}

/* A program reads the object, and locks all of it. The machine has many locks, some of which come
   and go. */
static void
lock_and_churn(int ready)
{
    struct flock all = { .l_type = F_RDLCK }, none = { .l_type = F_UNLCK };
    int          many = open("/dev/shm/many", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    int          churn = open("/dev/shm/churn", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    ok(fcntl(open("/dev/shm/x", O_RDONLY | O_CLOEXEC), F_OFD_SETLK, &all));
    lock_bytes(many, 4000);
    ok(unlink("/dev/shm/many"));
    ok(unlink("/dev/shm/churn"));
    ck_assert_int_eq(write(ready, "r", 1), 1);
    for (;;) {
        lock_bytes(churn, 200);
        ok(fcntl(churn, F_OFD_SETLK, &none));
    }
}

START_TEST(a_holder_among_many_locks)
{
    const struct timespec at_once = { 0 }, late = { .tv_sec = 40 };
    struct shmx          *seg = created(0, "/x", SIZE, 0644, 0), *own = NULL;
    void                 *addr;
    pid_t                 locker, holder;
    int                   k, ready[2];
    char                  c;

    ok(pipe(ready));
    locker = check_fork();
    if (locker == 0)
        lock_and_churn(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    holder = check_fork();
    if (holder == 0) {
        ok(shmx_open("/x", 0, &own));
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        pause();
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    ok(shmx_attach(seg, 0, &addr));
    for (k = 0; k < rounds(100); k++)
        ck_assert_int_eq(shmx_wait(seg, addr, 0, SHMX_PEERS, &at_once), -ETIMEDOUT);
    kill(holder, SIGKILL);
    ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
    ck_assert_int_eq(shmx_wait(seg, addr, 0, SHMX_PEERS, &late), -EPIPE);
    kill(locker, SIGKILL);
    ck_assert_int_eq(waitpid(locker, NULL, 0), locker);
    close(ready[0]);
    close(ready[1]);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: locks");
    TCase *tc = add_case(suite, "locks");

    tcase_add_test(tc, relatives_grow_one_handle);
    tcase_add_loop_test(tc, locks_of_the_caller_stay, 0, 2 * CALLS_BESIDE);
    tcase_add_test(tc, a_fork_beside_a_collector_locks_nothing);
    tcase_add_loop_test(tc, a_readers_lock_does_not_keep_from_resizing, 0, 2);
    tcase_add_loop_test(tc, ten_thousand_locks_of_a_stranger, 0, 2);
    tcase_add_test(tc, a_holder_among_many_locks);
    return suite_main(suite);
}
