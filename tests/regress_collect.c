/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: what collecting must not remove, and what nothing may leave behind for good. */
#include "support.h"
#include "trouble.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SIZE 10000
#define HOUR 3600

/* Gives the segment a name. It has none, and it is the only segment. */
static int
publish_late(int id)
{
    char         label[32];
    struct shmx *seg;
    int          r;

    snprintf(label, sizeof label, "sysv:id=%d", id);
    r = shmx_open(label, 0, &seg);
    traced_begin();
    return r < 0 ? r : shmx_publish(seg, "/late");
}

/* Wherever the publisher is killed, the segment exists before that and after it. */
START_TEST(killed_publisher_does_not_take_the_segment_along)
{
    static const char *const names[] = { NULL, "sysv:key=0x5a0051a3" };
    struct shmx_stat         st;
    struct shmx             *seg;
    bool                     going = true;
    int                      n, result;
    char                     label[32];
    pid_t                    pid;

    if (valgrind_lacks("ptrace"))
        return;
    for (n = 0; going; n++) {
        ok(shmx_create(names[_i], SIZE, 0600, SHMX_SYSV, &seg));
        ck_assert_int_eq(shmx_write(seg, "data", 5, 0), 5);
        ok(shmx_stat(seg, &st));
        snprintf(label, sizeof label, "%s", shmx_name(seg));
        shmx_close(seg);
        pid = traced_start(false, publish_late, st.id);
        going = traced_stop_at(pid, n, &result);
        traced_kill(pid);
        collect_all(1);
        assert_leads_to(label, "data");
        ok(shmx_remove(has_entry("late") ? "/late" : label));
    }
    ok(result);
}
END_TEST

START_TEST(plain_object_with_the_mark_is_left_while_in_use)
{
    struct shmx *seg = NULL;
    struct peer  peer;
    struct stat  before, after;
    int          fd = shm_open("/plain", O_CREAT | O_EXCL | O_RDWR, 0644);

    ok(ftruncate(fd, 4096));
    ok(fchmod(fd, 01777)); /* as "chmod -R 1777 /dev/shm" does it */
    ok(fstat(fd, &before));
    if (_i == 0) { /* mapped by another process, otherwise open here */
        peer = peer_start((const char *[]){ "peer", "plain-hold", "/plain", NULL });
        peer_await(&peer, "mapped");
        close(fd);
    }
    ok(shmx_collect(0, NULL, NULL, NULL));
    ck_assert(has_entry("plain"));
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    fails(shmx_create("/plain", SIZE, 0600, SHMX_POSIX, &seg), -EEXIST);
    fails(shmx_create("/plain", SIZE, 0600, SHMX_SYSV, &seg), -EEXIST);
    if (shmx_open("/plain", 0, &seg) == 0)
        shmx_close(seg);
    ok(lstat("/dev/shm/plain", &after));
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    if (_i == 0)
        ok(peer_finish(&peer));
    else
        close(fd);
    ok(shm_unlink("/plain"));
}
END_TEST

static int
create_x(int variant)
{
    const unsigned flags = backend_flag[variant & 1] | (variant & 2 ? SHMX_EPHEMERAL : 0);
    struct shmx   *seg;

    traced_begin();
    return shmx_create("/x", SIZE, 0600, flags, &seg);
}

/* Leaves what a process leaves that is killed when its segment exists, but not its name. */
static void
leave_unfinished(void)
{
    const int before = count_segments();
    pid_t     pid;
    int       result;

    if (valgrind_lacks("ptrace"))
        return;
    pid = traced_start(false, create_x, 1);
    while (count_segments() == before || hidden_entry() == NULL)
        ck_assert(traced_next(pid, &result));
    traced_kill(pid);
}

static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    ++*(int *)arg;
    return 0;
}

/* Returns how many segments a dry run shows. A real run must remove exactly as many. */
static int
shown(unsigned flags)
{
    int would = 0, did = 0;

    ok(shmx_collect(flags | SHMX_DRY_RUN, NULL, count, &would));
    ok(shmx_collect(flags, NULL, count, &did));
    ck_assert_int_eq(would, did);
    return did;
}

START_TEST(dry_run_shows_what_the_caller_may_remove)
{
    const char *const argv[] = { "peer", "create", "/dead", "10000", "666", _i == 0 ? "5" : "6",
                                 NULL };
    struct peer       peer = peer_start(argv);
    struct shmx      *seg;
    pid_t             pid;
    int               k;

    peer_await(&peer, _i == 0 ? "posix:/dead" : "sysv:/dead");
    kill(peer.pid, SIGKILL);
    peer_finish(&peer);
    for (k = 0; k < 1000 && count_segments() > 0; k++)
        usleep(1000);
    make_segment("/orphan", backend_flag[_i], "root's");
    leave_unfinished();
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ck_assert_int_eq(shown(0), 0);
        ck_assert_int_eq(shown(SHMX_ORPHANS), 0);
        make_segment("/mine", backend_flag[_i], "nobody's");
        ck_assert_int_eq(shown(SHMX_ORPHANS), 1);
        ck_assert_int_eq(shmx_open("/mine", 0, &seg), -ENOENT);
        _exit(0);
    }
    join(pid);
    assert_leads_to("/orphan", "root's");
    ck_assert_int_ge(shown(SHMX_ORPHANS), 2);
}
END_TEST

/* Wherever the creator is suspended, and whatever the clock says by then, it gets what it asked
   for. */
START_TEST(suspended_creator_is_let_alone)
{
    struct shmx *seg;
    bool         going = true;
    int          n, result;
    pid_t        pid;

    if (valgrind_lacks("ptrace"))
        return;
    for (n = 0; going; n++) {
        pid = traced_start(_i & 4, create_x, _i);
        going = traced_stop_at(pid, n, &result);
        collect_at_odd_times(0);
        collect_at_odd_times(SHMX_ORPHANS);
        while (going && traced_next(pid, &result)) {
        }
        ck_assert_msg(result == 0, "%d: %s", n, shmx_strerror(result));
        ok(shmx_open("/x", 0, &seg));
        ck_assert_int_eq(shmx_size(seg), SIZE);
        traced_let_go(pid);
        if (!(_i & 2))
            ok(shmx_destroy(seg));
        shmx_close(seg);
        ck_assert(!has_entry("x"));
        collect_all(0);
    }
}
END_TEST

/* The time of the link does not matter: here the link is an hour in the future. */
START_TEST(killed_creator_leaves_nothing_at_any_time)
{
    const struct timespec late[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = time(NULL) + HOUR } };
    bool                  going = true;
    int                   n, result;
    pid_t                 pid;

    if (valgrind_lacks("ptrace"))
        return;
    for (n = 0; going; n++) {
        pid = traced_start(false, create_x, 1 | (_i ? 2 : 0));
        going = traced_stop_at(pid, n, &result);
        traced_kill(pid);
        if (hidden_entry() != NULL)
            ok(utimensat(AT_FDCWD, hidden_entry(), late, AT_SYMLINK_NOFOLLOW));
        collect_all(has_entry("x") && _i == 0);
        if (has_entry("x"))
            ok(shmx_remove("/x"));
    }
}
END_TEST

/* Another program has made a segment with the key that a killed creator had chosen. */
START_TEST(recycled_key_of_a_killed_creator)
{
    char  text[256];
    bool  going = true, met = false;
    int   n, id, key, result;
    pid_t pid;

    if (valgrind_lacks("ptrace"))
        return;
    if (_i != 0)
        need_users();
    for (n = 0; going && !met; n++) {
        pid = traced_start(false, create_x, 1);
        going = traced_stop_at(pid, n, &result);
        traced_kill(pid);
        memset(text, 0, sizeof text);
        met = hidden_entry() != NULL && readlink(hidden_entry(), text, sizeof text - 1) > 0
              && strncmp(text, "sysv:key=", 9) == 0 && count_segments() == 0;
        if (met) {
            key = (int)strtoul(text + 9, NULL, 16);
            ok(seteuid(_i == 0 ? 0 : NOBODY));
            id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
            ok(seteuid(0));
            collect_all(1);
            ok(shmctl(id, IPC_RMID, NULL));
        } else {
            collect_all(has_entry("x"));
        }
    }
    if (has_entry("x")) /* there is no such moment in this case */
        ok(shmx_remove("/x"));
}
END_TEST

/* Returns the number of this pid namespace, as hidden entries contain it. */
static unsigned long
pid_namespace(void)
{
    struct stat st;

    ok(stat("/proc/self/ns/pid", &st));
    return (unsigned long)st.st_ino;
}

/* Makes a second name of a link, which looks as if a creator had been killed. The creator is one of
   another pid namespace, or the one that made the segment. */
static void
link_a_live_link(void *variant)
{
    char  alias[300] = "/dev/shm/.shmx-1-1-0-c";
    pid_t pid = check_fork();

    if (pid == 0) {
        make_segment("/x", SHMX_SYSV, "live");
        _exit(0);
    }
    join(pid);
    if (*(int *)variant == 1)
        snprintf(alias, sizeof alias, "/dev/shm/.shmx-%lu-%d-0-c", pid_namespace(), (int)pid);
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ok(link("/dev/shm/x", alias));
        _exit(0);
    }
    join(pid);
    collect_all(1);
    assert_leads_to("/x", "live");
    ok(shmx_remove("/x"));
}

START_TEST(strangers_hard_link_to_a_live_link)
{
    with_sysctl("/proc/sys/fs/protected_hardlinks", "0", link_a_live_link, &_i);
}
END_TEST

#define GUESSES 64

/* Makes or removes the hidden names that this process will use next. */
static void
guess_hidden_names(pid_t pid, bool begin)
{
    const unsigned long space = pid_namespace();
    char                path[300];
    int                 k;

    for (k = 0; k < 2 * GUESSES; k++) {
        snprintf(path, sizeof path, "/dev/shm/.shmx-%lu-%d-%x-%c", space, (int)pid, k / 2,
                 k % 2 ? 'c' : 'p');
        if (begin)
            ok(symlink("nowhere", path));
        else
            ok(unlink(path));
    }
}

START_TEST(strangers_know_the_next_hidden_name)
{
    const pid_t  creator = getpid();
    struct shmx *seg;
    pid_t        pid = check_fork();

    if (pid == 0) {
        become_nobody();
        guess_hidden_names(creator, true);
        _exit(0);
    }
    join(pid);
    make_segment("/x", SHMX_SYSV, "first");
    ok(shmx_create("/y", SIZE, 0600, SHMX_SYSV | SHMX_EPHEMERAL, &seg));
    shmx_close(seg);
    ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg));
    ok(shmx_publish(seg, "/z"));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    assert_leads_to("/x", "first");
    ok(shmx_remove("/x"));
    guess_hidden_names(creator, false);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: collect");
    TCase *tc = add_case(suite, "killed and suspended");

    tcase_add_loop_test(tc, killed_publisher_does_not_take_the_segment_along, 0, 2);
    tcase_add_loop_test(tc, killed_creator_leaves_nothing_at_any_time, 0, 2);
    tcase_add_loop_test(tc, suspended_creator_is_let_alone, 0, 8);
    tc = add_case(suite, "recycled");
    tcase_add_loop_test(tc, recycled_key_of_a_killed_creator, 0, 2);
    tc = add_case(suite, "in use and of others");
    tcase_add_loop_test(tc, plain_object_with_the_mark_is_left_while_in_use, 0, 2);
    tcase_add_loop_test(tc, dry_run_shows_what_the_caller_may_remove, 0, BACKENDS);
    tcase_add_loop_test(tc, strangers_hard_link_to_a_live_link, 0, 2);
    tcase_add_test(tc, strangers_know_the_next_hidden_name);
    return suite_main(suite);
}
