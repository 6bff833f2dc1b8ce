/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "../failure.h"
#include "../namespace.h"
#include "../segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <unistd.h>

#define TABLE "/proc/sysvipc/shm"

static unsigned
state_of(unsigned mode, int key)
{
    unsigned state = 0;

    /* Only links tell whether a segment without a key has a name, and whether the segment is
       ephemeral. The caller looks at them. */
    if (key == 0)
        state |= SHMX_IS_NAMELESS;
    if (mode & SHM_DEST)
        state |= SHMX_IS_DESTROYED;
    if (mode & SHM_LOCKED)
        state |= SHMX_IS_PINNED;
    return state;
}

static void
describe(const struct shmid_ds *ds, int id, struct shmx_stat *st)
{
    const struct ipc_perm *perm = &ds->shm_perm;

    *st = (struct shmx_stat){
        .backend = SHMX_SYSV,
        .state = state_of(perm->mode, perm->__key),
        .size = ds->shm_segsz,
        .holders = (int64_t)ds->shm_nattch,
        .id = id,
        .key = perm->__key,
        .mode = perm->mode & 0777,
        .uid = perm->uid,
        .gid = perm->gid,
        .cuid = perm->cuid,
        .cgid = perm->cgid,
        .cpid = ds->shm_cpid,
        .lpid = ds->shm_lpid,
        .atime.tv_sec = ds->shm_atime,
        .dtime.tv_sec = ds->shm_dtime,
        .ctime.tv_sec = ds->shm_ctime,
    };
}

static bool
parse_row(const char *line, struct shmx_stat *st)
{
    unsigned mode, uid, gid, cuid, cgid;
    int64_t  atime, dtime, ctime;
    int      cpid, lpid;

    *st = (struct shmx_stat){ .backend = SHMX_SYSV };
    if (sscanf(line,
               "%d %d %o %" SCNu64 " %d %d %" SCNd64 " %u %u %u %u %" SCNd64 " %" SCNd64 " %" SCNd64
               " %" SCNu64,
               &st->key, &st->id, &mode, &st->size, &cpid, &lpid, &st->holders, &uid, &gid, &cuid,
               &cgid, &atime, &dtime, &ctime, &st->resident)
        != 15)
        return false;
    st->state = state_of(mode, st->key);
    st->mode = mode & 0777;
    st->uid = uid;
    st->gid = gid;
    st->cuid = cuid;
    st->cgid = cgid;
    st->cpid = cpid;
    st->lpid = lpid;
    st->atime.tv_sec = (time_t)atime;
    st->dtime.tv_sec = (time_t)dtime;
    st->ctime.tv_sec = (time_t)ctime;
    return true;
}

/* Reads the next row, passing over the heading. Returns false at the end. */
static bool
next_row(FILE *f, struct shmx_stat *st)
{
    char line[512];

    while (fgets(line, sizeof line, f) != NULL)
        if (parse_row(line, st))
            return true;
    return false;
}

static int
append(struct shmx_stat **rows, size_t *count, const struct shmx_stat *row)
{
    struct shmx_stat *grown = *rows;

    if ((*count & (*count - 1)) == 0) { /* the array is full at every power of two */
        grown = reallocarray(*rows, *count == 0 ? 1 : *count * 2, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
    }
    grown[(*count)++] = *row;
    *rows = grown;
    return 0;
}

static int
compare(const void *a, const void *b)
{
    const struct shmx_stat *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

struct shmx_stat *
shmx_table_search(struct shmx_stat *rows, size_t count, int id)
{
    const struct shmx_stat wanted = { .id = id };

    return count == 0 ? NULL : bsearch(&wanted, rows, count, sizeof *rows, compare);
}

int
shmx_table_read(struct shmx_stat **rows, size_t *count)
{
    struct shmx_stat row;
    FILE            *f = shmx_open_proc(TABLE);
    int              r = 0;

    *rows = NULL;
    *count = 0;
    if (f == NULL)
        return errno == ENOENT ? 0 : failure();
    while (r == 0 && next_row(f, &row))
        r = append(rows, count, &row);
    if (r == 0 && ferror(f))
        r = failure();
    fclose(f);
    if (r < 0) {
        free(*rows);
        *rows = NULL;
    } else if (*count > 0) {
        qsort(*rows, *count, sizeof **rows, compare);
    }
    return r;
}

bool
shmx_table_find(int id, struct shmx_stat *row)
{
    NO_CANCELLATION;
    FILE *f = shmx_open_proc(TABLE);
    bool  found = false;

    if (f == NULL)
        return false;
    while (!found && next_row(f, row))
        found = row->id == id;
    fclose(f);
    return found;
}

int
shmx_table_examine(int id, struct shmx_stat *st)
{
    struct shmid_ds ds;
    int             r;

    if (shmctl(id, IPC_STAT, &ds) == 0) {
        describe(&ds, id, st);
        return 0;
    }
    r = failure();
    if (r == -EINVAL) /* failure turns EIDRM into this, too */
        return -ENOENT;
    if (r != -EACCES)
        return r;
    /* The mode may forbid even the owner to call IPC_STAT, but not to call SHM_STAT_ANY, which
       takes the index in the kernel's table (IPCMNI), nor to read /proc. valgrind does not know
       SHM_STAT_ANY. */
    ds = (struct shmid_ds){ 0 };
    if (shmctl(id & 0x7fff, SHM_STAT_ANY, &ds) == id) {
        describe(&ds, id, st);
        return 0;
    }
    if (!shmx_table_find(id, st))
        return r;
    st->resident = 0;
    return 0;
}
