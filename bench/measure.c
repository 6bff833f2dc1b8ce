/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include "contender.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MOST 1000
#define SAMPLE_NS   1e6 /* the least time for what is timed at once */

static FILE *json;
static int   reported;

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
time_runs(const struct sample *s, int times)
{
    double begin;
    int    i;

    if (s->before != NULL)
        s->before(s->arg);
    begin = now();
    for (i = 0; i < times; i++)
        s->run(s->arg);
    return (now() - begin) / times;
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void
summarise(struct sample *sample, double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    sample->lower = values[count / 4];
    sample->median = values[count / 2];
    sample->upper = values[count * 3 / 4];
}

void
measure(struct sample *samples, size_t count, int rounds)
{
    double *times = calloc(count * ROUNDS_MOST, sizeof *times), once;
    int    *repeat = calloc(count, sizeof *repeat), round;
    size_t  i;

    if (times == NULL || repeat == NULL || rounds > ROUNDS_MOST)
        bench_fail("measure");
    for (i = 0; i < count; i++) {
        time_runs(&samples[i], 1);
        once = time_runs(&samples[i], 1);
        repeat[i] = once > SAMPLE_NS ? 1 : (int)(SAMPLE_NS / once) + 1;
    }
    for (round = 0; round < rounds; round++)
        for (i = 0; i < count; i++) /* each round begins with another sample */
            times[(i + (size_t)round) % count * ROUNDS_MOST + (size_t)round] = time_runs(
                &samples[(i + (size_t)round) % count], repeat[(i + (size_t)round) % count]);
    for (i = 0; i < count; i++)
        summarise(&samples[i], times + i * ROUNDS_MOST, (size_t)rounds);
    free(times);
    free(repeat);
}

void
report_to(const char *path)
{
    json = path == NULL ? NULL : fopen(path, "we");
    if (path != NULL && json == NULL)
        bench_fail(path);
    if (json != NULL)
        fprintf(json, "[");
}

void
report_end(void)
{
    if (json == NULL)
        return;
    fprintf(json, "\n]\n");
    if (fclose(json) == EOF)
        bench_fail("cannot write the results");
}

void
report(const char *what, const struct sample *samples, size_t count)
{
    size_t i;

    printf("\n%s\n", what);
    for (i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        const double         ratio = s->median / samples[0].median;

        printf("  %-24s %12.2f us  (%.2f to %.2f)  %6.3f of %s\n", s->name, s->median / 1e3,
               s->lower / 1e3, s->upper / 1e3, ratio, samples[0].name);
        if (s->lacks != NULL && *s->lacks != '\0')
            printf("    does without: %s\n", s->lacks);
        if (json != NULL)
            fprintf(json,
                    "%s\n  { \"case\": \"%s\", \"contender\": \"%s\", \"median_ns\": %.1f, "
                    "\"lower_ns\": %.1f, "
                    "\"upper_ns\": %.1f, \"ratio\": %.4f, \"against\": \"%s\" }",
                    reported++ ? "," : "", what, s->name, s->median, s->lower, s->upper, ratio,
                    samples[0].name);
    }
    fflush(stdout);
}
