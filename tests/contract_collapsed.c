/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to segments in huge pages when they are shrunk, grown, punched, copied, inherited
   and swapped: the contents and the sizes are right, and nothing is left behind. */
#include "support.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* A segment of three huge pages and a bit, with contents. */
struct big {
    struct shmx *seg;
    size_t       huge, size;
    char        *start;
};

static char
content(size_t at)
{
    return (char)(at / 512 * 7 + 1);
}

static struct big
make_big(unsigned flags)
{
    struct big b = { .huge = huge_page() };
    void      *addr = NULL;
    size_t     i;

    b.size = 3 * b.huge + 5000;
    ok(shmx_create("/big", b.size, 0600, flags | SHMX_HUGE_ONLY, &b.seg));
    ok(shmx_attach(b.seg, 0, &addr));
    b.start = addr;
    for (i = 0; i < b.size; i++)
        b.start[i] = content(i);
    return b;
}

static void
has_content(const char *start, size_t from, size_t to)
{
    size_t i;

    for (i = from; i < to; i++)
        if (start[i] != content(i))
            ck_abort_msg("byte %zu is %d and no %d", i, start[i], content(i));
}

static void
has_zeroes(const char *start, size_t from, size_t to)
{
    size_t i;

    for (i = from; i < to; i++)
        if (start[i] != 0)
            ck_abort_msg("byte %zu is %d and not zero", i, start[i]);
}

static void
end_big(struct big *b)
{
    ok(shmx_destroy(b->seg));
    shmx_close(b->seg);
}

static uint64_t
resident(struct shmx *seg)
{
    struct shmx_stat st;

    ok(shmx_stat(seg, &st));
    return st.resident;
}

static uint64_t
whole_pages(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

/* The segment is shrunk into the middle of a huge page, and grown again. */
START_TEST(shrunk_and_grown)
{
    struct big b;
    char      *again;
    void      *addr = NULL;
    size_t     cut;

    if (lacks_huge_pages())
        return;
    b = make_big(SHMX_POSIX);
    cut = b.huge + 7 * (size_t)sysconf(_SC_PAGESIZE) + 100;
    ok(shmx_resize(b.seg, cut));
    ck_assert_int_eq(shmx_size(b.seg), (int64_t)cut);
    ck_assert_uint_le(resident(b.seg), 2 * b.huge); /* a huge page that is split is given back
                                                       later */
    has_content(b.start, 0, cut);
    ok(shmx_resize(b.seg, b.size + b.huge));
    ck_assert_int_eq(shmx_size(b.seg), (int64_t)(b.size + b.huge));
    ck_assert_uint_eq(resident(b.seg), whole_pages(b.size + b.huge));
    ok(shmx_attach(b.seg, 0, &addr));
    again = addr;
    has_content(again, 0, cut);
    has_zeroes(again, cut, b.size + b.huge);
    again[b.size + b.huge - 1] = 1;
    end_big(&b);
}
END_TEST

START_TEST(punched_by_a_plain_program)
{
    const int        how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    const off_t      page = sysconf(_SC_PAGESIZE);
    struct shmx_stat st;
    struct big       b;
    int              fd;

    if (lacks_huge_pages())
        return;
    b = make_big(SHMX_POSIX);
    fd = open("/dev/shm/big", O_RDWR | O_CLOEXEC);
    ok(fallocate(fd, how, 5 * page, page)); /* this splits a huge page */
    ok(fallocate(fd, how, (off_t)b.huge, (off_t)b.huge));
    close(fd);
    has_content(b.start, 0, 5 * (size_t)page);
    has_zeroes(b.start, 5 * (size_t)page, 6 * (size_t)page);
    has_content(b.start, 6 * (size_t)page, b.huge);
    has_zeroes(b.start, b.huge, 2 * b.huge);
    has_content(b.start, 2 * b.huge, b.size);
    ok(shmx_stat(b.seg, &st));
    ck_assert_uint_eq(st.page_size, (uint64_t)page); /* it is not a huge page any more */
    ck_assert_int_eq(st.state & SHMX_IS_HUGE, 0);
    end_big(&b);
}
END_TEST

/* Everybody sees a change, except a change of a private copy. Read-only attachments see it, too. */
START_TEST(copied_and_protected)
{
    struct big b;
    char      *copy;
    void      *addr = NULL;

    if (lacks_huge_pages())
        return;
    b = make_big(backend_flag[_i]);
    ok(shmx_attach(b.seg, SHMX_PRIVATE, &addr));
    copy = addr;
    has_content(copy, 0, b.size);
    memset(copy + b.huge + 10, 'c', 5000);
    has_content(b.start, 0, b.size);
    has_content(copy, 0, b.huge + 10);
    has_content(copy, b.huge + 5010, b.size);
    ok(shmx_detach(b.seg, copy));
    ok(mprotect(b.start + b.huge, b.huge / 2, PROT_READ));
    has_content(b.start, 0, b.size);
    ck_assert_int_eq(shmx_write(b.seg, "w", 1, b.huge + 1), 1);
    ck_assert_int_eq(b.start[b.huge + 1], 'w');
    ok(mprotect(b.start + b.huge, b.huge / 2, PROT_READ | PROT_WRITE));
    b.start[b.huge + 1] = content(b.huge + 1);
    has_content(b.start, 0, b.size);
    ok(shmx_detach(b.seg, b.start));
    end_big(&b);
}
END_TEST

START_TEST(inherited)
{
    struct big b;
    pid_t      pid;

    if (lacks_huge_pages())
        return;
    b = make_big(backend_flag[_i]);
    pid = check_fork();
    if (pid == 0) {
        has_content(b.start, 0, b.size);
        b.start[b.huge] = 'f';
        ok(shmx_detach(b.seg, b.start));
        _exit(0);
    }
    join(pid);
    ck_assert_int_eq(b.start[b.huge], 'f');
    b.start[b.huge] = content(b.huge);
    has_content(b.start, 0, b.size);
    end_big(&b);
}
END_TEST

/* Returns how many bytes are in the file, to which the kernel swaps. */
static size_t
bytes_in(const char *path)
{
    char   line[512];
    size_t kib = 0;
    FILE  *f = fopen("/proc/swaps", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, path, strlen(path)) == 0)
            sscanf(line, "%*s %*s %*s %zu", &kib);
    if (f != NULL)
        fclose(f);
    return kib * 1024;
}

/* Swaps to a file for a moment, and restores the settings of the machine. Returns whether the
   kernel swaps to it. */
static bool
swap_on(char path[64], size_t size)
{
    char command[128];
    int  fd;

    snprintf(path, 64, "/var/tmp/shmx-swap-%d", (int)getpid());
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)size) != 0 || close(fd) < 0)
        return false;
    snprintf(command, sizeof command, "mkswap %s >/dev/null 2>&1", path);
    return system(command) == 0 && swapon(path, 0) == 0;
}

START_TEST(swapped)
{
    char       path[64];
    struct big b;
    pid_t      pid;
    int        status;

    if (lacks_huge_pages() || valgrind_lacks("swapping"))
        return;
    if (!swap_on(path, 8 * huge_page())) {
        fprintf(stderr, "skipped, nothing to swap to: %s\n", strerror(errno));
        unlink(path);
        return;
    }
    pid = check_fork();
    if (pid == 0) {
        b = make_big(backend_flag[_i]);
        ok(madvise(b.start, 3 * b.huge, MADV_PAGEOUT));
        ck_assert_uint_ge(bytes_in(path), b.huge);
        ck_assert_int_eq(shmx_size(b.seg), (int64_t)b.size);
        has_content(b.start, 0, b.size);
        end_big(&b);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    swapoff(path);
    unlink(path);
    ok(status);
}
END_TEST

/* A segment that may no longer be written to, or may not shrink, can be read as before. */
START_TEST(sealed)
{
    const size_t huge = huge_page();
    struct shmx *seg = NULL;
    int          fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void        *addr = NULL;

    if (lacks_huge_pages())
        return;
    ok(ftruncate(fd, (off_t)(2 * huge)));
    ok(shmx_open_fd(fd, 0, &seg));
    ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    ok(shmx_attach(seg, SHMX_POPULATE, &addr));
    ck_assert_uint_eq(resident(seg), 2 * huge);
    memset(addr, 's', 2 * huge);
    fails(shmx_resize(seg, huge), -EPERM);
    fails(shmx_resize(seg, 3 * huge), -EPERM);
    ok(shmx_detach(seg, addr));
    ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    fails(shmx_attach(seg, 0, &addr), -EPERM);
    ok(shmx_attach(seg, SHMX_RDONLY | SHMX_POPULATE, &addr));
    ck_assert_int_eq(((char *)addr)[2 * huge - 1], 's');
    shmx_close(seg);
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: collapsed");
    TCase *tc = add_case(suite, "collapsed");

    tcase_add_test(tc, shrunk_and_grown);
    tcase_add_test(tc, punched_by_a_plain_program);
    tcase_add_loop_test(tc, copied_and_protected, 0, BACKENDS);
    tcase_add_loop_test(tc, inherited, 0, BACKENDS);
    tcase_add_loop_test(tc, swapped, 0, BACKENDS);
    tcase_add_test(tc, sealed);
    return suite_main(suite);
}
