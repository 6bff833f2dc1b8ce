/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile reading of waiting, peers and descriptors has found. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#define SIZE 10000

static const struct timespec at_once;

static struct shmx *
created(const char *name)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, SHMX_POSIX, &seg));
    return seg;
}

static void
end(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* The descriptor is in no other table than that of this thread. */
static void *
open_in_own_table(void *arg)
{
    struct shmx *seg = arg, *narrow = NULL;
    int          fd;

    ok(unshare(CLONE_FILES));
    fd = fcntl(shmx_fd(seg), F_DUPFD_CLOEXEC, 300);
    ck_assert_int_ge(fd, 300);
    ok(shmx_open_fd(fd, SHMX_RDONLY, &narrow));
    shmx_close(narrow);
    return NULL;
}

START_TEST(a_thread_with_descriptors_of_its_own)
{
    struct shmx *seg = created("/p");
    pthread_t    thread;

    ok(pthread_create(&thread, NULL, open_in_own_table, seg));
    ok(pthread_join(thread, NULL));
    end(seg);
}
END_TEST

static void *
open_without_main(void *arg)
{
    struct shmx *seg = arg, *narrow = NULL;

    usleep(100000); /* the main thread ends meanwhile */
    ok(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &narrow));
    _exit(0);
}

START_TEST(the_main_thread_has_ended)
{
    struct shmx *seg;
    pthread_t    thread;
    pid_t        pid;

    if (valgrind_lacks("the stack of a main thread that has ended"))
        return;
    seg = created("/p");
    pid = check_fork();
    if (pid == 0) {
        ok(pthread_create(&thread, NULL, open_without_main, seg));
        pthread_exit(NULL);
    }
    join(pid);
    end(seg);
}
END_TEST

/* ---- who holds the segment ---- */

static int
wait_among_peers(struct shmx *seg)
{
    void *addr;
    int   r;

    ok(shmx_attach(seg, 0, &addr));
    r = shmx_wait(seg, addr, 0, SHMX_PEERS, &at_once);
    ok(shmx_detach(seg, addr));
    return r;
}

/* The parent holds the segment all the time, and the child also opens it itself. */
START_TEST(a_handle_of_the_parent)
{
    struct shmx *seg = created("/p"), *second, *own;
    pid_t        pid;

    ok(shmx_open("/p", 0, &second));
    pid = check_fork();
    if (pid == 0) {
        ck_assert_int_eq(wait_among_peers(seg), -ENOTSUP);
        ok(shmx_open("/p", 0, &own));
        ck_assert_int_eq(wait_among_peers(seg), -ENOTSUP);
        ck_assert_int_eq(wait_among_peers(second), -ENOTSUP);
        ck_assert_int_eq(wait_among_peers(own), -ETIMEDOUT);
        shmx_close(own);
        _exit(0);
    }
    join(pid);
    ck_assert_int_eq(wait_among_peers(seg), -EPIPE);
    shmx_close(second);
    end(seg);
}
END_TEST

/* A stranger keeps all bytes of processes but that of this one. */
START_TEST(a_byte_that_is_taken)
{
    struct flock lock = { .l_type = F_WRLCK, .l_start = (off_t)1 << 62, .l_len = (off_t)1 << 54 };
    struct shmx *seg = created("/p"), *own = NULL;
    int          stranger = open("/dev/shm/p", O_RDWR | O_CLOEXEC);
    pid_t        pid;

    ok(fcntl(stranger, F_OFD_GETLK, &lock));
    ck_assert_int_eq(lock.l_type, F_RDLCK);
    lock = (struct flock){ .l_type = F_WRLCK, .l_start = lock.l_start + 1, .l_len = 1 << 22 };
    ok(fcntl(stranger, F_OFD_SETLK, &lock));
    pid = check_fork();
    if (pid == 0) {
        ok(shmx_open_fd(shmx_fd(seg), 0, &own));
        ck_assert_int_eq(wait_among_peers(own), -ENOTSUP);
        shmx_close(own);
        _exit(0);
    }
    join(pid);
    close(stranger);
    end(seg);
}
END_TEST

/* Both processes may be process 1 of their pid namespaces, and would have the same byte. */
START_TEST(without_proc)
{
    struct shmx *seg = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWNS));
        ok(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
        ok(mount("tmpfs", "/proc", "tmpfs", 0, NULL));
        ok(shmx_create(NULL, SIZE, 0600, SHMX_POSIX, &seg));
        ck_assert_int_eq(wait_among_peers(seg), -ENOTSUP);
        shmx_close(seg);
        _exit(0);
    }
    join(pid);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: peers");
    TCase *tc = add_case(suite, "descriptors");

    tcase_add_test(tc, a_thread_with_descriptors_of_its_own);
    tcase_add_test(tc, the_main_thread_has_ended);
    tc = add_case(suite, "holders");
    tcase_add_test(tc, a_handle_of_the_parent);
    tcase_add_test(tc, a_byte_that_is_taken);
    tcase_add_test(tc, without_proc);
    return suite_main(suite);
}
