/* SPDX-License-Identifier: BSD-2-Clause */
/* Timing several things in one run, by turns. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

struct sample {
    const char *name;
    const char *lacks; /* NULL if there is nothing to say */
    void (*run)(void *arg);
    void *arg;
    /* Is called before each run and not timed. May be NULL. */
    void (*before)(void *arg);
    /* measure fills in these, in nanoseconds for one run. */
    double median, lower, upper; /* lower and upper are quartiles */
};

/* Times the samples by turns, in many rounds. */
void measure(struct sample *samples, size_t count, int rounds);

/* Computes the median and the quartiles of the values. Sorts the values. */
void summarise(struct sample *sample, double *values, size_t count);

/* Prints what was measured, and compares each sample with the first. */
void report(const char *what, const struct sample *samples, size_t count);

/* Opens the file for the results in JSON. NULL means that there is no such file. */
void report_to(const char *path);
void report_end(void);

#endif
