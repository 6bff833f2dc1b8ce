/* SPDX-License-Identifier: BSD-2-Clause */
#include "huge.h"

#include "namespace.h"
#include "segment.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h> /* MADV_POPULATE_*, which not every C library has */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

/* The first line of the file that matches. */
static bool
read_size(const char *path, const char *format, size_t *size)
{
    NO_CANCELLATION;
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
    static _Atomic size_t cached;
    size_t                size = atomic_load(&cached);

    if (size == 0 && read_size("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "%zu", &size))
        atomic_store(&cached, size);
    return size;
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

size_t
shmx_huge_pool_page_size_at(const void *addr)
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
            found = inside && sscanf(line, "KernelPageSize: %zu kB", &kib) == 1;
    }
    fclose(f);
    return kib * 1024;
}

/* How many bytes the first page has that is mapped there, seen from the last one of the huge page
   that it may be: only with such a page has that been mapped, too. */
size_t
shmx_huge_page_size_at(char *addr)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), huge = shmx_huge_page_size();
    uint64_t     last;
    ssize_t      n;
    FILE        *f;

    if (huge == 0 || ((uintptr_t)addr & (huge - 1)) != 0
        || madvise(addr, page, MADV_POPULATE_READ) < 0)
        return 0;
    f = shmx_open_proc("/proc/self/pagemap");
    if (f == NULL)
        return 0;
    n = pread(fileno(f), &last, sizeof last,
              (off_t)(((uintptr_t)addr + huge) / page * sizeof last - sizeof last));
    fclose(f);
    return n != sizeof last ? 0 : last >> 63 ? huge : page;
}

bool
shmx_huge_is_resident(void *addr)
{
    unsigned char resident;

    return mincore(addr, 1, &resident) == 0 && (resident & 1);
}

/*
 * MADV_COLLAPSE makes huge pages whatever /dev/shm is mounted with and /sys says, where there is
 * one small page at least; so the first one of each is brought in, in a way in which a shortage is
 * an error and no SIGBUS. Older kernels have made it a huge one already if they are set up to.
 */
int
shmx_huge_fill(char *addr, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), huge = shmx_huge_page_size();
    const char  *end = addr + size;
    char        *from, *to;

    if (huge == 0)
        return -ENOTSUP;
    from = addr + (-(uintptr_t)addr & (huge - 1));
    madvise(addr, size, MADV_HUGEPAGE);
    for (to = from; to <= end && (size_t)(end - to) >= huge; to += huge)
        if (madvise(to, page, MADV_POPULATE_WRITE) < 0)
            return errno == EINVAL ? -ENOTSUP : -ENOMEM;
    if (to == from)
        return -ENOTSUP;
    if (madvise(from, (size_t)(to - from), MADV_COLLAPSE) == 0)
        return 0;
    if (errno != EINVAL)
        return -ENOMEM;
    return shmx_huge_page_size_at(to - huge) == huge ? 0 : -ENOTSUP;
}
