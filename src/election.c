/* SPDX-License-Identifier: BSD-2-Clause */
#include "election.h"

#include "directory.h"
#include "failure.h"
#include "name.h"
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK NAME_HIDDEN "lock-"

/* The name of the lock contains a hash (FNV-1a) of the entry. If two entries have the same hash,
   those who make them wait for each other, which does no harm. */
static void
name_lock(const char *entry, struct election *election)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *entry != '\0'; entry++)
        hash = (hash ^ (unsigned char)*entry) * 0x100000001b3u;
    snprintf(election->hidden, sizeof election->hidden, LOCK "%u-%016" PRIx64, (unsigned)geteuid(),
             hash);
}

/* Only this user and root can open such a file, so no stranger can make anybody wait. */
static bool
is_ours(const struct stat *st)
{
    return S_ISREG(st->st_mode) && shmx_same_user(st->st_uid, geteuid())
           && (st->st_mode & 0077) == 0 && st->st_nlink <= 1;
}

/* Opens the lock file, or makes it. The file gets its mode and its entry in one step, because
   otherwise the umask might keep other processes of the same user out. Returns a descriptor or a
   negative errno value. -EAGAIN means that the caller should look again. */
static int
open_lock(const char *hidden)
{
    int r, fd = shmx_directory_open(hidden, O_RDWR, 0);

    if (fd != -ENOENT)
        return fd;
    fd = shmx_directory_new_file(0600);
    if (fd < 0)
        return fd;
    r = fchmod(fd, 0600) < 0 ? failure() : shmx_directory_link(fd, hidden);
    if (r == 0)
        return fd;
    close(fd);
    return r == -EEXIST ? -EAGAIN : r;
}

bool
shmx_election_stand(const char *entry, struct election *election)
{
    struct stat st;
    bool        busy = false;

    name_lock(entry, election);
    election->fd = open_lock(election->hidden);
    if (election->fd < 0)
        return election->fd != -EAGAIN;
    if (fstat(election->fd, &st) == 0 && is_ours(&st)) {
        if (flock(election->fd, LOCK_EX | LOCK_NB) < 0)
            busy = errno == EWOULDBLOCK;
        else if (shmx_directory_is(election->hidden, &st))
            return true;
        else
            busy = true; /* the process that had the lock has removed the file */
    }
    close(election->fd);
    election->fd = -1;
    return !busy;
}

void
shmx_election_end(struct election *election)
{
    if (election->fd < 0)
        return;
    shmx_directory_unlink(election->hidden);
    flock(election->fd, LOCK_UN); /* closing does not suffice: a child that was forked meanwhile has
                                     this lock, too */
    close(election->fd);
}

bool
shmx_election_is_lock(const char *hidden)
{
    return strncmp(hidden, LOCK, strlen(LOCK)) == 0;
}
