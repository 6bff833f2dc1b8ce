/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory of names, /dev/shm. An entry is a name in it, without a slash. */
#ifndef SHMX_DIRECTORY_H
#define SHMX_DIRECTORY_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define DIRECTORY "/dev/shm"

/* Functions that return int: 0 or more, or a negative errno. */

/* open(2), never through a symbolic link. Returns the descriptor; -EAGAIN: somebody has a lease on
   the object, for a moment. */
int shmx_directory_open(const char *entry, int flags, mode_t mode);

/* A new file without an entry. Returns the descriptor; -ENOTSUP: the directory is no tmpfs. */
int shmx_directory_new_file(mode_t mode);

/* Another descriptor of the same object; an error where its permissions or /proc do not allow it.
   Whether it is the same object is checked. */
int shmx_directory_reopen(int fd, const struct stat *st, int access);

int shmx_directory_stat(const char *entry, struct stat *st);

/* Whether the entry is that object: a struct stat, of which dev and ino are compared. */
bool shmx_directory_is(const char *entry, const void *object);

/* The entry that is that object, hidden ones aside; -ENOENT if there is none. */
int shmx_directory_find(const struct stat *object, char entry[NAME_MAX + 1]);

/* The target of the symbolic link; -ENOENT if it is none, -ELOOP if it does not fit. */
int shmx_directory_readlink(const char *entry, char *text, size_t size);

/* A new symbolic link. */
int shmx_directory_symlink(const char *text, const char *entry);

/* Give the nameless file an entry; -EEXIST if there is one. */
int shmx_directory_link(int fd, const char *entry);

/* Rename; -EEXIST if there is an entry to. */
int shmx_directory_rename(const char *from, const char *to);

int shmx_directory_unlink(const char *entry);

/* Whether the caller may remove an entry of that owner: 0, or the error of unlink(2). Who asks for
   many owners looks at the directory once. */
struct rights {
    int   error; /* why nobody here may remove anything, or 0 */
    bool  sticky;
    uid_t owner; /* of the directory */
};
struct rights shmx_directory_rights(void);
int           shmx_rights_to_unlink(const struct rights *rights, uid_t owner);
int           shmx_directory_may_unlink(uid_t owner);

/*
 * Between looking at an entry and removing it, nobody else may remove it and make a new one. So
 * whoever removes an entry has this lock, of all the directory, for as long. It is a courtesy among
 * users of this library: whoever waits in vain for 0.3 seconds goes ahead. Returns what
 * shmx_directory_unlock takes.
 */
int  shmx_directory_lock(void);
void shmx_directory_unlock(int lock);
/* The same again and again: unlocked meanwhile, and ended by shmx_directory_unlock. */
void shmx_directory_relock(int lock);
void shmx_directory_release(int lock);

/* Sleep for less than a second, whatever signals come. */
void shmx_pause(int milliseconds);

/* Calls visit for each entry, hidden ones too, until it returns other than 0: that is returned. */
int shmx_directory_walk(int (*visit)(const struct dirent *d, void *arg), void *arg);

#endif
