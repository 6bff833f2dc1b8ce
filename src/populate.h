/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing in the pages of a mapping. */
#ifndef SHMX_POPULATE_H
#define SHMX_POPULATE_H

#include <stddef.h>

/* Does what madvise(2) does with MADV_POPULATE_READ or MADV_POPULATE_WRITE, in pieces: the other
   threads of the process cannot map anything while the kernel is at work on a piece. */
int shmx_populate(void *addr, size_t size, int advice);

#endif
