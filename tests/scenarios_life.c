/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments are looked at, changed and ended: stat, list, chmod, chown, destroy, remove, close,
   collect. */
#include "scenarios.h"

#include "snapshot.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "sysv:key=0x77616c6b"

#ifndef SYS_unlink
#define SYS_unlink SYS_unlinkat
#endif

static struct shmx_stat seen; /* what list and collect have shown */
static int              seen_count;

/* Beginnings. */

static void
begin_keyed(const struct scenario *s)
{
    begin_with_nothing(s);
    need("create", shmx_create(KEY, WALK_SIZE, 0640, 0, &stage.seg));
    stage.keyed = true;
}

/* A persistent one that nobody holds, and a cold start; an ephemeral one that this process holds. */
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

/* A handle that has no idea of the segment's name. */
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

/* An anonymous one, named later: its link is by id. */
static void
begin_published(const struct scenario *s)
{
    begin_anonymous(s);
    need("publish", shmx_publish(stage.seg, WALK_NAME));
    stage.named = true;
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

/* With everything that a handle can have. */
static void
begin_in_full_use(const struct scenario *s)
{
    begin_attached_twice(s);
    need("write", shmx_write(stage.seg, "x", 1, 0));
    need("pin", shmx_pin(stage.seg));
}

/* The name of the first handle's segment is another one's by now. */
static void
begin_beside_another(const struct scenario *s)
{
    begin_named(s);
    need("rename", rename("/dev/shm" WALK_NAME, "/dev/shm/aside") < 0 ? -errno : 0);
    elsewhere(begin_named, s);
}

/* What a process left that was killed. */

/* The system call before which it is killed: with that argument, if argument is not negative. */
struct end {
    int      call, argument;
    unsigned value;
};

static void
await_end(const struct end *end)
{
    const unsigned at = end->argument < 0 ? 0 : (unsigned)end->argument;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)end->call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args) + at * 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, end->value, 0, end->argument < 0 ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

    need("filter", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    need("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void
killed(const struct scenario *s, void (*begin)(const struct scenario *s), int64_t (*body)(void),
       struct end end)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        begin(s);
        await_end(&end);
        body();
        _exit(0);
    }
    need("wait", waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 0 : -EIO);
    begin_with_nothing(s);
}

static unsigned killed_flags;

static int64_t
create_then(void)
{
    return make_complete(killed_flags, &stage.other);
}

static int64_t
publish_then(void)
{
    return shmx_publish(stage.seg, WALK_NAME);
}

static int64_t
destroy_then(void)
{
    return shmx_destroy(stage.seg);
}

static const struct end before_rename = { SYS_renameat2, -1, 0 };
static const struct end before_unlink = { SYS_unlink, -1, 0 };

static void
begin_after_creator(const struct scenario *s)
{
    killed_flags = s->flags;
    killed(s, begin_with_nothing, create_then,
           s->flags & SYSV ? before_rename : (struct end){ SYS_linkat, -1, 0 });
}

/* The segment itself is to stay. */
static void
begin_after_publisher(const struct scenario *s)
{
    killed(s, begin_anonymous, publish_then, before_rename);
}

static void
begin_after_destroyer(const struct scenario *s)
{
    killed(s, begin_named, destroy_then, before_unlink);
}

/* The name is gone, the segment is not yet. */
static void
begin_after_early_destroyer(const struct scenario *s)
{
    killed(s, begin_named, destroy_then, (struct end){ SYS_shmctl, 1, IPC_RMID });
}

/* Another segment's entry was taken away by mistake, and was to be put back. */
static void
begin_after_mistaken_destroyer(const struct scenario *s)
{
    char  hidden[64], space[64] = "";
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    need("readlink", readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0 ? -errno : 0);
    elsewhere(begin_named, s);
    snprintf(hidden, sizeof hidden, "/dev/shm/.shmx-%lu-%ld-0-w1-%s",
             strtoul(strchr(space, '[') + 1, NULL, 10), (long)pid, &WALK_NAME[1]);
    need("rename", rename("/dev/shm" WALK_NAME, hidden) < 0 ? -errno : 0);
    begin_with_nothing(s);
    stage.named = true;
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

/* Its own name is elsewhere: all it can do is to leave the other alone. */
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
        stage.named = false;
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
    (void)s;
    shmx_close(stage.seg);
    stage.seg = NULL;
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

static int64_t
collect(const struct scenario *s)
{
    (void)s;
    seen_count = 0;
    return shmx_collect(0, remember, NULL);
}

static int64_t
collect_orphans(const struct scenario *s)
{
    const int64_t r = shmx_collect(SHMX_ORPHANS, remember, NULL);

    (void)s;
    stage.named = r != 0;
    stage.destroyed = r == 0;
    return r;
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

/* The memory is there as long as a handle is, and the other one's name is its own. */
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

static void
check_collected(const struct scenario *s)
{
    char world[SNAPSHOT_MAX];

    (void)s;
    snapshot(world, SNAPSHOT_NAMES | SNAPSHOT_SEGMENTS);
    promise(*world == '\0', "what is dead is removed");
}

static void
check_collected_link(const struct scenario *s)
{
    char world[SNAPSHOT_MAX];

    (void)s;
    snapshot(world, SNAPSHOT_NAMES);
    promise(*world == '\0', "what is dead is removed");
}

static void
check_put_back(const struct scenario *s)
{
    (void)s;
    promise(find_incomplete(false) == NULL, "what was taken by mistake is put back");
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
    { "sysv chmod another's", "shmx_chmod", SYSV, 0, begin_anothers_published, change_mode, NULL },
    BOTH("chown", "shmx_chown", 0, 0, begin_named, change_owner, NULL),
    BOTH("chown ephemeral", "shmx_chown", GONE, 0, begin_kept, change_owner, NULL),
    BOTH("chown another's", "shmx_chown", 0, 0, begin_anothers_named, change_owner, NULL),
    { "sysv chown published", "shmx_chown", SYSV, 0, begin_published, change_owner, NULL },
    { "sysv chown another's published", "shmx_chown", SYSV, 0, begin_anothers_published, change_owner, NULL },
    { "sysv chown anonymous", "shmx_chown", SYSV, STAYS, begin_anonymous, change_owner, NULL },

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
    BOTH("close ephemeral", "shmx_close", GONE, ENDS, begin_in_full_use, close_handle, NULL),
    BOTH("close ephemeral that lives on", "shmx_close", GONE, 0, begin_kept, close_handle, NULL),
    BOTH("close ephemeral without knowing the name", "shmx_close", GONE, ENDS, begin_unknowing, close_handle, NULL),

    BOTH("collect", "shmx_collect", GONE, TIDIES, begin_dead, collect, check_collected),
    { "sysv collect a stale link", "shmx_collect", SYSV, TIDIES, begin_dead, collect, check_collected },
    BOTH("collect after a creator", "shmx_collect", 0, TIDIES, begin_after_creator, collect, check_collected),
    BOTH("collect after an ephemeral's creator", "shmx_collect", GONE, TIDIES, begin_after_creator, collect, check_collected),
    { "sysv collect after a publisher", "shmx_collect", SYSV, STAYS | LITTERED, begin_after_publisher, collect, check_collected_link },
    BOTH("collect after a destroyer", "shmx_collect", 0, TIDIES, begin_after_destroyer, collect, check_collected),
    { "sysv collect after an early destroyer", "shmx_collect", SYSV, TIDIES, begin_after_early_destroyer, collect, check_collected },
    BOTH("collect after a mistaken destroyer", "shmx_collect", 0, LITTERED, begin_after_mistaken_destroyer, collect, check_put_back),
    BOTH("collect with nothing to do", "shmx_collect", GONE, 0, begin_kept, collect, NULL),
    BOTH("collect orphans", "shmx_collect", 0, TIDIES, begin_elsewhere, collect_orphans, check_collected),
    { 0 },
};
