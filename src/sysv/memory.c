/* SPDX-License-Identifier: BSD-2-Clause */
/* The mappings of System V segments: the hold and attachments. */
#include "../failure.h"
#include "sysv.h"

#include <errno.h>
#include <sys/mman.h>

/* Returns the address, or NULL and errno. */
static char *
attach_at(const struct sysv *s, unsigned flags)
{
    int   shmflg = 0;
    void *got;

    if (flags & SHMX_RDONLY)
        shmflg |= SHM_RDONLY;
    if (flags & SHMX_EXEC)
        shmflg |= SHM_EXEC;
    got = shmat(s->id, NULL, shmflg);
    return got == (void *)-1 ? NULL : got; /* NOLINT(performance-no-int-to-ptr) */
}

/* The same for a segment that is held already: the id must still be what it was. */
int
shmx_sysv_attach_again(const struct sysv *s, unsigned flags, char **got)
{
    struct shmx_stat st;
    int              r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    *got = attach_at(s, flags);
    return *got == NULL ? failure() : 0;
}

int
shmx_sysv_take_hold(struct sysv *s)
{
    s->hold = attach_at(s, s->seg.flags);
    return s->hold == NULL ? failure() : 0;
}

void
shmx_sysv_drop_holds(struct sysv *s)
{
    sysv_detach(s->hold);
    sysv_detach(atomic_exchange(&s->window, NULL));
    s->hold = NULL;
}

/* Whether it can do what the hold can, and so take its place. */
bool
shmx_sysv_is_plain(const struct sysv *s, const struct attachment *a)
{
    return !((a->flags ^ s->seg.flags) & SHMX_RDONLY) && !(a->flags & (SHMX_EXEC | SHMX_PRIVATE));
}

static bool
overlaps(const struct sysv *s, const char *start, const struct attachment *a)
{
    return start != NULL && segment_overlap(start, sysv_whole_length(s), a->base, a->length);
}

int
shmx_sysv_prepare_fixed(struct shmx *seg, const struct attachment *a)
{
    struct sysv *s = sysv_of(seg);
    int          r = 0;

    if (!(a->flags & SHMX_PRIVATE) && (a->offset != 0 || a->length != sysv_whole_length(s)))
        return -ENOTSUP;
    pthread_mutex_lock(&seg->lock);
    if (overlaps(s, atomic_load(&s->window), a))
        r = a->flags & SHMX_REPLACE ? -EBUSY : -EEXIST;
    else if (overlaps(s, s->hold, a))
        r = shmx_segment_move_aside(seg, &s->hold, sysv_whole_length(s), a->base, a->length);
    pthread_mutex_unlock(&seg->lock);
    return r;
}

int
shmx_sysv_map(struct shmx *seg, struct attachment *a)
{
    struct sysv *s = sysv_of(seg);
    const bool   plain = shmx_sysv_is_plain(s, a);
    char        *got = NULL;
    int          r = 0;

    if (a->flags & SHMX_PRIVATE)
        return shmx_sysv_map_copy(s, a);
    pthread_mutex_lock(&seg->lock);
    if (plain && !s->goes) { /* what lives by its attachments is not left to the program's */
        got = s->hold;
        s->hold = NULL;
    }
    s->attached += plain;
    pthread_mutex_unlock(&seg->lock);
    if (got == NULL)
        r = shmx_sysv_attach_again(s, a->flags, &got);
    if (r == 0) {
        a->base = got + a->offset;
    } else if (plain) {
        pthread_mutex_lock(&seg->lock);
        s->attached--;
        pthread_mutex_unlock(&seg->lock);
    }
    return r;
}

static bool
is_last(const struct sysv *s)
{
    return s->attached == 1 && s->hold == NULL && atomic_load(&s->window) == NULL;
}

/* A plain attachment goes: have a hold before that, if there is nothing else. */
static void
unmap_plain(struct sysv *s, char *start)
{
    char *fresh = NULL;
    bool  last;

    pthread_mutex_lock(&s->seg.lock);
    last = is_last(s);
    s->attached -= !last;
    pthread_mutex_unlock(&s->seg.lock);
    if (!last) {
        sysv_detach(start);
        return;
    }
    if (shmx_sysv_attach_again(s, s->seg.flags, &fresh) < 0)
        fresh = shmx_sysv_duplicate(s, start);
    if (fresh == NULL) { /* then the old mapping stays, and becomes the hold itself */
        fresh = start;
        start = NULL;
    }
    pthread_mutex_lock(&s->seg.lock);
    if (is_last(s)) {
        s->hold = fresh;
        fresh = NULL;
    }
    s->attached--;
    pthread_mutex_unlock(&s->seg.lock);
    sysv_detach(start);
    sysv_detach(fresh);
}

int
shmx_sysv_unmap(struct shmx *seg, struct attachment *a)
{
    if (a->flags & SHMX_PRIVATE)
        return munmap(a->base, a->length) < 0 ? failure() : 0;
    if (shmx_sysv_is_plain(sysv_of(seg), a))
        unmap_plain(sysv_of(seg), (char *)a->base - a->offset);
    else
        shmx_sysv_drop(seg, a);
    return 0;
}

void
shmx_sysv_drop(struct shmx *seg, struct attachment *a)
{
    (void)seg;
    if (a->flags & SHMX_PRIVATE)
        munmap(a->base, a->length);
    else
        shmdt((char *)a->base - a->offset);
}
