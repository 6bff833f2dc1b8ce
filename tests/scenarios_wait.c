/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting, waking, opening what comes later, sealed segments, and room to grow. */
#include "scenarios.h"

#include <errno.h>
#include <limits.h>

static const struct timespec at_once, a_while = { .tv_nsec = 1000000 };

/* Beginnings. */

static void
begin_sealed(const struct scenario *s)
{
    begin_with_nothing(s);
    need("create", shmx_create(NULL, WALK_SIZE, 0640, s->flags | SHMX_SEALED, &stage.seg));
}

/* Calls. The expected results are that the time is over, or that nobody else is there. */

static int64_t
wait_as(unsigned flags, int wanted)
{
    const int64_t r = shmx_wait(stage.seg, stage.addr, 0, flags, &at_once);

    return r == wanted ? 0 : r;
}

static int64_t
wait_for_word(const struct scenario *s)
{
    (void)s;
    return wait_as(0, -ETIMEDOUT);
}

static int64_t
wait_for_peers(const struct scenario *s)
{
    (void)s;
    return wait_as(SHMX_PEERS, -EPIPE);
}

static int64_t
wake(const struct scenario *s)
{
    (void)s;
    return shmx_wake(stage.seg, stage.addr, INT_MAX);
}

static int64_t
open_wait(const struct scenario *s)
{
    (void)s;
    return shmx_open_wait(WALK_NAME, 0, &at_once, &outputs.seg);
}

static int64_t
open_wait_in_vain(const struct scenario *s)
{
    const int64_t r = shmx_open_wait(WALK_NAME, 0, &a_while, &outputs.seg);

    (void)s;
    return r == -ETIMEDOUT ? 0 : r;
}

static int64_t
create_sealed(const struct scenario *s)
{
    return shmx_create(NULL, WALK_SIZE, 0640, s->flags | SHMX_SEALED, &outputs.seg);
}

static int64_t
open_sealed(const struct scenario *s)
{
    (void)s;
    return shmx_open_fd(shmx_fd(stage.seg), SHMX_SEALED, &outputs.seg);
}

static int64_t
attach_with_room(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(stage.seg, 0, 10 * (size_t)WALK_SIZE, SHMX_ROOM | SHMX_POPULATE,
                             &outputs.addr);
}

/* Promises. */

static void
check_sealed(const struct scenario *s)
{
    (void)s;
    promise(shmx_resize(outputs.seg, 1) == -EPERM, "it cannot shrink");
    promise(shmx_resize(outputs.seg, 2 * WALK_SIZE) == -EPERM, "it cannot grow");
}

static void
check_room(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, SHMX_POPULATE });
}

static void
check_complete(const struct scenario *s)
{
    (void)s;
    promise(find_incomplete(false) == NULL, "it is complete");
}

/* clang-format off */
const struct scenario wait_scenarios[] = {
    BOTH("wait", "shmx_wait", 0, 0, begin_attached, wait_for_word, NULL),
    BOTH("wait for peers", "shmx_wait", 0, 0, begin_attached, wait_for_peers, NULL),
    BOTH("wait for peers ephemeral", "shmx_wait", GONE, 0, begin_attached, wait_for_peers, NULL),
    BOTH("wake", "shmx_wake", 0, 0, begin_attached, wake, NULL),
    BOTH("open wait", "shmx_open_wait", 0, 0, begin_named, open_wait, check_complete),
    { "open wait in vain", "shmx_open_wait", POSIX, PLAIN | SLOW, begin_with_nothing, open_wait_in_vain, NULL },
    { "create sealed", "shmx_create", POSIX, PLAIN, begin_with_nothing, create_sealed, check_sealed },
    { "open sealed", "shmx_open_fd", POSIX, PLAIN, begin_sealed, open_sealed, check_sealed },
    { "attach with room", "shmx_attach_range", POSIX, 0, begin_named, attach_with_room, check_room },
    { 0 },
};
