/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SHMX_RANDOM_H
#define SHMX_RANDOM_H

#include <stddef.h>

/* Random bytes, at most 256. 0 or -errno. (arc4random of libbsd takes a lock that a child of fork
   may find taken.) */
int random_fill(void *buf, size_t size);

#endif
