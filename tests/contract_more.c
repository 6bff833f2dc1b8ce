/* SPDX-License-Identifier: BSD-2-Clause */
/* More of the contract on both backends, where small faults once went unnoticed. */
#include "support.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE 50000

static struct shmx *
created(int i, const char *name, mode_t mode, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, mode, backend_flag[i] | flags, &seg));
    return seg;
}

static void
finish(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* "b" has no effect wherever it stands, and everything else is refused. */
START_TEST(stream_modes)
{
    static const char *const readers[] = { "r", "rb" }, *const writers[] = { "r+", "rb+", "r+b" };
    static const char *const none[] = { "",    "b",   "+",    "br",   "+r",  "w+", "a",
                                        "r++", "rbb", "r+bb", "rb+b", "r+x", "rw", "r+ " };
    struct shmx             *seg = created(_i, "/stream", 0600, 0), *reader;
    char                     text[3];
    size_t                   k;
    FILE                    *f;

    for (k = 0; k < sizeof readers / sizeof *readers; k++) {
        f = shmx_stream(seg, readers[k]);
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fputc('x', f), EOF);
        ck_assert_uint_eq(fread(text, 1, 1, f), 1);
        ok(fclose(f));
    }
    ok(shmx_open("/stream", SHMX_RDONLY, &reader));
    for (k = 0; k < sizeof writers / sizeof *writers; k++) {
        f = shmx_stream(seg, writers[k]);
        ck_assert_ptr_nonnull(f);
        ok(fseeko(f, (off_t)k, SEEK_SET));
        ck_assert_int_eq(fputc('a' + (int)k, f), 'a' + (int)k);
        ok(fclose(f));
        errno = 0;
        ck_assert_ptr_null(shmx_stream(reader, writers[k]));
        ck_assert_int_eq(errno, EACCES);
    }
    ck_assert_int_eq(shmx_read(seg, text, 3, 0), 3);
    ck_assert_mem_eq(text, "abc", 3);
    for (k = 0; k < sizeof none / sizeof *none; k++) {
        errno = 0;
        ck_assert_msg(shmx_stream(seg, none[k]) == NULL, "accepted: %s", none[k]);
        ck_assert_int_eq(errno, EINVAL);
    }
    shmx_close(reader);
    finish(seg);
}
END_TEST

/* Two names of 255 bytes that differ only in the last one are two names. */
START_TEST(longest_names)
{
    char         one[256], two[256], wanted[300];
    struct shmx *a, *b, *other = NULL;
    char         c;

    memset(one, 'n', 255);
    one[255] = '\0';
    strcpy(two, one);
    two[254] = 'm';
    a = created(_i % 2, one, 0600, 0);
    fails(shmx_open(two, 0, &other), -ENOENT);
    fails(shmx_stat_name(two, &(struct shmx_stat){ 0 }), -ENOENT);
    fails(shmx_remove(two), -ENOENT);
    b = created(_i / 2, two, 0600, 0);
    fails(shmx_create(one, SIZE, 0600, backend_flag[_i % 2], &other), -EEXIST);
    ck_assert_int_eq(shmx_write(a, "a", 1, 0), 1);
    ck_assert_int_eq(shmx_write(b, "b", 1, 0), 1);
    ok(shmx_open(two, 0, &other));
    ck_assert_int_eq(shmx_read(other, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'b');
    snprintf(wanted, sizeof wanted, "%s/%s", backend_prefix[_i / 2], two);
    ck_assert_str_eq(shmx_name(other), wanted);
    shmx_close(other);
    other = NULL;
    finish(b);
    fails(shmx_open(two, 0, &other), -ENOENT);
    ok(shmx_open(one, 0, &other));
    ck_assert_int_eq(shmx_read(other, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'a');
    shmx_close(other);
    finish(a);
}
END_TEST

static sigjmp_buf    fault;
static volatile char seen;

static void
on_fault(int signal)
{
    (void)signal;
    siglongjmp(fault, 1);
}

static __attribute__((noinline)) void
touch(const volatile char *p)
{
    seen = *p;
}

static bool
is_mapped(const volatile char *p)
{
    signal(SIGSEGV, on_fault);
    if (sigsetjmp(fault, 1) != 0)
        return false;
    touch(p);
    return true;
}

/* Detaching a private copy ends that copy alone, and only once. */
START_TEST(private_copy_is_detached)
{
    struct shmx *seg = created(_i, "/private", 0600, 0);
    void        *shared, *copy, *part;
    char         c;

    ok(shmx_attach(seg, 0, &shared));
    strcpy(shared, "shared");
    ok(shmx_attach(seg, SHMX_PRIVATE, &copy));
    ok(shmx_attach_range(seg, 20001, 9, SHMX_PRIVATE, &part));
    strcpy(copy, "copy");
    ok(shmx_detach(seg, copy));
    ck_assert(!is_mapped(copy));
    ck_assert(!is_mapped((char *)copy + SIZE - 1));
    fails(shmx_detach(seg, copy), -EINVAL);
    ck_assert(is_mapped(part));
    ck_assert_str_eq(shared, "shared");
    ok(shmx_detach(seg, part));
    ck_assert(!is_mapped(part));
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 's');
    ok(shmx_attach(seg, SHMX_PRIVATE, &copy));
    finish(seg);
    ck_assert(!is_mapped(copy)); /* it ends with its handle, too */
    ck_assert(!is_mapped(shared));
}
END_TEST

/* Returns where the library has mapped the segment for itself. Only the kernel tells that. */
static void *
mapping_of(const char *object)
{
    char      line[512];
    uintptr_t start = 0, from;
    FILE     *f = fopen("/proc/self/maps", "re");

    while (start == 0 && fgets(line, sizeof line, f) != NULL)
        if (strstr(line, object) != NULL && sscanf(line, "%" SCNxPTR "-", &from) == 1)
            start = from;
    fclose(f);
    ck_assert_uint_ne(start, 0);
    return (void *)start; /* NOLINT(performance-no-int-to-ptr) */
}

/* What the library has mapped to hold or pin the segment does not make way. */
START_TEST(fixed_over_the_librarys_own)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct shmx *seg = created(_i, "/own", 0600, 0);
    void        *own, *addr;
    int          k;
    char         c;

    ok(shmx_pin(seg));
    own = mapping_of(_i == 0 ? "/dev/shm/" : "/SYSV");
    for (k = -1; k <= 1; k++) {
        addr = (char *)own + k * (int)page;
        fails(shmx_attach(seg, SHMX_FIXED, &addr), -EEXIST);
        fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
        fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | SHMX_PRIVATE, &addr), -EBUSY);
    }
    ck_assert_int_eq(shmx_write(seg, "o", 1, 0), 1);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'o');
    ck_assert_int_eq(*(char *)own, 'o');
    finish(seg);
}
END_TEST

/* Beside a new segment of the same name and backend, an old handle destroys nothing, and removes
   nothing when it ends. */
START_TEST(old_handles_beside_a_new_segment)
{
    const unsigned flags = _i < BACKENDS ? 0 : SHMX_EPHEMERAL;
    const int      i = _i % BACKENDS;
    struct shmx   *old = created(i, "/same", 0600, flags), *other, *fresh, *found;
    char           c;

    need_users();
    ok(shmx_open("/same", 0, &other));
    ok(shmx_destroy(old));
    fresh = created(i, "/same", 0600, flags);
    ck_assert_int_eq(shmx_write(fresh, "f", 1, 0), 1);
    fails(shmx_destroy(old), -ENOENT);
    fails(shmx_destroy(other), -ENOENT);
    ok(shmx_chmod(other, 0644));
    ok(shmx_chown(other, (uid_t)-1, 7));
    shmx_close(other);
    shmx_close(old);
    ok(shmx_open("/same", 0, &found));
    ck_assert_int_eq(shmx_read(found, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'f');
    shmx_close(found);
    finish(fresh);
}
END_TEST

struct listed {
    int              count;
    char             name[32];
    struct shmx_stat st;
};

static int
note(const char *name, const struct shmx_stat *st, void *arg)
{
    struct listed *listed = arg;

    listed->count++;
    snprintf(listed->name, sizeof listed->name, "%s", name);
    listed->st = *st;
    return 0;
}

static int
never_called(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)st, (void)arg;
    ck_abort_msg("collected: %s", name);
    return 0;
}

/* While the initialiser runs, there is no name, and nothing that others would remove. */
static int
look_around(void *addr, size_t size, void *arg)
{
    const unsigned   flags = *(unsigned *)arg;
    struct listed    listed = { 0 };
    struct shmx_stat st;

    (void)addr;
    ok(shmx_list(0, note, &listed));
    ck_assert_int_eq(shmx_stat_name("/made", &st), -ENOENT);
    ok(shmx_collect(SHMX_ORPHANS | SHMX_DRY_RUN, NULL, never_called, NULL));
    ok(shmx_collect(SHMX_ORPHANS, NULL, never_called, NULL));
    ck_assert_int_eq(listed.count, flags & SHMX_SYSV ? 1 : 0);
    if (listed.count == 0)
        return 0;
    ck_assert_int_eq(strncmp(listed.name, "sysv:id=", 8), 0);
    ck_assert_uint_eq(listed.st.size, size);
    ck_assert_int_gt(listed.st.holders, 0);
    ck_assert_uint_eq(listed.st.state,
                      SHMX_IS_NAMELESS
                          | (flags & SHMX_EPHEMERAL ? SHMX_IS_EPHEMERAL | SHMX_IS_DESTROYED : 0));
    return 0;
}

START_TEST(list_during_an_initialiser)
{
    unsigned         flags = backend_flag[_i % 2] | (_i < 2 ? 0 : SHMX_EPHEMERAL);
    struct shmx     *seg;
    struct listed    listed = { 0 };
    struct shmx_stat st;
    char             name[32];

    ck_assert_int_eq(shmx_open_or_create("/made", SIZE, 0640, flags, look_around, &flags, &seg), 1);
    ok(shmx_list(0, note, &listed));
    ck_assert_int_eq(listed.count, 1);
    snprintf(name, sizeof name, "%s/made", backend_prefix[_i % 2]);
    ck_assert_str_eq(listed.name, name);
    ok(shmx_stat_name("/made", &st));
    ck_assert_uint_eq(st.state, listed.st.state);
    ck_assert_uint_eq(st.state, _i < 2 ? 0 : SHMX_IS_EPHEMERAL | (_i == 3 ? SHMX_IS_DESTROYED : 0));
    ck_assert_uint_eq(listed.st.mode, 0640);
    ck_assert_int_eq(listed.st.holders, 1);
    ok(shmx_collect(SHMX_ORPHANS, NULL, never_called, NULL));
    finish(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: more");
    TCase *tc = add_case(suite, "more");

    tcase_add_loop_test(tc, stream_modes, 0, BACKENDS);
    tcase_add_loop_test(tc, longest_names, 0, 4);
    tcase_add_loop_test(tc, private_copy_is_detached, 0, BACKENDS);
    tcase_add_loop_test(tc, fixed_over_the_librarys_own, 0, BACKENDS);
    tcase_add_loop_test(tc, old_handles_beside_a_new_segment, 0, 4);
    tcase_add_loop_test(tc, list_during_an_initialiser, 0, 4);
    return suite_main(suite);
}
