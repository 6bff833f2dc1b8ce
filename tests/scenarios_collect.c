/* SPDX-License-Identifier: BSD-2-Clause */
/* Collecting removes what is dead, above all after processes that were killed. */
#include "scenarios.h"

#include "snapshot.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_unlink
#define SYS_unlink SYS_unlinkat
#endif

/* Beginnings. */

/* The segment exists, and nobody holds it. */
static void
begin_orphaned(const struct scenario *s)
{
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

/* The system call before which the process is killed. If argument is not negative, the call must
   have it. */
struct end {
    int      call, argument;
    unsigned value;
};

static void
await_end(const struct end *end)
{
    const unsigned     at = end->argument < 0 ? 0 : (unsigned)end->argument;
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
       struct end             end)
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

/* The segment itself must stay. */
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

/* The destroyer is killed before it has destroyed anything. */
static void
begin_after_early_destroyer(const struct scenario *s)
{
    killed(s, begin_named, destroy_then,
           s->flags & SYSV ? (struct end){ SYS_shmctl, 1, IPC_RMID } : before_unlink);
    stage.named = true;
}

/* Calls. */

static int
ignore(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static int64_t
collect(const struct scenario *s)
{
    (void)s;
    return shmx_collect(0, NULL, ignore, NULL);
}

static int64_t
collect_orphans(const struct scenario *s)
{
    const int64_t r = shmx_collect(SHMX_ORPHANS, NULL, ignore, NULL);

    (void)s;
    stage.named = r != 0;
    stage.destroyed = r == 0;
    return r;
}

/* Promises. */

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
check_left_alone(const struct scenario *s)
{
    struct shmx_stat st;

    (void)s;
    promise(shmx_stat_name(WALK_NAME, &st) == 0, "what lives is left alone");
}

/* clang-format off */
const struct scenario collect_scenarios[] = {
    BOTH("collect", "shmx_collect", GONE, TIDIES | IN_PART, begin_dead, collect, check_collected),
    { "sysv collect a stale link", "shmx_collect", SYSV, TIDIES | IN_PART, begin_dead, collect, check_collected },
    BOTH("collect after a creator", "shmx_collect", 0, TIDIES | IN_PART, begin_after_creator, collect, check_collected),
    BOTH("collect after an ephemeral's creator", "shmx_collect", GONE, TIDIES | IN_PART, begin_after_creator, collect, check_collected),
    { "sysv collect after a publisher", "shmx_collect", SYSV, STAYS | LITTERED | IN_PART, begin_after_publisher, collect, check_collected_link },
    { "sysv collect after a destroyer", "shmx_collect", SYSV, TIDIES | IN_PART, begin_after_destroyer, collect, check_collected },
    BOTH("collect after an early destroyer", "shmx_collect", 0, 0, begin_after_early_destroyer, collect, check_left_alone),
    BOTH("collect with nothing to do", "shmx_collect", GONE, 0, begin_kept, collect, NULL),
    BOTH("collect orphans", "shmx_collect", 0, TIDIES | IN_PART, begin_orphaned, collect_orphans, check_collected),
    { 0 },
};
