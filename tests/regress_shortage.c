/* SPDX-License-Identifier: BSD-2-Clause */
/* Attachments that are populated when /dev/shm is full, or made when there are no addresses
   left. */
#include "support.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BIG ((size_t)4 << 20)

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static uint64_t
resident(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st.resident;
}

static char *
own_memory(const char *text)
{
    char *p = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    strcpy(p, text);
    return p;
}

static const unsigned shortages[] = { 0, SHMX_RDONLY, SHMX_PRIVATE, SHMX_PRIVATE | SHMX_RDONLY };

#define SHORTAGES (int)(sizeof shortages / sizeof *shortages)

/* Makes a sparse segment that is larger than /dev/shm, with one page in the middle. */
static struct shmx *
too_large(void)
{
    struct shmx *seg = NULL;

    mount_dev_shm("size=1m,mode=1777");
    ok(shmx_create("/big", BIG, 0600, SHMX_POSIX | SHMX_SPARSE, &seg));
    ck_assert_int_eq(shmx_write(seg, "middle", 7, BIG / 2), 7);
    return seg;
}

START_TEST(failed_replacement_changes_nothing)
{
    struct shmx *big = too_large();
    char        *mine = own_memory("first");
    void        *addr = mine;

    strcpy(mine + BIG - 5, "last");
    fails(shmx_attach(big, SHMX_FIXED | SHMX_REPLACE | SHMX_POPULATE | shortages[_i], &addr),
          -ENOSPC);
    ck_assert_ptr_eq(addr, mine);
    ck_assert_str_eq(mine, "first");
    ck_assert_str_eq(mine + BIG - 5, "last");
    munmap(mine, BIG);
    finish(big);
}
END_TEST

START_TEST(failed_populate_gives_back_its_pages)
{
    struct shmx   *big = too_large(), *reader = NULL, *small = NULL;
    const uint64_t before = resident(big);
    char          *range = own_memory("mine"), text[7] = "";
    void          *addr = range;
    unsigned       flags = SHMX_POPULATE | shortages[_i];

    ck_assert_uint_gt(before, 0);
    fails(shmx_attach(big, flags | SHMX_FIXED, &addr), -EEXIST);
    ck_assert_uint_eq(resident(big), before);
    munmap(range, BIG);
    fails(shmx_attach(big, flags | SHMX_FIXED, &addr), -ENOSPC);
    ck_assert_uint_eq(resident(big), before);
    fails(shmx_attach(big, flags, &addr), -ENOSPC);
    ck_assert_uint_eq(resident(big), before);
    fails(shmx_attach_range(big, 100, BIG / 2, flags, &addr), -ENOSPC);
    ck_assert_uint_eq(resident(big), before);
    ok(shmx_open("/big", SHMX_RDONLY, &reader));
    fails(shmx_attach(reader, flags, &addr), -ENOSPC);
    ck_assert_uint_eq(resident(big), before);
    shmx_close(reader);
    ck_assert_int_eq(shmx_read(big, text, 7, BIG / 2), 7);
    ck_assert_str_eq(text, "middle");
    ok(shmx_create("/small", BIG / 8, 0600, SHMX_POSIX, &small)); /* there is room for it */
    finish(small);
    finish(big);
}
END_TEST

#define MIB 1048576

/* If there are no addresses, the error says so, and nothing else is missing. */
START_TEST(attaching_without_addresses)
{
    struct rlimit little = { 64 * MIB, RLIM_INFINITY };
    struct shmx  *seg;
    void         *addr = NULL;
    pid_t         pid = check_fork();

    if (pid == 0) {
        ok(shmx_create("/x", 128 * MIB, 0600, backend_flag[_i] | SHMX_SPARSE, &seg));
        ok(unshare(CLONE_NEWIPC));
        ok(getrlimit(RLIMIT_AS, &little));
        little.rlim_cur = 64 * MIB;
        if (!valgrind_lacks("limits of the address space") && setrlimit(RLIMIT_AS, &little) == 0)
            ck_assert_int_eq(shmx_attach(seg, 0, &addr), -ENOMEM);
        _exit(0);
    }
    join(pid);
    (void)shmx_remove("/x");
}
END_TEST

START_TEST(a_populate_without_addresses_keeps_nothing)
{
    struct rlimit    little;
    struct shmx     *seg;
    struct shmx_stat st;
    void            *addr = NULL;

    ok(shmx_create("/x", 64 * MIB, 0600, SHMX_SPARSE, &seg));
    ok(getrlimit(RLIMIT_AS, &little));
    little.rlim_cur = 32 * MIB;
    if (!valgrind_lacks("limits of the address space") && setrlimit(RLIMIT_AS, &little) == 0) {
        ck_assert_int_eq(shmx_attach(seg, SHMX_POPULATE, &addr), -ENOMEM);
        little.rlim_cur = little.rlim_max;
        ok(setrlimit(RLIMIT_AS, &little));
        ok(shmx_stat(seg, &st));
        ck_assert_uint_eq(st.resident, 0);
    }
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: shortage");
    TCase *tc = add_case(suite, "shortage");

    tcase_add_loop_test(tc, failed_replacement_changes_nothing, 0, SHORTAGES);
    tcase_add_loop_test(tc, failed_populate_gives_back_its_pages, 0, SHORTAGES);
    tcase_add_loop_test(tc, attaching_without_addresses, 1, BACKENDS);
    tcase_add_test(tc, a_populate_without_addresses_keeps_nothing);
    return suite_main(suite);
}
