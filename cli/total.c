/* SPDX-License-Identifier: BSD-2-Clause */
/* The totals of all segments, and the memory in /dev/shm that no name leads to any more. df(1)
   counts such memory, but no list shows it. */
#include "total.h"

#include "cli.h"

#include <fts.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Returns whether all of a file system is below /dev/shm, and not only a directory of it. */
static bool
is_whole(void)
{
    char  *line = NULL, root[4096], point[16];
    size_t room = 0;
    FILE  *f = fopen("/proc/self/mountinfo", "re");
    bool   whole = false;

    while (f != NULL && getline(&line, &room, f) > 0) /* the last mount covers the others */
        if (sscanf(line, "%*s %*s %*s %4095s %15s", root, point) == 2
            && strcmp(point, "/dev/shm") == 0)
            whole = strcmp(root, "/") == 0;
    if (f != NULL)
        fclose(f);
    free(line);
    return whole;
}

/* Adds the memory of a file. Each hard link has its share. Returns false for what cannot be read,
   and for what another file system covers. */
static bool
add_named(const FTSENT *entry, dev_t device, uint64_t *bytes)
{
    const struct stat *st = entry->fts_statp;

    if (entry->fts_info == FTS_DP)
        return true;
    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS
        || st->st_dev != device)
        return false;
    if (st->st_nlink > 0)
        *bytes += (uint64_t)st->st_blocks * 512 / (entry->fts_info == FTS_D ? 1 : st->st_nlink);
    return true;
}

/* Tells how much memory all files with names have. Returns false if not all of them can be seen. */
static bool
named_bytes(uint64_t *bytes)
{
    char    path[] = "/dev/shm", *paths[] = { path, NULL };
    FTS    *tree = is_whole() ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
    FTSENT *entry;
    struct stat root;
    bool        all = tree != NULL && stat(path, &root) == 0;

    *bytes = 0;
    while (all && (entry = fts_read(tree)) != NULL)
        all = add_named(entry, root.st_dev, bytes);
    if (tree != NULL)
        fts_close(tree);
    return all;
}

struct nameless {
    pid_t    pid;
    uint64_t bytes;
};

static int
largest_first(const void *a, const void *b)
{
    const uint64_t x = ((const struct nameless *)a)->bytes, y = ((const struct nameless *)b)->bytes;

    return (x < y) - (x > y);
}

/* Finds out how much memory without a name each process has, as far as that can be seen. The caller
   frees the result. */
static struct nameless *
find_nameless(const struct uses *uses, size_t *count)
{
    struct nameless *found = must(calloc(uses->count + 1, sizeof *found));
    size_t           i, j;

    *count = 0;
    for (i = 0; i < uses->count; i++) {
        if (uses->items[i].sysv || !uses->items[i].unlinked)
            continue;
        for (j = 0; j < *count && found[j].pid != uses->items[i].pid; j++) {
        }
        if (j == *count)
            found[(*count)++].pid = uses->items[i].pid;
        found[j].bytes += uses->items[i].bytes;
    }
    qsort(found, *count, sizeof *found, largest_first);
    return found;
}

static void
print_nameless(const struct uses *uses, uint64_t bytes)
{
    struct nameless *found;
    char             size[16], name[64], *shown;
    size_t           count, i;

    format_size(bytes, style.bytes, size, sizeof size);
    printf("/dev/shm holds %s more without a name: it is unlinked and still in use%s\n", size,
           uses->complete ? "" : " (not all processes can be seen)");
    found = find_nameless(uses, &count);
    for (i = 0; i < count && i < TOTAL_LINES - 4; i++) {
        process_name(found[i].pid, name, sizeof name);
        shown = visible(name, false);
        format_size(found[i].bytes, style.bytes, size, sizeof size);
        printf("  %s by process %d (%s)\n", found[i].bytes > 0 ? size : "some", (int)found[i].pid,
               shown);
        free(shown);
    }
    if (i < count)
        printf("  and more by %zu other processes\n", count - i);
    free(found);
}

void
print_total(const struct rows *rows, const struct uses *uses, unsigned flags)
{
    struct statfs fs;
    uint64_t      size = 0, resident = 0, used, named;
    char          sizes[2][24];
    size_t        i, foreign = 0;

    for (i = 0; i < rows->count; i++) {
        const struct shmx_stat *st = &rows->items[i].st;

        foreign += (st->state & SHMX_IS_FOREIGN) != 0;
        if (!(st->state & SHMX_IS_FOREIGN)) /* anybody can make huge files of holes */
            size = st->size > UINT64_MAX - size ? UINT64_MAX : size + st->size;
        resident += st->resident;
    }
    format_size(size, style.bytes, sizes[0], sizeof *sizes);
    format_size(resident, style.bytes, sizes[1], sizeof *sizes);
    printf("\n%zu segment%s, %s, %s resident\n", rows->count - foreign,
           rows->count - foreign == 1 ? "" : "s", sizes[0], sizes[1]);
    if (foreign > 0)
        printf("%zu name%s of other IPC namespaces ('shmx gc --foreign' removes such names)\n",
               foreign, foreign == 1 ? "" : "s");
    if (flags == SHMX_SYSV || statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC)
        return;
    used = (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
    if (named_bytes(&named) && used > named)
        print_nameless(uses, used - named);
}
