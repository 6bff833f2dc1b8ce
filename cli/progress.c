/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 0.5 /* seconds before the first line */
#define EVERY    0.2 /* seconds between two lines */

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
progress_begin(struct progress *p, const char *verb, uint64_t total)
{
    *p = (struct progress){ .verb = verb, .total = total, .start = now() };
    if (!isatty(STDERR_FILENO))
        p->verb = NULL;
}

/* The line leaves the last column of the terminal free, because a line that wraps could not be
   replaced. */
static void
put_line(const char *line)
{
    struct winsize window;
    int            width = 79;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        width = window.ws_col - 1;
    fprintf(stderr, "\r%.*s\033[K", width, line);
}

static void
show(struct progress *p, double elapsed)
{
    const double rate = (double)p->done / elapsed;
    const double left = p->total > p->done ? (double)(p->total - p->done) / rate : 0;
    char         done[16], total[16], speed[16], line[128];

    format_size(p->done, false, done, sizeof done);
    format_size((uint64_t)rate, false, speed, sizeof speed);
    format_size(p->total, false, total, sizeof total);
    if (p->total == 0)
        snprintf(line, sizeof line, "%s %s  %s/s", p->verb, done, speed);
    else
        snprintf(line, sizeof line, "%s %s of %s  %3.0f%%  %s/s  %.0f:%02.0f left", p->verb, done,
                 total, 100.0 * (double)p->done / (double)p->total, speed,
                 (double)(long)(left / 60), (double)((long)left % 60));
    put_line(line);
}

void
progress_add(struct progress *p, uint64_t bytes)
{
    double time;

    p->done += bytes;
    if (p->verb == NULL)
        return;
    time = now();
    if (time - p->start < PATIENCE || time - p->shown < EVERY)
        return;
    p->shown = time;
    show(p, time - p->start);
}

void
progress_end(struct progress *p)
{
    if (p->verb != NULL && p->shown > 0)
        fputs("\r\033[K", stderr);
}
