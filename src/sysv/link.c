/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include "../failure.h"
#include "../namespace.h"
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

int
shmx_link_describe(const struct shmx_stat *st, unsigned long ipc, struct link *link)
{
    uint64_t process;
    int      r = shmx_process(&process);

    if (r == 0)
        *link = (struct link){ .by_key = st->key != 0,
                               .raw = st->key != 0,
                               .number = st->key != 0 ? st->key : st->id,
                               .size = st->size,
                               .ipc = ipc,
                               .time = st->ctime.tv_sec,
                               .pid = (uint64_t)st->cpid,
                               .pidns = process >> PID_BITS };
    return r;
}

void
shmx_link_format(const struct link *link, char text[LINK_TEXT_MAX])
{
    if (link->by_key)
        snprintf(text, LINK_TEXT_MAX, "sysv:key=0x%x size=%" PRIu64 " ipc=%lu%s",
                 (unsigned)link->number, link->size, link->ipc, link->raw ? " raw" : "");
    else
        snprintf(text, LINK_TEXT_MAX,
                 "sysv:id=%d size=%" PRIu64 " ipc=%lu pid=%" PRIu64 " pidns=%" PRIu64, link->number,
                 link->size, link->ipc, link->pid, link->pidns);
}

int
shmx_link_parse(const char *text, struct link *link)
{
    char again[LINK_TEXT_MAX];

    *link = (struct link){ .by_key = true };
    if (sscanf(text, "sysv:key=%x size=%" SCNu64 " ipc=%lu", (unsigned *)&link->number, &link->size,
               &link->ipc)
        == 3) {
        link->raw = strstr(text, " raw") != NULL;
    } else {
        link->by_key = false;
        if (sscanf(text, "sysv:id=%d size=%" SCNu64 " ipc=%lu pid=%" SCNu64 " pidns=%" SCNu64,
                   &link->number, &link->size, &link->ipc, &link->pid, &link->pidns)
            != 5)
            return -ELOOP;
    }
    /* A link is one of this library only if this library would have written exactly the same
       text. No segment is larger than a file can be. */
    shmx_link_format(link, again);
    if (strcmp(text, again) != 0 || (link->by_key ? link->number == 0 : link->number < 0)
        || link->size > INT64_MAX || link->pid > INT_MAX || link->pidns > UINT32_MAX)
        return -ELOOP;
    return 0;
}

int
shmx_link_read(const char *entry, struct link *link, char text[LINK_TEXT_MAX])
{
    struct stat before, after;
    int         r;

    /* The text and the owner must belong to one and the same link. */
    do {
        r = shmx_directory_stat(entry, &before);
        if (r == 0 && !S_ISLNK(before.st_mode))
            r = -ENOENT;
        if (r == 0)
            r = shmx_directory_readlink(entry, text, LINK_TEXT_MAX);
        if (r == 0)
            r = shmx_directory_stat(entry, &after);
        if (r != 0)
            return r;
    } while (before.st_ino != after.st_ino || before.st_dev != after.st_dev);

    r = shmx_link_parse(text, link);
    link->time = after.st_mtim.tv_sec;
    link->next = link->time + after.st_mtim.tv_nsec;
    link->owner = after.st_uid;
    link->group = after.st_gid;
    link->names = after.st_nlink;
    link->changed = after.st_ctim;
    return r;
}

bool
shmx_link_is_absent(int error)
{
    return error == -ENOENT || error == -ELOOP;
}

static bool
is_of_this_namespace(const struct link *link)
{
    unsigned long here;

    return shmx_ipc_namespace(&here) == 0 && link->ipc == here;
}

/* Where /proc is not mounted now, or was not when the link was made, nobody can tell. */
static bool
is_of_another_namespace(const struct link *link)
{
    unsigned long here;

    return shmx_ipc_namespace(&here) < 0 || (link->ipc != here && link->ipc != 0 && here != 0);
}

int
shmx_link_locate(const struct link *link)
{
    int id;

    if ((!link->by_key || link->raw) && is_of_another_namespace(link))
        return -EXDEV;
    if (!link->by_key)
        return link->number;
    /* With size and rights of 0, this call only tells where the key leads. A random key whose
       segment fits the link is the right one, so its namespace need not be looked at. */
    id = shmget(link->number, 0, 0);
    return id < 0 ? failure() : id;
}

/* Only a process in the pid namespace of the link can compare the creator. */
static bool
has_another_creator(const struct link *link, const struct shmx_stat *st)
{
    uint64_t process;

    return shmx_process(&process) == 0 && link->pidns == process >> PID_BITS
           && link->pid != (uint64_t)st->cpid;
}

static bool
resembles(const struct link *link, const struct shmx_stat *st)
{
    if (link->by_key ? st->key != link->number
                     : st->id != link->number || has_another_creator(link, st))
        return false;
    return st->size == link->size
           && (shmx_same_user(link->owner, st->uid) || shmx_same_user(link->owner, st->cuid));
}

static bool
has_time(const struct link *link, const struct shmx_stat *st)
{
    return st->ctime.tv_sec == link->time || st->ctime.tv_sec == link->next;
}

bool
shmx_link_matches(const struct link *link, const struct shmx_stat *st)
{
    return resembles(link, st) && (link->by_key || has_time(link, st));
}

bool
shmx_link_is_foreign(const struct link *link, int id)
{
    /* A segment that is missing here may be in the other namespace. */
    return id == -EXDEV || ((id >= 0 || id == -ENOENT) && !is_of_this_namespace(link));
}

bool
shmx_link_judge(struct lead *lead, int id)
{
    const int  r = id < 0 ? id : shmx_table_examine(id, &lead->st);
    const bool like = r == 0 && resembles(&lead->link, &lead->st);

    lead->error = r == 0 ? -ENOENT : r;
    lead->verdict = LINK_UNKNOWN;
    if (like && (lead->link.by_key || has_time(&lead->link, &lead->st)))
        lead->verdict = LINK_LIVE;
    else if ((r == 0 || r == -ENOENT) && shmx_link_is_foreign(&lead->link, r))
        lead->error = -EXDEV;
    else if (!like && lead->error == -ENOENT && shmx_same_user(lead->link.owner, lead->link.owner))
        lead->verdict = LINK_GONE;
    return like && lead->verdict != LINK_LIVE;
}

int
shmx_link_follow(const char *entry, struct lead *lead)
{
    int r = shmx_link_read(entry, &lead->link, lead->text);

    if (r == 0)
        shmx_link_judge(lead, shmx_link_locate(&lead->link));
    return r;
}

/* -ENOENT means that the entry is not, or is no longer, the link with this text. */
static int
expect_text(const char *entry, const char *expected)
{
    char text[LINK_TEXT_MAX];
    int  r = shmx_directory_readlink(entry, text, sizeof text);

    return shmx_link_is_absent(r) || (r == 0 && strcmp(text, expected) != 0) ? -ENOENT : r;
}

/* Removes the segment, unless the entry may not be removed with it. */
static int
remove_segment(const char *entry, int id)
{
    struct stat st;
    int         r = shmx_directory_stat(entry, &st);

    if (r == 0)
        r = shmx_directory_may_unlink(st.st_uid, st.st_gid);
    if (r == -EPERM && st.st_uid == geteuid())
        r = 0; /* the owner may be this user, who is not mapped */
    if (r == 0 && shmctl(id, IPC_RMID, NULL) < 0 && errno != EINVAL && errno != EIDRM)
        r = failure();
    return r;
}

int
shmx_link_remove(const char *entry, const char *text, int id)
{
    const int lock = shmx_directory_lock();
    int       r = expect_text(entry, text);

    /* The segment goes first. If the process is killed in between, the link leads nowhere, which
       does no harm. */
    if (r == 0 && id >= 0)
        r = remove_segment(entry, id);
    if (r == 0)
        r = shmx_directory_unlink(entry);
    shmx_directory_unlock(lock);
    return r;
}

int
shmx_link_open(const char *entry, const char *text)
{
    char    target[LINK_TEXT_MAX];
    ssize_t length;
    int     r = -ENOENT, fd = shmx_directory_open(entry, O_PATH, 0);

    if (fd < 0)
        return fd;
    length = readlinkat(fd, "", target, sizeof target);
    if (length < 0 && errno != ENOENT) /* the entry is not a symbolic link */
        r = failure();
    if (length == (ssize_t)strlen(text) && memcmp(target, text, (size_t)length) == 0)
        return fd;
    close(fd);
    return r;
}

/* The seconds of the link's time are the first time. The nanoseconds tell how many seconds later
   the second time is. */
int
shmx_link_set_time(int fd, time_t time, time_t next)
{
    const time_t          later = next - time;
    const struct timespec times[] = {
        { .tv_nsec = UTIME_OMIT },
        { .tv_sec = time, .tv_nsec = later > 0 && later < 1000000000 ? (long)later : 0 }
    };

    return utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? failure() : 0;
}

int
shmx_link_chown(int fd, uid_t uid, gid_t gid)
{
    return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? failure() : 0;
}
