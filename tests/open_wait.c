/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a segment as soon as it exists, whatever is in the way before that. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define SIZE 5000

static const struct timespec at_once, soon = { .tv_nsec = 200000000 }, late = { .tv_sec = 40 };

/* What a waiting process needs. */
struct waiter {
    const char *name;
    void (*before)(void); /* called before it waits, or NULL */
    int64_t size;         /* the size of the segment that it opens */
};

/* Forks a process that waits, and that very probably has begun to. */
static pid_t
fork_waiter(const struct waiter *w)
{
    struct shmx *seg = NULL;
    int          said[2];
    pid_t        pid;
    char         c;

    ok(pipe2(said, O_CLOEXEC));
    pid = check_fork();
    if (pid == 0) {
        if (w->before != NULL)
            w->before();
        ck_assert_int_eq(write(said[1], "x", 1), 1);
        ok(shmx_open_wait(w->name, 0, NULL,
                          &seg)); /* at the end of a timeout it would look again */
        ck_assert_int_eq(shmx_size(seg), w->size);
        shmx_close(seg);
        _exit(0);
    }
    close(said[1]);
    ck_assert_int_eq(read(said[0], &c, 1), 1);
    close(said[0]);
    usleep(30000);
    return pid;
}

static struct shmx *
created(const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, flags, &seg));
    return seg;
}

static void
end(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

START_TEST(what_cannot_be_opened)
{
    const struct timespec bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000 } };
    struct shmx          *seg = NULL;
    size_t                k;

    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        fails(shmx_open_wait("/o", 0, &bad[k], &seg), -EINVAL);
    fails(shmx_open_wait(NULL, 0, &at_once, &seg), -EINVAL);
    fails(shmx_open_wait("/o", 0, &at_once, NULL), -EINVAL);
    fails(shmx_open_wait("/o", SHMX_SEALED, &at_once, &seg), -EINVAL);
    fails(shmx_open_wait("posix:o", 0, NULL, &seg), -EINVAL);
    fails(shmx_open_wait("/o", 0, &at_once, &seg), -ETIMEDOUT);
    fails(shmx_open_wait("/o", 0, &soon, &seg), -ETIMEDOUT);
    fails(shmx_open_wait("sysv:key=0x6f", 0, &soon, &seg), -ETIMEDOUT);
    ok(mkdir("/dev/shm/o", 0700));
    fails(shmx_open_wait("/o", 0, NULL, &seg), -EISDIR);
    ok(rmdir("/dev/shm/o"));
    ok(symlink("/etc/passwd", "/dev/shm/o"));
    fails(shmx_open_wait("/o", 0, NULL, &seg), -ELOOP);
    ok(unlink("/dev/shm/o"));
}
END_TEST

START_TEST(there_before_and_later)
{
    const struct waiter w = { "/o", NULL, SIZE };
    struct shmx        *seg = created("/o", backend_flag[_i]), *found = NULL;
    pid_t               pid;

    ok(shmx_open_wait("/o", SHMX_RDONLY, &at_once, &found));
    ck_assert_int_eq(shmx_write(found, "x", 1, 0), -EACCES);
    shmx_close(found);
    ok(shmx_open_wait("/o", SHMX_OWNED, NULL, &found));
    shmx_close(found);
    end(seg);
    pid = fork_waiter(&w);
    seg = created("/o", backend_flag[_i]);
    join(pid);
    end(seg);
    pid = fork_waiter(&w);
    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &seg));
    ok(shmx_publish(seg, "/o"));
    join(pid);
    end(seg);
}
END_TEST

START_TEST(by_key)
{
    const struct waiter w = { "sysv:key=0x6f70656e", NULL, SIZE };
    pid_t               pid = fork_waiter(&w);
    struct shmx        *seg = created(w.name, 0);

    join(pid);
    end(seg);
}
END_TEST

/* A program makes an object, and gives it its size a moment later. */
START_TEST(without_a_size)
{
    const struct waiter w = { "/o", NULL, SIZE };
    struct shmx        *seg = NULL;
    pid_t               pid;
    int                 fd = open("/dev/shm/o", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    fails(shmx_open_wait("/o", 0, &soon, &seg), -ENODATA);
    pid = fork_waiter(&w);
    ok(ftruncate(fd, SIZE));
    join(pid);
    close(fd);
    ok(unlink("/dev/shm/o"));
}
END_TEST

START_TEST(until_the_mode_admits)
{
    const struct waiter w = { "/o", become_nobody, SIZE };
    struct shmx        *seg = created("/o", backend_flag[_i]), *found = NULL;
    pid_t               pid = check_fork();

    if (pid == 0) {
        become_nobody();
        if (_i == 0 || !valgrind_lacks("EACCES of shmat"))
            ck_assert_int_eq(shmx_open_wait("/o", 0, &soon, &found), -EACCES);
        _exit(0);
    }
    join(pid);
    pid = fork_waiter(&w);
    ok(shmx_chmod(seg, 0666));
    join(pid);
    end(seg);
}
END_TEST

/* Uses up what the kernel gives to a user. The descriptors end with the process. */
static void
use_up_inotify(void)
{
    become_nobody();
    while (inotify_init1(IN_CLOEXEC) >= 0) {
    }
    ck_assert_int_eq(errno, EMFILE);
}

START_TEST(without_inotify)
{
    const struct waiter w = { "/o", use_up_inotify, SIZE };
    pid_t               pid = fork_waiter(&w);
    struct shmx        *seg = NULL;

    ok(shmx_create("/o", SIZE, 0666, backend_flag[_i], &seg));
    join(pid);
    end(seg);
}
END_TEST

/* There are more events than the queue holds, while the process that waits is stopped. */
START_TEST(events_that_are_lost)
{
    const struct waiter w = { "/o", NULL, SIZE };
    pid_t               pid = fork_waiter(&w);
    struct shmx        *seg;
    int                 k;

    kill(pid, SIGSTOP);
    for (k = 0; k < 20000; k++) {
        ok(mkdir(k % 2 ? "/dev/shm/a" : "/dev/shm/b", 0700));
        ok(rmdir(k % 2 ? "/dev/shm/a" : "/dev/shm/b"));
    }
    seg = created("/o", backend_flag[_i]);
    kill(pid, SIGCONT);
    join(pid);
    end(seg);
}
END_TEST

/* Another file system is mounted over the directory, and the segment is made there. */
START_TEST(mounted_later)
{
    const struct waiter w = { "/o", NULL, SIZE };
    pid_t               pid = fork_waiter(&w);
    struct shmx        *seg;

    mount_dev_shm("size=1m");
    usleep(30000);
    seg = created("/o", backend_flag[_i]);
    join(pid);
    end(seg);
    ok(umount("/dev/shm"));
}
END_TEST

/* There is no directory at first. */
START_TEST(no_directory)
{
    const struct waiter w = { "/o", NULL, SIZE };
    struct shmx        *seg;
    pid_t               pid;

    ok(mount("tmpfs", "/dev", "tmpfs", 0, "size=1m"));
    pid = fork_waiter(&w);
    ok(mkdir("/dev/shm", 01777));
    usleep(30000);
    seg = created("/o", backend_flag[_i]);
    join(pid);
    end(seg);
    ok(umount("/dev"));
}
END_TEST

/* The process opens the segment that stays, or one that is removed just then, as any open may. */
START_TEST(names_that_come_and_go)
{
    pid_t        pid;
    struct shmx *seg = NULL;
    int          k;

    pid = check_fork();
    if (pid == 0) {
        for (k = 0; k < 200; k++) {
            ok(shmx_open_wait("/o", 0, &late, &seg));
            ck_assert_int_eq(shmx_size(seg), SIZE);
            shmx_close(seg);
        }
        _exit(0);
    }
    for (k = 0; k < 500; k++) {
        seg = created("/o", backend_flag[(_i + k) % BACKENDS] | (k % 3 == 0 ? SHMX_EPHEMERAL : 0));
        end(seg);
    }
    seg = created("/o", backend_flag[_i]);
    join(pid);
    end(seg);
}
END_TEST

static void
handle(int signal)
{
    (void)signal;
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

START_TEST(signals_interrupt)
{
    const struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
    struct sender          sender = { .to = pthread_self() };
    struct shmx           *seg = NULL;
    pthread_t              thread;

    ok(sigaction(SIGUSR1, &action, NULL));
    ok(pthread_create(&thread, NULL, send_signals, &sender));
    ck_assert_int_eq(shmx_open_wait("/o", 0, NULL, &seg), -EINTR);
    ck_assert_int_eq(shmx_open_wait("sysv:key=0x6f", 0, &late, &seg), -EINTR);
    atomic_store(&sender.enough, true);
    ok(pthread_join(thread, NULL));
}
END_TEST

/* A lease keeps the object from being opened, and each look at it takes a second. So the signals
   come while the function looks, and not while it sleeps. */
START_TEST(signals_while_it_looks)
{
    const struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
    const struct itimerval often = { { 0, 700000 }, { 0, 700000 } }, never = { 0 };
    const struct timespec  timeout = { .tv_sec = 10 };
    struct shmx           *seg = NULL;
    int                    fd = open("/dev/shm/o", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    ok(fcntl(fd, F_SETSIG, SIGURG)); /* which is ignored */
    ok(fcntl(fd, F_SETLEASE, F_WRLCK));
    ok(sigaction(SIGALRM, &action, NULL));
    ok(setitimer(ITIMER_REAL, &often, NULL));
    ck_assert_int_eq(shmx_open_wait("/o", 0, &timeout, &seg), -EINTR);
    ok(setitimer(ITIMER_REAL, &never, NULL));
    close(fd);
    ok(unlink("/dev/shm/o"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("open_wait");
    TCase *tc = add_case(suite, "open_wait");

    tcase_add_test(tc, what_cannot_be_opened);
    tcase_add_loop_test(tc, there_before_and_later, 0, BACKENDS);
    tcase_add_test(tc, by_key);
    tcase_add_test(tc, without_a_size);
    tcase_add_loop_test(tc, until_the_mode_admits, 0, BACKENDS);
    tcase_add_loop_test(tc, without_inotify, 0, BACKENDS);
    tcase_add_loop_test(tc, events_that_are_lost, 0, BACKENDS);
    tcase_add_loop_test(tc, mounted_later, 0, BACKENDS);
    tcase_add_loop_test(tc, no_directory, 0, BACKENDS);
    tcase_add_loop_test(tc, names_that_come_and_go, 0, BACKENDS);
    tcase_add_test(tc, signals_interrupt);
    tcase_add_test(tc, signals_while_it_looks);
    return suite_main(suite);
}
