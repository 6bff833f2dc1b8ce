/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that can neither shrink nor grow, made and received. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#define SIZE 10000
#define MIB  ((size_t)1 << 20)

static struct shmx *
sealed(size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(NULL, size, mode, SHMX_SEALED | flags, &seg));
    return seg;
}

START_TEST(neither_shrinks_nor_grows)
{
    struct shmx     *seg = sealed(SIZE, 0640, _i ? SHMX_SPARSE : 0);
    struct shmx_stat st;
    const int        fd = shmx_fd(seg);
    void            *addr;

    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.size, SIZE);
    ck_assert_uint_eq(st.mode, 0640);
    ck_assert_uint_eq(st.state & SHMX_IS_NAMELESS, SHMX_IS_NAMELESS);
    ck_assert_int_eq(st.holders, 1);
    ck_assert_uint_eq(st.resident >= SIZE, !_i);
    fails(shmx_resize(seg, SIZE - 1), -EPERM);
    fails(shmx_resize(seg, SIZE + 1), -EPERM);
    fails(shmx_resize(seg, 0), -EPERM);
    ok(shmx_resize(seg, SIZE));
    ck_assert_int_eq(ftruncate(fd, 0), -1);
    ck_assert_int_eq(shmx_write(seg, "end", 3, SIZE - 3), 3);
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_mem_eq((char *)addr + SIZE - 3, "end", 3);
    fails(shmx_publish(seg, "/sealed"), -EXDEV);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(what_cannot_be_sealed)
{
    struct shmx *seg = NULL;

    fails(shmx_create("/s", SIZE, 0600, SHMX_SEALED, &seg), -EINVAL);
    fails(shmx_create("posix:/s", SIZE, 0600, SHMX_SEALED, &seg), -EINVAL);
    fails(shmx_create("sysv:key=5", SIZE, 0600, SHMX_SEALED, &seg), -EINVAL);
    fails(shmx_create(NULL, SIZE, 0600, SHMX_SEALED | SHMX_SYSV, &seg), -EINVAL);
    fails(shmx_open_or_create("/s", SIZE, 0600, SHMX_SEALED, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open("/s", SHMX_SEALED, &seg), -EINVAL);
}
END_TEST

/* The segment is larger than all of /dev/shm. */
START_TEST(not_in_the_directory)
{
    struct shmx *seg;

    mount_dev_shm("size=1m,mode=1777");
    seg = sealed(8 * MIB, 0600, 0);
    ck_assert_int_eq(shmx_write(seg, "x", 1, 8 * MIB - 1), 1);
    shmx_close(seg);
    ok(umount2("/dev/shm", 0));
}
END_TEST

START_TEST(what_is_accepted)
{
    struct shmx *seg = sealed(SIZE, 0600, 0), *got = NULL;
    int          plain = memfd_create("plain", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    int          grows = memfd_create("grows", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    int          file = open("/dev/shm/f", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    int          path = open("/dev/shm/f", O_PATH | O_CLOEXEC);

    ok(ftruncate(plain, SIZE));
    ok(ftruncate(grows, SIZE));
    ok(ftruncate(file, SIZE));
    ok(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
    ok(fcntl(grows, F_ADD_SEALS, F_SEAL_SHRINK));
    ok(shmx_open_fd(shmx_fd(seg), SHMX_SEALED, &got));
    shmx_close(got);
    ok(shmx_open_fd(shmx_fd(seg), SHMX_SEALED | SHMX_RDONLY | SHMX_OWNED, &got));
    shmx_close(got);
    ok(shmx_open_fd(grows, SHMX_SEALED, &got));
    shmx_close(got);
    fails(shmx_open_fd(plain, SHMX_SEALED, &got), -EPERM);
    fails(shmx_open_fd(file, SHMX_SEALED, &got), -EPERM);
    fails(shmx_open_fd(path, SHMX_SEALED, &got), -EBADF);
    fails(shmx_open_fd(-1, SHMX_SEALED, &got), -EBADF);
    shmx_close(seg);
    close(plain);
    close(grows);
    close(path);
    close(file);
    ok(unlink("/dev/shm/f"));
}
END_TEST

/* What its maker does so that nobody else writes, not even with a descriptor of the maker. */
START_TEST(no_more_writing)
{
    struct shmx *seg = sealed(SIZE, 0600, 0), *other = NULL;
    void        *addr, *second = NULL;

    ok(shmx_attach(seg, 0, &addr));
    ok(fcntl(shmx_fd(seg), F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    strcpy(addr, "by its maker");
    fails(shmx_write(seg, "x", 1, 0), -EPERM);
    fails(shmx_attach(seg, 0, &second), -EPERM);
    ok(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY | SHMX_SEALED, &other));
    ok(shmx_attach(other, 0, &second));
    ck_assert_str_eq(second, "by its maker");
    ck_assert_int_eq(mprotect(second, SIZE, PROT_READ | PROT_WRITE), -1);
    ck_assert_int_eq(fallocate(shmx_fd(seg), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
                     -1);
    shmx_close(other);
    shmx_close(seg);
}
END_TEST

#define NOEXEC "/proc/sys/vm/memfd_noexec"

/* The setting belongs to the pid namespace of the child, and goes with it. */
static void
make_where_execution_is_forbidden(const char *setting)
{
    static const mode_t modes[] = { 0600, 0666, 0700, 0777 };
    struct shmx        *seg = NULL;
    struct shmx_stat    st;
    int                 k;

    write_text(NOEXEC, setting);
    for (k = 0; k < 4; k++) {
        if (k >= 2 && setting[0] == '2') {
            fails(shmx_create(NULL, SIZE, modes[k], SHMX_SEALED, &seg), -EACCES);
            continue;
        }
        seg = sealed(SIZE, modes[k], 0);
        ok(shmx_stat(seg, &st));
        ck_assert_uint_eq(st.mode, modes[k]);
        ok(shmx_chmod(seg, k < 2 ? 0640 : 0750));
        if (k < 2)
            fails(shmx_chmod(seg, 0700), -EPERM);
        shmx_close(seg);
    }
}

START_TEST(execution_is_forbidden)
{
    static const char *const settings[] = { "0", "1", "2" };
    pid_t                    pid = check_fork();

    if (pid == 0) {
        if (access(NOEXEC, W_OK) < 0)
            skip("nobody here can set vm.memfd_noexec");
        ok(unshare(CLONE_NEWPID));
        pid = fork();
        if (pid == 0) {
            make_where_execution_is_forbidden(settings[_i]);
            _exit(0);
        }
        join(pid);
        _exit(0);
    }
    join(pid);
}
END_TEST

/* The pages are those of the pool if it has any for such a size. Otherwise they are ordinary ones,
   and the segment says so. */
static void
make_huge(void *arg)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;

    ok(shmx_create(NULL, 4 * MIB, 0600, SHMX_SEALED | SHMX_HUGE_ONLY, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state & SHMX_IS_HUGE, SHMX_IS_HUGE);
    ck_assert_uint_eq(st.page_size, 2 * MIB);
    ck_assert_uint_eq(st.size, 4 * MIB);
    ck_assert_int_eq(shmx_resize(seg, 2 * MIB), -EPERM);
    ok(shmx_attach(seg, 0, arg));
    memset(*(void **)arg, 'h', 4 * MIB);
    shmx_close(seg);
    seg = sealed(4 * MIB + 1, 0600, SHMX_HUGE);
    ck_assert_int_eq(shmx_size(seg), 4 * (int64_t)MIB + 1);
    shmx_close(seg);
    seg = sealed(64 * MIB, 0600, SHMX_HUGE); /* this is more than the pool has */
    ok(shmx_attach(seg, 0, arg));
    shmx_close(seg);
    seg = sealed(64 * MIB, 0600, SHMX_HUGE | SHMX_SPARSE);
    ok(shmx_attach(seg, 0, arg));
    shmx_close(seg);
}

START_TEST(huge)
{
    struct shmx *seg = sealed(4 * MIB, 0600, SHMX_HUGE);
    void        *addr;

    ck_assert_int_eq(shmx_size(seg), 4 * (int64_t)MIB);
    shmx_close(seg);
    with_sysctl("/proc/sys/vm/nr_hugepages", "8", make_huge, &addr);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sealed");
    TCase *tc = add_case(suite, "sealed");

    tcase_add_loop_test(tc, neither_shrinks_nor_grows, 0, 2);
    tcase_add_test(tc, what_cannot_be_sealed);
    tcase_add_test(tc, not_in_the_directory);
    tcase_add_test(tc, what_is_accepted);
    tcase_add_test(tc, no_more_writing);
    tcase_add_loop_test(tc, execution_is_forbidden, 0, 3);
    tcase_add_test(tc, huge);
    return suite_main(suite);
}
