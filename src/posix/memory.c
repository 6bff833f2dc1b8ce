/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of POSIX segments: reserving, mapping, resizing, copying. */
#include "../failure.h"
#include "../huge.h"
#include "../place.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

/* All or nothing. A signal makes the kernel give everything back and start over, so the second
   attempt is made without signals. */
static int
reserve(int fd, int mode, off_t offset, off_t length)
{
    sigset_t all, before;
    int      r;

    if (fallocate(fd, mode, offset, length) == 0)
        return 0;
    if (errno != EINTR)
        return failure();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    do
        r = fallocate(fd, mode, offset, length) == 0 ? 0 : failure();
    while (r == -EINTR);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static int
set_size(int fd, off_t size)
{
    int r;

    do
        r = ftruncate(fd, size);
    while (r < 0 && errno == EINTR);
    return r < 0 ? failure() : 0;
}

/* Whether there seems to be room for so many bytes more. */
static int
check_room(int fd, off_t bytes)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return failure();
    return fs.f_blocks > 0 && (uint64_t)bytes / (uint64_t)fs.f_bsize > fs.f_bavail ? -ENOSPC : 0;
}

/* Of a range of whole pages which are not there yet, before fallocate(2), which makes small ones
   there. What is in vain is not begun: fallocate would take it back. */
static int
fill_huge(int fd, size_t length, uint64_t offset, uint64_t segment_size)
{
    void *addr;
    int   r = check_room(fd, (off_t)length);

    if (r < 0)
        return r;
    /* Without access at first: or mlockall(2) has small pages brought in. */
    addr = mmap(NULL, length, PROT_NONE, MAP_SHARED, fd, (off_t)offset);
    if (addr == MAP_FAILED)
        return -ENOMEM;
    r = -ENOMEM;
    addr = shmx_place_align(addr, length, offset, segment_size);
    if (mprotect(addr, length, PROT_READ | PROT_WRITE) == 0)
        r = shmx_huge_fill(addr, length);
    munmap(addr, length);
    return r;
}

/* As for one that is large, or that is not to be filled. */
static int
fill_specially(int fd, size_t size, unsigned flags)
{
    const bool   sparse = flags & SHMX_SPARSE;
    const size_t huge = shmx_huge_page_size();
    int          filled = -ENOTSUP, r = set_size(fd, (off_t)size);

    if (r == 0 && huge != 0 && size >= huge && (!sparse || (flags & (SHMX_HUGE | SHMX_HUGE_ONLY))))
        filled = fill_huge(fd, sparse ? huge : size - size % huge, 0, size);
    if (r == 0 && !sparse)
        r = reserve(fd, 0, 0, (off_t)size);
    return r == 0 && (flags & SHMX_HUGE_ONLY) ? filled : r;
}

int
shmx_posix_fill(int fd, size_t size, unsigned flags)
{
    return size < HUGE_PAGE_LEAST && !(flags & (SHMX_SPARSE | SHMX_HUGE_ONLY))
               ? reserve(fd, 0, 0, (off_t)size)
               : fill_specially(fd, size, flags);
}

static bool
is_sparse(const struct stat *st)
{
    return st->st_blocks * 512 < st->st_size;
}

int
shmx_posix_reserve(struct shmx *seg, const struct attachment *a)
{
    NO_CANCELLATION;
    const int   fd = posix_of(seg)->fd;
    struct stat st;
    off_t       end, length, holes;

    if (fstat(fd, &st) < 0)
        return failure();
    end = (off_t)(a->offset + a->length);
    if (end > st.st_size)
        end = st.st_size; /* beyond it RLIMIT_FSIZE would count */
    if (!is_sparse(&st) || end <= (off_t)a->offset)
        return 0;
    length = end - (off_t)a->offset;
    holes = st.st_size - st.st_blocks * 512;
    if (seg->flags & SHMX_RDONLY) /* it cannot reserve, but its populating allocates */
        return check_room(fd, holes < length ? holes : length);
    if (st.st_blocks == 0 && a->length >= HUGE_PAGE_LEAST)
        fill_huge(fd, a->length, a->offset, a->segment_size);
    return reserve(fd, FALLOC_FL_KEEP_SIZE, (off_t)a->offset, length);
}

int
shmx_posix_map(struct shmx *seg, struct attachment *a)
{
    int   prot = PROT_READ;
    void *addr;

    if (!(a->flags & SHMX_RDONLY))
        prot |= PROT_WRITE;
    if (a->flags & SHMX_EXEC)
        prot |= PROT_EXEC;
    addr = mmap(NULL, a->length, prot, a->flags & SHMX_PRIVATE ? MAP_PRIVATE : MAP_SHARED,
                posix_of(seg)->fd, (off_t)a->offset);
    if (addr == MAP_FAILED)
        return failure();
    a->base = place_align(addr, a->length, a->offset, a->segment_size);
    return 0;
}

/* A page of a sparse segment is looked at only if it is there, which a reader is not told. */
size_t
shmx_posix_page_size(struct shmx *seg, const struct stat *st)
{
    struct attachment a = { .length = shmx_huge_page_size(), .flags = SHMX_RDONLY };
    size_t            found = 0;

    if (seg->page > (size_t)sysconf(_SC_PAGESIZE))
        return seg->page;
    a.segment_size = a.length;
    if ((is_sparse(st) && (seg->flags & SHMX_RDONLY)) || a.length == 0
        || shmx_posix_map(seg, &a) < 0)
        return 0;
    if (!is_sparse(st) || shmx_huge_is_resident(a.base))
        found = shmx_huge_page_size_at(a.base);
    munmap(a.base, a.length);
    return found;
}

int
shmx_posix_unmap(struct shmx *seg, struct attachment *a)
{
    (void)seg;
    return munmap(a->base, a->length) < 0 ? failure() : 0;
}

int64_t
shmx_posix_size(struct shmx *seg)
{
    struct stat st;

    return fstat(posix_of(seg)->fd, &st) < 0 ? failure() : st.st_size;
}

/* Without a lock: the kernel reserves and extends in one step, and never shrinks here what another
   process has grown meanwhile. What is pinned is reserved even if it is sparse. */
static int
grow(struct posix *p, const struct stat *st, off_t size, bool sparse)
{
    if (sparse && ((p->seg.flags & SHMX_SPARSE) || is_sparse(st)))
        return set_size(p->fd, size);
    return reserve(p->fd, 0, st->st_size, size - st->st_size);
}

int
shmx_posix_resize(struct shmx *seg, uint64_t size)
{
    struct posix *p = posix_of(seg);
    struct stat   st;

    if (seg->flags & SHMX_RDONLY)
        return -EACCES;
    if (fstat(p->fd, &st) < 0)
        return failure();
    if (seg->page > (size_t)sysconf(_SC_PAGESIZE) && (size & (seg->page - 1)) != 0)
        return -EINVAL; /* hugetlbfs knows whole pages only */
    return (off_t)size > st.st_size ? shmx_posix_grow_pinned(p, &st, (off_t)size, grow)
                                    : set_size(p->fd, (off_t)size);
}

/* The kernel copies 2 GiB at most in one call. */
ssize_t
shmx_posix_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    size_t  done = 0;
    ssize_t r;

    while (done < count) {
        r = pread(posix_of(seg)->fd, (char *)buf + done, count - done, (off_t)(offset + done));
        if (r < 0 && errno != EINTR)
            return failure();
        if (r == 0)
            break;
        if (r > 0)
            done += (size_t)r;
    }
    return (ssize_t)done;
}

ssize_t
shmx_posix_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    size_t  done = 0;
    ssize_t r;

    while (done < count) {
        r = pwrite(posix_of(seg)->fd, (const char *)buf + done, count - done,
                   (off_t)(offset + done));
        if (r < 0 && errno != EINTR)
            return errno == EINVAL ? -ENOTSUP : failure(); /* hugetlbfs knows no write(2) */
        if (r > 0)
            done += (size_t)r;
    }
    return (ssize_t)done;
}
