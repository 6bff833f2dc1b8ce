/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping a POSIX segment in RAM: by locked mappings of the handle's own, one for each part that
 * was added. So growing needs no more of RLIMIT_MEMLOCK than what is added.
 */
#include "../failure.h"
#include "../namespace.h"
#include "posix.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void
free_pin(struct pin *pin)
{
    munmap(pin->addr, pin->length);
    free(pin);
}

/* Map what lies between, which may be beyond the end, without bringing it in. */
static int
new_pin(const struct posix *p, uint64_t from, uint64_t to, struct pin **pin)
{
    const uint64_t start = from & ~(uint64_t)(p->seg.page - 1);
    int            r;

    if (to - start > PTRDIFF_MAX)
        return -ENOMEM;
    *pin = malloc(sizeof **pin);
    if (*pin == NULL)
        return -ENOMEM;
    (*pin)->from = from;
    (*pin)->to = to;
    (*pin)->length = (size_t)(to - start);
    (*pin)->addr = mmap(NULL, (*pin)->length, PROT_READ, MAP_SHARED, p->fd, (off_t)start);
    if ((*pin)->addr != MAP_FAILED)
        return 0;
    r = failure();
    free(*pin);
    return r;
}

/* How many bytes this very process has pinned: a child of fork inherits the mappings, but no locks
   in RAM. The lock is held. */
static uint64_t
pinned_here(const struct posix *p)
{
    uint64_t process;

    return p->pinned > 0 && shmx_process(&process) == 0 && p->pinner == process ? p->pinned : 0;
}

bool
shmx_posix_is_pinned(struct shmx *seg)
{
    bool pinned;

    pthread_mutex_lock(&seg->lock);
    pinned = pinned_here(posix_of(seg)) > 0;
    pthread_mutex_unlock(&seg->lock);
    return pinned;
}

int
shmx_posix_unpin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    struct pins   pins;
    struct pin   *pin;

    pthread_mutex_lock(&seg->lock);
    pins = p->pins;
    SLIST_INIT(&p->pins);
    p->pinned = 0;
    pthread_mutex_unlock(&seg->lock);
    while ((pin = SLIST_FIRST(&pins)) != NULL) {
        SLIST_REMOVE_HEAD(&pins, link);
        free_pin(pin);
    }
    return 0;
}

/* Unless another thread was faster, or has undone what this one is adding to. */
static void
add_pin(struct posix *p, struct pin *pin)
{
    bool taken;

    pthread_mutex_lock(&p->seg.lock);
    taken = pinned_here(p) == pin->from && shmx_process(&p->pinner) == 0;
    if (taken) {
        SLIST_INSERT_HEAD(&p->pins, pin, link);
        p->pinned = pin->to;
    }
    pthread_mutex_unlock(&p->seg.lock);
    if (!taken)
        free_pin(pin);
}

int
shmx_posix_pin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    const int64_t size = shmx_posix_size(seg);
    struct pin   *pin;
    uint64_t      pinned;
    int           r;

    if (size <= 0)
        return size < 0 ? (int)size : -ENODATA;
    pthread_mutex_lock(&seg->lock);
    pinned = pinned_here(p);
    pthread_mutex_unlock(&seg->lock);
    if (pinned >= (uint64_t)size)
        return 0;
    if (pinned == 0)
        shmx_posix_unpin(seg); /* what a child has of its parent's */
    r = new_pin(p, pinned, (uint64_t)size, &pin);
    if (r < 0)
        return r;
    if (mlock(pin->addr, pin->length) == 0) {
        add_pin(p, pin);
        return 0;
    }
    r = errno == EAGAIN ? -EAGAIN : failure();
    free_pin(pin);
    return r;
}

/* *pin is NULL if the segment is not pinned, or pinned so far. */
int
shmx_posix_extend_pin(struct posix *p, uint64_t size, struct pin **pin)
{
    uint64_t pinned;
    int      r;

    *pin = NULL;
    pthread_mutex_lock(&p->seg.lock);
    pinned = pinned_here(p);
    pthread_mutex_unlock(&p->seg.lock);
    if (pinned == 0 || pinned >= size)
        return 0;
    r = new_pin(p, pinned, size, pin);
    if (r < 0 || mlock2((*pin)->addr, (*pin)->length, MLOCK_ONFAULT) == 0)
        return r;
    r = failure();
    free_pin(*pin);
    *pin = NULL;
    return r;
}

void
shmx_posix_settle_pin(struct posix *p, struct pin *pin, bool grown)
{
    if (pin == NULL)
        return;
    if (!grown) {
        free_pin(pin);
        return;
    }
    mlock(pin->addr, pin->length); /* the limit is kept, and the memory is reserved */
    add_pin(p, pin);
}
