/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include "../failure.h"
#include "../namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
link_format(const struct link *link, char text[LINK_TEXT_MAX])
{
    if (link->by_key)
        snprintf(text, LINK_TEXT_MAX, "sysv:key=0x%x size=%" PRIu64 " ipc=%lu",
                 (unsigned)link->number, link->size, link->ipc);
    else
        snprintf(text, LINK_TEXT_MAX, "sysv:id=%d size=%" PRIu64 " ipc=%lu pid=%ld pidns=%lu",
                 link->number, link->size, link->ipc, link->pid, link->pidns);
}

int
link_parse(const char *text, struct link *link)
{
    char     canonical[LINK_TEXT_MAX];
    unsigned key;

    *link = (struct link){ .by_key = true };
    if (sscanf(text, "sysv:key=0x%x size=%" SCNu64 " ipc=%lu", &key, &link->size, &link->ipc) == 3)
        link->number = (int)key;
    else if (sscanf(text, "sysv:id=%d size=%" SCNu64 " ipc=%lu pid=%ld pidns=%lu", &link->number,
                    &link->size, &link->ipc, &link->pid, &link->pidns)
             == 5)
        link->by_key = false;
    else
        return -ELOOP;
    /* sscanf forgives blanks, signs and overflow. We write one spelling, and accept that one. */
    link_format(link, canonical);
    if (strcmp(text, canonical) != 0 || (link->by_key ? link->number == 0 : link->number < 0))
        return -ELOOP;
    return 0;
}

int
link_read(const char *entry, struct link *link, char text[LINK_TEXT_MAX])
{
    struct stat before, after;
    int         r;

    /* The text and the owner must be those of one and the same link. */
    do {
        r = directory_stat(entry, &before);
        if (r == 0 && !S_ISLNK(before.st_mode))
            r = -ENOENT;
        if (r == 0)
            r = directory_readlink(entry, text, LINK_TEXT_MAX);
        if (r == 0)
            r = directory_stat(entry, &after);
        if (r < 0)
            return r;
    } while (before.st_ino != after.st_ino || before.st_dev != after.st_dev);

    r = link_parse(text, link);
    link->owner = after.st_uid;
    link->made = after.st_mtim;
    link->changed = after.st_ctim;
    return r;
}

static bool
has_text(const char *entry, const void *what)
{
    char text[LINK_TEXT_MAX];

    return directory_readlink(entry, text, sizeof text) == 0 && strcmp(text, what) == 0;
}

int
link_withdraw(const char *entry, const char *text, char hidden[DIRECTORY_HIDDEN_MAX])
{
    return directory_withdraw(entry, has_text, text, hidden);
}

int
link_remove(const char *entry, const char *text)
{
    char hidden[DIRECTORY_HIDDEN_MAX];
    int  r = link_withdraw(entry, text, hidden);

    return r < 0 ? r : directory_unlink(hidden);
}

int
link_locate(const struct link *link)
{
    unsigned long here;
    int           id, r = namespace_number("ipc", &here);

    if (r < 0)
        return r;
    /* Without /proc, on either side, nobody knows: then the other comparisons must do. */
    if (link->ipc != here && link->ipc != 0 && here != 0)
        return -EXDEV;
    if (!link->by_key)
        return link->number;
    /* Without size and rights asked for, this says where the key leads, and nothing else. */
    id = shmget(link->number, 0, 0);
    return id < 0 ? failure() : id;
}

/* What its not being here means. */
static enum link_verdict
judge_missing(const struct link *link)
{
    unsigned long here;

    return namespace_number("ipc", &here) == 0 && link->ipc == here ? LINK_GONE : LINK_ABROAD;
}

/* Ids are recycled: who made the segment, where pids can be compared? */
static bool
has_another_creator(const struct link *link, const struct shmid_ds *ds)
{
    unsigned long here;

    return ds->shm_cpid != link->pid && namespace_number("pid", &here) == 0 && link->pidns == here;
}

enum link_verdict
link_judge(const struct link *link, int id, struct shmid_ds *ds)
{
    if (id == -EXDEV)
        return LINK_ABROAD;
    if (id < 0)
        return id == -ENOENT ? judge_missing(link) : LINK_HIDDEN;
    if (shmctl(id, IPC_STAT, ds) < 0)
        return errno == EINVAL || errno == EIDRM ? judge_missing(link) : LINK_HIDDEN;
    if (ds->shm_segsz != link->size)
        return LINK_GONE;
    if (link->by_key && ds->shm_perm.__key != link->number)
        return LINK_GONE;
    if (!link->by_key && has_another_creator(link, ds))
        return LINK_GONE;
    if (link->owner != ds->shm_perm.uid && link->owner != ds->shm_perm.cuid)
        return LINK_STRANGE;
    return LINK_LIVE;
}
