/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments are looked at, changed and ended: stat, list, chmod, chown, destroy, remove and
   close. */
#include "scenarios.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY "sysv:key=0x77616c6b"

static struct shmx_stat seen; /* what shmx_list has shown */
static int              seen_count;

/* Beginnings. */

static void
begin_keyed(const struct scenario *s)
{
    begin_with_nothing(s);
    need("create", shmx_create(KEY, WALK_SIZE, 0640, 0, &stage.seg));
    stage.keyed = true;
}

/* There is a persistent segment that nobody holds, made by another process, and an ephemeral one
   that this process holds. */
static void
begin_elsewhere(const struct scenario *s)
{
    if (s->flags & GONE) {
        begin_named(s);
        return;
    }
    begin_with_nothing(s);
    elsewhere(begin_named, s);
    stage.named = true;
}

static void
begin_kept(const struct scenario *s)
{
    begin_named(s);
    keep_alive();
}

static void
begin_twice(const struct scenario *s)
{
    begin_named(s);
    stage.other_flags = SHMX_RDONLY;
    need("open", shmx_open(WALK_NAME, SHMX_RDONLY, &stage.other));
}

/* The handle does not know the name of the segment. */
static void
begin_unknowing(const struct scenario *s)
{
    struct shmx     *known;
    struct shmx_stat st;
    char             text[32];

    begin_named(s);
    known = stage.seg;
    need("stat", shmx_stat(known, &st));
    snprintf(text, sizeof text, "sysv:id=%d", st.id);
    stage.seg_flags = OPENED_RAW;
    need("open", s->flags & SYSV ? shmx_open(text, 0, &stage.seg)
                                 : shmx_open_fd(shmx_fd(known), 0, &stage.seg));
    shmx_close(known);
}

/* An anonymous segment was named later, so its link is by id. */
static void
begin_published(const struct scenario *s)
{
    begin_anonymous(s);
    need("publish", shmx_publish(stage.seg, WALK_NAME));
    stage.named = true;
}

/* The second in which it was published is over. */
static void
begin_published_before(const struct scenario *s)
{
    struct timespec now, begun;

    begin_published(s);
    clock_gettime(CLOCK_REALTIME, &begun);
    do {
        usleep(1000);
        clock_gettime(CLOCK_REALTIME, &now);
    } while (now.tv_sec == begun.tv_sec || now.tv_nsec < 10000000);
}

static void
begin_anothers(void (*begin)(const struct scenario *s), const struct scenario *s)
{
    need("become another", seteuid(1) < 0 ? -errno : 0);
    begin(s);
    need("become root", seteuid(0) < 0 ? -errno : 0);
}

static void
begin_anothers_named(const struct scenario *s)
{
    begin_anothers(begin_named, s);
}

static void
begin_anothers_published(const struct scenario *s)
{
    begin_anothers(begin_published, s);
}

static void
begin_attached_twice(const struct scenario *s)
{
    void *ignored;

    begin_attached(s);
    need("attach", shmx_attach(stage.seg, SHMX_RDONLY, &ignored));
}

/* The handle has everything that a handle can have. */
static void
begin_in_full_use(const struct scenario *s)
{
    begin_attached_twice(s);
    need("write", shmx_write(stage.seg, "x", 1, 0));
    need("pin", shmx_pin(stage.seg));
}

/* The name of the first handle's segment belongs to another segment by now. */
static void
begin_beside_another(const struct scenario *s)
{
    begin_named(s);
    need("rename", rename("/dev/shm" WALK_NAME, "/dev/shm/aside") < 0 ? -errno : 0);
    elsewhere(begin_named, s);
    stage.named = false;
}

/* Calls. */

static int64_t
destroy(const struct scenario *s)
{
    const int64_t r = shmx_destroy(stage.seg);

    (void)s;
    if (r == 0) {
        stage.named = false;
        stage.destroyed = true;
    }
    return r;
}

/* The name of its segment leads elsewhere, so the call can only leave the other segment alone. */
static int64_t
destroy_nothing(const struct scenario *s)
{
    const int64_t r = shmx_destroy(stage.seg);

    (void)s;
    return r == -ENOENT ? 0 : r;
}

static int64_t
remove_as(const char *name)
{
    const int64_t r = shmx_remove(name);

    if (r == 0) {
        stage.named = stage.keyed = false;
        stage.destroyed = true;
    }
    return r;
}

static int64_t
remove_named(const struct scenario *s)
{
    (void)s;
    return remove_as(WALK_NAME);
}

static int64_t
remove_keyed(const struct scenario *s)
{
    (void)s;
    return remove_as(KEY);
}

static int64_t
remove_id(const struct scenario *s)
{
    (void)s;
    return remove_as(shmx_name(stage.seg));
}

static int64_t
close_handle(const struct scenario *s)
{
    shmx_close(stage.seg);
    stage.seg = NULL;
    if ((s->flags & GONE) && stage.keeper == 0)
        stage.named = false;
    return 0;
}

static int64_t
stat_handle(const struct scenario *s)
{
    (void)s;
    return shmx_stat(stage.seg, &outputs.st);
}

static int64_t
stat_named(const struct scenario *s)
{
    (void)s;
    return shmx_stat_name(WALK_NAME, &outputs.st);
}

static int64_t
stat_keyed(const struct scenario *s)
{
    (void)s;
    return shmx_stat_name(KEY, &outputs.st);
}

static int64_t
name_handle(const struct scenario *s)
{
    (void)s;
    return shmx_name(stage.seg) == NULL ? -EINVAL : 0;
}

static int64_t
change_mode(const struct scenario *s)
{
    const int64_t r = shmx_chmod(stage.seg, 0600);

    (void)s;
    if (r == 0)
        stage.mode = 0600;
    return r;
}

static int64_t
change_owner(const struct scenario *s)
{
    const int64_t r = shmx_chown(stage.seg, 2, (gid_t)-1);

    (void)s;
    if (r == 0)
        stage.uid = 2;
    return r;
}

static int
remember(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)arg;
    seen = *st;
    seen_count++;
    return 0;
}

static int64_t
list(const struct scenario *s)
{
    (void)s;
    seen_count = 0;
    return shmx_list(0, remember, NULL);
}

/* Promises. */

static void
check_room(const struct scenario *s)
{
    struct shmx_stat st;

    (void)s;
    promise(shmx_stat_name(WALK_NAME, &st) == -ENOENT, "nothing leads to it any more");
}

static void
check_destroyed(const struct scenario *s)
{
    check_room(s);
    promise(shmx_destroy(stage.seg) == -ENOENT, "it is destroyed once");
}

/* The memory exists as long as a handle does, and the name belongs to the other segment. */
static void
check_other(const struct scenario *s)
{
    (void)s;
    promise(find_incomplete(false) == NULL, "what has the name now is left alone");
    need("remove", shmx_remove(WALK_NAME));
    need("rename", rename("/dev/shm/aside", "/dev/shm" WALK_NAME) < 0 ? -errno : 0);
    stage.named = true;
}

static void
check_told(const struct scenario *s)
{
    promise(outputs.st.size == WALK_SIZE && outputs.st.mode == 0640, "size and mode are told");
    promise(!(outputs.st.state & SHMX_IS_NAMELESS), "that it has a name or key is told");
    promise(stage.seg == NULL || outputs.st.holders != 0, "that it is held is told");
    promise(s->flags & SYSV ? outputs.st.id >= 0 : outputs.st.ino != 0, "where it is is told");
}

static void
check_listed(const struct scenario *s)
{
    promise(seen_count == 1, "each segment is visited, once");
    outputs.st = seen;
    check_told(s);
}

/* clang-format off */
const struct scenario life_scenarios[] = {
    BOTH("name", "shmx_name", 0, 0, begin_named, name_handle, NULL),
    BOTH("stat", "shmx_stat", 0, 0, begin_twice, stat_handle, check_told),
    BOTH("stat huge", "shmx_stat", SHMX_HUGE, 0, begin_named, stat_handle, check_told),
    BOTH("stat name", "shmx_stat_name", 0, 0, begin_elsewhere, stat_named, check_told),
    BOTH("stat name ephemeral", "shmx_stat_name", GONE, 0, begin_kept, stat_named, check_told),
    { "sysv stat name key", "shmx_stat_name", SYSV, PLAIN | STAYS, begin_keyed, stat_keyed, check_told },
    BOTH("list", "shmx_list", 0, 0, begin_elsewhere, list, check_listed),
    BOTH("list ephemeral", "shmx_list", GONE, 0, begin_kept, list, check_listed),

    BOTH("chmod", "shmx_chmod", 0, 0, begin_named, change_mode, NULL),
    BOTH("chmod ephemeral", "shmx_chmod", GONE, 0, begin_kept, change_mode, NULL),
    { "sysv chmod published", "shmx_chmod", SYSV, 0, begin_published, change_mode, NULL },
    { "sysv chmod another second", "shmx_chmod", SYSV, SLOW, begin_published_before, change_mode, NULL },
    { "sysv chmod another's", "shmx_chmod", SYSV, USERS, begin_anothers_published, change_mode, NULL },
    BOTH("chown", "shmx_chown", 0, USERS, begin_named, change_owner, NULL),
    BOTH("chown ephemeral", "shmx_chown", GONE, USERS, begin_kept, change_owner, NULL),
    BOTH("chown another's", "shmx_chown", 0, USERS, begin_anothers_named, change_owner, NULL),
    { "sysv chown published", "shmx_chown", SYSV, USERS, begin_published, change_owner, NULL },
    { "sysv chown another's published", "shmx_chown", SYSV, USERS, begin_anothers_published, change_owner, NULL },
    { "sysv chown anonymous", "shmx_chown", SYSV, STAYS | USERS, begin_anonymous, change_owner, NULL },

    BOTH("destroy", "shmx_destroy", 0, ENDS, begin_twice, destroy, check_destroyed),
    BOTH("destroy ephemeral", "shmx_destroy", GONE, ENDS, begin_kept, destroy, check_destroyed),
    BOTH("destroy without knowing the name", "shmx_destroy", 0, ENDS, begin_unknowing, destroy, check_destroyed),
    BOTH("destroy ephemeral without knowing the name", "shmx_destroy", GONE, ENDS, begin_unknowing, destroy, check_destroyed),
    { "posix destroy beside another", "shmx_destroy", POSIX, LITTERED, begin_beside_another, destroy_nothing, check_other },
    { "posix destroy anonymous", "shmx_destroy", POSIX, ENDS, begin_anonymous, destroy, check_destroyed },
    { "sysv destroy anonymous", "shmx_destroy", SYSV, STAYS | ENDS, begin_anonymous, destroy, check_destroyed },
    BOTH("remove", "shmx_remove", 0, ENDS, begin_elsewhere, remove_named, check_room),
    BOTH("remove ephemeral", "shmx_remove", GONE, ENDS, begin_kept, remove_named, check_room),
    BOTH("remove dead", "shmx_remove", GONE, TIDIES, begin_dead, remove_named, check_room),
    { "sysv remove key", "shmx_remove", SYSV, PLAIN | STAYS | ENDS, begin_keyed, remove_keyed, check_room },
    { "sysv remove id", "shmx_remove", SYSV, STAYS | ENDS, begin_anonymous, remove_id, check_room },

    BOTH("close", "shmx_close", 0, 0, begin_in_full_use, close_handle, NULL),
    BOTH("close ephemeral", "shmx_close", GONE, ENDS | IN_PART, begin_in_full_use, close_handle, NULL),
    BOTH("close ephemeral that lives on", "shmx_close", GONE, LITTERED, begin_kept, close_handle, NULL),
    BOTH("close ephemeral without knowing the name", "shmx_close", GONE, ENDS | IN_PART, begin_unknowing, close_handle, NULL),
    { 0 },
};
