/* SPDX-License-Identifier: BSD-2-Clause */
/* The public functions that have no file of their own. They check arguments and ask the backend. */
#include "shmx.h"

#include "segment.h"
#include "version.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static const struct shmx_backend *const backends[] = { &shmx_posix, &shmx_sysv };

#define BACKENDS (sizeof backends / sizeof *backends)

int
shmx_destroy(struct shmx *seg)
{
    NO_CANCELLATION;
    enum name_state before;
    int             r;

    if (seg == NULL)
        return -EINVAL;
    r = shmx_segment_begin_change(seg, &before);
    if (r < 0)
        return r;
    r = before == NAME_ENDED ? -ENOENT : seg->backend->destroy(seg);
    shmx_segment_end_change(seg, r == 0 ? NAME_ENDED : before, NULL);
    return r;
}

int
shmx_remove(const char *name)
{
    NO_CANCELLATION;
    struct reference ref;
    size_t           i;
    int              r;

    if (name == NULL)
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (i = 0; r == -ENOENT && i < BACKENDS; i++)
        if (ref.backend == 0 || ref.backend == backends[i]->flag)
            r = backends[i]->remove(&ref);
    return r;
}

void
shmx_close(struct shmx *seg)
{
    NO_CANCELLATION;
    const int          error = errno;
    struct attachment *a;

    if (seg == NULL)
        return;
    while ((a = LIST_FIRST(&seg->attachments)) != NULL) {
        LIST_REMOVE(a, link);
        seg->backend->unmap(seg, a);
        free(a);
    }
    seg->backend->close(seg);
    errno = error;
}

int64_t
shmx_size(struct shmx *seg)
{
    return seg == NULL ? -EINVAL : seg->backend->size(seg);
}

int
shmx_resize(struct shmx *seg, uint64_t size)
{
    NO_CANCELLATION;

    if (seg == NULL)
        return -EINVAL;
    if (seg->backend->resize == NULL)
        return -ENOTSUP;
    return size > SEGMENT_SIZE_MAX ? -EINVAL : seg->backend->resize(seg, size);
}

int
shmx_stat(struct shmx *seg, struct shmx_stat *st)
{
    NO_CANCELLATION;
    struct shmx_stat now;
    int              r;

    if (seg == NULL || st == NULL)
        return -EINVAL;
    r = seg->backend->stat(seg, &now);
    if (r < 0)
        return r;
    if (now.page_size > (uint64_t)sysconf(_SC_PAGESIZE))
        now.state |= SHMX_IS_HUGE;
    *st = now;
    return 0;
}

int
shmx_stat_name(const char *name, struct shmx_stat *st)
{
    NO_CANCELLATION;
    struct reference ref;
    struct shmx_stat now;
    size_t           i;
    int              r;

    if (name == NULL || st == NULL)
        return -EINVAL;
    r = shmx_reference_parse(name, &ref);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (i = 0; r == -ENOENT && i < BACKENDS; i++)
        if (ref.backend == 0 || ref.backend == backends[i]->flag)
            r = backends[i]->stat_name(&ref, &now);
    if (r == 0)
        *st = now;
    return r;
}

int
shmx_chmod(struct shmx *seg, mode_t mode)
{
    NO_CANCELLATION;

    if (seg == NULL || (mode & ~(mode_t)0777)
        || ((seg->flags & SHMX_EPHEMERAL) && (mode & 0600) != 0600))
        return -EINVAL;
    return seg->backend->chmod(seg, mode);
}

int
shmx_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    NO_CANCELLATION;

    return seg == NULL ? -EINVAL : seg->backend->chown(seg, uid, gid);
}

int
shmx_pin(struct shmx *seg)
{
    NO_CANCELLATION;

    return seg == NULL ? -EINVAL : seg->backend->pin(seg);
}

int
shmx_unpin(struct shmx *seg)
{
    NO_CANCELLATION;

    return seg == NULL ? -EINVAL : seg->backend->unpin(seg);
}

const char *
shmx_name(const struct shmx *seg)
{
    struct shmx *handle = (struct shmx *)seg; /* the lock and the label are not const */
    const char  *name;

    if (handle == NULL)
        return NULL;
    pthread_mutex_lock(&handle->lock);
    name = handle->name != NULL && handle->name_state != NAME_ENDED
               ? handle->name
               : handle->backend->label(handle);
    pthread_mutex_unlock(&handle->lock);
    return name;
}

int
shmx_fd(const struct shmx *seg)
{
    if (seg == NULL)
        return -EINVAL;
    return seg->backend->fd == NULL ? -ENOTSUP : seg->backend->fd(seg);
}

/* Returns how many of the count bytes from offset are within the segment. */
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
    NO_CANCELLATION;
    int64_t n;

    if (seg == NULL || (buf == NULL && count > 0) || count > SSIZE_MAX)
        return -EINVAL;
    n = within(seg, count, offset);
    return n <= 0 ? (ssize_t)n : seg->backend->read(seg, buf, (size_t)n, offset);
}

ssize_t
shmx_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    NO_CANCELLATION;
    int64_t n;

    if (seg == NULL || (buf == NULL && count > 0) || count > SSIZE_MAX)
        return -EINVAL;
    if (seg->flags & SHMX_RDONLY)
        return -EACCES;
    if (count == 0)
        return 0;
    n = within(seg, count, offset);
    if (n == 0)
        return -ENOSPC;
    return n < 0 ? (ssize_t)n : seg->backend->write(seg, buf, (size_t)n, offset);
}

int
shmx_list(unsigned flags, segment_visitor visit, void *arg)
{
    NO_CANCELLATION;
    const struct survey survey = { .visit = visit, .arg = arg };
    size_t              i;
    int                 r = 0;

    if (visit == NULL || (flags & ~(SHMX_POSIX | SHMX_SYSV)))
        return -EINVAL;
    for (i = 0; r == 0 && i < BACKENDS; i++)
        if (flags == 0 || (flags & backends[i]->flag))
            r = backends[i]->list(&survey);
    return r;
}

int
shmx_collect(unsigned flags, segment_visitor choose, segment_visitor visit, void *arg)
{
    NO_CANCELLATION;
    const unsigned      wanted = flags & (SHMX_POSIX | SHMX_SYSV);
    const struct survey survey = { flags & ~wanted, choose, visit, arg };
    size_t              i;
    int                 r = 0;

    if (survey.flags & ~(SHMX_ORPHANS | SHMX_FOREIGN | SHMX_DRY_RUN))
        return -EINVAL;
    for (i = 0; r == 0 && i < BACKENDS; i++)
        if (wanted == 0 || (wanted & backends[i]->flag))
            r = backends[i]->collect(&survey);
    return r;
}

const char *
shmx_version(void)
{
    return SHMX_VERSION;
}
