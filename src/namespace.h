/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

/* The number of this process's namespace of that type ("ipc", "pid"); 0 where /proc is not there
   to tell. Returns 0 or -errno. */
int namespace_number(const char *type, unsigned long *number);

/* Whether that user is the effective one or root. All users that a user namespace does not know
   look the same there, the effective one among them perhaps: such a user is trusted by nobody. */
bool namespace_trusts(uid_t owner);

#endif
