/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that can neither shrink nor grow: memfd_create(2), and seals of fcntl(2). */
#include "../failure.h"
#include "../huge.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file of that size, filled, which nothing but the descriptor leads to. */
static int
make(size_t size, unsigned kind, unsigned *flags)
{
    int r, fd = memfd_create("shmx", MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);

    if (fd < 0)
        return failure();
    r = shmx_posix_fill(fd, size, flags);
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        r = failure();
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int
shmx_posix_new_sealed(size_t size, unsigned *flags, size_t *page)
{
    unsigned plain = *flags & ~(SHMX_HUGE | SHMX_HUGE_ONLY);
    size_t   huge;
    int      fd = -1;

    /* The size is kept exactly, and the pool has whole pages only. Without a reservation there
       would be no telling whether it has enough. */
    if (plain != *flags && !(plain & SHMX_SPARSE) && shmx_huge_pool_exists()
        && (huge = shmx_huge_pool_page_size()) > 0 && size % huge == 0)
        fd = make(size, MFD_HUGETLB, &plain);
    if (fd < 0)
        return make(size, 0, flags);
    *flags = plain | SHMX_HUGE;
    *page = huge;
    return fd;
}

int
shmx_posix_check_sealed(int fd)
{
    const int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return failure();
    return seals & F_SEAL_SHRINK ? 0 : -EPERM;
}
