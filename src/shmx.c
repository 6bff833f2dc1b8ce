/* SPDX-License-Identifier: BSD-2-Clause */
/* The public entry points: check arguments, take the lock, ask the backend. */
#include "shmx.h"

#include "directory.h"
#include "failure.h"
#include "segment.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h> /* MADV_POPULATE_*, which not every C library has */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ATTACH_FLAGS                                                                               \
    (SHMX_RDONLY | SHMX_PRIVATE | SHMX_EXEC | SHMX_POPULATE | SHMX_FIXED | SHMX_REPLACE            \
     | SHMX_ROUND | SHMX_DONTFORK)
#define CREATE_FLAGS                                                                               \
    (SHMX_POSIX | SHMX_SYSV | SHMX_EPHEMERAL | SHMX_SPARSE | SHMX_HUGE | SHMX_HUGE_ONLY)

/* How often to go between opening and creating while others destroy what we find. */
#define ROUNDS 100

/* Bytes that are reserved in the time of a look at the directory. */
#define LITTLE 65536

static const struct shmx_backend *const backends[] = { &shmx_posix, &shmx_sysv };

#define BACKENDS (sizeof backends / sizeof *backends)

static void
lock_shared(struct shmx *seg)
{
    pthread_rwlock_rdlock(&seg->lock);
}

static void
lock_exclusive(struct shmx *seg)
{
    pthread_rwlock_wrlock(&seg->lock);
}

static void
unlock(struct shmx *seg)
{
    pthread_rwlock_unlock(&seg->lock);
}

static bool
serves(const struct shmx_backend *backend, const struct reference *ref)
{
    return ref->backend == 0 || ref->backend == backend->flag;
}

/* The backend for a new segment; NULL if name and flags contradict each other. */
static const struct shmx_backend *
choose_backend(const struct reference *ref, unsigned flags)
{
    unsigned wanted = flags & (SHMX_POSIX | SHMX_SYSV);

    if (wanted == (SHMX_POSIX | SHMX_SYSV) || (ref->backend && wanted && ref->backend != wanted))
        return NULL;
    return (wanted | ref->backend) & SHMX_SYSV ? &shmx_sysv : &shmx_posix;
}

static void
adopt(struct shmx *seg)
{
    LIST_INIT(&seg->attachments);
    pthread_rwlock_init(&seg->lock, NULL);
}

static char *
full_name(const struct shmx_backend *backend, const char *entry)
{
    const size_t prefix = strlen(backend->prefix), length = strlen(entry);
    char        *name = malloc(prefix + length + sizeof "/");

    if (name == NULL)
        return NULL;
    memcpy(name, backend->prefix, prefix);
    name[prefix] = '/';
    memcpy(name + prefix + 1, entry, length + 1);
    return name;
}

static void
set_name(struct shmx *seg, char *name)
{
    seg->name = name;
    seg->label = name;
    seg->named = true;
}

/* A dead segment of whichever backend does not keep its name. */
static bool
vacate(const char *entry)
{
    size_t i;

    for (i = 0; i < BACKENDS; i++)
        if (backends[i]->vacate(entry))
            return true;
    return false;
}

static int
publish(struct shmx *seg, const char *entry)
{
    char *name = full_name(seg->backend, entry);
    int   r;

    if (name == NULL)
        return -ENOMEM;
    do
        r = seg->backend->publish(seg, entry);
    while (r == -EEXIST && vacate(entry));
    if (r < 0)
        free(name);
    else
        set_name(seg, name);
    return r;
}

/* A segment to be made. */
struct making {
    size_t   size;
    mode_t   mode;
    unsigned flags;
    int (*init)(void *addr, size_t size, void *arg);
    void *arg;
};

/* Everything that can be said about the request before anything is made. */
static int
check_making(const struct reference *ref, const struct making *m)
{
    if (m->size == 0 || m->size > SEGMENT_SIZE_MAX || (m->mode & ~(mode_t)0777)
        || choose_backend(ref, m->flags) == NULL)
        return -EINVAL;
    return (m->flags & SHMX_EPHEMERAL) && (m->mode & 0600) != 0600 ? -EINVAL : 0;
}

/* Before the work of making a segment, look whether it would be in vain. Where there is little to
   do, publishing will tell as soon. */
static int
check_free(const struct reference *ref, const struct making *m)
{
    struct stat st;
    int         r;

    if (ref->kind != REFERENCE_NAME
        || (m->init == NULL && (m->size <= LITTLE || (m->flags & SHMX_SPARSE))))
        return 0;
    r = directory_stat(ref->entry, &st);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return vacate(ref->entry) ? 0 : -EEXIST;
}

static int
initialise(struct shmx *seg, const struct making *m)
{
    void *addr;
    int   r = shmx_attach(seg, 0, &addr);

    if (r < 0)
        return r;
    r = m->init(addr, m->size, m->arg);
    shmx_detach(seg, addr);
    return r > 0 ? -ECANCELED : r;
}

static int
create(const struct reference *ref, const struct making *m, struct shmx **out)
{
    struct shmx *seg;
    int          r;

    r = check_free(ref, m);
    if (r < 0)
        return r;
    r = choose_backend(ref, m->flags)->create(ref, m->size, m->mode, m->flags, &seg);
    if (r < 0)
        return r;
    adopt(seg);
    if (m->init != NULL)
        r = initialise(seg, m);
    if (r == 0 && ref->kind == REFERENCE_NAME)
        r = publish(seg, ref->entry);
    if (r < 0) {
        seg->backend->destroy(seg);
        shmx_close(seg);
        return r;
    }
    *out = seg;
    return 0;
}

int
shmx_create(const char *name, size_t size, mode_t mode, unsigned flags, struct shmx **seg)
{
    const struct making making = { .size = size, .mode = mode, .flags = flags };
    struct reference    ref;
    int                 r;

    if (seg == NULL || (flags & ~CREATE_FLAGS))
        return -EINVAL;
    r = reference_parse(name, &ref);
    if (r == 0)
        r = check_making(&ref, &making);
    return r < 0 ? r : create(&ref, &making, seg);
}

static int
open_existing(const struct reference *ref, unsigned flags, struct shmx **out)
{
    struct shmx *seg;
    char        *name;
    size_t       i;
    int          r = -ENOENT;

    for (i = 0; r == -ENOENT && i < BACKENDS; i++)
        if (serves(backends[i], ref))
            r = backends[i]->open(ref, flags, &seg);
    if (r < 0)
        return r;
    adopt(seg);
    if (ref->kind == REFERENCE_NAME) {
        name = full_name(seg->backend, ref->entry);
        if (name == NULL) {
            shmx_close(seg);
            return -ENOMEM;
        }
        set_name(seg, name);
    }
    *out = seg;
    return 0;
}

int
shmx_open(const char *name, unsigned flags, struct shmx **seg)
{
    struct reference ref;
    int              r;

    if (name == NULL || seg == NULL || (flags & ~(SHMX_RDONLY | SHMX_OWNED)))
        return -EINVAL;
    r = reference_parse(name, &ref);
    return r < 0 ? r : open_existing(&ref, flags, seg);
}

static int
open_at_least(const struct reference *ref, size_t size, unsigned flags, struct shmx **out)
{
    struct shmx *seg;
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
open_or_create(const struct reference *ref, const struct making *m, struct shmx **seg)
{
    int i, r = -ENOENT;

    for (i = 0; i < ROUNDS && (r == -ENOENT || r == -EEXIST); i++) {
        r = open_at_least(ref, m->size, m->flags, seg);
        if (r != -ENOENT)
            return r;
        r = create(ref, m, seg);
        if (r == 0)
            return 1;
    }
    return r;
}

/* With an initialiser only one may be at it, and the others wait for what comes of it. */
static int
open_or_create_alone(const char *text, const struct reference *ref, const struct making *m,
                     struct shmx **seg)
{
    const char *subject = ref->kind == REFERENCE_NAME ? ref->entry : text;
    int         fd, r;

    /* A name appears when it is complete; a raw key appears before. */
    if (ref->kind == REFERENCE_NAME) {
        r = open_at_least(ref, m->size, m->flags, seg);
        if (r != -ENOENT)
            return r;
    }
    fd = directory_lock(subject, m->mode, m->flags & SHMX_OWNED);
    if (fd < 0)
        return fd;
    r = open_or_create(ref, m, seg);
    directory_unlock(subject, fd);
    return r;
}

int
shmx_open_or_create(const char *name, size_t size, mode_t mode, unsigned flags,
                    int (*init)(void *addr, size_t size, void *arg), void *arg, struct shmx **seg)
{
    const struct making making = { size, mode, flags, init, arg };
    struct reference    ref;
    int                 r;

    if (name == NULL || seg == NULL || (flags & ~(CREATE_FLAGS | SHMX_OWNED)))
        return -EINVAL;
    r = reference_parse(name, &ref);
    if (r == 0)
        r = check_making(&ref, &making);
    if (r < 0)
        return r;
    if (init != NULL)
        return open_or_create_alone(name, &ref, &making, seg);
    return open_or_create(&ref, &making, seg);
}

int
shmx_open_fd(int fd, unsigned flags, struct shmx **seg)
{
    struct shmx *opened;
    int          r;

    if (seg == NULL || (flags & ~(SHMX_RDONLY | SHMX_OWNED)))
        return -EINVAL;
    r = shmx_posix.open_fd(fd, flags, &opened);
    if (r < 0)
        return r;
    adopt(opened);
    *seg = opened;
    return 0;
}

int
shmx_publish(struct shmx *seg, const char *name)
{
    struct reference ref;
    int              r;

    if (seg == NULL || name == NULL)
        return -EINVAL;
    r = reference_parse(name, &ref);
    if (r < 0)
        return r;
    if (ref.kind != REFERENCE_NAME || !serves(seg->backend, &ref))
        return -EINVAL;
    lock_exclusive(seg);
    if (seg->destroyed)
        r = -ENOENT;
    else
        r = seg->named ? -EINVAL : publish(seg, ref.entry);
    unlock(seg);
    return r;
}

int
shmx_destroy(struct shmx *seg)
{
    int r;

    if (seg == NULL)
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->destroyed ? -ENOENT : seg->backend->destroy(seg);
    if (r == 0) {
        seg->destroyed = true;
        seg->named = false;
        if (seg->label == seg->name)
            seg->label = NULL;
    }
    unlock(seg);
    return r;
}

int
shmx_remove(const char *name)
{
    struct reference ref;
    size_t           i;
    int              r;

    if (name == NULL)
        return -EINVAL;
    r = reference_parse(name, &ref);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (i = 0; r == -ENOENT && i < BACKENDS; i++)
        if (serves(backends[i], &ref))
            r = backends[i]->remove(&ref);
    return r;
}

/* A child of fork does not have what its parent attached with SHMX_DONTFORK. */
static bool
is_here(const struct attachment *a)
{
    return !(a->flags & SHMX_DONTFORK) || a->pid == getpid();
}

void
shmx_close(struct shmx *seg)
{
    const int          error = errno;
    struct attachment *a;
    char              *name;

    if (seg == NULL)
        return;
    while ((a = LIST_FIRST(&seg->attachments)) != NULL) {
        LIST_REMOVE(a, link);
        if (is_here(a))
            seg->backend->unmap(a);
        free(a);
    }
    pthread_rwlock_destroy(&seg->lock);
    name = seg->name;
    seg->backend->close(seg);
    free(name);
    errno = error;
}

/* Where in the segment the mapping begins and how long it is, from what the caller asked for. */
static int
place(struct shmx *seg, uint64_t offset, size_t length, unsigned flags, struct attachment *a)
{
    const int64_t  size = seg->backend->size(seg);
    const uint64_t whole = (uint64_t)size;
    const size_t   delta = (size_t)(offset & (seg->page - 1));
    uintptr_t      addr = (uintptr_t)a->addr;

    if (size < 0)
        return (int)size;
    if (size == 0)
        return -ENODATA;
    if (offset > whole || length > whole - offset || (length == 0 && offset == whole))
        return -ERANGE;
    if ((length != 0 ? length : whole - offset) > PTRDIFF_MAX - delta - seg->page)
        return -ENOMEM; /* a 32-bit address space is smaller than an object may be */
    if (length == 0)
        length = (size_t)(whole - offset);
    a->offset = offset - delta;
    a->length = segment_round_up(seg, delta + length);
    a->base = NULL;
    if (flags & SHMX_FIXED) {
        if (addr < delta + seg->page)
            return -EINVAL;
        addr -= delta;
        if (flags & SHMX_ROUND)
            addr &= ~(seg->page - 1);
        if ((addr & (seg->page - 1)) != 0 || addr > UINTPTR_MAX - a->length)
            return -EINVAL;
        a->base = (void *)addr; /* NOLINT(performance-no-int-to-ptr) */
    }
    return 0;
}

/* What is asked of the kernel once the mapping is there. */
static int
settle(const struct shmx *seg, const struct attachment *a)
{
    const bool writable = !(a->flags & SHMX_RDONLY);

    if ((seg->flags & SHMX_HUGE) && !(a->flags & SHMX_PRIVATE))
        madvise(a->base, a->length, MADV_HUGEPAGE); /* a wish: pool pages refuse it, having it */
    if ((a->flags & SHMX_DONTFORK) && madvise(a->base, a->length, MADV_DONTFORK) < 0)
        return failure();
    if (!(a->flags & SHMX_POPULATE)
        || madvise(a->base, a->length, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
        return 0;
    if (errno == EINVAL)
        return -ENOTSUP;
    return errno == EFAULT ? seg->backend->shortage : failure();
}

static inline int
unmap(struct shmx *seg, struct attachment *a)
{
    int r = seg->backend->keep == NULL ? 0 : seg->backend->keep(seg, a);

    return r == 0 ? seg->backend->unmap(a) : r < 0 ? r : 0;
}

static int
attach(struct shmx *seg, uint64_t offset, size_t length, struct attachment *a)
{
    int r = place(seg, offset, length, a->flags, a);

    if (r == 0)
        r = seg->backend->attach(seg, a);
    if (r < 0)
        return r;
    r = settle(seg, a);
    if (r < 0) {
        unmap(seg, a);
        return r;
    }
    a->addr = (char *)a->base + (offset - a->offset);
    LIST_INSERT_HEAD(&seg->attachments, a, link);
    return 0;
}

int
shmx_attach_range(struct shmx *seg, uint64_t offset, size_t length, unsigned flags, void **addr)
{
    struct attachment *a;
    int                r;

    if (seg == NULL || addr == NULL || (flags & ~ATTACH_FLAGS)
        || (!(flags & SHMX_FIXED) && (flags & (SHMX_REPLACE | SHMX_ROUND))))
        return -EINVAL;
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return -ENOMEM;
    a->flags = flags;
    if (!(flags & SHMX_PRIVATE))
        a->flags |= seg->flags & SHMX_RDONLY;
    if (flags & SHMX_FIXED)
        a->addr = *addr;
    if (flags & SHMX_DONTFORK)
        a->pid = getpid();
    lock_exclusive(seg);
    r = attach(seg, offset, length, a);
    unlock(seg);
    if (r < 0)
        free(a);
    else
        *addr = a->addr;
    return r;
}

int
shmx_attach(struct shmx *seg, unsigned flags, void **addr)
{
    return shmx_attach_range(seg, 0, 0, flags, addr);
}

int
shmx_detach(struct shmx *seg, void *addr)
{
    struct attachment *a;
    int                r = -EINVAL;

    if (seg == NULL)
        return -EINVAL;
    lock_exclusive(seg);
    LIST_FOREACH (a, &seg->attachments, link)
        if (a->addr == addr && is_here(a))
            break;
    if (a != NULL)
        r = unmap(seg, a);
    if (r == 0)
        LIST_REMOVE(a, link);
    unlock(seg);
    if (r == 0)
        free(a);
    return r;
}

int64_t
shmx_size(struct shmx *seg)
{
    return seg == NULL ? -EINVAL : seg->backend->size(seg);
}

int
shmx_resize(struct shmx *seg, uint64_t size)
{
    int r;

    if (seg == NULL)
        return -EINVAL;
    if (seg->backend->resize == NULL)
        return -ENOTSUP;
    if (size > SEGMENT_SIZE_MAX)
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->backend->resize(seg, size);
    unlock(seg);
    return r;
}

int
shmx_stat(struct shmx *seg, struct shmx_stat *st)
{
    struct shmx_stat now;
    int              r;

    if (seg == NULL || st == NULL)
        return -EINVAL;
    lock_shared(seg);
    r = seg->backend->stat(seg, &now);
    unlock(seg);
    if (r == 0)
        *st = now;
    return r;
}

int
shmx_chmod(struct shmx *seg, mode_t mode)
{
    int r;

    if (seg == NULL || (mode & ~(mode_t)0777)
        || ((seg->flags & SHMX_EPHEMERAL) && (mode & 0600) != 0600))
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->backend->chmod(seg, mode);
    unlock(seg);
    return r;
}

int
shmx_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    int r;

    if (seg == NULL)
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->backend->chown(seg, uid, gid);
    unlock(seg);
    return r;
}

int
shmx_pin(struct shmx *seg)
{
    int r;

    if (seg == NULL)
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->backend->pin(seg);
    unlock(seg);
    return r;
}

int
shmx_unpin(struct shmx *seg)
{
    int r;

    if (seg == NULL)
        return -EINVAL;
    lock_exclusive(seg);
    r = seg->backend->unpin(seg);
    unlock(seg);
    return r;
}

const char *
shmx_name(const struct shmx *seg)
{
    const char *label;

    if (seg == NULL)
        return NULL;
    lock_shared((struct shmx *)seg);
    label = seg->label;
    unlock((struct shmx *)seg);
    return label;
}

int
shmx_fd(const struct shmx *seg)
{
    if (seg == NULL)
        return -EINVAL;
    return seg->backend->fd == NULL ? -ENOTSUP : seg->backend->fd(seg);
}

/* How many of count bytes from offset on are within the segment. */
static int64_t
within(struct shmx *seg, size_t count, uint64_t offset)
{
    int64_t size = seg->backend->size(seg);

    if (size < 0)
        return size;
    if (offset >= (uint64_t)size)
        return 0;
    return count < (uint64_t)size - offset ? (int64_t)count : size - (int64_t)offset;
}

ssize_t
shmx_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    int64_t n;
    ssize_t r;

    if (seg == NULL || (buf == NULL && count > 0) || count > SSIZE_MAX)
        return -EINVAL;
    lock_shared(seg);
    n = within(seg, count, offset);
    r = n <= 0 ? (ssize_t)n : seg->backend->read(seg, buf, (size_t)n, offset);
    unlock(seg);
    return r;
}

ssize_t
shmx_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    int64_t n;
    ssize_t r;

    if (seg == NULL || (buf == NULL && count > 0) || count > SSIZE_MAX)
        return -EINVAL;
    if (seg->flags & SHMX_RDONLY)
        return -EACCES;
    if (count == 0)
        return 0;
    lock_shared(seg);
    n = within(seg, count, offset);
    if (n == 0)
        n = -ENOSPC;
    r = n < 0 ? (ssize_t)n : seg->backend->write(seg, buf, (size_t)n, offset);
    unlock(seg);
    return r;
}

int
shmx_list(unsigned flags, segment_visitor visit, void *arg)
{
    size_t i;
    int    r = 0;

    if (visit == NULL || (flags & ~(SHMX_POSIX | SHMX_SYSV)))
        return -EINVAL;
    for (i = 0; r == 0 && i < BACKENDS; i++)
        if (flags == 0 || (flags & backends[i]->flag))
            r = backends[i]->list(visit, arg);
    return r;
}

int
shmx_collect(unsigned flags, segment_visitor visit, void *arg)
{
    const unsigned wanted = flags & (SHMX_POSIX | SHMX_SYSV);
    size_t         i;
    int            r = 0;

    if (flags & ~(SHMX_POSIX | SHMX_SYSV | SHMX_ORPHANS | SHMX_DRY_RUN))
        return -EINVAL;
    for (i = 0; r == 0 && i < BACKENDS; i++)
        if (wanted == 0 || (wanted & backends[i]->flag))
            r = backends[i]->collect(flags & ~(SHMX_POSIX | SHMX_SYSV), visit, arg);
    return r;
}

const char *
shmx_version(void)
{
    return SHMX_VERSION;
}
