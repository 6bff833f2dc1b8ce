/* SPDX-License-Identifier: BSD-2-Clause */
/* Which process, which IPC namespace and which users these are. */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PID_BITS 22 /* of a pid: PID_MAX_LIMIT is 4 Mi */

/*
 * A number that no other living process has: the number of the pid namespace (32 bits; 0 where
 * /proc is not there to tell), then the pid in it. Never 0. Returns 0 or a negative errno.
 */
int shmx_process(uint64_t *number);

/* The number of the calling thread's IPC namespace; 0 where /proc is not there to tell. Returns 0
   or a negative errno. */
int shmx_ipc_namespace(unsigned long *number);

/* Whether both are known to be the same user. All users whom the user namespace does not map have
   one number, so where there are any, that number is equal to nothing. */
bool shmx_same_user(uid_t a, uid_t b);

/* Whether that user is the effective one or root. */
bool shmx_trusts(uid_t owner);

/* Whether privilege in the thread's user namespace is privilege over its IPC namespace. */
bool shmx_rules_ipc_namespace(void);

/* Whether the thread has that capability in effect, CAP_FOWNER or the like. */
bool shmx_has_capability(unsigned capability);

/* A file of /proc, for reading, or NULL with errno. In a chroot, /proc may be anybody's directory:
   only the kernel's own files are opened. */
FILE *shmx_open_proc(const char *path);

#endif
