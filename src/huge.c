/* SPDX-License-Identifier: BSD-2-Clause */
#include "huge.h"

#include "namespace.h"
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mman.h> /* MADV_POPULATE_* are not in every C library */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1 */
#endif

static size_t
ask_page_size(void)
{
    NO_CANCELLATION;
    char      text[32] = "";
    size_t    size = 0;
    const int fd = open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (pread(fd, text, sizeof text - 1, 0) > 0)
        size = strtoul(text, NULL, 10);
    close(fd);
    return size;
}

size_t
shmx_huge_page_size(void)
{
    static _Atomic size_t cached;
    size_t                size = atomic_load(&cached);

    if (size == 0)
        atomic_store(&cached, size = ask_page_size());
    return size;
}

size_t
shmx_huge_pool_page_size_at(const void *addr)
{
    char   line[512], start[24];
    size_t kib = 0;
    bool   there = false;
    FILE  *f = shmx_open_proc("/proc/thread-self/smaps");

    if (f == NULL)
        return 0;
    snprintf(start, sizeof start, "%08" PRIxPTR "-", (uintptr_t)addr);
    while (kib == 0 && fgets(line, sizeof line, f) != NULL) {
        there = there || strstr(line, start) == line;
        if (there)
            sscanf(line, "KernelPageSize: %zu kB", &kib);
    }
    fclose(f);
    return kib * 1024;
}

/* After MADV_DONTNEED nothing is mapped here, and then the first page is brought in. If that has
   mapped the last page of the range as well, the range is one huge page. */
size_t
shmx_huge_page_size_at(char *addr)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), huge = shmx_huge_page_size();
    uint64_t     last = 0;
    ssize_t      length;
    int          fd;

    if (huge == 0 || ((uintptr_t)addr & (huge - 1)) != 0 || madvise(addr, huge, MADV_DONTNEED) < 0
        || madvise(addr, page, MADV_POPULATE_READ) < 0)
        return 0;
    fd = open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    length = pread(fd, &last, sizeof last, (off_t)(((uintptr_t)addr + huge) / page - 1) * 8);
    close(fd);
    return length <= 0 ? 0 : last >> 63 ? huge : page;
}

bool
shmx_huge_is_resident(void *addr)
{
    unsigned char resident;

    return mincore(addr, 1, &resident) == 0 && (resident & 1);
}

/*
 * MADV_COLLAPSE makes huge pages whatever the mount options of /dev/shm and the settings in /sys
 * are, but only where there is at least one small page. So the first page of each huge page is
 * brought in, in a way in which a shortage is an error and not SIGBUS. A kernel without
 * MADV_COLLAPSE has made that page a huge one already if it is set up to do so.
 */
int
shmx_huge_fill(char *addr, size_t size, int advice)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), huge = shmx_huge_page_size();
    const char  *end = addr + size;
    char        *from, *to;

    if (huge == 0)
        return -ENOTSUP;
    from = addr + (-(uintptr_t)addr & (huge - 1));
    for (to = from; to + huge <= end; to += huge)
        if (madvise(to, page, advice) < 0)
            return errno == EINVAL ? -ENOTSUP : -ENOMEM;
    if (to == from)
        return from == addr ? -ENOTSUP : -ENOMEM;
    if (madvise(from, (size_t)(to - from), MADV_COLLAPSE) == 0)
        return 0;
    if (errno != EINVAL || from != addr) /* If so, there were no addresses to align it. */
        return -ENOMEM;
    return shmx_huge_page_size_at(to - huge) == huge ? 0 : -ENOTSUP;
}
