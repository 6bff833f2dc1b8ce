/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes and offsets at the limits of the machine, in particular of a 32-bit machine, where an
 * object may be larger than a process can map, and where a range must not wrap around. This is a
 * plain program, because Check does not exist for every machine.
 */
#include "shmx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (UINT64_C(6) << 30)
#define FAR  (SIZE - 5000)

#define must(condition)    ((condition) ? (void)0 : fail(#condition, __LINE__))
#define fails(call, error) must((call) == -(error))

static void
fail(const char *condition, int line)
{
    fprintf(stderr, "arithmetic.c:%d: not so: %s\n", line, condition);
    exit(1);
}

/* A segment far beyond 4 GiB can be reached in every way. */
static void
far_away(struct shmx *seg)
{
    char  text[8] = "";
    void *addr;
    FILE *stream;

    must(shmx_size(seg) == (int64_t)SIZE);
    must(shmx_write(seg, "far off", 8, FAR) == 8);
    must(shmx_read(seg, text, 8, FAR) == 8);
    must(strcmp(text, "far off") == 0);
    must(shmx_attach_range(seg, FAR, 8, 0, &addr) == 0);
    must(strcmp(addr, "far off") == 0);
    must(shmx_detach(seg, addr) == 0);
    must(shmx_attach_range(seg, FAR, 0, 0, &addr) == 0);
    must(strcmp(addr, "far off") == 0);
    stream = shmx_stream(seg, "r");
    must(fseeko(stream, -5000, SEEK_END) == 0);
    must(ftello(stream) == (off_t)FAR);
    must(fread(text, 1, 8, stream) == 8);
    must(strcmp(text, "far off") == 0);
    fclose(stream);
}

static void
ranges(struct shmx *seg)
{
    void *addr = NULL;

    fails(shmx_attach_range(seg, SIZE - 1, SIZE_MAX, 0, &addr), ERANGE);
    fails(shmx_attach_range(seg, SIZE + 1, 0, 0, &addr), ERANGE);
    fails(shmx_attach_range(seg, UINT64_MAX, 2, 0, &addr), ERANGE);
    fails(shmx_attach_range(seg, UINT64_MAX - 4095, 4096, 0, &addr), ERANGE);
    if (sizeof(void *) == 4) {
        fails(shmx_attach(seg, 0, &addr), ENOMEM);
        fails(shmx_attach_range(seg, 1, SIZE_MAX, 0, &addr), ENOMEM);
        fails(shmx_attach_range(seg, 4095, SIZE_MAX - 4094, 0, &addr), ENOMEM);
        fails(shmx_attach_range(seg, 0, (size_t)PTRDIFF_MAX + 1, 0, &addr), ENOMEM);
        fails(shmx_attach_range(seg, 4095, PTRDIFF_MAX - 4094, 0, &addr), ENOMEM);
    }
    must(addr == NULL);
    must(shmx_read(seg, &addr, 1, UINT64_MAX) == 0);
    fails(shmx_read(seg, &addr, (size_t)SSIZE_MAX + 1, 0), EINVAL);
    fails(shmx_write(seg, "x", 1, UINT64_MAX), ENOSPC);
}

static void
sizes(struct shmx *seg)
{
    static const unsigned backends[] = { SHMX_POSIX, SHMX_SYSV };
    struct shmx          *made = NULL;
    size_t                k;

    for (k = 0; k < 2; k++) {
        fails(shmx_create(NULL, 0, 0600, backends[k], &made), EINVAL);
        fails(shmx_create(NULL, SIZE_MAX, 0600, backends[k] | SHMX_SPARSE, &made), EINVAL);
        fails(shmx_create(NULL, (size_t)PTRDIFF_MAX + 1, 0600, backends[k] | SHMX_SPARSE, &made),
              EINVAL);
        must(made == NULL);
    }
    fails(shmx_resize(seg, UINT64_MAX), EINVAL);
    fails(shmx_resize(seg, (uint64_t)INT64_MAX + 1), EINVAL);
    if (sizeof(void *) == 4)
        fails(shmx_resize(seg, SIZE + 1), EINVAL);
    must(shmx_size(seg) == (int64_t)SIZE);
    must(shmx_resize(seg, 5000) == 0);
    must(shmx_size(seg) == 5000);
}

int
main(void)
{
    struct shmx *seg;
    int          fd = memfd_create("large", MFD_CLOEXEC);

    must(ftruncate(fd, (off_t)SIZE) == 0);
    must(shmx_open_fd(fd, 0, &seg) == 0);
    far_away(seg);
    ranges(seg);
    sizes(seg);
    shmx_close(seg);
    close(fd);
    return 0;
}
