/* SPDX-License-Identifier: BSD-2-Clause */
/* More of the contract on both backends, about descriptors, owners, modes and pages, where small
   faults once went unnoticed. */
#include "support.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE 50000

static struct shmx *
created(int i, const char *name, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, mode, backend_flag[i] | flags, &seg));
    return seg;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    ++*(int *)arg;
    return 0;
}

/* If descriptor 0 is free, the library uses it like any other, and gives it back. */
static void
assert_zero_is_free(int line)
{
    errno = 0;
    ck_assert_msg(fcntl(0, F_GETFD) == -1 && errno == EBADF, "line %d: descriptor 0 is open", line);
}

#define leaves_zero(call)                                                                          \
    do {                                                                                           \
        ok(call);                                                                                  \
        assert_zero_is_free(__LINE__);                                                             \
    } while (0)

static int
never_run(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    ck_abort_msg("initialised twice");
    return 0;
}

/* The process is elected by a lock whose descriptor is 0, so others wait. */
static int
init_with_zero(void *addr, size_t size, void *arg)
{
    struct shmx *seg;
    pid_t       *waiter = arg;

    (void)addr;
    ck_assert_int_ge(fcntl(0, F_GETFD), 0);
    *waiter = check_fork();
    if (*waiter == 0) {
        close(0);
        ck_assert_int_eq(shmx_open_or_create("/zero", size, 0600, SHMX_SYSV, never_run, NULL, &seg),
                         0);
        shmx_close(seg);
        _exit(0);
    }
    usleep(50000);
    return 0;
}

START_TEST(descriptor_zero)
{
    struct shmx     *seg = NULL, *other;
    struct shmx_stat st;
    int              duplicate = dup(0), listed = 0, fd;
    pid_t            waiter;

    close(0);
    leaves_zero(shmx_create("/left", SIZE, 0600, SHMX_SYSV, &other));
    shmx_close(other);
    ok(shmx_create("/also-left", SIZE, 0600, SHMX_POSIX, &other));
    shmx_close(other);
    assert_zero_is_free(__LINE__);
    fd = open("/dev/shm/zero", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ok(fchmod(fd, 01600)); /* this is a dead segment, which is opened to make sure that it is
                              dead */
    close(fd);
    seg = created(_i, "/zero", 0666, 0);
    if (_i == 1)
        assert_zero_is_free(__LINE__);
    if (_i == 0) {
        ck_assert_int_eq(shmx_fd(seg), 0);
        ok(shmx_open_fd(0, 0, &other));
        ck_assert_int_eq(shmx_write(seg, "0", 1, 0), 1);
        shmx_close(seg); /* this closes its own descriptor, and not the other one */
        assert_zero_is_free(__LINE__);
        seg = other;
    }
    leaves_zero(shmx_list(0, count, &listed));
    ck_assert_int_eq(listed, 3);
    leaves_zero(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    listed = 0;
    leaves_zero(shmx_list(0, count, &listed));
    ck_assert_int_eq(listed, 1);
    leaves_zero(shmx_stat(seg, &st));
    leaves_zero(shmx_stat_name("/zero", &st));
    need_users();
    leaves_zero(shmx_chown(seg, 1, 1));
    leaves_zero(shmx_destroy(seg));
    shmx_close(seg);
    assert_zero_is_free(__LINE__);
    ck_assert_int_eq(
        shmx_open_or_create("/zero", SIZE, 0600, backend_flag[_i], init_with_zero, &waiter, &seg),
        1);
    assert_zero_is_free(__LINE__); /* the descriptor is given back when the election ends */
    join(waiter);
    ok(shmx_remove("/zero"));
    shmx_close(seg);
    assert_zero_is_free(__LINE__);
    dup2(duplicate, 0);
    close(duplicate);
}
END_TEST

START_TEST(descriptor_zero_is_opened)
{
    int          duplicate = dup(0), fd;
    struct shmx *seg;

    close(0);
    fd = memfd_create("zero", 0);
    ck_assert_int_eq(fd, 0);
    ok(ftruncate(0, SIZE));
    ok(shmx_open_fd(0, SHMX_RDONLY, &seg));
    ck_assert_int_eq(shmx_size(seg), SIZE);
    shmx_close(seg);
    ck_assert_int_ge(fcntl(0, F_GETFD), 0); /* the caller's descriptor is still open */
    dup2(duplicate, 0);
    close(duplicate);
}
END_TEST

/* Becomes root without any capability but these. */
static void
keep_capabilities(unsigned mask)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct   data[2] = { { mask, mask, 0 }, { 0, 0, 0 } };

    ok((int)syscall(SYS_capset, &header, data));
}

static uid_t
owner_of_entry(const char *path)
{
    struct stat st;

    ok(lstat(path, &st));
    return st.st_uid;
}

/* The owner is user 1, and the creator is user 2. A user who may change the link but not the
   segment, or neither of them, leaves both as they were, and the name leads where it led before.
   This is tried by key and by id. */
START_TEST(failed_chown_changes_nothing)
{
    struct shmx     *seg = NULL, *other;
    struct shmx_stat st;
    pid_t            pid = check_fork();

    if (pid == 0) {
        need_users();
        ok(setresuid(2, 2, 2));
        if (_i < 2) {
            seg = created(1, "/given", 0666, 0);
        } else {
            seg = created(1, NULL, 0666, 0);
            ok(shmx_publish(seg, "/given"));
        }
        _exit(0);
    }
    join(pid);
    ok(shmx_open("/given", 0, &seg));
    ok(shmx_chown(seg, 1, 1));
    ck_assert_uint_eq(owner_of_entry("/dev/shm/given"), 1);
    pid = check_fork();
    if (pid == 0) {
        keep_capabilities(_i % 2 == 0 ? 1u << CAP_CHOWN : 0);
        fails(shmx_chown(seg, 3, (gid_t)-1), -EPERM);
        fails(shmx_chown(seg, 3, 3), -EPERM);
        fails(shmx_chown(seg, (uid_t)-1, 3), -EPERM);
        fails(shmx_chmod(seg, 0600), -EPERM);
        _exit(0);
    }
    join(pid);
    ck_assert_uint_eq(owner_of_entry("/dev/shm/given"), 1);
    ok(shmx_stat(seg, &st));
    ck_assert(st.uid == 1 && st.gid == 1 && st.cuid == 2 && st.mode == 0666);
    ok(shmx_collect(0, NULL, NULL, NULL));
    pid = check_fork();
    if (pid == 0) { /* anybody who opens it now finds a link of the creator or owner */
        ok(setresuid(5, 5, 5));
        ok(shmx_open("/given", 0, &other));
        shmx_close(other);
        _exit(0);
    }
    join(pid);
    finish(seg);
}
END_TEST

/* A segment keeps its name if it is changed through a handle that does not know the name. */
START_TEST(changes_through_another_handle)
{
    struct shmx *seg = created(1, NULL, 0600, 0), *raw, *other;

    ok(shmx_open(shmx_name(seg), 0, &raw));
    ok(shmx_publish(seg, "/late"));
    sleep(1); /* so that the change is made in another second */
    if (_i == 0)
        ok(shmx_chmod(raw, 0640));
    else {
        need_users();
        ok(shmx_chown(raw, (uid_t)-1, 5));
    }
    ck_assert_int_eq(shmx_open("/late", 0, &other), 0);
    shmx_close(other);
    ok(shmx_collect(0, NULL, NULL, NULL));
    ok(shmx_open("/late", 0, &other));
    shmx_close(other);
    shmx_close(raw);
    finish(seg);
}
END_TEST

/* The handle of an ordinary user may do what it could do at first, whatever the mode says by now,
   and whatever is attached. */
START_TEST(mode_0_does_not_bind_a_handle)
{
    static const unsigned kinds[] = { 0, SHMX_RDONLY, SHMX_PRIVATE, SHMX_POPULATE };
    const unsigned        kind = kinds[_i / 2 % 4];
    struct shmx          *seg, *other = NULL;
    void                 *addr = NULL, *more;
    char                  text[5] = "";

    if (_i % 2 == 1 && valgrind_lacks("EACCES of shmat"))
        return;
    become_nobody();
    seg = created(_i % 2, "/narrow", 0600, 0);
    if (_i >= 2)
        ok(shmx_attach(seg, kind, &addr));
    ok(shmx_chmod(seg, 0));
    fails(shmx_open("/narrow", SHMX_RDONLY, &other), -EACCES);
    ck_assert_int_eq(shmx_write(seg, "mine", 5, 7), 5);
    ck_assert_int_eq(shmx_read(seg, text, 5, 7), 5);
    ck_assert_str_eq(text, "mine");
    if (addr != NULL && kind != SHMX_PRIVATE)
        ck_assert_str_eq((char *)addr + 7, "mine");
    ok(shmx_attach(seg, kind, &more));
    ck_assert_str_eq((char *)more + 7, "mine");
    if (addr != NULL)
        ok(shmx_detach(seg, addr));
    ok(shmx_detach(seg, more));
    ck_assert_int_eq(shmx_read(seg, text, 5, 7), 5);
    finish(seg);
}
END_TEST

static uint64_t
resident(const char *name)
{
    struct shmx_stat st;

    ok(shmx_stat_name(name, &st));
    return st.resident;
}

#define LARGE (64 << 20)

/* One huge page tells whether there are any. The others are made when they are touched, and they
   are huge as well. */
static void
touch_huge_pages(void *arg)
{
    const unsigned   flags = backend_flag[*(int *)arg] | SHMX_HUGE_ONLY | SHMX_SPARSE;
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    void            *addr;
    size_t           k;

    mount_dev_shm("size=1g,huge=advise");
    ok(shmx_create("/thp", LARGE, 0600, flags, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, SHMX_IS_HUGE);
    ck_assert_uint_gt(st.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
    ck_assert_uint_eq(resident("/thp"), st.page_size);
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_uint_eq(resident("/thp"), st.page_size);
    for (k = 0; k < LARGE / st.page_size; k++) {
        ((char *)addr)[k * st.page_size + 12345] = 1;
        ck_assert_uint_eq(resident("/thp"), (k + 1) * st.page_size);
    }
    finish(seg);
    ok(umount("/dev/shm"));
}

START_TEST(large_sparse_and_huge)
{
    const char *path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

    if (access(path, W_OK) < 0 || valgrind_lacks("MADV_HUGEPAGE"))
        return;
    with_sysctl(path, "advise", touch_huge_pages, &_i);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: rights");
    TCase *tc = add_case(suite, "rights");

    tcase_add_loop_test(tc, descriptor_zero, 0, BACKENDS);
    tcase_add_test(tc, descriptor_zero_is_opened);
    tcase_add_loop_test(tc, failed_chown_changes_nothing, 0, 4);
    tcase_add_loop_test(tc, changes_through_another_handle, 0, 2);
    tcase_add_loop_test(tc, mode_0_does_not_bind_a_handle, 0, 10);
    tcase_add_loop_test(tc, large_sparse_and_huge, 0, BACKENDS);
    return suite_main(suite);
}
