/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory of names in which something is not as it should be. */
#include "support.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SIZE 10000

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    ++*(int *)arg;
    return 0;
}

static struct shmx *
created(int i, const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, backend_flag[i] | flags, &seg));
    return seg;
}

START_TEST(an_entry_with_a_file_mounted_over_it_is_busy)
{
    struct shmx *seg = created(0, "/n", 0);

    ok(mount("/dev/null", "/dev/shm/n", "none", MS_BIND, NULL));
    fails(shmx_destroy(seg), -EBUSY); /* and shmx_remove finds a device there */
    ok(umount("/dev/shm/n"));
    ok(mount("/proc/self/status", "/dev/shm/n", "none", MS_BIND, NULL)); /* a regular file */
    fails(shmx_destroy(seg), -EBUSY);
    fails(shmx_remove("/n"), -EBUSY);
    ok(umount("/dev/shm/n"));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* Something of FUSE at an entry, as any user can mount it, answers lstat(2) with -EACCES even to
 * root.
 */
START_TEST(an_entry_that_cannot_be_examined_is_passed_over)
{
    struct shmx *seg = created(0, "/good", 0);
    char         options[100];
    int          visited = 0, fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fuse < 0)
        skip("there is no FUSE");
    ok(close(open("/dev/shm/bad", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    snprintf(options, sizeof options, "fd=%d,rootmode=100000,user_id=%d,group_id=%d", fuse, NOBODY,
             NOBODY);
    ok(mount("bad", "/dev/shm/bad", "fuse", MS_NOSUID | MS_NODEV, options));
    ok(shmx_list(0, count, &visited));
    ck_assert_int_eq(visited, 1);
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ok(umount("/dev/shm/bad"));
    close(fuse);
    ok(unlink("/dev/shm/bad"));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
never_called(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)st, (void)arg;
    ck_abort_msg("visited %s", name);
    return 0;
}

/* The file that is mounted is one that nobody has open. */
START_TEST(a_dry_run_promises_no_entry_with_a_mount)
{
    char file[] = "/tmp/shmx-file-XXXXXX";
    int  r[2], mounted;

    ok(close(mkstemp(file)));
    ok(close(open("/dev/shm/n", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    mounted = mount(file, "/dev/shm/n", "none", MS_BIND, NULL);
    unlink(file);
    ok(mounted);
    r[0] = shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, never_called, never_called, NULL);
    r[1] = shmx_collect(SHMX_ORPHANS, never_called, never_called, NULL);
    ok(r[0] + r[1]);
    ok(umount("/dev/shm/n"));
    ok(unlink("/dev/shm/n"));
}
END_TEST

/* The dead name belongs to a user and a group of which the user namespace maps only the user. Not
   even its root may remove such a name. */
START_TEST(a_dry_run_looks_at_the_group)
{
    char        text[100], c;
    struct stat ipc;
    int         ready[2], gate[2], visited = 0;
    pid_t       pid;

    need_users();
    ok(stat("/proc/self/ns/ipc", &ipc));
    snprintf(text, sizeof text, "sysv:key=0x12345 size=4096 ipc=%lu", (unsigned long)ipc.st_ino);
    ok(symlink(text, "/dev/shm/dead"));
    ok(lchown("/dev/shm/dead", 1000, 5555));
    ok(pipe(ready) + pipe(gate));
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWUSER));
        ck_assert_int_eq(write(ready[1], "", 1) + read(gate[0], &c, 1), 2);
        ok(setresuid(0, 0, 0));
        ok(shmx_collect(SHMX_DRY_RUN, never_called, never_called, NULL));
        ok(shmx_collect(0, never_called, never_called, NULL));
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    snprintf(text, sizeof text, "/proc/%d/uid_map", (int)pid);
    write_text(text, "0 2000 1\n1000 1000 1\n");
    ck_assert_int_eq(write(gate[1], "", 1), 1);
    join(pid);
    ok(close(ready[0]) + close(ready[1]) + close(gate[0]) + close(gate[1]));
    ok(shmx_collect(0, NULL, count, &visited));
    ck_assert_int_eq(visited, 1);
}
END_TEST

START_TEST(a_file_in_place_of_the_directory)
{
    struct shmx *seg = created(_i, NULL, 0), *none = NULL;

    ok(mount("tmpfs", "/dev", "tmpfs", 0, NULL));
    close(open("/dev/shm", O_CREAT | O_WRONLY | O_CLOEXEC, 0777));
    ck_assert_int_eq(shmx_create("/n", SIZE, 0600, backend_flag[_i], &none), -ENOENT);
    ck_assert_int_eq(shmx_open("/n", 0, &none), -ENOENT);
    ck_assert_int_eq(shmx_open_or_create("/n", 1, 0600, backend_flag[_i], NULL, NULL, &none),
                     -ENOENT);
    ck_assert_int_eq(shmx_publish(seg, "/n"), -ENOENT);
    ck_assert_int_eq(shmx_remove("/n"), -ENOENT);
    ck_assert_int_eq(shmx_list(SHMX_POSIX, never_called, NULL), 0);
    ck_assert_int_eq(shmx_collect(0, NULL, NULL, NULL), 0);
    ok(umount("/dev"));
    ck_assert_ptr_null(none);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* The answer is the same for much and for little, of which only one is looked for in advance. */
START_TEST(a_directory_of_others)
{
    static const size_t sizes[] = { SIZE, 1 << 20 };
    struct shmx        *none = NULL;
    size_t              k;
    pid_t               pid;

    need_users();
    ok(chmod("/dev/shm", 0700));
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        for (k = 0; k < COUNT_OF(sizes); k++)
            ck_assert_int_eq(shmx_create("/n", sizes[k], 0600, backend_flag[_i], &none), -EACCES);
        _exit(0);
    }
    join(pid);
    ok(chmod("/dev/shm", 01777));
}
END_TEST

static int
set_immutable(const char *path, bool on)
{
    int flags = 0, r = -1, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
        r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    close(fd);
    return r;
}

/* Since Linux 6.6, files of tmpfs can be immutable. Before that, there is nothing to test. */
START_TEST(an_immutable_object)
{
    struct shmx *seg = created(0, "/n", 0), *other = NULL;

    if (set_immutable("/dev/shm/n", true) == 0) {
        fails(shmx_destroy(seg), -EPERM);
        fails(shmx_remove("/n"), -EPERM);
        fails(shmx_chmod(seg, 0640), -EPERM);
        fails(shmx_resize(seg, SIZE + 1), -EPERM);
        fails(shmx_open("/n", 0, &other), -EPERM);
        fails(shmx_create("/n", SIZE, 0600, SHMX_POSIX, &other), -EEXIST);
        ok(shmx_open("/n", SHMX_RDONLY, &other));
        shmx_close(other);
        ok(set_immutable("/dev/shm/n", false));
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
init_nothing(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    return 0;
}

/* Tells what a directory that is not on a tmpfs returns for each way of making a segment. */
static void
create_in_each_way(int r[4])
{
    static const unsigned flags[] = { 0, SHMX_SPARSE, SHMX_EPHEMERAL };
    struct shmx          *seg = NULL;
    size_t                k;

    for (k = 0; k < COUNT_OF(flags); k++) {
        r[k] = shmx_create("/n", SIZE, 0600, SHMX_POSIX | flags[k], &seg);
        if (r[k] == 0) {
            shmx_destroy(seg);
            shmx_close(seg);
        }
    }
    r[k] = shmx_open_or_create("/n", SIZE, 0600, SHMX_POSIX, init_nothing, NULL, &seg);
    if (r[k] == 1) {
        shmx_destroy(seg);
        shmx_close(seg);
    }
}

START_TEST(a_directory_that_is_no_tmpfs)
{
    char          disk[] = "/tmp/shmx-disk-XXXXXX";
    struct statfs fs;
    int           r[4], k, mounted;

    ck_assert_ptr_nonnull(mkdtemp(disk));
    mounted = _i == 0 ? mount("ramfs", "/dev/shm", "ramfs", 0, NULL)
                      : mount(disk, "/dev/shm", "none", MS_BIND, NULL);
    if (mounted == 0) {
        ok(statfs("/dev/shm", &fs));
        create_in_each_way(r);
        umount("/dev/shm");
    }
    rmdir(disk);
    ok(mounted);
    for (k = 0; k < 4 && fs.f_type != TMPFS_MAGIC; k++)
        ck_assert_msg(r[k] == -ENOTSUP, "way %d: %d", k, r[k]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: directory");
    TCase *tc = add_case(suite, "directory");

    tcase_add_test(tc, an_entry_with_a_file_mounted_over_it_is_busy);
    tcase_add_test(tc, a_dry_run_promises_no_entry_with_a_mount);
    tcase_add_test(tc, a_dry_run_looks_at_the_group);
    tcase_add_test(tc, an_entry_that_cannot_be_examined_is_passed_over);
    tcase_add_loop_test(tc, a_file_in_place_of_the_directory, 0, BACKENDS);
    tcase_add_loop_test(tc, a_directory_of_others, 0, BACKENDS);
    tcase_add_test(tc, an_immutable_object);
    tcase_add_loop_test(tc, a_directory_that_is_no_tmpfs, 0, 2);
    return suite_main(suite);
}
