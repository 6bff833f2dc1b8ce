/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message there and back. Each side builds the message where the other side finds it, or in a
 * buffer that is then written to a descriptor. Each side looks at every cache line of the message.
 */
#include "cases.h"
#include "contender.h"
#include "measure.h"
#include "messenger.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAYS_MOST  16
#define CACHE_LINE 64
#define PAIRS      8
#define EXCHANGES  200 /* by each pair, all pairs at the same time */

static size_t ways;

static const struct messenger *
way_of(size_t k)
{
    return k < messengers_count ? &messengers[k] : boost_messenger;
}

static uint64_t
look_at(const char *message, size_t size)
{
    const uint64_t *words = (const uint64_t *)(const void *)message;
    uint64_t        sum = 0;
    size_t          k;

    for (k = 0; k < size / sizeof *words; k += CACHE_LINE / sizeof *words)
        sum += words[k];
    return sum;
}

static volatile uint64_t seen;

static void
send_message(struct line *line, int me)
{
    memset(line->message, me, line->size);
    line->way->pass(line, me);
}

static void
receive_message(struct line *line, int me)
{
    line->way->await(line, me);
    seen = look_at(line->message, line->size);
}

static void
exchange(void *arg)
{
    send_message(arg, 0);
    receive_message(arg, 0);
}

static void
begin_line(struct line *line, size_t k, size_t size)
{
    *line = (struct line){ .way = way_of(k), .size = size };
    line->way->begin(line);
}

static pid_t
start(struct line *line)
{
    pid_t pid = fork();

    if (pid < 0)
        bench_fail("fork");
    if (pid == 0)
        for (;;) {
            receive_message(line, 1);
            send_message(line, 1);
        }
    return pid;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
compare_running(size_t size, int rounds)
{
    const size_t  all = ways;
    struct line   lines[WAYS_MOST];
    struct sample samples[WAYS_MOST];
    pid_t         pids[WAYS_MOST];
    char          title[80];
    size_t        k;

    for (k = 0; k < all; k++) {
        begin_line(&lines[k], k, size);
        pids[k] = start(&lines[k]);
        samples[k] = (struct sample){ .name = way_of(k)->name, .run = exchange, .arg = &lines[k] };
    }
    measure(samples, all, rounds);
    snprintf(title, sizeof title, "%zu bytes there and back, both running", size);
    report(title, samples, all);
    for (k = 0; k < all; k++) {
        end(pids[k]);
        lines[k].way->end(&lines[k]);
    }
}

/* ---- each side is asleep when the message comes ---- */

static int64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* When a message was sent, how long the last message was on its way, and how long the last one
   there was. */
struct stamps {
    _Atomic int64_t sent, way, there;
};

static void
send_to_sleeper(struct line *line, struct stamps *s, int me)
{
    usleep(300); /* long enough for the other side to fall asleep */
    memset(line->message, me, line->size);
    atomic_store(&s->sent, now());
    line->way->pass(line, me);
}

static void
sleep_until_sent(struct line *line, struct stamps *s, int me)
{
    line->way->await(line, me);
    atomic_store(&s->way, now() - atomic_load(&s->sent));
}

static double
exchange_asleep(struct line *line, struct stamps *s)
{
    send_to_sleeper(line, s, 0);
    sleep_until_sent(line, s, 0);
    return (double)(atomic_load(&s->there) + atomic_load(&s->way));
}

static void
compare_sleeping(int rounds)
{
    const size_t   all = ways;
    const size_t   count = (size_t)rounds * 10;
    struct stamps *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct line    lines[WAYS_MOST];
    struct sample  samples[WAYS_MOST];
    pid_t          pids[WAYS_MOST];
    double        *times = calloc(all * count, sizeof *times);
    size_t         k, round;

    if (s == MAP_FAILED || times == NULL)
        bench_fail("mmap");
    for (k = 0; k < all; k++) {
        begin_line(&lines[k], k, 64);
        pids[k] = fork();
        while (pids[k] == 0) {
            sleep_until_sent(&lines[k], s, 1);
            atomic_store(&s->there, atomic_load(&s->way));
            send_to_sleeper(&lines[k], s, 1);
        }
    }
    for (round = 0; round < count; round++)
        for (k = 0; k < all; k++)
            times[k * count + round] = exchange_asleep(&lines[k], s);
    for (k = 0; k < all; k++) {
        samples[k] = (struct sample){ .name = way_of(k)->name };
        summarise(&samples[k], times + k * count, count);
        end(pids[k]);
        lines[k].way->end(&lines[k]);
    }
    report("64 bytes there and back, each side asleep", samples, all);
    free(times);
    munmap(s, 4096);
}

/* ---- many pairs ---- */

struct crowd {
    struct line lines[PAIRS];
    int         control[PAIRS];
    pid_t       answering[PAIRS], asking[PAIRS];
};

static void
ask(struct line *line, int control)
{
    char c;
    int  k;

    while (read(control, &c, 1) == 1) {
        for (k = 0; k < EXCHANGES; k++)
            exchange(line);
        if (write(control, &c, 1) != 1)
            break;
    }
    _exit(0);
}

static void
begin_crowd(struct crowd *crowd, size_t way)
{
    int k, pair[2];

    for (k = 0; k < PAIRS; k++) {
        begin_line(&crowd->lines[k], way, 64);
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
            bench_fail("socketpair");
        crowd->answering[k] = start(&crowd->lines[k]);
        crowd->asking[k] = fork();
        if (crowd->asking[k] == 0)
            ask(&crowd->lines[k], pair[1]);
        crowd->control[k] = pair[0];
        close(pair[1]);
    }
}

static void
let_crowd_talk(void *arg)
{
    const struct crowd *crowd = arg;
    char                c = 'x';
    int                 k;

    for (k = 0; k < PAIRS; k++)
        if (write(crowd->control[k], &c, 1) != 1)
            bench_fail("write");
    for (k = 0; k < PAIRS; k++)
        if (read(crowd->control[k], &c, 1) != 1)
            bench_fail("read");
}

static void
compare_crowds(int rounds)
{
    const size_t  all = ways;
    struct crowd *crowds = calloc(all, sizeof *crowds);
    struct sample samples[WAYS_MOST];
    char          title[80];
    size_t        k;
    int           i;

    if (crowds == NULL)
        bench_fail("calloc");
    for (k = 0; k < all; k++) {
        begin_crowd(&crowds[k], k);
        samples[k] =
            (struct sample){ .name = way_of(k)->name, .run = let_crowd_talk, .arg = &crowds[k] };
    }
    measure(samples, all, rounds);
    snprintf(title, sizeof title, "%d pairs on two processors, 64 bytes there and back %d times",
             PAIRS, EXCHANGES);
    report(title, samples, all);
    for (k = 0; k < all; k++)
        for (i = 0; i < PAIRS; i++) {
            end(crowds[k].asking[i]);
            end(crowds[k].answering[i]);
            close(crowds[k].control[i]);
            crowds[k].lines[i].way->end(&crowds[k].lines[i]);
        }
    free(crowds);
}

void
bench_messages(int rounds)
{
    ways = messengers_count + (boost_messenger != NULL);
    compare_running(64, rounds);
    compare_running(MESSAGE_MOST, rounds);
    compare_sleeping(rounds);
    compare_crowds(rounds / 4 + 1);
}
