/* SPDX-License-Identifier: BSD-2-Clause */
#include "trouble.h"

#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 10000
#define HOUR 3600

/* A call that the library does not use comes before and after what is traced. The second call tells
   the result. */
#define BORDER        SYS_getppid
#define border(value) syscall(BORDER, (long)(value))

void
traced_begin(void)
{
    border(0);
}

static struct __ptrace_syscall_info
run_to(pid_t pid, int where)
{
    struct __ptrace_syscall_info info;
    int                          status;

    do {
        ok(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSTOPPED(status), "ended with status %#x", (unsigned)status);
        info.op = PTRACE_SYSCALL_INFO_NONE;
        ck_assert_int_gt(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info), 0);
    } while (info.op != where);
    return info;
}

bool
traced_next(pid_t pid, int *result)
{
    struct __ptrace_syscall_info info = run_to(pid, PTRACE_SYSCALL_INFO_ENTRY);

    *result = (int)info.entry.args[0];
    return info.entry.nr != BORDER;
}

bool
traced_stop_at(pid_t pid, int n, int *result)
{
    while (traced_next(pid, result))
        if (n-- == 0)
            return true;
    return false;
}

void
traced_finish_call(pid_t pid)
{
    run_to(pid, PTRACE_SYSCALL_INFO_EXIT);
}

static void
run_body(const int gate[2], int (*body)(int), int arg)
{
    char c;

    close(gate[1]);
    if (read(gate[0], &c, 1) == 1)
        border(body(arg));
    _exit(0);
}

/* Forks a child of this process into a new pid namespace. Only root of the machine can come back
   from there, so another process goes there and leaves its child to this process. */
static pid_t
fork_elsewhere(void)
{
    int   line[2];
    pid_t pid, between;

    ok(pipe2(line, O_CLOEXEC));
    ok(prctl(PR_SET_CHILD_SUBREAPER, 1));
    between = fork();
    if (between == 0) {
        ok(unshare(CLONE_NEWPID));
        pid = fork();
        if (pid == 0)
            return 0;
        _exit(write(line[1], &pid, sizeof pid) != (ssize_t)sizeof pid);
    }
    join(between);
    ck_assert_int_eq(read(line[0], &pid, sizeof pid), sizeof pid);
    close(line[0]);
    close(line[1]);
    return pid;
}

pid_t
traced_start(bool elsewhere, int (*body)(int), int arg)
{
    int   gate[2], result;
    pid_t pid;

    ok(pipe2(gate, O_CLOEXEC));
    pid = elsewhere ? fork_elsewhere() : fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        run_body(gate, body, arg);
    ok(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    ok(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(write(gate[1], "", 1), 1);
    close(gate[0]);
    close(gate[1]);
    while (traced_next(pid, &result)) {
    }
    traced_finish_call(pid);
    return pid;
}

void
traced_let_go(pid_t pid)
{
    ok(ptrace(PTRACE_DETACH, pid, NULL, NULL));
    join(pid);
}

void
traced_kill(pid_t pid)
{
    ok(kill(pid, SIGKILL));
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* How far the clock of this process alone is wrong. A test must not change the clock of the
   machine. */
static time_t step;

#ifdef SYS_clock_gettime
int
clock_gettime(clockid_t clock, struct timespec *now)
{
    int r = (int)syscall(SYS_clock_gettime, clock, now);

    if (r == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += step;
    return r;
}
#endif

void
collect_at_odd_times(unsigned flags)
{
    static const time_t steps[] = { 0, HOUR, -HOUR, HOUR };
    size_t              k;

    for (k = 0; k < sizeof steps / sizeof *steps; k++) {
        step = steps[k];
        ok(shmx_collect(flags, NULL, NULL, NULL));
    }
    step = 0;
}

void
make_segment(const char *name, unsigned flags, const char *text)
{
    struct shmx *seg;

    ok(shmx_create(name, SIZE, 0666, flags, &seg));
    ck_assert_int_eq(shmx_write(seg, text, strlen(text) + 1, 0), (ssize_t)strlen(text) + 1);
    shmx_close(seg);
}

void
assert_leads_to(const char *name, const char *text)
{
    struct shmx *seg;
    char         found[16] = "";
    int          r = shmx_open(name, 0, &seg);

    ck_assert_msg(r == 0, "%s: %s", name, shmx_strerror(r));
    ck_assert_int_eq(shmx_read(seg, found, sizeof found, 0), sizeof found);
    ck_assert_str_eq(found, text);
    shmx_close(seg);
}

bool
is_removing(void)
{
    int  fd = open("/dev/shm", O_RDONLY | O_CLOEXEC);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) < 0;

    close(fd);
    return locked;
}

bool
has_entry(const char *entry)
{
    char        path[64];
    struct stat st;

    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    return lstat(path, &st) == 0;
}

const char *
hidden_entry(void)
{
    static char    path[300];
    struct dirent *d;
    DIR           *dir = opendir("/dev/shm");
    bool           found = false;

    while (!found && (d = readdir(dir)) != NULL) {
        found = strncmp(d->d_name, ".shmx-", 6) == 0;
        snprintf(path, sizeof path, "/dev/shm/%s", d->d_name);
    }
    closedir(dir);
    return found ? path : NULL;
}

int
count_segments(void)
{
    struct shm_info info;

    ck_assert_int_ge(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), 0);
    return info.used_ids;
}

/* What a killed process holds may take a moment to go. */
void
collect_all(int expected_segments)
{
    int k;

    for (k = 0; k < 2000 && (hidden_entry() != NULL || count_segments() > expected_segments); k++) {
        ok(shmx_collect(0, NULL, NULL, NULL));
        usleep(k < 10 ? 0 : 1000);
    }
    ck_assert_pstr_eq(hidden_entry(), NULL);
    ck_assert_int_eq(count_segments(), expected_segments);
}
