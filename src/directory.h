/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of names, /dev/shm. An entry is a name in it, without a slash. Hidden entries,
 * which begin with NAME_HIDDEN, are ours: what is being made or removed just now, and locks.
 */
#ifndef SHMX_DIRECTORY_H
#define SHMX_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#define DIRECTORY "/dev/shm"

/* ".shmx-", pid namespace, pid, random number; all in decimal and hexadecimal. */
#define DIRECTORY_HIDDEN_MAX 64

/* Functions that return int: 0 or more, or a negative errno. */

/* open(2), of existing entries only and never through a symbolic link. Returns the descriptor;
   -EAGAIN: somebody has a lease on it, for a moment. */
int directory_open(const char *entry, int access);

/* A new file without an entry. Returns the descriptor. */
int directory_new_file(mode_t mode);

int directory_stat(const char *entry, struct stat *st);

/* Whether the entry is that object: a struct stat, of which dev and ino are compared. */
bool directory_is(const char *entry, const void *object);

/* The entry that is that object, hidden ones aside; -ENOENT if there is none. */
int directory_find(const struct stat *object, char entry[NAME_MAX + 1]);

/* The target of the symbolic link; -ENOENT if it is none, -ELOOP if it does not fit. */
int directory_readlink(const char *entry, char *text, size_t size);

/* A new hidden entry, its name written to hidden, that is a symbolic link with that text. */
int directory_hide_link(const char *text, char hidden[DIRECTORY_HIDDEN_MAX]);

/* Give the nameless file an entry; -EEXIST if there is one. */
int directory_link(int fd, const char *entry);

/* Rename; -EEXIST if there is an entry to. */
int directory_rename(const char *from, const char *to);

int directory_unlink(const char *entry);

/*
 * Take the entry away, to a hidden one, if mine(entry, what) says so before and after. In between
 * it might have become a stranger's: that one goes back. -ENOENT: not mine (any more).
 */
int directory_withdraw(const char *entry, bool (*mine)(const char *entry, const void *what),
                       const void *what, char hidden[DIRECTORY_HIDDEN_MAX]);

/* Give the link, if mine says that it is ours, to another owner. */
int directory_chown(const char *entry, const char *text, uid_t uid, gid_t gid);

bool directory_is_hidden(const char *entry);

/* Whether whoever made the hidden entry, last changed at that time, cannot be at work any more. */
bool directory_is_abandoned(const char *hidden, struct timespec changed);

/* Calls visit for each entry, hidden ones too, until it returns other than 0: that is returned. */
int directory_walk(int (*visit)(const char *entry, void *arg), void *arg);

/*
 * A lock for those who want to make what text refers to: held by the kernel, gone with its holder.
 * Whoever may use a segment of that mode may take it; owned: -EPERM if neither the effective user
 * nor root has made it. Returns a descriptor for directory_unlock.
 */
int  directory_lock(const char *text, mode_t mode, bool owned);
void directory_unlock(const char *text, int fd);

/* Remove the hidden entry if it is a lock that nobody holds. */
void directory_collect_lock(const char *hidden);

#endif
