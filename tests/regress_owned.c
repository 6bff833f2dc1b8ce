/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: what passes for the caller's own, or for the object of a descriptor, but is not. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 10000

static struct shmx *
created(int backend, const char *name, mode_t mode, unsigned flags)
{
    struct shmx *seg;

    ok(shmx_create(name, SIZE, mode, backend_flag[backend] | flags, &seg));
    ck_assert_int_eq(shmx_write(seg, "here", 5, 0), 5);
    return seg;
}

static void
assert_here(struct shmx *seg)
{
    char text[6] = "";

    ck_assert_int_eq(shmx_read(seg, text, 5, 0), 5);
    ck_assert_str_eq(text, "here");
}

#define DESCRIPTORS 64

/* Without descriptors nobody can say who the users of this namespace are. */
static void
open_without_descriptors(const char *name)
{
    const struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
    struct shmx        *seg;
    int                 fds[DESCRIPTORS], results[8], k, n = 0;

    ok(setrlimit(RLIMIT_NOFILE, &limit));
    while ((fds[n] = dup(0)) >= 0)
        n++;
    for (k = 0; k < 8; k++) {
        results[k] = shmx_open(name, SHMX_OWNED, &seg);
        if (results[k] == 0)
            shmx_close(seg);
        close(fds[--n]);
    }
    while (n > 0)
        close(fds[--n]);
    for (k = 0; k < 8; k++)
        ck_assert_msg(results[k] == -EPERM || (k < 3 && results[k] == -EMFILE),
                      "with %d descriptors: %d", k, results[k]);
}

START_TEST(owned_without_descriptors)
{
    const char  *name = _i == 0 ? "posix:/x" : "sysv:key=0x5a0051a3";
    struct shmx *seg = created(_i, name, 0666, 0);
    pid_t        pid;

    if (!valgrind_lacks("limits below its own")) {
        pid = check_fork();
        if (pid == 0) {
            become_nobody();
            ok(unshare(CLONE_NEWUSER)); /* without a map, root looks like this user */
            open_without_descriptors(name);
            _exit(0);
        }
        join(pid);
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void
open_hard_link(void *arg)
{
    const int    backend = *(int *)arg == 2;
    struct shmx *seg = created(backend, "/roots", 0666, 0), *other = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        ok(link("/dev/shm/roots", "/dev/shm/trap"));
        _exit(0);
    }
    join(pid);
    fails(shmx_open("/trap", SHMX_OWNED, &other), -EPERM);
    fails(shmx_open("/trap", SHMX_OWNED | SHMX_RDONLY, &other), -EPERM);
    fails(shmx_open_or_create("/trap", SIZE, 0600, SHMX_OWNED, NULL, NULL, &other), -EPERM);
    if (backend == 0)
        fails(shmx_open_fd(shmx_fd(seg), SHMX_OWNED, &other), -EPERM);
    ok(shmx_open("/trap", 0, &other));
    shmx_close(other);
    ok(unlink("/dev/shm/trap"));
    ok(shmx_open("/roots", SHMX_OWNED, &other));
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* Whoever may write to a file may link it, even with the setting that all distributions have. */
START_TEST(owned_is_not_what_others_linked)
{
    with_sysctl("/proc/sys/fs/protected_hardlinks", _i == 0 ? "1" : "0", open_hard_link, &_i);
}
END_TEST

static void
plant(const char *path, int kind)
{
    int fd = open("/dev/shm/root/trap", O_CREAT | O_RDWR | O_CLOEXEC, 0666);

    ck_assert_int_eq(write(fd, "trap", 5), 5);
    ok(ftruncate(fd, SIZE));
    close(fd);
    if (kind == 0)
        ok(symlink("/trap", path));
    else
        ok(kind == 1 ? link("/dev/shm/root/trap", path) : mkfifo(path, 0666));
}

START_TEST(planted_descriptor_in_a_chroot)
{
    static const char *const dirs[] = { "/dev/shm/root", "/dev/shm/root/proc",
                                        "/dev/shm/root/proc/thread-self",
                                        "/dev/shm/root/proc/thread-self/fd" };
    struct shmx             *seg = created(0, "/x", 0600, 0), *other = NULL;
    char                     path[64];
    pid_t                    pid;
    int                      k;

    for (k = 0; k < 4; k++)
        ok(mkdir(dirs[k], 0755));
    snprintf(path, sizeof path, "%s/%d", dirs[3], shmx_fd(seg));
    plant(path, _i);
    pid = check_fork();
    if (pid == 0) {
        ok(chroot(dirs[0]));
        ok(shmx_open_fd(shmx_fd(seg), 0, &other));
        assert_here(other);
        shmx_close(other);
        /* To narrow a descriptor that can write, the object must be opened again. */
        ck_assert_int_lt(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &other), 0);
        _exit(0);
    }
    join(pid);
    ok(unlink(path));
    ok(unlink("/dev/shm/root/trap"));
    for (k = 3; k >= 0; k--)
        ok(rmdir(dirs[k]));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: owned");
    TCase *tc = add_case(suite, "owned");

    tcase_add_loop_test(tc, owned_without_descriptors, 0, BACKENDS);
    tcase_add_loop_test(tc, owned_is_not_what_others_linked, 0, 3);
    tcase_add_loop_test(tc, planted_descriptor_in_a_chroot, 0, 3);
    return suite_main(suite);
}
