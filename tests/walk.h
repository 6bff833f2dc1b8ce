/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of walk.c: the one that walks, its children, and an inspector. */
#ifndef TESTS_WALK_H
#define TESTS_WALK_H

#include "faults.h"
#include "scenarios.h"
#include "snapshot.h"

#include <linux/seccomp.h>
#include <stdint.h>

#define CALLS 512 /* of one scenario, at most */

enum phase { PREPARING, CALLING, DONE };

/* What all processes share about the run. */
struct shared {
    _Atomic int        listener; /* its descriptor in the child, once it is there */
    _Atomic enum phase phase;
    _Atomic int        allocations; /* made while CALLING */
    bool               rehearsal;
    bool               disturbed; /* another process has taken or removed the name meanwhile */
    int64_t            result;
    unsigned           excuse; /* of the faults that there were, as of faults_excuse */
    struct lived       lived;
    pid_t              keeper;
    bool               named; /* at the meeting: whether something is to have the name */
    char               complaint[512];
};

extern struct shared *shared;

/* What a success looks like when nothing goes wrong, for comparison. Also shared. */
extern char *usual;
#define USUAL_MAX (2 * SNAPSHOT_MAX)

/* Who else may be at work: one who collects and does not see whether the child lives, who removes
   what has the name, who takes the name. */
enum intruder { COLLECTOR, REMOVER, TAKER, INTRUDERS };

/* What is to happen in a run. Counted from 1; 0: never. */
struct plan {
    int                      fail_from, times, error; /* calls of that kind */
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

/* walk_run.c: run the scenario in a child. Returns its status, and in *trace what it did. */
int run_scenario(const struct scenario *s, const struct plan *plan, struct trace *trace);

/* walk_child.c: all that the child does. The socket is for the meeting, at which the inspector
   looks from outside at what a call has made. */
extern int     fail_allocation;
_Noreturn void child_run(const struct scenario *s, int meeting);

/*
 * walk_inspect.c: a process that does what the one that walks must not do itself, since each child
 * is to begin without anything that the library may have noted of its process.
 */
void inspector_start(void);
void inspector_look(const struct scenario *s);    /* while the child lives */
void inspector_inspect(const struct scenario *s); /* when it is gone */
void inspector_search(const struct scenario *s);  /* when it was killed, for what must live on */
void inspector_intrude(const struct scenario *s, enum intruder who);

#endif
