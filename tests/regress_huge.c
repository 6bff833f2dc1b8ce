/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions with huge pages that others have made, or that cannot be had. */
#include "support.h"

#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define SIZE 10000
#define MIB  ((size_t)1 << 20)
#define POOL "/proc/sys/vm/nr_hugepages"
#define KEY  0x5a0051a4
#define RAW  "sysv:key=0x5a0051a4"

/* Opens by key, by id and by name what somebody else has made of 3 MiB of the pool. */
static void
use_opened_pool(const char *name)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    char            *range, text[5] = "";
    void            *addr;

    ok(shmx_open(name, 0, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_ne(st.state & SHMX_IS_HUGE, 0);
    ck_assert_uint_ge(st.page_size, MIB);
    range = mmap(NULL, 4 * st.page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(range, 4 * st.page_size);
    range += st.page_size - (uintptr_t)range % st.page_size;

    addr = range + 4096;
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EINVAL);
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_ROUND, &addr));
    ck_assert_ptr_eq(addr, range);
    strcpy(range + 2 * MIB, "here");
    ok(shmx_detach(seg, addr));
    fails(shmx_attach_range(seg, 2 * MIB, 0, SHMX_FIXED, &addr), -ENOTSUP);
    ok(shmx_attach_range(seg, 2 * MIB, 5, SHMX_PRIVATE, &addr));
    ck_assert_str_eq(addr, "here");
    ok(shmx_detach(seg, addr));
    ok(shmx_attach_range(seg, 2 * MIB, 5, 0, &addr));
    ck_assert_str_eq(addr, "here");
    ok(shmx_detach(seg, addr));
    ck_assert_int_eq(shmx_read(seg, text, 5, 2 * MIB), 5);
    ck_assert_str_eq(text, "here");
    shmx_close(seg);
}

static void
open_pool(void *arg)
{
    int             id = shmget(KEY, 3 * MIB, IPC_CREAT | IPC_EXCL | SHM_HUGETLB | 0600);
    struct shmx    *seg = NULL;
    struct shmid_ds ds;
    char            name[32];

    (void)arg;
    if (id < 0) { /* there is no memory in one piece for them */
        fprintf(stderr, "skipped, no huge pages to be had: %s\n", strerror(errno));
        return;
    }
    snprintf(name, sizeof name, "sysv:id=%d", id);
    mark();
    use_opened_pool(RAW);
    use_opened_pool(name);
    ok(shmx_open(name, 0, &seg));
    ok(shmx_publish(seg, "/pool"));
    use_opened_pool("/pool");
    shmx_close(seg);
    ok(shmctl(id, IPC_STAT, &ds));
    ck_assert_uint_eq(ds.shm_nattch, 0); /* no mapping is left */
    ok(shmx_remove("/pool"));
}

/* Without a reservation, and with nothing in the pool, the result is a shortage and not SIGBUS. */
static void
read_empty_pool(void *arg)
{
    int          id = shmget(KEY, MIB, IPC_CREAT | IPC_EXCL | SHM_HUGETLB | SHM_NORESERVE | 0600);
    struct shmx *seg = NULL;
    char         c = 0;

    (void)arg;
    ck_assert_int_ge(id, 0);
    ok(shmx_open(RAW, 0, &seg));
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), -ENOMEM);
    ck_assert_int_eq(shmx_write(seg, &c, 1, 0), -ENOMEM);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* No machine puts 10,000 bytes into a huge page by itself. */
static void
ask_empty_pool(void *arg)
{
    struct shmx *seg = NULL;

    fails(shmx_create("/x", SIZE, 0600, backend_flag[*(int *)arg] | SHMX_HUGE_ONLY, &seg),
          -ENOTSUP);
    fails(shmx_create("/x", SIZE, 0600, backend_flag[*(int *)arg] | SHMX_HUGE_ONLY | SHMX_SPARSE,
                      &seg),
          -ENOTSUP);
}

START_TEST(opened_huge_pages)
{
    if (!valgrind_lacks("SHM_HUGETLB"))
        with_sysctl(POOL, "4", open_pool, NULL);
}
END_TEST

START_TEST(no_huge_pages_to_read)
{
    if (!valgrind_lacks("SHM_HUGETLB"))
        with_sysctl(POOL, "0", read_empty_pool, NULL);
}
END_TEST

START_TEST(no_huge_pages_to_have)
{
    if (!valgrind_lacks("SHM_HUGETLB"))
        with_sysctl(POOL, "0", ask_empty_pool, &_i);
}
END_TEST

START_TEST(huge_memfd_is_resized_by_its_pages)
{
    struct shmx *seg = NULL;
    int          fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);

    if (fd < 0) /* this kernel has no hugetlbfs */
        return;
    ok(shmx_open_fd(fd, 0, &seg));
    fails(shmx_resize(seg, 1), -EINVAL);
    fails(shmx_resize(seg, 4 * MIB + 4096), -EINVAL);
    ck_assert_int_eq(shmx_size(seg), 0);
    shmx_close(seg);
    close(fd);
}
END_TEST

/* The kernel counts mappings, and splits one where only a part gets an advice. */
START_TEST(wishing_adds_no_attachment)
{
    const size_t     size = _i & 1 ? 8 * MIB : SIZE;
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    void            *addr;

    ok(shmx_create(NULL, size, 0600, SHMX_SYSV | SHMX_HUGE | (_i & 2 ? SHMX_SPARSE : 0), &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 1);
    ok(shmx_attach_range(seg, size / 4, size / 2, SHMX_POPULATE, &addr));
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 2);
    ok(shmx_detach(seg, addr));
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 1);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: huge");
    TCase *tc = add_case(suite, "huge pages");

    tcase_add_test(tc, opened_huge_pages);
    tcase_add_test(tc, no_huge_pages_to_read);
    tcase_add_loop_test(tc, no_huge_pages_to_have, 0, BACKENDS);
    tcase_add_test(tc, huge_memfd_is_resized_by_its_pages);
    tcase_add_loop_test(tc, wishing_adds_no_attachment, 0, 4);
    return suite_main(suite);
}
