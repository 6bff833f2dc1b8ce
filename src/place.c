/* SPDX-License-Identifier: BSD-2-Clause */
#include "place.h"

#include "failure.h"
#include "segment.h"

#include <errno.h>
#include <sys/mman.h>

static int
move(void **base, size_t length, void *to)
{
    if (mremap(*base, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
        return failure();
    *base = to;
    return 0;
}

/* Moves the mapping to an address that is a multiple of align plus phase, and that does not overlap
   the range to be avoided. The function first takes a range of addresses that is so large that the
   mapping fits in somewhere. */
static int
move_aside(void **base, size_t length, size_t align, uint64_t phase, const char *avoid)
{
    const size_t room = align + (avoid == NULL ? length : 3 * length);
    char        *start, *to;
    int          r;

    if (length > SIZE_MAX / 4)
        return -ENOMEM;
    start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return failure();
    to = start + (((uintptr_t)phase - (uintptr_t)start) & (align - 1));
    if (avoid != NULL && segment_overlap(to, length, avoid, length))
        to += 2 * length;
    r = move(base, length, to);
    munmap(start, r < 0 ? room : (size_t)(to - start));
    if (r == 0)
        munmap(to + length, (size_t)(start + room - to) - length);
    return r;
}

int
shmx_place_move(void **base, size_t length, size_t page, void *target)
{
    int r = 0;

    if (*base == target)
        return 0;
    if (segment_overlap(*base, length, target, length))
        r = move_aside(base, length, page, 0, target);
    return r < 0 ? r : move(base, length, target);
}

void *
shmx_place_align(void *base, size_t length, uint64_t offset, uint64_t segment_size, unsigned flags)
{
    const size_t page = huge_page_size_within(segment_size);

    if (page == 0)
        return base;
    if ((((uintptr_t)base - offset) & (page - 1)) != 0)
        move_aside(&base, length, page, offset, NULL);
    if (flags & (SHMX_HUGE | SHMX_HUGE_ONLY))
        madvise(base, length, MADV_HUGEPAGE);
    return base;
}
