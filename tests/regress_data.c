/* SPDX-License-Identifier: BSD-2-Clause */
/* Defects of the first edition with copying, growing, pinning, counting holders, and owners. */
#include "support.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000
#define MIB  ((size_t)1 << 20)
#define LESS 10000u
#define MORE 1000000u

static struct shmx *
created(const char *name, size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, mode, flags, &seg));
    return seg;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static struct shmx_stat
stat_of(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st;
}

/* Returns addresses for so many bytes, of which each `piece` bytes are the same memory. */
static char *
folded_memory(size_t length, size_t piece)
{
    int    fd = memfd_create("folded", MFD_CLOEXEC);
    char  *p = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t i, n;

    ck_assert_ptr_ne(p, MAP_FAILED);
    ok(ftruncate(fd, (off_t)piece));
    for (i = 0; i < length; i += piece) {
        n = length - i < piece ? length - i : piece;
        ck_assert_ptr_eq(mmap(p + i, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
                         p + i);
    }
    close(fd);
    return p;
}

/* The kernel copies at most 2 GiB less a page in one call. */
START_TEST(more_than_2_gib)
{
    const size_t size = 2049 * MIB;
    struct shmx *seg;
    char        *buf, end[4] = "";

    if (sizeof(void *) < 8 || valgrind_lacks("time for 2 GiB"))
        return;
    if ((size_t)sysconf(_SC_PHYS_PAGES) < 4096 * MIB / (size_t)sysconf(_SC_PAGESIZE)) {
        fprintf(stderr, "skipped, less than 4 GiB of memory here\n");
        return;
    }
    mount_dev_shm("size=3g,mode=1777,huge=always"); /* because that is faster */
    seg = created("/large", size, 0600, SHMX_POSIX | SHMX_SPARSE);
    buf = folded_memory(size, 32 * MIB);
    ck_assert_int_eq(shmx_read(seg, buf, size, 0), (ssize_t)size);
    strcpy(buf + MIB - 4, "end"); /* in the last piece, too */
    ck_assert_int_eq(shmx_write(seg, buf, size, 0), (ssize_t)size);
    ck_assert_int_eq(shmx_read(seg, end, 4, size - 4), 4);
    ck_assert_str_eq(end, "end");
    ck_assert_int_eq(shmx_read(seg, buf, size, 1), (ssize_t)size - 1);
    munmap(buf, size);
    finish(seg);
    ok(umount("/dev/shm"));
}
END_TEST

/* A result that is less than the count means the end of the segment, and nothing else. */
START_TEST(what_ends_a_copy_in_the_middle_is_an_error)
{
    const struct rlimit little = { 40960, 40960 };
    char               *buf = folded_memory(4 * MIB, MIB);
    struct shmx        *seg, *big;

    mount_dev_shm("size=1m,mode=1777");
    big = created("/big", 4 * MIB, 0600, SHMX_POSIX | SHMX_SPARSE);
    fails(shmx_write(big, buf, 4 * MIB, 0), -ENOSPC);
    finish(big);

    seg = created("/x", 65536, 0600, SHMX_POSIX);
    ok(mprotect(buf + 65536, 65536, PROT_NONE));
    if (!valgrind_lacks("silence about bad buffers")) {
        fails(shmx_read(seg, buf + 32768, 65536, 0), -EFAULT);
        fails(shmx_write(seg, buf + 32768, 65536, 0), -EFAULT);
    }
    signal(SIGXFSZ, SIG_IGN);
    ok(setrlimit(RLIMIT_FSIZE, &little));
    fails(shmx_write(seg, buf, 65536, 0), -EFBIG);
    ck_assert_int_eq(shmx_write(seg, buf, 65536, 65536 - 40960 - 1), -EFBIG);
    ck_assert_int_eq(shmx_write(seg, buf, 40960, 0), 40960);
    munmap(buf, 4 * MIB);
    finish(seg);
}
END_TEST

/* Appends to a descriptor for the object of another user, who alone could open the object again. */
static void
append_to_anothers(int fd)
{
    struct shmx *seg = NULL;

    become_nobody();
    fails(shmx_open_fd(fd, 0, &seg), -EINVAL);
    ck_assert_ptr_null(seg);
}

START_TEST(writes_go_where_they_are_told)
{
    struct shmx *seg = created("/x", SIZE, 0600, SHMX_POSIX), *other = NULL;
    int          fd = open("/dev/shm/x", O_RDWR | O_APPEND | O_CLOEXEC);
    pid_t        pid;
    char         text[5] = "";

    ok(shmx_open_fd(fd, 0, &other));
    ck_assert_int_eq(shmx_write(other, "here", 4, 100), 4);
    ck_assert_int_eq(shmx_size(other), SIZE);
    ck_assert_int_eq(shmx_read(seg, text, 4, 100), 4);
    ck_assert_str_eq(text, "here");
    shmx_close(other);
    pid = check_fork();
    if (pid == 0) {
        append_to_anothers(fd);
        _exit(0);
    }
    join(pid);
    close(fd);
    finish(seg);
}
END_TEST

/* Kills a child that grows the segment at its n-th stop before or after a system call. Returns
   false if the child came to its end. */
static bool
is_killed_growing(struct shmx *seg, uint64_t size, int n)
{
    int   status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
            _exit(1);
        _exit(shmx_resize(seg, size) != 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ok(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL));
    for (; n > 0 && WIFSTOPPED(status); n--) {
        ok(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    if (!WIFSTOPPED(status)) {
        ck_assert_int_eq(status, 0);
        return false;
    }
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return true;
}

START_TEST(killed_growing_takes_nothing_beyond_the_size)
{
    const uint64_t   page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct shmx     *seg;
    struct shmx_stat st;
    bool             killed = true;
    int              n;

    if (valgrind_lacks("system calls of the program alone"))
        return;
    for (n = 1; killed; n++) {
        seg = created("/x", LESS, 0600, SHMX_POSIX);
        killed = is_killed_growing(seg, MORE, n);
        st = stat_of(seg);
        ck_assert_uint_le(st.resident, (st.size + page - 1) / page * page);
        ck_assert(st.size == LESS || st.size == MORE);
        ok(shmx_resize(seg, 2 * MIB)); /* and nothing keeps others from it */
        finish(seg);
    }
    ck_assert_uint_eq(st.size, MORE);
    ck_assert_int_gt(n, 2);
}
END_TEST

/* Becomes a user other than nobody. On System V, other processes of nobody could use up the
   limit. */
static void
become_somebody_with(rlim_t soft, rlim_t hard)
{
    const struct rlimit limit = { soft, hard };
    const uid_t         uid = 20000 + (uid_t)(getpid() % 40000);

    need_users();
    ok(setgroups(0, NULL));
    ok(setresuid(uid, uid, uid));
    ok(setrlimit(RLIMIT_MEMLOCK, &limit));
}

START_TEST(pinning_twice_takes_no_more_than_once)
{
    struct rlimit more = { 3 * MIB / 2, 2 * MIB };
    struct shmx  *seg = NULL;
    pid_t         pid = check_fork();

    if (pid == 0) {
        become_somebody_with(MIB, 2 * MIB);
        seg = created("/x", MIB, 0600, backend_flag[_i]);
        ok(shmx_pin(seg));
        ok(shmx_pin(seg));
        if (_i == 0 && !valgrind_lacks("mlock2(2)")) {
            ok(setrlimit(RLIMIT_MEMLOCK, &more));
            ok(shmx_resize(seg, 3 * MIB / 2));
            ok(shmx_pin(seg));
            ok(shmx_resize(seg, MIB));
            ok(shmx_pin(seg));
        }
        ck_assert_uint_ne(stat_of(seg).state & SHMX_IS_PINNED, 0);
        ok(shmx_unpin(seg));
        ck_assert_uint_eq(stat_of(seg).state & SHMX_IS_PINNED, 0);
        finish(seg);
        _exit(0);
    }
    join(pid);
}
END_TEST

/* A child does not inherit mlock(2), but SHM_LOCK belongs to the segment. */
START_TEST(child_does_not_report_its_parents_pin)
{
    struct shmx   *seg = created("/x", SIZE, 0600, backend_flag[_i]);
    const unsigned inherited = _i == 0 ? 0 : SHMX_IS_PINNED;
    pid_t          pid;

    ok(shmx_pin(seg));
    pid = check_fork();
    if (pid == 0) {
        ck_assert_uint_eq(stat_of(seg).state & SHMX_IS_PINNED, inherited);
        ok(shmx_pin(seg));
        ck_assert_uint_ne(stat_of(seg).state & SHMX_IS_PINNED, 0);
        shmx_close(seg);
        _exit(0);
    }
    join(pid);
    ck_assert_uint_ne(stat_of(seg).state & SHMX_IS_PINNED, 0);
    finish(seg);
}
END_TEST

static int
note_holders(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name;
    *(int64_t *)arg = st->holders;
    return 0;
}

START_TEST(strangers_locks_are_no_holders)
{
    static const off_t starts[] = { 0, 1000, (off_t)1 << 62, ((off_t)1 << 62) + 99 };
    struct shmx       *seg = created("/x", SIZE, 0600, SHMX_POSIX);
    const struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    int                fd = open("/dev/shm/x", O_RDWR | O_CLOEXEC);
    int64_t            listed;
    size_t             k;

    /* With a lock to infinity, and with a shorter one. */
    for (k = 0; k < 2 * sizeof starts / sizeof *starts; k++) {
        struct flock some = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

        some.l_start = starts[k / 2];
        some.l_len = k % 2 == 0 ? 0 : ((off_t)1 << 62) - 100;
        ok(fcntl(fd, F_OFD_SETLK, &some));
        ck_assert_int_eq(stat_of(seg).holders, 1);
        ok(shmx_list(SHMX_POSIX, note_holders, &listed));
        ck_assert_int_eq(listed, 1);
        ok(fcntl(fd, F_OFD_SETLK, &none));
    }
    close(fd);
    finish(seg);
}
END_TEST

static void
give_away_anothers(struct shmx *seg, const char *what)
{
    static const uid_t ids[] = { 0, 1, NOBODY, (uid_t)-1 };
    struct shmx_stat   st;
    size_t             k;
    int                r;

    for (k = 0; k < 16; k++) {
        r = shmx_chown(seg, ids[k / 4], ids[k % 4]);
        if (k == 15 && shmx_fd(seg) >= 0) /* with fchown(2), anybody may change nothing */
            ck_assert_int_eq(r, 0);
        else
            ck_assert_msg(r == -EPERM, "%s, %d:%d: %d", what, (int)ids[k / 4], (int)ids[k % 4], r);
    }
    st = stat_of(seg);
    ck_assert_uint_eq(st.uid, 0);
    ck_assert_uint_eq(st.gid, 0);
}

/* The segment has a name or not, and the handle is inherited or opened. */
START_TEST(strangers_give_nothing_away)
{
    struct shmx *named = created("/x", SIZE, 0666, backend_flag[_i]), *other = NULL;
    struct shmx *anonymous = created(NULL, SIZE, 0666, backend_flag[_i]);
    struct shmx *ephemeral = created(NULL, SIZE, 0666, backend_flag[_i] | SHMX_EPHEMERAL);
    struct shmx *destroyed = created("/y", SIZE, 0666, backend_flag[_i]);
    pid_t        pid;

    ok(shmx_destroy(destroyed));
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        give_away_anothers(named, "named");
        give_away_anothers(anonymous, "anonymous");
        give_away_anothers(ephemeral, "ephemeral");
        give_away_anothers(destroyed, "destroyed");
        ok(shmx_open("/x", 0, &other));
        give_away_anothers(other, "opened");
        _exit(0);
    }
    join(pid);
    finish(named);
    if (_i == 1)
        ok(shmx_destroy(anonymous));
    shmx_close(anonymous);
    shmx_close(ephemeral);
    shmx_close(destroyed);
}
END_TEST

/* In another IPC namespace the id is that of a stranger's segment. */
START_TEST(strangers_do_not_even_seem_to)
{
    struct shmx    *seg = created(NULL, SIZE, 0600, SHMX_SYSV);
    const int       id = stat_of(seg).id;
    struct shmid_ds ds;
    pid_t           pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWIPC));
        become_nobody();
        ck_assert_int_eq(shmget(IPC_PRIVATE, SIZE, 0600), id);
        ck_assert_int_eq(shmx_chown(seg, NOBODY, NOBODY - 1), -ENOENT);
        ck_assert_int_eq(shmx_chown(seg, (uid_t)-1, (gid_t)-1), -ENOENT);
        ok(shmctl(id, IPC_STAT, &ds));
        ck_assert_uint_eq(ds.shm_perm.gid, NOBODY);
        _exit(0);
    }
    join(pid);
    finish(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: data");
    TCase *tc = add_case(suite, "copies");

    tcase_add_test(tc, more_than_2_gib);
    tcase_add_test(tc, what_ends_a_copy_in_the_middle_is_an_error);
    tcase_add_test(tc, writes_go_where_they_are_told);
    tc = add_case(suite, "changes");
    tcase_add_test(tc, killed_growing_takes_nothing_beyond_the_size);
    tcase_add_loop_test(tc, pinning_twice_takes_no_more_than_once, 0, BACKENDS);
    tcase_add_loop_test(tc, child_does_not_report_its_parents_pin, 0, BACKENDS);
    tcase_add_test(tc, strangers_locks_are_no_holders);
    tcase_add_loop_test(tc, strangers_give_nothing_away, 0, BACKENDS);
    tcase_add_test(tc, strangers_do_not_even_seem_to);
    return suite_main(suite);
}
