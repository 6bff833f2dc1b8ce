/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages: transparent ones, and those of the hugetlb pool. */
#ifndef SHMX_HUGE_H
#define SHMX_HUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* No machine has smaller ones: nobody asks what is smaller about them. */
#define HUGE_PAGE_LEAST ((size_t)1 << 20)

/* Bytes of a transparent huge page; 0: the kernel has none, or /sys does not tell. */
size_t shmx_huge_page_size(void);

/* The same, if so many bytes have room for one; else 0. */
static inline size_t
huge_page_size_within(size_t size)
{
    const size_t huge = size < HUGE_PAGE_LEAST ? 0 : shmx_huge_page_size();

    return size < huge ? 0 : huge;
}

/*
 * Make huge pages of the whole ones that are in the range, one after the other until one is not to
 * be had. The mapping is aligned to them; the advice is that with which to populate it. Returns 0,
 * or, with less than was asked for, -ENOMEM: no memory in one piece, or -ENOTSUP.
 */
int shmx_huge_fill(char *addr, size_t size, int advice);

/* Bytes of a page of a segment of that size which nobody looks at; 0: unknown. */
static inline uint64_t
huge_page_size_unseen(uint64_t size)
{
    return size < HUGE_PAGE_LEAST ? (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Whether the page at addr, of a file or segment, is in memory. */
bool shmx_huge_is_resident(void *addr);

/* Bytes of the page that is in memory there, where a shared mapping has room for a huge one; 0:
   unknown. */
size_t shmx_huge_page_size_at(char *addr);

/* Bytes of a page of the hugetlb pool, if the mapping at addr is of it; 0: unknown. */
size_t shmx_huge_pool_page_size_at(const void *addr);

#endif
