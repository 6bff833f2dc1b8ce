/* SPDX-License-Identifier: BSD-2-Clause */
/* Timing several things in one run, interleaved. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

struct sample {
    const char *name;
    const char *lacks; /* NULL: nothing to say */
    void (*run)(void *arg);
    void *arg;
    /* What is to be done before each run, and takes no part of its time. */
    void (*before)(void *arg);
    /* Filled in by measure, nanoseconds for one run: */
    double median, lower, upper; /* the quartiles */
};

/* Time each in turn, in many rounds. */
void measure(struct sample *samples, size_t count, int rounds);

/* The median and the quartiles of so many values, which are sorted. */
void summarise(struct sample *sample, double *values, size_t count);

/* Write down what was measured, against the first. */
void report(const char *what, const struct sample *samples, size_t count);

/* Where to write JSON; NULL: nowhere. */
void report_to(const char *path);
void report_end(void);

#endif
