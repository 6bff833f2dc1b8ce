/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60000 /* milliseconds without a system call, after which the child hangs */
#define ENDLESS  50000 /* the number of system calls after which the child never ends */

/* The child, as this process sees it. */
struct child {
    pid_t pid;
    int   pidfd, listener, meeting;
};

static void
take_listener(struct child *child)
{
    struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };

    while (shared->listener < 0 && poll(&ended, 1, 0) == 0)
        usleep(20);
    child->listener = shared->listener < 0
                          ? -1
                          : (int)syscall(SYS_pidfd_getfd, child->pidfd, shared->listener, 0);
}

/* Lets the stopped system call go on, or fail. */
static void
answer(int listener, const struct seccomp_notif *call, int error)
{
    struct seccomp_notif_resp resp = { .id = call->id, .error = -error };

    if (error == 0)
        resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* Returns the error with which the last call must fail, or 0. /proc shows more or less of other
   processes, so there may be one call more or less than in the rehearsal. Another kind of call does
   not fail because of that. */
static int
decide(const struct plan *plan, struct trace *trace)
{
    if (plan->kind == NULL || trace->count < plan->fail_from || trace->failed >= plan->times
        || faults_find(&trace->calls[trace->count - 1]) != plan->kind)
        return 0;
    trace->failed++;
    return plan->error;
}

static void
attend(const struct scenario *s, const struct child *child, const struct plan *plan,
       struct trace *trace)
{
    struct pollfd        waiting = { .fd = child->listener, .events = POLLIN };
    struct seccomp_notif call;
    int                  error, made = 0;

    while (poll(&waiting, 1, PATIENCE) == 1 && (waiting.revents & POLLIN)) {
        memset(&call, 0, sizeof call);
        if (ioctl(child->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
            continue;
        error = 0;
        if (shared->phase == CALLING && ++made > ENDLESS) {
            complain("it makes no end of system calls", "");
            kill(child->pid, SIGKILL);
            break;
        }
        if (shared->phase == CALLING && trace->count < CALLS) {
            trace->calls[trace->count++] = call.data;
            error = decide(plan, trace);
            if (error != 0)
                shared->excuse |= faults_excuse(faults_find(&call.data), error);
            if (trace->count == plan->intrude_at)
                inspector_intrude(s, plan->intruder);
        }
        if (plan->kill_at > 0 && (trace->count == plan->kill_at || shared->phase == DONE))
            kill(child->pid, SIGKILL); /* without an answer, because otherwise it might still make
                                          the call */
        else
            answer(child->listener, &call, error);
    }
}

/* The child waits until the inspector has looked at what it has made, or it has nothing to show. */
static void
meet(const struct child *child, const struct scenario *s)
{
    struct pollfd waiting[] = { { .fd = child->meeting, .events = POLLIN },
                                { .fd = child->pidfd, .events = POLLIN } };
    char          c;

    if (poll(waiting, 2, PATIENCE) <= 0 || !(waiting[0].revents & POLLIN))
        return;
    if (read(child->meeting, &c, 1) == 1)
        inspector_look(s);
    if (write(child->meeting, "", 1) == 1)
        poll(&waiting[1], 1, PATIENCE);
}

static void
end_keeper(void)
{
    if (shared->keeper <= 0)
        return;
    kill(shared->keeper, SIGKILL);
    waitpid(shared->keeper, NULL, 0); /* this process inherits it when its parent is gone */
}

static void
begin(const struct scenario *s, struct child *child)
{
    int line[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
        exit(1);
    child->pid = fork();
    if (child->pid == 0) {
        close(line[0]);
        child_run(s, line[1]);
    }
    close(line[1]);
    child->meeting = line[0];
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
}

int
run_scenario(const struct scenario *s, const struct plan *plan, struct trace *trace)
{
    struct child child;
    int          status = 0;

    memset(shared, 0, sizeof *shared);
    shared->listener = -1;
    shared->rehearsal =
        plan->fail_from + plan->fail_allocation + plan->kill_at + plan->intrude_at == 0;
    trace->count = trace->failed = 0;
    fail_allocation = plan->fail_allocation;
    begin(s, &child);
    take_listener(&child);
    if (child.listener >= 0)
        attend(s, &child, plan, trace);
    close(child.listener);
    meet(&child, s);
    kill(child.pid, SIGKILL); /* in case it hangs */
    waitpid(child.pid, &status, 0);
    close(child.meeting);
    close(child.pidfd);
    if (plan->kill_at > 0)
        inspector_search(s);
    end_keeper();
    inspector_inspect(s);
    return status;
}
