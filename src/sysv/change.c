/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing the mode and the owner of a System V segment, together with its link. */
#include "../failure.h"
#include "sysv.h"

#include <errno.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int
set_perm(const struct sysv *s, uid_t uid, gid_t gid, mode_t mode)
{
    struct shmid_ds ds = { .shm_perm = { .uid = uid, .gid = gid, .mode = (unsigned short)mode } };

    return shmctl(s->id, IPC_SET, &ds) < 0 ? failure() : 0;
}

void
shmx_sysv_settle_time(const struct sysv *s, int link)
{
    struct shmx_stat st;
    struct stat      now;

    while (shmx_sysv_identify(s, &st) == 0 && fstat(link, &now) == 0
           && (now.st_mtim.tv_sec != st.ctime.tv_sec || now.st_mtim.tv_nsec != 0))
        if (shmx_link_set_time(link, st.ctime.tv_sec, st.ctime.tv_sec) < 0)
            break;
}

/*
 * A link by id carries the time at which the segment was last changed. So before the change the
 * link gets a second time, the one that the clock of the kernel shows. After the change the link
 * gets the time that the segment has. That may be another one, because the second was over, or
 * because somebody else has changed the segment, too. A process that follows the link meanwhile
 * looks again.
 */
static int
set_perm_and_time(const struct sysv *s, int link, const struct shmx_stat *st, uid_t uid, gid_t gid,
                  mode_t mode)
{
    struct timespec now;
    int             r;

    if (s->key != 0)
        return set_perm(s, uid, gid, mode);
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    r = shmx_link_set_time(link, st->ctime.tv_sec, now.tv_sec);
    if (r < 0)
        return r;
    r = set_perm(s, uid, gid, mode);
    shmx_sysv_settle_time(s, link);
    return r;
}

/* At every moment the link belongs to the owner or the creator of the segment. Otherwise the link
   would be dead. */
static int
set_owner(const struct sysv *s, int link, const struct shmx_stat *st, uid_t uid, gid_t gid)
{
    int r = 0;

    if (uid != st->uid)
        r = shmx_link_chown(link, st->cuid, (gid_t)-1);
    if (r < 0)
        return r;
    r = set_perm_and_time(s, link, st, uid, gid, st->mode);
    if (r == 0) {
        r = shmx_link_chown(link, uid, gid);
        if (r < 0)
            set_perm_and_time(s, link, st, st->uid, st->gid, st->mode);
    }
    if (r < 0)
        shmx_link_chown(link, st->uid, (gid_t)-1);
    return r;
}

/* Opens the link of the segment. If another process changes the segment meanwhile, the link has
   another time, and is looked for again. -ENOENT means that the segment has no link. */
static int
open_own_link(struct sysv *s, struct shmx_stat *st)
{
    struct shmx_stat now;
    struct link      link;
    char             entry[NAME_MAX + 1], text[LINK_TEXT_MAX];
    int              r;

    do {
        r = shmx_sysv_find_link(s, st, entry, &link, text);
        if (r > 0)
            return shmx_link_open(entry, text);
        now = *st;
    } while (r == 0 && (r = shmx_sysv_identify(s, st)) == 0
             && now.ctime.tv_sec != st->ctime.tv_sec);
    return r < 0 ? r : -ENOENT;
}

int
shmx_sysv_chmod(struct shmx *seg, mode_t mode)
{
    struct sysv     *s = sysv_of(seg);
    struct shmx_stat st;
    int              link, r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    link = st.key == 0 ? open_own_link(s, &st) : -ENOENT; /* only a link by id has to follow */
    if (link == -ENOENT)
        return set_perm(s, st.uid, st.gid, mode);
    if (link < 0)
        return link;
    r = set_perm_and_time(s, link, &st, st.uid, st.gid, mode);
    close(link);
    return r;
}

int
shmx_sysv_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    struct sysv     *s = sysv_of(seg);
    struct shmx_stat st;
    int              link, r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    link = open_own_link(s, &st);
    if (uid == (uid_t)-1)
        uid = st.uid;
    if (gid == (gid_t)-1)
        gid = st.gid;
    if (link == -ENOENT)
        return set_perm(s, uid, gid, st.mode);
    if (link < 0)
        return link;
    r = set_owner(s, link, &st, uid, gid);
    close(link);
    return r;
}
