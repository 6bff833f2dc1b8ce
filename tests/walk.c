/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk faults|allocations|kills|calls [SCENARIO]: every use of the library in scenarios.c, again
 * and again in a child of its own, whose system calls stop for us (seccomp_unotify(2)):
 *
 *   faults       each system call fails, with each error that its manual page lists; once, and
 *                three times in a row
 *   allocations  each allocation of memory fails
 *   kills        the child is killed before each system call and after the last
 *   calls        nothing; prints which system calls there are
 *
 * A call that fails returns an error that shmx.h documents for it, writes to no output, and leaves
 * names, segments, descriptors and mappings as they were. Afterwards what has the name is complete,
 * collecting leaves nothing, and the name can be used again. To be run by world.
 */
#include "faults.h"
#include "scenarios.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 512 /* of one scenario, at most */

static const struct {
    const char *function;
    int         error;
} documented[] = {
#include "documented.h"
};

enum phase { PREPARING, CALLING, DONE };

/* What the child and we share. */
static struct {
    _Atomic int        listener; /* its descriptor, once it is there */
    _Atomic enum phase phase;
    _Atomic int        allocations; /* made while CALLING */
    int64_t            result;
    bool               excused; /* the fault is one that must leave something */
    char               complaint[512];
} * shared;

/* What is to happen in a run. Counted from 1; 0: never. */
struct plan {
    int fail_from, times, error;
    int fail_allocation;
    int kill_at;
};

/* The system calls of a run, in order. */
struct trace {
    int                 count;
    struct seccomp_data calls[CALLS];
};

static int failures, runs, rehearsals, fail_allocation;

static bool
is_documented(const char *function, int64_t error)
{
    size_t i;

    for (i = 0; i < sizeof documented / sizeof *documented; i++)
        if (strcmp(documented[i].function, function) == 0 && documented[i].error == error)
            return true;
    return false;
}

/* Memory: the C library's, but for the one that is to fail. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool
is_refused(void)
{
    if (shared == NULL || shared->phase != CALLING || ++shared->allocations != fail_allocation)
        return false;
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(old, size);
}

/* The state of the world as a text. */

static void
append_entry(char *text, size_t size, const char *entry)
{
    char        path[512], target[256] = "";
    struct stat st;
    size_t      used = strlen(text);

    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    if (lstat(path, &st) < 0)
        return;
    if (readlink(path, target, sizeof target - 1) < 0)
        target[0] = '\0';
    snprintf(text + used, size - used, "%s inode %lu mode %o owner %u size %ld %s\n", entry,
             (unsigned long)st.st_ino, (unsigned)st.st_mode, (unsigned)st.st_uid, (long)st.st_size,
             target);
}

static void
append_segments(char *text, size_t size)
{
    char          line[512];
    int           key, id, attached;
    unsigned      mode, uid;
    unsigned long bytes;
    size_t        used;
    FILE         *f = fopen("/proc/sysvipc/shm", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        used = strlen(text);
        if (sscanf(line, "%d %d %o %lu %*d %*d %d %u", &key, &id, &mode, &bytes, &attached, &uid)
            == 6)
            snprintf(text + used, size - used, "segment %d key %#x mode %o size %lu owner %u\n", id,
                     (unsigned)key, mode, bytes, uid);
    }
    if (f != NULL)
        fclose(f);
}

static void
append_mappings(char *text, size_t size)
{
    char   line[1024];
    int    count = 0;
    size_t used = strlen(text);
    FILE  *f = fopen("/proc/self/maps", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        count += strstr(line, "/dev/shm/") != NULL || strstr(line, "/SYSV") != NULL;
    if (f != NULL)
        fclose(f);
    snprintf(text + used, size - used, "%d mappings\n", count);
}

/* Names, segments; and, unless it is somebody else's, descriptors and mappings. */
static void
describe_world(char *text, size_t size, bool own)
{
    struct dirent **entries;
    int             i, n;

    *text = '\0';
    n = scandir("/dev/shm", &entries, NULL, alphasort);
    for (i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
            append_entry(text, size, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    append_segments(text, size);
    if (!own)
        return;
    n = dup(0); /* the lowest that is free: one more open, and it is another */
    close(n);
    snprintf(text + strlen(text), size - strlen(text), "next descriptor %d\n", n);
    append_mappings(text, size);
}

/* The child. */

static void
complain(const char *what, const char *more)
{
    if (*shared->complaint == '\0')
        snprintf(shared->complaint, sizeof shared->complaint, "%s: %.400s", what, more);
}

static void
stop_at_system_calls(void)
{
    struct sock_filter filter[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
    struct sock_fprog  program = { 1, filter };

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    shared->listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* Without the entries, which come first, if they may go. */
static const char *
skip_entries(const struct scenario *s, const char *world)
{
    const char *rest = may_lose_names(s) ? strstr(world, "next descriptor") : world;

    return rest == NULL ? world : rest;
}

static void
run_child(const struct scenario *s)
{
    static char    before[8192], after[8192];
    struct outputs untouched;
    int64_t        r;

    memset(&outputs, 0x5a, sizeof outputs);
    outputs.stream = NULL;
    s->prepare(s);
    untouched = outputs;
    stop_at_system_calls();
    describe_world(before, sizeof before, true);
    shared->phase = CALLING;
    r = s->call(s);
    shared->phase = DONE;
    shared->result = r;
    if (r < 0) {
        describe_world(after, sizeof after, true);
        if (!is_documented(s->function, r))
            complain("an error that is not documented", strerrorname_np((int)-r));
        if (memcmp(&untouched, &outputs, sizeof outputs) != 0)
            complain("an output was written to", "");
        if (!shared->excused && strcmp(skip_entries(s, before), skip_entries(s, after)) != 0)
            complain("something is left or gone", after);
    }
    put_away(r >= 0 && outputs.seg != untouched.seg);
    exit(0);
}

/* The parent. */

static int
take_listener(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1, status;

    while (shared->listener < 0 && waitpid(pid, &status, WNOHANG) == 0)
        usleep(20);
    if (shared->listener >= 0)
        fd = (int)syscall(SYS_pidfd_getfd, pidfd, shared->listener, 0);
    close(pidfd);
    return fd;
}

/* Let the stopped system call go on, or fail. */
static void
answer(int listener, const struct seccomp_notif *call, int error)
{
    struct seccomp_notif_resp resp = { .id = call->id, .error = -error };

    if (error == 0)
        resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* The error with which the call is to fail, or 0. */
static int
decide(const struct plan *plan, const struct trace *trace, int *failed)
{
    if (plan->fail_from == 0 || trace->count < plan->fail_from || *failed >= plan->times)
        return 0;
    if (faults_find(&trace->calls[trace->count - 1])
        != faults_find(&trace->calls[plan->fail_from - 1]))
        return 0;
    ++*failed;
    return plan->error;
}

static void
attend(int listener, pid_t pid, const struct plan *plan, struct trace *trace)
{
    struct pollfd        waiting = { .fd = listener, .events = POLLIN };
    struct seccomp_notif call;
    int                  failed = 0, error;

    while (poll(&waiting, 1, 10000) == 1 && (waiting.revents & POLLIN)) {
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
            continue;
        error = 0;
        if (shared->phase == CALLING && trace->count < CALLS) {
            trace->calls[trace->count++] = call.data;
            error = decide(plan, trace, &failed);
            if (error != 0 && faults_excuse(faults_find(&call.data), error))
                shared->excused = true;
        }
        if (plan->kill_at > 0
            && (trace->count == plan->kill_at
                || (shared->phase == DONE && trace->count == plan->kill_at - 1)))
            kill(pid, SIGKILL);
        answer(listener, &call, error);
    }
}

/* Returns the status of the child, and in *trace what it did. */
static int
run(const struct scenario *s, const struct plan *plan, struct trace *trace)
{
    int   status = 0, listener;
    pid_t pid;

    memset(shared, 0, sizeof *shared);
    shared->listener = -1;
    trace->count = 0;
    fail_allocation = plan->fail_allocation;
    runs++;
    pid = fork();
    if (pid == 0)
        run_child(s);
    listener = take_listener(pid);
    if (listener >= 0)
        attend(listener, pid, plan, trace);
    close(listener);
    kill(pid, SIGKILL); /* should it hang */
    waitpid(pid, &status, 0);
    return status;
}

static void
clear_world(void)
{
    char           path[512], line[512];
    int            id;
    struct dirent *d;
    DIR           *dir = opendir("/dev/shm");
    FILE          *f = fopen("/proc/sysvipc/shm", "re");

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "/dev/shm/%s", d->d_name);
        unlink(path);
    }
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%*d %d", &id) == 1)
            shmctl(id, IPC_RMID, NULL);
    closedir(dir);
    fclose(f);
}

/* What is left when the child is gone. */
static void
inspect(const struct scenario *s)
{
    static char  left[8192];
    const char  *wrong = find_incomplete(s->plain);
    struct shmx *seg;
    int          r;

    if (wrong != NULL)
        complain("what has the name", wrong);
    shmx_remove(WALK_NAME);
    shmx_collect(s->stays || shared->excused ? SHMX_ORPHANS : 0, NULL, NULL);
    describe_world(left, sizeof left, false);
    if (*left != '\0' && !shared->excused)
        complain("left, though collected", left);
    clear_world();
    r = make_complete(s->flags, &seg);
    if (r != 1)
        complain("the name is of no use any more", shmx_strerror(r));
    else
        shmx_destroy(seg);
    if (r == 1)
        shmx_close(seg);
}

static void
report(const struct scenario *s, const char *what)
{
    if (*shared->complaint == '\0')
        return;
    fprintf(stderr, "FAILED: %s: %s: %s\n", s->name, what, shared->complaint);
    failures++;
}

/* Without trouble, to see what there is to walk over. */
static void
rehearse(const struct scenario *s, struct trace *trace)
{
    rehearsals++;
    if (run(s, &(struct plan){ 0 }, trace) != 0 || shared->result < 0)
        complain("does not work when nothing goes wrong",
                 shared->result < 0 ? shmx_strerror((int)shared->result) : "");
    inspect(s);
    report(s, "nothing happened");
}

static void
walk_faults(const struct scenario *s, const struct trace *trace)
{
    const struct fault_kind *kind;
    struct trace             again;
    struct plan              plan = { 0 };
    char                     what[128];
    int                      n;

    for (plan.fail_from = 1; plan.fail_from <= trace->count; plan.fail_from++) {
        kind = faults_find(&trace->calls[plan.fail_from - 1]);
        if (kind == NULL) {
            complain("a system call that nothing is known of", "");
            report(s, faults_name(kind));
            continue;
        }
        for (n = 0; (plan.error = faults_error(kind, s->function, n)) != 0; n++)
            for (plan.times = 1; plan.times <= 3; plan.times++) {
                snprintf(what, sizeof what, "call %d, %s, fails %d times with %s", plan.fail_from,
                         faults_name(kind), plan.times, strerrorname_np(plan.error));
                if (run(s, &plan, &again) != 0)
                    complain("it crashed or hung", "");
                inspect(s);
                report(s, what);
            }
    }
}

static void
walk_allocations(const struct scenario *s, const struct trace *trace)
{
    struct trace again;
    const int    count = shared->allocations;
    struct plan  plan = { 0 };
    char         what[64];

    (void)trace;
    for (plan.fail_allocation = 1; plan.fail_allocation <= count; plan.fail_allocation++) {
        snprintf(what, sizeof what, "allocation %d fails", plan.fail_allocation);
        if (run(s, &plan, &again) != 0)
            complain("it crashed or hung", "");
        inspect(s);
        report(s, what);
    }
}

static void
walk_kills(const struct scenario *s, const struct trace *trace)
{
    struct trace again;
    struct plan  plan = { 0 };
    char         what[64];
    int          status;

    for (plan.kill_at = 1; plan.kill_at <= trace->count + 1; plan.kill_at++) {
        status = run(s, &plan, &again);
        snprintf(what, sizeof what, "killed before call %d, %s", plan.kill_at,
                 plan.kill_at > trace->count
                     ? "the end"
                     : faults_name(faults_find(&trace->calls[plan.kill_at - 1])));
        if (!WIFSIGNALED(status))
            complain("it was not", "");
        inspect(s);
        report(s, what);
    }
}

static void
print_calls(const struct scenario *s, const struct trace *trace)
{
    int i;

    (void)s;
    for (i = 0; i < trace->count; i++)
        printf("%s\n", faults_name(faults_find(&trace->calls[i])));
    fflush(stdout); /* or the next child prints it again */
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*walk)(const struct scenario *s, const struct trace *trace);
    } walks[] = { { "faults", walk_faults },
                  { "allocations", walk_allocations },
                  { "kills", walk_kills },
                  { "calls", print_calls } };
    const size_t           count = sizeof walks / sizeof *walks;
    const struct scenario *s;
    struct trace           trace;
    size_t                 i = 0;

    while (i < count && (argc < 2 || strcmp(argv[1], walks[i].name) != 0))
        i++;
    if (i == count)
        return 2;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    for (s = scenarios; s->name != NULL; s++) {
        if (argc > 2 && strcmp(argv[2], s->name) != 0)
            continue;
        rehearse(s, &trace);
        walks[i].walk(s, &trace);
    }
    if (walks[i].walk == walk_faults)
        faults_explain();
    fprintf(stderr, "%s: %d runs, %d failures\n", argv[1], runs, failures);
    return failures > 0 || runs == 0 || (runs == rehearsals && walks[i].walk != print_calls);
}
