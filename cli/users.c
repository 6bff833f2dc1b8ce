/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void
append(struct users *users, const struct user *user)
{
    const struct user *last = users->count > 0 ? &users->items[users->count - 1] : NULL;

    if (last != NULL && last->sysv == user->sysv && last->dev == user->dev && last->ino == user->ino
        && last->pid == user->pid)
        return; /* one more mapping of the same */
    if ((users->count & (users->count - 1)) == 0)
        users->items = must(reallocarray(users->items, users->count == 0 ? 1 : users->count * 2,
                                         sizeof *users->items));
    users->items[users->count++] = *user;
}

/* A line of maps: "7f0e-7f0f rw-s 00000000 00:1b 1234  /dev/shm/frames", "/SYSV0000abcd". */
static void
parse_mapping(const char *line, pid_t pid, struct users *users)
{
    struct user user;
    unsigned    major, minor;
    uint64_t    ino;
    int         path = 0;

    if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64 " %n", &major, &minor, &ino, &path) < 3
        || path == 0)
        return;
    memset(&user, 0, sizeof user);
    user.pid = pid;
    user.ino = ino;
    user.sysv = strncmp(line + path, "/SYSV", 5) == 0;
    if (!user.sysv && strncmp(line + path, "/dev/shm/", 9) != 0)
        return;
    if (!user.sysv)
        user.dev = makedev(major, minor);
    append(users, &user);
}

/* Open descriptors hold, too, and a handle that is not attached has nothing else. */
static void
find_descriptors(pid_t pid, struct users *users)
{
    char           path[32], target[16];
    struct user    user;
    struct stat    st;
    struct dirent *d;
    DIR           *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    if (dir == NULL)
        return;
    while ((d = readdir(dir)) != NULL) {
        if (readlinkat(dirfd(dir), d->d_name, target, sizeof target) < 9
            || strncmp(target, "/dev/shm/", 9) != 0 || fstatat(dirfd(dir), d->d_name, &st, 0) < 0)
            continue;
        memset(&user, 0, sizeof user);
        user.pid = pid;
        user.dev = st.st_dev;
        user.ino = st.st_ino;
        append(users, &user);
    }
    closedir(dir);
}

static void
find_mappings(pid_t pid, struct users *users)
{
    char  path[32], line[1024];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        parse_mapping(line, pid, users);
    fclose(f);
}

static int
compare(const void *a, const void *b)
{
    const struct user *x = a, *y = b;

    if (x->sysv != y->sysv)
        return x->sysv ? 1 : -1;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

void
users_find(struct users *users)
{
    struct dirent *d;
    size_t         from, to = 0;
    DIR           *proc = opendir("/proc");

    *users = (struct users){ 0 };
    if (proc == NULL)
        return;
    while ((d = readdir(proc)) != NULL)
        if (isdigit((unsigned char)d->d_name[0])) {
            find_mappings((pid_t)atoi(d->d_name), users);
            find_descriptors((pid_t)atoi(d->d_name), users);
        }
    closedir(proc);
    if (users->count == 0)
        return;
    qsort(users->items, users->count, sizeof *users->items, compare);
    for (from = 1; from < users->count; from++)
        if (compare(&users->items[to], &users->items[from]) != 0)
            users->items[++to] = users->items[from];
    users->count = to + 1;
}

bool
users_match(const struct user *user, const struct shmx_stat *st)
{
    if (st->backend == SHMX_SYSV)
        return user->sysv && user->ino == (uint64_t)st->id;
    return !user->sysv && user->dev == st->dev && user->ino == st->ino;
}

size_t
users_count(const struct users *users, const struct shmx_stat *st)
{
    struct user wanted = { .sysv = st->backend == SHMX_SYSV,
                           .dev = st->dev,
                           .ino = st->backend == SHMX_SYSV ? (uint64_t)st->id : st->ino };
    size_t      low = 0, high = users->count, middle, count = 0;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(&users->items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + count < users->count && users_match(&users->items[low + count], st))
        count++;
    return count;
}

void
process_name(pid_t pid, char *name, size_t room)
{
    char  path[32];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    f = fopen(path, "re");
    if (f == NULL || fgets(name, (int)room, f) == NULL)
        snprintf(name, room, "?");
    name[strcspn(name, "\n")] = '\0';
    if (f != NULL)
        fclose(f);
}
