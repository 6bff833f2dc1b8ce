/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages: where segments get them, what is told about them, and that everything works without
   them. */
#include "support.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTING "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define SMALL   ((uint64_t)sysconf(_SC_PAGESIZE))
#define MOVING  "moving System V attachments"

static struct shmx *
created(const char *name, size_t size, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, size, 0600, flags, &seg));
    return seg;
}

static void *
attached(struct shmx *seg, unsigned flags)
{
    void *addr = NULL;

    ok(shmx_attach(seg, flags, &addr));
    return addr;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static struct shmx_stat
stat_of(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st;
}

static void
is_of_pages(struct shmx *seg, uint64_t page)
{
    const struct shmx_stat st = stat_of(seg);

    ck_assert_uint_eq(st.page_size, page);
    ck_assert_int_eq(!(st.state & SHMX_IS_HUGE), page <= SMALL);
    ck_assert_uint_eq(stat_of(seg).resident, st.resident); /* looking brings nothing in */
}

/* The creator tells the kind of pages, and so does an opener that has touched nothing. */
static void
is_of_pages_for_all(struct shmx *seg, const char *name, uint64_t page)
{
    struct shmx *opener = NULL;

    is_of_pages(seg, page);
    ok(shmx_open(name, 0, &opener));
    is_of_pages(opener, page);
    shmx_close(opener);
    ok(shmx_open(name, SHMX_RDONLY, &opener));
    is_of_pages(opener, page);
    shmx_close(opener);
}

static const struct {
    unsigned create, attach;
} ways[] = { { SHMX_POSIX, 0 },
             { SHMX_POSIX | SHMX_HUGE, 0 },
             { SHMX_POSIX | SHMX_HUGE_ONLY, 0 },
             { SHMX_POSIX | SHMX_EPHEMERAL, 0 },
             { SHMX_POSIX | SHMX_SPARSE, SHMX_POPULATE },
             { SHMX_POSIX | SHMX_SPARSE, SHMX_POPULATE | SHMX_RDONLY },
             { SHMX_SYSV | SHMX_HUGE, 0 },
             { SHMX_SYSV | SHMX_HUGE_ONLY, 0 },
             { SHMX_SYSV | SHMX_HUGE_ONLY | SHMX_EPHEMERAL, 0 },
             { SHMX_SYSV, SHMX_POPULATE },
             { SHMX_SYSV | SHMX_SPARSE, SHMX_POPULATE } };

#define WAYS (int)(sizeof ways / sizeof *ways)

/* Returns how many bytes of the mapping the page tables map as huge pages, of either kind. */
static size_t
huge_bytes_at(const char *start)
{
    FILE  *f = fopen("/proc/self/smaps", "re");
    char   line[512], head[24];
    size_t kib, sum = 0;
    bool   here = false;

    ck_assert_ptr_nonnull(f);
    snprintf(head, sizeof head, "%08" PRIxPTR "-", (uintptr_t)start);
    while (fgets(line, sizeof line, f) != NULL) {
        here = here || strstr(line, head) == line;
        if (!here)
            continue;
        if (sscanf(line, "ShmemPmdMapped: %zu kB", &kib) == 1
            || sscanf(line, "Shared_Hugetlb: %zu kB", &kib) == 1
            || sscanf(line, "Private_Hugetlb: %zu kB", &kib) == 1)
            sum += kib * 1024;
        if (strstr(line, "VmFlags:") == line)
            break;
    }
    fclose(f);
    ck_assert(here);
    return sum;
}

START_TEST(huge_pages_are_had)
{
    const size_t huge = huge_page(), size = 3 * huge + 5000;
    struct shmx *seg;
    char        *start;

    if (lacks_huge_pages() || ((ways[_i].create & SHMX_SYSV) && valgrind_lacks(MOVING)))
        return;
    seg = created("/h", size, ways[_i].create);
    start = attached(seg, ways[_i].attach);
    ck_assert_int_eq(shmx_size(seg), (int64_t)size);
    is_of_pages_for_all(seg, "/h", huge);
    ck_assert(start[0] == 0 && start[huge] == 0 && start[2 * huge] == 0 && start[size - 1] == 0);
    if (ways[_i].attach & SHMX_POPULATE)
        ck_assert_uint_ge(huge_bytes_at(start), 3 * huge);
    if (!(ways[_i].create & SHMX_SYSV))
        ck_assert_uint_eq(stat_of(seg).resident, (size + SMALL - 1) / SMALL * SMALL);
    finish(seg);
}
END_TEST

/* The kind of pages is unknown while nobody has touched or looked at them. */
START_TEST(unknown_is_not_no)
{
    const size_t     huge = huge_page();
    const unsigned   flags = backend_flag[_i] | SHMX_SPARSE;
    struct shmx     *seg, *small, *reader = NULL;
    struct shmx_stat st;
    char            *start;
    pid_t            pid;

    if (lacks_huge_pages())
        return;
    small = created("/small", 10000, backend_flag[_i]);
    is_of_pages_for_all(small, "/small", SMALL);
    ok(shmx_stat_name("/small", &st)); /* which cannot tell pages of the hugetlb pool */
    ck_assert_uint_eq(st.page_size, _i == 0 ? SMALL : 0);
    finish(small);
    seg = created("/large", 2 * huge, flags);
    is_of_pages_for_all(seg, "/large", 0);
    ok(shmx_stat_name("/large", &st));
    ck_assert_uint_eq(st.page_size, 0);
    ck_assert_uint_eq(st.resident, 0);
    ok(shmx_chmod(seg, 0644));
    pid = check_fork();
    if (pid == 0) {
        become_nobody(); /* mincore(2) tells this user that everything is there */
        ok(shmx_open("/large", SHMX_RDONLY, &reader));
        is_of_pages(reader, 0);
        _exit(0);
    }
    join(pid);
    start = attached(seg, 0);
    *start = 1;
    is_of_pages(seg, SMALL);
    memset(start, 1, 2 * huge); /* touches all of them, and then through the handle, too */
    ck_assert_int_eq(shmx_write(seg, start, 2 * huge, 0), (ssize_t)(2 * huge));
    is_of_pages(seg, SMALL);
    finish(seg);
}
END_TEST

/* Attachments. */

static void
is_aligned(struct shmx *seg, uint64_t offset, size_t length, unsigned flags)
{
    void *addr = NULL;

    ok(shmx_attach_range(seg, offset, length, flags, &addr));
    ck_assert_uint_eq(((uintptr_t)addr - offset) % huge_page(), 0);
    ok(shmx_detach(seg, addr));
}

static void
are_aligned(struct shmx *seg)
{
    static const unsigned flags[] = { 0, SHMX_RDONLY, SHMX_PRIVATE, SHMX_POPULATE };
    const size_t          huge = huge_page();
    size_t                i;

    for (i = 0; i < sizeof flags / sizeof *flags; i++) {
        is_aligned(seg, 0, 0, flags[i]);
        is_aligned(seg, 12345, 0, flags[i]);
        is_aligned(seg, huge + 5 * SMALL, 0, flags[i]);
        is_aligned(seg, huge / 2, 100, flags[i]);
    }
}

START_TEST(attachments_are_aligned)
{
    const size_t size = 2 * huge_page() + 5000;
    struct shmx *seg, *opener = NULL;
    int          id, fd;

    if (huge_page() == 0 || (_i == 1 && valgrind_lacks(MOVING)))
        return;
    seg = created("/a", size, backend_flag[_i] | SHMX_SPARSE);
    are_aligned(seg);
    ok(shmx_open("/a", 0, &opener));
    are_aligned(opener);
    shmx_close(opener);
    finish(seg);
    if (_i == 0) { /* as a plain program does it */
        fd = shm_open("/plain", O_RDWR | O_CREAT, 0600);
        ok(ftruncate(fd, (off_t)size));
        close(fd);
        ok(shmx_open("/plain", 0, &opener));
    } else {
        id = shmget(0x68756765, size, IPC_CREAT | IPC_EXCL | 0600);
        ck_assert_int_ge(id, 0);
        ok(shmx_open("sysv:key=0x68756765", 0, &opener));
    }
    are_aligned(opener);
    finish(opener);
}
END_TEST

/* Where no addresses are left for an alignment, the mapping is not aligned. */
START_TEST(too_few_addresses_to_align)
{
    const size_t  huge = huge_page();
    struct shmx  *seg;
    struct rlimit limit;
    unsigned long pages = 0;
    FILE         *f;
    pid_t         pid;

    if (huge == 0 || valgrind_lacks("limits of the address space"))
        return;
    seg = created("/x", 8 * huge, backend_flag[_i] | SHMX_SPARSE);
    pid = check_fork();
    if (pid == 0) {
        f = fopen("/proc/self/statm", "re");
        ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
        fclose(f);
        limit.rlim_cur = limit.rlim_max = pages * SMALL + 8 * huge + huge / 2;
        ok(setrlimit(RLIMIT_AS, &limit));
        memset(attached(seg, 0), 1, 8 * huge);
        _exit(0);
    }
    join(pid);
    finish(seg);
}
END_TEST

/* Without huge pages. */

/* A segment as large as ever, in small pages. */
static void
do_without(int backend)
{
    const size_t   size = 3 * huge_page() + 5000;
    const unsigned flag = backend_flag[backend];
    struct shmx   *seg, *none = NULL;

    seg = created("/w", size, flag | SHMX_HUGE);
    memset(attached(seg, 0), 1, size);
    is_of_pages_for_all(seg, "/w", SMALL);
    finish(seg);
    seg = created("/w", size, flag);
    memset(attached(seg, SHMX_POPULATE), 1, size);
    is_of_pages_for_all(seg, "/w", SMALL);
    finish(seg);
    seg = created("/w", size, flag | SHMX_SPARSE | SHMX_HUGE);
    memset(attached(seg, SHMX_POPULATE), 1, size);
    is_of_pages_for_all(seg, "/w", SMALL);
    finish(seg);
    fails(shmx_create("/w", size, 0600, flag | SHMX_HUGE_ONLY, &none), -ENOTSUP);
    fails(shmx_create("/w", size, 0600, flag | SHMX_HUGE_ONLY | SHMX_SPARSE, &none), -ENOTSUP);
}

static void
denied(void *arg)
{
    do_without(*(int *)arg);
}

START_TEST(huge_pages_are_denied)
{
    if (access(SETTING, W_OK) < 0 || huge_page() == 0)
        return;
    with_sysctl(SETTING, "deny", denied, &_i);
}
END_TEST

START_TEST(huge_pages_are_switched_off)
{
    if (lacks_huge_pages())
        return;
    ok(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    do_without(_i);
}
END_TEST

/* There is room for one and a half huge pages. */
START_TEST(dev_shm_is_full)
{
    const size_t huge = huge_page();
    struct shmx *seg, *none = NULL;
    char         options[64];
    void        *addr = NULL;

    if (lacks_huge_pages())
        return;
    snprintf(options, sizeof options, "size=%zu,mode=1777", huge + huge / 2);
    mount_dev_shm(options);
    fails(shmx_create("/x", 2 * huge, 0600, SHMX_POSIX, &none), -ENOSPC);
    fails(shmx_create("/x", 2 * huge, 0600, SHMX_POSIX | SHMX_HUGE, &none), -ENOSPC);
    fails(shmx_create("/x", 2 * huge, 0600, SHMX_POSIX | SHMX_HUGE_ONLY, &none), -ENOSPC);
    seg = created("/x", 2 * huge, SHMX_POSIX | SHMX_SPARSE);
    fails(shmx_attach(seg, SHMX_POPULATE, &addr), -ENOSPC);
    ck_assert_uint_eq(stat_of(seg).resident, 0);
    ok(shmx_attach_range(seg, 0, huge, SHMX_POPULATE, &addr));
    fails(shmx_create("/y", huge, 0600, SHMX_POSIX, &none), -ENOSPC);
    finish(seg);
    seg = created("/x", huge + huge / 2, SHMX_POSIX); /* this fills it to the last byte */
    is_of_pages(seg, huge);
    finish(seg);
}
END_TEST

/* A process that locks all memory uses no more memory than otherwise, and fails no earlier. */
START_TEST(memory_is_locked)
{
    const size_t        huge = huge_page();
    const struct rlimit little = { 65536, 65536 };
    struct shmx        *seg;
    struct stat         st;
    pid_t               pid;

    if (huge == 0 || valgrind_lacks("limits for locked memory"))
        return;
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ok(setrlimit(RLIMIT_MEMLOCK, &little));
        if (mlockall(MCL_FUTURE) == 0) {
            seg = created("/l", 2 * huge, SHMX_POSIX | SHMX_HUGE);
            ok(fstat(shmx_fd(seg), &st));
            ck_assert_uint_eq((uint64_t)st.st_blocks * 512, 2 * huge);
            finish(seg);
        }
        _exit(0);
    }
    join(pid);
    if (mlockall(MCL_FUTURE) == 0) { /* only root may do that */
        seg = created("/l", 2 * huge, backend_flag[_i] | SHMX_HUGE);
        memset(attached(seg, SHMX_POPULATE), 1, 2 * huge);
        finish(seg);
        munlockall();
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: huge");
    TCase *tc = add_case(suite, "huge pages");

    tcase_add_loop_test(tc, huge_pages_are_had, 0, WAYS);
    tcase_add_loop_test(tc, unknown_is_not_no, 0, BACKENDS);
    tcase_add_loop_test(tc, attachments_are_aligned, 0, BACKENDS);
    tcase_add_loop_test(tc, too_few_addresses_to_align, 0, BACKENDS);
    tc = add_case(suite, "without");
    tcase_add_loop_test(tc, huge_pages_are_denied, 0, BACKENDS);
    tcase_add_loop_test(tc, huge_pages_are_switched_off, 0, BACKENDS);
    tcase_add_test(tc, dev_shm_is_full);
    tcase_add_loop_test(tc, memory_is_locked, 0, BACKENDS);
    return suite_main(suite);
}
