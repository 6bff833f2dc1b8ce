/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets share: the function that libFuzzer and replay.c call, and the way to
   complain. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The condition must hold whatever the input is. */
#define must(condition) ((condition) ? (void)0 : fuzz_complain(#condition, __FILE__, __LINE__))

static inline void
fuzz_complain(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* A regular expression, which is compiled when it is first needed. */
struct pattern {
    const char *text;
    regex_t     compiled;
    int         ready;
};

static inline int
fuzz_matches(struct pattern *pattern, const char *text, size_t count, regmatch_t *matches)
{
    if (!pattern->ready)
        must(regcomp(&pattern->compiled, pattern->text, REG_EXTENDED) == 0);
    pattern->ready = 1;
    return regexec(&pattern->compiled, text, count, matches, 0) == 0;
}

#endif
