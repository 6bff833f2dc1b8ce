/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told about a segment by its name, and that telling neither opens nor attaches
   anything. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SIZE 10000

static struct shmx *
created(int i, const char *name, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, mode, backend_flag[i] | flags, &seg));
    return seg;
}

static struct shmx_stat
stat_of(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st;
}

static struct shmx_stat
stat_of_name(const char *name)
{
    struct shmx_stat st;

    memset(&st, 0xff, sizeof st);
    ok(shmx_stat_name(name, &st));
    return st;
}

/* Compares all members. A comparison of bytes would fail because of the padding behind lpid. */
static void
assert_same(const struct shmx_stat *a, const struct shmx_stat *b)
{
    ck_assert_mem_eq(a, b, offsetof(struct shmx_stat, lpid) + sizeof a->lpid);
    ck_assert_mem_eq(&a->atime, &b->atime, sizeof *a - offsetof(struct shmx_stat, atime));
}

/* Each of three segments has another number of pages in memory. */
START_TEST(tells_segments_apart)
{
    static const char *const names[] = { "/one", "/two", "/three" };
    const size_t             page = (size_t)sysconf(_SC_PAGESIZE);
    struct shmx             *segs[3];
    size_t                   k, n;

    for (k = 0; k < 3; k++) {
        ok(shmx_create(names[k], 3 * page, 0600, backend_flag[_i] | SHMX_SPARSE, &segs[k]));
        for (n = 0; n <= k; n++)
            ck_assert_int_eq(shmx_write(segs[k], "x", 1, n * page), 1);
    }
    for (k = 0; k < 3; k++)
        ck_assert_uint_eq(stat_of_name(names[k]).resident, (k + 1) * page);
    for (k = 0; k < 3; k++) {
        ok(shmx_destroy(segs[k]));
        shmx_close(segs[k]);
    }
}
END_TEST

/* The result equals that of shmx_stat for a handle, by whichever text the segment is found. */
START_TEST(tells_what_a_handle_tells)
{
    struct shmx     *seg = created(_i, "/s", 0640, 0);
    struct shmx_stat st, told;
    char             text[32];

    ck_assert_int_eq(shmx_write(seg, "x", 1, 5000), 1);
    st = stat_of(seg);
    told = stat_of_name("s");
    ck_assert_uint_gt(told.resident, 0);
    if (st.resident == 0) /* a handle may not know it */
        st.resident = told.resident;
    if (_i == 1) { /* and of System V segments only a handle knows this */
        ck_assert_uint_eq(told.page_size, 0);
        st.page_size = 0;
    }
    assert_same(&told, &st);
    ck_assert_uint_eq(told.size, SIZE);
    ck_assert_int_eq(told.holders, st.holders);
    told = stat_of_name(shmx_name(seg));
    assert_same(&told, &st);
    told = stat_of_name("///s");
    assert_same(&told, &st);
    if (_i == 1) {
        snprintf(text, sizeof text, "sysv:id=%d", st.id);
        told = stat_of_name(text);
        ck_assert_int_eq(told.id, st.id);
        ck_assert_uint_eq(told.size, SIZE);
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(tells_of_a_raw_key)
{
    struct shmx     *seg = created(1, "sysv:key=0x51a3", 0600, 0);
    struct shmx_stat told = stat_of_name("sysv:key=20899");

    ck_assert_int_eq(told.key, 0x51a3);
    ck_assert_int_eq(told.id, stat_of(seg).id);
    ck_assert_uint_eq(told.state, 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(tells_the_state)
{
    struct shmx     *seg = created(_i, "/e", 0600, SHMX_EPHEMERAL);
    struct shmx_stat told = stat_of_name("/e");
    /* On System V an ephemeral segment is a destroyed one, whose name stays for a while. */
    const unsigned gone = _i == 1 ? SHMX_IS_DESTROYED : 0;

    ck_assert_uint_eq(told.state, SHMX_IS_EPHEMERAL | gone);
    ck_assert_uint_eq(stat_of(seg).state, SHMX_IS_EPHEMERAL | gone);
    shmx_close(seg);
    seg = created(_i, "/p", 0600, 0);
    ck_assert_uint_eq(stat_of_name("/p").state, 0);
    ok(shmx_destroy(seg));
    ck_assert_uint_eq(stat_of(seg).state, SHMX_IS_NAMELESS | gone);
    fails(shmx_stat_name("/p", &told), -ENOENT);
    shmx_close(seg);
}
END_TEST

/* An id leads to a destroyed segment for as long as the segment is attached somewhere. */
START_TEST(destroyed_is_found_by_its_id_until_the_last_close)
{
    struct shmx     *seg = created(1, _i == 0 ? "/s" : NULL, 0600, 0), *other = NULL;
    struct shmx_stat st;
    char             text[32];

    ck_assert_int_eq(shmx_write(seg, "left", 5, 0), 5);
    snprintf(text, sizeof text, "sysv:id=%d", stat_of(seg).id);
    ck_assert_uint_eq(stat_of_name(text).state & SHMX_IS_DESTROYED, 0);
    ok(shmx_destroy(seg));
    ck_assert_str_eq(shmx_name(seg), text);
    ck_assert_uint_eq(stat_of_name(text).state, SHMX_IS_NAMELESS | SHMX_IS_DESTROYED);
    ok(shmx_open(text, 0, &other));
    shmx_close(seg);
    ck_assert_uint_eq(stat_of(other).state, SHMX_IS_NAMELESS | SHMX_IS_DESTROYED);
    ck_assert_int_eq(shmx_read(other, text, 5, 0), 5);
    ck_assert_str_eq(text, "left");
    snprintf(text, sizeof text, "sysv:id=%d", stat_of(other).id);
    shmx_close(other);
    fails(shmx_open(text, 0, &other), -ENOENT);
    fails(shmx_stat_name(text, &st), -ENOENT);
}
END_TEST

struct seen {
    unsigned state;
    int      times;
};

static int
see(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    (void)name;
    seen->state = st->state;
    seen->times++;
    return 0;
}

START_TEST(list_tells_of_the_destroyed)
{
    struct shmx *seg = created(1, "/s", 0600, 0);
    struct seen  seen = { 0 };

    ok(shmx_destroy(seg));
    ok(shmx_list(0, see, &seen));
    ck_assert_int_eq(seen.times, 1);
    ck_assert_uint_eq(seen.state, SHMX_IS_NAMELESS | SHMX_IS_DESTROYED);
    shmx_close(seg);
}
END_TEST

/* So soon after creation, the time of an attach would not differ, but the process that attached
   would. */
START_TEST(attaches_nothing)
{
    struct shmx    *seg = created(1, _i == 0 ? "/s" : "sysv:key=9", 0666, 0);
    const int       id = stat_of(seg).id;
    struct shmid_ds before, after;
    char            text[32];
    pid_t           pid;

    shmx_close(seg); /* a child of fork would inherit the attachments */
    snprintf(text, sizeof text, "sysv:id=%d", id);
    ok(shmctl(id, IPC_STAT, &before));
    ck_assert_uint_eq(before.shm_nattch, 0);
    pid = check_fork();
    if (pid == 0) {
        ck_assert_int_eq(stat_of_name(_i == 0 ? "/s" : "sysv:key=9").holders, 0);
        ck_assert_int_eq(stat_of_name(text).lpid, before.shm_lpid);
        _exit(0);
    }
    join(pid);
    ok(shmctl(id, IPC_STAT, &after));
    ck_assert_mem_eq(&before, &after, sizeof before);
    ok(shmx_remove(text));
    if (_i == 0)
        ok(shmx_remove("/s"));
}
END_TEST

static void
assert_no_event(int watch)
{
    char    events[4096];
    ssize_t length = read(watch, events, sizeof events);

    ck_assert_msg(length == -1 && errno == EAGAIN, "event %#x: %s",
                  ((struct inotify_event *)events)->mask, ((struct inotify_event *)events)->name);
}

/* Opening would change the times, release the caller's fcntl locks, and need permission. */
START_TEST(opens_nothing)
{
    struct shmx     *seg = created(_i, "/s", 0600, 0);
    struct shmx_stat st;
    struct stat      before, after;
    int              watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    ck_assert_int_ge(watch, 0);
    ck_assert_int_ge(inotify_add_watch(watch, "/dev/shm", IN_OPEN | IN_ACCESS | IN_CLOSE), 0);
    ok(lstat("/dev/shm/s", &before));
    ok(shmx_stat_name("/s", &st));
    ok(shmx_stat_name(shmx_name(seg), &st));
    ck_assert_int_eq(shmx_stat_name("/none", &st), -ENOENT);
    assert_no_event(watch);
    ok(lstat("/dev/shm/s", &after));
    ck_assert_int_eq(before.st_atim.tv_sec, after.st_atim.tv_sec);
    if (_i == 0) /* the time of a link changes when it is read */
        ck_assert_int_eq(before.st_atim.tv_nsec, after.st_atim.tv_nsec);
    close(watch);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(leaves_the_callers_locks)
{
    struct shmx     *seg = created(0, "/s", 0600, _i == 0 ? 0 : SHMX_EPHEMERAL);
    struct shmx_stat st;
    struct flock     mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    int              fd = open("/dev/shm/s", O_RDWR | O_CLOEXEC);
    pid_t            pid;

    ok(fcntl(fd, F_SETLK, &mine));
    ok(shmx_stat_name("/s", &st));
    ck_assert_int_eq(st.holders, 1); /* the lock of this process is a lock like any other, but not
                                        that of a holder */
    pid = check_fork();
    if (pid == 0) {
        ok(fcntl(fd, F_GETLK, &mine));
        ck_assert_int_eq(mine.l_type, F_WRLCK);
        _exit(0);
    }
    join(pid);
    close(fd);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(needs_no_permission_on_the_segment)
{
    struct shmx     *seg = created(_i, "/s", _i == 0 ? 0000 : 0600, 0);
    struct shmx_stat st = stat_of(seg), told;
    pid_t            pid = check_fork();

    if (pid == 0) {
        become_nobody();
        told = stat_of_name("/s");
        ck_assert_uint_eq(told.size, st.size);
        ck_assert_uint_eq(told.mode, st.mode);
        ck_assert_uint_eq(told.uid, 0);
        ck_assert_uint_eq(told.state, 0);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(what_is_no_segment)
{
    struct sockaddr_un where = { AF_UNIX, "/dev/shm/socket" };
    struct shmx_stat   st;
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ok(bind(fd, (struct sockaddr *)&where, sizeof where));
    ok(mkfifo("/dev/shm/fifo", 0600));
    ok(mkdir("/dev/shm/directory", 0700));
    ok(symlink("/dev/shm/fifo", "/dev/shm/link"));
    fails(shmx_stat_name("/socket", &st), -ENODEV);
    fails(shmx_stat_name("/fifo", &st), -ENODEV);
    fails(shmx_stat_name("/directory", &st), -EISDIR);
    fails(shmx_stat_name("/link", &st), -ELOOP);
    fails(shmx_stat_name("/none", &st), -ENOENT);
    fails(shmx_stat_name("sysv:/fifo", &st), -ENOENT);
    fails(shmx_stat_name("sysv:key=0x7f001122", &st), -ENOENT);
    fails(shmx_stat_name("sysv:id=1147483647", &st), -ENOENT);
    fails(shmx_stat_name("a/b", &st), -EINVAL);
    fails(shmx_stat_name("", &st), -EINVAL);
    fails(shmx_stat_name(NULL, &st), -EINVAL);
    fails(shmx_stat_name("/fifo", NULL), -EINVAL);
    close(fd);
    unlink("/dev/shm/socket"), unlink("/dev/shm/fifo"), unlink("/dev/shm/link");
    rmdir("/dev/shm/directory");
}
END_TEST

START_TEST(what_is_elsewhere)
{
    struct shmx     *seg = created(1, "/s", 0600, 0);
    struct shmx_stat st;
    pid_t            pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        fails(shmx_stat_name("/s", &st), -EXDEV);
        fails(shmx_stat_name("posix:/s", &st), -ENOENT);
        shmx_close(seg);
        _exit(0);
    }
    join(pid);
    ok(shmctl(stat_of(seg).id, IPC_RMID, NULL)); /* as ipcrm does it */
    shmx_close(seg);
    fails(shmx_stat_name("/s", &st), -ENOENT);
    ok(shmx_remove("/s"));
    mount_dev_shm("mode=0700");
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ck_assert_int_eq(shmx_stat_name("/s", &st), -EACCES);
        _exit(0);
    }
    join(pid);
    ok(umount("/dev/shm"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stat by name");
    TCase *tc = add_case(suite, "tells");

    tcase_add_loop_test(tc, tells_what_a_handle_tells, 0, BACKENDS);
    tcase_add_loop_test(tc, tells_segments_apart, 0, BACKENDS);
    tcase_add_test(tc, tells_of_a_raw_key);
    tcase_add_loop_test(tc, tells_the_state, 0, BACKENDS);
    tcase_add_loop_test(tc, destroyed_is_found_by_its_id_until_the_last_close, 0, 2);
    tcase_add_test(tc, list_tells_of_the_destroyed);

    tc = add_case(suite, "touches nothing");
    tcase_add_loop_test(tc, attaches_nothing, 0, 2);
    tcase_add_loop_test(tc, opens_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, leaves_the_callers_locks, 0, 2);
    tcase_add_loop_test(tc, needs_no_permission_on_the_segment, 0, BACKENDS);

    tc = add_case(suite, "errors");
    tcase_add_test(tc, what_is_no_segment);
    tcase_add_test(tc, what_is_elsewhere);
    return suite_main(suite);
}
