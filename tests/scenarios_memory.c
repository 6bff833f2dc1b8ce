/* SPDX-License-Identifier: BSD-2-Clause */
/* Attachments come and go: attach, attach_range and detach. */
#include "scenarios.h"

#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART_AT   5000
#define PART_SIZE 9000

/* Beginnings. */

static void
begin_attached_twice(const struct scenario *s)
{
    void *ignored;

    begin_attached(s);
    need("attach", shmx_attach(stage.seg, SHMX_RDONLY, &ignored));
}

static void
begin_attached_read_only(const struct scenario *s)
{
    begin_named(s);
    need("attach", shmx_attach(stage.seg, SHMX_RDONLY, &stage.addr));
}

static void
begin_with_copy(const struct scenario *s)
{
    begin_named(s);
    need("attach", shmx_attach_range(stage.seg, PART_AT, PART_SIZE, SHMX_PRIVATE, &stage.addr));
}

/* The library has copied, so it has a mapping of its own beside the attachment. */
static void
begin_copied(const struct scenario *s)
{
    begin_attached(s);
    need("write", shmx_write(stage.seg, "x", 1, 0));
}

static void
begin_detached(const struct scenario *s)
{
    begin_attached(s);
    need("detach", shmx_detach(stage.seg, stage.addr));
}

static void
begin_sparse(const struct scenario *s)
{
    begin_with_nothing(s);
    need("create", shmx_create(NULL, WALK_SIZE, 0640, s->flags | SHMX_SPARSE, &stage.seg));
    stage.sparse = true;
}

/* There is free room at outputs.addr. So the address is an output that must stay as it is. */
static void
begin_with_room(const struct scenario *s)
{
    begin_named(s);
    outputs.addr = mmap(NULL, 2 * WALK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need("mmap", outputs.addr == MAP_FAILED ? -errno : 0);
    munmap(outputs.addr, 2 * WALK_SIZE);
}

static void
begin_with_room_sparse(const struct scenario *s)
{
    begin_sparse(s);
    outputs.addr = mmap(NULL, 2 * WALK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need("mmap", outputs.addr == MAP_FAILED ? -errno : 0);
    munmap(outputs.addr, 2 * WALK_SIZE);
}

/* A mapping of the program is at outputs.addr. It is to be replaced, or to stay as it is. */
static void
occupy(void)
{
    char *there =
        mmap(NULL, 2 * WALK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need("mmap", there == MAP_FAILED ? -errno : 0);
    memset(there, 'o', 2 * WALK_SIZE);
    outputs.addr = there;
    snapshot_watch(there, 2 * WALK_SIZE);
}

static void
begin_occupied(const struct scenario *s)
{
    begin_named(s);
    occupy();
}

static void
begin_occupied_sparse(const struct scenario *s)
{
    begin_sparse(s);
    occupy();
}

/* The same, but the segment is also attached at another place. */
static void
begin_occupied_attached(const struct scenario *s)
{
    begin_attached(s);
    occupy();
}

/* The mode does not admit an ordinary user any more, who has the segment attached. */
static void
begin_narrowed(const struct scenario *s)
{
    need("become another", seteuid(1) < 0 ? -errno : 0);
    begin_attached(s);
    need("chmod", shmx_chmod(stage.seg, 0));
    stage.mode = 0;
}

/* Calls. */

static int64_t
attach_as(unsigned flags)
{
    return shmx_attach(stage.seg, flags, &outputs.addr);
}

static int64_t
attach_part(unsigned flags)
{
    return shmx_attach_range(stage.seg, PART_AT, PART_SIZE, flags, &outputs.addr);
}

static int64_t
attach(const struct scenario *s)
{
    (void)s;
    return attach_as(0);
}

static int64_t
attach_read_only(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_RDONLY);
}

static int64_t
attach_populated(const struct scenario *s)
{
    (void)s;
    return attach_part(SHMX_POPULATE);
}

static int64_t
attach_populated_read_only(const struct scenario *s)
{
    (void)s;
    return attach_part(SHMX_POPULATE | SHMX_RDONLY);
}

static int64_t
attach_copy(const struct scenario *s)
{
    (void)s;
    return attach_part(SHMX_PRIVATE);
}

static int64_t
attach_copy_read_only(const struct scenario *s)
{
    (void)s;
    return attach_part(SHMX_PRIVATE | SHMX_RDONLY);
}

static int64_t
attach_fixed(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_FIXED);
}

static int64_t
attach_fixed_populated(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_FIXED | SHMX_POPULATE);
}

static int64_t
attach_fixed_part(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(stage.seg, 4096, 4096, SHMX_FIXED, &outputs.addr);
}

static int64_t
attach_replacing(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_FIXED | SHMX_REPLACE);
}

static int64_t
attach_replacing_part(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(stage.seg, 4096, 4096, SHMX_FIXED | SHMX_REPLACE, &outputs.addr);
}

static int64_t
attach_replacing_populated(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_FIXED | SHMX_REPLACE | SHMX_POPULATE);
}

static int64_t
attach_replacing_copy(const struct scenario *s)
{
    (void)s;
    return attach_as(SHMX_FIXED | SHMX_REPLACE | SHMX_PRIVATE);
}

static int64_t
detach(const struct scenario *s)
{
    const int64_t r = shmx_detach(stage.seg, stage.addr);

    (void)s;
    if (r == 0)
        promise(shmx_detach(stage.seg, stage.addr) == -EINVAL, "it is detached once");
    return r;
}

/* Promises. */

static void
check_whole(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, 0 });
}

static void
check_read_only(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, SHMX_RDONLY });
}

static void
check_part(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ PART_AT, PART_SIZE, SHMX_POPULATE });
}

static void
check_part_read_only(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ PART_AT, PART_SIZE, SHMX_POPULATE | SHMX_RDONLY });
}

static void
check_copy(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ PART_AT, PART_SIZE, SHMX_PRIVATE });
}

static void
check_copy_read_only(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ PART_AT, PART_SIZE, SHMX_PRIVATE | SHMX_RDONLY });
}

static void
check_populated(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, SHMX_POPULATE });
}

static void
check_page(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 4096, 4096, 0 });
}

static void
check_whole_copy(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, SHMX_PRIVATE });
}

/* clang-format off */
const struct scenario memory_scenarios[] = {
    BOTH("attach", "shmx_attach", 0, 0, begin_named, attach, check_whole),
    BOTH("attach read-only", "shmx_attach", 0, 0, begin_named, attach_read_only, check_read_only),
    BOTH("attach huge", "shmx_attach", SHMX_HUGE, 0, begin_named, attach, check_whole),
    BOTH("attach again", "shmx_attach", 0, 0, begin_attached, attach, check_whole),
    BOTH("attach ephemeral", "shmx_attach", GONE, 0, begin_named, attach, check_whole),
    BOTH("attach after a detach", "shmx_attach", 0, 0, begin_detached, attach, check_whole),
    BOTH("attach after narrowing", "shmx_attach", 0, USERS, begin_narrowed, attach, check_whole),
    BOTH("attach populated", "shmx_attach_range", 0, 0, begin_named, attach_populated, check_part),
    BOTH("attach populated read-only", "shmx_attach_range", 0, 0, begin_named, attach_populated_read_only, check_part_read_only),
    { "posix attach sparse", "shmx_attach_range", POSIX, PLAIN, begin_sparse, attach_populated, check_part },
    { "posix attach sparse read-only", "shmx_attach_range", POSIX, PLAIN, begin_sparse, attach_populated_read_only, check_part_read_only },
    BOTH("attach copy", "shmx_attach_range", 0, 0, begin_named, attach_copy, check_copy),
    BOTH("attach copy read-only", "shmx_attach_range", 0, 0, begin_copied, attach_copy_read_only, check_copy_read_only),
    BOTH("attach fixed", "shmx_attach", 0, 0, begin_with_room, attach_fixed, check_whole),
    { "posix attach fixed populated", "shmx_attach", POSIX, PLAIN, begin_with_room_sparse, attach_fixed_populated, check_populated },
    { "sysv attach fixed populated", "shmx_attach", SYSV, 0, begin_with_room, attach_fixed_populated, check_populated },
    { "posix attach fixed part", "shmx_attach_range", POSIX, 0, begin_with_room, attach_fixed_part, check_page },
    { "posix attach replacing part", "shmx_attach_range", POSIX, 0, begin_occupied, attach_replacing_part, check_page },
    BOTH("attach replacing", "shmx_attach", 0, 0, begin_occupied, attach_replacing, check_whole),
    BOTH("attach replacing beside another", "shmx_attach", GONE, 0, begin_occupied_attached, attach_replacing, check_whole),
    { "posix attach replacing populated", "shmx_attach", POSIX, PLAIN, begin_occupied_sparse, attach_replacing_populated, check_populated },
    { "sysv attach replacing populated", "shmx_attach", SYSV, 0, begin_occupied, attach_replacing_populated, check_populated },
    BOTH("attach replacing by a copy", "shmx_attach", 0, 0, begin_occupied, attach_replacing_copy, check_whole_copy),

    BOTH("detach", "shmx_detach", 0, 0, begin_attached, detach, NULL),
    BOTH("detach ephemeral", "shmx_detach", GONE, 0, begin_attached, detach, NULL),
    BOTH("detach one of two", "shmx_detach", 0, 0, begin_attached_twice, detach, NULL),
    BOTH("detach after copying", "shmx_detach", 0, 0, begin_copied, detach, NULL),
    BOTH("detach read-only", "shmx_detach", 0, 0, begin_attached_read_only, detach, NULL),
    BOTH("detach copy", "shmx_detach", 0, 0, begin_with_copy, detach, NULL),
    BOTH("detach after narrowing", "shmx_detach", 0, USERS, begin_narrowed, detach, NULL),
    { 0 },
};
