/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: a destroyer that takes a stranger's entry away, and cannot put it back. */
#include "support.h"
#include "trouble.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name, and its path. */
static char        path[300] = "/dev/shm/x";
static const char *name = path + sizeof "/dev/shm" - 1;

#define SIZE 10000

/* What the stranger has. */
enum { POSIX_SEGMENT, SYSV_SEGMENT, SAME_NUMBER, OTHER_NAMESPACE, SYMLINK, FIFO, DIRECTORY };

static int
destroy(int unused)
{
    struct shmx *seg;
    int          r = shmx_open(name, 0, &seg);

    (void)unused;
    traced_begin();
    return r < 0 ? r : shmx_destroy(seg);
}

/* The id of the only System V segment, if there is one. */
static int
find_segment(void)
{
    struct shmid_ds ds;
    int             k, id = -1;

    for (k = 0; count_segments() > 0 && id < 0; k++)
        id = shmctl(k, SHM_STAT, &ds);
    return id;
}

/* A link by id to a segment that has that id. */
static void
make_numbered(const char *entry, ino_t number, const char *text)
{
    struct shmx *seg;
    char         id[24];

    snprintf(id, sizeof id, "%lu", (unsigned long)number);
    write_text("/proc/sys/kernel/shm_next_id", id);
    ok(shmx_create(NULL, SIZE, 0666, SHMX_SYSV, &seg));
    ck_assert_str_eq(shmx_name(seg) + strlen("sysv:id="), id);
    ck_assert_int_eq(shmx_write(seg, text, strlen(text) + 1, 0), (ssize_t)strlen(text) + 1);
    ok(shmx_publish(seg, entry));
    shmx_close(seg);
}

/* What is to be destroyed; and for SAME_NUMBER, the stranger's, of the other backend. */
static void
make_first(int backend, int kind)
{
    struct stat st;

    if (kind != SAME_NUMBER) {
        make_segment(name, backend_flag[backend], "first");
    } else if (backend == 0) {
        make_segment(name, SHMX_POSIX, "first");
        ok(lstat(path, &st));
        make_numbered("/other", st.st_ino, "another's");
    } else {
        make_segment("/other", SHMX_POSIX, "another's");
        ok(lstat("/dev/shm/other", &st));
        make_numbered(name, st.st_ino, "first");
    }
}

/* Another's entry gets the name. */
static void
make_strangers(int kind)
{
    pid_t pid;

    unlink(path);
    switch (kind) {
    case POSIX_SEGMENT:
    case SYSV_SEGMENT:
        make_segment(name, backend_flag[kind], "another's");
        break;
    case SAME_NUMBER:
        ok(rename("/dev/shm/other", path));
        break;
    case OTHER_NAMESPACE:
        pid = check_fork();
        if (pid == 0) {
            ok(unshare(CLONE_NEWIPC));
            make_segment(name, SHMX_SYSV, "another's");
            _exit(0);
        }
        join(pid);
        break;
    case SYMLINK:
        ok(symlink("/nowhere", path));
        break;
    case FIFO:
        ok(mkfifo(path, 0600));
        break;
    default:
        ok(mkdir(path, 0700));
    }
}

enum { ELSEWHERE = 1, SUSPENDED = 2 };

/* At its call n another's entry gets the name; and after that call it is killed or merely
   suspended. Returns false when it has no more calls. */
static bool
exchange_under_destroyer(int n, int kind, int how)
{
    pid_t       pid = traced_start(how & ELSEWHERE, destroy, 0);
    int         result;
    bool        going = traced_stop_at(pid, n, &result);
    struct stat before, after;

    make_strangers(kind);
    ok(lstat(path, &before));
    if (going)
        traced_finish_call(pid);
    if (!(how & SUSPENDED))
        traced_kill(pid);
    if (how == 0 && lstat(path, &after) < 0) { /* yet another is in the way of giving back */
        make_segment(name, SHMX_POSIX, "third");
        ok(shmx_collect(0, NULL, NULL));
        ok(shmx_remove(name));
    }
    collect_at_odd_times(0);
    if (how & SUSPENDED)
        traced_let_go(pid);
    ck_assert_msg(lstat(path, &after) == 0, "after call %d: lost", n);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    return going;
}

static void
destroy_and_exchange(int backend, int kind, int how)
{
    bool going = true;
    int  n, id;

    if (valgrind_lacks("ptrace"))
        return;
    for (n = 0; going; n++) {
        make_first(backend, kind);
        id = find_segment();
        going = exchange_under_destroyer(n, kind, how);
        if (kind <= SAME_NUMBER) {
            assert_leads_to(name, "another's");
            ok(shmx_remove(name));
        } else {
            ok(remove(path));
        }
        if (id >= 0)
            shmctl(id, IPC_RMID, NULL); /* if it is there still: it lost its name before */
        collect_all(0);
    }
}

START_TEST(destroyer_gives_back_a_segment)
{
    destroy_and_exchange(_i & 1, _i >> 1 & 1, _i >> 2);
}
END_TEST

/* The inode of one is the id of the other. */
START_TEST(destroyer_gives_back_what_has_the_same_number)
{
    destroy_and_exchange(_i, SAME_NUMBER, 0);
}
END_TEST

START_TEST(destroyer_gives_back_any_entry)
{
    destroy_and_exchange(_i & 1, OTHER_NAMESPACE + _i / 2, 0);
}
END_TEST

/* About as long as a hidden name can hold. */
START_TEST(destroyer_gives_back_a_long_name)
{
    memset(path + sizeof "/dev/shm", 'x', 200);
    destroy_and_exchange(_i, _i, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: destroyer");
    TCase *tc = add_case(suite, "destroyer");

    tcase_add_loop_test(tc, destroyer_gives_back_a_segment, 0, 16);
    tcase_add_loop_test(tc, destroyer_gives_back_what_has_the_same_number, 0, BACKENDS);
    tcase_add_loop_test(tc, destroyer_gives_back_any_entry, 0, 8);
    tcase_add_loop_test(tc, destroyer_gives_back_a_long_name, 0, BACKENDS);
    return suite_main(suite);
}
