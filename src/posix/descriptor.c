/* SPDX-License-Identifier: BSD-2-Clause */
/* Making handles from descriptors that the program has, whatever their origin is. */
#include "../directory.h"
#include "../failure.h"
#include "holders.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

/* How many milliseconds to wait for a process that buries the object, and may admit others
   again. */
#define PATIENCE 100

/* Makes this process a holder. If somebody keeps a lock for good, that is no reason to refuse, and
   the process does not count. */
static int
join(int fd, bool *joined)
{
    int r, tries = 0;

    while ((r = shmx_holders_join(fd)) == -EAGAIN && ++tries < PATIENCE)
        shmx_pause(1);
    *joined = r == 0;
    return r == -EAGAIN ? 0 : r;
}

/* Gets a descriptor for the handle alone. If possible the object is opened again, so that this
   process counts as a holder. */
static int
take_descriptor(int fd, const struct stat *st, unsigned flags, int *access, bool *joined)
{
    const int status = fcntl(fd, F_GETFL);
    int       taken, r;

    if (status < 0)
        return failure();
    if (status & O_PATH)
        return -EBADF;
    if ((status & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    *joined = false;
    *access = flags & SHMX_RDONLY ? O_RDONLY : status & O_ACCMODE;
    taken = shmx_directory_reopen(fd, st, *access);
    if (taken == -EMFILE || taken == -ENFILE)
        return taken;
    if (taken >= 0) {
        r = join(taken, joined);
        if (r == 0)
            return taken;
        close(taken);
        return r;
    }
    if (*access != (status & O_ACCMODE))
        return taken;
    if ((status & O_APPEND) && *access == O_RDWR)
        return -EINVAL; /* a duplicate would write at the end, whatever the offset is */
    taken = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return taken < 0 ? failure() : taken;
}

static int
check_object(int fd, unsigned flags, struct stat *st, size_t *page)
{
    struct statfs fs;
    uint32_t      type;
    int           r;

    if (fstat(fd, st) < 0)
        return failure();
    if (!S_ISREG(st->st_mode) || fstatfs(fd, &fs) < 0)
        return -EINVAL;
    type = (uint32_t)fs.f_type; /* the sign of f_type depends on the machine */
    if (type != TMPFS_MAGIC && type != HUGETLBFS_MAGIC)
        return -EINVAL;
    if ((flags & SHMX_OWNED) && !shmx_posix_is_owned(st))
        return -EPERM;
    if (flags & SHMX_SEALED) {
        r = shmx_posix_check_sealed(fd);
        if (r < 0)
            return r;
    }
    *page = type == HUGETLBFS_MAGIC ? (size_t)fs.f_bsize : (size_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int
shmx_posix_open_fd(int fd, unsigned flags, struct shmx **seg)
{
    struct stat st;
    size_t      page = 0;
    bool        joined;
    int         taken, access, r;

    r = check_object(fd, flags, &st, &page);
    if (r < 0)
        return r;
    taken = take_descriptor(fd, &st, flags, &access, &joined);
    if (taken < 0)
        return taken;
    flags = access == O_RDONLY ? SHMX_RDONLY : 0;
    if (st.st_mode & EPHEMERAL)
        flags |= SHMX_EPHEMERAL;
    r = shmx_posix_new_handle(taken, flags, seg);
    if (r < 0) {
        close(taken);
        return r;
    }
    (*seg)->page = page;
    if (!joined)
        posix_of(*seg)->holder = 0;
    return 0;
}
