/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include "failure.h"
#include "name.h"
#include "namespace.h"
#include "random.h"

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCK NAME_HIDDEN "lock-"

/* A process of another pid namespace is believed to be gone after so many seconds. */
#define PATIENCE 60

/* Room for a path; large, so it is not cleared and not copied. */
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

int
directory_open(const char *entry, int access)
{
    /* Never O_CREAT: fs.protected_regular makes it fail on what others own, even for root.
       O_NONBLOCK: a FIFO must not hang us. */
    struct path path;
    int         fd;

    path_of(entry, &path);
    do
        fd = open(path.text, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno == EAGAIN ? -EAGAIN : failure();
    return fd;
}

int
directory_new_file(mode_t mode)
{
    int fd;

    do
        fd = open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno == EISDIR ? -ENOTSUP : failure(); /* no O_TMPFILE here */
    return fd;
}

int
directory_stat(const char *entry, struct stat *st)
{
    struct path path;

    return lstat(path_of(entry, &path), st) < 0 ? failure() : 0;
}

bool
directory_is(const char *entry, const void *object)
{
    const struct stat *st = object;
    struct stat        now;

    return directory_stat(entry, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

int
directory_readlink(const char *entry, char *text, size_t size)
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

static int
hidden_name(char hidden[DIRECTORY_HIDDEN_MAX])
{
    unsigned long space;
    uint64_t      number;
    int           r = namespace_number(NAMESPACE_PID, &space);

    if (r == 0)
        r = random_fill(&number, sizeof number);
    if (r != 0)
        return r;
    snprintf(hidden, DIRECTORY_HIDDEN_MAX, NAME_HIDDEN "%lu-%ld-%016" PRIx64, space, (long)getpid(),
             number);
    return 0;
}

int
directory_hide_link(const char *text, char hidden[DIRECTORY_HIDDEN_MAX])
{
    struct path path;
    int         r = hidden_name(hidden);

    if (r == 0 && symlink(text, path_of(hidden, &path)) < 0)
        r = failure();
    return r;
}

int
directory_link(int fd, const char *entry)
{
    struct path path;
    char        self[32];

    path_of(entry, &path);
    if (linkat(fd, "", AT_FDCWD, path.text, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT)
        return failure();
    /* Before Linux 6.10 that takes CAP_DAC_READ_SEARCH; this way is open to everybody. */
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path.text, AT_SYMLINK_FOLLOW) < 0 ? failure() : 0;
}

int
directory_rename(const char *from, const char *to)
{
    struct path old, new;
    long r = syscall(SYS_renameat2, AT_FDCWD, path_of(from, &old), AT_FDCWD, path_of(to, &new),
                     RENAME_NOREPLACE); /* not every C library has a function for it */

    return r < 0 ? failure() : 0;
}

int
directory_unlink(const char *entry)
{
    struct path path;

    return unlink(path_of(entry, &path)) < 0 ? failure() : 0;
}

int
directory_withdraw(const char *entry, bool (*mine)(const char *entry, const void *what),
                   const void *what, char hidden[DIRECTORY_HIDDEN_MAX])
{
    int r;

    if (!mine(entry, what))
        return -ENOENT;
    r = hidden_name(hidden);
    if (r == 0)
        r = directory_rename(entry, hidden);
    if (r < 0 || mine(hidden, what))
        return r;
    /* If yet another one has the name by now, nobody can have it back; it stays hidden then. */
    directory_rename(hidden, entry);
    return -ENOENT;
}

int
directory_chown(const char *entry, const char *text, uid_t uid, gid_t gid)
{
    char    target[PATH_MAX];
    ssize_t length;
    int     fd, r = 0;

    fd = directory_open(entry, O_PATH);
    if (fd < 0)
        return fd;
    length = readlinkat(fd, "", target, sizeof target);
    if (length != (ssize_t)strlen(text) || memcmp(target, text, (size_t)length) != 0)
        r = -ENOENT;
    else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        r = failure();
    close(fd);
    return r;
}

bool
directory_is_hidden(const char *entry)
{
    return strncmp(entry, NAME_HIDDEN, strlen(NAME_HIDDEN)) == 0;
}

/* Whether the process with that pid began after the time: then the pid has been given out again. */
static bool
is_younger(long pid, struct timespec than)
{
    char               path[32], line[1024];
    const char        *fields;
    unsigned long long ticks = 0;
    struct timespec    now, up;
    FILE              *f;
    bool               read;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    /* The name, in brackets, may contain anything; the start is the 20th field after it. */
    fields = read ? strrchr(line, ')') : NULL;
    if (fields == NULL
        || sscanf(fields,
                  ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                  "%*d %*d %llu",
                  &ticks)
               != 1)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    return now.tv_sec - up.tv_sec + (time_t)(ticks / (unsigned long)sysconf(_SC_CLK_TCK))
           > than.tv_sec + 1; /* these clocks do not agree to the second */
}

bool
directory_is_abandoned(const char *hidden, struct timespec changed)
{
    unsigned long   space, here;
    long            pid;
    struct timespec now;

    if (sscanf(hidden, NAME_HIDDEN "%lu-%ld-", &space, &pid) != 2
        || namespace_number(NAMESPACE_PID, &here) < 0)
        return false;
    if (space != 0 && space == here)
        return kill((pid_t)pid, 0) < 0 ? errno == ESRCH : is_younger(pid, changed);
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - changed.tv_sec > PATIENCE;
}

int
directory_walk(int (*visit)(const char *entry, void *arg), void *arg)
{
    struct dirent *d;
    int            r = 0;
    DIR           *dir;

    do
        dir = opendir(DIRECTORY);
    while (dir == NULL && errno == EINTR);
    if (dir == NULL)
        return errno == ENOENT ? 0 : failure();
    while (r == 0 && (d = readdir(dir)) != NULL)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            r = visit(d->d_name, arg);
    closedir(dir);
    return r;
}

struct search {
    const struct stat *object;
    char              *entry;
};

static int
compare_entry(const char *entry, void *arg)
{
    const struct search *search = arg;

    if (directory_is_hidden(entry) || !directory_is(entry, search->object))
        return 0;
    strlcpy(search->entry, entry, NAME_MAX + 1);
    return 1;
}

int
directory_find(const struct stat *object, char entry[NAME_MAX + 1])
{
    int r = directory_walk(compare_entry, &(struct search){ object, entry });

    return r == 1 ? 0 : r < 0 ? r : -ENOENT;
}

/* Two texts that share a number merely wait for each other. (FNV-1a.) */
static void
lock_entry(const char *text, char hidden[DIRECTORY_HIDDEN_MAX])
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    snprintf(hidden, DIRECTORY_HIDDEN_MAX, LOCK "%016" PRIx64, hash);
}

static int
flock_exclusively(int fd)
{
    return flock(fd, LOCK_EX) < 0 ? failure() : 0;
}

/* A new lock, held before anybody can see it. Returns a descriptor; -EEXIST: another was faster. */
static int
make_lock(const char *hidden, mode_t mode)
{
    int r, fd = directory_new_file(0600);

    if (fd < 0)
        return fd;
    r = flock_exclusively(fd);
    if (r == 0 && fchmod(fd, mode | 0600) < 0)
        r = failure();
    if (r == 0)
        r = directory_link(fd, hidden);
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}

/* Wait for the lock of another. Returns a descriptor; -ENOENT: there is none (any more). */
static int
await_lock(const char *hidden, bool owned)
{
    struct stat st;
    int         r = 0, fd = directory_open(hidden, O_RDONLY);

    if (fd < 0)
        return fd == -EAGAIN ? -EBUSY : fd;
    if (fstat(fd, &st) < 0)
        r = failure();
    else if (owned && !namespace_trusts(st.st_uid))
        r = -EPERM;
    if (r == 0)
        r = flock_exclusively(fd);
    if (r == 0 && !directory_is(hidden, &st))
        r = -ENOENT;
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}

int
directory_lock(const char *text, mode_t mode, bool owned)
{
    char hidden[DIRECTORY_HIDDEN_MAX];
    int  fd;

    lock_entry(text, hidden);
    do {
        fd = await_lock(hidden, owned);
        if (fd == -ENOENT)
            fd = make_lock(hidden, mode);
    } while (fd == -EEXIST);
    return fd;
}

void
directory_unlock(const char *text, int fd)
{
    char hidden[DIRECTORY_HIDDEN_MAX];

    lock_entry(text, hidden);
    directory_unlink(hidden);
    close(fd);
}

void
directory_collect_lock(const char *hidden)
{
    struct stat st;
    int         fd;

    if (strncmp(hidden, LOCK, strlen(LOCK)) != 0)
        return;
    fd = directory_open(hidden, O_RDONLY);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && directory_is(hidden, &st))
        directory_unlink(hidden);
    close(fd);
}
