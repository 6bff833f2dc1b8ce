/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of System V segments. */
#ifndef SHMX_TABLE_H
#define SHMX_TABLE_H

#include "shmx.h"

#include <stdbool.h>
#include <stddef.h>

/* Tells what the kernel says of the id now, whatever the mode of the segment is. resident stays 0.
   -ENOENT means that there is no such segment. -EACCES means that the mode forbids the question,
   and that /proc is not mounted. */
int shmx_table_examine(int id, struct shmx_stat *st);

/* Gives all segments of this IPC namespace in the order of their ids. The caller frees *rows.
   Returns 0 or a negative errno value. Where /proc is not mounted, there are no rows. */
int shmx_table_read(struct shmx_stat **rows, size_t *count);

/* Returns the row of that id, or NULL. */
struct shmx_stat *shmx_table_search(struct shmx_stat *rows, size_t count, int id);

/* Gives the row of that id, including resident. Returns false if there is none, or if /proc does
   not tell. */
bool shmx_table_find(int id, struct shmx_stat *row);

#endif
