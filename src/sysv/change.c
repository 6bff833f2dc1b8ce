/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing mode and owner of a System V segment, and its link with them. */
#include "../failure.h"
#include "sysv.h"

#include <errno.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

int
shmx_sysv_set_perm(int id, uid_t uid, gid_t gid, mode_t mode)
{
    struct shmid_ds ds = { .shm_perm = { .uid = uid, .gid = gid, .mode = (unsigned short)mode } };

    return shmctl(id, IPC_SET, &ds) < 0 ? failure() : 0;
}

/* The name that leads here by a link, if it is known and still does. */
static const char *
linked_entry(struct sysv *s, const struct shmx_stat *st)
{
    const char *entry = shmx_segment_entry(&s->seg);
    struct link link;
    char        text[LINK_TEXT_MAX];

    return entry != NULL && shmx_link_read(entry, &link, text) == 0 && shmx_link_matches(&link, st)
               ? entry
               : NULL;
}

/* Whether the entry is a link by that id, of whatever time. */
static bool
leads_to_id(const char *entry, int id)
{
    struct link link;
    char        text[LINK_TEXT_MAX];

    return shmx_link_read(entry, &link, text) == 0 && !link.by_key && link.number == id;
}

/* Put the new link, at the hidden entry, in the place of the old one, if that still stands there. */
static int
exchange_link(const char *hidden, const char *entry, int id)
{
    int r = shmx_directory_exchange(hidden, entry);

    if (r == 0 && !leads_to_id(hidden, id))
        r = shmx_directory_exchange(hidden, entry);
    return r == -ENOENT ? 0 : r; /* who collects took us for dead, or the name is gone */
}

static int
write_owned_intent(const struct link *link, const struct shmx_stat *st, uid_t uid, gid_t gid,
                   char hidden[HIDDEN_MAX])
{
    char text[LINK_TEXT_MAX];
    int  r = shmx_sysv_write_intent(link, HIDDEN_PUBLISH, hidden);

    if (r < 0 || uid == geteuid() || st->cuid == geteuid())
        return r;
    shmx_link_format(link, text);
    r = shmx_link_chown(hidden, text, uid, gid);
    if (r < 0)
        shmx_directory_unlink(hidden);
    return r;
}

/*
 * A link by id says when the segment was last changed. So the new link is made first, with the time
 * that the kernel's clock for that shows, and once more if the segment has another time then: the
 * second was over, or somebody else has changed the segment, too. Who finds the old link until the
 * new one is in its place looks again.
 */
static int
set_perm_and_link(struct sysv *s, const char *entry, struct shmx_stat *st, uid_t uid, gid_t gid,
                  mode_t mode)
{
    struct link     link = s->link;
    struct timespec now;
    char            hidden[HIDDEN_MAX];
    int             r;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    link.time = now.tv_sec;
    r = write_owned_intent(&link, st, uid, gid, hidden);
    if (r < 0)
        return r;
    r = shmx_sysv_set_perm(s->id, uid, gid, mode);
    if (r == 0)
        r = exchange_link(hidden, entry, s->id);
    while (r == 0 && (r = shmx_sysv_identify(s, st)) == 0 && linked_entry(s, st) == NULL
           && leads_to_id(entry, s->id)) {
        shmx_directory_unlink(hidden);
        link.time = st->ctime.tv_sec;
        r = write_owned_intent(&link, st, uid, gid, hidden);
        if (r == 0)
            r = exchange_link(hidden, entry, s->id);
    }
    shmx_directory_unlink(hidden);
    return r;
}

/* At every moment a link by key is one of the segment's owner or creator, or it would be dead. */
static int
set_owner_and_link(struct sysv *s, const char *entry, const struct shmx_stat *st, uid_t uid,
                   gid_t gid)
{
    char text[LINK_TEXT_MAX];
    int  r = 0;

    shmx_link_format(&s->link, text);
    if (uid != st->uid)
        r = shmx_link_chown(entry, text, st->cuid, (gid_t)-1);
    if (r < 0)
        return r;
    r = shmx_sysv_set_perm(s->id, uid, gid, st->mode);
    if (r == 0) {
        r = shmx_link_chown(entry, text, uid, gid);
        if (r < 0)
            shmx_sysv_set_perm(s->id, st->uid, st->gid, st->mode);
    }
    if (r < 0)
        shmx_link_chown(entry, text, st->uid, (gid_t)-1);
    return r;
}

int
shmx_sysv_chmod(struct shmx *seg, mode_t mode)
{
    struct sysv     *s = sysv_of(seg);
    struct shmx_stat st;
    const char      *entry;
    int              r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    entry = s->link.by_key ? NULL : linked_entry(s, &st);
    if (entry != NULL)
        return set_perm_and_link(s, entry, &st, st.uid, st.gid, mode);
    return shmx_sysv_set_perm(s->id, st.uid, st.gid, mode);
}

int
shmx_sysv_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    struct sysv     *s = sysv_of(seg);
    struct shmx_stat st;
    const char      *entry;
    int              r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    if (uid == (uid_t)-1)
        uid = st.uid;
    if (gid == (gid_t)-1)
        gid = st.gid;
    entry = linked_entry(s, &st);
    if (entry == NULL)
        return shmx_sysv_set_perm(s->id, uid, gid, st.mode);
    if (s->link.by_key)
        return set_owner_and_link(s, entry, &st, uid, gid);
    return set_perm_and_link(s, entry, &st, uid, gid, st.mode);
}
