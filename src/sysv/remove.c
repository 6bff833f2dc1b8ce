/* SPDX-License-Identifier: BSD-2-Clause */
/* Removing System V segments and their links. */
#include "../failure.h"
#include "sysv.h"
#include "table.h"

#include <bsd/string.h>
#include <errno.h>
#include <sys/shm.h>

/* A link may be removed only if it leads nowhere. */
int
shmx_sysv_vacate(const char *entry)
{
    struct lead lead;

    return shmx_link_follow(entry, &lead) == 0 && lead.verdict == LINK_GONE
           && shmx_link_remove(entry, lead.text, -1) == 0;
}

static int
remove_id(int id)
{
    return shmctl(id, IPC_RMID, NULL) == 0 || errno == EINVAL || errno == EIDRM ? 0 : failure();
}

/* Finds the link of the segment, at the name that is known, or else by a search. Returns how many
   links there are. */
int
shmx_sysv_find_link(struct sysv *s, const struct shmx_stat *st, char entry[NAME_MAX + 1],
                    struct link *link, char text[LINK_TEXT_MAX])
{
    const char *known = shmx_segment_entry(&s->seg);
    int         count = 1, r;

    if (known != NULL)
        strlcpy(entry, known, NAME_MAX + 1);
    else
        count = shmx_sysv_find_entry(st, entry);
    if (count <= 0)
        return count;
    r = shmx_link_read(entry, link, text);
    if (r < 0)
        return shmx_link_is_absent(r) ? 0 : r;
    return shmx_link_matches(link, st);
}

int
shmx_sysv_destroy(struct shmx *seg)
{
    struct sysv     *s = sysv_of(seg);
    const char      *known = shmx_segment_entry(seg);
    struct shmx_stat st;
    struct link      link;
    char             entry[NAME_MAX + 1], text[LINK_TEXT_MAX];
    int              r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    if (known != NULL && s->link.by_key && s->link.number == st.key) {
        shmx_link_format(&s->link, text);
        r = shmx_link_remove(known, text, s->id);
    } else {
        r = shmx_sysv_find_link(s, &st, entry, &link, text);
        if (r < 0)
            return r;
        r = r > 0 ? shmx_link_remove(entry, text, s->id) : -ENOENT;
    }
    /* If there is no name, a key or an id may still lead to the segment. */
    if (r == -ENOENT && !(st.state & SHMX_IS_DESTROYED))
        r = remove_id(s->id);
    else if (r == -ENOENT && (seg->flags & SHMX_EPHEMERAL) && known == NULL)
        r = 0;
    return r;
}

static int
remove_raw(int id, int key)
{
    struct shmx_stat st;
    int              r = shmx_table_examine(id, &st);

    if (r == 0 && ((st.state & SHMX_IS_DESTROYED) || (key != 0 && st.key != key)))
        r = -ENOENT;
    return r < 0 ? r : remove_id(id);
}

int
shmx_sysv_remove_from(const struct reference *ref, int expected)
{
    struct lead lead;
    int         id, r;

    if (ref->kind == REFERENCE_ID)
        return remove_raw(ref->number, 0);
    if (ref->kind == REFERENCE_KEY) {
        id = shmget(ref->number, 0, 0);
        if (id < 0)
            return failure();
        return expected >= 0 && id != expected ? -ENOENT : remove_raw(id, ref->number);
    }
    r = shmx_link_follow(ref->entry, &lead);
    if (r < 0)
        return r;
    if (expected >= 0 && (lead.verdict != LINK_LIVE || lead.st.id != expected))
        return -ENOENT;
    if (lead.verdict == LINK_LIVE)
        return shmx_link_remove(ref->entry, lead.text, lead.st.id);
    if (lead.verdict == LINK_UNKNOWN && lead.error == -EACCES)
        return lead.error;
    return shmx_link_remove(ref->entry, lead.text, -1);
}

int
shmx_sysv_remove(const struct reference *ref)
{
    return shmx_sysv_remove_from(ref, -1);
}

static int
vacate_same_id(const struct dirent *d, void *arg)
{
    const struct sysv *s = arg;
    struct link        link;
    char               text[LINK_TEXT_MAX];

    if ((d->d_type == DT_LNK || d->d_type == DT_UNKNOWN) && !shmx_is_hidden(d->d_name)
        && shmx_link_read(d->d_name, &link, text) == 0 && !link.by_key && link.number == s->id)
        shmx_sysv_vacate(d->d_name);
    return 0;
}

/* A handle of an ephemeral segment ends. If that was the last one, the name is removed as well,
   whichever handle gave it. */
void
shmx_sysv_forget_name(struct sysv *s)
{
    const char      *known = shmx_segment_entry(&s->seg);
    struct shmx_stat st;

    if (shmx_table_examine(s->id, &st) != -ENOENT)
        return;
    if (known != NULL)
        shmx_sysv_vacate(known);
    else
        shmx_directory_walk(vacate_same_id, s);
}
