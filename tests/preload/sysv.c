/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmget(2), shmat(2), shmdt(2) and shmctl(2). An attachment is a handle of its own with one
 * attachment. A handle holds its segment, so none is kept beyond that. Taking and ending the hold
 * changes the times and shm_lpid of the segment, which is taken back from what IPC_STAT tells.
 */
#include "preload.h"

#include "shmx.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/shm.h>

struct attached {
    LIST_ENTRY(attached) link;
    struct shmx *seg;
    void        *addr;
    int          id;
};

struct traces {
    pid_t  lpid;
    time_t atime, dtime;
};

/* What to show of a segment as long as the real values are these, which means that nobody has
   attached or detached it since. */
struct mask {
    LIST_ENTRY(mask) link;
    int           id;
    struct traces there, shown;
};

static LIST_HEAD(, attached) attachments = LIST_HEAD_INITIALIZER(attachments);
static LIST_HEAD(, mask) masks = LIST_HEAD_INITIALIZER(masks);

/* Rows of the kernel's table. */

struct search {
    bool             by_key;
    int              number;
    struct shmx_stat row;
};

static int
compare_row(const char *name, const struct shmx_stat *st, void *arg)
{
    struct search *search = arg;

    (void)name;
    if ((search->by_key ? st->key : st->id) != search->number)
        return 0;
    search->row = *st;
    return 1;
}

static bool
find_row(bool by_key, int number, struct shmx_stat *row)
{
    struct search search = { .by_key = by_key, .number = number };

    if (shmx_list(SHMX_SYSV, compare_row, &search) != 1)
        return false;
    *row = search.row;
    return true;
}

static struct traces
traces_of(const struct shmx_stat *row)
{
    return (struct traces){ row->lpid, row->atime.tv_sec, row->dtime.tv_sec };
}

static struct mask *
find_mask(int id)
{
    struct mask *mask;

    LIST_FOREACH (mask, &masks, link)
        if (mask->id == id)
            break;
    return mask;
}

static void
unmask(int id)
{
    struct mask *mask = find_mask(id);

    if (mask == NULL)
        return;
    LIST_REMOVE(mask, link);
    free(mask);
}

/* From now on, shows these values instead of the real ones. */
static void
mask_traces(int id, struct traces shown)
{
    struct shmx_stat row;
    struct mask     *mask;

    unmask(id);
    mask = find_row(false, id, &row) ? malloc(sizeof *mask) : NULL;
    if (mask == NULL)
        return;
    *mask = (struct mask){ .id = id, .there = traces_of(&row), .shown = shown };
    LIST_INSERT_HEAD(&masks, mask, link);
}

static struct traces
visible_traces(int id, const struct shmx_stat *row)
{
    const struct mask *mask = find_mask(id);
    struct traces      traces = traces_of(row);

    if (mask == NULL)
        return traces;
    if (mask->there.lpid == traces.lpid && mask->there.atime == traces.atime
        && mask->there.dtime == traces.dtime)
        return mask->shown;
    if (mask->there.atime == traces.atime)
        traces.atime = mask->shown.atime;
    if (mask->there.dtime == traces.dtime)
        traces.dtime = mask->shown.dtime;
    return traces;
}

/* The program has attached or detached by itself, even if it was within the same second. */
static void
show_use(int id, bool attached)
{
    struct mask *mask = find_mask(id);

    if (mask == NULL)
        return;
    mask->there.lpid = 0;
    if (attached)
        mask->there.atime = 0;
    else
        mask->there.dtime = 0;
}

/* shmget. */

static int
create(int key, size_t size, int flags)
{
    const unsigned   create_flags = SHMX_SYSV | ((flags & SHM_NORESERVE) ? SHMX_SPARSE : 0);
    char             text[32];
    struct shmx     *seg;
    struct shmx_stat st;
    int              r;

    snprintf(text, sizeof text, "sysv:key=0x%x", (unsigned)key);
    r = shmx_create(key == IPC_PRIVATE ? NULL : text, size, (mode_t)flags & 0777, create_flags,
                    &seg);
    if (r < 0)
        return r;
    r = shmx_stat(seg, &st);
    if (r < 0)
        shmx_destroy(seg);
    shmx_close(seg);
    if (r < 0)
        return r;
    mask_traces(st.id, (struct traces){ 0 });
    return st.id;
}

static bool
can_create(size_t size, int flags)
{
    return !(flags & ~(0777 | IPC_CREAT | IPC_EXCL | SHM_NORESERVE)) && size <= (uint64_t)1 << 46;
}

/*
 * A handle of an existing segment would attach it, and shmget does not. So the segment is looked
 * for in the list, and the kernel says who has which right to it.
 */
static int
get(key_t key, size_t size, int flags, bool *carried)
{
    struct shmx_stat row;
    int              r;

    *carried = (key == IPC_PRIVATE || ((flags & IPC_CREAT) && !find_row(true, key, &row)))
               && can_create(size, flags);
    if (*carried)
        return create(key, size, flags);
    r = REAL(shmget)(key, size, flags);
    return r < 0 ? -errno : r;
}

PUBLIC int
shmget(key_t key, size_t size, int flags)
{
    bool carried;
    int  r;

    if (!preload_enter(PRELOAD_SYSV))
        return REAL(shmget)(key, size, flags);
    do
        r = get(key, size, flags, &carried);
    while (r == -EEXIST && !(flags & IPC_EXCL)); /* somebody has made it since the search */
    preload_log("shmget", carried);
    r = preload_result(r);
    preload_leave();
    return r;
}

/* shmat, shmdt. */

static int
attach(int id, void **addr, int flags, struct shmx **seg)
{
    char     text[32];
    unsigned attach = 0;
    int      r;

    if (*addr != NULL)
        attach |= SHMX_FIXED | ((flags & SHM_RND) ? SHMX_ROUND : 0);
    if (flags & SHM_REMAP)
        attach |= SHMX_REPLACE;
    if (flags & SHM_EXEC)
        attach |= SHMX_EXEC;
    snprintf(text, sizeof text, "sysv:id=%d", id);
    r = shmx_open(text, (flags & SHM_RDONLY) ? SHMX_RDONLY : 0, seg);
    if (r < 0)
        return r == -ENOENT ? -EINVAL : r;
    r = shmx_attach(*seg, attach, addr);
    if (r < 0)
        shmx_close(*seg);
    return r == -EEXIST ? -EINVAL : r;
}

/* The program has mapped over attachments, so the kernel has detached them. */
static void
forget_range(char *start, size_t length)
{
    struct attached *a, *following;

    for (a = LIST_FIRST(&attachments); a != NULL; a = following) {
        following = LIST_NEXT(a, link);
        if ((char *)a->addr < start || (char *)a->addr >= start + length)
            continue;
        LIST_REMOVE(a, link);
        preload_pretend(true);
        shmx_detach(a->seg, a->addr);
        preload_pretend(false);
        shmx_close(a->seg);
        free(a);
    }
}

PUBLIC void *
shmat(int id, const void *where, int flags)
{
    void            *addr = (void *)(uintptr_t)where;
    struct attached *a;
    int              r;

    if (!preload_enter(PRELOAD_SYSV))
        return REAL(shmat)(id, where, flags);
    if (id < 0 || (flags & ~(SHM_RDONLY | SHM_RND | SHM_REMAP | SHM_EXEC))
        || (where == NULL && (flags & SHM_REMAP))) {
        preload_log("shmat", false);
        addr = REAL(shmat)(id, where, flags);
        preload_leave();
        return addr;
    }
    preload_log("shmat", true);
    a = malloc(sizeof *a);
    r = a == NULL ? -ENOMEM : attach(id, &addr, flags, &a->seg);
    if (r == 0) {
        if (flags & SHM_REMAP)
            forget_range(addr, (size_t)shmx_size(a->seg));
        show_use(id, true);
        a->addr = addr;
        a->id = id;
        LIST_INSERT_HEAD(&attachments, a, link);
    } else {
        free(a);
        preload_result(r);
        addr = (void *)-1;
    }
    preload_leave();
    return addr;
}

/* What the library's own shmdt returned when it ended a handle. */
static __thread int detached;

PUBLIC int
shmdt(const void *addr)
{
    struct attached *a;
    int              r, id;

    if (preload_pretends())
        return 0;
    if (!preload_enter(PRELOAD_SYSV)) {
        r = REAL(shmdt)(addr);
        if (r < 0)
            detached = -errno;
        return r;
    }
    LIST_FOREACH (a, &attachments, link)
        if (a->addr == addr)
            break;
    preload_log("shmdt", a != NULL);
    if (a == NULL) {
        r = REAL(shmdt)(addr);
    } else {
        id = a->id;
        LIST_REMOVE(a, link);
        detached = 0;
        shmx_close(a->seg);
        free(a);
        r = preload_result(detached);
        show_use(id, false);
    }
    preload_leave();
    return r;
}

/* shmctl. */

/* Corrects what IPC_STAT told by what the library lists of the segment. The mapping that each
   handle here has for itself does not count. */
static void
stat_segment(int id, struct shmid_ds *ds)
{
    const struct attached *a;
    struct shmx_stat       row;
    struct traces          traces;

    if (!find_row(false, id, &row))
        return;
    traces = visible_traces(id, &row);
    ds->shm_segsz = (size_t)row.size;
    ds->shm_nattch = (shmatt_t)row.holders;
    LIST_FOREACH (a, &attachments, link)
        ds->shm_nattch -= a->id == id;
    ds->shm_cpid = row.cpid;
    ds->shm_lpid = traces.lpid;
    ds->shm_atime = traces.atime;
    ds->shm_dtime = traces.dtime;
    ds->shm_ctime = row.ctime.tv_sec;
    ds->shm_perm.uid = row.uid;
    ds->shm_perm.gid = row.gid;
    ds->shm_perm.cuid = row.cuid;
    ds->shm_perm.cgid = row.cgid;
    ds->shm_perm.mode = (unsigned short)((ds->shm_perm.mode & ~0777u) | row.mode);
}

static int
change(struct shmx *seg, int command, const struct shmid_ds *ds)
{
    int r;

    if (command == SHM_LOCK)
        return shmx_pin(seg);
    if (command == SHM_UNLOCK)
        return shmx_unpin(seg);
    r = shmx_chown(seg, ds->shm_perm.uid, ds->shm_perm.gid);
    return r < 0 ? r : shmx_chmod(seg, ds->shm_perm.mode & 0777);
}

/* Makes the change through a handle that exists, or through one for the moment. -EACCES means that
   there can be none. */
static int
change_segment(int id, int command, const struct shmid_ds *ds)
{
    char             text[32];
    struct attached *a;
    struct shmx_stat before;
    struct shmx     *seg;
    struct traces    shown;
    int              r;

    LIST_FOREACH (a, &attachments, link)
        if (a->id == id)
            return change(a->seg, command, ds);
    if (!find_row(false, id, &before))
        return -EACCES;
    shown = visible_traces(id, &before);
    snprintf(text, sizeof text, "sysv:id=%d", id);
    r = shmx_open(text, SHMX_RDONLY, &seg);
    if (r < 0)
        return -EACCES;
    r = change(seg, command, ds);
    shmx_close(seg);
    mask_traces(id, shown);
    return r;
}

/* -EACCES means that the kernel knows better. For the kernel, removing a segment that is removed
   but still attached is no error. The library does not find it any more. */
static int
remove_segment(int id)
{
    struct shmx_stat row;
    char             text[32];
    int              r;

    snprintf(text, sizeof text, "sysv:id=%d", id);
    r = shmx_remove(text);
    if (r == 0 && !find_row(false, id, &row)) /* otherwise it is still attached */
        unmask(id);
    return r == -ENOENT ? -EACCES : r;
}

PUBLIC int
shmctl(int id, int command, struct shmid_ds *ds)
{
    int r = -EACCES; /* passed on to the kernel */

    if (!preload_enter(PRELOAD_SYSV))
        return REAL(shmctl)(id, command, ds);
    if (command == IPC_RMID && id >= 0)
        r = remove_segment(id);
    else if ((command == IPC_SET && ds != NULL) || command == SHM_LOCK || command == SHM_UNLOCK)
        r = change_segment(id, command, ds);
    preload_log("shmctl", r != -EACCES || command == IPC_STAT);
    if (r == -EACCES) {
        r = REAL(shmctl)(id, command, ds);
        if (r == 0 && command == IPC_STAT)
            stat_segment(id, ds);
    } else {
        r = preload_result(r);
    }
    preload_leave();
    return r;
}
