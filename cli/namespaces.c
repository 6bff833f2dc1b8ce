/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which IPC namespaces exist. A namespace exists as long as a process is in it, a process has a
 * descriptor of it, or a mount of it exists (ip-netns(8) makes such mounts of other namespaces).
 * Only root of the first pid namespace sees all of these. Even root does not see a descriptor that
 * is on its way through a socket. If a namespace is missed for that reason, a name is lost, but
 * never a segment.
 */
#include "cli.h"
#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool      known, complete;
    uint64_t *items;
    size_t    count;
} living;

/* The text begins like "ipc:[4026531839]". */
static void
remember(const char *text)
{
    uint64_t number;

    if (sscanf(text, "ipc:[%" SCNu64 "]", &number) != 1)
        return;
    living.items = grown(living.items, living.count, sizeof *living.items);
    living.items[living.count++] = number;
}

static void
read_link(int dir, const char *path)
{
    char          text[64];
    const ssize_t length = readlinkat(dir, path, text, sizeof text - 1);

    if (length < 0 && errno != ENOENT && errno != ESRCH)
        living.complete = false;
    text[length > 0 ? length : 0] = '\0';
    remember(text);
}

/* Reads the links of all entries of a directory of /proc. An entry is a descriptor, or a thread,
   which has the link in its directory. */
static void
read_links(int process, const char *path, const char *link)
{
    const int      fd = openat(process, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR           *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *d;
    char           text[300];

    if (dir == NULL && errno != ENOENT && errno != ESRCH)
        living.complete = false;
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        snprintf(text, sizeof text, "%s%s", d->d_name, link);
        if (d->d_name[0] != '.')
            read_link(dirfd(dir), text);
    }
    if (dir != NULL)
        closedir(dir);
}

static void
read_mounts(int process)
{
    const int fd = openat(process, "mountinfo", O_RDONLY | O_CLOEXEC);
    FILE     *f = fd < 0 ? NULL : fdopen(fd, "r");
    char     *line = NULL, *found;
    size_t    room = 0;

    if (f == NULL && errno != ENOENT && errno != ESRCH && errno != EINVAL) /* a zombie has none */
        living.complete = false;
    while (f != NULL && getline(&line, &room, f) > 0) {
        found = strstr(line, " ipc:[");
        if (found != NULL)
            remember(found + 1);
    }
    free(line);
    if (f != NULL)
        fclose(f);
}

static void
find_living(void)
{
    DIR           *proc = opendir("/proc");
    struct dirent *d;
    struct uses    uses;
    int            process;

    living.known = true;
    uses_find(&uses); /* this tells whether all processes can be seen */
    living.complete = uses.complete && proc != NULL;
    uses_free(&uses);
    while (proc != NULL && (d = readdir(proc)) != NULL) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9')
            continue;
        process = openat(dirfd(proc), d->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (process < 0)
            continue;
        read_links(process, "task", "/ns/ipc");
        read_links(process, "fd", "");
        read_mounts(process);
        close(process);
    }
    if (proc != NULL)
        closedir(proc);
}

bool
ipc_namespace_is_gone(uint64_t number)
{
    size_t i;

    if (!living.known)
        find_living();
    for (i = 0; i < living.count; i++)
        if (living.items[i] == number)
            return false;
    return living.complete && number != 0;
}
