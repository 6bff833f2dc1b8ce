/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory of names, /dev/shm. An entry is a name in the directory, without a slash. */
#ifndef SHMX_DIRECTORY_H
#define SHMX_DIRECTORY_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define DIRECTORY "/dev/shm"

/* Functions of type int return 0 or more, or a negative errno value. */

/* Does what open(2) does, but never follows a symbolic link. Returns the descriptor. -EAGAIN means
   that another process has a lease on the object, which is over in a moment. */
int shmx_directory_open(const char *entry, int flags, mode_t mode);

/* Makes a file without an entry, and returns its descriptor. -ENOTSUP means that the directory is
   not on a tmpfs. */
int shmx_directory_new_file(mode_t mode);

/* Opens the object of fd again, and returns the new descriptor. The function checks that it is the
   same object. It fails where the permissions of the object or /proc do not allow that. */
int shmx_directory_reopen(int fd, const struct stat *st, int access);

int shmx_directory_stat(const char *entry, struct stat *st);

/* Returns whether the entry is that object. object is a struct stat, of which st_dev and st_ino are
   compared. */
bool shmx_directory_is(const char *entry, const void *object);

/* Finds an entry of that object. Hidden entries do not count. -ENOENT means that there is none. */
int shmx_directory_find(const struct stat *object, char entry[NAME_MAX + 1]);

/* Reads the target of a symbolic link. -ENOENT means that the entry is not a symbolic link, and
   -ELOOP that the target does not fit. */
int shmx_directory_readlink(const char *entry, char *text, size_t size);

int shmx_directory_symlink(const char *text, const char *entry);

/* Gives the file without an entry a name. -EEXIST means that the name is taken. */
int shmx_directory_link(int fd, const char *entry);

/* Renames an entry. -EEXIST means that the new name is taken. */
int shmx_directory_rename(const char *from, const char *to);

int shmx_directory_unlink(const char *entry);

/* Whether the caller may remove an entry of a certain owner and group. The answer is 0, or the
   error that unlink(2) would give. A caller who asks for many owners looks at the directory only
   once. */
struct rights {
    int   error; /* why the caller may remove nothing at all, or 0 */
    bool  sticky;
    uid_t owner; /* of the directory */
    dev_t dev;   /* of the directory: an entry with another one is a mount */
};
struct rights shmx_directory_rights(void);

int shmx_rights_to_unlink(const struct rights *rights, uid_t owner, gid_t group);
int shmx_directory_may_unlink(uid_t owner, gid_t group);

/*
 * Between the look at an entry and its removal, nobody else may remove the entry and make a new
 * one. So a process that removes an entry locks the whole directory for that time. The lock is a
 * courtesy among users of this library: a process that has waited in vain for 0.3 seconds goes
 * ahead. shmx_directory_lock returns what shmx_directory_unlock takes.
 */
int  shmx_directory_lock(void);
void shmx_directory_unlock(int lock);
/* These two are for locking again and again. The lock is released meanwhile, and
   shmx_directory_unlock ends it. */
void shmx_directory_relock(int lock);
void shmx_directory_release(int lock);

/* Sleeps for less than a second. Signals do not shorten the sleep. */
void shmx_pause(int milliseconds);

/* Calls visit for each entry, also for hidden ones, until visit returns other than 0. Returns what
   the last visit returned. */
int shmx_directory_walk(int (*visit)(const struct dirent *d, void *arg), void *arg);

#endif
