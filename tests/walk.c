/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk faults|allocations|kills|intruders|calls [SCENARIO]: every use of the library in the tables
 * of scenarios.h is repeated in children whose system calls stop for this program
 * (seccomp_unotify(2)).
 *
 *   faults       each system call fails with each error that its manual page lists, once, twice
 *                and three times in a row
 *   allocations  each allocation of memory fails
 *   kills        the child is killed before each system call and after the last
 *   intruders    before each system call another process collects, removes the name, or takes it
 *   calls        nothing happens, and the system calls are printed
 *
 * A call that fails returns an error that shmx.h documents for it. It writes to no output, it
 * leaves names, segments, descriptors, mappings and their contents as they were, and it succeeds
 * when it is made again. A call that succeeds although something in it has failed keeps every
 * promise, and leaves the same as one in which nothing has failed. When everything is ended in
 * order, nothing is left. After a kill, what has the name is complete, and what existed before
 * still exists unless the call was to end it. Collecting then leaves nothing, and the name can be
 * used again. tests/world runs this.
 */
#include "walk.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct shared *shared;
char          *usual;

static int failures, runs, rehearsals, skipped;

static int
run(const struct scenario *s, const struct plan *plan, struct trace *trace)
{
    runs++;
    return run_scenario(s, plan, trace);
}

static void
report(const struct scenario *s, const char *what)
{
    if (*shared->complaint == '\0')
        return;
    fprintf(stderr, "FAILED: %s: %s: %s\n", s->name, what, shared->complaint);
    failures++;
}

/* Runs the scenario without trouble, to see what there is to walk over. */
static void
rehearse(const struct scenario *s, struct trace *trace)
{
    rehearsals++;
    if (run(s, &(struct plan){ 0 }, trace) != 0 || shared->result < 0)
        complain("does not work when nothing goes wrong",
                 shared->result < 0 ? shmx_strerror((int)shared->result) : "");
    report(s, "nothing happened");
}

/* Returns whether the call is one of a row of calls that read a file of /proc. Their number depends
   on what else runs on the machine. */
static bool
is_one_of_many(const struct trace *trace, int call)
{
    return call > 2 && trace->calls[call - 1].nr == SYS_read
           && trace->calls[call - 2].nr == SYS_read && trace->calls[call - 3].nr == SYS_read;
}

/* Returns whether the directory of names is locked before that call, so that others wait for it. */
static bool
is_locked(const struct trace *trace, int call)
{
    bool locked = false;
    int  i;

    for (i = 1; i < call - 1; i++)
        if (faults_locks_directory(&trace->calls[i - 1], &trace->calls[i]))
            locked = true;
        else if (faults_unlocks(&trace->calls[i]))
            locked = false;
    return locked;
}

/* Lets one call fail once, twice and three times, but no more often than it is made. */
static void
walk_fault(const struct scenario *s, struct plan *plan)
{
    const int    most = s->traits & SLOW ? 1 : 3;
    struct trace again;
    char         what[128];

    for (plan->times = 1; plan->times <= most; plan->times++) {
        if (run(s, plan, &again) != 0)
            complain("it crashed or hung", "");
        snprintf(what, sizeof what, "call %d, %s, fails %d times with %s", plan->fail_from,
                 faults_name(plan->kind), plan->times, strerrorname_np(plan->error));
        report(s, what);
        if (again.failed < plan->times)
            break;
    }
}

static void
walk_faults(const struct scenario *s, const struct trace *trace)
{
    struct plan plan = { 0 };
    int         n;

    for (plan.fail_from = 1; plan.fail_from <= trace->count; plan.fail_from++) {
        plan.kind = faults_find(&trace->calls[plan.fail_from - 1]);
        if (plan.kind == NULL) {
            complain("a system call that nothing is known of", "");
            report(s, faults_name(NULL));
            continue;
        }
        if (is_one_of_many(trace, plan.fail_from))
            continue;
        for (n = 0; (plan.error = faults_error(plan.kind, s->function, n)) != 0; n++)
            if (n == 0 || !(s->traits & SLOW))
                walk_fault(s, &plan);
    }
}

static void
walk_allocations(const struct scenario *s, const struct trace *trace)
{
    struct trace again;
    const int    count = shared->allocations;
    struct plan  plan = { 0 };
    char         what[64];

    (void)trace;
    for (plan.fail_allocation = 1; plan.fail_allocation <= count; plan.fail_allocation++) {
        snprintf(what, sizeof what, "allocation %d fails", plan.fail_allocation);
        shared->result = 0;
        if (run(s, &plan, &again) != 0)
            complain("it crashed or hung", "");
        /* A name is taken if nobody can look at the dead segment to which it leads. */
        if (shared->result < 0 && shared->result != -ENOMEM
            && !(shared->result == -EEXIST && (s->traits & TIDIES)))
            complain("the reason that it gives is not the lack of memory",
                     shmx_strerror((int)shared->result));
        report(s, what);
    }
}

static void
walk_kills(const struct scenario *s, const struct trace *trace)
{
    struct trace again;
    struct plan  plan = { 0 };
    char         what[64];

    for (plan.kill_at = 1; plan.kill_at <= trace->count + 1; plan.kill_at++) {
        if (plan.kill_at <= trace->count && is_one_of_many(trace, plan.kill_at))
            continue;
        if (!WIFSIGNALED(run(s, &plan, &again)))
            complain("it was not", "");
        snprintf(what, sizeof what, "killed before call %d, %s", plan.kill_at,
                 plan.kill_at > trace->count
                     ? "the end"
                     : faults_name(faults_find(&trace->calls[plan.kill_at - 1])));
        report(s, what);
    }
}

/* Returns whether the function deals with names, so that it may fail when one is gone. */
static bool
is_about_names(const char *function)
{
    static const char *const names[] = { "shmx_open",     "shmx_open_or_create", "shmx_create",
                                         "shmx_publish",  "shmx_destroy",        "shmx_remove",
                                         "shmx_chown",    "shmx_stat_name",      "shmx_open_fd",
                                         "shmx_open_wait" };
    size_t                   i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(function, names[i]) == 0)
            return true;
    return false;
}

static void
walk_intruders(const struct scenario *s, const struct trace *trace)
{
    static const char *const deeds[] = { "collects", "removes the name", "takes the name" };
    struct trace             again;
    struct plan              plan = { 0 };
    char                     what[128];

    if (s->traits & SLOW)
        return;
    for (plan.intruder = 0; plan.intruder < INTRUDERS; plan.intruder++)
        for (plan.intrude_at = 1; plan.intrude_at <= trace->count; plan.intrude_at++) {
            if (faults_private(faults_find(&trace->calls[plan.intrude_at - 1]))
                || is_locked(trace, plan.intrude_at))
                continue;
            if (run(s, &plan, &again) != 0)
                complain("it crashed or hung", "");
            snprintf(what, sizeof what, "before call %d, %s, somebody %s", plan.intrude_at,
                     faults_name(faults_find(&trace->calls[plan.intrude_at - 1])),
                     deeds[plan.intruder]);
            if (shared->result < 0 && (!shared->disturbed || !is_about_names(s->function)))
                complain("it fails", shmx_strerror((int)shared->result));
            report(s, what);
        }
}

static void
print_calls(const struct scenario *s, const struct trace *trace)
{
    const struct fault_kind *kind;
    int                      i;

    for (i = 0; i < trace->count; i++) {
        kind = faults_find(&trace->calls[i]);
        printf("%s\n", faults_name(kind));
        if (kind == NULL)
            fprintf(stderr, "%s: unknown: %d\n", s->name, trace->calls[i].nr);
    }
    fflush(stdout); /* otherwise the next child prints it again */
}

static void *
share(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        exit(1);
    return start;
}

static void
walk_all(const char *only, void (*walk)(const struct scenario *s, const struct trace *trace))
{
    const struct scenario *const *table;
    const struct scenario        *s;
    struct trace                  trace;
    const bool                    users = seteuid(1) == 0 && seteuid(0) == 0;

    for (table = scenario_tables; *table != NULL; table++)
        for (s = *table; s->name != NULL; s++) {
            if (only != NULL && strcmp(only, s->name) != 0)
                continue;
            if ((s->traits & USERS) && !users) {
                fprintf(stderr, "skipped: there are no other users in this user namespace\n");
                skipped++;
                continue;
            }
            rehearse(s, &trace);
            walk(s, &trace);
        }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*walk)(const struct scenario *s, const struct trace *trace);
    } walks[] = { { "faults", walk_faults },
                  { "allocations", walk_allocations },
                  { "kills", walk_kills },
                  { "intruders", walk_intruders },
                  { "calls", print_calls } };
    const struct rlimit no_core = { 0, 0 };
    const size_t        count = sizeof walks / sizeof *walks;
    size_t              i = 0;

    while (i < count && (argc < 2 || strcmp(argv[1], walks[i].name) != 0))
        i++;
    if (i == count)
        return 2;
    mallopt(M_ARENA_MAX, 1); /* the child's thread must not make a heap of its own */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    usual = share(USUAL_MAX);
    shared = share(sizeof *shared);
    inspector_start();
    walk_all(argc > 2 ? argv[2] : NULL, walks[i].walk);
    if (walks[i].walk == walk_faults)
        faults_explain();
    fprintf(stderr, "%s: %d runs, %d failures\n", argv[1], runs, failures);
    if (failures > 0 || runs == 0 || (runs == rehearsals && walks[i].walk != print_calls))
        return 1;
    return skipped > 0 ? 77 : 0;
}
