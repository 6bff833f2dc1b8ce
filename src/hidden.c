/* SPDX-License-Identifier: BSD-2-Clause */
#include "hidden.h"

#include "name.h"
#include "namespace.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PID_MASK ((UINT64_C(1) << PID_BITS) - 1)

int
shmx_hidden_name(enum hidden_kind kind, char text[HIDDEN_MAX])
{
    static _Atomic unsigned count;
    uint64_t                process;
    int                     r = shmx_process(&process);

    if (r < 0)
        return r;
    snprintf(text, HIDDEN_MAX, NAME_HIDDEN "%" PRIu64 "-%" PRIu64 "-%x-%c", process >> PID_BITS,
             process & PID_MASK, atomic_fetch_add(&count, 1), (char)kind);
    return 0;
}

bool
shmx_is_hidden(const char *entry)
{
    return strncmp(entry, NAME_HIDDEN, strlen(NAME_HIDDEN)) == 0;
}

bool
shmx_hidden_parse(const char *text, struct hidden *hidden)
{
    uint64_t space, pid;
    char     kind;
    int      end = 0;

    if (sscanf(text, NAME_HIDDEN "%" SCNu64 "-%" SCNu64 "-%*x-%c%n", &space, &pid, &kind, &end) != 3
        || text[end] != '\0' || space > UINT32_MAX || pid > PID_MASK || strchr("cpx", kind) == NULL)
        return false;
    hidden->process = space << PID_BITS | pid;
    hidden->kind = (enum hidden_kind)kind;
    return true;
}

/* Returns the pid of the maker in this pid namespace. 0 means that the maker is not in this
   namespace, or that nobody can tell. */
static pid_t
maker_of(const struct hidden *hidden)
{
    uint64_t here;

    return shmx_process(&here) == 0 && hidden->process >> PID_BITS == here >> PID_BITS
               ? (pid_t)(hidden->process & PID_MASK)
               : 0;
}

/* The pid may have been given out again. Then what the maker has left stays until that process
   ends, too. */
bool
shmx_hidden_in_use(const struct hidden *hidden)
{
    const pid_t pid = maker_of(hidden);

    return pid != 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

bool
shmx_hidden_is_by(const struct hidden *hidden, pid_t pid)
{
    const pid_t maker = maker_of(hidden);

    return maker == 0 || maker == pid;
}
