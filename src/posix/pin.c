/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a POSIX segment in RAM: by a locked mapping of the handle's own. */
#include "../failure.h"
#include "../namespace.h"
#include "posix.h"

#include <errno.h>
#include <sys/mman.h>

static void
unmap_pin(struct pin *pin)
{
    if (pin->length > 0)
        munmap(pin->addr, pin->length);
    pin->length = 0;
}

/* Take the pin out of the handle, so that this thread can change it. A child of fork has inherited
   its parent's mapping, but no lock in RAM: it starts anew. */
static struct pin
take_pin(struct posix *p)
{
    uint64_t   process;
    struct pin pin;

    pthread_mutex_lock(&p->seg.lock);
    pin = p->pin;
    p->pin = (struct pin){ 0 };
    pthread_mutex_unlock(&p->seg.lock);
    if (pin.length > 0 && (shmx_process(&process) < 0 || pin.process != process))
        unmap_pin(&pin);
    return pin;
}

/* Unless the segment was unpinned meanwhile, or pinned by another thread. */
static void
give_pin(struct posix *p, struct pin *pin)
{
    pthread_mutex_lock(&p->seg.lock);
    if (p->to_be_pinned && p->pin.length == 0) {
        p->pin = *pin;
        pin->length = 0;
    }
    pthread_mutex_unlock(&p->seg.lock);
    unmap_pin(pin);
}

/* Only what is added counts against RLIMIT_MEMLOCK. It may be beyond the end. */
static int
stretch_pin(const struct posix *p, struct pin *pin, size_t length)
{
    void *addr;

    if (pin->length == 0) {
        if (shmx_process(&pin->process) < 0)
            return -ENOMEM;
        addr = mmap(NULL, length, PROT_READ, MAP_SHARED, p->fd, 0);
    } else {
        addr = mremap(pin->addr, pin->length, length, MREMAP_MAYMOVE);
    }
    if (addr == MAP_FAILED)
        return failure();
    pin->addr = addr;
    pin->length = length;
    return 0;
}

bool
shmx_posix_is_pinned(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    uint64_t      process;
    bool          pinned;

    pthread_mutex_lock(&seg->lock);
    pinned = p->pin.length > 0 && shmx_process(&process) == 0 && p->pin.process == process;
    pthread_mutex_unlock(&seg->lock);
    return pinned;
}

static void
set_to_be_pinned(struct posix *p, bool pinned)
{
    pthread_mutex_lock(&p->seg.lock);
    p->to_be_pinned = pinned;
    pthread_mutex_unlock(&p->seg.lock);
}

int
shmx_posix_unpin(struct shmx *seg)
{
    struct pin pin;

    set_to_be_pinned(posix_of(seg), false);
    pin = take_pin(posix_of(seg));
    unmap_pin(&pin);
    return 0;
}

int
shmx_posix_pin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    const int64_t size = shmx_posix_size(seg);
    struct pin    pin;
    size_t        before;
    int           r = 0;

    if (size <= 0)
        return size < 0 ? (int)size : -ENODATA;
    set_to_be_pinned(p, true);
    pin = take_pin(p);
    before = pin.length;
    if (pin.length < (size_t)size)
        r = stretch_pin(p, &pin, (size_t)size);
    if (r == 0 && mlock(pin.addr, (size_t)size) < 0) {
        r = errno == EAGAIN ? -EAGAIN : failure();
        if (before == 0)
            unmap_pin(&pin);
    }
    give_pin(p, &pin);
    return r;
}

int
shmx_posix_pin_more(struct posix *p, size_t size, struct pin *pin)
{
    int r = 0;

    *pin = take_pin(p);
    if (pin->length > 0 && pin->length < size)
        r = stretch_pin(p, pin, size);
    if (r < 0)
        give_pin(p, pin);
    return r;
}

void
shmx_posix_settle_pin(struct posix *p, struct pin *pin, size_t size)
{
    if (pin->length > size && size > 0) /* growing has failed */
        stretch_pin(p, pin, size);
    if (pin->length > 0)
        mlock(pin->addr, pin->length);
    give_pin(p, pin);
}
