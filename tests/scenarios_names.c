/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments come into being: create, open, open_or_create, open_fd and publish. */
#include "scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "sysv:key=0x77616c6b"

/* Beginnings. */

static void
begin_keyed(const struct scenario *s)
{
    begin_with_nothing(s);
    need("create", shmx_create(KEY, WALK_SIZE, 0640, 0, &stage.seg));
    stage.keyed = true;
}

/* Another process has made it, so this process has not done anything yet. */
static void
begin_cold(const struct scenario *s)
{
    begin_with_nothing(s);
    elsewhere(begin_named, s);
    stage.named = true;
}

static void
begin_dead_other(const struct scenario *s)
{
    struct scenario other = *s;

    other.flags ^= POSIX | SYSV;
    begin_dead(&other);
    begin_with_nothing(s);
}

/* An anonymous segment is to get the name of a dead one. */
static void
begin_anonymous_and_dead(const struct scenario *s)
{
    begin_dead(s);
    begin_anonymous(s);
}

/* Of two handles, the one that has not made the segment is to name it. If a System V segment has no
   name, such a handle cannot know whether the segment is ephemeral or destroyed. */
static void
begin_anonymous_twice(const struct scenario *s)
{
    struct shmx *maker;

    begin_anonymous(s);
    stage.other_flags = OPENED_RAW;
    if (s->flags & SYSV)
        need("open", shmx_open(shmx_name(stage.seg), 0, &stage.other));
    else
        need("open", shmx_open_fd(shmx_fd(stage.seg), 0, &stage.other));
    if ((s->flags & (SYSV | GONE)) == (SYSV | GONE))
        return;
    maker = stage.seg;
    stage.seg = stage.other;
    stage.other = maker;
}

static int
die(void *start, size_t size, void *arg)
{
    (void)start, (void)size, (void)arg;
    raise(SIGKILL);
    return 0;
}

/* The lock belongs to a process that was killed when it was its turn to make the segment. */
static void
begin_locked(const struct scenario *s)
{
    struct shmx *never;
    pid_t        pid = fork();

    if (pid == 0)
        shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, s->flags, die, NULL, &never);
    waitpid(pid, NULL, 0);
    begin_with_nothing(s);
    stage.mode = 0640;
}

static void
begin_memfd(const struct scenario *s)
{
    const int fd = memfd_create("walk", MFD_CLOEXEC);

    begin_with_nothing(s);
    stage.sparse = true;
    need("size", ftruncate(fd, WALK_SIZE));
    need("open", shmx_open_fd(fd, 0, &stage.seg));
    close(fd);
    stage.mode = 0777;
}

static int appending; /* a descriptor */

static void
begin_appending(const struct scenario *s)
{
    begin_named(s);
    appending = open("/dev/shm" WALK_NAME, O_RDWR | O_APPEND | O_CLOEXEC);
    need("append", appending < 0 ? -errno : 0);
}

/* Calls. */

static int64_t
create(const struct scenario *s, const char *name, mode_t mode)
{
    stage.mode = mode;
    stage.named = name != NULL && *name == '/';
    stage.keyed = name != NULL && *name != '/';
    return shmx_create(name, WALK_SIZE, mode, s->flags, &outputs.seg);
}

static int64_t
create_anonymous(const struct scenario *s)
{
    return create(s, NULL, 0604);
}

static int64_t
create_named(const struct scenario *s)
{
    return create(s, WALK_NAME, 0666);
}

static int64_t
create_unreadable(const struct scenario *s)
{
    return create(s, WALK_NAME, 0040);
}

static int64_t
create_keyed(const struct scenario *s)
{
    return create(s, KEY, 0640);
}

static int64_t
open_as(const char *name, unsigned flags)
{
    stage.out_flags = flags;
    return shmx_open(name, flags, &outputs.seg);
}

static int64_t
open_named(const struct scenario *s)
{
    (void)s;
    return open_as(WALK_NAME, 0);
}

/* Whoever finds a dead segment may remove it. */
static int64_t
open_dead(const struct scenario *s)
{
    const int64_t r = open_named(s);

    return r == -ENOENT ? 0 : r;
}

static int64_t
open_read_only(const struct scenario *s)
{
    (void)s;
    return open_as(WALK_NAME, SHMX_RDONLY | SHMX_OWNED);
}

static int64_t
open_keyed(const struct scenario *s)
{
    (void)s;
    return open_as(KEY, 0);
}

static int64_t
open_id(const struct scenario *s)
{
    (void)s;
    return open_as(shmx_name(stage.seg), 0);
}

static int64_t
open_or_create(const struct scenario *s)
{
    stage.named = true;
    return make_complete(s->flags, &outputs.seg);
}

static int64_t
open_or_create_plain(const struct scenario *s)
{
    stage.named = true;
    return shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, s->flags, NULL, NULL, &outputs.seg);
}

static int64_t
open_descriptor(const struct scenario *s)
{
    (void)s;
    return shmx_open_fd(shmx_fd(stage.seg), 0, &outputs.seg);
}

/* A descriptor that appends writes at the end, whatever the offset is. */
static int64_t
open_appending(const struct scenario *s)
{
    (void)s;
    return shmx_open_fd(appending, 0, &outputs.seg);
}

static int64_t
open_descriptor_narrowly(const struct scenario *s)
{
    (void)s;
    stage.out_flags = SHMX_RDONLY | SHMX_OWNED;
    return shmx_open_fd(shmx_fd(stage.seg), stage.out_flags, &outputs.seg);
}

static int64_t
publish(const struct scenario *s)
{
    const int64_t r = shmx_publish(stage.seg, WALK_NAME);

    (void)s;
    stage.named = r == 0;
    if (r == 0)
        stage.keyed = false; /* its key only serves its name now */
    return r;
}

/* Promises. */

static void
close_appending(const struct scenario *s)
{
    (void)s;
    close(appending);
}

static void
knows_its_name(struct shmx *h, const struct scenario *s)
{
    const char *name = shmx_name(h);

    promise(name != NULL
                && strcmp(name, s->flags & SYSV ? "sysv:" WALK_NAME : "posix:" WALK_NAME) == 0,
            "the handle knows its name");
}

static void
check_new(const struct scenario *s)
{
    char text[WALK_SIZE], zero[WALK_SIZE] = "";

    if (stage.named)
        knows_its_name(outputs.seg, s);
    promise(shmx_read(outputs.seg, text, sizeof text, 0) == sizeof text, "it can be read");
    if (!(s->traits & PLAIN))
        initialise(zero);
    promise(memcmp(text, zero, sizeof text) == 0, "it is zero, or initialised");
    if (stage.named)
        promise(shmx_publish(outputs.seg, "/another") == -EINVAL, "it has one name");
}

static void
check_opened(const struct scenario *s)
{
    if (outputs.seg != NULL && stage.named && strcmp(s->function, "shmx_open_fd") != 0)
        knows_its_name(outputs.seg, s);
}

/* Checks that there is nothing any more, and room for a new segment. */
static void
check_vacated(const struct scenario *s)
{
    struct shmx_stat st;

    (void)s;
    promise(shmx_stat_name(WALK_NAME, &st) == -ENOENT, "a dead one leads nowhere");
}

static void
check_published(const struct scenario *s)
{
    knows_its_name(stage.seg, s);
    promise(shmx_publish(stage.seg, "/another") == -EINVAL, "it has one name");
    if (stage.other != NULL)
        promise(shmx_publish(stage.other, "/another") == -EINVAL,
                "it has one name, through whichever handle");
}

/* clang-format off */
const struct scenario name_scenarios[] = {
    { "posix create", "shmx_create", POSIX, PLAIN, begin_with_nothing, create_anonymous, check_new },
    { "sysv create", "shmx_create", SYSV, PLAIN | STAYS, begin_with_nothing, create_anonymous, check_new },
    { "sysv create key", "shmx_create", SYSV, PLAIN | STAYS, begin_with_nothing, create_keyed, check_new },
    BOTH("create ephemeral", "shmx_create", GONE, PLAIN, begin_with_nothing, create_anonymous, check_new),
    BOTH("create named", "shmx_create", 0, PLAIN, begin_with_nothing, create_named, check_new),
    BOTH("create named ephemeral", "shmx_create", GONE, PLAIN, begin_with_nothing, create_named, check_new),
    BOTH("create sparse", "shmx_create", SHMX_SPARSE, PLAIN, begin_with_nothing, create_named, check_new),
    BOTH("create huge", "shmx_create", SHMX_HUGE, PLAIN, begin_with_nothing, create_named, check_new),
    BOTH("create unreadable", "shmx_create", 0, PLAIN, begin_with_nothing, create_unreadable, check_new),
    BOTH("create where a dead one is", "shmx_create", GONE, PLAIN | TIDIES, begin_dead, create_named, check_new),
    BOTH("create where a dead one of the other kind is", "shmx_create", GONE, PLAIN | TIDIES, begin_dead_other, create_named, check_new),

    BOTH("open", "shmx_open", 0, 0, begin_cold, open_named, check_opened),
    BOTH("open again", "shmx_open", 0, 0, begin_attached, open_named, check_opened),
    BOTH("open read-only", "shmx_open", 0, 0, begin_cold, open_read_only, check_opened),
    BOTH("open ephemeral", "shmx_open", GONE, 0, begin_named, open_named, check_opened),
    { "posix open dead", "shmx_open", POSIX | GONE, TIDIES | PLAIN | IN_PART, begin_dead, open_dead, check_vacated },
    { "sysv open dead", "shmx_open", SYSV | GONE, LITTERED | PLAIN, begin_dead, open_dead, check_vacated },
    { "sysv open key", "shmx_open", SYSV, PLAIN | STAYS, begin_keyed, open_keyed, NULL },
    { "sysv open id", "shmx_open", SYSV, STAYS, begin_anonymous, open_id, NULL },

    BOTH("open or create new", "shmx_open_or_create", 0, 0, begin_with_nothing, open_or_create, check_new),
    BOTH("open or create ephemeral", "shmx_open_or_create", GONE, 0, begin_with_nothing, open_or_create, check_new),
    BOTH("open or create after a killed one", "shmx_open_or_create", GONE, TIDIES | LITTERED, begin_locked, open_or_create, check_new),
    BOTH("open or create where a dead one is", "shmx_open_or_create", GONE, TIDIES, begin_dead, open_or_create, check_new),
    BOTH("open or create plain", "shmx_open_or_create", 0, PLAIN, begin_with_nothing, open_or_create_plain, check_new),
    BOTH("open or create old", "shmx_open_or_create", 0, 0, begin_cold, open_or_create, check_opened),

    { "posix open fd", "shmx_open_fd", POSIX, 0, begin_named, open_descriptor, NULL },
    { "posix open fd anonymous", "shmx_open_fd", POSIX, 0, begin_anonymous, open_descriptor, NULL },
    { "posix open fd ephemeral", "shmx_open_fd", POSIX | GONE, 0, begin_named, open_descriptor, NULL },
    { "posix open fd read-only", "shmx_open_fd", POSIX, 0, begin_named, open_descriptor_narrowly, NULL },
    { "posix open fd that appends", "shmx_open_fd", POSIX, 0, begin_appending, open_appending, close_appending },
    { "posix open fd of a memfd", "shmx_open_fd", POSIX, PLAIN, begin_memfd, open_descriptor, NULL },

    { "posix publish", "shmx_publish", POSIX, 0, begin_anonymous, publish, check_published },
    { "sysv publish", "shmx_publish", SYSV, STAYS, begin_anonymous, publish, check_published },
    BOTH("publish ephemeral", "shmx_publish", GONE, 0, begin_anonymous, publish, check_published),
    { "sysv publish a key", "shmx_publish", SYSV, PLAIN | STAYS, begin_keyed, publish, check_published },
    { "posix publish through a second handle", "shmx_publish", POSIX, 0, begin_anonymous_twice, publish, check_published },
    { "sysv publish through a second handle", "shmx_publish", SYSV, STAYS, begin_anonymous_twice, publish, check_published },
    BOTH("publish ephemeral through a second handle", "shmx_publish", GONE, 0, begin_anonymous_twice, publish, check_published),
    BOTH("publish where a dead one is", "shmx_publish", GONE, TIDIES, begin_anonymous_and_dead, publish, check_published),
    { 0 },
};
