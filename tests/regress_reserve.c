/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions of reserving memory and of looking at it, found by reading the code of huge pages. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static struct shmx *
created(const char *name, size_t size, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, mode, flags, &seg));
    return seg;
}

static struct shmx_stat
stat_of(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* There is room for the bytes at the end, but not for those that another program has punched. */
START_TEST(growing_a_pinned_segment_is_all_or_nothing)
{
    struct shmx *seg, *filler;
    uint64_t     resident;

    if (valgrind_lacks("limits for locked memory"))
        return;
    mount_dev_shm("size=8m,mode=1777");
    seg = created("/pinned", 4 * MIB, 0600, SHMX_POSIX | SHMX_SPARSE);
    ok(shmx_pin(seg));
    ok(fallocate(shmx_fd(seg), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * MIB));
    filler = created("/filler", 5 * MIB, 0600, SHMX_POSIX);
    resident = stat_of(seg).resident;
    fails(shmx_resize(seg, 4 * MIB + MIB / 2), -ENOSPC);
    ck_assert_int_eq(shmx_size(seg), 4 * MIB);
    ck_assert_uint_eq(stat_of(seg).resident, resident);
    finish(filler);
    finish(seg);
}
END_TEST

START_TEST(looking_brings_nothing_in)
{
    struct shmx *seg = created("/sparse", 8 * MIB, 0600, SHMX_POSIX | SHMX_SPARSE);

    if (_i == 0)
        ok(mlockall(MCL_FUTURE));
    else /* The segment has as many blocks as bytes, but not where it has a size. */
        ok(fallocate(shmx_fd(seg), FALLOC_FL_KEEP_SIZE, 8 * MIB, 8 * MIB));
    ck_assert_uint_eq(stat_of(seg).page_size, 0);
    ck_assert_uint_eq(stat_of(seg).resident, (uint64_t)_i * 8 * MIB);
    ok(munlockall());
    finish(seg);
}
END_TEST

/* The kernel tells a stranger that each page is there. */
START_TEST(a_reader_of_anothers_segment_gets_huge_pages)
{
    struct shmx *seg, *reader;
    void        *addr;
    pid_t        pid;

    need_users();
    if (lacks_huge_pages())
        return;
    seg = created("/r", 2 * huge_page(), 0644, SHMX_POSIX | SHMX_SPARSE);
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ok(shmx_open("/r", SHMX_RDONLY, &reader));
        ok(shmx_attach(reader, SHMX_POPULATE, &addr));
        _exit(0);
    }
    join(pid);
    ck_assert_uint_eq(stat_of(seg).page_size, huge_page());
    finish(seg);
}
END_TEST

/* The kernel would look for so much memory until it kills processes. */
START_TEST(more_memory_than_the_machine_has)
{
    struct shmx *seg = NULL;

    fails(shmx_create(NULL, (size_t)1 << 46, 0600, SHMX_POSIX | SHMX_SEALED, &seg), -ENOMEM);
    fails(shmx_create(NULL, (size_t)1 << 46, 0600, SHMX_POSIX | SHMX_SEALED | SHMX_HUGE, &seg),
          -ENOMEM);
}
END_TEST

static void
limit_addresses(size_t more)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE         *f = fopen("/proc/self/statm", "re");

    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    limit.rlim_cur = limit.rlim_max = pages * (size_t)sysconf(_SC_PAGESIZE) + more;
    ok(setrlimit(RLIMIT_AS, &limit));
}

/* The kernel has huge pages. What is missing are the addresses to align a mapping, unless the
   kernel happens to choose such an address. */
START_TEST(no_addresses_for_huge_pages)
{
    const size_t huge = huge_page();
    struct shmx *seg = NULL;
    pid_t        pid;
    int          r;

    if (lacks_huge_pages() || valgrind_lacks("limits of the address space"))
        return;
    pid = check_fork();
    if (pid == 0) {
        limit_addresses(4 * huge + huge / 2);
        r = shmx_create("/x", 4 * huge, 0600, backend_flag[_i] | SHMX_HUGE_ONLY, &seg);
        if (r == 0)
            finish(seg);
        else
            ck_assert_int_eq(r, -ENOMEM);
        _exit(0);
    }
    join(pid);
}
END_TEST

static bool
is_mapped(void *addr)
{
    unsigned char resident;

    return mincore(addr, 1, &resident) == 0;
}

/* What replaces another mapping has no page tables, which the kernel would have to move. */
START_TEST(what_is_populated_in_its_place_is_there)
{
    const size_t  size = 5 * MIB;
    struct shmx  *seg = created("/f", size, 0600, backend_flag[_i] | SHMX_SPARSE);
    char         *place = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void         *addr = place;
    unsigned char there[5 * 256];
    size_t        k, count = 0;

    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | SHMX_POPULATE, &addr));
    ok(mincore(place, size, there));
    for (k = 0; k < size / (size_t)sysconf(_SC_PAGESIZE); k++)
        count += there[k] & 1;
    ck_assert_uint_eq(count, size / (size_t)sysconf(_SC_PAGESIZE));
    ok(shmx_detach(seg, addr));
    ck_assert(!is_mapped(place));
    finish(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: reserve");
    TCase *tc = add_case(suite, "reserving");

    tcase_add_test(tc, growing_a_pinned_segment_is_all_or_nothing);
    tcase_add_loop_test(tc, looking_brings_nothing_in, 0, 2);
    tcase_add_test(tc, a_reader_of_anothers_segment_gets_huge_pages);
    tcase_add_test(tc, more_memory_than_the_machine_has);
    tcase_add_loop_test(tc, no_addresses_for_huge_pages, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_populated_in_its_place_is_there, 0, BACKENDS);
    return suite_main(suite);
}
