/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of every attachment. */
#include "scenarios.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the permissions at the address as /proc/self/maps shows them, or "". */
static const char *
permissions_at(const void *addr)
{
    static char perms[8];
    char        line[1024];
    uintptr_t   from, to;
    FILE       *f = fopen("/proc/self/maps", "re");

    *perms = '\0';
    while (*perms == '\0' && f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, perms) != 3
            || (uintptr_t)addr < from || (uintptr_t)addr >= to)
            *perms = '\0';
    if (f != NULL)
        fclose(f);
    return perms;
}

static bool
is_resident(const char *start, size_t length)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), delta = (uintptr_t)start % page;
    unsigned char   pages[16] = "";
    size_t          i, count = (length + delta + page - 1) / page;

    if (count > sizeof pages || mincore((void *)(start - delta), length + delta, pages) < 0)
        return false;
    for (i = 0; i < count; i++)
        if (!(pages[i] & 1))
            return false;
    return true;
}

static void
check_permissions(const struct view *v)
{
    const bool  copy = v->flags & SHMX_PRIVATE;
    const char *wanted = v->flags & SHMX_RDONLY ? (copy ? "r--p" : "r--s") : copy ? "rw-p" : "rw-s";

    promise(strcmp(permissions_at(outputs.addr), wanted) == 0, "an attachment may what it is to");
}

/* Changes of a copy stay in it, and everybody sees all others. */
static void
check_sharing(const struct view *v)
{
    char *start = outputs.addr, was = start[10], now;

    if (v->flags & SHMX_RDONLY)
        return;
    start[10] = 'z';
    promise(shmx_read(stage.seg, &now, 1, v->offset + 10) == 1, "the segment can be read");
    promise(now == (v->flags & SHMX_PRIVATE ? was : 'z'), "it is shared, or a copy");
    start[10] = was;
}

void
check_view(struct view v)
{
    static char      text[WALK_SIZE];
    struct shmx_stat before, after;

    promise(shmx_stat(stage.seg, &before) == 0, "the segment can be examined");
    if (v.flags & SHMX_POPULATE)
        promise(is_resident(outputs.addr, v.length), "it is populated");
    check_permissions(&v);
    promise(shmx_read(stage.seg, text, sizeof text, 0) == sizeof text
                && memcmp(outputs.addr, text + v.offset, v.length) == 0,
            "it shows the segment");
    check_sharing(&v);
    promise(shmx_detach(stage.seg, outputs.addr) == 0, "it can be detached");
    promise(shmx_detach(stage.seg, outputs.addr) == -EINVAL, "it is detached once");
    promise(shmx_stat(stage.seg, &after) == 0 && after.holders > 0, "the segment is held");
    promise(before.size == after.size, "the segment stays what it is");
}
