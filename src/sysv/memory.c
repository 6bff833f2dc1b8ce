/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of System V segments: the hold, attachments and copying. */
#include "../failure.h"
#include "../place.h"
#include "../populate.h"
#include "sysv.h"

#include <errno.h>
#include <linux/mman.h> /* MADV_COLD and MADV_POPULATE_* are not in every C library */
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static size_t
whole_length(const struct sysv *s)
{
    return segment_round_up(&s->seg, s->size);
}

/* Returns the address, or MAP_FAILED with errno set, as shmat(2) does. */
static void *
attach_by_id(const struct sysv *s, unsigned flags)
{
    return shmat(s->id, NULL,
                 (flags & SHMX_RDONLY ? SHM_RDONLY : 0) | (flags & SHMX_EXEC ? SHM_EXEC : 0));
}

int
shmx_sysv_take_hold(struct sysv *s)
{
    void *hold = attach_by_id(s, s->seg.flags);

    if (hold == MAP_FAILED)
        return failure();
    s->hold = hold;
    return 0;
}

static void *
align(const struct sysv *s, void *whole)
{
    return place_align(whole, whole_length(s), 0, s->size, s->seg.flags);
}

/* A mapping of the pool is aligned to its pages, and it refuses this advice. Another mapping
   accepts the advice, which has no effect while the mapping is not in use yet. */
static bool
may_be_of_the_pool(const struct sysv *s)
{
    const size_t page = s->seg.page;

    return (uintptr_t)s->hold % (16 * page) == 0 && madvise(s->hold, page, MADV_COLD) < 0;
}

void
shmx_sysv_settle_hold(struct sysv *s)
{
    size_t page;

    if (may_be_of_the_pool(s)) {
        page = shmx_huge_pool_page_size_at(s->hold);
        if (page > s->seg.page)
            s->seg.page = page;
    }
    s->hold = align(s, s->hold);
}

void
shmx_sysv_drop_hold(struct sysv *s)
{
    if (s->hold != NULL)
        shmdt(s->hold);
    s->hold = NULL;
}

const void *
shmx_sysv_own(struct shmx *seg, size_t *length)
{
    *length = whole_length(sysv_of(seg));
    return sysv_of(seg)->hold;
}

static int
protection(const struct attachment *a)
{
    return PROT_READ | (a->flags & SHMX_RDONLY ? 0 : PROT_WRITE)
           | (a->flags & SHMX_EXEC ? PROT_EXEC : 0);
}

/*
 * Maps once more what the hold maps, which mremap(2) does if the old length is 0. That takes
 * neither an id, which may mean another segment by now, nor a right, which may have been withdrawn
 * since the handle was opened. Pages of the hugetlb pool and emulators such as valgrind do not
 * support this. There the segment is attached by its id.
 */
static int
map_again(const struct sysv *s, const struct attachment *a, void **got)
{
    struct shmx_stat st;
    int              r;

    *got = mremap(s->hold, 0, whole_length(s), MREMAP_MAYMOVE);
    if (*got == MAP_FAILED) {
        if (errno != EINVAL)
            return failure();
        r = shmx_sysv_identify(s, &st);
        if (r < 0)
            return r;
        *got = attach_by_id(s, a->flags);
        return *got == MAP_FAILED ? failure() : 0;
    }
    *got = align(s, *got);
    if (!((a->flags ^ s->seg.flags) & SHMX_RDONLY) && !(a->flags & SHMX_EXEC))
        return 0;
    r = mprotect(*got, whole_length(s), protection(a)) < 0 ? failure() : 0;
    if (r < 0)
        shmdt(*got);
    return r;
}

/* A segment may have been made without a reservation. If there is no memory, touching it raises
   SIGBUS, but this call returns an error. */
static int
bring_in(const struct sysv *s, size_t count, uint64_t offset)
{
    const size_t from = (size_t)offset & ~(s->seg.page - 1);
    const size_t to = segment_round_up(&s->seg, (size_t)offset + count);
    const int    advice = s->seg.flags & SHMX_RDONLY ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;

    if (shmx_populate(s->hold + from, to - from, advice) == 0 || errno == EINVAL)
        return 0;
    return -ENOMEM;
}

/* A private copy contains what the segment contains now. */
static int
map_copy(struct sysv *s, struct attachment *a)
{
    const size_t offset = (size_t)a->offset;
    const size_t bytes = s->size - offset < a->length ? s->size - offset : a->length;
    int          r = bring_in(s, bytes, offset);

    if (r < 0)
        return r;
    a->base = mmap(NULL, a->length, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a->base == MAP_FAILED)
        return failure();
    a->base = place_align(a->base, a->length, a->offset, s->size, 0);
    memcpy(a->base, s->hold + offset, bytes);
    if (mprotect(a->base, a->length, protection(a)) == 0)
        return 0;
    r = failure();
    munmap(a->base, a->length);
    return r;
}

/* If the first page is not there, the segment seems to be empty, and it gets huge pages. */
int
shmx_sysv_reserve(struct shmx *seg, const struct attachment *a)
{
    (void)seg;
    if (!(a->flags & SHMX_PRIVATE) && huge_page_size_within(a->filled) != 0
        && !shmx_huge_is_resident(a->base))
        shmx_huge_fill(a->base, a->filled,
                       a->flags & SHMX_RDONLY ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
    return 0;
}

int
shmx_sysv_map(struct shmx *seg, struct attachment *a)
{
    struct sysv *s = sysv_of(seg);
    void        *got;
    int          r;

    if (a->flags & SHMX_PRIVATE)
        return map_copy(s, a);
    if ((a->flags & SHMX_FIXED) && a->length != whole_length(s))
        return -ENOTSUP;
    r = map_again(s, a, &got);
    if (r == 0)
        a->base = (char *)got + a->offset;
    return r;
}

int
shmx_sysv_unmap(struct shmx *seg, struct attachment *a)
{
    (void)seg;
    if (a->flags & SHMX_PRIVATE)
        return munmap(a->base, a->length) < 0 ? failure() : 0;
    shmdt((char *)a->base - a->offset);
    return 0;
}

ssize_t
shmx_sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    int r = bring_in(sysv_of(seg), count, offset);

    if (r < 0)
        return r;
    memcpy(buf, sysv_of(seg)->hold + offset, count);
    return (ssize_t)count;
}

ssize_t
shmx_sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    int r = bring_in(sysv_of(seg), count, offset);

    if (r < 0)
        return r;
    memcpy(sysv_of(seg)->hold + offset, buf, count);
    return (ssize_t)count;
}
