/* SPDX-License-Identifier: BSD-2-Clause */
/* Regressions: links to segments whose id, key, pid or namespace number has been given out
   again. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

/* For a child of fork, where a failed assertion of Check would be lost. */
#define must(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))

static void
give_up(const char *condition, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, condition);
    _exit(1);
}

static bool
has_entry(const char *entry)
{
    char        path[64];
    struct stat st;

    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    return lstat(path, &st) == 0;
}

/* Returns the only segment that exists. */
static int
only_segment(struct shmid_ds *ds)
{
    struct shm_info info;
    int             k, id = -1;

    ck_assert_int_ge(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), 0);
    ck_assert_int_eq(info.used_ids, 1);
    for (k = 0; id < 0; k++)
        id = shmctl(k, SHM_STAT, ds);
    return id;
}

/* Makes a segment of another program with that id and another key, in another second than that. */
static int
recycle(int id, int key, time_t than)
{
    struct shmid_ds ds;
    char            text[16];
    int             again;

    snprintf(text, sizeof text, "%d", id);
    for (;;) {
        if (key == IPC_PRIVATE)
            write_text("/proc/sys/kernel/shm_next_id", text);
        again = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
        if (again < 0 || shmctl(again, IPC_STAT, &ds) < 0)
            return -1;
        if (ds.shm_ctime != than)
            return again;
        shmctl(again, IPC_RMID, NULL);
        usleep(50000);
    }
}

static void
make_link(bool by_key)
{
    struct shmx *seg;

    ok(shmx_create(by_key ? "/x" : NULL, SIZE, 0600, SHMX_SYSV, &seg));
    if (!by_key)
        ok(shmx_publish(seg, "/x"));
    shmx_close(seg);
}

/* The segment of "/x" is gone, and its key or its id leads to a segment of root, which this process
   has made. The link belongs to another user, or to root, and then to another process or to this
   one. */
enum { OTHERS_KEY, OTHERS_ID, OTHER_PROCESS, SAME_PROCESS, KINDS };

/* Returns the id. */
static int
make_recycled(int kind)
{
    struct shmid_ds ds;
    pid_t           pid;
    int             id;

    if (kind == SAME_PROCESS) {
        make_link(false);
    } else {
        pid = check_fork();
        if (pid == 0) {
            if (kind != OTHER_PROCESS)
                become_nobody();
            make_link(kind == OTHERS_KEY);
            _exit(0);
        }
        join(pid);
    }
    id = only_segment(&ds);
    ok(shmctl(id, IPC_RMID, NULL));
    id = recycle(id, kind == OTHERS_KEY ? ds.shm_perm.__key : IPC_PRIVATE, ds.shm_ctime);
    ck_assert_int_ge(id, 0);
    return id;
}

/* Does what a user does who has the name, but nothing that it leads to. */
static void
use_name(int action)
{
    struct shmx *seg = NULL;

    switch (action) {
    case 0:
        ok(shmx_create("/x", SIZE, 0600, SHMX_POSIX, &seg));
        break;
    case 1:
        fails(shmx_open("/x", 0, &seg), -ENOENT);
        ck_assert_int_eq(shmx_open_or_create("/x", SIZE, 0600, SHMX_SYSV, NULL, NULL, &seg), 1);
        break;
    case 2:
        ok(shmx_remove("/x"));
        break;
    default:
        ok(shmx_collect(0, NULL, NULL, NULL));
    }
    ck_assert(has_entry("x") == (action < 2));
    if (seg != NULL)
        ok(shmx_destroy(seg));
    shmx_close(seg);
}

/* Does the same where nobody can tell the segment from the one for which the link was made. */
static void
use_doubtful_name(int action)
{
    struct shmx *seg = NULL;

    fails(shmx_open("/x", 0, &seg), -ENOENT);
    switch (action) {
    case 0:
        fails(shmx_create("/x", SIZE, 0600, SHMX_POSIX, &seg), -EEXIST);
        break;
    case 1:
        fails(shmx_open_or_create("/x", SIZE, 0600, SHMX_SYSV, NULL, NULL, &seg), -EEXIST);
        break;
    case 2:
        break;
    default:
        ok(shmx_collect(action == 3 ? 0 : SHMX_ORPHANS | SHMX_DRY_RUN, NULL, NULL, NULL));
    }
    ck_assert(has_entry("x"));
    ok(shmx_remove("/x"));
}

#define ACTIONS 5

START_TEST(recycled_link_frees_its_name_and_nothing_else)
{
    const int       kind = _i / ACTIONS, action = _i % ACTIONS, id = make_recycled(kind);
    struct shmid_ds ds;
    pid_t           pid = check_fork();

    if (pid == 0) {
        if (kind <= OTHERS_ID && action < 4) /* otherwise root removes it */
            become_nobody();
        if (kind == SAME_PROCESS)
            use_doubtful_name(action);
        else
            use_name(action);
        _exit(0);
    }
    join(pid);
    ck_assert(!has_entry("x"));
    ck_assert_int_eq(only_segment(&ds), id);
    ck_assert_uint_eq(ds.shm_perm.mode & SHM_DEST, 0);
    ok(shmctl(id, IPC_RMID, NULL));
}
END_TEST

/* Runs fn(arg) as process 1 of new pid and IPC namespaces, like a container with this /dev/shm. */
static void
contain(void (*fn)(void *), void *arg)
{
    pid_t pid = check_fork();

    if (pid == 0) {
        ok(unshare(CLONE_NEWPID | CLONE_NEWIPC));
        pid = fork();
        if (pid == 0) {
            fn(arg);
            _exit(0);
        }
        join(pid);
        _exit(0);
    }
    join(pid);
}

struct past {
    int    variant, id;
    time_t made;
};

static void
live_and_die(void *arg)
{
    static struct shmx *seg; /* nobody closes it */
    struct past        *past = arg;
    struct shmx_stat    st;
    const unsigned      flags = past->variant == 0 ? SHMX_EPHEMERAL : 0;

    must(shmx_create(flags ? "/x" : NULL, SIZE, 0666, SHMX_SYSV | flags, &seg) == 0);
    must(flags || shmx_publish(seg, "/x") == 0);
    must(shmx_stat(seg, &st) == 0);
    past->id = st.id;
    past->made = st.ctime.tv_sec;
}

/* Changes the link to what it would be if the kernel had given this namespace the number of the
   former one. The times of the link stay as they were. */
static void
renumber(const char *field, const char *space)
{
    char        text[256] = "", number[64] = "", changed[512], *at, *rest;
    struct stat st;

    must(lstat("/dev/shm/x", &st) == 0);
    must(readlink("/dev/shm/x", text, sizeof text - 1) > 0);
    must(readlink(space, number, sizeof number - 1) > 0);
    at = strstr(text, field);
    if (at == NULL) /* the links of this edition do not have it */
        return;
    at += strlen(field);
    rest = at + strspn(at, "0123456789");
    snprintf(changed, sizeof changed, "%.*s%lu%s", (int)(at - text), text,
             strtoul(strchr(number, '[') + 1, NULL, 10), rest);
    must(unlink("/dev/shm/x") == 0 && symlink(changed, "/dev/shm/x") == 0);
    must(utimensat(AT_FDCWD, "/dev/shm/x", (struct timespec[]){ st.st_atim, st.st_mtim },
                   AT_SYMLINK_NOFOLLOW)
         == 0);
}

static void
live_again(void *arg)
{
    struct past    *past = arg;
    struct shmx    *seg = NULL;
    struct shmid_ds ds;
    int             id = recycle(past->id, IPC_PRIVATE, past->made);

    must(id == past->id);
    renumber(" ipc=", "/proc/self/ns/ipc");
    renumber(" pidns=", "/proc/self/ns/pid");
    must(shmx_open("/x", 0, &seg) == -ENOENT);
    must(shmx_remove("/x") == 0);
    must(shmx_open_or_create("/x", SIZE, 0600, SHMX_POSIX, NULL, NULL, &seg) == 1);
    must(shmx_destroy(seg) == 0);
    shmx_close(seg);
    must(shmctl(id, IPC_STAT, &ds) == 0 && !(ds.shm_perm.mode & SHM_DEST));
}

/* A /dev/shm outlives its namespaces, whose numbers, ids and pids come again. */
START_TEST(name_of_a_former_container)
{
    struct past *past =
        mmap(NULL, sizeof *past, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    past->variant = _i;
    contain(live_and_die, past);
    ck_assert(has_entry("x"));
    contain(live_again, past);
    ck_assert(!has_entry("x"));
    munmap(past, sizeof *past);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: recycled");
    TCase *tc = add_case(suite, "recycled");

    tcase_add_loop_test(tc, recycled_link_frees_its_name_and_nothing_else, 0, KINDS * ACTIONS);
    tcase_add_loop_test(tc, name_of_a_former_container, 0, 2);
    return suite_main(suite);
}
