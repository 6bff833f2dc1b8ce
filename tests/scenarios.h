/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses of each public function, over which walk.c walks, and what each of them promises. */
#ifndef TESTS_SCENARIOS_H
#define TESTS_SCENARIOS_H

#include "shmx.h"

#include <stdbool.h>
#include <sys/types.h>

#define WALK_NAME     "/walk"
#define WALK_SIZE     20000
#define WALK_CONTENTS "complete"

/* Everything that a call may write to. */
struct outputs {
    struct shmx     *seg;
    void            *addr;
    struct shmx_stat st;
    char             buf[32];
    FILE            *stream;
};

/* The traits of a scenario. */
enum {
    PLAIN = 1,     /* what it makes has no contents */
    STAYS = 2,     /* a killed process may leave a segment without a name, which is nobody's
                      fault */
    ENDS = 4,      /* it ends what there was, or may do so when it is killed */
    TIDIES = 8,    /* a failed call may have removed names that lead to nothing alive */
    ONCE = 16,     /* after a failure it cannot be done again */
    LITTERED = 32, /* something else is left when all is well and over */
    IN_PART = 64,  /* what it cannot do is done later, by itself or by collecting */
    SLOW = 128,    /* it takes a second, so not every fault is tried */
    USERS = 256    /* it takes other users, which a user namespace may lack */
};

struct scenario {
    const char *name;
    const char *function; /* the function whose documented errors count */
    unsigned    flags;    /* the flags of shmx_create for what is made */
    unsigned    traits;
    void (*prepare)(const struct scenario *s);
    int64_t (*call)(const struct scenario *s); /* makes one call of the function */
    void (*verify)(const struct scenario *s);  /* checks what else it promises, once it has
                                                  succeeded */
};

/* Used with SHMX_RDONLY to tell how a handle was made: by id or descriptor. */
#define OPENED_RAW 0x80000000u

/* What there is in a scenario, and what must be true of the segment. Calls that succeed record here
   what they have changed. */
struct stage {
    struct shmx *seg, *other;                       /* handles */
    unsigned     seg_flags, other_flags, out_flags; /* of these handles, and of outputs.seg */
    void        *addr;                              /* an attachment of seg */
    uint64_t     size;
    mode_t       mode;
    uid_t        uid;
    bool         named;     /* whether WALK_NAME leads to it */
    bool         keyed;     /* whether it has a raw key */
    bool         destroyed; /* whether no name, key or id leads to it any more */
    bool         sparse, pinned;
    pid_t        keeper; /* another process that holds it, or 0 */
};

extern struct outputs outputs;
extern struct stage   stage;

/* Each table ends with a scenario without a name. The last table is NULL. */
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

/* walk.c. Something is wrong. Only the first complaint counts. */
void complain(const char *what, const char *more);

/* Beginnings. */
void need(const char *what, int64_t r); /* otherwise the scenario cannot begin */
void begin_with_nothing(const struct scenario *s);
void begin_named(const struct scenario *s);
void begin_attached(const struct scenario *s);
void begin_anonymous(const struct scenario *s);
void begin_dead(const struct scenario *s); /* an entry whose segment is dead, in a process that has
                                              done nothing yet */

/* Makes the named segment with its contents. Returns 0 or an error of shmx_open_or_create. */
int  make_complete(unsigned flags, struct shmx **seg);
void initialise(char *start); /* with the contents */

/* Runs body as another process, so that this process has not done anything yet. */
void elsewhere(void (*body)(const struct scenario *s), const struct scenario *s);

/* From now on, another process holds the segment, too. */
void keep_alive(void);

/* Promises. */
void promise(bool kept, const char *what);
/* Check, for every handle, what the kernel says of its segment, and that the handle can be used. */
void check_facts(const struct scenario *s);
void check_uses(const struct scenario *s);
/* What an attachment at outputs.addr is like. */
struct view {
    size_t   offset, length;
    unsigned flags;
};
void check_view(struct view v);
/* Ends everything in order. */
void end_all(const struct scenario *s);

/* Returns what is wrong if the name leads to something incomplete, or NULL. */
const char *find_incomplete(bool plain);

/* A segment that existed before the call, and that is looked for after a kill. */
struct lived {
    bool          there, named;
    bool          must; /* whether it must live on, whatever happens to this process */
    unsigned      backend;
    int           id;
    unsigned long ino;
};
void note_lived(const struct scenario *s, struct lived *lived);
/* Returns what is lost of it, or NULL. */
const char *find_lost(const struct lived *lived, bool plain);

#endif
