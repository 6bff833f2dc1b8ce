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
#include <sys/stat.h>
#include <sys/vfs.h>

/* Returns how much memory all files with names have. Each hard link has its share. */
static uint64_t
named_bytes(void)
{
    char     path[] = "/dev/shm", *paths[] = { path, NULL };
    FTS     *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT  *entry;
    uint64_t bytes = 0;

    while (tree != NULL && (entry = fts_read(tree)) != NULL)
        if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS
            && entry->fts_statp->st_nlink > 0)
            bytes += (uint64_t)entry->fts_statp->st_blocks * 512
                     / (entry->fts_info == FTS_D ? 1 : entry->fts_statp->st_nlink);
    if (tree != NULL)
        fts_close(tree);
    return bytes;
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
        size += st->state & SHMX_IS_FOREIGN ? 0 : st->size;
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
    named = named_bytes();
    if (used > named)
        print_nameless(uses, used - named);
}
