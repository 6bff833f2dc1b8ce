/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of System V segments. */
#ifndef SHMX_TABLE_H
#define SHMX_TABLE_H

#include "shmx.h"

#include <stdbool.h>
#include <stddef.h>

/* What the kernel says of that id now, whatever the segment's mode. resident is left at 0. -ENOENT:
   there is none. -EACCES: the mode keeps it secret, and /proc is not there to ask instead. */
int shmx_table_examine(int id, struct shmx_stat *st);

/* All segments of this IPC namespace by id, in *rows (to be freed) and *count. 0 or -errno; none
   where /proc is not there. */
int shmx_table_read(struct shmx_stat **rows, size_t *count);

/* The row of that id among those, or NULL. */
struct shmx_stat *shmx_table_search(struct shmx_stat *rows, size_t count, int id);

/* The row of that id, with resident; false: there is none, or /proc does not tell. */
bool shmx_table_find(int id, struct shmx_stat *row);

#endif
