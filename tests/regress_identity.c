/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: ids, pids, users, links and descriptors that are not what they seem to be. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

/* For a child of fork, where a failed assertion of Check would be lost. */
#define must(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))

static void
give_up(const char *condition, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, condition);
    _exit(1);
}

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

/* Returns the only segment that exists. */
static int
only_segment(struct shmid_ds *ds)
{
    struct shm_info info;
    int             k, id = -1;

    ck_assert_int_ge(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), 0);
    ck_assert_int_eq(info.used_ids, 1);
    for (k = 0; id < 0; k++)
        id = shmctl(k, SHM_STAT, ds);
    return id;
}

/* Makes a segment of a plain program with that id and key. */
static void
make_plain(int id, int key)
{
    char text[16], *p;

    snprintf(text, sizeof text, "%d", id);
    write_text("/proc/sys/kernel/shm_next_id", text);
    ck_assert_int_eq(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0666), id);
    p = shmat(id, NULL, 0);
    strcpy(p, "other");
    shmdt(p);
}

/* Returns whether nobody has touched it since. */
static bool
is_untouched(int id)
{
    struct shmid_ds ds;
    char           *p;
    bool            same;

    if (shmctl(id, IPC_STAT, &ds) < 0 || ds.shm_nattch > 0 || ds.shm_perm.mode != 0666)
        return false;
    p = shmat(id, NULL, SHM_RDONLY);
    same = strcmp(p, "other") == 0;
    shmdt(p);
    return same;
}

enum { DESTROY, ATTACH, CHMOD, CHOWN, PIN, PUBLISH, STAT, CALLS };

/* An additional attachment shows the segment of the handle, wherever the thread is. */
static void
attach_abroad(struct shmx *seg)
{
    void *addr;

    ok(shmx_attach(seg, 0, &addr));
    ck_assert_str_eq(addr, "here");
    ok(shmx_detach(seg, addr));
}

/* Makes a call that must find nothing to act on. */
static int
call(int number, struct shmx *seg)
{
    struct shmx_stat st;

    switch (number) {
    case DESTROY:
        return shmx_destroy(seg);
    case CHMOD:
        return shmx_chmod(seg, 0600);
    case CHOWN:
        return shmx_chown(seg, 1, 1);
    case PIN:
        return shmx_pin(seg);
    case PUBLISH:
        return shmx_publish(seg, "/y");
    default:
        return shmx_stat(seg, &st);
    }
}

/* Leaves for another IPC namespace, where a segment of a stranger has the same id, size and user.
   It also has the same key if that was given, because a random key of the library does not come
   again. */
static void
leave_ipc_namespace(const struct shmx_stat *st, int here, bool given, bool by_setns)
{
    int there;

    ok(unshare(CLONE_NEWIPC));
    make_plain(st->id, given ? st->key : IPC_PRIVATE);
    if (!by_setns)
        return;
    there = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    ok(setns(here, CLONE_NEWIPC));
    ok(setns(there, CLONE_NEWIPC));
    close(there);
}

static void
use_abroad(int number, int kind, bool by_setns)
{
    static const char *const names[] = { NULL, "sysv:key=0x5a0051a3", "/x", "/x" };
    struct shmx             *seg = created(1, names[kind], 0666, kind == 3 ? SHMX_EPHEMERAL : 0);
    struct shmx             *attached;
    struct shmx_stat         st;
    void                    *addr;
    int                      here = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);

    ok(shmx_open(shmx_name(seg), 0, &attached));
    ok(shmx_attach(attached, 0, &addr));
    ok(shmx_stat(seg, &st));
    leave_ipc_namespace(&st, here, kind == 1, by_setns);
    if (number == ATTACH && !valgrind_lacks("an mremap that maps once more")) {
        attach_abroad(seg);
        attach_abroad(attached);
    } else if (number != ATTACH) { /* a segment with a name cannot be published anyway */
        fails(call(number, seg), number == PUBLISH && kind > 1 ? -EINVAL : -ENOENT);
        fails(call(number, attached), number == PUBLISH && kind > 1 ? -EINVAL : -ENOENT);
    }
    assert_here(seg);
    assert_here(attached);
    ck_assert_str_eq(addr, "here");
    ck_assert_int_eq(shmx_write(seg, "Here", 5, 0), 5);
    ck_assert_str_eq(addr, "Here");
    ok(shmx_detach(attached, addr));
    shmx_close(attached);
    ck_assert(is_untouched(st.id));
    ok(setns(here, CLONE_NEWIPC));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    close(here);
}

START_TEST(handle_in_another_ipc_namespace)
{
    pid_t pid = check_fork();

    if (pid == 0) {
        use_abroad(_i % CALLS, _i / CALLS % 4, _i / CALLS / 4);
        _exit(0);
    }
    join(pid);
}
END_TEST

/* Forks a child into a user namespace with that map of users. */
static pid_t
fork_into_user_namespace(const char *map)
{
    int   ready[2], gate[2];
    pid_t pid;
    char  path[32], c;

    ok(pipe2(ready, O_CLOEXEC));
    ok(pipe2(gate, O_CLOEXEC));
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWUSER));
        ck_assert_int_eq(write(ready[1], "", 1) + read(gate[0], &c, 1), 2);
    } else {
        ck_assert_int_eq(read(ready[0], &c, 1), 1);
        snprintf(path, sizeof path, "/proc/%d/uid_map", (int)pid);
        if (*map != '\0')
            write_text(path, map);
        ck_assert_int_eq(write(gate[1], "", 1), 1);
    }
    close(ready[0]), close(ready[1]), close(gate[0]), close(gate[1]);
    return pid;
}

/* "/x" is a link of user 1001 to a segment that belongs to user 1002 by now. "/file" belongs to
   user 1001. */
static void
make_strangers(void)
{
    struct shmid_ds ds;

    need_users();
    ok(seteuid(1001));
    shmx_close(created(0, "/file", 0666, 0));
    shmx_close(created(1, "/x", 0666, 0));
    ok(seteuid(0));
    ok(shmctl(only_segment(&ds), IPC_RMID, NULL));
    ok(seteuid(1002));
    ck_assert_int_ge(shmget(ds.shm_perm.__key, SIZE, IPC_CREAT | 0666), 0);
    ok(seteuid(0));
}

/* No user has a number. Only the reader has one. Many users have one, including the number that
   stands for users who are not mapped. */
static const char *const maps[] = { "", "0 1003 1", "0 100000 65536" };

START_TEST(strangers_look_alike_in_a_user_namespace)
{
    struct shmx    *seg = NULL;
    struct shmid_ds ds;
    pid_t           pid;

    make_strangers();
    fails(shmx_open("/x", 0, &seg), -ENOENT);
    pid = fork_into_user_namespace(maps[_i]);
    if (pid == 0) {
        if (_i == 2)
            ok(setresuid(NOBODY, NOBODY, NOBODY));
        fails(shmx_open("/file", SHMX_OWNED, &seg), -EPERM);
        fails(shmx_open("/x", 0, &seg), -ENOENT);
        fails(shmx_open("/x", SHMX_OWNED, &seg), -ENOENT);
        _exit(0);
    }
    join(pid);
    ok(shmctl(only_segment(&ds), IPC_RMID, NULL));
    ok(unlink("/dev/shm/x"));
    ok(unlink("/dev/shm/file"));
}
END_TEST

static int64_t
holders(struct shmx *seg)
{
    struct shmx_stat st;

    must(shmx_stat(seg, &st) == 0);
    return st.holders;
}

static void
be_second(struct shmx *inherited, int64_t before)
{
    struct shmx *other;

    must(getpid() == 1);
    must(shmx_open("/x", 0, &other) == 0);
    shmx_close(inherited);
    must(holders(other) == before + 1);
    shmx_close(other);
    _exit(0);
}

static void
be_first(int backend, bool by_clone)
{
    const uint64_t clone_args[8] = { CLONE_NEWPID, 0, 0, 0, SIGCHLD };
    struct shmx   *seg;
    int64_t        before;
    int            status;
    pid_t          pid;

    must(getpid() == 1);
    must(shmx_create("/x", SIZE, 0600, backend_flag[backend], &seg) == 0);
    before = holders(seg);
    must(by_clone || unshare(CLONE_NEWPID) == 0);
    pid = by_clone ? (pid_t)syscall(SYS_clone3, clone_args, sizeof clone_args) : fork();
    must(pid >= 0);
    if (pid == 0)
        be_second(seg, before);
    must(waitpid(pid, &status, 0) == pid && status == 0);
    must(holders(seg) == before);
    must(shmx_destroy(seg) == 0);
    shmx_close(seg);
}

START_TEST(process_1_of_a_process_1)
{
    pid_t pid;

    if (_i & 2 && valgrind_lacks("clone3"))
        return;
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWPID));
        pid = fork();
        if (pid == 0) {
            be_first(_i & 1, _i & 2);
            _exit(0);
        }
        join(pid);
        _exit(0);
    }
    join(pid);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: identity");
    TCase *tc = add_case(suite, "namespaces");

    tcase_add_loop_test(tc, handle_in_another_ipc_namespace, 0, CALLS * 4 * 2);
    tcase_add_loop_test(tc, strangers_look_alike_in_a_user_namespace, 0, 3);
    tcase_add_loop_test(tc, process_1_of_a_process_1, 0, 4);
    return suite_main(suite);
}
