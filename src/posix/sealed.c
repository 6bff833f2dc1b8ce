/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that can neither shrink nor grow, made by memfd_create(2) and seals of fcntl(2). */
#include "../failure.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The size is kept exactly, but the pool has only whole pages. */
static int
fill_from_pool(int fd, size_t size, size_t *page)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return failure();
    *page = (size_t)st.st_blksize;
    return size % *page == 0 ? shmx_posix_allocate(fd, 0, 0, (off_t)size) : -EINVAL;
}

/* Makes a file of that size and fills it. Only the descriptor leads to it. */
static int
make(size_t size, unsigned kind, unsigned flags, size_t *page)
{
    int r, fd = memfd_create("shmx", MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);

    if (fd < 0)
        return failure();
    r = (kind & MFD_HUGETLB) ? fill_from_pool(fd, size, page) : shmx_posix_fill(fd, size, flags);
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        r = failure();
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int
shmx_posix_new_sealed(size_t size, unsigned flags, size_t *page)
{
    int fd = -1;

    /* Without a reservation, nobody could tell whether the pool has enough pages. */
    if ((flags & (SHMX_HUGE | SHMX_HUGE_ONLY)) && !(flags & SHMX_SPARSE))
        fd = make(size, MFD_HUGETLB, flags, page);
    if (fd >= 0)
        return fd;
    *page = (size_t)sysconf(_SC_PAGESIZE);
    return make(size, 0, flags, page);
}

int
shmx_posix_check_sealed(int fd)
{
    const int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return failure();
    return (seals & F_SEAL_SHRINK) ? 0 : -EPERM;
}
