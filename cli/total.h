/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TOTAL_H
#define CLI_TOTAL_H

#include "rows.h"

/* So many lines at most, that are no segments. */
#define TOTAL_LINES 8

/* What the segments come to, and what else is in /dev/shm. The flags say which backends. */
void print_total(const struct rows *rows, const struct uses *uses, unsigned flags);

#endif
