/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include "failure.h"
#include "hidden.h"
#include "namespace.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* How many milliseconds to wait for others who remove entries. A busy machine keeps a process from
   running for less than that. */
#define PATIENCE 300

/* Room for a path. A path is large, so it is neither cleared nor copied. */
struct path {
    char text[sizeof DIRECTORY "/" + NAME_MAX];
};

static const char *
path_of(const char *entry, struct path *path)
{
    memcpy(path->text, DIRECTORY "/", sizeof DIRECTORY);
    memccpy(path->text + sizeof DIRECTORY, entry, '\0', NAME_MAX); /* strlcpy goes byte by byte */
    path->text[sizeof path->text - 1] = '\0';
    return path->text;
}

/* Opens the path, and starts again if a signal interrupts that. */
static int
open_path(const char *path, int flags, mode_t mode)
{
    int fd;

    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        return fd;
    return errno == EAGAIN ? -EAGAIN : failure();
}

int
shmx_directory_open(const char *entry, int flags, mode_t mode)
{
    struct path path;

    /* With O_NONBLOCK, neither a FIFO nor a lease of another process makes the caller wait. */
    return open_path(path_of(entry, &path), flags | O_NOFOLLOW | O_NONBLOCK, mode);
}

int
shmx_directory_new_file(mode_t mode)
{
    struct statfs fs;
    int           fd = open_path(DIRECTORY, O_TMPFILE | O_RDWR, mode);

    if (fd < 0)
        return fd == -EISDIR ? -ENOTSUP : fd; /* the file system does not know O_TMPFILE */
    if (fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == TMPFS_MAGIC)
        return fd;
    close(fd);
    return -ENOTSUP;
}

int
shmx_directory_reopen(int fd, const struct stat *st, int access)
{
    char        self[40];
    struct stat found;
    int         fresh;

    /* A thread may have a table of descriptors of its own, and the main thread may have ended. */
    snprintf(self, sizeof self, "/proc/thread-self/fd/%d", fd);
    fresh = open_path(self, access | O_NONBLOCK, 0);
    if (fresh < 0)
        return fresh;
    /* In a chroot, /proc may be a directory that anybody has made. */
    if (fstat(fresh, &found) == 0 && found.st_dev == st->st_dev && found.st_ino == st->st_ino)
        return fresh;
    close(fresh);
    return -ENOENT;
}

int
shmx_directory_stat(const char *entry, struct stat *st)
{
    struct path path;

    return lstat(path_of(entry, &path), st) < 0 ? failure() : 0;
}

bool
shmx_directory_is(const char *entry, const void *object)
{
    const struct stat *st = object;
    struct stat        now;

    return shmx_directory_stat(entry, &now) == 0 && now.st_dev == st->st_dev
           && now.st_ino == st->st_ino;
}

int
shmx_directory_readlink(const char *entry, char *text, size_t size)
{
    struct path path;
    ssize_t     length = readlink(path_of(entry, &path), text, size);

    if (length < 0)
        return errno == EINVAL ? -ENOENT : failure();
    if ((size_t)length == size)
        return -ELOOP;
    text[length] = '\0';
    return 0;
}

int
shmx_directory_symlink(const char *text, const char *entry)
{
    struct path path;

    return symlink(text, path_of(entry, &path)) < 0 ? failure() : 0;
}

int
shmx_directory_link(int fd, const char *entry)
{
    struct path path;
    struct stat st;
    char        self[40];

    path_of(entry, &path);
    if (linkat(fd, "", AT_FDCWD, path.text, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT)
        return failure();
    /* Before Linux 6.10 the call above takes CAP_DAC_READ_SEARCH. This way is open to everybody. */
    snprintf(self, sizeof self, "/proc/thread-self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path.text, AT_SYMLINK_FOLLOW) < 0)
        return failure();
    /* In a chroot, /proc may be a directory that anybody has made, and the path may lead to another
       object. */
    if (fstat(fd, &st) == 0 && st.st_nlink > 0)
        return 0;
    unlink(path.text);
    return -ENOENT;
}

int
shmx_directory_rename(const char *from, const char *to)
{
    struct path old, new;
    long r = syscall(SYS_renameat2, AT_FDCWD, path_of(from, &old), AT_FDCWD, path_of(to, &new),
                     RENAME_NOREPLACE); /* not every C library has this function */

    return r < 0 ? failure() : 0;
}

int
shmx_directory_unlink(const char *entry)
{
    struct path path;

    return unlink(path_of(entry, &path)) < 0 ? failure() : 0;
}

struct rights
shmx_directory_rights(void)
{
    struct stat st;

    if (faccessat(AT_FDCWD, DIRECTORY, W_OK | X_OK, AT_EACCESS) < 0 || stat(DIRECTORY, &st) < 0)
        return (struct rights){ .error = failure() };
    return (struct rights){ 0, (st.st_mode & S_ISVTX) != 0, st.st_uid, st.st_dev };
}

int
shmx_rights_to_unlink(const struct rights *rights, uid_t owner, gid_t group)
{
    if (rights->error < 0)
        return rights->error;
    return !rights->sticky || shmx_same_user(owner, geteuid())
                   || shmx_same_user(rights->owner, geteuid())
                   || (shmx_same_user(owner, owner) && shmx_is_mapped_group(group)
                       && shmx_has_capability(CAP_FOWNER))
               ? 0
               : -EPERM;
}

int
shmx_directory_may_unlink(uid_t owner, gid_t group)
{
    const struct rights rights = shmx_directory_rights();

    return shmx_rights_to_unlink(&rights, owner, group);
}

void
shmx_directory_relock(int lock)
{
    /* How many attempts all calls together have left until one of them gets the lock. So a process
       that keeps the lock for good delays nobody for long. */
    static _Atomic int patience = PATIENCE;
    int                r = lock < 0 ? 0 : -1;

    while (r < 0 && (r = flock(lock, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK
           && atomic_fetch_sub(&patience, 1) > 0)
        shmx_pause(1);
    atomic_store(&patience, r == 0 ? PATIENCE : 0);
}

int
shmx_directory_lock(void)
{
    const int lock = open_path(DIRECTORY, O_RDONLY | O_DIRECTORY, 0);

    shmx_directory_relock(lock);
    return lock;
}

void
shmx_directory_release(int lock)
{
    if (lock >= 0)
        flock(lock, LOCK_UN); /* closing does not suffice: a child that was forked meanwhile has
                                 this lock, too */
}

void
shmx_directory_unlock(int lock)
{
    shmx_directory_release(lock);
    if (lock >= 0)
        close(lock);
}

void
shmx_pause(int milliseconds)
{
    struct timespec left = { .tv_nsec = milliseconds * 1000000L };

    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

int
shmx_directory_walk(int (*visit)(const struct dirent *d, void *arg), void *arg)
{
    struct dirent *d;
    int            fd, r = 0;
    DIR           *dir;

    fd = open_path(DIRECTORY, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    dir = fdopendir(fd);
    if (dir == NULL) {
        r = failure();
        close(fd);
        return r;
    }
    while (r == 0 && (d = readdir(dir)) != NULL)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            r = visit(d, arg);
    closedir(dir);
    return r;
}

struct search {
    const struct stat *object;
    char              *entry;
};

static int
compare_entry(const struct dirent *d, void *arg)
{
    const struct search *search = arg;

    if (d->d_ino != search->object->st_ino || shmx_is_hidden(d->d_name)
        || !shmx_directory_is(d->d_name, search->object))
        return 0;
    strlcpy(search->entry, d->d_name, NAME_MAX + 1);
    return 1;
}

int
shmx_directory_find(const struct stat *object, char entry[NAME_MAX + 1])
{
    int r = shmx_directory_walk(compare_entry, &(struct search){ object, entry });

    return r == 1 ? 0 : r < 0 ? r : -ENOENT;
}
