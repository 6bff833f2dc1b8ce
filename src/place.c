/* SPDX-License-Identifier: BSD-2-Clause */
#include "place.h"

#include "failure.h"
#include "segment.h"

#include <errno.h>
#include <sys/mman.h>

static void *
reserve_addresses(void *base, size_t length, int flags)
{
    return mmap(base, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
                0);
}

int
shmx_place_reserve(void *base, size_t length)
{
    void *got = reserve_addresses(base, length, MAP_FIXED_NOREPLACE);

    if (got == MAP_FAILED)
        return failure();
    if (got == base)
        return 0;
    munmap(got, length); /* a kernel that takes the address for a wish */
    return -EEXIST;
}

/* Move the mapping to an address that is a multiple of align and so many bytes more, and where it
   does not overlap what is to be avoided: to one of the ends of a range that is so large that both
   cannot be in the way. */
static int
move_aside(void **base, size_t length, size_t align, uintptr_t phase, const char *avoid)
{
    size_t room;
    char  *start, *to;
    void  *moved;

    if (__builtin_mul_overflow(length + align, avoid == NULL ? 1 : 3, &room))
        return -ENOMEM;
    start = reserve_addresses(NULL, room, 0);
    if (start == MAP_FAILED)
        return failure();
    to = start + ((phase - (uintptr_t)start) & (align - 1));
    if (avoid != NULL && segment_overlap(to, length, avoid, length))
        to = start + room - length - (((uintptr_t)(start + room) - length - phase) & (align - 1));
    moved = mremap(*base, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (moved == MAP_FAILED)
        to = start + room;
    munmap(start, (size_t)(to - start));
    if (moved == MAP_FAILED)
        return failure();
    munmap(to + length, (size_t)(start + room - to) - length);
    *base = moved;
    return 0;
}

int
shmx_place_move(void **base, size_t length, size_t page, void *target)
{
    int r = 0;

    if (*base == target)
        return 0;
    if (segment_overlap(*base, length, target, length))
        r = move_aside(base, length, page, 0, target);
    if (r == 0
        && mremap(*base, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED)
        r = failure();
    return r;
}

void *
shmx_place_align(void *base, size_t length, uint64_t offset, uint64_t segment_size)
{
    const size_t page = shmx_huge_page_size();

    if (page != 0 && segment_size >= page && (((uintptr_t)base - offset) & (page - 1)) != 0)
        move_aside(&base, length, page, (uintptr_t)offset, NULL);
    return base;
}
