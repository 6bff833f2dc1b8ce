/* SPDX-License-Identifier: BSD-2-Clause */
/* Every System V segment of this IPC namespace, as /proc/sysvipc/shm has it. */
#ifndef SHMX_TABLE_H
#define SHMX_TABLE_H

#include "shmx.h"

#include <stdbool.h>
#include <sys/shm.h>

/* What struct shmid_ds says, as struct shmx_stat. */
void table_describe(const struct shmid_ds *ds, int id, struct shmx_stat *st);

/* All rows, in *rows (to be freed) and *count. 0 or -errno; none where /proc is not there. */
int table_read(struct shmx_stat **rows, size_t *count);

/* The row of that id; false: none, or /proc does not tell. Rights on the segment play no part. */
bool table_find(int id, struct shmx_stat *row);

#endif
