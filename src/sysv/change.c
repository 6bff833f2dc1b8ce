/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing mode and owner of a System V segment, and its link with them. */
#include "../failure.h"
#include "sysv.h"

#include <errno.h>
#include <sys/shm.h>
#include <time.h>

static int
set_perm(const struct sysv *s, uid_t uid, gid_t gid, mode_t mode)
{
    struct shmid_ds ds = { .shm_perm = { .uid = uid, .gid = gid, .mode = (unsigned short)mode } };

    return shmctl(s->id, IPC_SET, &ds) < 0 ? failure() : 0;
}

/*
 * A link by id has the time of the segment's last change. So it is given the time that the kernel's
 * clock for that shows, and another one if the segment has another time then: the second was over,
 * or somebody else has changed the segment, too. Who follows the link meanwhile looks again.
 */
static int
set_perm_and_time(struct sysv *s, const char *entry, uid_t uid, gid_t gid, mode_t mode)
{
    struct shmx_stat st;
    struct timespec  now;
    time_t           told;
    int              r;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    told = now.tv_sec;
    r = shmx_link_set_time(entry, told);
    if (r < 0)
        return r;
    r = set_perm(s, uid, gid, mode);
    while (shmx_sysv_identify(s, &st) == 0 && st.ctime.tv_sec != told) {
        told = st.ctime.tv_sec;
        if (shmx_link_set_time(entry, told) < 0)
            break;
    }
    return r;
}

/* At every moment the link is one of the segment's owner or creator, or it would be dead. */
static int
set_owner(struct sysv *s, const char *entry, const struct shmx_stat *st, uid_t uid, gid_t gid)
{
    char text[LINK_TEXT_MAX];
    int  r = 0;

    shmx_link_format(&s->link, text);
    if (uid != st->uid)
        r = shmx_link_chown(entry, text, st->cuid, (gid_t)-1);
    if (r < 0)
        return r;
    r = s->link.by_key ? set_perm(s, uid, gid, st->mode)
                       : set_perm_and_time(s, entry, uid, gid, st->mode);
    if (r == 0) {
        r = shmx_link_chown(entry, text, uid, gid);
        if (r < 0)
            set_perm(s, st->uid, st->gid, st->mode);
    }
    if (r < 0)
        shmx_link_chown(entry, text, st->uid, (gid_t)-1);
    return r;
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
    return entry == NULL ? set_perm(s, st.uid, st.gid, mode)
                         : set_perm_and_time(s, entry, st.uid, st.gid, mode);
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
    return entry == NULL ? set_perm(s, uid, gid, st.mode) : set_owner(s, entry, &st, uid, gid);
}
