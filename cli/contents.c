/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 256 /* the number of pages in one question to the kernel */

/* Without swap, a page that is not in memory has no contents. */
static bool
has_swap(void)
{
    char  line[128];
    FILE *f = fopen("/proc/swaps", "re");
    int   lines = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        lines++;
    if (f != NULL)
        fclose(f);
    return lines != 1; /* the first line is the heading */
}

int
contents_begin(struct contents *contents, struct shmx *seg)
{
    *contents = (struct contents){ .seg = seg, .size = (uint64_t)shmx_size(seg) };
    return shmx_fd(seg) >= 0 || has_swap() ? 0 : shmx_attach(seg, SHMX_RDONLY, &contents->addr);
}

bool
contents_shrank(const struct contents *contents)
{
    return (uint64_t)shmx_size(contents->seg) < contents->size;
}

/* Returns where the first page from offset on is that is in memory (present), or is not. Returns
   the end if there is none. If the caller may only read the segment of another user, the kernel
   says that all pages are there. */
static uint64_t
find_page(const struct contents *contents, uint64_t offset, bool present)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    unsigned char  pages[PAGES];
    uint64_t       length, i;

    for (offset &= ~(page - 1); offset < contents->size; offset += length) {
        length = contents->size - offset < PAGES * page ? contents->size - offset : PAGES * page;
        if (mincore((char *)contents->addr + offset, (size_t)length, pages) < 0)
            return present ? offset : contents->size;
        for (i = 0; i * page < length; i++)
            if ((pages[i] & 1) == present)
                return offset + i * page;
    }
    return contents->size;
}

bool
contents_next(const struct contents *contents, uint64_t offset, uint64_t *from, uint64_t *to)
{
    const int fd = shmx_fd(contents->seg);
    off_t     data = (off_t)offset, hole = (off_t)contents->size;

    if (offset >= contents->size)
        return false;
    if (contents->addr != NULL) {
        data = (off_t)find_page(contents, offset, true);
        hole = (off_t)find_page(contents, (uint64_t)data, false);
    } else if (fd >= 0) {
        data = lseek(fd, data, SEEK_DATA);
        if (data < 0)
            return false; /* this also happens beyond the end, if the segment shrank */
        hole = lseek(fd, data, SEEK_HOLE);
    }
    *from = (uint64_t)data < offset ? offset : (uint64_t)data;
    *to = hole < 0 || (uint64_t)hole > contents->size ? contents->size : (uint64_t)hole;
    return *from < *to;
}
