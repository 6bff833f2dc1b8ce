/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk.h"

#include <errno.h>
#include <linux/filter.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *function;
    int         error;
} documented[] = {
#include "documented.h"
};

int fail_allocation;

static bool
is_documented(const char *function, int64_t error)
{
    size_t i;

    for (i = 0; i < sizeof documented / sizeof *documented; i++)
        if (strcmp(documented[i].function, function) == 0 && documented[i].error == error)
            return true;
    return false;
}

void
complain(const char *what, const char *more)
{
    if (*shared->complaint == '\0')
        snprintf(shared->complaint, sizeof shared->complaint, "%s: %.400s", what, more);
}

/* Memory. These are the functions of the C library, except that one allocation fails, and that what
   the call allocates and does not free is counted. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void  __libc_free(void *old);

static int unfreed;

static bool
is_refused(void)
{
    if (shared == NULL || shared->phase != CALLING || ++shared->allocations != fail_allocation)
        return false;
    errno = ENOMEM;
    return true;
}

static void *
count_new(void *memory)
{
    if (shared != NULL && shared->phase == CALLING && memory != NULL)
        unfreed++;
    return memory;
}

void *
malloc(size_t size)
{
    return is_refused() ? NULL : count_new(__libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : count_new(__libc_calloc(count, size));
}

void *
realloc(void *old, size_t size)
{
    if (is_refused())
        return NULL;
    return old == NULL ? count_new(__libc_malloc(size)) : __libc_realloc(old, size);
}

void
free(void *old)
{
    if (shared != NULL && shared->phase == CALLING && old != NULL)
        unfreed--;
    __libc_free(old);
}

/* A separate thread makes the call, because only the system calls of that thread stop. */

static sem_t prepared, ready, go;

static void
stop_at_system_calls(void)
{
    struct sock_filter filter[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
    struct sock_fprog  program = { 1, filter };

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    shared->listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void *
call(void *arg)
{
    const struct scenario *s = arg;

    sem_wait(&prepared);
    stop_at_system_calls();
    sem_post(&ready);
    sem_wait(&go);
    shared->phase = CALLING;
    shared->result = s->call(s);
    shared->phase = DONE;
    syscall(SYS_getppid); /* a child that is to be killed after the last call is killed before this
                             one */
    return NULL;
}

/* The world before and after the call: what everybody shares, and what belongs to this process. */
struct world {
    char names[SNAPSHOT_MAX], own[SNAPSHOT_MAX];
};

static void
take_world(struct world *world, unsigned how)
{
    if (shared->excuse & FAULT_LOCKS)
        how |= SNAPSHOT_NO_LOCKS;
    snapshot(world->names, SNAPSHOT_NAMES | SNAPSHOT_SEGMENTS | how);
    snapshot(world->own, SNAPSHOT_OWN | SNAPSHOT_MEMORY | how);
}

static void
compare(const char *what, const char *one, const char *other)
{
    const char *missing = snapshot_missing(one, other);

    if (*missing != '\0')
        complain(what, missing);
}

static void
judge_failure(const struct scenario *s, int64_t r, const struct outputs *untouched,
              const struct world *before)
{
    static struct world after;

    if (!is_documented(s->function, r))
        complain("an error that is not documented", strerrorname_np((int)-r));
    if (memcmp(untouched, &outputs, sizeof outputs) != 0)
        complain("an output was written to", "");
    if (unfreed != 0)
        complain(unfreed > 0 ? "memory is left" : "memory is gone", "");
    if (shared->excuse & (FAULT_LEAVES | FAULT_LIES))
        return;
    take_world(&after, 0);
    compare("something of this process is left", after.own, before->own);
    compare("something of this process is gone", before->own, after.own);
    if ((s->traits & IN_PART) || shared->disturbed)
        return;
    compare("something is left", after.names, before->names);
    if (!(s->traits & TIDIES))
        compare("something is gone", before->names, after.names);
}

/* Whatever has failed meanwhile, a success leaves the same as ever. */
static void
compare_with_usual(void)
{
    static struct world now;
    struct world       *as_usual = (struct world *)usual;

    take_world(shared->rehearsal ? as_usual : &now, SNAPSHOT_ALIKE);
    if (shared->rehearsal)
        return;
    compare("a success leaves what it does not leave otherwise", now.names, as_usual->names);
    compare("a success leaves what it does not leave otherwise", now.own, as_usual->own);
    compare("a success does not make what it makes otherwise", as_usual->names, now.names);
    compare("a success does not make what it makes otherwise", as_usual->own, now.own);
}

/* The inspector looks at the result from outside. */
static void
meet(int meeting)
{
    char c;

    shared->named = stage.named;
    if (write(meeting, "", 1) != 1 || read(meeting, &c, 1) != 1)
        complain("nobody at the meeting", "");
}

static void
judge_success(const struct scenario *s, int meeting)
{
    if (!(shared->excuse & FAULT_LEAVES) && !(s->traits & (TIDIES | LITTERED)))
        compare_with_usual();
    check_facts(s);
    if (s->verify != NULL && !((shared->excuse & FAULT_LEAVES) && (s->traits & IN_PART)))
        s->verify(s);
    check_uses(s);
    meet(meeting);
}

/* Whatever has happened, nothing is left in the end. */
static void
judge_end(const struct scenario *s, const char *beginning)
{
    char end[SNAPSHOT_MAX];

    end_all(s);
    snapshot_watch(NULL, 0);
    if ((shared->excuse & FAULT_LEAVES) || (s->traits & LITTERED))
        return;
    snapshot(end, SNAPSHOT_NAMES | SNAPSHOT_SEGMENTS | SNAPSHOT_OWN
                      | (shared->excuse & FAULT_LOCKS ? SNAPSHOT_NO_LOCKS : 0));
    compare("left, though all is ended", end, beginning);
}

/* Makes the call again, now that nothing goes wrong any more. */
static int64_t
call_again(const struct scenario *s, int64_t r)
{
    if (s->traits & ONCE)
        return r;
    r = s->call(s);
    if (r < 0)
        complain("it fails still, when nothing goes wrong", strerrorname_np((int)-r));
    if (s->traits & IN_PART)
        shmx_collect(0, NULL, NULL, NULL);
    return r;
}

static void
judge(const struct scenario *s, const char *beginning, const struct world *before,
      const struct outputs *untouched, int meeting)
{
    const unsigned excuse = shared->excuse & (FAULT_LEAVES | FAULT_LIES);
    int64_t        r = shared->result;

    if (r < 0)
        judge_failure(s, r, untouched, before);
    if (shared->disturbed)
        return; /* the inspector knows what must be found now */
    if ((r < 0 && excuse == 0) || ((s->traits & IN_PART) && !shared->rehearsal))
        r = call_again(s, r);
    close(shared->listener);
    if (outputs.seg == untouched->seg)
        outputs.seg = NULL;
    if (seteuid(0) < 0)
        complain("cannot become root", "");
    if (excuse & FAULT_LIES)
        return; /* its promises could not be kept */
    if (r >= 0)
        judge_success(s, meeting);
    if (r >= 0 || excuse == 0)
        judge_end(s, beginning);
}

_Noreturn void
child_run(const struct scenario *s, int meeting)
{
    static char           beginning[SNAPSHOT_MAX];
    static struct world   before;
    static struct outputs untouched;
    pthread_t             thread;

    sem_init(&prepared, 0, 0);
    sem_init(&ready, 0, 0);
    sem_init(&go, 0, 0);
    pthread_create(&thread, NULL, call, (void *)s);
    memset(&outputs, 0x5a, sizeof outputs);
    outputs.stream = NULL;
    snapshot(beginning, SNAPSHOT_OWN);
    s->prepare(s);
    note_lived(s, &shared->lived);
    shared->keeper = stage.keeper;
    sem_post(&prepared);
    sem_wait(&ready);
    memcpy(&untouched, &outputs, sizeof outputs);
    take_world(&before, 0);
    sem_post(&go);
    pthread_join(thread, NULL);
    judge(s, beginning, &before, &untouched, meeting);
    exit(0);
}
