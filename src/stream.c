/* SPDX-License-Identifier: BSD-2-Clause */
/* A stdio stream over shmx_read and shmx_write. (funopen of libbsd cuts positions to int.) */
#include "segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cookie {
    struct shmx *seg;
    int64_t      position;
};

static ssize_t
stream_read(void *arg, char *buf, size_t size)
{
    struct cookie *c = arg;
    ssize_t        r = shmx_read(c->seg, buf, size, (uint64_t)c->position);

    if (r < 0) {
        errno = (int)-r;
        return -1;
    }
    c->position += r;
    return r;
}

static ssize_t
stream_write(void *arg, const char *buf, size_t size)
{
    struct cookie *c = arg;
    ssize_t        r = shmx_write(c->seg, buf, size, (uint64_t)c->position);

    if (r < 0) {
        errno = (int)-r;
        return 0; /* the C library takes -1 for a count here, and would read out of bounds */
    }
    if ((size_t)r < size)
        errno = ENOSPC;
    c->position += r;
    return r;
}

static int
stream_seek(void *arg, off64_t *offset, int whence)
{
    struct cookie *c = arg;
    int64_t        base = 0, target;

    if (whence == SEEK_CUR)
        base = c->position;
    else if (whence == SEEK_END)
        base = shmx_size(c->seg);
    if (__builtin_add_overflow(base, *offset, &target) || target < 0) {
        errno = EINVAL;
        return -1;
    }
    c->position = target;
    *offset = target;
    return 0;
}

static int
stream_close(void *arg)
{
    free(arg);
    return 0;
}

/* Returns the mode for fopencookie(3), or NULL. The letter "b" has no effect. */
static const char *
plain_mode(const char *mode)
{
    if (strcmp(mode, "r") == 0 || strcmp(mode, "rb") == 0)
        return "r";
    if (strcmp(mode, "r+") == 0 || strcmp(mode, "rb+") == 0 || strcmp(mode, "r+b") == 0)
        return "r+";
    return NULL;
}

FILE *
shmx_stream(struct shmx *seg, const char *mode)
{
    const cookie_io_functions_t functions = { stream_read, stream_write, stream_seek,
                                              stream_close };
    const char                 *plain = mode == NULL ? NULL : plain_mode(mode);
    struct cookie              *cookie;
    FILE                       *f;

    if (seg == NULL || plain == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if ((seg->flags & SHMX_RDONLY) && plain[1] == '+') {
        errno = EACCES;
        return NULL;
    }
    cookie = calloc(1, sizeof *cookie);
    if (cookie == NULL)
        return NULL;
    cookie->seg = seg;
    f = fopencookie(cookie, plain, functions);
    if (f == NULL)
        free(cookie);
    return f;
}
