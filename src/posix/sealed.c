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

#ifndef MFD_EXEC /* since Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008u
#define MFD_EXEC        0x0010u
#endif

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

/* Without one of the flags about execution, the setting vm.memfd_noexec decides, and its seal may
   forbid the mode. */
static int
make_empty(mode_t mode, unsigned kind)
{
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | kind;
    int            fd = memfd_create("shmx", flags | (mode & 0111 ? MFD_EXEC : MFD_NOEXEC_SEAL));

    if (fd < 0 && errno == EINVAL) /* the kernel does not know the flags */
        fd = memfd_create("shmx", flags);
    return fd < 0 ? failure() : fd;
}

/* Makes a file of that size and fills it. Only the descriptor leads to it. */
static int
make(size_t size, mode_t mode, unsigned kind, unsigned flags, size_t *page)
{
    int r, fd = make_empty(mode, kind);

    if (fd < 0)
        return fd;
    r = (kind & MFD_HUGETLB) ? fill_from_pool(fd, size, page) : shmx_posix_fill(fd, size, flags);
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
        r = failure();
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int
shmx_posix_new_sealed(size_t size, mode_t mode, unsigned flags, size_t *page)
{
    int fd = -1;

    /* Without a reservation, nobody could tell whether the pool has enough pages. */
    if ((flags & (SHMX_HUGE | SHMX_HUGE_ONLY)) && !(flags & SHMX_SPARSE))
        fd = make(size, mode, MFD_HUGETLB, flags, page);
    if (fd >= 0)
        return fd;
    *page = (size_t)sysconf(_SC_PAGESIZE);
    return make(size, mode, 0, flags, page);
}

int
shmx_posix_check_sealed(int fd)
{
    const int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return failure();
    return (seals & F_SEAL_SHRINK) ? 0 : -EPERM;
}
