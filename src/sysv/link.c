/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include "../failure.h"
#include "../namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

static inline bool
take_word(const char **text, const char *word)
{
    const size_t length = strlen(word);

    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

/* Digits as link_format writes them, without a sign or zeros in front. */
static bool
take_number(const char **text, int base, uint64_t max, uint64_t *number)
{
    const size_t length = strspn(*text, base == 16 ? "0123456789abcdef" : "0123456789");

    if (length == 0 || (length > 1 && **text == '0'))
        return false;
    errno = 0;
    *number = strtoull(*text, NULL, base);
    *text += length;
    return errno == 0 && *number <= max;
}

int
link_parse(const char *text, struct link *link)
{
    uint64_t number = 0, size, ipc, pid = 0, pidns = 0;
    bool     by_key = take_word(&text, "sysv:key=0x");
    bool     well = by_key ? take_number(&text, 16, UINT_MAX, &number) && number != 0
                           : take_word(&text, "sysv:id=") && take_number(&text, 10, INT_MAX, &number);

    well = well && take_word(&text, " size=") && take_number(&text, 10, UINT64_MAX, &size)
           && take_word(&text, " ipc=") && take_number(&text, 10, ULONG_MAX, &ipc);
    if (well && !by_key)
        well = take_word(&text, " pid=") && take_number(&text, 10, LONG_MAX, &pid)
               && take_word(&text, " pidns=") && take_number(&text, 10, ULONG_MAX, &pidns);
    if (!well || *text != '\0')
        return -ELOOP;
    *link = (struct link){ .by_key = by_key,
                           .number = (int)(unsigned)number,
                           .size = size,
                           .ipc = (unsigned long)ipc,
                           .pid = (long)pid,
                           .pidns = (unsigned long)pidns };
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
        if (r != 0)
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
    int           id, r = namespace_number(NAMESPACE_IPC, &here);

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

    return namespace_number(NAMESPACE_IPC, &here) == 0 && link->ipc == here ? LINK_GONE
                                                                            : LINK_ABROAD;
}

/* Ids are recycled: who made the segment, where pids can be compared? */
static bool
has_another_creator(const struct link *link, const struct shmid_ds *ds)
{
    unsigned long here;

    return ds->shm_cpid != link->pid && namespace_number(NAMESPACE_PID, &here) == 0
           && link->pidns == here;
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
