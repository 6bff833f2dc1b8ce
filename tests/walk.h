/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of walk.c: the program itself, its children, and an inspector. */
#ifndef TESTS_WALK_H
#define TESTS_WALK_H

#include "faults.h"
#include "scenarios.h"
#include "snapshot.h"

#include <linux/seccomp.h>
#include <stdint.h>

#define CALLS 512 /* the largest number of calls in one scenario */

enum phase { PREPARING, CALLING, DONE };

/* What all processes share about the run. */
struct shared {
    _Atomic int        listener; /* its descriptor in the child, once it exists */
    _Atomic enum phase phase;
    _Atomic int        allocations; /* the number of allocations during the state CALLING */
    bool               rehearsal;
    bool               disturbed; /* whether another process has taken or removed the name
                                     meanwhile */
    int64_t      result;
    unsigned     excuse; /* what faults_excuse gave for the faults so far */
    struct lived lived;
    pid_t        keeper;
    bool         named; /* at the meeting: whether something must have the name */
    char         complaint[512];
};

extern struct shared *shared;

/* The state after a success without trouble, for comparison. It is shared, too. */
extern char *usual;
#define USUAL_MAX (2 * SNAPSHOT_MAX)

/* Other processes that may be at work: one that collects and cannot see whether the child lives,
   one that removes what has the name, and one that takes the name. */
enum intruder { COLLECTOR, REMOVER, TAKER, INTRUDERS };

/* What must happen in a run. Calls are counted from 1, and 0 means never. */
struct plan {
    int                      fail_from, times, error; /* of calls of that kind */
    const struct fault_kind *kind;
    int                      fail_allocation;
    int                      kill_at;
    int                      intrude_at; /* before that call another process does something */
    enum intruder            intruder;
};

/* The system calls of a run, in order, and how many of them failed on purpose. */
struct trace {
    int                 count, failed;
    struct seccomp_data calls[CALLS];
};

/* walk_run.c. Runs the scenario in a child. Returns its status, and in *trace what it did. */
int run_scenario(const struct scenario *s, const struct plan *plan, struct trace *trace);

/* walk_child.c, which is all that the child does. At the meeting, for which it has the socket, the
   inspector looks from outside at what a call has made. */
extern int     fail_allocation;
_Noreturn void child_run(const struct scenario *s, int meeting);

/*
 * walk_inspect.c, a process that does what the program itself must not do. Each child must begin
 * without anything that the library may have remembered about its process.
 */
void inspector_start(void);
void inspector_look(const struct scenario *s);    /* while the child lives */
void inspector_inspect(const struct scenario *s); /* when the child is gone */
void inspector_search(const struct scenario *s);  /* after a kill, for what must live on */
void inspector_intrude(const struct scenario *s, enum intruder who);

#endif
