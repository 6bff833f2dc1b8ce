/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a segment as soon as it exists. */
#include "deadline.h"
#include "directory.h"
#include "segment.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Milliseconds between two looks. SELDOM is for waiting where an event will tell. OFTEN is for
   waiting where no event will: for something to become usable, for a key, or with a kernel that
   gives no events. */
#define SELDOM 100
#define OFTEN  5

/*
 * Makes the kernel report events of the directory that is mounted at the path now. Events that are
 * queued already are of no interest any more. Returns the watch, or -1 if there will be no events.
 */
static int
watch(int events)
{
    char passed[4096];

    while (events >= 0 && read(events, passed, sizeof passed) > 0) {
    }
    return events < 0 ? -1 : inotify_add_watch(events, DIRECTORY, IN_CREATE | IN_MOVED_TO);
}

static int
look(const char *name, unsigned flags, struct shmx **out)
{
    struct shmx *seg;
    int          r = shmx_open(name, flags, &seg);

    if (r < 0)
        return r;
    if (shmx_size(seg) == 0) { /* a program has made the object, and sizes it later */
        shmx_close(seg);
        return -ENODATA;
    }
    *out = seg;
    return 0;
}

static bool
may_change(int error)
{
    return error == -ENOENT || error == -ENODATA || error == -EACCES || error == -EBUSY;
}

/* Sleeps until something happens in the directory, but not for long. Meanwhile the thread has that
   mask of signals. */
static int
pause_until(int events, bool seldom, int64_t deadline, const sigset_t *signals)
{
    struct pollfd   wanted = { .fd = events, .events = POLLIN };
    const int64_t   left = deadline - deadline_now();
    int64_t         pause = (seldom ? SELDOM : OFTEN) * MILLISECOND;
    struct timespec time;

    if (pause > left)
        pause = left > 0 ? left : 0;
    time = deadline_time(pause);
    return ppoll(&wanted, seldom, &time, signals) < 0 && errno == EINTR ? -EINTR : 0;
}

/* Returns what the last error means when the time is over. */
static int
too_late(int error)
{
    return error == -ENOENT ? -ETIMEDOUT : error;
}

static int
wait_for(const char *name, unsigned flags, int64_t deadline, int events, const sigset_t *signals,
         struct shmx **seg)
{
    int r, watched, interrupted = 0;

    for (;;) {
        watched = watch(events);
        r = look(name, flags, seg);
        if (r == 0 && watched >= 0)
            inotify_rm_watch(events, watched);
        if (!may_change(r))
            return r;
        if (interrupted < 0)
            return interrupted;
        if (deadline_now() >= deadline)
            return too_late(r);
        interrupted = pause_until(events, watched >= 0 && r == -ENOENT, deadline, signals);
    }
}

/* Blocks signals, so that a signal that arrives between two pauses ends the next one. A sandbox may
   need SIGSYS at once. */
static void
hold_signals(sigset_t *before)
{
    sigset_t held;

    sigfillset(&held);
    sigdelset(&held, SIGSYS);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

int
shmx_open_wait(const char *name, unsigned flags, const struct timespec *timeout, struct shmx **seg)
{
    NO_CANCELLATION;
    struct reference ref;
    sigset_t         before;
    int64_t          deadline;
    int              events, r;

    if (name == NULL || seg == NULL || (flags & ~(SHMX_RDONLY | SHMX_OWNED))
        || !deadline_after(timeout, &deadline))
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r < 0)
        return r;
    r = look(name, flags, seg);
    if (!may_change(r))
        return r;
    if (deadline_now() >= deadline)
        return too_late(r);
    /* If inotify(7) is at one of its limits, the name is looked for more often. */
    events = ref.kind == REFERENCE_NAME ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    hold_signals(&before);
    r = wait_for(name, flags, deadline, events, &before, seg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* If the watch has not been removed some time before, closing the descriptor takes the kernel
       about 16 milliseconds. So shmx_close closes it. */
    if (r == 0 && events > 0)
        (*seg)->events = events;
    else if (events >= 0)
        close(events);
    return r;
}
