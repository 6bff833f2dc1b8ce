/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, opening and publishing. */
#include "directory.h"
#include "election.h"
#include "segment.h"

#include <errno.h>
#include <stdlib.h>

#define CREATE_FLAGS                                                                               \
    (SHMX_POSIX | SHMX_SYSV | SHMX_EPHEMERAL | SHMX_SPARSE | SHMX_HUGE | SHMX_HUGE_ONLY)

/* How often opening and creating are tried in turn while other processes destroy what is found. */
#define ROUNDS 100

/* How many milliseconds to wait for the initialiser of another process in all, and at most between
   two looks. */
#define PATIENCE 60000
#define PAUSE    50

/* Reserving so many bytes takes as long as a look at the directory. */
#define LITTLE 65536

static const struct shmx_backend *const backends[] = { &shmx_posix, &shmx_sysv };

#define BACKENDS (sizeof backends / sizeof *backends)

/* Returns the backend for a new segment, or NULL if name and flags contradict each other. */
static const struct shmx_backend *
choose_backend(const struct reference *ref, unsigned flags)
{
    unsigned wanted = flags & (SHMX_POSIX | SHMX_SYSV);

    if (wanted == (SHMX_POSIX | SHMX_SYSV) || (ref->backend && wanted && ref->backend != wanted))
        return NULL;
    return (wanted | ref->backend) & SHMX_SYSV ? &shmx_sysv : &shmx_posix;
}

/* Returns whether the name is free. A name that leads to a dead segment, of whichever backend, is
   removed for that. */
static bool
vacate(const char *entry)
{
    struct stat st;
    size_t      i;

    for (i = 0; i < BACKENDS; i++)
        if (backends[i]->vacate(entry))
            return true;
    return shmx_directory_stat(entry, &st) == -ENOENT; /* another process was faster */
}

static int
publish(struct shmx *seg, const char *entry)
{
    int r;

    do
        r = seg->backend->publish(seg, entry);
    while (r == -EEXIST && vacate(entry));
    return r;
}

/* A segment to be made. */
struct making {
    size_t   size;
    mode_t   mode;
    unsigned flags;
    int (*init)(void *addr, size_t size, void *arg);
    void *arg;
    bool  refused; /* init has failed: this ends the attempt, whatever the error is */
};

/* Checks all that can be checked before anything is made. */
static int
check_making(const struct reference *ref, const struct making *m)
{
    if (m->size == 0 || m->size > SEGMENT_SIZE_MAX || (m->mode & ~(mode_t)0777)
        || choose_backend(ref, m->flags) == NULL
        || ((m->flags & SHMX_SEALED)
            && (ref->kind != REFERENCE_ANONYMOUS || choose_backend(ref, m->flags) != &shmx_posix)))
        return -EINVAL;
    if (ref->kind == REFERENCE_ID)
        return -EINVAL; /* only the kernel gives ids */
    return (m->flags & SHMX_EPHEMERAL) && (m->mode & 0600) != 0600 ? -EINVAL : 0;
}

/* Looks whether the work of making a segment would be in vain. Where there is little work,
   publishing will tell as soon. */
static int
check_free(const struct reference *ref, const struct making *m)
{
    struct stat st;
    int         r;

    if (ref->kind != REFERENCE_NAME
        || (m->init == NULL && (m->size <= LITTLE || (m->flags & SHMX_SPARSE))))
        return 0;
    r = shmx_directory_stat(ref->entry, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return vacate(ref->entry) ? 0 : -EEXIST;
}

static int
initialise(struct shmx *seg, struct making *m)
{
    void *addr;
    int   r = shmx_attach(seg, 0, &addr);

    if (r < 0)
        return r;
    r = m->init(addr, m->size, m->arg);
    m->refused = r != 0;
    shmx_detach(seg, addr);
    return r > 0 ? -ECANCELED : r;
}

static int
create_once(const struct reference *ref, struct making *m, struct shmx **out)
{
    const bool   named = ref->kind == REFERENCE_NAME;
    struct shmx *seg;
    int          r;

    r = check_free(ref, m);
    if (r < 0)
        return r;
    r = choose_backend(ref, m->flags)->create(ref, m->size, m->mode, m->flags, &seg);
    if (r < 0)
        return r;
    if (named)
        r = shmx_segment_set_name(seg, ref->entry);
    if (r == 0 && m->init != NULL)
        r = initialise(seg, m);
    if (r == 0 && named)
        r = publish(seg, ref->entry);
    if (r < 0)
        seg->backend->discard(seg);
    else
        *out = seg;
    return r;
}

/* -EAGAIN means that a process which collects took this one for dead and removed the segment. Then
   the segment is made once more. */
static int
create(const struct reference *ref, struct making *m, struct shmx **seg)
{
    int r;

    do
        r = create_once(ref, m, seg);
    while (r == -EAGAIN && !m->refused);
    return r;
}

int
shmx_create(const char *name, size_t size, mode_t mode, unsigned flags, struct shmx **seg)
{
    NO_CANCELLATION;
    struct making    making = { .size = size, .mode = mode, .flags = flags };
    struct reference ref;
    int              r;

    if (seg == NULL || (flags & ~(CREATE_FLAGS | SHMX_SEALED)))
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r == 0)
        r = check_making(&ref, &making);
    return r < 0 ? r : create(&ref, &making, seg);
}

static int
open_existing(const struct reference *ref, unsigned flags, struct shmx **out)
{
    struct shmx *seg;
    size_t       i;
    int          r = -ENOENT;

    for (i = 0; r == -ENOENT && i < BACKENDS; i++)
        if (ref->backend == 0 || ref->backend == backends[i]->flag)
            r = backends[i]->open(ref, flags, &seg);
    if (r == 0 && ref->kind == REFERENCE_NAME) {
        r = shmx_segment_set_name(seg, ref->entry);
        if (r < 0)
            seg->backend->close(seg);
    }
    if (r == 0)
        *out = seg;
    return r;
}

int
shmx_open(const char *name, unsigned flags, struct shmx **seg)
{
    NO_CANCELLATION;
    struct reference ref;
    int              r;

    if (name == NULL || seg == NULL || (flags & ~(SHMX_RDONLY | SHMX_OWNED)))
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    return r < 0 ? r : open_existing(&ref, flags, seg);
}

static int
open_at_least(const struct reference *ref, size_t size, unsigned flags, struct shmx **out)
{
    struct shmx *seg = NULL;
    int64_t      found;
    int          r = open_existing(ref, flags & SHMX_OWNED, &seg);

    if (r < 0)
        return r;
    found = shmx_size(seg);
    if (found < 0 || (uint64_t)found < size) {
        shmx_close(seg);
        return found < 0 ? (int)found : -ERANGE;
    }
    *out = seg;
    return 0;
}

static int
open_or_create(const struct reference *ref, struct making *m, struct shmx **seg)
{
    int i, r = -ENOENT;

    for (i = 0; i < ROUNDS && (r == -ENOENT || r == -EEXIST); i++) {
        r = open_at_least(ref, m->size, m->flags, seg);
        if (r != -ENOENT)
            return r;
        r = create(ref, m, seg);
        if (r == 0)
            return 1;
        if (m->refused)
            break;
    }
    return r;
}

/* With an initialiser, one process of each user does the work, and the other processes wait for the
   result. */
static int
open_or_create_elected(const struct reference *ref, struct making *m, struct shmx **seg)
{
    struct election election;
    int             waited, pause, r;

    for (waited = 0, pause = 1;; waited += pause) {
        r = open_at_least(ref, m->size, m->flags, seg);
        if (r != -ENOENT)
            return r;
        if (shmx_election_stand(ref->entry, &election) || waited >= PATIENCE)
            break;
        shmx_pause(pause);
        if (pause < PAUSE)
            pause *= 2;
    }
    r = open_or_create(ref, m, seg);
    shmx_election_end(&election);
    return r;
}

int
shmx_open_or_create(const char *name, size_t size, mode_t mode, unsigned flags,
                    int (*init)(void *addr, size_t size, void *arg), void *arg, struct shmx **seg)
{
    NO_CANCELLATION;
    struct making    making = { size, mode, flags, init, arg, false };
    struct reference ref;
    int              r;

    if (name == NULL || seg == NULL || (flags & ~(CREATE_FLAGS | SHMX_OWNED)))
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r == 0)
        r = check_making(&ref, &making);
    if (r == 0 && init != NULL && ref.kind != REFERENCE_NAME)
        r = -EINVAL; /* a segment with a raw key is visible before it is initialised */
    if (r < 0)
        return r;
    return init != NULL ? open_or_create_elected(&ref, &making, seg)
                        : open_or_create(&ref, &making, seg);
}

int
shmx_open_fd(int fd, unsigned flags, struct shmx **seg)
{
    NO_CANCELLATION;

    if (seg == NULL || (flags & ~(SHMX_RDONLY | SHMX_OWNED | SHMX_SEALED)))
        return -EINVAL;
    return shmx_posix_open_fd(fd, flags, seg);
}

/* Gives the segment exactly one name, even if another handle, in whichever process, gives it a name
   at the same time. */
static int
publish_alone(struct shmx *seg, const char *entry)
{
    int r = seg->backend->count_names(seg);

    if (r != 0)
        return r < 0 ? r : -EINVAL;
    r = publish(seg, entry);
    if (r < 0 || seg->backend->count_names(seg) <= 1)
        return r;
    seg->backend->unpublish(seg, entry);
    return -EINVAL;
}

int
shmx_publish(struct shmx *seg, const char *name)
{
    NO_CANCELLATION;
    struct reference ref;
    enum name_state  before;
    char            *text;
    int              r;

    if (seg == NULL || name == NULL)
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r < 0)
        return r;
    if (ref.kind != REFERENCE_NAME || (ref.backend != 0 && ref.backend != seg->backend->flag))
        return -EINVAL;
    text = shmx_segment_new_name(seg, ref.entry);
    if (text == NULL)
        return -ENOMEM;
    r = shmx_segment_begin_change(seg, &before);
    if (r == 0) {
        if (before != NAME_UNKNOWN)
            r = before == NAME_KNOWN ? -EINVAL : -ENOENT;
        else
            r = publish_alone(seg, ref.entry);
        shmx_segment_end_change(seg, r == 0 ? NAME_KNOWN : before, r == 0 ? text : NULL);
    }
    if (r < 0)
        free(text);
    return r;
}
