/* SPDX-License-Identifier: BSD-2-Clause */
/* Through a segment that both have attached, and through a pair of sockets. */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "shmx.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST (1 << 20)

struct channel {
    _Atomic unsigned turn; /* odd: the other's */
    char             text[MOST];
};

struct line {
    struct channel *channel; /* NULL: by socket */
    int             fd;
    size_t          size;
    char           *mine;
};

static void
await_turn(struct channel *c, unsigned parity)
{
    unsigned turn;

    while (((turn = atomic_load(&c->turn)) & 1) != parity)
        syscall(SYS_futex, &c->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
}

static void
pass_turn(struct channel *c)
{
    atomic_fetch_add(&c->turn, 1);
    syscall(SYS_futex, &c->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
move(const struct line *line, bool sending)
{
    size_t  done = 0;
    ssize_t n;

    while (done < line->size) {
        n = sending ? write(line->fd, line->mine + done, line->size - done)
                    : read(line->fd, line->mine + done, line->size - done);
        if (n <= 0)
            _exit(n < 0 && errno != EPIPE);
        done += (size_t)n;
    }
}

/* Copied in, copied out over there, and the same back. */
static void
exchange(void *arg)
{
    const struct line *line = arg;

    if (line->channel == NULL) {
        move(line, true);
        move(line, false);
        return;
    }
    memcpy(line->channel->text, line->mine, line->size);
    pass_turn(line->channel);
    await_turn(line->channel, 0);
    memcpy(line->mine, line->channel->text, line->size);
}

static void
answer(const struct line *line)
{
    for (;;) {
        if (line->channel == NULL) {
            move(line, false);
            move(line, true);
            continue;
        }
        await_turn(line->channel, 1);
        memcpy(line->mine, line->channel->text, line->size);
        memcpy(line->channel->text, line->mine, line->size);
        pass_turn(line->channel);
    }
}

static pid_t
start(struct line *line)
{
    int   pair[2] = { -1, -1 };
    pid_t pid;

    line->mine = calloc(1, MOST);
    if (line->mine == NULL
        || (line->channel == NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0))
        bench_fail("socketpair");
    pid = fork();
    line->fd = pair[pid == 0];
    if (pid == 0)
        answer(line);
    return pid;
}

static void
compare(size_t size, struct channel *posix, struct channel *sysv, int rounds)
{
    struct line   lines[] = { { .size = size },
                              { .channel = posix, .size = size },
                              { .channel = sysv, .size = size } };
    const char   *names[] = { "socket pair", "libshmx posix", "libshmx sysv" };
    struct sample samples[3];
    pid_t         pids[3];
    char          title[64];
    int           i;

    for (i = 0; i < 3; i++) {
        pids[i] = start(&lines[i]);
        samples[i] = (struct sample){ .name = names[i], .run = exchange, .arg = &lines[i] };
    }
    measure(samples, 3, rounds);
    snprintf(title, sizeof title, "a message of %zu bytes there and back", size);
    report(title, samples, 3);
    for (i = 0; i < 3; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
        close(lines[i].fd);
        free(lines[i].mine);
    }
}

void
bench_messages(int rounds)
{
    struct shmx *segs[2];
    void        *addrs[2];
    int          i, r;

    for (i = 0; i < 2; i++) {
        r = shmx_create(NULL, sizeof(struct channel), 0600,
                        i == 0 ? SHMX_POSIX : SHMX_SYSV | SHMX_EPHEMERAL, &segs[i]);
        if (r == 0)
            r = shmx_attach(segs[i], SHMX_POPULATE, &addrs[i]);
        if (r < 0)
            bench_fail(shmx_strerror(r));
    }
    compare(64, addrs[0], addrs[1], rounds);
    compare(MOST, addrs[0], addrs[1], rounds);
    shmx_close(segs[0]);
    shmx_close(segs[1]);
}
