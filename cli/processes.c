/* SPDX-License-Identifier: BSD-2-Clause */
#include "processes.h"

#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The first pid namespace always has this number (PROC_PID_INIT_INO of the kernel). In any other
   pid namespace, there are processes that cannot be seen. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

#define LARGEST_PAGE 34 /* bits of the size, 16 GiB */

static void
append(struct uses *uses, const struct use *use)
{
    uses->items = grown(uses->items, uses->count, sizeof *uses->items);
    uses->items[uses->count++] = *use;
}

/* Looks at what the path leads to. Returns false if that is not an object of /dev/shm. A network
   file system is not asked (AT_STATX_DONT_SYNC). */
static bool
look_at_object(int dir, const char *path, const struct uses *uses, struct use *use)
{
    struct statx st;

    if (statx(dir, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_NLINK | STATX_BLOCKS,
              &st)
            < 0
        || makedev(st.stx_dev_major, st.stx_dev_minor) != uses->dev || !S_ISREG(st.stx_mode))
        return false;
    use->ino = st.stx_ino;
    use->unlinked = st.stx_nlink == 0;
    use->bytes = st.stx_blocks * 512;
    return true;
}

/* Finds the devices of System V segments: file systems inside of the kernel, one for small pages
   and one for each size of huge pages. They are those of memfd_create(2), too. A mapping that is
   called
   "/SYSV..." and is on another device is a file that somebody has made. */
static void
find_sysv_devices(struct uses *uses)
{
    struct stat st;
    unsigned    bits; /* of the size of a page; 0 for small pages */
    int         fd;

    for (bits = 0; bits <= LARGEST_PAGE && uses->sysv_dev_count < SYSV_DEVICES; bits++) {
        fd = memfd_create("shmx",
                          MFD_CLOEXEC | (bits == 0 ? 0 : MFD_HUGETLB | bits << MFD_HUGE_SHIFT));
        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0)
            uses->sysv_devs[uses->sysv_dev_count++] = st.st_dev;
        close(fd);
    }
}

static bool
is_sysv_device(const struct uses *uses, uint64_t dev)
{
    size_t i;

    for (i = 0; i < uses->sysv_dev_count; i++)
        if (uses->sysv_devs[i] == dev)
            return true;
    return false;
}

/* Parses a line of maps, such as "7f0e-7f0f rw-s 00000000 00:1b 1234 /dev/shm/frames", or one with
   "/SYSV0000abcd". The path is relative to the root of that process, so objects are recognised by
   their device. */
static void
parse_mapping(const char *line, int process, pid_t pid, bool same_ipc, struct uses *uses)
{
    struct use use = { .pid = pid };
    unsigned   major, minor;
    char       range[48], path[64];
    int        end = 0;

    if (sscanf(line, "%40s %*s %*s %x:%x %" SCNu64 " %n", range, &major, &minor, &use.ino, &end) < 4
        || end == 0)
        return;
    use.sysv = is_sysv_device(uses, makedev(major, minor)) && strncmp(line + end, "/SYSV", 5) == 0;
    if (use.sysv ? !same_ipc : makedev(major, minor) != uses->dev)
        return;
    snprintf(path, sizeof path, "map_files/%s", range);
    /* Only root may look into map_files. */
    if (!use.sysv && strstr(line + end, " (deleted)") != NULL
        && !look_at_object(process, path, uses, &use))
        use.unlinked = true;
    append(uses, &use);
}

/* Returns false if the mappings may not be seen. A process that has just ended hides nothing. */
static bool
find_mappings(int process, pid_t pid, bool same_ipc, struct uses *uses)
{
    const int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);
    FILE     *f = fd < 0 ? NULL : fdopen(fd, "r");
    char     *line = NULL, device[32];
    size_t    room = 0;

    if (f == NULL)
        return errno == ENOENT || errno == ESRCH;
    snprintf(device, sizeof device, " %02x:%02x ", major(uses->dev), minor(uses->dev));
    while (getline(&line, &room, f) > 0)
        if (strstr(line, device) != NULL || strstr(line, "/SYSV") != NULL)
            parse_mapping(line, process, pid, same_ipc, uses);
    free(line);
    fclose(f);
    return true;
}

/* An open descriptor holds a segment, too. A handle without an attachment has nothing else. */
static bool
find_descriptors(int process, pid_t pid, struct uses *uses)
{
    const int      fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *d;
    DIR           *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        return errno == ENOENT || errno == ESRCH;
    while ((d = readdir(dir)) != NULL) {
        struct use use = { .pid = pid };

        if (d->d_name[0] != '.' && look_at_object(dirfd(dir), d->d_name, uses, &use))
            append(uses, &use);
    }
    closedir(dir);
    return true;
}

/* In another IPC namespace, the id does not mean this segment. */
static bool
has_this_ipc_namespace(int process, const char *here)
{
    char          there[64];
    const ssize_t length = readlinkat(process, "ns/ipc", there, sizeof there - 1);

    there[length > 0 ? length : 0] = '\0';
    return length > 0 && strcmp(here, there) == 0;
}

static void
look_at_process(int proc, const char *name, const char *ipc, struct uses *uses)
{
    const int   process = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const pid_t pid = (pid_t)atoi(name);

    if (process < 0)
        return;
    if (!find_mappings(process, pid, has_this_ipc_namespace(process, ipc), uses)
        || !find_descriptors(process, pid, uses))
        uses->complete = false;
    close(process);
}

static int
compare(const void *a, const void *b)
{
    const struct use *x = a, *y = b;

    if (x->sysv != y->sysv)
        return x->sysv ? 1 : -1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Merges the uses, so that each process occurs once for each object. */
static void
unite(struct uses *uses)
{
    struct use *items = uses->items;
    size_t      from, to = 0;

    if (uses->count == 0)
        return;
    qsort(items, uses->count, sizeof *items, compare);
    for (from = 1; from < uses->count; from++)
        if (compare(&items[to], &items[from]) != 0)
            items[++to] = items[from];
        else if (items[from].bytes > items[to].bytes)
            items[to].bytes = items[from].bytes;
    uses->count = to + 1;
}

/* Returns whether all processes can be seen. All of them must be in this pid namespace, and none
   may be hidden (hidepid=). */
static bool
sees_everybody(void)
{
    char    space[64] = "";
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);

    return length > 0 && strcmp(space, FIRST_PID_NAMESPACE) == 0
           && access("/proc/1/maps", R_OK) == 0;
}

/* Returns whether nobody has the object open or mapped, as the kernel tells the owner and root by
   granting a write lease. What /proc shows proves nothing: a process may be in another container,
   and a thread may have descriptors of its own. The lease is given back at once, but a program that
   opens the object just then with O_NONBLOCK fails. */
static bool
is_unused(const char *name, const struct shmx_stat *st)
{
    char        path[sizeof "/dev/shm/" + NAME_MAX];
    struct stat found;
    bool        unused = false;
    int         fd;

    if (geteuid() != 0 && geteuid() != st->uid)
        return false;
    snprintf(path, sizeof path, "/dev/shm%s", strchr(name, '/'));
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &found) == 0 && found.st_ino == st->ino && found.st_dev == st->dev
        && fcntl(fd, F_SETSIG, SIGURG) == 0) /* by default that signal is ignored */
        unused = fcntl(fd, F_SETLEASE, F_WRLCK) == 0 && fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
    close(fd);
    return unused;
}

void
uses_free(struct uses *uses)
{
    free(uses->items);
}

void
uses_find(struct uses *uses)
{
    char           ipc[64] = "";
    struct stat    st;
    struct dirent *d;
    DIR           *proc = opendir("/proc");

    *uses = (struct uses){ .complete = sees_everybody() };
    if (proc == NULL || stat("/dev/shm", &st) < 0
        || readlink("/proc/self/ns/ipc", ipc, sizeof ipc - 1) < 0)
        uses->complete = false;
    else
        uses->dev = st.st_dev;
    find_sysv_devices(uses);
    while (proc != NULL && (d = readdir(proc)) != NULL)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
            look_at_process(dirfd(proc), d->d_name, ipc, uses);
    if (proc != NULL)
        closedir(proc);
    unite(uses);
}

size_t
uses_of(const struct uses *uses, const struct shmx_stat *st, const struct use **first)
{
    const struct use wanted = { .sysv = st->backend == SHMX_SYSV,
                                .ino = st->backend == SHMX_SYSV ? (uint64_t)st->id : st->ino };
    size_t           low = 0, high = uses->count, middle, end;

    *first = NULL;
    if (st->backend == SHMX_SYSV ? st->id < 0 || (st->state & SHMX_IS_FOREIGN)
                                 : st->dev != uses->dev)
        return 0;
    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(&uses->items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < uses->count; end++)
        if (uses->items[end].sysv != wanted.sysv || uses->items[end].ino != wanted.ino)
            break;
    *first = uses->items + low;
    return end - low;
}

int64_t
uses_holders(const struct uses *uses, const char *name, const struct shmx_stat *st)
{
    const struct use *first;
    const int64_t     seen = (int64_t)uses_of(uses, st, &first);

    if (st->backend == SHMX_SYSV)
        return st->holders;
    /* Programs without this library take no lock, but /proc shows what they have open. */
    if (seen == 0 && st->holders <= 0)
        return is_unused(name, st) ? 0 : -1;
    return seen > st->holders ? seen : st->holders;
}

void
process_name(pid_t pid, char *name, size_t room)
{
    char   path[32];
    size_t length = 0;
    FILE  *f;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    f = fopen(path, "re");
    if (f != NULL) {
        length = fread(name, 1, room - 1, f);
        fclose(f);
    }
    if (length == 0) {
        snprintf(name, room, "?");
        return;
    }
    name[length - (name[length - 1] == '\n')] = '\0'; /* the kernel adds a newline */
}
