/* SPDX-License-Identifier: BSD-2-Clause */
/* Attachments that are longer than their segment, and show in place what the segment grows by. */
#include "support.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))
#define ROOM ((size_t)1 << 30)
#define MIB  ((size_t)1 << 20)

static struct shmx *
created(size_t size)
{
    struct shmx *seg = NULL;

    ok(shmx_create("/r", size, 0600, SHMX_POSIX, &seg));
    return seg;
}

static void
end(struct shmx *seg)
{
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

static sigjmp_buf escape;

static void
leap(int signal)
{
    siglongjmp(escape, signal);
}

static bool
raises_sigbus(volatile char *at)
{
    const struct sigaction action = { .sa_handler = leap };

    ok(sigaction(SIGBUS, &action, NULL));
    if (sigsetjmp(escape, 1) != 0)
        return true;
    (void)*at;
    return false;
}

/* One process grows the segment, and another one attaches it before and looks afterwards. */
START_TEST(what_grows_is_there)
{
    struct shmx      *seg = created(PAGE), *own = NULL;
    const size_t      last = 64 * MIB - 1;
    void             *addr, *far;
    _Atomic uint32_t *size;
    pid_t             pid;

    ok(shmx_attach_range(seg, 0, ROOM, SHMX_ROOM, &addr));
    ok(shmx_attach_range(seg, 32 * MIB + 5, 33 * MIB, SHMX_ROOM | SHMX_RDONLY, &far));
    ck_assert(raises_sigbus((char *)addr + PAGE));
    ck_assert(raises_sigbus((char *)far + 32 * MIB - 6));
    size = addr;
    pid = check_fork();
    if (pid == 0) {
        ok(shmx_open("/r", 0, &own));
        ok(shmx_attach_range(own, 0, ROOM, SHMX_ROOM, &addr));
        ok(shmx_resize(own, last + 1));
        ((char *)addr)[last] = 'l'; /* beyond the size at the time of the attach */
        atomic_store((_Atomic uint32_t *)addr, (uint32_t)last + 1);
        ck_assert_int_ge(shmx_wake(own, addr, 1), 0);
        _exit(0);
    }
    while (atomic_load(size) == 0)
        ok(shmx_wait(seg, addr, 0, 0, NULL));
    ck_assert_int_eq(((char *)addr)[last], 'l');
    ck_assert_int_eq(((char *)far)[32 * MIB - 6], 'l');
    ck_assert_int_eq(((char *)addr)[MIB], 0);
    ck_assert(raises_sigbus((char *)addr + last + 1));
    join(pid);
    ok(shmx_detach(seg, addr));
    ok(shmx_detach(seg, far));
    end(seg);
}
END_TEST

START_TEST(wishes_that_cannot_be)
{
    struct shmx *seg = created(PAGE), *sysv = NULL;
    void        *addr = NULL;
    int          pool = memfd_create("pool", MFD_HUGETLB);

    fails(shmx_attach(seg, SHMX_ROOM, &addr), -EINVAL); /* there is no length */
    fails(shmx_attach_range(seg, 0, ROOM, SHMX_ROOM | SHMX_PRIVATE, &addr), -EINVAL);
    fails(shmx_attach_range(seg, 0, SIZE_MAX / 2, SHMX_ROOM, &addr), -ERANGE);
    fails(shmx_attach_range(seg, (uint64_t)1 << 50, 1, SHMX_ROOM, &addr), -ERANGE);
    fails(shmx_attach_range(seg, UINT64_MAX, 1, SHMX_ROOM, &addr), -ERANGE);
    fails(shmx_attach_range(seg, 0, ((size_t)1 << 47) - 4096, SHMX_ROOM, &addr), -ENOMEM);
    fails(shmx_attach_range(seg, PAGE, 0, SHMX_ROOM, &addr), -ERANGE);
    ok(shmx_create(NULL, PAGE, 0600, SHMX_SYSV | SHMX_EPHEMERAL, &sysv));
    fails(shmx_attach_range(sysv, 0, ROOM, SHMX_ROOM, &addr), -ENOTSUP);
    shmx_close(sysv);
    end(seg);
    if (pool >= 0) { /* mapping more of it would make it grow */
        ok(ftruncate(pool, 2 * (off_t)MIB));
        ok(shmx_open_fd(pool, 0, &seg));
        fails(shmx_attach_range(seg, 0, 4 * MIB, SHMX_ROOM, &addr), -ENOTSUP);
        ck_assert_int_eq(shmx_size(seg), 2 * (int64_t)MIB);
        shmx_close(seg);
        close(pool);
    }
}
END_TEST

START_TEST(no_more_than_without)
{
    struct shmx *seg = created(3 * PAGE);
    void        *addr;

    ok(shmx_attach_range(seg, 0, 0, SHMX_ROOM, &addr)); /* this is the whole segment */
    ck_assert(!raises_sigbus((char *)addr + 3 * PAGE - 1));
    ok(shmx_detach(seg, addr));
    ok(shmx_resize(seg, 0)); /* there is nothing yet */
    fails(shmx_attach_range(seg, 0, 0, SHMX_ROOM, &addr), -ENODATA);
    ok(shmx_attach_range(seg, 0, ROOM, SHMX_ROOM | SHMX_POPULATE, &addr));
    ok(shmx_resize(seg, 10));
    strcpy(addr, "ten bytes");
    ok(shmx_detach(seg, addr));
    end(seg);
}
END_TEST

/* The attachment begins where the segment ends, and the segment has holes. */
START_TEST(nothing_to_populate)
{
    struct shmx *seg = NULL;
    void        *addr;

    ok(shmx_create("/r", 3 * PAGE, 0600, SHMX_POSIX | SHMX_SPARSE, &seg));
    ok(shmx_attach_range(seg, 3 * PAGE, PAGE, SHMX_ROOM | SHMX_POPULATE, &addr));
    ck_assert(raises_sigbus(addr));
    ok(shmx_resize(seg, 4 * PAGE));
    strcpy(addr, "here it is");
    ok(shmx_detach(seg, addr));
    end(seg);
}
END_TEST

/* At a given address, over another mapping, populated as far as the segment goes. */
START_TEST(fixed_and_populated)
{
    struct shmx  *seg = created(5 * PAGE);
    const size_t  length = 100 * PAGE;
    unsigned char there[5];
    char *place = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *addr = place, *second;

    ck_assert_ptr_ne(place, MAP_FAILED);
    fails(shmx_attach_range(seg, 0, length, SHMX_ROOM | SHMX_FIXED, &addr), -EEXIST);
    ok(shmx_attach_range(seg, 0, length, SHMX_ROOM | SHMX_FIXED | SHMX_REPLACE | SHMX_POPULATE,
                         &addr));
    ck_assert_ptr_eq(addr, place);
    ok(mincore(addr, 5 * PAGE, there));
    ck_assert_mem_eq(there, "\1\1\1\1\1", 5);
    second = place + 50 * PAGE; /* the room is also taken */
    fails(shmx_attach_range(seg, 0, PAGE, SHMX_FIXED | SHMX_REPLACE, &second), -EBUSY);
    ok(shmx_resize(seg, length));
    place[length - 1] = 'e';
    ok(shmx_detach(seg, addr));
    end(seg);
}
END_TEST

/* Returns whether the mapping of that address is left out of core dumps. */
static bool
is_left_out(const void *addr)
{
    char      line[1024];
    uintptr_t start, stop;
    bool      inside = false, out = false;
    FILE     *f = fopen("/proc/self/smaps", "re");

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &stop) == 2)
            inside = start <= (uintptr_t)addr && (uintptr_t)addr < stop;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            out = strstr(line, " dd") != NULL;
    }
    fclose(f);
    return out;
}

START_TEST(core_dumps)
{
    struct shmx *seg = created(3 * PAGE);
    void        *addr;

    ok(shmx_attach_range(seg, 0, ROOM, SHMX_ROOM, &addr));
    ck_assert(!is_left_out(addr) && !is_left_out((char *)addr + 3 * PAGE - 1));
    ck_assert(is_left_out((char *)addr + 3 * PAGE) && is_left_out((char *)addr + ROOM - 1));
    ok(shmx_detach(seg, addr));
    end(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("room");
    TCase *tc = add_case(suite, "room");

    tcase_add_test(tc, what_grows_is_there);
    tcase_add_test(tc, wishes_that_cannot_be);
    tcase_add_test(tc, no_more_than_without);
    tcase_add_test(tc, nothing_to_populate);
    tcase_add_test(tc, fixed_and_populated);
    tcase_add_test(tc, core_dumps);
    return suite_main(suite);
}
