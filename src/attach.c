/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching and detaching. */
#include "failure.h"
#include "place.h"
#include "populate.h"
#include "segment.h"

#include <errno.h>
#include <linux/mman.h> /* MADV_POPULATE_* are not in every C library */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ATTACH_FLAGS                                                                               \
    (SHMX_RDONLY | SHMX_PRIVATE | SHMX_EXEC | SHMX_POPULATE | SHMX_FIXED | SHMX_REPLACE            \
     | SHMX_ROUND | SHMX_ROOM)

static int
choose_range(struct shmx *seg, uint64_t offset, size_t length, struct attachment *a)
{
    const int64_t  size = seg->backend->size(seg);
    const uint64_t whole = a->flags & SHMX_ROOM && length > 0 ? SEGMENT_SIZE_MAX : (uint64_t)size;
    const size_t   delta = (size_t)(offset & (seg->page - 1));

    if (size < 0)
        return (int)size;
    if (whole == 0)
        return -ENODATA;
    if (offset > whole || length > whole - offset || (length == 0 && offset == whole))
        return -ERANGE;
    if ((length != 0 ? length : whole - offset) > PTRDIFF_MAX - delta - seg->page)
        return -ENOMEM; /* a 32-bit address space is smaller than an object may be */
    if (length == 0)
        length = (size_t)(whole - offset);
    a->segment_size = whole;
    a->offset = offset - delta;
    a->length = segment_round_up(seg, delta + length);
    a->filled = a->length;
    if (a->offset + a->length > (uint64_t)size)
        a->filled = a->offset < (uint64_t)size
                        ? segment_round_up(seg, (size_t)(size - (int64_t)a->offset))
                        : 0;
    return 0;
}

static int
choose_address(const struct shmx *seg, const void *wanted, size_t delta, struct attachment *a)
{
    uintptr_t addr = (uintptr_t)wanted;

    if (addr < delta + seg->page)
        return -EINVAL;
    addr -= delta;
    if (a->flags & SHMX_ROUND)
        addr &= ~(seg->page - 1);
    if ((addr & (seg->page - 1)) != 0 || addr > UINTPTR_MAX - a->length)
        return -EINVAL;
    a->base = (void *)addr; /* NOLINT(performance-no-int-to-ptr) */
    return 0;
}

/* Takes the addresses for a fixed attachment, so that no other attachment of this handle can take
   them. */
static int
claim(struct shmx *seg, struct attachment *a)
{
    struct attachment *b;
    const void        *own;
    size_t             length;
    int                r = 0;

    pthread_mutex_lock(&seg->lock);
    own = seg->backend->own(seg, &length);
    if (own != NULL && segment_overlap(a->base, a->length, own, length))
        r = a->flags & SHMX_REPLACE ? -EBUSY : -EEXIST;
    LIST_FOREACH (b, &seg->attachments, link)
        if (segment_overlap(a->base, a->length, b->base, b->length))
            r = a->flags & SHMX_REPLACE ? -EBUSY : -EEXIST;
    if (r == 0)
        LIST_INSERT_HEAD(&seg->attachments, a, link);
    pthread_mutex_unlock(&seg->lock);
    return r;
}

/* Tells the kernel what is wanted of a mapping that is there. */
static int
settle(const struct shmx *seg, const struct attachment *a)
{
    const int advice = a->flags & SHMX_RDONLY ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;

    if (!(a->flags & SHMX_POPULATE) || a->filled == 0)
        return 0;
    if (shmx_populate(a->base, a->filled, advice) == 0)
        return 0;
    if (errno == EINVAL)
        return -ENOTSUP;
    return errno == EFAULT ? seg->backend->shortage : failure();
}

static int
map(struct shmx *seg, struct attachment *a)
{
    int r = seg->backend->map(seg, a);

    if (r < 0)
        return r;
    if (a->flags & SHMX_POPULATE)
        r = seg->backend->reserve(seg, a);
    if (r == 0)
        r = settle(seg, a);
    if (r < 0)
        seg->backend->unmap(seg, a);
    return r;
}

/* Takes the addresses, which must be free, for this process. So the mapping that goes there later
   replaces nothing else. */
static int
reserve_addresses(void *base, size_t length)
{
    void *got = mmap(base, length, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (got == MAP_FAILED)
        return failure();
    if (got == base)
        return 0;
    munmap(got, length); /* a kernel older than 4.17 takes the address for a wish */
    return -EEXIST;
}

/* The mapping is made completely at another place and then moved to the addresses. So a failure
   leaves the old mappings as they were, and the backends need not know of addresses. */
static int
map_fixed(struct shmx *seg, const struct attachment *a)
{
    const bool        replace = a->flags & SHMX_REPLACE;
    struct attachment made = *a; /* other threads look at the range that *a is to have */
    int               r = replace ? 0 : reserve_addresses(a->base, a->length);

    if (r < 0)
        return r;
    r = map(seg, &made);
    if (r == 0 && (a->flags & SHMX_POPULATE) && !(a->flags & SHMX_PRIVATE)) {
        /* A mapping without pages takes its place. To move page tables, the kernel needs memory,
           and may find out that there is none when it has unmapped what was there. */
        seg->backend->unmap(seg, &made);
        made = *a;
        r = seg->backend->map(seg, &made);
    }
    if (r == 0) {
        r = shmx_place_move(&made.base, a->length, seg->page, a->base);
        if (r < 0)
            seg->backend->unmap(seg, &made);
        else
            settle(seg, a); /* The pages are there already. This maps them. */
    }
    if (r < 0 && !replace)
        munmap(a->base, a->length);
    return r;
}

static int
attach(struct shmx *seg, struct attachment *a, size_t delta)
{
    int r;

    if (!(a->flags & SHMX_FIXED)) {
        r = map(seg, a);
        if (r < 0)
            return r;
        pthread_mutex_lock(&seg->lock);
        LIST_INSERT_HEAD(&seg->attachments, a, link);
    } else {
        r = claim(seg, a);
        if (r < 0)
            return r;
        r = map_fixed(seg, a);
        pthread_mutex_lock(&seg->lock);
        if (r < 0)
            LIST_REMOVE(a, link);
    }
    if (r == 0)
        a->addr = (char *)a->base + delta;
    pthread_mutex_unlock(&seg->lock);
    /* This is only a wish. It comes last, because a mapping that has been divided cannot be
       moved. */
    if (r == 0 && a->filled < a->length)
        madvise((char *)a->base + a->filled, a->length - a->filled, MADV_DONTDUMP);
    return r;
}

int
shmx_attach_range(struct shmx *seg, uint64_t offset, size_t length, unsigned flags, void **addr)
{
    struct attachment *a;
    int                r;

    if (seg == NULL || addr == NULL || (flags & ~ATTACH_FLAGS)
        || (!(flags & SHMX_FIXED) && (flags & (SHMX_REPLACE | SHMX_ROUND)))
        || ((flags & SHMX_ROOM) && (flags & SHMX_PRIVATE)))
        return -EINVAL;
    if ((flags & SHMX_ROOM)
        && (seg->backend->resize == NULL || seg->page > (size_t)sysconf(_SC_PAGESIZE)))
        return -ENOTSUP; /* such a mapping would make an object of hugetlbfs grow at once */
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->flags = flags;
    if (!(flags & SHMX_PRIVATE))
        a->flags |= seg->flags & SHMX_RDONLY;
    r = choose_range(seg, offset, length, a);
    if (r == 0 && (flags & SHMX_FIXED))
        r = choose_address(seg, *addr, (size_t)(offset - a->offset), a);
    if (r == 0)
        r = attach(seg, a, (size_t)(offset - a->offset));
    if (r < 0)
        free(a);
    else
        *addr = a->addr;
    return r;
}

int
shmx_attach(struct shmx *seg, unsigned flags, void **addr)
{
    return flags & SHMX_ROOM ? -EINVAL : shmx_attach_range(seg, 0, 0, flags, addr);
}

int
shmx_detach(struct shmx *seg, void *addr)
{
    struct attachment *a;
    int                r;

    if (seg == NULL || addr == NULL)
        return -EINVAL;
    pthread_mutex_lock(&seg->lock);
    LIST_FOREACH (a, &seg->attachments, link)
        if (a->addr == addr)
            break;
    if (a != NULL)
        a->addr = NULL; /* nobody else may take its addresses until it is unmapped */
    pthread_mutex_unlock(&seg->lock);
    if (a == NULL)
        return -EINVAL;
    r = seg->backend->unmap(seg, a);
    pthread_mutex_lock(&seg->lock);
    if (r == 0)
        LIST_REMOVE(a, link);
    else
        a->addr = addr;
    pthread_mutex_unlock(&seg->lock);
    if (r == 0)
        free(a);
    return r;
}
