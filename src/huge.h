/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages, transparent ones and those of the hugetlb pool. */
#ifndef SHMX_HUGE_H
#define SHMX_HUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* No machine has smaller huge pages, so nothing need be asked about smaller sizes. */
#define HUGE_PAGE_LEAST ((size_t)1 << 20)

/* Returns the size of a transparent huge page in bytes, or 0 if the kernel has none or /sys does
   not tell. */
size_t shmx_huge_page_size(void);

/* Returns the same if so many bytes have room for a huge page, otherwise 0. */
static inline size_t
huge_page_size_within(size_t size)
{
    const size_t huge = size < HUGE_PAGE_LEAST ? 0 : shmx_huge_page_size();

    return size < huge ? 0 : huge;
}

/*
 * Makes huge pages in the range, one after the other, until the next one cannot be had. Only whole
 * huge pages in the range count. The mapping is aligned to huge pages, and advice is the one that
 * populates the mapping. Returns 0, or, if there are fewer huge pages than that, -ENOMEM (there is
 * no memory in one piece) or -ENOTSUP.
 */
int shmx_huge_fill(char *addr, size_t size, int advice);

/* Returns the page size of a segment of that size without a look at the segment, or 0 if nobody can
   tell. */
static inline uint64_t
huge_page_size_unseen(uint64_t size)
{
    return size < HUGE_PAGE_LEAST ? (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Returns whether the page at addr, of a file or of a segment, is in memory. */
bool shmx_huge_is_resident(void *addr);

/* Returns the size of the page that is in memory at addr, or 0 if nobody can tell. The mapping is
   shared, and a huge page has room at addr. */
size_t shmx_huge_page_size_at(char *addr);

/* Returns the page size of the hugetlb pool to which the mapping at addr belongs, or 0 if nobody
   can tell. */
size_t shmx_huge_pool_page_size_at(const void *addr);

#endif
