/* SPDX-License-Identifier: BSD-2-Clause */
#include "failure.h"
#include "shmx.h"

#include <stddef.h>

static const struct {
    int         error;
    const char *words;
} table[] = {
    { 0, "success" },
    { EACCES, "permission denied: the mode of the segment does not allow this, or the handle is "
              "read-only" },
    { EAGAIN, "temporarily impossible: memory could not be brought in" },
    { EBADF, "not an open descriptor" },
    { EBUSY,
      "busy: the segment is being removed, published or locked, something is mounted at the name, "
      "or an attachment of the same handle is at those addresses" },
    { ECANCELED, "cancelled by the initialiser" },
    { EEXIST,
      "exists already: there is a segment of that name or key, or a mapping at that address" },
    { EFAULT, "bad address: the buffer is not memory of this process" },
    { EFBIG, "too large: the size is above the limit of this process for files (RLIMIT_FSIZE)" },
    { EINTR, "interrupted by a signal" },
    { EIO, "a page of the segment cannot be brought back from swap" },
    { EINVAL, "invalid argument: a malformed name, a flag that does not belong here, an address "
              "that is not attached, or a size of 0, too large to map or above kernel.shmmax" },
    { EISDIR, "a directory stands at that name" },
    { ELOOP, "a symbolic link that this library has not made stands at that name" },
    { EMFILE, "out of file descriptors in this process (RLIMIT_NOFILE)" },
    { ENAMETOOLONG, "name too long: more than 255 bytes" },
    { ENFILE, "out of file descriptors in the system (fs.file-max)" },
    { ENODATA, "the segment has no size yet" },
    { ENODEV, "not a segment: a FIFO, socket or device stands at that name" },
    { ENOENT, "no such segment: the name, key or id leads to nothing (any more)" },
    { ENOMEM, "out of memory: RAM, huge pages, address space, or the limit for locked memory "
              "(RLIMIT_MEMLOCK)" },
    { ENOSPC,
      "no space: /dev/shm has too little room, a System V limit (kernel.shmmni, kernel.shmall) is "
      "reached, or the segment ends here" },
    { ENOTSUP, "not supported by this backend, kernel or mount" },
    { EPIPE, "nobody else holds the segment any more" },
    { EPERM, "not permitted: only the owner, the creator and root may do this, or (SHMX_OWNED) the "
             "segment is of another user or has a second hard link" },
    { ERANGE, "out of range: the segment is smaller than that" },
    { EROFS, "/dev/shm is mounted read-only" },
    { ETIMEDOUT, "the time is over, and what was waited for has not happened" },
    { EXDEV,
      "out of reach: the segment is in another IPC namespace, or the object is not in /dev/shm" },
};

int
shmx_documented_error(int error)
{
    switch (error) {
    case EAGAIN: /* mmap, shmat and mlock return this when the limit of locked memory is reached */
    case ENOLCK:
        return -ENOMEM;
    case EDQUOT: /* tmpfs can have quotas */
        return -ENOSPC;
    case EIDRM:
        return -EINVAL;
    case ENOTDIR: /* /dev/shm is a file */
        return -ENOENT;
    case ENOSYS:
        return -ENOTSUP;
    case ETXTBSY: /* a process runs the object as a program */
        return -EBUSY;
    default:
        return -error;
    }
}

const char *
shmx_strerror(int error)
{
    const unsigned code = error < 0 ? 0u - (unsigned)error : (unsigned)error;
    size_t         i;

    for (i = 0; i < sizeof table / sizeof *table; i++)
        if ((unsigned)table[i].error == code)
            return table[i].words;
    return "unknown error";
}
