/* SPDX-License-Identifier: BSD-2-Clause */
#include "holders.h"

#include "../failure.h"
#include "../namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

/* A byte for each process: its pid namespace, 32 bits, and its pid there, 22 bits (PID_MAX_LIMIT).
 */
#define PID_BITS  22
#define FIRST     ((off_t)1 << 62)
#define END       (FIRST + ((off_t)1 << (32 + PID_BITS)))
#define SIZE_TURN (FIRST - 1)

_Static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");

static int
lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

    if (fcntl(fd, command, &lock) == 0)
        return 0;
    return errno == EACCES || errno == EAGAIN ? -EAGAIN : failure();
}

static off_t
byte_of_this_process(void)
{
    unsigned long space;

    /* Without /proc, processes of the same pid in different namespaces are counted as one. */
    if (namespace_number(NAMESPACE_PID, &space) < 0)
        space = 0;
    return FIRST + ((off_t)(space & UINT32_MAX) << PID_BITS) + getpid();
}

int
holders_join(int fd)
{
    return lock(fd, F_OFD_SETLK, F_RDLCK, byte_of_this_process(), 1);
}

/* Some lock of another description within the bytes: 1 and written to *found; 0: none. */
static int
find(int fd, off_t start, off_t end, struct flock *found)
{
    *found = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
    found->l_start = start;
    found->l_len = end - start;
    if (end <= start)
        return 0;
    if (fcntl(fd, F_OFD_GETLK, found) < 0)
        return failure();
    return found->l_type != F_UNLCK;
}

bool
holders_exist(int fd)
{
    struct flock found;

    return find(fd, FIRST, END, &found) != 0;
}

/* The kernel reports any lock of the range, not the first: so look on both sides of it. */
static int64_t
count_between(int fd, off_t start, off_t end)
{
    struct flock found;
    int64_t      count = 0, left;
    int          r;

    while ((r = find(fd, start, end, &found)) == 1) {
        off_t from = found.l_start < start ? start : found.l_start;
        off_t to = found.l_len == 0 || found.l_start + found.l_len > end
                       ? end
                       : found.l_start + found.l_len;

        left = count_between(fd, start, from);
        if (left < 0)
            return -1;
        count += left + (found.l_type == F_RDLCK ? to - from : 0);
        start = to;
    }
    return r < 0 ? -1 : count;
}

int64_t
holders_count(int fd, bool own)
{
    off_t   mine = own ? byte_of_this_process() : FIRST;
    int64_t below = count_between(fd, FIRST, mine);
    int64_t above = count_between(fd, own ? mine + 1 : mine, END);

    return below < 0 || above < 0 ? -1 : below + above + own;
}

int
holders_exclude(int fd)
{
    return lock(fd, F_OFD_SETLK, F_WRLCK, FIRST, END - FIRST);
}

bool
holders_alone(int fd)
{
    bool alone;

    /* A write lease is granted only if nobody else has the object open or mapped. Who opens it in
       the moment until it is given back makes the kernel signal us: let that be an ignored one. */
    if (fcntl(fd, F_SETSIG, SIGURG) < 0)
        return false;
    alone = fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
    if (alone)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    return alone;
}

int
holders_lock_size(int fd)
{
    return lock(fd, F_OFD_SETLKW, F_WRLCK, SIZE_TURN, 1);
}

void
holders_unlock_size(int fd)
{
    lock(fd, F_OFD_SETLK, F_UNLCK, SIZE_TURN, 1);
}
