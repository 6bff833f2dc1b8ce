/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving mappings, to a given address or to an aligned one. */
#ifndef SHMX_PLACE_H
#define SHMX_PLACE_H

#include "huge.h"

#include <stdint.h>

/* Moves a mapping with pages of that size to target. The mapping may overlap target already, or be
   there. *base is the address of the mapping afterwards, also if the function failed. */
int shmx_place_move(void **base, size_t length, size_t page, void *target);

/* Moves a new mapping of a segment to an address at which it can have huge pages, and returns the
   address. The mapping stays if the segment is too small for a huge page, or if there are no such
   addresses. If the flags have SHMX_HUGE or SHMX_HUGE_ONLY, huge pages are asked for, too. That is
   done for the whole mapping: the kernel would split off a part, and count the part as another
   attachment of a System V segment. */
void *shmx_place_align(void *base, size_t length, uint64_t offset, uint64_t segment_size,
                       unsigned flags);

static inline void *
place_align(void *base, size_t length, uint64_t offset, uint64_t segment_size, unsigned flags)
{
    return segment_size < HUGE_PAGE_LEAST
               ? base
               : shmx_place_align(base, length, offset, segment_size, flags);
}

#endif
