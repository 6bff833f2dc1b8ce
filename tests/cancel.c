/* SPDX-License-Identifier: BSD-2-Clause */
/* Cancelled threads: each function finishes, nothing stays locked, and nothing is left behind. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SIZE 4096
#define MIB  ((size_t)1 << 20)

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* What a thread works with that has been cancelled before it starts. */
struct stage {
    const struct action *action;
    struct shmx         *seg;   /* named "/seg" */
    struct shmx         *other; /* another handle of an anonymous segment that is named "/late" */
    struct shmx         *made;
    unsigned             flag;
    const char          *wrong; /* the call whose result was not as usual */
    bool                 finished;
    int                  state, type; /* of cancellation, after the call */
};

#define EXPECT(call, result)                                                                       \
    do {                                                                                           \
        if ((call) != (result) && s->wrong == NULL)                                                \
            s->wrong = #call;                                                                      \
    } while (0)

static int
init_nothing(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    return 0;
}

static int
visit_nothing(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static void
destroy_made(struct stage *s)
{
    EXPECT(shmx_destroy(s->made), 0);
    shmx_close(s->made);
    s->made = NULL;
}

static void
create(struct stage *s)
{
    EXPECT(shmx_create("/c", SIZE, 0600, s->flag, &s->made), 0);
    destroy_made(s);
    EXPECT(shmx_create("/c", MIB, 0200, s->flag | SHMX_SPARSE, &s->made), 0);
    destroy_made(s);
    EXPECT(shmx_create(NULL, SIZE, 0666, s->flag, &s->made), 0);
    destroy_made(s);
}

static void
create_ephemeral(struct stage *s)
{
    EXPECT(shmx_create("/c", SIZE, 0600, s->flag | SHMX_EPHEMERAL, &s->made), 0);
    shmx_close(s->made);
    EXPECT(shmx_open("/c", 0, &s->made), -ENOENT);
    EXPECT(shmx_create(NULL, SIZE, 0600, s->flag | SHMX_EPHEMERAL, &s->made), 0);
    shmx_close(s->made);
}

static void
create_huge(struct stage *s)
{
    EXPECT(shmx_create("/c", 4 * MIB, 0600, s->flag | SHMX_HUGE, &s->made), 0);
    destroy_made(s);
}

static void
create_sealed(struct stage *s)
{
    EXPECT(shmx_create(NULL, SIZE, 0600, SHMX_SEALED | SHMX_HUGE, &s->made), 0);
    destroy_made(s);
}

static void
create_existing(struct stage *s)
{
    EXPECT(shmx_create("/seg", SIZE, 0600, s->flag, &s->made), -EEXIST);
    EXPECT(shmx_create("/seg", MIB, 0600, s->flag, &s->made), -EEXIST);
}

static void
create_over_the_dead(struct stage *s)
{
    EXPECT(shmx_create("/dead", SIZE, 0600, s->flag, &s->made), 0);
    destroy_made(s);
}

static void
open_dead(struct stage *s)
{
    EXPECT(shmx_open("/dead", 0, &s->made), -ENOENT);
}

static void
open_each_way(struct stage *s)
{
    char text[64];

    EXPECT(shmx_open("/seg", 0, &s->made), 0);
    shmx_close(s->made);
    EXPECT(shmx_open("/seg", SHMX_RDONLY | SHMX_OWNED, &s->made), 0);
    shmx_close(s->made);
    EXPECT(shmx_open("/none", 0, &s->made), -ENOENT);
    if (s->flag == SHMX_POSIX) {
        EXPECT(shmx_open_fd(shmx_fd(s->seg), SHMX_RDONLY, &s->made), 0);
        shmx_close(s->made);
        EXPECT(shmx_open_fd(-1, 0, &s->made), -EBADF);
    } else {
        snprintf(text, sizeof text, "%s", shmx_name(s->other));
        EXPECT(shmx_open(text, SHMX_OWNED, &s->made), 0);
        shmx_close(s->made);
    }
}

/* Because of the prepared lock, the call looks again and again. Its result does not matter here. */
static void
open_locked(struct stage *s)
{
    if (shmx_open("/locked", 0, &s->made) == 0)
        shmx_close(s->made);
}

static void
open_or_create(struct stage *s)
{
    EXPECT(shmx_open_or_create("/seg", 1, 0600, s->flag, NULL, NULL, &s->made), 0);
    shmx_close(s->made);
    EXPECT(shmx_open_or_create("/seg", 1, 0600, s->flag, init_nothing, NULL, &s->made), 0);
    shmx_close(s->made);
    EXPECT(shmx_open_or_create("/seg", MIB, 0600, s->flag, init_nothing, NULL, &s->made), -ERANGE);
    EXPECT(shmx_open_or_create("/c", SIZE, 0600, s->flag, NULL, NULL, &s->made), 1);
    destroy_made(s);
    EXPECT(shmx_open_or_create("/c", SIZE, 0600, s->flag, init_nothing, NULL, &s->made), 1);
    destroy_made(s);
}

static void
publish(struct stage *s)
{
    EXPECT(shmx_create(NULL, SIZE, 0600, s->flag, &s->made), 0);
    EXPECT(shmx_publish(s->made, "/seg"), -EEXIST);
    EXPECT(shmx_publish(s->made, "/p"), 0);
    destroy_made(s);
}

/* The handle does not know the name and has to search for it. */
static void
destroy_unknown(struct stage *s)
{
    EXPECT(shmx_destroy(s->other), 0);
    EXPECT(shmx_destroy(s->other), -ENOENT);
}

static void
remove_each_way(struct stage *s)
{
    EXPECT(shmx_remove("/late"), 0);
    EXPECT(shmx_remove("/none"), -ENOENT);
    EXPECT(shmx_remove("/dead"), 0);
}

static void
attach(struct stage *s)
{
    static const unsigned flags[] = { 0, SHMX_RDONLY, SHMX_PRIVATE, SHMX_EXEC, SHMX_POPULATE };
    void                 *addr[COUNT_OF(flags)], *part;
    size_t                k;

    for (k = 0; k < COUNT_OF(flags); k++)
        EXPECT(shmx_attach(s->seg, flags[k] & ~(geteuid() == 0 ? 0 : SHMX_EXEC), &addr[k]), 0);
    EXPECT(shmx_attach_range(s->seg, 100, 50, 0, &part), 0);
    EXPECT(shmx_detach(s->seg, part), 0);
    for (k = 0; k < COUNT_OF(flags) && s->wrong == NULL; k++)
        EXPECT(shmx_detach(s->seg, addr[k]), 0);
    EXPECT(shmx_detach(s->seg, &k), -EINVAL);
}

static void
resize(struct stage *s)
{
    EXPECT(shmx_resize(s->seg, 3 * MIB), s->flag == SHMX_POSIX ? 0 : -ENOTSUP);
    EXPECT(shmx_resize(s->seg, SIZE), s->flag == SHMX_POSIX ? 0 : -ENOTSUP);
}

static void
ask(struct stage *s)
{
    struct shmx_stat st;

    EXPECT(shmx_size(s->seg), SIZE);
    EXPECT(shmx_stat(s->seg, &st), 0);
    EXPECT(shmx_stat_name("/seg", &st), 0);
    EXPECT(shmx_stat_name("/none", &st), -ENOENT);
    EXPECT(strchr(shmx_name(s->seg), '/')[1], 's');
    EXPECT(shmx_fd(s->seg) >= 0, s->flag == SHMX_POSIX);
    EXPECT(shmx_strerror(-ENOENT) == NULL || shmx_version() == NULL, 0);
}

static void
change(struct stage *s)
{
    EXPECT(shmx_chmod(s->seg, 0640), 0);
    EXPECT(shmx_chown(s->seg, geteuid(), getegid()), 0);
    if (shmx_pin(s->seg) == 0) /* the limit of an ordinary user may be too low */
        EXPECT(shmx_unpin(s->seg), 0);
}

static void
copy(struct stage *s)
{
    char c[2] = "x";

    EXPECT(shmx_write(s->seg, c, 1, 7), 1);
    EXPECT(shmx_read(s->seg, c + 1, 1, 7), 1);
    EXPECT(c[1], 'x');
    EXPECT(shmx_read(s->seg, c, 1, SIZE), 0);
    EXPECT(shmx_write(s->seg, c, 1, SIZE), -ENOSPC);
}

static void
stream(struct stage *s)
{
    FILE *f = shmx_stream(s->seg, "r+");

    EXPECT(f == NULL, false);
    if (f == NULL)
        return;
    EXPECT(fputc('x', f), 'x');
    EXPECT(fflush(f), 0);
    EXPECT(fseek(f, 0, SEEK_SET), 0);
    EXPECT(fgetc(f), 'x');
    EXPECT(fclose(f), 0);
}

static const struct timespec soon = { .tv_nsec = 150000000 };

static void
wait_for_word(struct stage *s)
{
    void *addr;

    EXPECT(shmx_attach(s->seg, 0, &addr), 0);
    EXPECT(shmx_wait(s->seg, addr, 0, 0, &soon), -ETIMEDOUT);
    EXPECT(shmx_wait(s->seg, addr, 0, SHMX_PEERS, NULL), -EPIPE);
    EXPECT(shmx_wake(s->seg, addr, 1), 0);
    EXPECT(shmx_detach(s->seg, addr), 0);
}

static void
open_wait(struct stage *s)
{
    EXPECT(shmx_open_wait("/none", 0, &soon, &s->made), -ETIMEDOUT);
    EXPECT(shmx_open_wait("/seg", SHMX_RDONLY, NULL, &s->made), 0);
    shmx_close(s->made);
}

static void
list(struct stage *s)
{
    EXPECT(shmx_list(0, visit_nothing, NULL), 0);
}

static void
collect(struct stage *s)
{
    EXPECT(shmx_collect(SHMX_DRY_RUN | SHMX_ORPHANS, NULL, visit_nothing, NULL), 0);
    EXPECT(shmx_collect(0, NULL, visit_nothing, NULL), 0);
    EXPECT(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL), 0);
}

/* Leaves an ephemeral segment whose only holder has died. */
static void
leave_dead(struct stage *s)
{
    pid_t pid = check_fork();

    if (pid == 0) {
        ok(shmx_create("/dead", SIZE, 0600, s->flag | SHMX_EPHEMERAL, &s->made));
        _exit(0);
    }
    join(pid);
}

static const struct action {
    const char *name;
    void (*run)(struct stage *s);
    bool dead, locked;
} actions[] = {
    { .name = "create", .run = create },
    { .name = "create ephemeral", .run = create_ephemeral },
    { .name = "create huge", .run = create_huge },
    { .name = "create sealed", .run = create_sealed },
    { .name = "create existing", .run = create_existing },
    { .name = "create over the dead", .run = create_over_the_dead, .dead = true },
    { .name = "open dead", .run = open_dead, .dead = true },
    { .name = "open", .run = open_each_way },
    { .name = "open locked", .run = open_locked, .locked = true },
    { .name = "open or create", .run = open_or_create },
    { .name = "publish", .run = publish },
    { .name = "destroy", .run = destroy_unknown },
    { .name = "remove", .run = remove_each_way, .dead = true },
    { .name = "attach", .run = attach },
    { .name = "resize", .run = resize },
    { .name = "ask", .run = ask },
    { .name = "change", .run = change },
    { .name = "copy", .run = copy },
    { .name = "stream", .run = stream },
    { .name = "wait", .run = wait_for_word },
    { .name = "open wait", .run = open_wait },
    { .name = "list", .run = list },
    { .name = "collect", .run = collect, .dead = true },
};

/* Runs with ordinary cancellation, enabled and deferred. There are no variables here for which
   AddressSanitizer would watch the stack, because it does not notice that the thread ends in the
   middle. */
static void *
run_cancelled(void *arg)
{
    struct stage *s = arg;

    pthread_cancel(pthread_self());
    s->action->run(s);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &s->state);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &s->type);
    s->finished = true;
    pthread_testcancel();
    return NULL;
}

static struct stage
set_stage(int backend)
{
    struct stage     s = { .flag = backend_flag[backend] };
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    char             text[32];

    ok(shmx_create("/seg", SIZE, 0600, s.flag, &s.seg));
    ok(shmx_create(NULL, SIZE, 0600, s.flag, &seg));
    ok(shmx_stat(seg, &st));
    snprintf(text, sizeof text, "sysv:id=%d", st.id);
    ok(backend == 0 ? shmx_open_fd(shmx_fd(seg), 0, &s.other) : shmx_open(text, 0, &s.other));
    ok(shmx_publish(seg, "/late"));
    shmx_close(seg);
    return s;
}

/* If anything were still locked, these calls would wait for ever. */
static void
assert_usable(struct stage *s)
{
    struct shmx_stat st;
    void            *addr;

    s->wrong = NULL;
    ask(s);
    copy(s);
    ok(shmx_attach(s->seg, 0, &addr));
    ok(shmx_detach(s->seg, addr));
    resize(s);
    ok(shmx_stat(s->seg, &st));
    ok(shmx_list(0, visit_nothing, NULL));
    ck_assert_msg(s->wrong == NULL, "afterwards: %s", s->wrong);
    ok(shmx_destroy(s->seg));
    shmx_close(s->seg);
    shmx_close(s->other);
    shmx_remove("/late");
    shmx_remove("/dead");
}

/* Each action is tried on both backends, by root and by another user. */
START_TEST(no_function_is_a_cancellation_point)
{
    const struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stage       s;
    pthread_t          thread;
    void              *ended;
    int                fd = -1;

    if (_i % 4 >= BACKENDS)
        become_nobody();
    s = set_stage(_i % BACKENDS);
    s.action = &actions[_i / 4];
    if (s.action->dead)
        leave_dead(&s);
    if (s.action->locked) {
        fd = open("/dev/shm/locked", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        ok(fcntl(fd, F_OFD_SETLK, &all));
    }
    ok(pthread_create(&thread, NULL, run_cancelled, &s));
    ok(pthread_join(thread, &ended));
    ck_assert_msg(s.finished, "%s: a cancellation point", s.action->name);
    ck_assert_msg(s.wrong == NULL, "%s: %s", s.action->name, s.wrong);
    ck_assert_ptr_eq(ended, PTHREAD_CANCELED); /* the request to cancel is not lost */
    ck_assert_int_eq(s.state, PTHREAD_CANCEL_ENABLE);
    ck_assert_int_eq(s.type, PTHREAD_CANCEL_DEFERRED);
    if (s.action->locked) {
        close(fd);
        unlink("/dev/shm/locked");
    }
    assert_usable(&s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cancellation");
    TCase *tc = add_case(suite, "cancellation");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, no_function_is_a_cancellation_point, 0, 4 * (int)COUNT_OF(actions));
    return suite_main(suite);
}
