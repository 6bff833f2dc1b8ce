/* SPDX-License-Identifier: BSD-2-Clause */
#include "messenger.h"

#include "contender.h"
#include "shmx.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
share(struct line *line)
{
    line->shared = mmap(NULL, LINE_ROOM + MESSAGE_MOST, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (line->shared == MAP_FAILED)
        bench_fail("mmap");
    line->message = (char *)line->shared + LINE_ROOM;
}

static void
unshare_line(struct line *line)
{
    munmap(line->shared, LINE_ROOM + MESSAGE_MOST);
}

static void
close_ends(struct line *line)
{
    int k;

    for (k = 0; k < 4; k++)
        close(line->ends[k / 2][k % 2]);
    if (line->shared != NULL)
        unshare_line(line);
    else
        free(line->message);
}

/* ---- by descriptor ---- */

static void
begin_sockets(struct line *line)
{
    int pair[2], k;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        bench_fail("socketpair");
    for (k = 0; k < 2; k++) {
        line->ends[k][0] = pair[k];
        line->ends[k][1] = dup(pair[k]);
    }
    line->message = calloc(1, MESSAGE_MOST);
}

static void
begin_pipes(struct line *line)
{
    int there[2], back[2];

    if (pipe(there) < 0 || pipe(back) < 0)
        bench_fail("pipe");
    line->ends[0][0] = back[0];
    line->ends[0][1] = there[1];
    line->ends[1][0] = there[0];
    line->ends[1][1] = back[1];
    line->message = calloc(1, MESSAGE_MOST);
}

static void
begin_events(struct line *line)
{
    const int there = eventfd(0, 0), back = eventfd(0, 0);

    if (there < 0 || back < 0)
        bench_fail("eventfd");
    line->ends[0][0] = back;
    line->ends[0][1] = there;
    line->ends[1][0] = dup(there);
    line->ends[1][1] = dup(back);
    share(line);
}

static void
write_message(struct line *line, int me)
{
    size_t  done = 0;
    ssize_t n;

    for (; done < line->size; done += (size_t)n) {
        n = write(line->ends[me][1], line->message + done, line->size - done);
        if (n <= 0)
            _exit(1);
    }
}

static void
read_message(struct line *line, int me)
{
    size_t  done = 0;
    ssize_t n;

    for (; done < line->size; done += (size_t)n) {
        n = read(line->ends[me][0], line->message + done, line->size - done);
        if (n <= 0)
            _exit(1);
    }
}

static void
write_event(struct line *line, int me)
{
    if (eventfd_write(line->ends[me][1], 1) < 0)
        _exit(1);
}

static void
read_event(struct line *line, int me)
{
    eventfd_t ignored;

    if (eventfd_read(line->ends[me][0], &ignored) < 0)
        _exit(1);
}

/* ---- by a futex, as people write it ---- */

static _Atomic uint32_t *
turn_of(struct line *line)
{
    return line->shared;
}

static void
pass_futex(struct line *line, int me)
{
    (void)me;
    atomic_fetch_add(turn_of(line), 1);
    syscall(SYS_futex, turn_of(line), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
await_futex(struct line *line, int me)
{
    uint32_t turn;

    while (((turn = atomic_load(turn_of(line))) & 1) != (uint32_t)me)
        syscall(SYS_futex, turn_of(line), FUTEX_WAIT, turn, NULL, NULL, 0);
}

/* ---- by semaphores ---- */

static void
begin_semaphores(struct line *line)
{
    share(line);
    sem_init(line->shared, 1, 0);
    sem_init((sem_t *)line->shared + 1, 1, 0);
}

static void
pass_semaphore(struct line *line, int me)
{
    sem_post((sem_t *)line->shared + me);
}

static void
await_semaphore(struct line *line, int me)
{
    while (sem_wait((sem_t *)line->shared + !me) < 0 && errno == EINTR) {
    }
}

/* ---- by libshmx, as shmx_wait(3) shows ---- */

enum { ASLEEP = 1, STEP = 2 };

static void
begin_segment(struct line *line)
{
    int r = shmx_create(NULL, LINE_ROOM + MESSAGE_MOST, 0600, line->way->backend | SHMX_EPHEMERAL,
                        &line->seg);

    if (r == 0)
        r = shmx_attach(line->seg, SHMX_POPULATE, &line->shared);
    if (r < 0)
        bench_fail(shmx_strerror(r));
    line->message = (char *)line->shared + LINE_ROOM;
}

static void
end_segment(struct line *line)
{
    shmx_close(line->seg);
}

static void
pass_segment(struct line *line, int me)
{
    _Atomic uint32_t *turn = turn_of(line);

    (void)me;
    if (atomic_fetch_add(turn, STEP) & ASLEEP) {
        atomic_fetch_and(turn, ~(uint32_t)ASLEEP);
        shmx_wake(line->seg, (uint32_t *)turn, INT_MAX);
    }
}

static void
await_segment(struct line *line, int me)
{
    _Atomic uint32_t *turn = turn_of(line);
    uint32_t          now;

    while (((now = atomic_load(turn)) / STEP & 1) != (uint32_t)me)
        if ((now & ASLEEP) || atomic_compare_exchange_weak(turn, &now, now | ASLEEP))
            shmx_wait(line->seg, (uint32_t *)turn, now | ASLEEP, 0, NULL);
}

const struct messenger messengers[] = {
    { "socket pair", 0, 1, begin_sockets, close_ends, write_message, read_message },
    { "futex by hand", 0, 0, share, unshare_line, pass_futex, await_futex },
    { "pipes", 0, 1, begin_pipes, close_ends, write_message, read_message },
    { "eventfd", 0, 0, begin_events, close_ends, write_event, read_event },
    { "semaphores", 0, 0, begin_semaphores, unshare_line, pass_semaphore, await_semaphore },
    { "libshmx posix", SHMX_POSIX, 0, begin_segment, end_segment, pass_segment, await_segment },
    { "libshmx sysv", SHMX_SYSV, 0, begin_segment, end_segment, pass_segment, await_segment },
};
const size_t messengers_count = sizeof messengers / sizeof *messengers;
