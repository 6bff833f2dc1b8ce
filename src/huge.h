/* SPDX-License-Identifier: BSD-2-Clause */
/* Transparent huge pages for shared memory. */
#ifndef SHMX_HUGE_H
#define SHMX_HUGE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a transparent huge page; 0: the kernel has none. */
size_t shmx_huge_page_size(void);

/* Bytes of a page of the hugetlb pool; 0: the kernel has none. */
size_t shmx_huge_pool_page_size(void);

/* Whether that pool has been given any pages. */
bool shmx_huge_pool_exists(void);

/* Bytes of a page of the mapping that begins at addr; 0: unknown. */
size_t shmx_huge_page_size_at(const void *addr);

/*
 * Ask for huge pages under the mapping and fault them in, one of them if it is to be sparse, as far
 * as there is memory: whoever calls it reserves the rest, or takes the shortage for one. Returns
 * whether any huge page was got.
 */
bool shmx_huge_fill(void *addr, size_t size, bool sparse);

#endif
