/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define SKIPPED 77

const unsigned    backend_flag[BACKENDS] = { SHMX_POSIX, SHMX_SYSV };
const char *const backend_prefix[BACKENDS] = { "posix:", "sysv:" };

/* The names, segments, descriptors and mappings that exist. */
struct belongings {
    int names, segments, descriptors, mappings;
};

static struct belongings initial, marked;

static int
count_entries(const char *path)
{
    struct dirent *d;
    int            count = 0;
    DIR           *dir = opendir(path);

    ck_assert_ptr_nonnull(dir);
    while ((d = readdir(dir)) != NULL)
        count += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static int
count_lines(const char *path, const char *with, const char *or_with)
{
    char  line[1024];
    int   count = 0;
    FILE *f = fopen(path, "re");

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL)
        count += strstr(line, with) != NULL || strstr(line, or_with) != NULL;
    fclose(f);
    return count;
}

static struct belongings
belongings_now(void)
{
    return (struct belongings){
        .names = count_entries("/dev/shm"),
        .segments = count_lines("/proc/sysvipc/shm", "\n", "\n") - 1,
        .descriptors = count_entries("/proc/self/fd"),
        .mappings = count_lines("/proc/self/maps", "/dev/shm/", "/SYSV"),
    };
}

static void
assert_belongings(const struct belongings *before, const char *what, const char *file, int line)
{
    struct belongings now = belongings_now();

    ck_assert_msg(now.names == before->names && now.segments == before->segments
                      && now.descriptors == before->descriptors && now.mappings == before->mappings,
                  "%s:%d: %s: names %d -> %d, segments %d -> %d, descriptors %d -> %d, "
                  "mappings %d -> %d",
                  file, line, what, before->names, now.names, before->segments, now.segments,
                  before->descriptors, now.descriptors, before->mappings, now.mappings);
}

void
mark(void)
{
    marked = belongings_now();
}

void
assert_fails(int64_t result, int err, const char *call, const char *file, int line)
{
    ck_assert_msg(result == err, "%s:%d: %s: %lld (%s), expected %d (%s)", file, line, call,
                  (long long)result, shmx_strerror((int)result), err, shmx_strerror(err));
    assert_belongings(&marked, call, file, line);
}

static const char *
peer_path(void)
{
    const char *path = getenv("SHMX_TEST_PEER");

    return path != NULL ? path : TEST_PEER;
}

struct peer
peer_start(const char *const argv[])
{
    struct peer peer;
    int         in[2], out[2];

    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    peer.pid = fork();
    ck_assert_int_ge(peer.pid, 0);
    if (peer.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv(peer_path(), (char *const *)argv);
        _exit(126);
    }
    close(in[0]);
    close(out[1]);
    peer.in = in[1];
    peer.out = out[0];
    return peer;
}

void
peer_await(struct peer *peer, const char *line)
{
    char   text[256];
    size_t length = 0;

    while (length < sizeof text - 1 && read(peer->out, text + length, 1) == 1
           && text[length] != '\n')
        length++;
    text[length] = '\0';
    ck_assert_str_eq(text, line);
}

int
peer_finish(struct peer *peer)
{
    int status;

    if (peer->in >= 0)
        close(peer->in);
    ck_assert_int_eq(waitpid(peer->pid, &status, 0), peer->pid);
    close(peer->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
peer_run(const char *const argv[])
{
    struct peer peer = peer_start(argv);

    return peer_finish(&peer);
}

void
join(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "the child ended with status %#x", (unsigned)status);
}

/* runs_suite is the process of the suite. tester is the process of this test, to which its children
   belong, and which is the same with CK_FORK=no. skips counts the tests that were skipped. */
static pid_t       runs_suite, tester;
static atomic_int *skips;

static void
end_skipped(int signal)
{
    (void)signal;
    _exit(tester == runs_suite ? SKIPPED : 0);
}

void
skip(const char *why)
{
    fprintf(stderr, "skipped: %s\n", why);
    atomic_fetch_add(skips, 1);
    kill(tester, SIGRTMAX);
    _exit(0); /* if this is a child */
}

/* If only the own user is mapped, groups are forbidden from the beginning. */
void
need_users(void)
{
    char  word[8] = "";
    FILE *f = fopen("/proc/self/setgroups", "re");

    if (f != NULL && fgets(word, sizeof word, f) != NULL && strncmp(word, "deny", 4) == 0)
        skip("there are no other users in this user namespace");
    if (f != NULL)
        fclose(f);
}

void
become_nobody(void)
{
    need_users();
    ck_assert_int_eq(setgroups(0, NULL), 0);
    ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
    ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

void
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static bool
runs_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

int
rounds(int n)
{
    return runs_under_valgrind() ? n / 20 : n;
}

bool
valgrind_lacks(const char *what)
{
    if (!runs_under_valgrind())
        return false;
    fprintf(stderr, "skipped, valgrind lacks %s\n", what);
    return true;
}

long
locked_kib(void)
{
    char  line[256];
    long  kib = -1;
    FILE *f = fopen("/proc/self/status", "re");

    ck_assert_ptr_nonnull(f);
    while (kib < 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmLck: %ld", &kib);
    fclose(f);
    return kib;
}

bool
shows_locked_memory(void)
{
    static char page[4096];
    const long  before = locked_kib();
    bool        shown;

    ok(mlock(page, sizeof page));
    shown = locked_kib() > before;
    ok(munlock(page, sizeof page));
    if (!shown)
        fputs("skipped, the kernel does not show what is locked in RAM\n", stderr);
    return shown && !valgrind_lacks("a VmLck of the program alone");
}

size_t
huge_page(void)
{
    size_t size = 0;
    FILE  *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");

    if (f != NULL && fscanf(f, "%zu", &size) != 1)
        size = 0;
    if (f != NULL)
        fclose(f);
    return size;
}

bool
lacks_huge_pages(void)
{
    const size_t  huge = huge_page();
    const size_t  page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char last = 0;
    char         *base = MAP_FAILED, *there;
    bool          can = false;

    if (huge > 0 && huge <= (size_t)4 << 20)
        base = mmap(NULL, 2 * huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base != MAP_FAILED) {
        there = mmap(base + (-(uintptr_t)base & (huge - 1)), huge, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        *there = 1;
        can = madvise(there, huge, MADV_COLLAPSE) == 0
              && mincore(there + huge - page, 1, &last) == 0
              && (last & 1); /* an emulator may say that all is well */
        munmap(base, 2 * huge);
    }
    if (!can)
        fprintf(stderr, "skipped, no huge pages by MADV_COLLAPSE here\n");
    return !can;
}

void
with_sysctl(const char *path, const char *value, void (*body)(void *arg), void *arg)
{
    char    saved[64];
    ssize_t length;
    int     status, fd = open(path, O_RDWR | O_CLOEXEC);
    pid_t   pid;

    if (fd < 0 && errno == EACCES)
        skip("the machine's settings can be changed by its own root only");
    ck_assert_msg(fd >= 0 && flock(fd, LOCK_EX) == 0, "%s: %s", path, strerror(errno));
    length = read(fd, saved, sizeof saved - 1);
    ck_assert_int_gt(length, 0);
    saved[length] = '\0';
    if (strchr(saved, '[') != NULL) /* in "always [never]", the current one is in brackets */
        sscanf(strchr(saved, '['), "[%31[a-z_]", saved);
    write_text(path, value);
    pid = check_fork();
    if (pid == 0) {
        close(fd);
        body(arg);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    write_text(path, saved);
    close(fd);
    ck_assert_int_eq(status, 0);
}

/* Makes the directory the root of this mount namespace. Among other things, no user namespace can
   be made in a mere chroot. */
static int
pivot_to(int root)
{
    int tree =
        open_tree(root, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
    int r = -1;

    if (tree >= 0
        && move_mount(tree, "", root, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0
        && fchdir(tree) == 0 && syscall(SYS_pivot_root, ".", ".") == 0
        && umount2(".", MNT_DETACH) == 0)
        r = 0;
    close(tree);
    return r;
}

/*
 * In a chroot "/" is not a mount point and cannot be made private, so mounts of the tests would
 * appear outside. Joining the own mount namespace leads to its real root, and a descriptor leads
 * back.
 */
static int
make_mounts_private(void)
{
    char       *here = get_current_dir_name();
    int         root = open("/", O_PATH | O_CLOEXEC);
    int         self = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), r = -1;
    struct stat mine, true_root;

    if (here != NULL && root >= 0 && fstat(root, &mine) == 0 && setns(self, CLONE_NEWNS) == 0
        && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 && stat("/", &true_root) == 0)
        r = mine.st_dev == true_root.st_dev && mine.st_ino == true_root.st_ino ? 0 : pivot_to(root);
    if (r == 0)
        r = chdir(here);
    close(root);
    close(self);
    free(here);
    return r;
}

void
mount_dev_shm(const char *options)
{
    ck_assert_msg(mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options) == 0,
                  "mount: %s", strerror(errno));
}

static void
enter_own_world(void)
{
    tester = getpid();
    signal(SIGRTMAX, end_skipped);
    ck_assert_int_eq(unshare(CLONE_NEWNS | CLONE_NEWIPC), 0);
    mount_dev_shm("size=8g,mode=1777");
    initial = belongings_now();
}

static void
leave_own_world(void)
{
    assert_belongings(&initial, "at the end of the test", __FILE__, __LINE__);
}

int
leave_for_private_namespaces(void)
{
    return unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0 ? -1 : make_mounts_private();
}

TCase *
add_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, enter_own_world, leave_own_world);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tc;
}

int
suite_main(Suite *suite)
{
    SRunner *runner;
    int      run, failed;

    /* All tests together have a namespace, from which that of each test is copied. */
    if (leave_for_private_namespaces() < 0) {
        fprintf(stderr, "skipped: no private namespaces: %s\n", strerror(errno));
        return SKIPPED;
    }
    skips = mmap(NULL, sizeof *skips, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (skips == MAP_FAILED)
        return 1;
    runs_suite = getpid();
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (run == 0)
        fprintf(stderr, "nothing was run: is CK_RUN_CASE mistyped?\n");
    if (run == 0 || failed > 0)
        return 1;
    if (*skips == 0)
        return 0;
    fprintf(stderr, "%d of the %d tests were skipped\n", *skips, run);
    return SKIPPED;
}
