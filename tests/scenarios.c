/* SPDX-License-Identifier: BSD-2-Clause */
#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "sysv:key=0x77616c6b"

struct outputs outputs;

/* The handles and the attachment that a scenario begins with. */
static struct shmx *seg, *other;
static void        *addr;

static void
need(const char *what, int64_t r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "preparing: %s: %s\n", what, shmx_strerror((int)r));
    _exit(3);
}

static int
initialise(void *start, size_t size, void *arg)
{
    (void)size, (void)arg;
    strcpy((char *)start + WALK_SIZE - sizeof WALK_CONTENTS, WALK_CONTENTS);
    return 0;
}

int
make_complete(unsigned flags, struct shmx **out)
{
    return shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, flags, initialise, NULL, out);
}

const char *
find_incomplete(bool plain)
{
    char         text[sizeof WALK_CONTENTS] = "";
    struct shmx *found;
    const char  *wrong = NULL;
    int          r = shmx_open(WALK_NAME, 0, &found);

    if (r < 0)
        return r == -ENOENT ? NULL : shmx_strerror(r);
    if (shmx_size(found) < WALK_SIZE)
        wrong = "the segment is not full-sized";
    else if (shmx_read(found, text, sizeof text, WALK_SIZE - sizeof text) != sizeof text
             || (!plain && strcmp(text, WALK_CONTENTS) != 0))
        wrong = "the segment is not initialised";
    shmx_close(found);
    return wrong;
}

void
put_away(bool succeeded)
{
    if (outputs.stream != NULL)
        fclose(outputs.stream);
    if (succeeded)
        shmx_close(outputs.seg);
    shmx_close(other);
    shmx_close(seg);
}

/* Beginnings. */

static void
nothing(const struct scenario *s)
{
    (void)s;
}

static void
named(const struct scenario *s)
{
    need("make", make_complete(s->flags, &seg));
}

static void
named_elsewhere(const struct scenario *s)
{
    named(s);
    if (s->flags & SHMX_EPHEMERAL) /* somebody has to hold it */
        return;
    shmx_close(seg);
    seg = NULL;
}

static void
named_and_opened(const struct scenario *s)
{
    named(s);
    need("open", shmx_open(WALK_NAME, SHMX_RDONLY, &other));
}

static void
anonymous(const struct scenario *s)
{
    void *start;

    need("create", shmx_create(NULL, WALK_SIZE, 0640, s->flags, &seg));
    need("attach", shmx_attach(seg, 0, &start));
    initialise(start, WALK_SIZE, NULL);
    shmx_detach(seg, start);
}

static void
keyed(const struct scenario *s)
{
    (void)s;
    need("create", shmx_create(KEY, WALK_SIZE, 0640, 0, &seg));
}

static void
sparse(const struct scenario *s)
{
    need("create", shmx_create(NULL, WALK_SIZE, 0640, s->flags | SHMX_SPARSE, &seg));
}

static void
attached(const struct scenario *s)
{
    named(s);
    need("attach", shmx_attach(seg, 0, &addr));
}

static void
attached_twice(const struct scenario *s)
{
    void *ignored;

    attached(s);
    need("attach", shmx_attach(seg, SHMX_RDONLY, &ignored));
}

static void
attached_specially(const struct scenario *s)
{
    named(s);
    need("attach", shmx_attach(seg, SHMX_RDONLY, &addr));
}

static void
pinned(const struct scenario *s)
{
    named(s);
    need("pin", shmx_pin(seg));
}

/* An entry that leads to nothing, or to what nobody holds. */
static void
stale(const struct scenario *s)
{
    struct shmx *dead;
    char         path[64];
    int          status;
    pid_t        pid;

    if (s->flags & SHMX_SYSV) {
        need("make", make_complete(s->flags, &dead));
        snprintf(path, sizeof path, "ln -s \"$(readlink /dev/shm%s)\" /dev/shm/kept", WALK_NAME);
        need("keep", system(path) == 0 ? 0 : -EIO);
        need("destroy", shmx_destroy(dead));
        shmx_close(dead);
        need("rename", rename("/dev/shm/kept", "/dev/shm" WALK_NAME));
        return;
    }
    pid = fork();
    if (pid == 0) {
        need("make", make_complete(s->flags, &dead));
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0) {
    }
    need("be killed", status == 0 ? 0 : -EIO);
}

static unsigned long
namespace_of(const char *type)
{
    char path[32], text[64] = "";

    snprintf(path, sizeof path, "/proc/self/ns/%s", type);
    need("readlink", readlink(path, text, sizeof text - 1));
    return strtoul(strchr(text, '[') + 1, NULL, 10);
}

/* What somebody left who was killed while making or removing a segment; and a lock. */
static void
abandoned(const struct scenario *s)
{
    char  hidden[64], text[64];
    FILE *f;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    snprintf(hidden, sizeof hidden, "/dev/shm/.shmx-%lu-%ld-0", namespace_of("pid"), (long)pid);
    snprintf(text, sizeof text, "sysv:key=0x1 size=1 ipc=%lu", namespace_of("ipc"));
    if (s->flags & SHMX_SYSV) {
        need("symlink", symlink(text, hidden));
        return;
    }
    need("create", (f = fopen(hidden, "w")) == NULL ? -errno : fclose(f));
    need("create", (f = fopen("/dev/shm/.shmx-lock-0", "w")) == NULL ? -errno : fclose(f));
}

static int
die(void *start, size_t size, void *arg)
{
    (void)start, (void)size, (void)arg;
    raise(SIGKILL);
    return 0;
}

/* The lock of one who was killed when it was its turn to make the segment. */
static void
locked(const struct scenario *s)
{
    struct shmx *never;
    pid_t        pid = fork();

    if (pid == 0)
        shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, s->flags, die, NULL, &never);
    waitpid(pid, NULL, 0);
    need("collect", shmx_collect(SHMX_DRY_RUN, NULL, NULL));
}

static void
anonymous_and_stale(const struct scenario *s)
{
    anonymous(s);
    stale(s);
}

/* At outputs.addr, so that the address is an output that must stay as it is. */
static void
room(const struct scenario *s)
{
    named(s);
    outputs.addr = mmap(NULL, 2 * WALK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need("mmap", outputs.addr == MAP_FAILED ? -errno : 0);
    munmap(outputs.addr, 2 * WALK_SIZE);
}

/* Calls. */

static int64_t
create_anonymous(const struct scenario *s)
{
    return shmx_create(NULL, WALK_SIZE, 0604, s->flags, &outputs.seg);
}

static int64_t
create_named(const struct scenario *s)
{
    return shmx_create(WALK_NAME, WALK_SIZE, 0666, s->flags, &outputs.seg);
}

static int64_t
create_unreadable(const struct scenario *s)
{
    return shmx_create(WALK_NAME, WALK_SIZE, 0040, s->flags, &outputs.seg);
}

static int64_t
create_keyed(const struct scenario *s)
{
    return shmx_create(KEY, WALK_SIZE, 0640, s->flags, &outputs.seg);
}

static int64_t
open_named(const struct scenario *s)
{
    (void)s;
    return shmx_open(WALK_NAME, 0, &outputs.seg);
}

/* Whoever finds a dead one removes it. */
static int64_t
open_dead(const struct scenario *s)
{
    int64_t r = open_named(s);

    return r == -ENOENT ? 0 : r;
}

static int64_t
open_read_only(const struct scenario *s)
{
    (void)s;
    return shmx_open(WALK_NAME, SHMX_RDONLY | SHMX_OWNED, &outputs.seg);
}

static int64_t
open_keyed(const struct scenario *s)
{
    (void)s;
    return shmx_open(KEY, 0, &outputs.seg);
}

static int64_t
open_or_create(const struct scenario *s)
{
    return make_complete(s->flags, &outputs.seg);
}

static int64_t
open_or_create_plain(const struct scenario *s)
{
    return shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, s->flags, NULL, NULL, &outputs.seg);
}

static int64_t
open_descriptor(const struct scenario *s)
{
    (void)s;
    return shmx_open_fd(shmx_fd(seg), 0, &outputs.seg);
}

static int64_t
open_descriptor_narrowly(const struct scenario *s)
{
    (void)s;
    return shmx_open_fd(shmx_fd(seg), SHMX_RDONLY | SHMX_OWNED, &outputs.seg);
}

static int64_t
publish(const struct scenario *s)
{
    (void)s;
    return shmx_publish(seg, WALK_NAME);
}

static int64_t
destroy(const struct scenario *s)
{
    (void)s;
    return shmx_destroy(seg);
}

static int64_t
remove_named(const struct scenario *s)
{
    (void)s;
    return shmx_remove(WALK_NAME);
}

static int64_t
remove_keyed(const struct scenario *s)
{
    (void)s;
    return shmx_remove(KEY);
}

static int64_t
close_handle(const struct scenario *s)
{
    (void)s;
    shmx_close(seg);
    seg = NULL;
    return 0;
}

static int64_t
attach(const struct scenario *s)
{
    (void)s;
    return shmx_attach(seg, 0, &outputs.addr);
}

static int64_t
attach_populated(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(seg, 5000, 9000, SHMX_POPULATE, &outputs.addr);
}

static int64_t
attach_copy(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(seg, 5000, 9000, SHMX_PRIVATE | SHMX_RDONLY, &outputs.addr);
}

static int64_t
attach_undoubled(const struct scenario *s)
{
    (void)s;
    return shmx_attach(seg, SHMX_RDONLY, &outputs.addr);
}

static int64_t
attach_fixed(const struct scenario *s)
{
    (void)s;
    return shmx_attach(seg, SHMX_FIXED, &outputs.addr);
}

static int64_t
attach_fixed_part(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(seg, 4096, 4096, SHMX_FIXED, &outputs.addr);
}

static void
detached(const struct scenario *s)
{
    attached(s);
    need("detach", shmx_detach(seg, addr));
}

static int64_t
attach_replacing_part(const struct scenario *s)
{
    (void)s;
    return shmx_attach_range(seg, 4096, 4096, SHMX_FIXED | SHMX_REPLACE, &outputs.addr);
}

/* Into the room that the pin of a System V handle takes, which must make way. */
static void
detached_there(const struct scenario *s)
{
    detached(s);
    outputs.addr = (char *)addr + 4096;
}

static int64_t
detach(const struct scenario *s)
{
    (void)s;
    return shmx_detach(seg, addr);
}

static int64_t
size(const struct scenario *s)
{
    (void)s;
    return shmx_size(seg);
}

static int64_t
grow(const struct scenario *s)
{
    (void)s;
    return shmx_resize(seg, 3 * (uint64_t)WALK_SIZE);
}

static int64_t
shrink(const struct scenario *s)
{
    (void)s;
    return shmx_resize(seg, WALK_SIZE);
}

static void
grown(const struct scenario *s)
{
    named(s);
    need("grow", grow(s));
}

static int64_t
stat_handle(const struct scenario *s)
{
    (void)s;
    return shmx_stat(seg, &outputs.st);
}

static int64_t
change_mode(const struct scenario *s)
{
    (void)s;
    return shmx_chmod(seg, 0600);
}

static int64_t
change_owner(const struct scenario *s)
{
    (void)s;
    return shmx_chown(seg, 1, (gid_t)-1);
}

static int64_t
pin(const struct scenario *s)
{
    (void)s;
    return shmx_pin(seg);
}

static int64_t
unpin(const struct scenario *s)
{
    (void)s;
    return shmx_unpin(seg);
}

static int64_t
name_handle(const struct scenario *s)
{
    (void)s;
    return shmx_name(seg) == NULL ? -EINVAL : 0;
}

static int64_t
read_handle(const struct scenario *s)
{
    (void)s;
    return shmx_read(seg, outputs.buf, sizeof outputs.buf, 100);
}

static int64_t
write_handle(const struct scenario *s)
{
    (void)s;
    return shmx_write(seg, "x", 1, 100);
}

/* With no attachment that could be written through. */
static void
attached_read_only(const struct scenario *s)
{
    named(s);
    need("attach", shmx_attach(seg, SHMX_RDONLY, &addr));
}

static void
streamed(const struct scenario *s)
{
    named(s);
    outputs.stream = shmx_stream(seg, "r+");
    need("stream", outputs.stream == NULL ? -errno : 0);
    need("seek", fseeko(outputs.stream, 0, SEEK_END) == 0 ? 0 : -errno);
    need("seek", fseeko(outputs.stream, 0, SEEK_SET) == 0 ? 0 : -errno);
}

static int64_t
get_from_stream(const struct scenario *s)
{
    (void)s;
    return fgetc(outputs.stream) == EOF ? -errno : 0;
}

static int64_t
put_to_stream(const struct scenario *s)
{
    (void)s;
    return fputc('x', outputs.stream) == EOF || fflush(outputs.stream) == EOF ? -errno : 0;
}

static int64_t
stream(const struct scenario *s)
{
    (void)s;
    outputs.stream = shmx_stream(seg, "r+");
    return outputs.stream == NULL ? -errno : 0;
}

static int
ignore(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static int64_t
list(const struct scenario *s)
{
    (void)s;
    return shmx_list(0, ignore, NULL);
}

static int64_t
collect(const struct scenario *s)
{
    (void)s;
    return shmx_collect(0, ignore, NULL);
}

static int64_t
collect_orphans(const struct scenario *s)
{
    (void)s;
    return shmx_collect(SHMX_ORPHANS, ignore, NULL);
}

bool
may_lose_names(const struct scenario *s)
{
    return s->prepare == locked || s->prepare == stale || s->prepare == anonymous_and_stale
           || s->prepare == abandoned || s->call == collect_orphans;
}

/* clang-format off */
#define POSIX SHMX_POSIX
#define SYSV  SHMX_SYSV
#define GONE  SHMX_EPHEMERAL
#define BOTH(name, function, flags, plain, stays, prepare, call) \
    { "posix " name, function, POSIX | (flags), plain, stays, prepare, call }, \
    { "sysv " name, function, SYSV | (flags), plain, stays, prepare, call }

const struct scenario scenarios[] = {
    { "posix create", "shmx_create", POSIX, true, false, nothing, create_anonymous },
    { "sysv create", "shmx_create", SYSV, true, true, nothing, create_anonymous },
    { "sysv create key", "shmx_create", SYSV, true, true, nothing, create_keyed },
    BOTH("create ephemeral", "shmx_create", GONE, true, false, nothing, create_anonymous),
    BOTH("create named", "shmx_create", 0, true, false, nothing, create_named),
    BOTH("create named ephemeral", "shmx_create", GONE, true, false, nothing, create_named),
    BOTH("create sparse", "shmx_create", SHMX_SPARSE, true, false, nothing, create_named),
    BOTH("create huge", "shmx_create", SHMX_HUGE, true, false, nothing, create_named),
    BOTH("create unreadable", "shmx_create", 0, true, false, nothing, create_unreadable),
    BOTH("create where a dead one is", "shmx_create", GONE, true, false, stale, create_named),

    BOTH("open", "shmx_open", 0, false, false, named, open_named),
    BOTH("open read-only", "shmx_open", 0, false, false, named, open_read_only),
    BOTH("open ephemeral", "shmx_open", GONE, false, false, named, open_named),
    BOTH("open dead", "shmx_open", GONE, false, false, stale, open_dead),
    { "sysv open key", "shmx_open", SYSV, true, true, keyed, open_keyed },

    BOTH("open or create new", "shmx_open_or_create", 0, false, false, nothing, open_or_create),
    BOTH("open or create ephemeral", "shmx_open_or_create", GONE, false, false, nothing, open_or_create),
    BOTH("open or create after a killed one", "shmx_open_or_create", GONE, false, false, locked, open_or_create),
    BOTH("open or create plain", "shmx_open_or_create", 0, true, false, nothing, open_or_create_plain),
    BOTH("open or create old", "shmx_open_or_create", 0, false, false, named, open_or_create),

    { "posix open fd", "shmx_open_fd", POSIX, false, false, named, open_descriptor },
    { "posix open fd anonymous", "shmx_open_fd", POSIX, false, false, anonymous, open_descriptor },
    { "posix open fd read-only", "shmx_open_fd", POSIX, false, false, named, open_descriptor_narrowly },

    { "posix publish", "shmx_publish", POSIX, false, false, anonymous, publish },
    { "sysv publish", "shmx_publish", SYSV, false, true, anonymous, publish },
    BOTH("publish ephemeral", "shmx_publish", GONE, false, false, anonymous, publish),
    BOTH("publish where a dead one is", "shmx_publish", GONE, false, false, anonymous_and_stale, publish),

    BOTH("destroy", "shmx_destroy", 0, false, false, named, destroy),
    BOTH("destroy ephemeral", "shmx_destroy", GONE, false, false, named, destroy),
    { "posix destroy anonymous", "shmx_destroy", POSIX, false, false, anonymous, destroy },
    { "sysv destroy anonymous", "shmx_destroy", SYSV, false, true, anonymous, destroy },
    BOTH("remove", "shmx_remove", 0, false, false, named_elsewhere, remove_named),
    BOTH("remove ephemeral", "shmx_remove", GONE, false, false, named, remove_named),
    BOTH("remove dead", "shmx_remove", GONE, false, false, stale, remove_named),
    { "sysv remove key", "shmx_remove", SYSV, true, true, keyed, remove_keyed },
    BOTH("close", "shmx_close", 0, false, false, attached_twice, close_handle),
    BOTH("close ephemeral", "shmx_close", GONE, false, false, attached, close_handle),
    BOTH("close pinned", "shmx_close", 0, false, false, pinned, close_handle),

    BOTH("attach", "shmx_attach", 0, false, false, named, attach),
    BOTH("attach huge", "shmx_attach", SHMX_HUGE, false, false, named, attach),
    BOTH("attach again", "shmx_attach", 0, false, false, attached, attach),
    BOTH("attach parked", "shmx_attach", 0, false, false, detached, attach),
    BOTH("attach populated", "shmx_attach_range", 0, false, false, named, attach_populated),
    { "posix attach sparse", "shmx_attach_range", POSIX, false, false, sparse, attach_populated },
    BOTH("attach copy", "shmx_attach_range", 0, false, false, named, attach_copy),
    BOTH("attach don't fork", "shmx_attach", 0, false, false, named, attach_undoubled),
    BOTH("attach fixed", "shmx_attach", 0, false, false, room, attach_fixed),
    BOTH("attach fixed part", "shmx_attach_range", 0, false, false, room, attach_fixed_part),
    BOTH("attach replacing part", "shmx_attach_range", 0, false, false, room, attach_replacing_part),
    { "sysv attach in the way", "shmx_attach_range", SYSV, false, false, detached_there, attach_fixed_part },
    BOTH("detach", "shmx_detach", 0, false, false, attached, detach),
    BOTH("detach one of two", "shmx_detach", 0, false, false, attached_twice, detach),
    BOTH("detach special", "shmx_detach", 0, false, false, attached_specially, detach),

    BOTH("size", "shmx_size", 0, false, false, named, size),
    { "posix grow", "shmx_resize", POSIX, false, false, named, grow },
    { "posix grow pinned", "shmx_resize", POSIX, false, false, pinned, grow },
    { "posix shrink", "shmx_resize", POSIX, false, false, grown, shrink },
    BOTH("stat", "shmx_stat", 0, false, false, named_and_opened, stat_handle),
    BOTH("stat huge", "shmx_stat", SHMX_HUGE, false, false, named, stat_handle),
    BOTH("chmod", "shmx_chmod", 0, false, false, named, change_mode),
    BOTH("chown", "shmx_chown", 0, false, false, named, change_owner),
    BOTH("pin", "shmx_pin", 0, false, false, named, pin),
    BOTH("pin again", "shmx_pin", 0, false, false, pinned, pin),
    BOTH("unpin", "shmx_unpin", 0, false, false, pinned, unpin),
    BOTH("name", "shmx_name", 0, false, false, named, name_handle),
    BOTH("read", "shmx_read", 0, false, false, named, read_handle),
    BOTH("read parked", "shmx_read", 0, false, false, detached, read_handle),
    BOTH("write", "shmx_write", 0, false, false, named, write_handle),
    BOTH("write beside", "shmx_write", 0, false, false, attached_read_only, write_handle),
    BOTH("stream", "shmx_stream", 0, false, false, named, stream),
    BOTH("stream read", "shmx_read", 0, false, false, streamed, get_from_stream),
    BOTH("stream write", "shmx_write", 0, false, false, streamed, put_to_stream),
    BOTH("list", "shmx_list", 0, false, false, named, list),
    BOTH("collect", "shmx_collect", GONE, false, false, stale, collect),
    BOTH("collect what is abandoned", "shmx_collect", 0, false, false, abandoned, collect),
    BOTH("collect orphans", "shmx_collect", 0, false, false, named_elsewhere, collect_orphans),
    { 0 },
};
