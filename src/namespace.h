/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#define NAMESPACE_IPC "/proc/self/ns/ipc"
#define NAMESPACE_PID "/proc/self/ns/pid"

/* The number of that namespace of this process; 0 where /proc is not there to tell. Returns 0 or
   -errno. */
int namespace_number(const char *path, unsigned long *number);

/* Whether that user is the effective one or root. All users that a user namespace does not know
   look the same there, the effective one among them perhaps: such a user is trusted by nobody. */
bool namespace_trusts(uid_t owner);

#endif
