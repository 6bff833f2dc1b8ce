/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses of each public function, to be walked over by walk.c. */
#ifndef TESTS_SCENARIOS_H
#define TESTS_SCENARIOS_H

#include "shmx.h"

#include <stdbool.h>

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

struct scenario {
    const char *name;
    const char *function; /* whose documented errors count */
    unsigned    flags;    /* of shmx_create, for what is made */
    bool        plain;    /* makes a segment without contents */
    bool        stays;    /* a killed process may leave a segment without a name: no one's fault */
    void (*prepare)(const struct scenario *s);
    int64_t (*call)(const struct scenario *s); /* one call of the function */
};

extern const struct scenario scenarios[];
extern struct outputs        outputs;

/* Make the named segment with its contents; an error of shmx_open_or_create. */
int make_complete(unsigned flags, struct shmx **seg);

/* What the name leads to, if anything, is complete: NULL, or what is wrong. */
const char *find_incomplete(bool plain);

/* Whether a call that fails may have removed names: they lead to nothing alive. */
bool may_lose_names(const struct scenario *s);

/* End what the scenario has open. */
void put_away(bool succeeded);

#endif
