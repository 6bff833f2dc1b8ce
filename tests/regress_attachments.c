/* SPDX-License-Identifier: BSD-2-Clause */
/* Defects of the first edition with attachments that are replaced, detached or narrowed. */
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 10000

/* Loop tests over both backends, with handles that have copied and with handles that have not. */
#define WAYS (2 * BACKENDS)

static struct shmx *
created(int way, const char *name, unsigned flags, const char *text)
{
    struct shmx *seg = NULL;
    void        *addr;

    ok(shmx_create(name, SIZE, 0600, backend_flag[way % BACKENDS] | flags, &seg));
    if (way < BACKENDS) {
        ck_assert_int_eq(shmx_write(seg, text, 8, 0), 8);
        return seg;
    }
    ok(shmx_attach(seg, 0, &addr));
    strcpy(addr, text);
    ok(shmx_detach(seg, addr));
    return seg;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static void
assert_reads(struct shmx *seg, const char *text)
{
    char got[9] = "";

    ck_assert_int_eq(shmx_read(seg, got, 8, 0), 8);
    ck_assert_str_eq(got, text);
}

/* Maps memory of the program at exactly that address, whatever is there. */
static char *
own_memory(void *addr, size_t length, const char *text)
{
    int   flags = MAP_PRIVATE | MAP_ANONYMOUS | (addr != NULL ? MAP_FIXED : 0);
    char *p = mmap(addr, length, PROT_READ | PROT_WRITE, flags, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    strcpy(p, text);
    return p;
}

static sigjmp_buf    fault;
static volatile char seen;

static void
on_fault(int signal)
{
    siglongjmp(fault, signal);
}

/* Returns the signal that reading the byte raises, or 0. */
static int
touch(const volatile char *p)
{
    int raised = sigsetjmp(fault, 1);

    if (raised != 0)
        return raised;
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    seen = *p;
    return 0;
}

START_TEST(ones_own_attachment_is_not_replaced)
{
    static const unsigned kinds[] = { 0, SHMX_RDONLY, SHMX_PRIVATE, SHMX_POPULATE };
    struct shmx          *seg = created(_i, "/x", 0, "segment");
    const size_t          page = (size_t)sysconf(_SC_PAGESIZE);
    char                 *range = own_memory(NULL, 9 * page, "around"), *first;
    void                 *addr = range + 3 * page, *copy;
    size_t                k;

    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr)); /* pages 3 to 5 */
    first = addr;
    for (k = 0; k < 20; k++) { /* from two pages below to two pages above, with each kind */
        addr = first + k / 4 * page - 2 * page;
        fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | kinds[k % 4], &addr), -EBUSY);
    }
    if (_i % BACKENDS == 0) { /* only a part of the segment */
        addr = first + page + 10;
        fails(shmx_attach_range(seg, 10, 1, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
    }
    ck_assert_str_eq(first, "segment");
    ck_assert_str_eq(range, "around");

    ok(shmx_attach(seg, SHMX_PRIVATE, &copy)); /* which is also an attachment */
    addr = copy;
    fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
    ok(shmx_detach(seg, copy));

    addr = range;
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr)); /* just below it */
    ok(shmx_detach(seg, first));
    addr = first; /* the range is free again */
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr));
    finish(seg);
    munmap(range, 9 * page);
}
END_TEST

/* Whether the attachment is replaced or refused, what was detached is not unmapped a second
   time. */
START_TEST(closing_leaves_what_is_there_by_then)
{
    struct shmx *seg = created(_i, "/x", 0, "segment"), *other = created(_i, "/y", 0, "another");
    void        *addr, *again;

    ok(shmx_attach(seg, 0, &addr));
    again = addr;
    (void)shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &again);
    ok(shmx_detach(seg, addr));
    again = addr;
    ok(shmx_attach(other, SHMX_FIXED | SHMX_REPLACE, &again));
    finish(seg);
    ck_assert_int_eq(touch(again), 0);
    ck_assert_str_eq(again, "another");
    finish(other);
}
END_TEST

/* An attachment of another handle lies over one of this handle, or a mapping of the program does,
   or there is no access. */
START_TEST(copies_are_of_the_segment_whatever_is_mapped)
{
    struct shmx *seg = created(_i, "/x", 0, "segment"), *other = created(_i, "/y", 0, "another");
    void        *addr;

    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_attach(other, SHMX_FIXED | SHMX_REPLACE, &addr));
    assert_reads(seg, "segment");
    ck_assert_int_eq(shmx_write(seg, "written", 8, 0), 8);
    assert_reads(other, "another");
    ok(shmx_detach(other, addr));

    own_memory(addr, SIZE, "program");
    assert_reads(seg, "written");
    ck_assert_int_eq(shmx_write(seg, "changed", 8, 0), 8);
    ck_assert_str_eq(addr, "program");
    munmap(addr, SIZE);
    ok(shmx_attach(seg, 0, &addr));
    ok(mprotect(addr, SIZE, PROT_NONE));
    assert_reads(seg, "changed");
    finish(other);
    finish(seg);
}
END_TEST

START_TEST(replaced_attachment_was_not_the_hold)
{
    struct shmx *seg = created(_i, "/x", SHMX_EPHEMERAL, "segment"), *more = NULL;
    struct shmx *other = created(_i, "/y", 0, "another");
    void        *addr;

    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_attach(other, SHMX_FIXED | SHMX_REPLACE, &addr));
    ok(shmx_open("/x", 0, &more));
    assert_reads(more, "segment");
    shmx_close(more);
    ok(shmx_detach(other, addr));
    assert_reads(seg, "segment");
    finish(other);
    shmx_close(seg);
}
END_TEST

START_TEST(detached_address_is_nothing_to_the_library)
{
    struct shmx *seg = created(_i, "/x", 0, "segment");
    void        *addr, *again;
    char        *mine;

    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_detach(seg, addr));
    mine = own_memory(addr, SIZE, "program");
    ck_assert_int_eq(shmx_write(seg, "written", 8, 0), 8);
    ck_assert_str_eq(mine, "program");
    ok(shmx_attach(seg, 0, &again));
    ck_assert_ptr_ne(again, mine);
    ck_assert_str_eq(again, "written");
    ok(shmx_detach(seg, again));
    assert_reads(seg, "written");
    finish(seg);
    ck_assert_int_eq(touch(mine), 0);
    strcat(mine, "s");
    ck_assert_str_eq(mine, "programs");
    munmap(mine, SIZE);
}
END_TEST

START_TEST(mlock_ends_with_the_detach)
{
    struct shmx *seg = created(_i, "/x", 0, "segment");
    const long   before = locked_kib();
    void        *addr;

    if (shows_locked_memory()) {
        ok(shmx_attach(seg, 0, &addr));
        ok(mlock(addr, SIZE));
        ck_assert_int_gt(locked_kib(), before);
        ok(shmx_detach(seg, addr));
        ck_assert_int_eq(locked_kib(), before);
        assert_reads(seg, "segment");
        ck_assert_int_eq(locked_kib(), before);
    }
    finish(seg);
}
END_TEST

/* The child holds the segment, and goes on doing so when its parent does not. */
START_TEST(madvise_ends_with_the_detach)
{
    struct shmx *seg = created(_i, NULL, SHMX_EPHEMERAL, "segment");
    int          closed[2];
    void        *addr;
    char         c;
    pid_t        pid;

    if (valgrind_lacks("MADV_DONTFORK")) {
        shmx_close(seg);
        return;
    }
    ok(pipe(closed));
    ok(shmx_attach(seg, 0, &addr));
    ok(madvise(addr, SIZE, MADV_DONTFORK));
    ok(shmx_detach(seg, addr));
    pid = check_fork();
    if (pid == 0) {
        close(closed[1]);
        ck_assert_int_eq(read(closed[0], &c, 1), 0);
        assert_reads(seg, "segment");
        shmx_close(seg);
        _exit(0);
    }
    shmx_close(seg);
    close(closed[1]);
    close(closed[0]);
    join(pid);
}
END_TEST

START_TEST(private_copy_in_place_is_not_the_hold)
{
    struct shmx     *seg = created(_i, "/x", SHMX_EPHEMERAL, "segment"), *more = NULL;
    struct shmx_stat st;
    void            *addr, *copy;

    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_detach(seg, addr));
    copy = addr;
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_PRIVATE | SHMX_REPLACE, &copy));
    strcpy(copy, "private");
    ok(shmx_stat(seg, &st));
    ck_assert_int_ge(st.holders, 1);
    ok(shmx_open("/x", 0, &more));
    assert_reads(more, "segment");
    assert_reads(seg, "segment");
    ck_assert_int_eq(shmx_write(seg, "written", 8, 0), 8);
    ck_assert_str_eq(copy, "private");
    shmx_close(more);
    ok(shmx_detach(seg, copy));
    assert_reads(seg, "written");
    shmx_close(seg);
}
END_TEST

/* A handle can do what it could do at first, even if the mode is narrow by now, whatever it has
   attached. */
static void
narrow_and_copy(int backend, bool attaches, unsigned kind, bool copied)
{
    struct shmx *seg = NULL;
    void        *addr = NULL;
    FILE        *f;

    ok(shmx_create("/narrow", SIZE, 0700, backend_flag[backend], &seg));
    if (copied)
        ck_assert_int_eq(shmx_write(seg, "segment", 8, 0), 8);
    if (kind & SHMX_FIXED) {
        addr = own_memory(NULL, SIZE, "");
        munmap(addr, SIZE);
    }
    if (attaches)
        ok(shmx_attach(seg, kind, &addr));
    ok(shmx_chmod(seg, 0));
    ck_assert_int_eq(shmx_write(seg, "narrow", 7, 0), 7);
    if (attaches && !(kind & SHMX_PRIVATE))
        ck_assert_str_eq(addr, "narrow");
    if (attaches)
        ok(shmx_detach(seg, addr));
    ck_assert_int_eq(shmx_write(seg, "after!!", 8, 0), 8);
    assert_reads(seg, "after!!");
    f = shmx_stream(seg, "r");
    ck_assert_int_eq(fgetc(f), 'a');
    fclose(f);
    finish(seg);
}

START_TEST(narrowed_mode)
{
    static const unsigned kinds[] = { 0,         SHMX_RDONLY,  SHMX_FIXED,
                                      SHMX_EXEC, SHMX_PRIVATE, SHMX_FIXED | SHMX_RDONLY };
    pid_t                 pid;
    size_t                k;

    if (_i == 1 && valgrind_lacks("mremap of a size of 0, executable shmat"))
        return;
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        for (k = 0; k < 2 * sizeof kinds / sizeof *kinds; k++)
            narrow_and_copy(_i, true, kinds[k / 2], k % 2);
        narrow_and_copy(_i, false, 0, true);
        narrow_and_copy(_i, false, 0, false);
        _exit(0);
    }
    join(pid);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regress: attachments");
    TCase *tc = add_case(suite, "replaced");

    tcase_add_loop_test(tc, ones_own_attachment_is_not_replaced, 0, WAYS);
    tcase_add_loop_test(tc, closing_leaves_what_is_there_by_then, 0, WAYS);
    tcase_add_loop_test(tc, copies_are_of_the_segment_whatever_is_mapped, 0, WAYS);
    tcase_add_loop_test(tc, replaced_attachment_was_not_the_hold, 0, WAYS);
    tcase_add_loop_test(tc, private_copy_in_place_is_not_the_hold, 0, WAYS);
    tc = add_case(suite, "detached");
    tcase_add_loop_test(tc, detached_address_is_nothing_to_the_library, 0, WAYS);
    tcase_add_loop_test(tc, mlock_ends_with_the_detach, 0, WAYS);
    tcase_add_loop_test(tc, madvise_ends_with_the_detach, 0, WAYS);
    tc = add_case(suite, "narrowed");
    tcase_add_loop_test(tc, narrowed_mode, 0, BACKENDS);
    return suite_main(suite);
}
