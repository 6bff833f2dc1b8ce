/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TOTAL_H
#define CLI_TOTAL_H

#include "rows.h"

/* The totals have at most this number of lines. */
#define TOTAL_LINES 8

/* Prints the totals, and what else is in /dev/shm. flags says which backends were listed. */
void print_total(const struct rows *rows, const struct uses *uses, unsigned flags);

#endif
