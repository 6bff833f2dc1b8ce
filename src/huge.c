/* SPDX-License-Identifier: BSD-2-Clause */
#include "huge.h"

#include "namespace.h"

#include <inttypes.h>
#include <linux/mman.h> /* MADV_POPULATE_*, which not every C library has */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The first line of the file that matches. */
static bool
read_size(const char *path, const char *format, size_t *size)
{
    char  line[512];
    bool  found = false;
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, format, size) == 1;
    fclose(f);
    return found;
}

size_t
shmx_huge_page_size(void)
{
    size_t size;

    return read_size("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "%zu", &size) ? size : 0;
}

size_t
shmx_huge_pool_page_size(void)
{
    size_t kib;

    return read_size("/proc/meminfo", "Hugepagesize: %zu kB", &kib) ? kib * 1024 : 0;
}

bool
shmx_huge_pool_exists(void)
{
    size_t pages;

    return read_size("/proc/meminfo", "HugePages_Total: %zu", &pages) && pages > 0;
}

/* A line of /proc/self/smaps: what a mapping is made of is told nowhere else. In bytes. */
static size_t
look_up(const void *addr, const char *format)
{
    char      line[512];
    uintptr_t start, end;
    size_t    kib = 0;
    bool      inside = false, found = false;
    FILE     *f = shmx_open_proc("/proc/self/smaps");

    if (f == NULL)
        return 0;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
            inside = start <= (uintptr_t)addr && (uintptr_t)addr < end;
        else
            found = inside && sscanf(line, format, &kib) == 1;
    }
    fclose(f);
    return kib * 1024;
}

size_t
shmx_huge_page_size_at(const void *addr)
{
    return look_up(addr, "KernelPageSize: %zu kB");
}

bool
shmx_huge_fill(void *addr, size_t size, bool sparse)
{
    const size_t page = shmx_huge_page_size();

    if (page == 0 || size < page || madvise(addr, size, MADV_HUGEPAGE) < 0)
        return false;
    if (sparse)
        size = page; /* one will tell whether there are any */
    madvise(addr, size, MADV_POPULATE_WRITE);
    return look_up(addr, "ShmemPmdMapped: %zu kB") > 0;
}
