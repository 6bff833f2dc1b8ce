/* SPDX-License-Identifier: BSD-2-Clause */
#include "holders.h"

#include "../failure.h"
#include "../namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Each process has a byte, at the number that shmx_process gives. */
#define FIRST ((off_t)1 << 62)
#define SIZE  ((off_t)1 << (32 + PID_BITS))

/* The kernel gives its list of locks a page at a time. A longer list is read REPEATS times, unless
   it has ENOUGH locks. Only if such a list shows nobody else in CERTAIN times, nobody is there. */
#define PAGE    4096
#define REPEATS 6
#define ENOUGH  4000
#define CERTAIN 20

_Static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");

static int
lock(int fd, short type, off_t start, off_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EACCES || errno == EAGAIN ? -EAGAIN : failure();
}

int
shmx_holders_join(int fd)
{
    uint64_t process;
    int      r = shmx_process(&process);

    return r < 0 ? r : lock(fd, F_RDLCK, FIRST + (off_t)process, 1);
}

bool
shmx_holders_exist(int fd)
{
    struct flock found = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST, .l_len = SIZE
    };

    return fcntl(fd, F_OFD_GETLK, &found) < 0 || found.l_type != F_UNLCK;
}

/* A write lease is granted only if nobody else has the object open or mapped. If a process opens
   the object before the lease is given back, the kernel sends a signal to this process. That signal
   is to be one that is ignored unless the program wants it. */
static bool
take_lease(int fd)
{
    return fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

bool
shmx_holders_absent(int fd)
{
    const bool absent = take_lease(fd);

    if (absent)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    return absent;
}

bool
shmx_holders_exclude(int fd)
{
    if (lock(fd, F_WRLCK, FIRST, SIZE) < 0)
        return false;
    if (take_lease(fd))
        return true;
    shmx_holders_readmit(fd);
    return false;
}

/* Closing the descriptor does not suffice, because a child that was forked meanwhile has it,
   too. */
void
shmx_holders_readmit(int fd)
{
    fcntl(fd, F_SETLEASE, F_UNLCK);
    lock(fd, F_UNLCK, FIRST, SIZE);
}

static bool
parse_row(const char *line, struct holder *holder)
{
    char     kind[16], type[16], end[24];
    unsigned major, minor;
    uint64_t ino, start;

    if (sscanf(line, "%*u: %15s %*s %15s %*d %x:%x:%" SCNu64 " %" SCNu64 " %23s", kind, type,
               &major, &minor, &ino, &start, end)
        != 7)
        return false; /* a process that waits for a lock has an arrow in front */
    *holder = (struct holder){ .dev = makedev(major, minor), .ino = (ino_t)ino };
    /* A holder locks one byte. A lock of more bytes is that of a stranger. */
    if (strcmp(kind, "OFDLCK") == 0 && strcmp(type, "READ") == 0 && start >= (uint64_t)FIRST
        && start < (uint64_t)(FIRST + SIZE) && strtoull(end, NULL, 10) == start)
        holder->byte = start;
    return true;
}

static int
compare(const void *a, const void *b)
{
    const struct holder *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return (x->byte > y->byte) - (x->byte < y->byte);
}

static int
append(void *arg, const struct holder *holder)
{
    struct holders *holders = arg;
    struct holder  *grown = holders->items;

    if ((holders->count & (holders->count - 1)) == 0) { /* it is full at every power of two */
        grown = reallocarray(grown, holders->count == 0 ? 1 : holders->count * 2, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
    }
    grown[holders->count++] = *holder;
    holders->items = grown;
    return 0;
}

/* Calls take for each lock that the kernel lists, until take returns other than 0. Returns that
   value, or 0, or -ENODATA if the list cannot be read. */
static int
walk_list(int (*take)(void *arg, const struct holder *holder), void *arg, bool *whole)
{
    struct holder holder;
    char          line[256], room[2 * PAGE];
    size_t        bytes = 0;
    int           r = 0;
    FILE         *f = shmx_open_proc("/proc/locks");

    if (f == NULL)
        return -ENODATA;
    setvbuf(f, room, _IOFBF, sizeof room);
    while (r == 0 && fgets(line, sizeof line, f) != NULL) {
        bytes += strlen(line);
        if (parse_row(line, &holder))
            r = take(arg, &holder);
    }
    if (r == 0 && ferror(f))
        r = -ENODATA;
    fclose(f);
    /* The kernel gives its list a page at a time. Between two pages, locks of other processes come
       and go, and another lock may be left out for that. */
    *whole = bytes <= PAGE / 2;
    return r;
}

int
shmx_holders_read(struct holders *holders)
{
    bool whole = true;
    int  r, times = 0;

    *holders = (struct holders){ 0 };
    do
        r = walk_list(append, holders, &whole);
    while (r == 0 && !whole && ++times < REPEATS && holders->count < ENOUGH);
    holders->unknown = r == -ENODATA;
    if (r == -ENOMEM) {
        free(holders->items);
        holders->items = NULL;
        return r;
    }
    if (holders->count > 0)
        qsort(holders->items, holders->count, sizeof *holders->items, compare);
    return 0;
}

/* Returns the index of the first lock on the object, or where that would be. */
static size_t
first_of(const struct holders *holders, dev_t dev, ino_t ino)
{
    const struct holder wanted = { .dev = dev, .ino = ino };
    size_t              low = 0, high = holders->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(&holders->items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
is_of(const struct holders *holders, size_t i, dev_t dev, ino_t ino)
{
    return i < holders->count && holders->items[i].dev == dev && holders->items[i].ino == ino;
}

int64_t
shmx_holders_count(const struct holders *holders, dev_t dev, ino_t ino)
{
    int64_t  count = 0;
    uint64_t last = 0;
    size_t   i;

    if (holders->unknown)
        return -1;
    for (i = first_of(holders, dev, ino); is_of(holders, i, dev, ino); i++) {
        count += holders->items[i].byte != last; /* handles of one process share a byte */
        last = holders->items[i].byte;
    }
    return count;
}

bool
shmx_holders_none(const struct holders *holders, dev_t dev, ino_t ino)
{
    return !is_of(holders, first_of(holders, dev, ino), dev, ino);
}

static int
is_other(void *arg, const struct holder *holder)
{
    const struct holder *own = arg;

    return holder->dev == own->dev && holder->ino == own->ino && holder->byte != 0
           && holder->byte != own->byte;
}

/* Returns whether the list shows another holder. A list that cannot be read may have one. */
static bool
list_shows_others(struct holder *own)
{
    bool whole = true;
    int  r, times = 0;

    do
        r = walk_list(is_other, own, &whole);
    while (r == 0 && !whole && ++times < CERTAIN);
    return r != 0;
}

/* Asks the kernel for a lock in that range. Returns 1 for the lock of a holder, 0 for none, and
   -EAGAIN for the lock of a stranger. */
static int
look_at_range(int fd, off_t start, off_t length)
{
    struct flock found = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length
    };

    if (length == 0)
        return 0;
    if (fcntl(fd, F_OFD_GETLK, &found) < 0)
        return failure();
    if (found.l_type == F_UNLCK)
        return 0;
    return found.l_type == F_RDLCK && found.l_len == 1 ? 1 : -EAGAIN;
}

int
shmx_holders_others(int fd, uint64_t process)
{
    struct holder own = { .byte = (uint64_t)FIRST + process };
    struct stat   st;
    const int     below = look_at_range(fd, FIRST, (off_t)process);
    const int     above = look_at_range(fd, (off_t)own.byte + 1, SIZE - (off_t)process - 1);

    if (below == 1 || above == 1)
        return 1;
    if (below == 0 && above == 0)
        return 0;
    /* The lock of a stranger may hide those of holders. The list of the kernel has all of them. */
    if (fstat(fd, &st) < 0)
        return failure();
    own.dev = st.st_dev;
    own.ino = st.st_ino;
    return list_shows_others(&own);
}
