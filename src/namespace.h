/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions about processes, IPC namespaces, users and their rights. */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PID_BITS 22 /* the kernel's PID_MAX_LIMIT is 4 Mi */

/*
 * Gives a number that no other living process has. The upper part is the number of the pid
 * namespace (32 bits, or 0 where /proc is not mounted), and the lower part is the pid in that
 * namespace. The number is never 0. Returns 0, or a negative errno value and the number 0.
 */
int shmx_process(uint64_t *number);

/* Returns whether the number has both parts. Without the upper part, processes of different pid
   namespaces may have the same number. */
static inline bool
shmx_process_is_unique(uint64_t number)
{
    return number >> PID_BITS != 0;
}

/* Gives the number of the IPC namespace of the calling thread, or 0 where /proc is not mounted.
   Returns 0 or a negative errno value. */
int shmx_ipc_namespace(unsigned long *number);

/* Returns whether a and b are known to be the same user. All users whom the user namespace does not
   map have one number. So where there are such users, that number equals nothing. */
bool shmx_same_user(uid_t a, uid_t b);

/* Returns whether the number is known to mean one certain group. */
bool shmx_is_mapped_group(gid_t group);

/* Returns whether the owner is the effective user or root. */
bool shmx_trusts(uid_t owner);

/* Returns whether a privilege in the user namespace of the thread is also a privilege over its IPC
   namespace. */
bool shmx_rules_ipc_namespace(void);

/* Returns whether the thread has the capability, such as CAP_FOWNER, in effect. */
bool shmx_has_capability(unsigned capability);

/* Opens a file of /proc for reading. Returns NULL and sets errno if that fails. In a chroot, /proc
   may be a directory that anybody has made, so only files of the kernel are accepted. */
FILE *shmx_open_proc(const char *path);

#endif
