/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile reading of the second edition has found. */
#include "support.h"
#include "trouble.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE   10000
#define KEY    0x51a3
#define ROUNDS 5000

static struct shmx *
created(const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, flags, &seg));
    return seg;
}

static int
fail_and_count(void *addr, size_t size, void *arg)
{
    int *const call = arg; /* the error, and then the number of calls */

    (void)addr, (void)size;
    call[1]++;
    return call[0];
}

/* The library itself meets these errors, and goes on after them. */
START_TEST(every_error_of_an_initialiser_is_the_end)
{
    static const int errors[] = { -EAGAIN, -ENOENT, -EEXIST, -EBUSY };
    int              call[2] = { errors[_i / 2], 0 };
    struct shmx     *seg = NULL;

    fails(shmx_open_or_create("/x", SIZE, 0600, backend_flag[_i % 2], fail_and_count, call, &seg),
          call[0]);
    ck_assert_int_eq(call[1], 1);
}
END_TEST

START_TEST(ids_are_not_created)
{
    struct shmx *seg = created(NULL, SHMX_SYSV), *other = NULL;

    fails(shmx_open_or_create(shmx_name(seg), SIZE, 0600, 0, NULL, NULL, &other), -EINVAL);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
collect_orphans(int ignored)
{
    (void)ignored;
    traced_begin();
    return shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL);
}

/* The orphan is replaced by a segment that somebody holds, at each moment. A process is promised
   nothing if it overtakes one that is just removing the name. Returns whether there was such a
   moment. */
static bool
meet_collector(const char *name, int n)
{
    struct shmx *held = NULL;
    bool         going;
    int          result;
    pid_t        pid;

    shmx_close(created(name, 0));
    pid = traced_start(false, collect_orphans, 0);
    going = traced_stop_at(pid, n, &result);
    if (going && !is_removing()) {
        (void)shmx_remove(name);
        held = created(name, 0);
    }
    while (going && traced_next(pid, &result)) {
    }
    traced_let_go(pid);
    if (held != NULL) {
        ok(shmx_remove(name));
        shmx_close(held);
    }
    collect_all(0);
    return going;
}

START_TEST(no_orphan_takes_what_came_after)
{
    int n = 0;

    if (valgrind_lacks("ptrace"))
        return;
    while (meet_collector(_i == 0 ? "sysv:/x" : "sysv:key=0x51a3", n))
        n++;
    ck_assert_int_gt(n, 1);
}
END_TEST

/* An attachment that one thread ends, and that another thread wants to replace. */
struct exchange {
    struct shmx *seg;
    void        *addr;
    atomic_int   turn;
    bool         ends;
};

static void *
detach_it(void *arg)
{
    struct exchange *x = arg;
    int              k;

    for (k = 1; k <= ROUNDS; k++) {
        while (atomic_load(&x->turn) != 2 * k - 1)
            if (x->ends)
                return NULL;
        ok(shmx_detach(x->seg, x->addr));
        atomic_store(&x->turn, 2 * k);
    }
    return NULL;
}

START_TEST(detaching_beside_replacing)
{
    struct exchange x;
    unsigned char   resident[(SIZE + 4095) / 4096];
    pthread_t       thread;
    void           *addr;
    int             k, r;

    if (valgrind_lacks("threads that run at the same time"))
        return;
    x = (struct exchange){ .seg = created("/x", backend_flag[_i]) };
    ok(pthread_create(&thread, NULL, detach_it, &x));
    for (k = 1; k <= ROUNDS; k++) {
        ok(shmx_attach(x.seg, 0, &x.addr));
        addr = x.addr;
        atomic_store(&x.turn, 2 * k - 1);
        r = shmx_attach(x.seg, SHMX_FIXED | SHMX_REPLACE, &addr);
        while (atomic_load(&x.turn) != 2 * k)
            sched_yield();
        ck_assert(r == 0 || r == -EBUSY);
        if (r == 0) {
            ck_assert_int_eq(mincore(addr, SIZE, resident), 0);
            ok(shmx_detach(x.seg, addr));
        }
    }
    ok(pthread_join(thread, NULL));
    ok(shmx_destroy(x.seg));
    shmx_close(x.seg);
}
END_TEST

/* The new namespace has a segment of the same id, size and key, since the key is well known. */
START_TEST(an_id_with_a_key_means_its_own_namespace)
{
    struct shmx    *seg;
    struct shmid_ds ds;
    char            name[32];
    int             id = shmget(KEY, SIZE, IPC_CREAT | 0600);
    pid_t           pid;

    ck_assert_int_ge(id, 0);
    snprintf(name, sizeof name, "sysv:id=%d", id);
    ok(shmx_open(name, 0, &seg));
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        id = shmget(KEY, SIZE, IPC_CREAT | 0600);
        ck_assert_int_ge(id, 0);
        ck_assert_int_eq(shmx_chmod(seg, 0640), -ENOENT);
        ck_assert_int_eq(shmx_destroy(seg), -ENOENT);
        ok(shmctl(id, IPC_STAT, &ds));
        ck_assert_uint_eq(ds.shm_perm.mode, 0600);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
leave_and_fail(void *addr, size_t size, void *arg)
{
    int *id = arg;

    (void)addr;
    ok(unshare(CLONE_NEWIPC));
    *id = shmget(IPC_PRIVATE, size, 0600);
    ck_assert_int_ge(*id, 0);
    return -ECANCELED;
}

START_TEST(an_initialiser_that_leaves_the_namespace)
{
    struct shmx    *seg = NULL;
    struct shmid_ds ds;
    int             id = -1;
    pid_t           pid = check_fork();

    if (pid == 0) {
        ck_assert_int_eq(shmx_open_or_create("sysv:/x", SIZE, 0600, 0, leave_and_fail, &id, &seg),
                         -ECANCELED);
        ok(shmctl(id, IPC_STAT, &ds));
        ck_assert_uint_eq(ds.shm_perm.mode, 0600); /* nor is it marked to go */
        _exit(0);
    }
    join(pid);
    collect_all(
        1); /* what the initialiser has left behind in this namespace has no name any more */
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ck_assert_int_eq(count_segments(), 0);
}
END_TEST

START_TEST(a_key_that_was_made_anew_keeps_its_name)
{
    struct shmx *old = created("sysv:key=0x51a3", 0), *new, *named;

    ok(shmx_publish(old, "/n"));
    ok(shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL));
    new = created("sysv:key=0x51a3", 0);
    ck_assert_int_eq(shmx_destroy(old), -ENOENT);
    ok(shmx_open("/n", 0, &named));
    shmx_close(named);
    shmx_close(old);
    ok(shmx_remove("/n"));
    shmx_close(new);
}
END_TEST

/* A POSIX handle that may write would keep the file system from becoming read-only. */
START_TEST(what_cannot_be_unlinked_is_not_destroyed)
{
    struct shmx *seg;

    shmx_close(created("/x", backend_flag[_i]));
    ok(shmx_open("/x", SHMX_RDONLY, &seg));
    ok(mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    ck_assert_int_eq(shmx_destroy(seg), -EROFS);
    ck_assert_int_eq(shmx_remove("/x"), -EROFS);
    shmx_close(seg);
    ok(mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT, NULL));
    ok(shmx_open("/x", 0, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static int
note(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size;
    ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    usleep(100000);
    return 0;
}

/* The umask may clear any bits of the mode of a new file. */
START_TEST(one_initialiser_in_spite_of_the_umask)
{
    pid_t        pids[4];
    struct shmx *seg;
    char         calls[5];
    int          k, ends[2];

    ok(pipe(ends));
    for (k = 0; k < 4; k++) {
        pids[k] = check_fork();
        if (pids[k] > 0)
            continue;
        become_nobody();
        umask(0777);
        ck_assert_int_ge(
            shmx_open_or_create("/x", SIZE, 0600, backend_flag[_i], note, &ends[1], &seg), 0);
        shmx_close(seg);
        _exit(0);
    }
    for (k = 0; k < 4; k++)
        join(pids[k]);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], calls, sizeof calls), 1);
    close(ends[0]);
    ok(shmx_remove("/x"));
}
END_TEST

START_TEST(an_ephemeral_name_goes_without_descriptors)
{
    struct rlimit before, little;
    struct shmx  *seg = created("/x", backend_flag[_i] | SHMX_EPHEMERAL);
    const int     first = dup(0);
    int           last;

    ok(getrlimit(RLIMIT_NOFILE, &before));
    little = (struct rlimit){ (rlim_t)first + 1, before.rlim_max };
    ok(setrlimit(RLIMIT_NOFILE, &little));
    last = dup(0);
    if (!valgrind_lacks("limits below its own"))
        ck_assert_int_lt(last, 0);
    shmx_close(seg);
    ok(setrlimit(RLIMIT_NOFILE, &before));
    close(first);
    ck_assert(!has_entry("x"));
}
END_TEST

/* A handle was made where /proc is mounted, and is used where it is not, as in a chroot. */
START_TEST(proc_that_goes)
{
    struct shmx *seg = created(_i == 0 ? "sysv:/x" : _i == 1 ? "sysv:key=0x51a3" : NULL, SHMX_SYSV);
    struct shmx_stat st;
    int              r[3];

    ok(mount("tmpfs", "/proc", "tmpfs", 0, NULL));
    r[0] = shmx_stat(seg, &st);
    r[1] = shmx_chmod(seg, 0640);
    r[2] = shmx_destroy(seg);
    ok(umount("/proc"));
    ck_assert(r[0] == 0 && r[1] == 0 && r[2] == 0);
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: reread");
    TCase *tc = add_case(suite, "making");

    tcase_add_loop_test(tc, every_error_of_an_initialiser_is_the_end, 0, 8);
    tcase_add_test(tc, ids_are_not_created);
    tcase_add_loop_test(tc, one_initialiser_in_spite_of_the_umask, 0, BACKENDS);
    tc = add_case(suite, "removing");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, no_orphan_takes_what_came_after, 0, 2);
    tcase_add_test(tc, a_key_that_was_made_anew_keeps_its_name);
    tcase_add_loop_test(tc, what_cannot_be_unlinked_is_not_destroyed, 0, BACKENDS);
    tcase_add_loop_test(tc, an_ephemeral_name_goes_without_descriptors, 0, BACKENDS);
    tc = add_case(suite, "namespaces");
    tcase_add_test(tc, an_id_with_a_key_means_its_own_namespace);
    tcase_add_test(tc, an_initialiser_that_leaves_the_namespace);
    tcase_add_loop_test(tc, proc_that_goes, 0, 3);
    tc = add_case(suite, "attachments");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, detaching_beside_replacing, 0, BACKENDS);
    return suite_main(suite);
}
