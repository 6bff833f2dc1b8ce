/* SPDX-License-Identifier: BSD-2-Clause */
/* Choosing what is collected while it is locked, and names of other IPC namespaces. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

/* What choose answers, and what it has seen. */
struct seen {
    const char *wanted; /* the name to choose; NULL for all */
    int         asked, told;
    unsigned    state;
    uint64_t    ino;
    int64_t     holders;
    bool        opened; /* a plain program could open the object meanwhile */
};

/* Returns whether another process can open and lock the object while choose looks at it. That
   process does not wait. */
static bool
can_be_opened(const char *name)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char         path[300];
    pid_t        pid = fork();
    int          fd, status;

    if (pid == 0) {
        snprintf(path, sizeof path, "/dev/shm%s", strchr(name, '/'));
        fd = open(path, O_RDWR | O_NONBLOCK);
        _exit(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status != 0;
}

static int
choose(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    seen->asked++;
    seen->state |= st->state;
    seen->ino = st->ino;
    seen->holders = st->holders;
    if (st->backend == SHMX_POSIX)
        seen->opened |= can_be_opened(name);
    return seen->wanted == NULL || strcmp(name, seen->wanted) == 0;
}

static int
tell(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    (void)st;
    seen->told++;
    ck_assert(seen->wanted == NULL || strcmp(name, seen->wanted) == 0);
    return 0;
}

static bool
exists(const char *name)
{
    struct shmx_stat st;

    return shmx_stat_name(name, &st) == 0;
}

static void
make(int backend, const char *name)
{
    struct shmx *seg;

    ok(shmx_create(name, SIZE, 0600, backend_flag[backend], &seg));
    shmx_close(seg);
}

/* Makes a name whose segment died because its last holder was killed. */
static void
make_dead(int backend, const char *name)
{
    struct shmx *seg;
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(shmx_create(name, SIZE, 0600, backend_flag[backend] | SHMX_EPHEMERAL, &seg));
        _exit(0);
    }
    join(pid);
}

START_TEST(what_is_not_chosen_is_left)
{
    char        wanted[32];
    struct seen seen = { .wanted = wanted };

    snprintf(wanted, sizeof wanted, "%s/one", backend_prefix[_i]);
    make(_i, "/one");
    make(_i, "/two");
    ok(shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, choose, tell, &seen));
    ck_assert(seen.asked == 2 && seen.told == 1 && exists("/one") && exists("/two"));
    ck_assert(seen.opened == (_i == 0)); /* a dry run shuts nobody out */
    seen.opened = false;
    ok(shmx_collect(SHMX_ORPHANS, choose, tell, &seen));
    ck_assert(seen.asked == 4 && seen.told == 2 && !exists("/one") && exists("/two"));
    ck_assert(!(seen.state & SHMX_IS_DEAD) && seen.holders == 0 && !seen.opened);
    ok(shmx_collect(0, choose, tell, &seen)); /* it would not be removed, but visit is told of it if
                                                 it is chosen */
    ck_assert(seen.asked == 5 && seen.told == 2);
    ok(shmx_remove("/two"));
}
END_TEST

START_TEST(dead_ones_are_chosen_too)
{
    struct seen seen = { .wanted = "" };

    make_dead(_i, "/dead");
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 1 && seen.told == 0 && (seen.state & SHMX_IS_DEAD) && !seen.opened);
    ck_assert_int_eq(faccessat(AT_FDCWD, "/dev/shm/dead", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    seen.wanted = NULL;
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 2 && seen.told == 1);
}
END_TEST

static unsigned long
namespace_number(const char *path)
{
    char text[64] = "";

    ck_assert_int_gt(readlink(path, text, sizeof text - 1), 0);
    return strtoul(strchr(text, '[') + 1, NULL, 10);
}

/* This is what a process leaves that is killed while it makes a segment. */
START_TEST(halves_are_chosen_too)
{
    char        path[128], target[128];
    struct seen seen = { .wanted = "" };
    pid_t       pid = check_fork();

    if (pid == 0)
        _exit(0);
    join(pid);
    snprintf(path, sizeof path, "/dev/shm/.shmx-%lu-%d-0-c", namespace_number("/proc/self/ns/pid"),
             (int)pid);
    snprintf(target, sizeof target, "sysv:key=0x1234 size=4096 ipc=%lu",
             namespace_number("/proc/self/ns/ipc"));
    ok(symlink(target, path));
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 1 && seen.told == 0 && (seen.state & SHMX_IS_DEAD));
    ck_assert_int_eq(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW), 0);
    seen.wanted = NULL;
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 2 && seen.told == 1);
}
END_TEST

/* This is what a process leaves that is killed while it initialises. Whoever waits for that process
   has the file open. */
START_TEST(locks_are_chosen_too)
{
    static const char path[] = "/dev/shm/.shmx-lock-0-0123456789abcdef";
    struct seen       seen = { .wanted = "" };
    const int         fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ok(shmx_collect(SHMX_ORPHANS, choose, tell, &seen)); /* it is open */
    ck_assert_int_eq(seen.asked, 0);
    ok(access(path, F_OK));
    ok(close(fd));
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 1 && seen.told == 0 && (seen.state & SHMX_IS_DEAD));
    ok(access(path, F_OK));
    seen.wanted = NULL;
    ok(shmx_collect(SHMX_DRY_RUN, choose, tell, &seen));
    ck_assert_int_eq(seen.told, 1);
    ok(access(path, F_OK));
    ok(shmx_collect(0, choose, tell, &seen));
    ck_assert(seen.asked == 3 && seen.told == 2);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(what_is_held_is_no_candidate)
{
    struct seen  seen = { 0 };
    struct shmx *seg;

    make(_i, "/held");
    ok(shmx_open("/held", 0, &seg));
    ok(shmx_collect(SHMX_ORPHANS, choose, tell, &seen));
    ck_assert_int_eq(seen.asked, 0);
    shmx_close(seg);
    ok(shmx_remove("/held"));
}
END_TEST

/* Makes a name that leads into an IPC namespace which is gone. Returns the number of that namespace
   as the kernel writes it. */
static uint64_t
make_foreign(const char *name, unsigned flags)
{
    int          fds[2];
    char         text[64] = "";
    uint64_t     number;
    struct shmx *seg;
    pid_t        pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        ok(shmx_create(name, SIZE, 0600, SHMX_SYSV | flags, &seg));
        ck_assert_int_gt(readlink("/proc/self/ns/ipc", text, sizeof text - 1), 0);
        number = strtoull(strchr(text, '[') + 1, NULL, 10);
        _exit(write(fds[1], &number, sizeof number) != sizeof number);
    }
    ck_assert_int_eq(read(fds[0], &number, sizeof number), sizeof number);
    join(pid);
    close(fds[0]);
    close(fds[1]);
    return number;
}

static int
list_foreign(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    ck_assert_str_eq(name, "sysv:/away");
    ck_assert(st->holders == -1 && st->size == SIZE && st->backend == SHMX_SYSV);
    seen->told++;
    seen->state = st->state;
    seen->ino = st->ino;
    return 0;
}

START_TEST(names_of_other_ipc_namespaces)
{
    const uint64_t   number = make_foreign("/away", _i == 0 ? 0 : SHMX_EPHEMERAL);
    struct seen      listed = { 0 }, seen = { 0 };
    struct shmx_stat st;

    ok(shmx_list(0, list_foreign, &listed));
    ck_assert(listed.told == 1 && (listed.state & SHMX_IS_FOREIGN) && listed.ino == number);
    ok(shmx_collect(SHMX_ORPHANS, choose, tell, &seen)); /* nobody here can tell */
    ck_assert_int_eq(seen.asked, 0);
    seen.wanted = "";
    ok(shmx_collect(SHMX_FOREIGN, choose, tell, &seen));
    ck_assert(seen.asked == 1 && seen.told == 0 && seen.ino == number);
    ck_assert(seen.state & SHMX_IS_FOREIGN);
    ck_assert_int_eq(shmx_stat_name("/away", &st), -EXDEV);
    seen.wanted = NULL;
    ok(shmx_collect(SHMX_FOREIGN | SHMX_DRY_RUN, choose, tell, &seen));
    ok(shmx_collect(SHMX_FOREIGN, choose, tell, &seen));
    ck_assert_int_eq(seen.told, 2);
    ck_assert_int_eq(shmx_stat_name("/away", &st), -ENOENT);
}
END_TEST

static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name;
    (void)st;
    ++*(int *)arg;
    return 0;
}

/* Root of a user namespace has every capability there, but none over this IPC namespace. */
START_TEST(a_dry_run_promises_nothing_that_is_refused)
{
    struct shmx *seg;
    int          would = 0, did = 0;
    pid_t        pid;

    ok(shmx_create("sysv:key=0x51a3", SIZE, 0666, 0, &seg));
    shmx_close(seg);
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        if (_i == 1)
            ok(unshare(CLONE_NEWUSER));
        ok(shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, NULL, count, &would));
        ok(shmx_collect(SHMX_ORPHANS, NULL, count, &did));
        ck_assert_int_eq(would, 0);
        ck_assert_int_eq(did, 0);
        _exit(0);
    }
    join(pid);
    ok(shmx_remove("sysv:key=0x51a3"));
}
END_TEST

/* The owner was given the segment, and the link belongs to somebody else. */
START_TEST(a_dry_run_looks_at_the_name_too)
{
    struct shmx *seg;
    int          would = 0, did = 0;
    pid_t        pid;

    ok(shmx_create("sysv:/given", SIZE, 0666, 0, &seg));
    ok(shmx_chown(seg, NOBODY, (gid_t)-1));
    shmx_close(seg);
    ok(lchown("/dev/shm/given", 0, 0)); /* done by hand: a link of the creator is as good */
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ok(shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, NULL, count, &would));
        ok(shmx_collect(SHMX_ORPHANS, NULL, count, &did));
        ck_assert_int_eq(would, did);
        _exit(0);
    }
    join(pid);
    ok(shmx_remove("/given"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("choosing what is collected");
    TCase *tc = add_case(suite, "choose");

    tcase_add_loop_test(tc, what_is_not_chosen_is_left, 0, BACKENDS);
    tcase_add_loop_test(tc, dead_ones_are_chosen_too, 0, BACKENDS);
    tcase_add_test(tc, halves_are_chosen_too);
    tcase_add_test(tc, locks_are_chosen_too);
    tcase_add_loop_test(tc, what_is_held_is_no_candidate, 0, BACKENDS);
    tc = add_case(suite, "names of other IPC namespaces");
    tcase_add_loop_test(tc, names_of_other_ipc_namespaces, 0, 2);
    tc = add_case(suite, "dry run");
    tcase_add_loop_test(tc, a_dry_run_promises_nothing_that_is_refused, 0, 2);
    tcase_add_test(tc, a_dry_run_looks_at_the_name_too);
    return suite_main(suite);
}
