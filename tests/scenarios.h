/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses of each public function, to be walked over by walk.c, and what each of them promises. */
#ifndef TESTS_SCENARIOS_H
#define TESTS_SCENARIOS_H

#include "shmx.h"

#include <stdbool.h>
#include <sys/types.h>

#define WALK_NAME     "/walk"
#define WALK_SIZE     20000
#define WALK_CONTENTS "complete"

/* All that a call may write to. */
struct outputs {
    struct shmx     *seg;
    void            *addr;
    struct shmx_stat st;
    char             buf[32];
    FILE            *stream;
};

/* Traits of a scenario. */
enum {
    PLAIN = 1,     /* what it makes has no contents */
    STAYS = 2,     /* a killed process may leave a segment without a name: no one's fault */
    ENDS = 4,      /* ends what there was, or may when it is killed */
    TIDIES = 8,    /* a call that fails may have removed names: they lead to nothing alive */
    ONCE = 16,     /* after a failure it cannot be done again */
    LITTERED = 32, /* something else is left when all is well and over */
    IN_PART = 64,  /* what it cannot do it leaves to be done later, by itself or by collecting */
    SLOW = 128,    /* takes a second: not every fault is tried */
    USERS = 256    /* takes other users, which a user namespace may lack */
};

struct scenario {
    const char *name;
    const char *function; /* whose documented errors count */
    unsigned    flags;    /* of shmx_create, for what is made */
    unsigned    traits;
    void (*prepare)(const struct scenario *s);
    int64_t (*call)(const struct scenario *s); /* one call of the function */
    void (*verify)(const struct scenario *s);  /* what else it promises, once it has succeeded */
};

/* Beside SHMX_RDONLY, how a handle came to be: by id or descriptor. */
#define OPENED_RAW 0x80000000u

/* What there is in a scenario, and what is to be true of the segment. Calls that succeed say here
   what they have changed. */
struct stage {
    struct shmx *seg, *other;                       /* handles */
    unsigned     seg_flags, other_flags, out_flags; /* of them, and of outputs.seg */
    void        *addr;                              /* an attachment of seg */
    uint64_t     size;
    mode_t       mode;
    uid_t        uid;
    bool         named;     /* WALK_NAME leads to it */
    bool         keyed;     /* it has a raw key */
    bool         destroyed; /* no name, key or id leads to it any more */
    bool         sparse, pinned;
    pid_t        keeper; /* another process that holds it, or 0 */
};

extern struct outputs outputs;
extern struct stage   stage;

/* Tables that end with a scenario without a name; the last table is NULL. */
extern const struct scenario *const scenario_tables[];
extern const struct scenario        name_scenarios[], life_scenarios[], collect_scenarios[],
    memory_scenarios[], data_scenarios[], huge_scenarios[], wait_scenarios[];

#define POSIX SHMX_POSIX
#define SYSV  SHMX_SYSV
#define GONE  SHMX_EPHEMERAL

#define BOTH(name, function, flags, traits, prepare, call, verify)                                 \
    { "posix " name, function, POSIX | (flags), traits, prepare, call, verify },                   \
    {                                                                                              \
        "sysv " name, function, SYSV | (flags), traits, prepare, call, verify                      \
    }

/* walk.c: something is wrong; the first complaint counts. */
void complain(const char *what, const char *more);

/* Beginnings. */
void need(const char *what, int64_t r); /* or the scenario cannot begin */
void begin_with_nothing(const struct scenario *s);
void begin_named(const struct scenario *s);
void begin_attached(const struct scenario *s);
void begin_anonymous(const struct scenario *s);
void begin_dead(const struct scenario *s); /* an entry whose segment is dead, and a cold start */

/* Make the named segment with its contents; an error of shmx_open_or_create. */
int  make_complete(unsigned flags, struct shmx **seg);
void initialise(char *start); /* with the contents */

/* As another process, so that this one has not done anything yet. */
void elsewhere(void (*body)(const struct scenario *s), const struct scenario *s);

/* Somebody else holds it, too, from now on. */
void keep_alive(void);

/* Promises. */
void promise(bool kept, const char *what);
/* Of every handle that there is: what the kernel says of its segment, and that it can be used. */
void check_facts(const struct scenario *s);
void check_uses(const struct scenario *s);
/* What an attachment at outputs.addr is. */
struct view {
    size_t   offset, length;
    unsigned flags;
};
void check_view(struct view v);
/* Everything is ended in order. */
void end_all(const struct scenario *s);

/* What the name leads to, if anything, is complete: NULL, or what is wrong. */
const char *find_incomplete(bool plain);

/* A segment that was there before the call, so that it can be looked for after a kill. */
struct lived {
    bool          there, named;
    bool          must; /* live on, whatever happens to this process */
    unsigned      backend;
    int           id;
    unsigned long ino;
};
void note_lived(const struct scenario *s, struct lived *lived);
/* NULL, or what is lost of it. */
const char *find_lost(const struct lived *lived, bool plain);

#endif
