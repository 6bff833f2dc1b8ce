/* SPDX-License-Identifier: BSD-2-Clause */
/* Where mappings go: to addresses that are wanted, or to aligned ones. */
#ifndef SHMX_PLACE_H
#define SHMX_PLACE_H

#include "huge.h"

#include <stdint.h>

/* Move a mapping, with pages of that size, into its place, where it may happen to be already, in
   part or as a whole. Returns where it is, also if it failed. */
int shmx_place_move(void **base, size_t length, size_t page, void *target);

/* Move a new mapping of a segment to where it can have huge pages, unless the segment is too small
   for one, or there are no addresses for that. With SHMX_HUGE or SHMX_HUGE_ONLY among the flags ask
   for huge pages, too: for the whole mapping, because the kernel would split off a part and count
   it as another attachment of a System V segment. Returns where the mapping is. */
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
