/* SPDX-License-Identifier: BSD-2-Clause */
/* The attachments of fuzz_calls. */
#include "calls.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Returns where a fixed attachment goes. Each has a place that is never free for anybody else. */
static unsigned char *
arena_of(const struct handle *h, int k)
{
    static unsigned char *arena;

    if (arena == NULL) {
        arena = mmap(NULL, (size_t)HANDLES * ATTACHMENTS * ARENA, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(arena != MAP_FAILED);
    }
    return arena + ((size_t)(h - handles) * ATTACHMENTS + (size_t)k) * ARENA;
}

static void
reserve_arena(unsigned char *place)
{
    must(mmap(place, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
}

static size_t
whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Returns what is asked of an attachment, and what it must return before addresses are looked
   at. */
static int
expect(const struct handle *h, size_t offset, size_t asked, bool fixed, bool private)
{
    const size_t size = h->object->size;

    if (size == 0)
        return -ENODATA;
    if (offset > size || asked > size - offset || (asked == 0 && offset == size))
        return -ERANGE;
    if (fixed && !private && is_sysv(h->object)
        && (offset >= PAGE
            || whole_pages(offset + (asked > 0 ? asked : size - offset)) != whole_pages(size)))
        return -ENOTSUP;
    return 0;
}

void
do_attach(struct handle *h)
{
    const int      k = (int)next(ATTACHMENTS);
    const size_t   offset = next(SIZE_MOST + 2), asked = next(2) ? next(SIZE_MOST + 2) : 0;
    const unsigned bits = next(64);
    unsigned       flags = (bits & 1 ? SHMX_RDONLY : 0) | (bits & 2 ? SHMX_PRIVATE : 0)
                     | (bits & 4 ? SHMX_EXEC : 0) | (bits & 8 ? SHMX_POPULATE : 0)
                     | (bits & 16 ? SHMX_FIXED : 0);
    struct attachment a = { .offset = offset,
                            .length = asked > 0 ? asked : h->object->size - offset,
                            .shared = !(bits & 2),
                            .fixed = flags & SHMX_FIXED };
    void             *start = &a, *addr = start;
    int               r, expected = expect(h, offset, asked, a.fixed, !a.shared);

    /* If somebody fills the hugetlb pool meanwhile, its pages do not fit into the place. */
    if (h->attachments[k].addr != NULL || (a.fixed && h->object->page > PAGE))
        return;
    if (a.fixed) {
        addr = start = arena_of(h, k) + PAGE + offset % PAGE;
        flags |= bits & 32 ? SHMX_REPLACE : 0;
        if ((expected == 0 || expected == -ENOTSUP) && !(flags & SHMX_REPLACE))
            expected = -EEXIST; /* this is found out before the backend is asked */
    }
    r = shmx_attach_range(h->seg, offset, asked, flags, &addr);
    must(r == expected);
    if (r < 0) {
        must(addr == start);
        return;
    }
    must((addr == start) == a.fixed);
    a.addr = addr;
    a.rdonly = (flags & SHMX_RDONLY) || (a.shared && h->rdonly);
    must(memcmp(a.addr, h->object->bytes + offset, a.length) == 0);
    h->attachments[k] = a;
}

static void
detach(struct handle *h, int k)
{
    struct attachment *a = &h->attachments[k];

    must(shmx_detach(h->seg, a->addr) == 0);
    if (a->fixed)
        reserve_arena(arena_of(h, k));
    must(shmx_detach(h->seg, a->addr) == -EINVAL);
    a->addr = NULL;
}

/* Attaches over an attachment of another handle, which is replaced and must not be detached any
   more, or over one of this handle, which is refused. */
void
do_attach_over(struct handle *h)
{
    struct handle     *victim = &handles[next(HANDLES)];
    const int          k = (int)next(ATTACHMENTS);
    const bool         replace = next(4) > 0, private = next(4) == 0;
    struct attachment *a = &victim->attachments[k];
    void              *addr;
    int                r;

    if (victim->seg == NULL || a->addr == NULL || !a->fixed || h->object->size == 0
        || h->object->page > PAGE)
        return;
    addr = a->addr - a->offset % PAGE;
    r = shmx_attach(
        h->seg, SHMX_FIXED | (replace ? SHMX_REPLACE : 0) | (private ? SHMX_PRIVATE : 0), &addr);
    if (!replace || victim == h) {
        must(r == (replace ? -EBUSY : -EEXIST));
        return;
    }
    must(r == 0 && memcmp(addr, h->object->bytes, h->object->size) == 0);
    must(shmx_detach(h->seg, addr) == 0);
    reserve_arena(arena_of(victim, k));
    a->lost = true;
}

void
do_detach(struct handle *h)
{
    int k = (int)next(ATTACHMENTS);

    if (h->attachments[k].addr == NULL)
        must(shmx_detach(h->seg, arena_of(h, k) + 1) == -EINVAL);
    else if (!h->attachments[k].lost)
        detach(h, k);
}

/* Writes through the attachment. Beyond a new end there may be no memory. */
void
do_poke(struct handle *h)
{
    struct attachment *a = &h->attachments[next(ATTACHMENTS)];
    unsigned char      value = (unsigned char)next(256);
    size_t             at = next(SIZE_MOST);

    if (a->addr == NULL || a->lost || a->rdonly || at >= a->length
        || a->offset + at >= h->object->size)
        return;
    a->addr[at] = value;
    if (a->shared)
        h->object->bytes[a->offset + at] = value;
}

void
drop_attachments(struct handle *h)
{
    int k;

    for (k = 0; k < ATTACHMENTS; k++)
        if (h->attachments[k].addr != NULL && h->attachments[k].fixed)
            reserve_arena(arena_of(h, k));
}
