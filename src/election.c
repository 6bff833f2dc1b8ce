/* SPDX-License-Identifier: BSD-2-Clause */
#include "election.h"

#include "directory.h"
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

/* Two entries that share a number merely wait for each other. (FNV-1a.) */
static void
name_lock(const char *entry, struct election *election)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *entry != '\0'; entry++)
        hash = (hash ^ (unsigned char)*entry) * 0x100000001b3u;
    snprintf(election->hidden, sizeof election->hidden, LOCK "%u-%016" PRIx64, (unsigned)geteuid(),
             hash);
}

/* Only this user and root can open such a file: no stranger can make anybody wait. */
static bool
is_ours(const struct stat *st)
{
    return S_ISREG(st->st_mode) && shmx_same_user(st->st_uid, geteuid())
           && (st->st_mode & 0077) == 0 && st->st_nlink <= 1;
}

bool
shmx_election_stand(const char *entry, struct election *election)
{
    struct stat st;
    bool        busy;

    name_lock(entry, election);
    election->fd = shmx_directory_open(election->hidden, O_RDWR | O_CREAT, 0600);
    if (election->fd < 0)
        return true;
    if (fstat(election->fd, &st) == 0 && is_ours(&st)) {
        if (flock(election->fd, LOCK_EX | LOCK_NB) == 0) {
            if (shmx_directory_is(election->hidden, &st))
                return true;
            busy = true; /* the one who had the lock has removed it */
        } else {
            busy = errno == EWOULDBLOCK;
        }
    } else {
        busy = false;
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
    flock(election->fd, LOCK_UN); /* a child that was forked meanwhile has this lock, too */
    close(election->fd);
}

void
shmx_election_collect(const char *hidden)
{
    struct stat st;
    int         fd;

    if (strncmp(hidden, LOCK, strlen(LOCK)) != 0)
        return;
    fd = shmx_directory_open(hidden, O_RDONLY, 0);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (shmx_directory_is(hidden, &st))
            shmx_directory_unlink(hidden);
        flock(fd, LOCK_UN);
    }
    close(fd);
}
