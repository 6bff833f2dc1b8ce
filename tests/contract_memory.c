/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory on both backends: attachments, copying in and out, and streams. */
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE        50000
#define HUGE_OFFSET (5ull << 30)

static struct shmx *seg;
static size_t       page;

static void
setup(int i, unsigned flags)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    ok(shmx_create("/memory", SIZE, 0600, backend_flag[i] | flags, &seg));
}

static void
finish(void)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static sigjmp_buf    fault;
static volatile char seen;

static void
on_fault(int signal)
{
    siglongjmp(fault, signal);
}

/* Returns the signal that touching the byte raises, or 0. */
static int
touch(volatile char *p, bool write)
{
    int raised = sigsetjmp(fault, 1);

    if (raised != 0)
        return raised;
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    if (write)
        *p = 1;
    else
        seen = *p;
    return 0;
}

START_TEST(attachments_share)
{
    struct shmx *other;
    void        *a, *b, *c;

    setup(_i, 0);
    ok(shmx_open("/memory", 0, &other));
    ok(shmx_attach(seg, 0, &a));
    ok(shmx_attach(seg, 0, &b));
    ok(shmx_attach(other, 0, &c));
    ck_assert_ptr_ne(a, b);
    memset(a, 0x5a, SIZE);
    ck_assert_mem_eq(a, b, SIZE);
    ck_assert_mem_eq(a, c, SIZE);
    ((char *)c)[SIZE - 1] = 3;
    ck_assert_int_eq(((char *)b)[SIZE - 1], 3);
    ok(shmx_detach(seg, a));
    ck_assert_int_eq(((char *)b)[SIZE - 1], 3);
    shmx_close(other);
    finish();
}
END_TEST

START_TEST(ranges_at_any_offset)
{
    static const struct {
        uint64_t offset;
        size_t   length;
    } ranges[] = { { 0, 1 },        { 1, 1 },     { 4095, 2 },     { 4096, 4096 },
                   { 8191, 10000 }, { 0, SIZE },  { SIZE - 1, 1 }, { 12345, 0 },
                   { 0, 0 },        { 40960, 0 }, { SIZE - 1, 0 } };
    void  *whole, *part;
    size_t k, j, length;

    setup(_i, 0);
    ok(shmx_attach(seg, 0, &whole));
    for (k = 0; k < SIZE; k++)
        ((unsigned char *)whole)[k] = (unsigned char)(k * 31 >> 3);
    for (k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        length = ranges[k].length != 0 ? ranges[k].length : SIZE - (size_t)ranges[k].offset;
        ok(shmx_attach_range(seg, ranges[k].offset, ranges[k].length, 0, &part));
        ck_assert_mem_eq(part, (char *)whole + ranges[k].offset, length);
        for (j = 0; j < length; j++)
            ((char *)part)[j]++;
        ck_assert_mem_eq(part, (char *)whole + ranges[k].offset, length);
        if (k % 2 == 0)
            ok(shmx_detach(seg, part));
    }
    finish();
}
END_TEST

START_TEST(ranges_outside)
{
    void *addr = &addr;

    setup(_i, 0);
    fails(shmx_attach_range(seg, SIZE, 0, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, SIZE, 1, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, SIZE - 1, 2, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, 0, SIZE + 1, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, 1, SIZE_MAX, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, UINT64_MAX, 1, 0, &addr), -ERANGE);
    fails(shmx_attach_range(seg, UINT64_MAX, 0, 0, &addr), -ERANGE);
    fails(shmx_attach(seg, SHMX_OWNED, &addr), -EINVAL);
    fails(shmx_attach(seg, SHMX_REPLACE, &addr), -EINVAL);
    fails(shmx_attach(seg, SHMX_ROUND, &addr), -EINVAL);
    fails(shmx_attach(seg, 0x80000000u, &addr), -EINVAL); /* there is no such flag */
    fails(shmx_attach(seg, 0, NULL), -EINVAL);
    ck_assert_ptr_eq(addr, &addr);
    finish();
}
END_TEST

START_TEST(detach_takes_what_attach_gave)
{
    struct shmx     *other;
    struct shmx_stat st;
    void            *a, *b;

    setup(_i, 0);
    ok(shmx_open("/memory", 0, &other));
    ok(shmx_attach(seg, 0, &a));
    ok(shmx_attach_range(seg, 100, 10, 0, &b));
    fails(shmx_detach(seg, NULL), -EINVAL);
    fails(shmx_detach(seg, (char *)a + 1), -EINVAL);
    fails(shmx_detach(seg, (char *)a + page), -EINVAL);
    fails(shmx_detach(seg, (char *)b - 100), -EINVAL);
    fails(shmx_detach(seg, &a), -EINVAL);
    fails(shmx_detach(other, a), -EINVAL);
    ok(shmx_detach(seg, a));
    fails(shmx_detach(seg, a), -EINVAL);
    ck_assert_int_eq(touch(b, true), 0);
    ok(shmx_detach(seg, b));
    fails(shmx_detach(seg, b), -EINVAL);
    ck_assert_int_eq(touch(a, false), SIGSEGV);
    ck_assert_int_eq(touch(b, false), SIGSEGV);
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 1 + _i); /* one for each of these handles */
    shmx_close(other);
    finish();
}
END_TEST

START_TEST(detached_can_be_attached_again)
{
    void *addr;
    int   k;

    setup(_i, 0);
    for (k = 0; k < 5; k++) {
        ok(shmx_attach(seg, 0, &addr));
        ck_assert_int_eq(((char *)addr)[77], k);
        ((char *)addr)[77]++;
        ck_assert_int_eq(mprotect(addr, page, PROT_NONE), 0); /* detaching ends this protection */
        ok(shmx_detach(seg, addr));
    }
    finish();
}
END_TEST

START_TEST(rdonly_attachment)
{
    void *addr;

    setup(_i, 0);
    ok(shmx_attach(seg, SHMX_RDONLY, &addr));
    ck_assert_int_eq(touch(addr, false), 0);
    ck_assert_int_eq(touch(addr, true), SIGSEGV);
    finish();
}
END_TEST

START_TEST(rdonly_handle_cannot_be_widened)
{
    struct shmx *reader;
    void        *addr, *again;
    char         c = 1;

    setup(_i, 0);
    ok(shmx_open("/memory", SHMX_RDONLY, &reader));
    ok(shmx_attach(reader, 0, &addr));
    ck_assert_int_eq(touch(addr, true), SIGSEGV);
    ck_assert_int_eq(mprotect(addr, page, PROT_READ | PROT_WRITE), -1);
    ck_assert_int_eq(errno, EACCES);
    ok(shmx_attach(reader, SHMX_POPULATE, &again));
    ok(shmx_detach(reader, again));
    ok(shmx_detach(reader, addr));
    ok(shmx_attach(reader, 0, &addr));
    ck_assert_int_eq(touch(addr, false), 0);
    ck_assert_int_eq(mprotect(addr, page, PROT_READ | PROT_WRITE), -1);
    fails(shmx_write(reader, &c, 1, 0), -EACCES);
    ck_assert_int_eq(shmx_read(reader, &c, 1, 0), 1);
    fails(shmx_resize(reader, 1), _i == 0 ? -EACCES : -ENOTSUP);
    ck_assert_ptr_null(shmx_stream(reader, "r+"));
    ck_assert_int_eq(errno, EACCES);
    ok(shmx_detach(reader, addr));
    ok(shmx_attach(reader, SHMX_PRIVATE, &addr)); /* a private copy can be written to */
    ck_assert_int_eq(touch(addr, true), 0);
    shmx_close(reader);
    finish();
}
END_TEST

START_TEST(private_changes_stay_here)
{
    void *shared, *copy, *part;

    setup(_i, 0);
    ok(shmx_attach(seg, 0, &shared));
    memset(shared, 'a', SIZE);
    ok(shmx_attach(seg, SHMX_PRIVATE, &copy));
    ok(shmx_attach_range(seg, SIZE - 10, 10, SHMX_PRIVATE | SHMX_POPULATE, &part));
    ck_assert_mem_eq(shared, copy, SIZE);
    ck_assert_mem_eq(part, "aaaaaaaaaa", 10);
    memset(copy, 'b', SIZE);
    memset(part, 'c', 10);
    ck_assert_int_eq(((char *)shared)[0], 'a');
    ck_assert_int_eq(((char *)shared)[SIZE - 1], 'a');
    ok(shmx_detach(seg, shared));
    ck_assert_int_eq(((char *)copy)[0], 'b');
    ok(shmx_attach(seg, SHMX_PRIVATE | SHMX_RDONLY, &shared));
    ck_assert_int_eq(touch(shared, true), SIGSEGV);
    finish();
}
END_TEST

START_TEST(executable)
{
    /* The instruction of this machine that returns from a function. */
#if defined __x86_64__ || defined __i386__
    static const unsigned char code[] = { 0xc3 };
#elif defined __aarch64__
    static const unsigned char code[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#else
    static const unsigned char code[] = { 0 };
#endif
    void (*function)(void);
    void *addr, *run;

    if (_i == 1 && valgrind_lacks("executable shmat"))
        return;
    setup(_i, 0);
    ok(shmx_chmod(seg, 0700));
    ok(shmx_attach(seg, 0, &addr));
    memcpy(addr, code, sizeof code);
    ok(shmx_attach(seg, SHMX_EXEC | SHMX_RDONLY, &run));
    if (code[0] != 0) {
        __builtin___clear_cache(run, (char *)run + sizeof code);
        memcpy(&function, &run, sizeof function);
        function();
    }
    finish();
}
END_TEST

/* Returns free address space for so many pages. */
static char *
free_range(size_t pages)
{
    char *p = mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    munmap(p, pages * page);
    return p;
}

START_TEST(fixed_address)
{
    char *range, *neighbour;
    void *addr;

    setup(_i, 0);
    range = free_range(40);
    addr = range + page;
    ok(shmx_attach(seg, SHMX_FIXED, &addr));
    ck_assert_ptr_eq(addr, range + page);
    strcpy(addr, "here");
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EEXIST);
    /* It is an attachment of the same handle. */
    fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
    ck_assert_str_eq(addr, "here");
    ok(shmx_detach(seg, addr));
    ck_assert_int_eq(touch(addr, false), SIGSEGV);
    ok(shmx_attach(seg, SHMX_FIXED, &addr)); /* the range is really free again */
    ok(shmx_detach(seg, addr));

    addr = range + page + 123;
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EINVAL);
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_ROUND, &addr));
    ck_assert_ptr_eq(addr, range + page);
    ck_assert_str_eq(addr, "here");
    ok(shmx_detach(seg, addr));
    addr = NULL;
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EINVAL);
    addr = (void *)(UINTPTR_MAX / page * page); /* NOLINT */
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EINVAL);

    neighbour = mmap(range + 5 * page, page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(neighbour, "not mine");
    addr = range + page;
    fails(shmx_attach(seg, SHMX_FIXED, &addr), -EEXIST);
    ck_assert_str_eq(neighbour, "not mine");
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr));
    ck_assert_ptr_eq(addr, range + page);
    ck_assert_str_eq(addr, "here");
    ck_assert_str_eq(neighbour, "");
    ok(shmx_detach(seg, addr));
    finish();
}
END_TEST

/* Tries shared attachments and copies. On System V only a copy of a part can be fixed. */
START_TEST(fixed_range_takes_only_its_pages)
{
    const unsigned kind = SHMX_FIXED | (_i == 0 ? 0 : SHMX_PRIVATE);
    char          *range, *before, *after;
    void          *addr, *whole;

    setup(_i % BACKENDS, 0);
    ok(shmx_attach(seg, 0, &whole));
    strcpy((char *)whole + 2 * page + 10, "part");
    range = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    before = range + page;
    after = range + 3 * page;
    strcpy(before, "before");
    strcpy(after, "after");
    addr = range + 2 * page + 10;
    fails(shmx_attach_range(seg, 2 * page + 10, 100, kind, &addr), -EEXIST);
    ok(shmx_attach_range(seg, 2 * page + 10, 100, kind | SHMX_REPLACE, &addr));
    ck_assert_str_eq(addr, "part");
    ck_assert_str_eq(before, "before");
    ck_assert_str_eq(after, "after");
    ((char *)addr)[0] = 'P';
    ck_assert_str_eq((char *)whole + 2 * page + 10, _i == 0 ? "Part" : "part");
    ok(shmx_detach(seg, whole));
    ck_assert_str_eq(addr, "Part");
    ok(shmx_detach(seg, addr));
    ck_assert_str_eq(before, "before");
    ck_assert_str_eq(after, "after");
    ok(shmx_attach_range(seg, 2 * page + 10, 100, kind, &addr));
    ok(shmx_detach(seg, addr));
    addr = range + 2 * page + 11;
    fails(shmx_attach_range(seg, 2 * page + 10, 100, kind, &addr), -EINVAL);
    ok(shmx_attach_range(seg, 2 * page + 10, 100, kind | SHMX_ROUND, &addr));
    ck_assert_ptr_eq(addr, range + 2 * page + 10);
    munmap(before, page);
    munmap(after, 2 * page);
    munmap(range, page);
    finish();
}
END_TEST

START_TEST(fixed_over_an_own_attachment)
{
    char  *range;
    void  *own, *addr;
    size_t k, pages;

    setup(_i, 0);
    pages = SIZE / page + 1;
    range = free_range(6 * pages);
    own = range + 2 * pages * page;
    ok(shmx_attach(seg, SHMX_FIXED, &own));
    strcpy(own, "mine");
    for (k = pages; k <= 3 * pages; k += k == pages || k == 3 * pages - 1 ? 1 : pages - 1) {
        addr = range + k * page; /* just before it, one page over it, in its place, and so on */
        if (k == pages || k == 3 * pages) {
            ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr));
            ok(shmx_detach(seg, addr));
            ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | SHMX_PRIVATE, &addr));
            ok(shmx_detach(seg, addr));
        } else {
            fails(shmx_attach(seg, SHMX_FIXED, &addr), -EEXIST);
            fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr), -EBUSY);
            fails(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE | SHMX_PRIVATE, &addr), -EBUSY);
        }
        ck_assert_str_eq(own, "mine");
    }
    ok(shmx_detach(seg, own));
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &own)); /* it is not an attachment of the same
                                                              handle any more */
    ck_assert_str_eq(own, "mine");
    finish();
}
END_TEST

START_TEST(fixed_parts_on_sysv)
{
    char *range;
    void *addr;

    setup(1, 0);
    range = free_range(60);
    addr = range + 20 * page;
    fails(shmx_attach_range(seg, 0, page, SHMX_FIXED, &addr), -ENOTSUP);
    fails(shmx_attach_range(seg, page, 0, SHMX_FIXED, &addr), -ENOTSUP);
    fails(shmx_attach_range(seg, page, 1, SHMX_FIXED | SHMX_REPLACE | SHMX_RDONLY, &addr),
          -ENOTSUP);
    ck_assert_ptr_eq(addr, range + 20 * page);
    ok(shmx_attach_range(seg, 0, SIZE, SHMX_FIXED, &addr)); /* this is the whole segment */
    ok(shmx_detach(seg, addr));
    ok(shmx_attach_range(seg, page, 1, 0, &addr)); /* anywhere */
    finish();
}
END_TEST

START_TEST(no_address_is_taken_that_attach_gave_before)
{
    void *addr;
    char *old;

    setup(_i, 0);
    ok(shmx_attach(seg, 0, &addr));
    old = addr;
    ok(shmx_detach(seg, addr));
    ok(shmx_attach(seg, SHMX_FIXED, &addr)); /* where the pin of the handle may be */
    ck_assert_ptr_eq(addr, old);
    ok(shmx_detach(seg, addr));
    addr = old;
    ok(shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr));
    ck_assert_ptr_eq(addr, old);
    finish();
}
END_TEST

START_TEST(populate_brings_it_in)
{
    struct shmx_stat st;
    void            *addr;

    setup(_i, SHMX_SPARSE);
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.resident, 0);
    ok(shmx_attach(seg, SHMX_POPULATE, &addr));
    ok(shmx_stat_name("/memory", &st));
    ck_assert_uint_eq(st.resident, (SIZE + page - 1) / page * page);
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.resident, _i == 0 ? (SIZE + page - 1) / page * page : 0); /* unknown */
    finish();
}
END_TEST

START_TEST(populate_notices_shortage)
{
    struct shmx *big;
    void        *addr = NULL;

    if (_i != 0)
        return; /* a System V segment is not in /dev/shm */
    mount_dev_shm("size=1m");
    ok(shmx_create("/big", 4 << 20, 0600, SHMX_SPARSE, &big));
    fails(shmx_attach(big, SHMX_POPULATE, &addr), -ENOSPC);
    fails(shmx_attach(big, SHMX_POPULATE | SHMX_RDONLY, &addr), -ENOSPC);
    ck_assert_ptr_null(addr);
    ok(shmx_attach(big, 0, &addr));
    ok(shmx_remove("/big"));
    shmx_close(big);
}
END_TEST

START_TEST(read_and_write_at_an_offset)
{
    char  buf[SIZE + 10], back[SIZE + 10];
    void *addr;

    setup(_i, 0);
    memset(buf, 'x', sizeof buf);
    ck_assert_int_eq(shmx_write(seg, "abc", 3, 5000), 3);
    ck_assert_int_eq(shmx_read(seg, buf, 5, 4999), 5);
    ck_assert_mem_eq(buf, "\0abc\0", 5);
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_mem_eq((char *)addr + 5000, "abc", 3);
    memset(buf, 'y', sizeof buf);
    ck_assert_int_eq(shmx_write(seg, buf, sizeof buf, 0), SIZE);
    ck_assert_int_eq(shmx_read(seg, back, sizeof back, 0), SIZE);
    ck_assert_mem_eq(buf, back, SIZE);
    ck_assert_int_eq(shmx_write(seg, buf, 10, SIZE - 4), 4);
    ck_assert_int_eq(shmx_read(seg, buf, 10, SIZE - 4), 4);
    ck_assert_int_eq(shmx_read(seg, buf, 10, SIZE), 0);
    ck_assert_int_eq(shmx_read(seg, buf, 10, UINT64_MAX), 0);
    ck_assert_int_eq(shmx_read(seg, NULL, 0, 0), 0);
    ck_assert_int_eq(shmx_write(seg, NULL, 0, SIZE), 0);
    fails(shmx_write(seg, buf, 10, SIZE), -ENOSPC);
    fails(shmx_write(seg, buf, 10, UINT64_MAX), -ENOSPC);
    fails(shmx_write(seg, buf, SIZE_MAX, 0), -EINVAL);
    fails(shmx_read(seg, buf, SIZE_MAX, 0), -EINVAL);
    fails(shmx_read(seg, NULL, 1, 0), -EINVAL);
    fails(shmx_write(seg, NULL, 1, 0), -EINVAL);
    ck_assert_int_eq(shmx_size(seg), SIZE);
    finish();
}
END_TEST

/* Copying finds the segment whatever the program has attached. */
START_TEST(read_and_write_beside_attachments)
{
    static const unsigned kinds[] = { SHMX_RDONLY, SHMX_PRIVATE, 0, SHMX_EXEC };
    void                 *addr;
    char                  c = 0, d = 0;
    size_t                k;

    setup(_i, 0);
    ok(shmx_chmod(seg, 0700));
    for (k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        ok(shmx_attach(seg, kinds[k], &addr));
        c++;
        ck_assert_int_eq(shmx_write(seg, &c, 1, 100), 1);
        ck_assert_int_eq(shmx_read(seg, &d, 1, 100), 1);
        ck_assert_int_eq(c, d);
        if (kinds[k] != SHMX_PRIVATE)
            ck_assert_int_eq(((char *)addr)[100], c);
        ok(shmx_detach(seg, addr));
    }
    finish();
}
END_TEST

START_TEST(streams)
{
    char  text[64];
    FILE *f;

    setup(_i, 0);
    f = shmx_stream(seg, "r+");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fprintf(f, "first line\nsecond line\n"), 23);
    ck_assert_int_eq(ftello(f), 23);
    rewind(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    ck_assert_str_eq(text, "first line\n");
    ck_assert_int_eq(fseeko(f, 7, SEEK_CUR), 0);
    ck_assert_uint_eq(fread(text, 1, 4, f), 4);
    ck_assert_mem_eq(text, "line", 4);
    ck_assert_int_eq(fseeko(f, -3, SEEK_END), 0);
    ck_assert_int_eq(ftello(f), SIZE - 3);
    ck_assert_int_eq(fputs("end", f) < 0, 0);
    ck_assert_int_eq(fflush(f), 0);
    ck_assert_int_eq(fputc('!', f), '!');
    errno = 0;
    ck_assert_int_eq(fflush(f), EOF); /* the stream never grows the segment */
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(fseeko(f, -2, SEEK_END), 0);
    ck_assert_int_ge(fputs("end", f), 0);
    errno = 0;
    ck_assert_int_eq(fflush(f), EOF); /* one byte of it does not fit */
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(shmx_write(seg, "end", 3, SIZE - 3), 3);
    fclose(f);
    ck_assert_int_eq(shmx_size(seg), SIZE);

    f = shmx_stream(seg, "rb");
    ck_assert_int_eq(fseeko(f, SIZE - 3, SEEK_SET), 0);
    ck_assert_uint_eq(fread(text, 1, sizeof text, f), 3);
    ck_assert_mem_eq(text, "end", 3);
    ck_assert(feof(f) && !ferror(f));
    errno = 0;
    ck_assert_int_eq(fseeko(f, -1, SEEK_SET), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(fputc('x', f), EOF);
    fclose(f);
    errno = 0;
    ck_assert_ptr_null(shmx_stream(seg, "w"));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(shmx_stream(seg, NULL));
    ck_assert_ptr_null(shmx_stream(seg, "r+x"));
    finish();
}
END_TEST

START_TEST(beyond_4_gib)
{
    struct shmx *big;
    void        *addr;
    char         text[8];
    FILE        *f;

    if (sizeof(void *) < 8 || valgrind_lacks("the time to look for pointers in gigabytes"))
        return;
    ok(shmx_create("/big", (size_t)(HUGE_OFFSET + SIZE), 0600, backend_flag[_i] | SHMX_SPARSE,
                   &big));
    ck_assert_int_eq(shmx_size(big), (int64_t)(HUGE_OFFSET + SIZE));
    ok(shmx_attach_range(big, HUGE_OFFSET + 5, 100, 0, &addr));
    strcpy(addr, "far");
    ck_assert_int_eq(shmx_read(big, text, 4, HUGE_OFFSET + 5), 4);
    ck_assert_str_eq(text, "far");
    ck_assert_int_eq(shmx_write(big, "end", 3, HUGE_OFFSET + SIZE - 3), 3);
    f = shmx_stream(big, "r");
    ck_assert_int_eq(fseeko(f, (off_t)HUGE_OFFSET + 5, SEEK_SET), 0);
    ck_assert_uint_eq(fread(text, 1, 4, f), 4);
    ck_assert_str_eq(text, "far");
    ck_assert_int_eq(fseeko(f, -3, SEEK_END), 0);
    ck_assert_int_eq(ftello(f), (off_t)HUGE_OFFSET + SIZE - 3);
    ck_assert_uint_eq(fread(text, 1, 4, f), 3);
    ck_assert_mem_eq(text, "end", 3);
    fclose(f);
    ok(shmx_attach(big, 0, &addr));
    ck_assert_str_eq((char *)addr + HUGE_OFFSET + 5, "far");
    ok(shmx_destroy(big));
    shmx_close(big);
}
END_TEST

START_TEST(no_address_space)
{
    struct shmx *big[4];
    void        *addr;
    int          k, j, r = 0;

    if (sizeof(void *) < 8 || valgrind_lacks("the kernel's error for it"))
        return;
    for (k = 0; k < 4 && r == 0; k++) { /* 4 times 64 TiB are more than all addresses */
        r = shmx_create(NULL, (size_t)(UINT64_C(1) << 46), 0600, backend_flag[_i] | SHMX_SPARSE,
                        &big[k]);
        if (r < 0)
            break;
        r = shmx_attach(big[k], 0, &addr);
    }
    ck_assert_int_eq(r, -ENOMEM);
    for (j = 0; j < k; j++) {
        ok(shmx_destroy(big[j]));
        shmx_close(big[j]);
    }
}
END_TEST

START_TEST(resize_posix_only)
{
    void  *addr;
    size_t k, others = 0;

    setup(_i, 0);
    if (_i == 1) {
        fails(shmx_resize(seg, SIZE * 2), -ENOTSUP);
        finish();
        return;
    }
    fails(shmx_resize(seg, SIZE_MAX), -EINVAL);
    ok(shmx_attach(seg, 0, &addr));
    memset(addr, 'z', (SIZE / page + 1) * page); /* the rest of the last page belongs to the
                                                    program, too */
    ok(shmx_resize(seg, SIZE + 1000000));
    ck_assert_int_eq(shmx_size(seg), SIZE + 1000000);
    ok(shmx_detach(seg, addr));
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_int_eq(((char *)addr)[SIZE - 1], 'z');
    ck_assert_int_eq(((char *)addr)[SIZE], 'z');
    for (k = (SIZE / page + 1) * page; k < SIZE + 1000000; k++)
        others += ((char *)addr)[k] != 0;
    ck_assert_uint_eq(others, 0);
    ok(shmx_resize(seg, 7));
    ck_assert_int_eq(shmx_size(seg), 7);
    ck_assert_int_eq(touch((char *)addr + 2 * page, false), SIGBUS);
    ok(shmx_resize(seg, 0));
    ck_assert_int_eq(shmx_size(seg), 0);
    ok(shmx_detach(seg, addr));
    fails(shmx_attach(seg, 0, &addr), -ENODATA);
    fails(shmx_attach_range(seg, 0, 1, 0, &addr), -ENODATA);
    ok(shmx_resize(seg, 1));
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_int_eq(*(char *)addr, 0);
    finish();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: memory");
    TCase *tc = add_case(suite, "attach");

    tcase_add_loop_test(tc, attachments_share, 0, BACKENDS);
    tcase_add_loop_test(tc, ranges_at_any_offset, 0, BACKENDS);
    tcase_add_loop_test(tc, ranges_outside, 0, BACKENDS);
    tcase_add_loop_test(tc, detach_takes_what_attach_gave, 0, BACKENDS);
    tcase_add_loop_test(tc, detached_can_be_attached_again, 0, BACKENDS);
    tcase_add_loop_test(tc, rdonly_attachment, 0, BACKENDS);
    tcase_add_loop_test(tc, rdonly_handle_cannot_be_widened, 0, BACKENDS);
    tcase_add_loop_test(tc, private_changes_stay_here, 0, BACKENDS);
    tcase_add_loop_test(tc, executable, 0, BACKENDS);
    tcase_add_loop_test(tc, fixed_address, 0, BACKENDS);
    tcase_add_loop_test(tc, fixed_range_takes_only_its_pages, 0, 3);
    tcase_add_loop_test(tc, fixed_over_an_own_attachment, 0, BACKENDS);
    tcase_add_test(tc, fixed_parts_on_sysv);
    tcase_add_loop_test(tc, no_address_is_taken_that_attach_gave_before, 0, BACKENDS);
    tcase_add_loop_test(tc, populate_brings_it_in, 0, BACKENDS);
    tcase_add_loop_test(tc, populate_notices_shortage, 0, BACKENDS);
    tcase_add_loop_test(tc, no_address_space, 0, BACKENDS);

    tc = add_case(suite, "copy");
    tcase_add_loop_test(tc, read_and_write_at_an_offset, 0, BACKENDS);
    tcase_add_loop_test(tc, read_and_write_beside_attachments, 0, BACKENDS);
    tcase_add_loop_test(tc, streams, 0, BACKENDS);
    tcase_add_loop_test(tc, beyond_4_gib, 0, BACKENDS);
    tcase_add_loop_test(tc, resize_posix_only, 0, BACKENDS);
    return suite_main(suite);
}
