/* SPDX-License-Identifier: BSD-2-Clause */
/* Initialising, from which strangers, forked children and the dead once kept others. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE     10000
#define STRANGER 1 /* neither root nor NOBODY */

/* What the processes of a test share. */
struct common {
    atomic_int inside, go, waiting, inits;
    atomic_int grandchild;
    char       lock[256]; /* the entry by which the initialiser is elected */
    unsigned   flag;
    mode_t     mode;
    int        result; /* the result of the initialiser */
};

/* Not among what they share: each process has a handle of its own. */
static struct shmx *segment_of_mine;

static struct common *
shared(int backend)
{
    struct common *common =
        mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(common, MAP_FAILED);
    common->flag = backend_flag[backend];
    common->mode = 0666;
    return common;
}

static void
become(uid_t user)
{
    if (user == 0)
        return;
    need_users();
    ok(setgroups(0, NULL));
    ok(setresgid(user, user, user));
    ok(setresuid(user, user, user));
}

static void
await(atomic_int *flag)
{
    while (atomic_load(flag) == 0)
        usleep(1000);
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* An initialiser that says when it is at work, and goes on when it is told to. */
static int
init_slowly(void *addr, size_t size, void *arg)
{
    struct common *common = arg;

    (void)size;
    strcpy(addr, "slowly");
    atomic_fetch_add(&common->inits, 1);
    atomic_store(&common->inside, 1);
    await(&common->go);
    return common->result;
}

static int
init_at_once(void *addr, size_t size, void *arg)
{
    struct common *common = arg;

    (void)size;
    strcpy(addr, "at once");
    atomic_fetch_add(&common->inits, 1);
    return 0;
}

static int
elect(struct common *common, int (*init)(void *, size_t, void *))
{
    return shmx_open_or_create("/elected", SIZE, common->mode, common->flag, init, common,
                               &segment_of_mine);
}

static void
assert_content(const char *expected)
{
    struct shmx *seg = NULL;
    char         text[16] = "";

    ok(shmx_open("/elected", 0, &seg));
    ck_assert_int_eq(shmx_read(seg, text, sizeof text, 0), sizeof text);
    ck_assert_str_eq(text, expected);
    shmx_close(seg);
}

/* The initialiser starts a process, which lives on and inherits what is open. */
static int
init_with_a_child(void *addr, size_t size, void *arg)
{
    struct common *common = arg;
    pid_t          pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    atomic_store(&common->grandchild, pid);
    return init_slowly(addr, size, arg);
}

START_TEST(a_child_of_the_initialiser_keeps_nobody_waiting)
{
    struct common *common = shared(_i % BACKENDS);
    pid_t          first, second;

    ok(prctl(PR_SET_CHILD_SUBREAPER, 1)); /* so that this process can wait for the grandchild */
    common->result = _i < BACKENDS ? 0 : -EPROTO;
    first = check_fork();
    if (first == 0) {
        ck_assert_int_eq(elect(common, init_with_a_child), common->result == 0 ? 1 : -EPROTO);
        _exit(0);
    }
    await(&common->inside);
    second = check_fork();
    if (second == 0) {
        atomic_store(&common->waiting, 1);
        ck_assert_int_eq(elect(common, init_at_once), common->result == 0 ? 0 : 1);
        _exit(0);
    }
    await(&common->waiting);
    usleep(200000); /* by now it waits; if it is slower than that, the test shows nothing */
    atomic_store(&common->go, 1);
    join(first);
    join(second);
    end(atomic_load(&common->grandchild));
    assert_content(common->result == 0 ? "slowly" : "at once");
    ok(shmx_remove("/elected"));
}
END_TEST

/* A segment with a raw key is visible before it could be initialised, so it is not initialised at
   all. */
START_TEST(a_raw_key_has_no_initialiser)
{
    struct common *common = shared(1);
    struct shmx   *seg = NULL, *other = NULL;

    fails(shmx_open_or_create("sysv:key=0x51a3", SIZE, 0600, 0, init_at_once, common, &seg),
          -EINVAL);
    fails(shmx_open_or_create("sysv:key=20899", SIZE, 0600, 0, init_at_once, common, &seg),
          -EINVAL);
    ck_assert_int_eq(common->inits, 0);
    ck_assert_int_eq(shmx_open_or_create("sysv:key=0x51a3", SIZE, 0600, 0, NULL, NULL, &seg), 1);
    fails(shmx_open_or_create("sysv:key=20899", SIZE, 0600, 0, init_at_once, common, &other),
          -EINVAL);
    ck_assert_int_eq(shmx_open_or_create("sysv:key=20899", SIZE, 0600, 0, NULL, NULL, &other), 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    shmx_close(other);
}
END_TEST

/* Finds the entry by which the library elects, in the middle of an election. */
static int
init_and_look(void *addr, size_t size, void *arg)
{
    struct common *common = arg;
    struct dirent *d;
    DIR           *dir = opendir("/dev/shm");

    (void)addr, (void)size;
    ck_assert_ptr_nonnull(dir);
    while ((d = readdir(dir)) != NULL)
        if (strncmp(d->d_name, ".shmx-lock-", 11) == 0)
            strcpy(common->lock, d->d_name);
    closedir(dir);
    return 0;
}

enum thing { LOCKED, UNREADABLE, SOCKET, DANGLING, LINK, FIFO, DIRECTORY, THINGS };

static void
plant(enum thing thing, const char *path)
{
    struct sockaddr_un where = { .sun_family = AF_UNIX };
    int                fd = -1;

    umask(0);
    switch (thing) {
    case LOCKED:
    case UNREADABLE:
    case LINK:
        fd = open(thing == LINK ? "/dev/shm/target" : path, O_CREAT | O_RDWR | O_CLOEXEC,
                  thing == UNREADABLE ? 0000 : 0666);
        ok(flock(fd, LOCK_EX));
        break;
    case SOCKET:
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        strcpy(where.sun_path, path);
        ok(bind(fd, (struct sockaddr *)&where, sizeof where));
        break;
    case FIFO:
        ok(mkfifo(path, 0666));
        break;
    case DIRECTORY:
        ok(mkdir(path, 0777));
        break;
    default:
        break;
    }
    if (thing == LINK || thing == DANGLING)
        ok(symlink("/dev/shm/target", path));
}

/* Forks a process of a stranger, which puts the thing in place of the lock, and stays. */
static pid_t
fork_planter(struct common *common, enum thing thing)
{
    char  path[300];
    pid_t pid = check_fork();

    if (pid == 0) {
        become(STRANGER);
        snprintf(path, sizeof path, "/dev/shm/%s", common->lock);
        plant(thing, path);
        atomic_store(&common->inside, 1);
        pause();
    }
    await(&common->inside);
    return pid;
}

static void
elect_as(uid_t user, struct common *common, int (*init)(void *, size_t, void *))
{
    pid_t pid = check_fork();

    if (pid == 0) {
        become(user);
        ck_assert_int_eq(elect(common, init), 1);
        ok(shmx_destroy(segment_of_mine));
        shmx_close(segment_of_mine);
        _exit(0);
    }
    join(pid);
}

START_TEST(a_strangers_thing_in_place_of_the_lock)
{
    struct common *common = shared(_i % BACKENDS);
    const uid_t    user = _i < THINGS ? 0 : NOBODY;
    char           path[300];
    pid_t          planter;

    elect_as(user, common, init_and_look);
    ck_assert_str_ne(common->lock, "");
    planter = fork_planter(common, (enum thing)(_i % THINGS));
    elect_as(user, common, init_at_once);
    ck_assert_int_eq(common->inits, 1);
    end(planter);
    snprintf(path, sizeof path, "/dev/shm/%s", common->lock);
    remove(path);
    remove("/dev/shm/target");
}
END_TEST

static pid_t
fork_slow_initialiser(uid_t user, struct common *common, int expected)
{
    pid_t pid = check_fork();

    if (pid == 0) {
        become(user);
        ck_assert_int_eq(elect(common, init_slowly), expected);
        _exit(0);
    }
    await(&common->inside);
    return pid;
}

START_TEST(a_killed_initialiser_keeps_no_other_user_out)
{
    struct common *common = shared(_i);

    common->mode = 0600;
    end(fork_slow_initialiser(STRANGER, common, 1));
    elect_as(NOBODY, common, init_at_once);
    elect_as(STRANGER, common, init_at_once);
    elect_as(0, common, init_at_once);
    ck_assert_int_eq(common->inits, 4);
    ok(shmx_collect(0, NULL, NULL, NULL)); /* this removes what the killed one has left */
}
END_TEST

/* An initialiser that is alive but stuck does not keep others waiting either. What it makes in the
   end does not replace what exists. */
START_TEST(a_stuck_initialiser_keeps_no_other_user_waiting)
{
    struct common *common = shared(_i);
    pid_t          pid = fork_slow_initialiser(STRANGER, common, 0);

    ck_assert_int_eq(elect(common, init_at_once), 1);
    shmx_close(segment_of_mine);
    assert_content("at once");
    atomic_store(&common->go, 1);
    join(pid);
    assert_content("at once");
    ck_assert_int_eq(common->inits, 2);
    ok(shmx_remove("/elected"));
}
END_TEST

/* The processes of one user do wait for each other, however they spell the name. */
START_TEST(one_initialiser_among_all_spellings)
{
    static const char *const names[] = { "elected", "//elected", "%s/elected", "%s///elected" };
    struct common           *common = shared(_i);
    pid_t                    pids[4], first = fork_slow_initialiser(0, common, 1);
    struct shmx             *seg = NULL;
    char                     name[32];
    int                      k;

    for (k = 0; k < 4; k++) {
        pids[k] = check_fork();
        if (pids[k] == 0) {
            snprintf(name, sizeof name, names[k], backend_prefix[_i]);
            ck_assert_int_eq(
                shmx_open_or_create(name, SIZE, 0666, common->flag, init_at_once, common, &seg), 0);
            shmx_close(seg);
            _exit(0);
        }
    }
    usleep(100000);
    atomic_store(&common->go, 1);
    join(first);
    for (k = 0; k < 4; k++)
        join(pids[k]);
    ck_assert_int_eq(common->inits, 1);
    ok(shmx_remove("/elected"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: election");
    TCase *tc = add_case(suite, "election");

    tcase_set_timeout(tc, 20);
    tcase_add_loop_test(tc, a_child_of_the_initialiser_keeps_nobody_waiting, 0, 2 * BACKENDS);
    tcase_add_test(tc, a_raw_key_has_no_initialiser);
    tcase_add_loop_test(tc, a_strangers_thing_in_place_of_the_lock, 0, 2 * THINGS);
    tcase_add_loop_test(tc, a_killed_initialiser_keeps_no_other_user_out, 0, BACKENDS);
    tcase_add_loop_test(tc, a_stuck_initialiser_keeps_no_other_user_waiting, 0, BACKENDS);
    tcase_add_loop_test(tc, one_initialiser_among_all_spellings, 0, BACKENDS);
    return suite_main(suite);
}
