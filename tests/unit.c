/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests from inside: the parser of names, the library's own entries, and what would show only in a
   race for the directory. */
#include "../src/directory.h"
#include "../src/failure.h"
#include "../src/hidden.h"
#include "../src/name.h"
#include "../src/namespace.h"
#include "../src/posix/posix.h"
#include "../src/segment.h"
#include "support.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/mman.h> /* MADV_POPULATE_* are not in every C library */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

START_TEST(references)
{
    static const struct {
        const char         *text;
        enum reference_kind kind;
        unsigned            backend;
        const char         *entry;
        int                 number;
        const char         *printed;
    } cases[] = {
        { NULL, REFERENCE_ANONYMOUS, 0, NULL, 0, NULL },
        { "a", REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "/a", REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "///a", REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "posix:/a", REFERENCE_NAME, SHMX_POSIX, "a", 0, "posix:/a" },
        { "posix:///a", REFERENCE_NAME, SHMX_POSIX, "a", 0, "posix:/a" },
        { "sysv:/a", REFERENCE_NAME, SHMX_SYSV, "a", 0, "sysv:/a" },
        { "sysv:/key=1", REFERENCE_NAME, SHMX_SYSV, "key=1", 0, "sysv:/key=1" },
        { "/posix:", REFERENCE_NAME, 0, "posix:", 0, "posix:/posix:" },
        { "/sysv:key=1", REFERENCE_NAME, 0, "sysv:key=1", 0, "posix:/sysv:key=1" },
        { "key=1", REFERENCE_NAME, 0, "key=1", 0, "posix:/key=1" },
        { "C:", REFERENCE_NAME, 0, "C:", 0, "posix:/C:" },
        { ".shmx", REFERENCE_NAME, 0, ".shmx", 0, "posix:/.shmx" },
        { "sysv:key=1", REFERENCE_KEY, SHMX_SYSV, NULL, 1, "sysv:key=0x1" },
        { "sysv:key=0x51a3", REFERENCE_KEY, SHMX_SYSV, NULL, 0x51a3, "sysv:key=0x51a3" },
        { "sysv:key=010", REFERENCE_KEY, SHMX_SYSV, NULL, 10, "sysv:key=0xa" },
        { "sysv:key=0xFFFFFFFF", REFERENCE_KEY, SHMX_SYSV, NULL, -1, "sysv:key=0xffffffff" },
        { "sysv:key=4294967295", REFERENCE_KEY, SHMX_SYSV, NULL, -1, "sysv:key=0xffffffff" },
        { "sysv:id=0", REFERENCE_ID, SHMX_SYSV, NULL, 0, "sysv:id=0" },
        { "sysv:id=2147483647", REFERENCE_ID, SHMX_SYSV, NULL, INT_MAX, "sysv:id=2147483647" },
        { "sysv:id=0x10", REFERENCE_ID, SHMX_SYSV, NULL, 16, "sysv:id=16" },
    };
    char             text[NAME_TEXT_MAX];
    struct reference ref;
    size_t           k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        ok(shmx_reference_parse(cases[k].text, &ref));
        ck_assert_int_eq(ref.kind, cases[k].kind);
        ck_assert_uint_eq(ref.backend, cases[k].backend);
        ck_assert_int_eq(ref.number, cases[k].number);
        ck_assert_pstr_eq(ref.entry, cases[k].entry);
        if (cases[k].printed != NULL) {
            shmx_reference_print(&ref, text);
            ck_assert_str_eq(text, cases[k].printed);
        }
    }
}
END_TEST

START_TEST(malformed_references)
{
    static const char *const malformed[] = {
        "",
        "/",
        "a/b",
        "posix:",
        "posix:a",
        "posix:key=1",
        "sysv:",
        "sysv:a",
        "sysv:key=",
        "sysv:key=0",
        "sysv:key=0x",
        "sysv:key=-1",
        "sysv:key= 1",
        "sysv:key=1x",
        "sysv:key=4294967296",
        "sysv:key=99999999999999999999",
        "sysv:id=",
        "sysv:id=-1",
        "sysv:id=+1",
        "sysv:id=2147483648",
        ".shmx-",
        "//.shmx-x",
    };
    struct reference ref;
    size_t           k;

    for (k = 0; k < sizeof malformed / sizeof *malformed; k++)
        ck_assert_msg(shmx_reference_parse(malformed[k], &ref) == -EINVAL, "accepted: %s",
                      malformed[k]);
}
END_TEST

START_TEST(longest_reference_fits)
{
    char             entry[NAME_MAX + 2] = "", text[NAME_TEXT_MAX];
    struct reference ref, back;

    memset(entry, 'n', NAME_MAX + 1);
    ck_assert_int_eq(shmx_reference_parse(entry, &ref), -ENAMETOOLONG);
    entry[NAME_MAX] = '\0';
    ok(shmx_reference_parse(entry, &ref));
    shmx_reference_print(&ref, text);
    ok(shmx_reference_parse(text, &back));
    ck_assert_str_eq(back.entry, entry);
}
END_TEST

START_TEST(errors_of_the_kernel_are_told_as_documented)
{
    static const struct {
        int kernel, told;
    } cases[] = {
        { EAGAIN, ENOMEM },  { ENOLCK, ENOMEM },  { EDQUOT, ENOSPC }, { EIDRM, EINVAL },
        { ENOTDIR, ENOENT }, { ENOSYS, ENOTSUP }, { ETXTBSY, EBUSY }, { EACCES, EACCES }
    };
    size_t k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++)
        ck_assert_int_eq(shmx_documented_error(cases[k].kernel), -cases[k].told);
}
END_TEST

static uint64_t
process(void)
{
    uint64_t number;

    ok(shmx_process(&number));
    return number;
}

static pid_t
dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    join(pid);
    return pid;
}

START_TEST(processes_are_told_apart)
{
    const uint64_t mine = process();
    pid_t          pid;

    ck_assert_uint_eq(mine & ((1u << PID_BITS) - 1), (uint64_t)getpid());
    ck_assert_uint_eq(process(), mine);
    pid = fork();
    if (pid == 0)
        _exit(process() != mine - (uint64_t)getppid() + (uint64_t)getpid());
    join(pid);
    ck_assert_uint_eq(process(), mine);
}
END_TEST

START_TEST(hidden_names)
{
    static const char *const bad[] = {
        "frames",
        ".shmx",
        ".shmx-",
        ".shmx-lock-0-0000000000000000",
        ".shmx-1-1-0",
        ".shmx-1-1-0-",
        ".shmx-1-1-0-z",
        ".shmx-1-1-0-cc",
        ".shmx-1-1-c",
        ".shmx-1-4194304-0-c",
        ".shmx-4294967296-1-0-c",
        ".shmx-1-1-0-c-frames",
    };
    char          name[HIDDEN_MAX], other[HIDDEN_MAX];
    struct hidden hidden;
    size_t        k;

    for (k = 0; k < 3; k++) {
        ok(shmx_hidden_name((enum hidden_kind) "cpx"[k], name));
        ok(shmx_hidden_name((enum hidden_kind) "cpx"[k], other));
        ck_assert_str_ne(name, other);
        ck_assert(shmx_is_hidden(name));
        ck_assert(shmx_hidden_parse(name, &hidden));
        ck_assert_uint_eq(hidden.process, process());
        ck_assert_int_eq(hidden.kind, "cpx"[k]);
    }
    ck_assert(!shmx_is_hidden("frames"));
    ck_assert(!shmx_is_hidden(".shmx"));
    ck_assert(shmx_is_hidden(".shmx-lock-0-0000000000000000"));
    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        ck_assert_msg(!shmx_hidden_parse(bad[k], &hidden), "accepted: %s", bad[k]);
}
END_TEST

/* A process exists or not, here or elsewhere. If it is dead, its work is over. */
START_TEST(makers_live_or_not)
{
    const uint64_t space = process() >> PID_BITS;
    const pid_t    dead = dead_pid();
    const struct {
        uint64_t space;
        pid_t    pid;
        bool     in_use, is_mine;
    } cases[] = {
        { space, getpid(), true, true },
        { space, 1, true, false },
        { space, dead, false, false },
        /* nobody here can tell about pids of another namespace */
        { space + 1, getpid(), false, true },
        { 0, dead, false, true },
    };
    struct hidden hidden;
    size_t        k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        hidden.process = cases[k].space << PID_BITS | (uint64_t)cases[k].pid;
        ck_assert(shmx_hidden_in_use(&hidden) == cases[k].in_use);
        ck_assert(shmx_hidden_is_by(&hidden, getpid()) == cases[k].is_mine);
    }
}
END_TEST

/* A process that removes an entry does so alone, but it does not wait for others for long. */
START_TEST(removers_take_turns)
{
    struct timespec before, after;
    int             lock = shmx_directory_lock(), gate[2];
    char            c;
    pid_t           pid;

    ok(pipe(gate));
    pid = fork();
    if (pid == 0) {
        int mine = shmx_directory_lock();

        if (write(gate[1], "", 1) == 1)
            shmx_directory_unlock(mine);
        _exit(0);
    }
    ck_assert_int_eq(poll(&(struct pollfd){ .fd = gate[0], .events = POLLIN }, 1, 20), 0);
    shmx_directory_unlock(lock);
    ck_assert_int_eq(read(gate[0], &c, 1), 1);
    join(pid);
    lock = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok(flock(lock, LOCK_EX)); /* this belongs to somebody who keeps it */
    clock_gettime(CLOCK_MONOTONIC, &before);
    shmx_directory_unlock(shmx_directory_lock());
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 3);
    close(lock);
    close(gate[0]);
    close(gate[1]);
}
END_TEST

/* A child that was forked meanwhile does not keep the lock. */
START_TEST(children_keep_no_lock)
{
    int   lock = shmx_directory_lock(), fd = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    shmx_directory_unlock(lock);
    ok(flock(fd, LOCK_EX | LOCK_NB));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
}
END_TEST

/* Where looking at the word is always in vain, it is tried seldom, and with one processor never. */
static void
wait_in_vain(int processors, unsigned *doubt, unsigned *skipped)
{
    struct timespec const at_once = { 0 };
    struct shmx          *seg = NULL;
    cpu_set_t             set;
    void                 *addr;
    int                   k;

    CPU_ZERO(&set);
    for (k = 0; CPU_COUNT(&set) < processors && k < CPU_SETSIZE; k++)
        CPU_SET((size_t)k, &set);
    ok(sched_setaffinity(0, sizeof set, &set));
    ok(shmx_create(NULL, 1, 0600, 0, &seg));
    ok(shmx_attach(seg, 0, &addr));
    for (k = 0; k < 1000; k++)
        ck_assert_int_eq(shmx_wait(seg, addr, 0, 0, &at_once), -ETIMEDOUT);
    *doubt = seg->doubt;
    *skipped = seg->skipped;
    shmx_close(seg);
}

START_TEST(looks_before_sleeping)
{
    unsigned doubt, skipped;
    pid_t    pid = check_fork();

    if (pid == 0) { /* a process asks for its processors only once */
        wait_in_vain(1, &doubt, &skipped);
        ck_assert_uint_eq(doubt, 0);
        ck_assert_uint_eq(skipped, 0);
        _exit(0);
    }
    join(pid);
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    wait_in_vain(2, &doubt, &skipped);
    ck_assert_uint_gt(doubt, 64);
    ck_assert_uint_le(doubt, 256);
    ck_assert_uint_ge(skipped, 980);
}
END_TEST

/* How many calls of fallocate are only counted. All but the last one of them fail as if a signal
   had interrupted them. */
static int counted;

/* The library calls this function in place of that of the C library. Some kernels let every signal
   interrupt fallocate(2), and others only those that kill. */
int
fallocate(int fd, int mode, off_t offset, off_t length)
{
    static bool again;
    sigset_t    now;

    if (counted == 0) {
        ck_assert_int_eq(mode, 0);
        errno = posix_fallocate(fd, offset, length);
        return errno == 0 ? 0 : -1;
    }
    ok(pthread_sigmask(SIG_SETMASK, NULL, &now));
    ck_assert(sigismember(&now, SIGALRM) == again);
    again = true;
    errno = EINTR;
    return --counted == 0 ? 0 : -1;
}

/* The timer of a profiler interrupts each attempt, so the library blocks signals for the second
   one. Afterwards they are as they were. */
START_TEST(reservation_blocks_signals)
{
    sigset_t mine, now;

    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR1);
    ok(pthread_sigmask(SIG_SETMASK, &mine, NULL));
    counted = 3;
    ok(shmx_posix_allocate(-1, 0, 0, 1));
    ck_assert_int_eq(counted, 0);
    ok(pthread_sigmask(SIG_SETMASK, NULL, &now));
    ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGALRM));
}
END_TEST

/* Why nobody may know the IPC namespace, or 0. */
static int secret;

/* The library calls this function, too. */
ssize_t
readlink(const char *path, char *text, size_t size)
{
    if (secret == 0 || strcmp(path, "/proc/thread-self/ns/ipc") != 0)
        return readlinkat(AT_FDCWD, path, text, size);
    errno = secret;
    return -1;
}

/* The link of a System V segment would lead nowhere in particular. */
START_TEST(no_segment_of_an_unknown_namespace)
{
    struct shmx *seg = NULL;

    secret = EACCES;
    fails(shmx_create(NULL, 1, 0600, SHMX_SYSV, &seg), -EACCES);
    fails(shmx_create("/n", 1, 0600, SHMX_SYSV, &seg), -EACCES);
    fails(shmx_create("/n", 1, 0600, SHMX_SYSV | SHMX_EPHEMERAL, &seg), -EACCES);
}
END_TEST

/* Whether the way to a file by its descriptor leads to another file. */
static bool misled;

#define STRAY "/dev/shm/stray"

/* The library calls this function, too. As before Linux 6.10, the short way takes a capability. */
int
linkat(int from, const char *old, int to, const char *new, int flags)
{
    if (flags & AT_EMPTY_PATH) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_linkat, from, misled ? STRAY : old, to, new, misled ? 0 : flags);
}

/* In a chroot, anybody may have made /proc. */
START_TEST(names_lead_to_the_segment_or_nowhere)
{
    struct shmx *seg = NULL;
    int          fd = open(STRAY, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    misled = true;
    fails(shmx_create("/n", 1, 0600, SHMX_POSIX, &seg), -ENOENT);
    misled = false;
    ok(shmx_create("/n", 1, 0600, SHMX_POSIX, &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(unlink(STRAY));
    close(fd);
}
END_TEST

/* Whether the kernel cannot populate, as before Linux 5.14. */
static bool old_kernel;

/* The library calls this function, too. */
int
madvise(void *addr, size_t length, int advice)
{
    if (!old_kernel || (advice != MADV_POPULATE_READ && advice != MADV_POPULATE_WRITE))
        return (int)syscall(SYS_madvise, addr, length, advice);
    errno = EINVAL;
    return -1;
}

START_TEST(old_kernels_do_not_populate)
{
    struct shmx *seg = NULL;
    void        *addr = NULL;

    ok(shmx_create(NULL, 1, 0600, backend_flag[_i], &seg));
    old_kernel = true;
    fails(shmx_attach(seg, SHMX_POPULATE, &addr), -ENOTSUP);
    fails(shmx_attach(seg, SHMX_POPULATE | SHMX_RDONLY, &addr), -ENOTSUP);
    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("unit");
    TCase *tc = add_case(suite, "parsers");

    tcase_add_test(tc, references);
    tcase_add_test(tc, malformed_references);
    tcase_add_test(tc, longest_reference_fits);
    tcase_add_test(tc, hidden_names);
    tcase_add_test(tc, errors_of_the_kernel_are_told_as_documented);
    tc = add_case(suite, "directory");
    tcase_add_test(tc, processes_are_told_apart);
    tcase_add_test(tc, makers_live_or_not);
    tcase_add_test(tc, removers_take_turns);
    tcase_add_test(tc, children_keep_no_lock);
    tc = add_case(suite, "what the kernel seldom does");
    tcase_add_test(tc, reservation_blocks_signals);
    tcase_add_test(tc, no_segment_of_an_unknown_namespace);
    tcase_add_test(tc, names_lead_to_the_segment_or_nowhere);
    tcase_add_loop_test(tc, old_kernels_do_not_populate, 0, BACKENDS);
    tc = add_case(suite, "waiting");
    tcase_add_test(tc, looks_before_sleeping);
    return suite_main(suite);
}
