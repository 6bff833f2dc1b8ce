/* SPDX-License-Identifier: BSD-2-Clause */
#include "populate.h"

#include <sys/mman.h>

#define PIECE ((size_t)32 << 20)

int
shmx_populate(void *addr, size_t size, int advice)
{
    char  *at = addr;
    size_t length;

    for (; size > 0; size -= length, at += length) {
        length = size < PIECE ? size : PIECE;
        if (madvise(at, length, advice) < 0)
            return -1;
    }
    return 0;
}
