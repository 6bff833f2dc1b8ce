/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of POSIX segments: reserving, mapping, resizing and copying. */
#include "../failure.h"
#include "../huge.h"
#include "../place.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h> /* MADV_POPULATE_* are not in every C library */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Reserves all of the range or nothing. A signal makes the kernel give everything back and start
   again, so the second attempt is made with signals blocked. */
int
shmx_posix_allocate(int fd, int mode, off_t offset, off_t length)
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

/* Returns 0 if there seems to be room for so many more bytes. A file system without a limit would
   take all memory of the machine, and the kernel would kill processes, before it fails. */
static int
check_room(int fd, off_t bytes)
{
    struct statfs  fs;
    struct sysinfo machine;

    if (fstatfs(fd, &fs) < 0 || sysinfo(&machine) < 0)
        return 0; /* The attempt will tell. */
    if (fs.f_blocks > 0)
        return (uint64_t)bytes / (uint64_t)fs.f_bsize > fs.f_bavail ? -ENOSPC : 0;
    return (uint64_t)bytes / machine.mem_unit > machine.totalram + machine.totalswap ? -ENOMEM : 0;
}

/* The same for so few bytes that they are had or not, and that it is not worth while to ask. */
static int
check_room_for_much(int fd, off_t bytes)
{
    return (uint64_t)bytes < HUGE_PAGE_LEAST ? 0 : check_room(fd, bytes);
}

/* Fills a new file with huge pages. This comes first, because fallocate(2) makes small pages where
   there are none yet. */
static int
fill_huge(int fd, size_t length, size_t size)
{
    /* The mapping comes before the size. Otherwise mlockall(2) would bring in small pages. */
    void *addr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int   r;

    if (addr == MAP_FAILED)
        return failure();
    addr = shmx_place_align(addr, length, 0, size, SHMX_HUGE);
    r = set_size(fd, (off_t)length);
    if (r == 0)
        r = shmx_huge_fill(addr, length, MADV_POPULATE_WRITE);
    munmap(addr, length);
    return r;
}

int
shmx_posix_fill(int fd, size_t size, unsigned flags)
{
    const bool   sparse = flags & SHMX_SPARSE;
    const size_t huge = huge_page_size_within(size);
    int          filled = -ENOTSUP, r = 0;

    if (!sparse)
        r = check_room_for_much(fd, (off_t)size);
    if (r < 0)
        return r;
    if (huge != 0 && (!sparse || (flags & (SHMX_HUGE | SHMX_HUGE_ONLY))))
        filled = fill_huge(fd, sparse ? huge : size & -huge, size);
    r = sparse ? set_size(fd, (off_t)size) : shmx_posix_allocate(fd, 0, 0, (off_t)size);
    return r == 0 && (flags & SHMX_HUGE_ONLY) ? filled : r;
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
    int         r;

    if (fstat(fd, &st) < 0)
        return failure();
    end = (off_t)(a->offset + a->length);
    if (end > st.st_size)
        end = st.st_size; /* RLIMIT_FSIZE would count beyond the end */
    if (!is_sparse(&st) || end <= (off_t)a->offset)
        return 0;
    length = end - (off_t)a->offset;
    holes = st.st_size - st.st_blocks * 512;
    r = check_room(fd, holes < length ? holes : length);
    if (r < 0)
        return r;
    if (st.st_blocks == 0 && !(a->flags & SHMX_PRIVATE) && huge_page_size_within(a->filled) != 0)
        shmx_huge_fill(a->base, a->filled,
                       a->flags & SHMX_RDONLY ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
    if (seg->flags & SHMX_RDONLY)
        return 0; /* It cannot reserve, but populating its mapping allocates memory, too. */
    return shmx_posix_allocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)a->offset, length);
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
    a->base = place_align(addr, a->length, a->offset, a->segment_size,
                          a->flags & SHMX_PRIVATE ? 0 : seg->flags);
    return 0;
}

/* The first page of a sparse segment may be looked at only if it is there, and a read-only handle
   is not told whether it is. */
size_t
shmx_posix_page_size(struct shmx *seg, const struct stat *st)
{
    const size_t huge = shmx_huge_page_size();
    size_t       found = 0;
    void        *addr;

    if (seg->page > (size_t)sysconf(_SC_PAGESIZE))
        return seg->page;
    if (huge == 0 || (is_sparse(st) && (seg->flags & SHMX_RDONLY)))
        return 0;
    /* After mlockall(2), a mapping that may be read would bring in pages. */
    addr = mmap(NULL, huge, PROT_NONE, MAP_SHARED, posix_of(seg)->fd, 0);
    if (addr == MAP_FAILED)
        return 0;
    addr = shmx_place_align(addr, huge, 0, huge, 0);
    if (shmx_huge_is_resident(addr) && mprotect(addr, huge, PROT_READ) == 0)
        found = shmx_huge_page_size_at(addr);
    munmap(addr, huge);
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

/* Grows the segment without a lock. The kernel reserves and extends in one step, and it never
   shrinks here what another process has grown meanwhile. A pinned segment is reserved even if it is
   sparse, and so is what another process has shrunk meanwhile. */
static int
grow(struct posix *p, const struct stat *st, off_t size, bool sparse)
{
    const off_t from = is_sparse(st) ? 0 : st->st_size;
    struct stat now;
    int         r;

    if (sparse && ((p->seg.flags & SHMX_SPARSE) || is_sparse(st)))
        return set_size(p->fd, size);
    r = check_room_for_much(p->fd, size - st->st_size);
    if (r == 0)
        r = shmx_posix_allocate(p->fd, 0, from, size - from);
    if (r == 0 && fstat(p->fd, &now) == 0 && is_sparse(&now))
        r = shmx_posix_allocate(p->fd, FALLOC_FL_KEEP_SIZE, 0, now.st_size);
    return r;
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
        return -EINVAL; /* hugetlbfs has only whole pages */
    return (off_t)size > st.st_size ? shmx_posix_grow_pinned(p, &st, (off_t)size, grow)
                                    : set_size(p->fd, (off_t)size);
}

/* The kernel copies at most 2 GiB in one call. */
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
            return errno == EINVAL ? -ENOTSUP : failure(); /* hugetlbfs does not know write(2) */
        if (r > 0)
            done += (size_t)r;
    }
    return (ssize_t)done;
}
