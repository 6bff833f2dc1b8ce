/* SPDX-License-Identifier: BSD-2-Clause */
/* Trouble on both backends: limits, other users, hostile neighbours and other namespaces. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

static struct shmx *
created(int i, const char *name, mode_t mode)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, mode, backend_flag[i], &seg));
    return seg;
}

/* Runs the statements in a child that is another user. The user of the test removes what the child
   has left. */
#define as_nobody(statements) as_user(NOBODY, statements)
#define as_user(uid, statements)                                                                   \
    do {                                                                                           \
        pid_t pid_ = check_fork();                                                                 \
        if (pid_ == 0) {                                                                           \
            become(uid);                                                                           \
            statements;                                                                            \
            _exit(0);                                                                              \
        }                                                                                          \
        join(pid_);                                                                                \
    } while (0)

static void
become(uid_t uid)
{
    if (uid == NOBODY)
        become_nobody();
    else
        ok(setresuid(uid, uid, uid));
}

/* A call that is made where there is no /dev/shm to compare. */
#define fails_without_directory(call, err) ck_assert_int_eq((call), (err))

static char limit_binds[100000];

static int
never_called(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    ck_abort_msg("visited");
    return 0;
}

START_TEST(full_dev_shm)
{
    struct shmx     *seg = NULL, *taken = NULL;
    struct shmx_stat st;

    mount_dev_shm("size=1m");
    fails(shmx_create("/big", 2 << 20, 0600, SHMX_POSIX, &seg), -ENOSPC);
    fails(shmx_open_or_create("/big", 2 << 20, 0600, SHMX_POSIX, NULL, NULL, &seg), -ENOSPC);
    ok(shmx_create("/small", 900 << 10, 0600, SHMX_POSIX, &taken));
    fails(shmx_create("/small", 2 << 20, 0600, SHMX_POSIX, &seg), -EEXIST);
    fails(shmx_resize(taken, 2 << 20), -ENOSPC);
    ck_assert_int_eq(shmx_size(taken), 900 << 10);
    ok(shmx_stat(taken, &st));
    ck_assert_uint_eq(st.resident, 900 << 10); /* the call gave back what it had got */
    fails(shmx_create("/second", 200 << 10, 0600, SHMX_POSIX, &seg), -ENOSPC);
    ok(shmx_resize(taken, 800 << 10));
    ok(shmx_create("/second", 200 << 10, 0600, SHMX_POSIX, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmx_create("/sysv", 2 << 20, 0600, SHMX_SYSV, &seg)); /* this is not in /dev/shm */
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmx_destroy(taken));
    shmx_close(taken);
}
END_TEST

START_TEST(sparse_is_not_reserved)
{
    struct shmx *seg = NULL;
    char         page[4096];
    int          k, r = 0;

    mount_dev_shm("size=1m");
    memset(page, 1, sizeof page);
    ok(shmx_create("/sparse", 2 << 20, 0600, SHMX_POSIX | SHMX_SPARSE, &seg));
    for (k = 0; k < 512 && r >= 0; k++)
        r = (int)shmx_write(seg, page, sizeof page, (uint64_t)k * sizeof page);
    ck_assert_int_eq(r, -ENOSPC); /* an error, and not SIGBUS */
    ok(shmx_resize(seg, 4 << 20));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(no_inodes_left)
{
    struct shmx *seg = NULL;
    int          fd;

    mount_dev_shm("nr_inodes=2"); /* the root directory takes one of them */
    fd = open("/dev/shm/last", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    fails(shmx_create("/x", SIZE, 0600, backend_flag[_i], &seg), -ENOSPC);
    if (_i == 1) { /* without a name, no inode is needed */
        ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg));
        fails(shmx_publish(seg, "/x"), -ENOSPC);
        ok(shmx_destroy(seg));
        shmx_close(seg);
    }
    close(fd);
    unlink("/dev/shm/last");
}
END_TEST

static void
set_limit(const char *name, const char *value)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    write_text(path, value);
}

START_TEST(shmmni_reached)
{
    struct shmx *one, *seg = NULL;

    set_limit("shmmni", "1");
    ok(shmx_create("/one", SIZE, 0600, SHMX_SYSV, &one));
    fails(shmx_create("/two", SIZE, 0600, SHMX_SYSV, &seg), -ENOSPC);
    fails(shmx_create("/two", SIZE, 0600, SHMX_SYSV | SHMX_EPHEMERAL, &seg), -ENOSPC);
    fails(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg), -ENOSPC);
    fails(shmx_create("sysv:key=0x1234", SIZE, 0600, 0, &seg), -ENOSPC);
    fails(shmx_open_or_create("/two", SIZE, 0600, SHMX_SYSV, NULL, NULL, &seg), -ENOSPC);
    ok(shmx_destroy(one));
    shmx_close(one);
}
END_TEST

START_TEST(shmmax_and_shmall_reached)
{
    struct shmx *seg = NULL;

    set_limit("shmmax", "100000");
    fails(shmx_create("/x", 100001, 0600, SHMX_SYSV, &seg), -EINVAL);
    set_limit("shmall", "2");
    fails(shmx_create("/x", 3 * 4096, 0600, SHMX_SYSV, &seg), -ENOSPC);
    ok(shmx_create("/x", 2 * 4096, 0600, SHMX_SYSV, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(too_much_to_commit)
{
    struct shmx *seg = NULL;

    if (sizeof(void *) < 8)
        return;
    fails(shmx_create("/x", (size_t)(UINT64_C(1) << 46), 0600, backend_flag[_i], &seg),
          _i == 0 ? -ENOSPC : -ENOMEM);
}
END_TEST

START_TEST(out_of_descriptors)
{
    struct shmx  *seg, *other = NULL;
    struct rlimit limit, none;
    int           r[6];

    if (valgrind_lacks("limits below its own"))
        return;
    seg = created(_i, "/x", 0600);
    ok(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 0;
    ok(setrlimit(RLIMIT_NOFILE, &none));
    r[0] = shmx_create("/y", SIZE, 0600, SHMX_POSIX, &other);
    r[1] = shmx_open("/x", 0, &other);
    r[2] = shmx_open_fd(0, 0, &other);
    r[3] = _i == 0 ? shmx_open_fd(shmx_fd(seg), 0, &other) : -EMFILE;
    r[4] = shmx_list(0, (int (*)(const char *, const struct shmx_stat *, void *))abort, NULL);
    r[5] = shmx_collect(0, NULL, NULL, NULL);
    ok(setrlimit(RLIMIT_NOFILE, &limit));
    ck_assert_int_eq(r[0], -EMFILE);
    ck_assert_int_eq(r[1], -EMFILE); /* the POSIX backend is asked first */
    ck_assert_int_eq(r[2], -EINVAL);
    ck_assert_int_eq(r[3], -EMFILE);
    ck_assert_int_eq(r[4], -EMFILE);
    ck_assert_int_eq(r[5], -EMFILE);
    ck_assert_ptr_null(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(another_user_is_refused)
{
    struct shmx *seg, *other = NULL;

    if (_i == 1 && valgrind_lacks("EACCES of shmat"))
        return;
    seg = created(_i, "/secret", 0600);
    as_nobody({
        fails(shmx_open("/secret", 0, &other), -EACCES);
        fails(shmx_open("/secret", SHMX_RDONLY, &other), -EACCES);
        fails(shmx_remove("/secret"), -EPERM);
        fails(shmx_create("/secret", SIZE, 0600, backend_flag[_i], &other), -EEXIST);
        fails(shmx_open_or_create("/secret", SIZE, 0600, backend_flag[_i], NULL, NULL, &other),
              -EACCES);
    });
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(another_user_may_read)
{
    struct shmx *seg = created(_i, "/public", 0644), *other = NULL;
    void        *addr;

    as_nobody({
        fails(shmx_open("/public", 0, &other), -EACCES);
        ok(shmx_open("/public", SHMX_RDONLY, &other));
        ok(shmx_attach(other, 0, &addr));
        ck_assert_int_eq(mprotect(addr, 1, PROT_READ | PROT_WRITE), -1);
        fails(shmx_destroy(other), -EPERM);
        fails(shmx_remove("/public"), -EPERM);
        fails(shmx_chmod(other, 0666), -EPERM);
        fails(shmx_chown(other, NOBODY, NOBODY), -EPERM);
        shmx_close(other);
        /* A segment of root is trusted. */
        ok(shmx_open("/public", SHMX_RDONLY | SHMX_OWNED, &other));
        shmx_close(other);
    });
    ok(shmx_open("/public", 0, &other)); /* it is still there */
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(owned_means_made_by_me_or_root)
{
    struct shmx *other = NULL;

    as_nobody({
        ok(shmx_create("/planted", SIZE, 0666, backend_flag[_i], &other));
        shmx_close(other);
        ok(shmx_open("/planted", SHMX_OWNED, &other)); /* it belongs to the caller */
    });
    fails(shmx_open("/planted", SHMX_OWNED, &other), -EPERM);
    fails(shmx_open_or_create("/planted", SIZE, 0600, SHMX_OWNED, NULL, NULL, &other), -EPERM);
    ok(shmx_open("/planted", 0, &other));
    ok(shmx_destroy(other));
    shmx_close(other);
}
END_TEST

static int
tell_and_wait(void *addr, size_t size, void *arg)
{
    const int *pipes = arg;
    char       c;

    (void)size;
    strcpy(addr, "theirs");
    ck_assert_int_eq(write(pipes[1], "r", 1), 1);
    ck_assert_int_eq(read(pipes[2], &c, 1), 1);
    return 0;
}

static int
say_ours(void *addr, size_t size, void *arg)
{
    (void)size, (void)arg;
    strcpy(addr, "ours");
    return 0;
}

/* A process of another user is stuck in an initialiser. Nobody else waits for it, and what it makes
   in the end does not replace the segment that exists by then. */
START_TEST(others_are_not_waited_for)
{
    const unsigned flags = backend_flag[_i % BACKENDS] | (_i < BACKENDS ? 0 : SHMX_OWNED);
    struct shmx   *other = NULL;
    int            pipes[4];
    char           text[8];
    pid_t          pid;

    ok(pipe(pipes));
    ok(pipe(pipes + 2));
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ck_assert_int_eq(
            shmx_open_or_create("/stuck", SIZE, 0600, flags, tell_and_wait, pipes, &other), 0);
        ck_assert_int_eq(shmx_read(other, text, 5, 0), 5);
        ck_assert_str_eq(text, "ours");
        shmx_close(other);
        _exit(0);
    }
    ck_assert_int_eq(read(pipes[0], text, 1), 1);
    ck_assert_int_eq(shmx_open_or_create("/stuck", SIZE, 0666, flags, say_ours, NULL, &other), 1);
    ck_assert_int_eq(write(pipes[3], "g", 1), 1);
    join(pid);
    ok(shmx_destroy(other));
    shmx_close(other);
    for (pid = 0; pid < 4; pid++)
        close(pipes[pid]);
}
END_TEST

START_TEST(giving_away_needs_privilege)
{
    struct shmx *other = NULL;

    as_nobody({
        ok(shmx_create("/mine", SIZE, 0600, backend_flag[_i], &other));
        fails(shmx_chown(other, 0, (gid_t)-1), -EPERM);
        ok(shmx_chown(other, NOBODY, NOBODY));
        ok(shmx_destroy(other));
        shmx_close(other);
    });
}
END_TEST

/* A handle may always do what it could do when it was opened. Opening again is subject to the
   mode. */
START_TEST(mode_decides_at_open)
{
    static const unsigned kinds[] = { 0, SHMX_RDONLY, SHMX_EXEC, SHMX_PRIVATE };
    struct shmx          *seg, *other = NULL;
    void                 *addr;
    size_t                k;

    if (_i == 1 && valgrind_lacks("attaching without a right"))
        return;
    seg = created(_i, "/narrowed", 0666);
    as_nobody({
        ok(shmx_open("/narrowed", 0, &other));
        fails(shmx_chmod(seg, 0600), -EPERM);
        shmx_close(other);
    });
    ok(shmx_chmod(seg, 0600));
    as_nobody({ /* this uses the inherited handle */
                for (k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                    ok(shmx_attach(seg, kinds[k], &addr));
                    ck_assert_int_eq(*(char *)addr, 0);
                    ok(shmx_detach(seg, addr));
                }
                fails(shmx_open("/narrowed", SHMX_RDONLY, &other), -EACCES);
    });
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(what_is_no_segment)
{
    struct shmx       *seg = NULL;
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/shm/odd" };
    int                s;

    ok(mkfifo("/dev/shm/odd", 0666));
    fails(shmx_open("/odd", 0, &seg), -ENODEV);
    fails(shmx_open("/odd", SHMX_RDONLY, &seg), -ENODEV); /* and the call does not wait */
    fails(shmx_create("/odd", SIZE, 0600, backend_flag[_i], &seg), -EEXIST);
    fails(shmx_remove("/odd"), -ENODEV);
    fails(shmx_open_or_create("/odd", SIZE, 0600, backend_flag[_i], NULL, NULL, &seg), -ENODEV);
    unlink("/dev/shm/odd");

    ok(mkdir("/dev/shm/odd", 0777));
    fails(shmx_open("/odd", 0, &seg), -EISDIR);
    fails(shmx_open("/odd", SHMX_RDONLY, &seg), -EISDIR);
    fails(shmx_create("/odd", SIZE, 0600, backend_flag[_i], &seg), -EEXIST);
    fails(shmx_remove("/odd"), -EISDIR);
    rmdir("/dev/shm/odd");

    s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok(bind(s, (struct sockaddr *)&address, sizeof address));
    fails(shmx_open("/odd", 0, &seg), -ENODEV);
    fails(shmx_remove("/odd"), -ENODEV);
    close(s);
    unlink("/dev/shm/odd");
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
}
END_TEST

START_TEST(planted_symlinks_are_not_followed)
{
    static const char *const texts[] = { "/etc/passwd",
                                         "victim",
                                         "nowhere",
                                         "sysv:key=0x1 size=1",
                                         "sysv:key=0x0 size=1 ipc=1",
                                         "sysv:key=0x1  size=1 ipc=1",
                                         "sysv:key=0x01 size=1 ipc=1",
                                         "sysv:id=-1 size=1 ipc=1 pid=1 pidns=1",
                                         "sysv:key=0x1 size=1 ipc=1 " };
    struct shmx             *victim = created(0, "/victim", 0600), *seg = NULL;
    char                     long_text[4000];
    size_t                   k;

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (k = 0; k <= sizeof texts / sizeof *texts; k++) {
        ok(symlink(k < sizeof texts / sizeof *texts ? texts[k] : long_text, "/dev/shm/planted"));
        fails(shmx_open("/planted", 0, &seg), -ELOOP);
        fails(shmx_open("posix:/planted", 0, &seg), -ENOENT);
        fails(shmx_create("/planted", SIZE, 0600, backend_flag[_i], &seg), -EEXIST);
        fails(shmx_remove("/planted"), -ELOOP);
        ok(shmx_collect(0, NULL, NULL, NULL));
        ok(unlink("/dev/shm/planted"));
    }
    ok(shmx_destroy(victim));
    shmx_close(victim);
}
END_TEST

static void
copy_link(const char *from, const char *to)
{
    char    text[256];
    ssize_t length = readlink(from, text, sizeof text - 1);

    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    ok(symlink(text, to));
}

/* The link is a name, or a hidden name of the library by which collecting would find it. */
START_TEST(link_to_somebody_elses_segment)
{
    struct shmx     *victim = created(1, "/victim", 0600), *seg = NULL;
    struct shmx_stat st;
    char             hidden[64];

    as_nobody(copy_link("/dev/shm/victim", "/dev/shm/lure"));
    fails(shmx_open("/lure", 0, &seg), -ENOENT);
    fails(shmx_stat_name("/lure", &st), -ENOENT);
    ok(shmx_create("/lure", SIZE, 0600, backend_flag[_i % 2],
                   &seg)); /* a link that leads nowhere makes way */
    ok(shmx_destroy(seg));
    shmx_close(seg);
    as_nobody(copy_link("/dev/shm/victim", "/dev/shm/lure"));
    ok(shmx_remove("/lure")); /* this removes the link, and not its segment */
    as_nobody(copy_link("/dev/shm/victim", "/dev/shm/lure"));
    ok(shmx_collect(0, NULL, NULL, NULL));
    ck_assert_int_eq(unlink("/dev/shm/lure"), -1);
    ok(shmx_stat(victim, &st));
    snprintf(hidden, sizeof hidden, "/dev/shm/.shmx-1-4194303-0-%c", "cp"[_i]);
    as_nobody(copy_link("/dev/shm/victim", hidden));
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ck_assert_int_eq(unlink(hidden), -1);
    ok(shmx_open("/victim", 0, &seg));
    shmx_close(seg);
    ok(shmx_destroy(victim));
    shmx_close(victim);
}
END_TEST

static int
must_not_be_lured(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)st;
    ++*(int *)arg;
    return strncmp(name, "sysv:/lure", strlen("sysv:/lure")) == 0;
}

START_TEST(list_is_not_lured)
{
    struct shmx     *victim = created(1, "/victim", 0600);
    struct shmx_stat st;
    int              k, calls = 0;
    char             lure[32];

    for (k = 0; k < 8; k++) {
        snprintf(lure, sizeof lure, "/dev/shm/lure%d", k);
        as_nobody(copy_link("/dev/shm/victim", lure));
    }
    ok(shmx_list(SHMX_SYSV, must_not_be_lured, &calls));
    ck_assert_int_eq(calls, 1);
    ok(unlink("/dev/shm/victim")); /* from now on only the lures have its key */
    ok(shmx_list(SHMX_SYSV, must_not_be_lured, &calls));
    ck_assert_int_eq(calls, 2);
    for (k = 0; k < 8; k++) {
        snprintf(lure, sizeof lure, "/lure%d", k);
        ok(shmx_remove(lure));
    }
    ok(shmx_stat(victim, &st));
    ok(shmctl(st.id, IPC_RMID, NULL));
    shmx_close(victim);
}
END_TEST

/* In a directory that is not sticky, others can rename an entry, but they cannot remove the
   segment. */
START_TEST(what_cannot_be_removed_keeps_its_name)
{
    struct shmx *seg, *other = NULL;

    mount_dev_shm("mode=0777");
    seg = created(1, "/kept", 0666);
    as_nobody({
        fails(shmx_remove("/kept"), -EPERM);
        ok(shmx_open("/kept", 0, &other));
        fails(shmx_destroy(other), -EPERM);
        shmx_close(other);
    });
    ok(shmx_open("/kept", 0, &other));
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(recycled_id_is_not_taken_for_the_old)
{
    struct shmx    *seg = NULL;
    char            id[24];
    struct peer     peer = peer_start((const char *[]){ "peer", "create", "/stale", "10000", "600",
                                                        /* 6 is ephemeral, so its link is by id. */
                                                    _i == 0 ? "6" : "2", NULL });
    struct shmid_ds ds;
    int             found, again;

    peer_await(&peer, "sysv:/stale");
    ok(shmx_open("/stale", 0, &seg));
    ok(shmx_stat(seg, &(struct shmx_stat){ 0 }));
    shmx_close(seg);
    found = shmctl(0, SHM_STAT, &ds);
    ck_assert_int_ge(found, 0);
    kill(peer.pid, 9);
    peer_finish(&peer);
    while (shmctl(found, IPC_RMID, NULL) < 0 && errno != EINVAL && errno != EIDRM)
        usleep(1000);
    snprintf(id, sizeof id, "%d", found);
    set_limit("shm_next_id", id);
    again = shmget(IPC_PRIVATE, 10000, 0600); /* the same user, size and id */
    ck_assert_int_eq(again, found);
    fails(shmx_open("/stale", 0, &seg), -ENOENT);
    ok(shmx_create("/stale", SIZE, 0600, SHMX_POSIX, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmctl(again, IPC_RMID, NULL));
}
END_TEST

START_TEST(stale_link_is_replaced)
{
    struct shmx     *seg = created(1, "/stale", 0600), *other = NULL;
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    ok(shmctl(st.id, IPC_RMID, NULL)); /* as ipcrm does it */
    shmx_close(seg);
    fails(shmx_open("/stale", 0, &other), -ENOENT);
    if (_i == 0) {
        ok(shmx_create("/stale", SIZE, 0600, SHMX_POSIX, &other));
        ok(shmx_remove("/stale"));
        shmx_close(other);
    } else {
        ok(shmx_remove("/stale"));
    }
    fails(shmx_remove("/stale"), -ENOENT);
}
END_TEST

START_TEST(another_ipc_namespace)
{
    struct shmx     *seg = created(1, "/abroad", 0666), *other = NULL;
    struct shmx_stat st;
    pid_t            pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        fails(shmx_open("/abroad", 0, &other), -EXDEV);
        fails(shmx_stat_name("/abroad", &st), -EXDEV);
        fails(shmx_create("/abroad", SIZE, 0600, backend_flag[_i], &other), -EEXIST);
        fails(shmx_open_or_create("/abroad", SIZE, 0600, backend_flag[_i], NULL, NULL, &other),
              -EXDEV);
        ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
        _exit(0);
    }
    join(pid);
    ok(shmx_open("/abroad", 0, &other));
    shmx_close(other);
    pid = check_fork();
    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        ok(shmx_remove("/abroad")); /* this removes the name, and not the segment there */
        fails(shmx_remove("/abroad"), -ENOENT);
        _exit(0);
    }
    join(pid);
    fails(shmx_open("/abroad", 0, &other), -ENOENT);
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, 0); /* nobody has destroyed it */
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void
open_theirs(void *arg)
{
    struct shmx *seg = NULL;

    as_nobody({ ok(shmx_create("/theirs", SIZE, 0666, backend_flag[*(int *)arg], &seg)); });
    ok(shmx_open("/theirs", 0, &seg));
    shmx_close(seg);
    ck_assert_int_eq(shmx_open_or_create("/theirs", SIZE, 0600, 0, NULL, NULL, &seg), 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

START_TEST(protected_regular_is_no_hindrance)
{
    with_sysctl("/proc/sys/fs/protected_regular", "1", open_theirs, &_i);
    with_sysctl("/proc/sys/fs/protected_regular", "2", open_theirs, &_i);
}
END_TEST

START_TEST(read_only_dev_shm)
{
    struct shmx *seg = NULL;
    char         name[32];

    mount_dev_shm("ro");
    fails(shmx_create("/x", SIZE, 0600, backend_flag[_i], &seg), -EROFS);
    snprintf(name, sizeof name, "%s/x", backend_prefix[_i]);
    fails(shmx_open_or_create(name, SIZE, 0600, 0, NULL, NULL, &seg), -EROFS);
}
END_TEST

static char limit_binds[100000];

START_TEST(no_dev_shm)
{
    struct shmx *seg = NULL;

    ok(mount("tmpfs", "/dev", "tmpfs", 0, NULL));
    fails_without_directory(shmx_create("/x", SIZE, 0600, backend_flag[_i], &seg), -ENOENT);
    fails_without_directory(shmx_open("/x", 0, &seg), -ENOENT);
    fails_without_directory(shmx_remove("/x"), -ENOENT);
    fails_without_directory(shmx_collect(0, NULL, NULL, NULL), 0);
    ok(umount("/dev"));
    ck_assert_ptr_null(seg);
}
END_TEST

START_TEST(no_permission_on_dev_shm)
{
    struct shmx *seg = NULL;

    mount_dev_shm("mode=0700");
    as_nobody({
        ck_assert_int_eq(shmx_create("/x", SIZE, 0600, backend_flag[_i], &seg), -EACCES);
        ck_assert_int_eq(shmx_list(0, never_called, NULL), -EACCES);
        ck_assert_int_eq(shmx_collect(0, NULL, NULL, NULL), -EACCES);
    });
    ok(umount("/dev/shm"));
}
END_TEST

START_TEST(not_a_tmpfs)
{
    struct shmx *seg = NULL;

    ok(mount("ramfs", "/dev/shm", "ramfs", 0, NULL));
    fails(shmx_create("/x", SIZE, 0600, SHMX_POSIX, &seg), -ENOTSUP);
    ok(umount("/dev/shm"));
}
END_TEST

/* Creates and opens segments as several users where /proc is not mounted. */
static void
use_without_proc(int i, uid_t user)
{
    /* The number of nobody may also stand for users who are not mapped. So it equals nothing. */
    const int        known = user != NOBODY;
    struct shmx     *seg = NULL, *other = NULL;
    struct shmx_stat st;

    ok(shmx_create("/theirs", SIZE, 0600, backend_flag[i], &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, i == 0 ? -1 : 1);
    ck_assert_int_eq(shmx_open("/theirs", SHMX_OWNED, &other), known    ? 0
                                                               : i == 0 ? -EPERM
                                                                        : -ENOENT);
    shmx_close(other);
    other = NULL;
    ck_assert_int_eq(shmx_open("/theirs", 0, &other), known || i == 0 ? 0 : -ENOENT);
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    /* Nothing tells there whether the pages are huge. */
    ok(shmx_create(NULL, 4 << 20, 0600, backend_flag[i] | SHMX_HUGE | SHMX_SPARSE, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* Without /proc nothing is opened again, and nobody can be told from anybody else. */
START_TEST(no_proc)
{
    struct shmx     *seg = created(_i, "/x", 0600), *other = NULL, *none = NULL;
    struct shmx_stat st;
    int              r[4];

    need_users(); /* asks while /proc is still there */
    ok(mount("tmpfs", "/proc", "tmpfs", 0, NULL));
    r[0] = shmx_open("/x", 0, &other);
    if (r[0] == 0)
        shmx_close(other);
    as_nobody(use_without_proc(_i, NOBODY));
    as_user(1, use_without_proc(_i, 1));
    r[1] = _i == 0 ? shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &none) : -ENOENT;
    r[2] = shmx_chmod(seg, 0000);
    /* The mode does not let nobody ask, but the kernel tells it all the same. */
    if (_i == 0 || !valgrind_lacks("SHM_STAT_ANY"))
        as_nobody({
            ck_assert_int_eq(shmx_stat(seg, &st), 0);
            ck_assert_uint_eq(st.mode, 0);
            ck_assert_uint_eq(st.size, SIZE);
        });
    r[3] = shmx_destroy(seg);
    ok(umount("/proc"));
    /* The System V link contains its namespace, and the caller's namespace is unknown. That does no
       harm. */
    ck_assert_int_eq(r[0], 0);
    ck_assert_int_eq(r[1], -ENOENT);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(r[2], 0);
    ck_assert_int_eq(r[3], 0);
    shmx_close(seg);
}
END_TEST

/* Nobody knows how large a huge page is then. */
START_TEST(no_sys)
{
    const unsigned flags = backend_flag[_i] | SHMX_HUGE;
    struct shmx   *seg = NULL, *none = NULL;
    int            r[2], only;

    ok(mount("tmpfs", "/sys", "tmpfs", 0, NULL));
    r[0] = shmx_create("/x", 4 << 20, 0600, flags | SHMX_SPARSE, &seg);
    r[1] = r[0] < 0 ? r[0] : shmx_destroy(seg);
    only = shmx_create("/y", 4 << 20, 0600, backend_flag[_i] | SHMX_HUGE_ONLY, &none);
    if (only == 0) { /* with pages of the hugetlb pool */
        shmx_destroy(none);
        shmx_close(none);
    }
    ok(umount("/sys"));
    ok(r[0]);
    ok(r[1]);
    ck_assert(only < 0 || _i == 1);
    shmx_close(seg);
}
END_TEST

START_TEST(unmapped_owner)
{
    struct shmx *seg = created(_i, "/x", 0600);
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWUSER));
        ck_assert_int_eq(shmx_chown(seg, 5, (gid_t)-1), -EINVAL);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* When the attachment ends, the handle has to hold the segment by itself. It may not attach the
   segment again. */
START_TEST(detach_does_not_lose_the_hold)
{
    struct shmx     *seg, *other = NULL;
    struct shmx_stat st;
    void            *addr;
    int              gate[2], ready[2];
    char             c;
    pid_t            pid;

    if (valgrind_lacks("EACCES of shmat"))
        return;
    seg = created(1, "/x", 0666);
    ok(pipe(gate));
    ok(pipe(ready));
    pid = check_fork();
    if (pid == 0) {
        close(gate[1]);
        become_nobody();
        ok(shmx_open("/x", 0, &other));
        ok(shmx_attach(other, _i == 0 ? SHMX_RDONLY : 0, &addr));
        ck_assert_int_eq(write(ready[1], "r", 1), 1);
        ck_assert_int_eq(read(gate[0], &c, 1), 0);
        ck_assert_int_eq(*(char *)addr, 'h');
        ok(shmx_stat(other, &st)); /* the inherited one of the parent, and two of this process */
        ck_assert_int_eq(st.holders, 4);
        ok(shmx_detach(other, addr));
        fails(shmx_detach(other, addr), -EINVAL);
        ok(shmx_stat(other, &st));
        ck_assert_int_eq(st.holders, 3);
        ck_assert_int_eq(shmx_write(other, "H", 1, 0), 1);
        ck_assert_int_eq(shmx_read(other, &c, 1, 0), 1);
        ck_assert_int_eq(c, 'H');
        shmx_close(other);
        _exit(0);
    }
    close(gate[0]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    ck_assert_int_eq(shmx_write(seg, "h", 1, 0), 1);
    ok(shmx_chmod(seg, 0600));
    close(gate[1]);
    close(ready[0]);
    close(ready[1]);
    join(pid);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'H');
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(locked_memory_limits_attaching)
{
    const struct rlimit little = { 65536, 65536 };
    struct shmx        *seg = NULL;
    void               *addr = NULL;
    int                 r;

    if (valgrind_lacks("limits for locked memory"))
        return;
    as_nobody({
        ok(shmx_create("/x", 1 << 20, 0600, backend_flag[_i], &seg));
        ok(setrlimit(RLIMIT_MEMLOCK, &little));
        if (mlockall(MCL_FUTURE) == 0 && mlock(&limit_binds, sizeof limit_binds) < 0) {
            /* On System V, attaching maps once more what the handle has mapped before, and that was
               not locked. */
            r = shmx_attach(seg, SHMX_RDONLY, &addr);
            ck_assert_int_eq(r, _i == 0 ? -ENOMEM : 0);
            if (r == 0)
                ok(shmx_detach(seg, addr));
        }
        ok(munlockall());
        ok(shmx_destroy(seg));
        shmx_close(seg);
    });
}
END_TEST

START_TEST(publishing_what_is_anothers)
{
    struct shmx *seg = NULL, *theirs = NULL;

    ok(shmx_create(NULL, SIZE, 0644, backend_flag[_i], &seg));
    if (_i == 0)
        ok(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &theirs));
    else
        ok(shmx_open(shmx_name(seg), SHMX_RDONLY, &theirs));
    as_nobody({ fails(shmx_publish(theirs, "/taken"), -EPERM); });
    shmx_close(theirs);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(pinning_and_its_limit)
{
    const struct rlimit none = { 0, 0 }, little = { 4096, 4096 };
    struct shmx        *seg = NULL;
    struct shmx_stat    st;

    as_nobody({
        ok(shmx_create("/pinned", 100000, 0600, backend_flag[_i], &seg));
        ok(shmx_pin(seg));
        ok(shmx_pin(seg));
        ok(shmx_stat(seg, &st));
        ck_assert(st.state & SHMX_IS_PINNED);
        if (_i == 0)
            ok(shmx_resize(seg, 200000));
        ok(shmx_unpin(seg));
        ok(shmx_unpin(seg));
        ok(shmx_stat(seg, &st));
        ck_assert(!(st.state & SHMX_IS_PINNED));
        ok(setrlimit(RLIMIT_MEMLOCK, &little));
        if (_i == 1 || mlock(&limit_binds, 100000) < 0) { /* AddressSanitizer turns mlock into
                                                             nothing */
            fails(shmx_pin(seg), -ENOMEM);
            ok(setrlimit(RLIMIT_MEMLOCK, &none));
            fails(shmx_pin(seg), -EPERM);
        }
        ok(shmx_destroy(seg));
        shmx_close(seg);
    });
}
END_TEST

START_TEST(shrunk_under_a_reader)
{
    struct shmx *seg = created(0, "/shrunk", 0600), *other = NULL;
    char         buf[SIZE];
    FILE        *f;

    ok(shmx_open("/shrunk", 0, &other));
    f = shmx_stream(other, "r");
    ck_assert_int_eq(fgetc(f), 0);
    ok(shmx_resize(seg, 100));
    ck_assert_int_eq(shmx_read(other, buf, SIZE, 0), 100);
    ck_assert_int_eq(shmx_read(other, buf, SIZE, 5000), 0);
    ck_assert_int_eq(shmx_write(other, buf, SIZE, 50), 50);
    fails(shmx_write(other, buf, 1, 5000), -ENOSPC);
    ok(fseeko(f, 0, SEEK_END));
    ck_assert_int_eq(ftello(f), 100);
    fclose(f);
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: errors");
    TCase *tc = add_case(suite, "scarcity");

    tcase_add_test(tc, full_dev_shm);
    tcase_add_test(tc, sparse_is_not_reserved);
    tcase_add_loop_test(tc, no_inodes_left, 0, BACKENDS);
    tcase_add_test(tc, shmmni_reached);
    tcase_add_test(tc, shmmax_and_shmall_reached);
    tcase_add_loop_test(tc, too_much_to_commit, 0, BACKENDS);
    tcase_add_loop_test(tc, out_of_descriptors, 0, BACKENDS);
    tcase_add_loop_test(tc, read_only_dev_shm, 0, BACKENDS);
    tcase_add_loop_test(tc, no_dev_shm, 0, BACKENDS);
    tcase_add_loop_test(tc, no_permission_on_dev_shm, 0, BACKENDS);
    tcase_add_test(tc, not_a_tmpfs);
    tcase_add_loop_test(tc, no_proc, 0, BACKENDS);
    tcase_add_loop_test(tc, no_sys, 0, BACKENDS);
    tcase_add_loop_test(tc, unmapped_owner, 0, BACKENDS);
    tcase_add_loop_test(tc, detach_does_not_lose_the_hold, 0, 2);
    tcase_add_loop_test(tc, locked_memory_limits_attaching, 0, BACKENDS);
    tcase_add_loop_test(tc, pinning_and_its_limit, 0, BACKENDS);

    tc = add_case(suite, "users");
    tcase_add_loop_test(tc, another_user_is_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, another_user_may_read, 0, BACKENDS);
    tcase_add_loop_test(tc, owned_means_made_by_me_or_root, 0, BACKENDS);
    tcase_add_loop_test(tc, others_are_not_waited_for, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, giving_away_needs_privilege, 0, BACKENDS);
    tcase_add_loop_test(tc, publishing_what_is_anothers, 0, BACKENDS);
    tcase_add_loop_test(tc, mode_decides_at_open, 0, BACKENDS);
    tcase_add_loop_test(tc, protected_regular_is_no_hindrance, 0, BACKENDS);

    tc = add_case(suite, "neighbours");
    tcase_add_loop_test(tc, what_is_no_segment, 0, BACKENDS);
    tcase_add_loop_test(tc, planted_symlinks_are_not_followed, 0, BACKENDS);
    tcase_add_loop_test(tc, link_to_somebody_elses_segment, 0, BACKENDS);
    tcase_add_test(tc, list_is_not_lured);
    tcase_add_test(tc, what_cannot_be_removed_keeps_its_name);
    tcase_add_loop_test(tc, recycled_id_is_not_taken_for_the_old, 0, 2);
    tcase_add_loop_test(tc, stale_link_is_replaced, 0, 2);
    tcase_add_loop_test(tc, another_ipc_namespace, 0, BACKENDS);
    tcase_add_test(tc, shrunk_under_a_reader);
    return suite_main(suite);
}
