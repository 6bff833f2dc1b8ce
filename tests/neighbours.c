/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers in other namespaces, hard links of other users, and a shortage of memory. */
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    char text[5] = "";

    ck_assert_int_eq(shmx_read(seg, text, 5, 0), 5);
    ck_assert_str_eq(text, "here");
}

static int64_t
holders(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st.holders;
}

/* Forks a child that is process 1 of a pid namespace of its own. */
static pid_t
fork_into_pid_namespace(void)
{
    pid_t pid = check_fork(), inner;
    int   status;

    if (pid != 0)
        return pid;
    ok(unshare(CLONE_NEWPID));
    inner = fork();
    if (inner == 0)
        return 0;
    waitpid(inner, &status, 0);
    _exit(status != 0);
}

/* In a child of fork, a failed assertion of Check would be lost. So the child ends by a signal. */
#define must(condition) ((condition) ? (void)0 : abort())

START_TEST(pid_namespace)
{
    struct shmx *seg = created(_i, "/x", 0600, SHMX_EPHEMERAL), *other;
    int          in[2], out[2], k;
    pid_t        pids[2];
    char         c;

    ok(pipe(in));
    ok(pipe(out));
    for (k = 0; k < 2; k++) {
        pids[k] = fork_into_pid_namespace();
        if (pids[k] == 0) {
            must(getpid() == 1);
            must(shmx_open("/x", SHMX_OWNED, &other) == 0);
            must(shmx_read(other, &c, 1, 0) == 1 && c == 'h');
            must(shmx_collect(0, NULL, NULL, NULL) == 0); /* this takes nobody for dead */
            must(write(out[1], "", 1) == 1 && read(in[0], &c, 1) == 1);
            _exit(0);
        }
    }
    ck_assert_int_eq(read(out[0], &c, 1) + read(out[0], &c, 1), 2);
    assert_here(seg);
    /* Two processes with pid 1 are two holders. System V also counts the attachments that they have
       inherited, and those of the processes that wait for them. */
    ck_assert_int_eq(holders(seg), _i == 0 ? 3 : 7);
    ck_assert_int_eq(write(in[1], "..", 2), 2);
    join(pids[0]);
    join(pids[1]);
    ck_assert_int_eq(holders(seg), 1);
    shmx_close(seg);
    close(in[0]), close(in[1]), close(out[0]), close(out[1]);
}
END_TEST

START_TEST(mount_namespace)
{
    struct shmx *seg = created(_i, "/x", 0600, 0), *other = NULL, *anonymous;
    pid_t        pid;

    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &anonymous));
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWNS));
        mount_dev_shm("size=1m,mode=1777");
        fails(shmx_open("/x", 0, &other), -ENOENT);
        fails(shmx_stat_name("/x", &(struct shmx_stat){ 0 }), -ENOENT);
        fails(shmx_remove("/x"), -ENOENT);
        if (_i == 0) { /* the handle keeps the segment, which has no name here */
            ok(shmx_open_fd(shmx_fd(seg), 0, &other));
            ck_assert_ptr_null(shmx_name(other));
            fails(shmx_publish(other, "/y"), -EINVAL); /* it has a name in the other directory */
            fails(shmx_publish(anonymous, "/y"), -EXDEV);
            fails(shmx_destroy(seg), -ENOENT);
            fails(shmx_destroy(other), -ENOENT);
        } else {
            ok(shmx_create("/y", SIZE, 0600, SHMX_SYSV, &other));
            ok(shmx_destroy(other));
        }
        assert_here(seg);
        shmx_close(other);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(anonymous));
    shmx_close(anonymous);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* Root makes the child nobody, whom its user namespace does not map. */
START_TEST(user_namespace_without_users)
{
    const int refused = _i == 0 ? -EPERM : -ENOENT; /* the link belongs to nobody, so it leads
                                                       nowhere */
    struct shmx *roots = created(_i, "/root", 0666, 0), *theirs, *seg = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        ok(shmx_create("/nobody", SIZE, 0600, backend_flag[_i], &theirs));
        ok(unshare(CLONE_NEWUSER)); /* without a map all users look the same */
        fails(shmx_open("/root", SHMX_OWNED, &seg), refused);
        fails(shmx_open("/nobody", SHMX_OWNED, &seg), refused);
        if (_i == 0) {
            ok(shmx_open("/root", 0, &seg));
            assert_here(seg);
            shmx_close(seg);
            ok(shmx_open("/nobody", 0, &seg));
            shmx_close(seg);
        } else {
            fails(shmx_open("/root", 0, &seg), -ENOENT);
            fails(shmx_open("/nobody", 0, &seg), -ENOENT);
        }
        ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
        fails(shmx_chown(theirs, 0, 0), -EINVAL); /* these users have no number here */
        fails(shmx_chown(roots, 0, 0), _i == 0 ? -EINVAL : -EPERM);
        ok(shmx_destroy(theirs));
        shmx_close(theirs);
        _exit(0);
    }
    join(pid);
    ok(shmx_open("/root", 0, &seg)); /* the others have left it alone */
    assert_here(seg);
    shmx_close(seg);
    ok(shmx_destroy(roots));
    shmx_close(roots);
}
END_TEST

static void
link_another_name(void *arg)
{
    const int    backend = *(int *)arg;
    struct shmx *seg = created(backend, "/mine", 0600, 0), *other = NULL;
    bool         linked;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        _exit(link("/dev/shm/mine", "/dev/shm/false") != 0);
    }
    linked = waitpid(pid, &pid, 0) > 0 && pid == 0;
    if (linked) {
        /* It is the very same segment, complete. The link belongs to its owner, who alone can
           remove it. But with SHMX_OWNED, a caller does not accept what somebody has given another
           name. */
        ok(shmx_open("/false", 0, &other));
        assert_here(other);
        shmx_close(other);
        fails(shmx_open("/false", SHMX_OWNED, &other), -EPERM);
        fails(shmx_open("/mine", SHMX_OWNED, &other), -EPERM);
        ok(shmx_remove("/false"));
    }
    ck_assert_int_eq(shmx_open("/mine", SHMX_OWNED, &other), backend == 1 && linked ? -ENOENT : 0);
    if (!(backend == 1 && linked)) {
        shmx_close(other);
        ok(shmx_destroy(seg));
    } else {
        ok(shmx_remove("/mine")); /* the name leads to nothing any more */
    }
    shmx_close(seg);
}

/* With the setting that all distributions have, others cannot make the hard link. Without the
   setting, they can. */
START_TEST(hard_links_of_others)
{
    with_sysctl("/proc/sys/fs/protected_hardlinks", "1", link_another_name, &_i);
    with_sysctl("/proc/sys/fs/protected_hardlinks", "0", link_another_name, &_i);
}
END_TEST

START_TEST(hard_link_of_ones_own)
{
    struct shmx *seg = NULL;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        ok(shmx_create("/theirs", SIZE, 0666, backend_flag[_i], &seg));
        ok(link("/dev/shm/theirs", "/dev/shm/trap"));
        _exit(0);
    }
    join(pid);
    fails(shmx_open("/trap", SHMX_OWNED, &seg), -EPERM);
    ok(shmx_remove("/trap"));
    if (_i == 0)
        ok(shmx_remove("/theirs"));
    else
        fails(shmx_open("/theirs", 0, &seg), -ENOENT);
    ok(shmx_collect(0, NULL, NULL, NULL));
}
END_TEST

static size_t
address_space(void)
{
    unsigned long pages = 0;
    FILE         *f = fopen("/proc/self/statm", "re");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(no_address_space)
{
    const size_t  large = 64 << 20;
    struct shmx  *seg = NULL, *other = NULL;
    struct rlimit limit;
    void         *addr = NULL;
    pid_t         pid;

    if (valgrind_lacks("limits of the address space"))
        return;
    ok(shmx_create("/large", large, 0600, backend_flag[_i] | SHMX_SPARSE, &seg));
    pid = check_fork();
    if (pid == 0) {
        limit.rlim_cur = limit.rlim_max = address_space() + (8 << 20);
        ok(setrlimit(RLIMIT_AS, &limit));
        fails(shmx_attach(seg, 0, &addr), -ENOMEM);
        fails(shmx_attach(seg, SHMX_RDONLY, &addr), -ENOMEM);
        fails(shmx_attach(seg, SHMX_PRIVATE, &addr), -ENOMEM);
        if (_i == 0) {
            fails(shmx_pin(seg), -ENOMEM);
            ok(shmx_create("/huge", large, 0600, SHMX_POSIX | SHMX_HUGE,
                           &other)); /* in small pages */
            ok(shmx_destroy(other));
            shmx_close(other);
            other = NULL;
        } else { /* opening takes addresses, too */
            fails(shmx_open("/large", 0, &other), -ENOMEM);
            fails(shmx_create("/other", large, 0600, SHMX_SYSV, &other), -ENOMEM);
            fails(shmx_create(NULL, large, 0600, SHMX_SYSV | SHMX_EPHEMERAL, &other), -ENOMEM);
            fails(shmx_create("/huge", large, 0600, SHMX_SYSV | SHMX_HUGE, &other), -ENOMEM);
        }
        ck_assert_ptr_null(addr);
        ck_assert_ptr_null(other);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

#define GROUPS "/sys/fs/cgroup/memory"

/* If a process asks for more memory than its control group has, the kernel kills the process or
   returns ENOMEM. There is no SIGBUS, and nothing is left of what was being made. */
START_TEST(little_memory_in_the_group)
{
    char         group[64], path[96], text[32];
    struct shmx *seg = NULL;
    int          status, r;
    pid_t        pid;

    snprintf(group, sizeof group, GROUPS "/shmx-%d", (int)getpid());
    if (access(GROUPS "/memory.limit_in_bytes", W_OK) < 0 || mkdir(group, 0755) < 0) {
        fprintf(stderr, "skipped, no memory control groups of version 1 here\n");
        return;
    }
    snprintf(path, sizeof path, "%s/memory.limit_in_bytes", group);
    write_text(path, "16777216");
    pid = check_fork();
    if (pid == 0) {
        snprintf(path, sizeof path, "%s/cgroup.procs", group);
        snprintf(text, sizeof text, "%d", (int)getpid());
        write_text(path, text);
        r = shmx_create("/x", 64 << 20, 0600, backend_flag[_i] | (_i == 1 ? SHMX_HUGE : 0), &seg);
        if (r == 0 && _i == 1) { /* it counts when it is touched */
            shmx_destroy(seg);
            _exit(0);
        }
        _exit(r == -ENOMEM || r == -ENOSPC ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL), "%#x",
                  (unsigned)status);
    ok(shmx_collect(0, NULL, NULL, NULL));
    ok(rmdir(group));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("neighbours");
    TCase *tc = add_case(suite, "namespaces");

    tcase_add_loop_test(tc, pid_namespace, 0, BACKENDS);
    tcase_add_loop_test(tc, mount_namespace, 0, BACKENDS);
    tcase_add_loop_test(tc, user_namespace_without_users, 0, BACKENDS);
    tc = add_case(suite, "hard links");
    tcase_add_loop_test(tc, hard_links_of_others, 0, BACKENDS);
    tcase_add_loop_test(tc, hard_link_of_ones_own, 0, BACKENDS);
    tc = add_case(suite, "memory");
    tcase_add_loop_test(tc, no_address_space, 0, BACKENDS);
    tcase_add_loop_test(tc, little_memory_in_the_group, 0, BACKENDS);
    return suite_main(suite);
}
