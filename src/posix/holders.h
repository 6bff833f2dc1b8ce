/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds a POSIX segment: each handle keeps an open-file-description read lock on one byte far
 * past the end, whose offset says the process. The kernel releases it however the process ends, and
 * F_OFD_GETLK finds it. Nothing is stored in the object.
 *
 * Two rules keep a dead ephemeral segment dead. Who joins first sees another holder, then locks.
 * Who buries takes a write lock on all the bytes, so that nobody can join meanwhile.
 */
#ifndef SHMX_HOLDERS_H
#define SHMX_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

/* Become a holder for as long as the description lives. -EAGAIN: somebody is burying. */
int holders_join(int fd);

/* Whether anyone holds through another description. */
bool holders_exist(int fd);

/* How many processes hold through other descriptions; own: and this one. -1: unknown. */
int64_t holders_count(int fd, bool own);

/* Shut everybody out for as long as the description lives. -EAGAIN: somebody holds. */
int holders_exclude(int fd);

/* Whether no other description of the object is open at all, in whatever program. */
bool holders_alone(int fd);

/* Take turns at changing the size, across processes; waits. */
int  holders_lock_size(int fd);
void holders_unlock_size(int fd);

#endif
