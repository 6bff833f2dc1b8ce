/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a POSIX segment in RAM, by a locked mapping that belongs to the handle. */
#include "../failure.h"
#include "../namespace.h"
#include "posix.h"

#include <errno.h>
#include <sys/mman.h>

/* Others look at the pin under the lock of the segment, which is held for a moment only. */
static void
set_pin(struct posix *p, void *pin, size_t length)
{
    pthread_mutex_lock(&p->seg.lock);
    p->pin = pin;
    p->pin_length = length;
    pthread_mutex_unlock(&p->seg.lock);
}

static void
drop_pin(struct posix *p)
{
    void *const  pin = p->pin;
    const size_t length = p->pin_length;

    set_pin(p, NULL, 0);
    if (pin != NULL)
        munmap(pin, length);
}

static bool
is_pinned_here(const struct posix *p)
{
    uint64_t process;

    return p->pin != NULL && shmx_process(&process) == 0 && p->pinner == process;
}

/* Makes the pin as long as length. Only what is added counts against RLIMIT_MEMLOCK. The pin may
   reach beyond the end of the segment. */
static int
stretch_pin(struct posix *p, size_t length)
{
    void *pin;
    int   r;

    if (!is_pinned_here(p)) {
        drop_pin(p); /* a child inherits the mapping of its parent, but not the lock in RAM */
        r = shmx_process(&p->pinner);
        if (r < 0)
            return r;
        pin = mmap(NULL, length, PROT_READ, MAP_SHARED, p->fd, 0);
    } else {
        pin = mremap(p->pin, p->pin_length, length, MREMAP_MAYMOVE);
    }
    if (pin == MAP_FAILED)
        return failure();
    set_pin(p, pin, length);
    return 0;
}

static int
pin_to(struct posix *p, size_t size)
{
    const size_t before = is_pinned_here(p) ? p->pin_length : 0;
    int          r = before >= size ? 0 : stretch_pin(p, size);

    if (r < 0 || mlock(p->pin, size) == 0)
        return r;
    r = errno == EAGAIN ? -EAGAIN : failure();
    if (before == 0)
        drop_pin(p);
    else if (before < size)
        stretch_pin(p, before);
    return r;
}

int
shmx_posix_pin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    int64_t       size;
    int           r;

    pthread_mutex_lock(&p->pin_lock);
    size = shmx_posix_size(seg);
    r = size > 0 ? pin_to(p, (size_t)size) : size < 0 ? (int)size : -ENODATA;
    pthread_mutex_unlock(&p->pin_lock);
    return r;
}

int
shmx_posix_unpin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);

    pthread_mutex_lock(&p->pin_lock);
    drop_pin(p);
    pthread_mutex_unlock(&p->pin_lock);
    return 0;
}

int
shmx_posix_grow_pinned(struct posix *p, const struct stat *st, off_t size,
                       int (*grow)(struct posix *p, const struct stat *st, off_t size, bool sparse))
{
    size_t before;
    int    r = 0;

    pthread_mutex_lock(&p->pin_lock);
    before = is_pinned_here(p) ? p->pin_length : 0;
    if (before > 0 && before < (size_t)size)
        r = stretch_pin(p, (size_t)size);
    if (r == 0)
        r = grow(p, st, size, before == 0);
    if (r == 0 && before > 0)
        mlock(p->pin, p->pin_length); /* mremap has checked the limit, and the memory is there */
    else if (r < 0 && before > 0 && before < p->pin_length)
        stretch_pin(p, before);
    pthread_mutex_unlock(&p->pin_lock);
    return r;
}

bool
shmx_posix_is_pinned(struct shmx *seg)
{
    bool pinned;

    pthread_mutex_lock(&seg->lock);
    pinned = is_pinned_here(posix_of(seg));
    pthread_mutex_unlock(&seg->lock);
    return pinned;
}

const void *
shmx_posix_own(struct shmx *seg, size_t *length)
{
    *length = posix_of(seg)->pin_length;
    return posix_of(seg)->pin;
}
