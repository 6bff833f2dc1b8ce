/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile reading of waiting, peers and descriptors has found. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define SIZE 10000

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
    struct shmx *seg = created("/p");
    pthread_t    thread;
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(pthread_create(&thread, NULL, open_without_main, seg));
        pthread_exit(NULL);
    }
    join(pid);
    end(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: peers");
    TCase *tc = add_case(suite, "descriptors");

    tcase_add_test(tc, a_thread_with_descriptors_of_its_own);
    tcase_add_test(tc, the_main_thread_has_ended);
    return suite_main(suite);
}
