/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that change a segment: resize, chmod, chown, unpin. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/* Changing a segment takes no right to its contents, so whatever right there is will do. */
int
open_any(const char *name, struct shmx **seg)
{
    int r = shmx_open(name, 0, seg);

    return r == -EACCES ? shmx_open(name, SHMX_RDONLY, seg) : r;
}

typedef int (*changer)(struct shmx *seg, const void *arg);

static int
change_one(const char *name, changer change, const void *arg)
{
    struct shmx *seg;
    int          r = open_any(name, &seg);

    if (r < 0)
        return r;
    r = change(seg, arg);
    shmx_close(seg);
    return r;
}

/* Changes each of the names from first on, and goes on after a failure. */
static int
change_each(int first, int argc, char **argv, changer change, const void *arg)
{
    int i, r, status = OK;

    for (i = first; i < argc; i++) {
        r = change_one(name_argument(argv[i]), change, arg);
        if (r < 0)
            status = complain(argv[i], r);
    }
    return status;
}

int
run_resize(int argc, char **argv)
{
    struct creation c = { 0 };
    struct shmx    *seg;
    int             r = parse_arguments(argc, argv, 2, 2);

    if (r != OK)
        return r;
    c.name = name_argument(argv[optind]);
    if (!parse_size(argv[optind + 1], &c.size))
        return wrong_use("not a size: '%s'", argv[optind + 1]);
    r = shmx_open(c.name, 0, &seg);
    if (r < 0)
        return complain(c.name, r);
    r = shmx_resize(seg, c.size);
    shmx_close(seg);
    if (r == -ENOTSUP)
        return complain_text(c.name, "System V segments keep the size they were made with");
    return r < 0 ? explain_creation(&c, r) : OK;
}

static int
change_mode(struct shmx *seg, const void *arg)
{
    return shmx_chmod(seg, *(const mode_t *)arg);
}

/* Gives the path of a name, without its prefix and slashes. */
static void
find_path(const char *name, char *path, size_t room)
{
    const char *slash = strrchr(name, '/');

    snprintf(path, room, "/dev/shm/%s", slash == NULL ? name : slash + 1);
}

static int
change_closed_object(const char *path, mode_t mode)
{
    char        self[32];
    struct stat st;
    const int   fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int         r = -EACCES;

    if (fd < 0)
        return -errno;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        r = (st.st_mode & S_ISVTX) && (mode & 0600) != 0600  ? -EINVAL
            : chmod(self, mode | (st.st_mode & S_ISVTX)) < 0 ? -errno
                                                             : 0;
    close(fd);
    return r;
}

/* If a segment is changed without the library, a name that leads to it by id becomes stale. A
   segment without a key may have such a name. */
static bool
leads_by_id(const char *path)
{
    char          target[16];
    const ssize_t length = readlink(path, target, sizeof target);

    return length >= 8 && strncmp(target, "sysv:id=", 8) == 0;
}

/* Changes the mode without opening the segment. A mode of 0 keeps even the owner from opening
   it. */
static int
change_closed(const char *name, mode_t mode)
{
    char             path[300];
    struct shmx_stat st;
    struct shmid_ds  ds = { 0 };
    int              r = shmx_stat_name(name, &st);

    if (r < 0)
        return r;
    if (st.uid != geteuid())
        return -EPERM;
    find_path(name, path, sizeof path);
    if (st.backend == SHMX_POSIX)
        return change_closed_object(path, mode);
    if (strncmp(name, "sysv:id=", 8) == 0 ? st.key == 0 : leads_by_id(path))
        return -EACCES;
    ds.shm_perm.uid = st.uid;
    ds.shm_perm.gid = st.gid;
    ds.shm_perm.mode = (unsigned short)mode;
    return shmctl(st.id, IPC_SET, &ds) < 0 ? -errno : 0;
}

int
run_chmod(int argc, char **argv)
{
    struct shmx_stat st;
    mode_t           mode;
    int              i, r, status = OK;

    r = parse_arguments(argc, argv, 2, -1);
    if (r != OK)
        return r;
    if (!parse_mode(argv[optind], &mode))
        return wrong_use("not a mode: '%s'", argv[optind]);
    for (i = optind + 1; i < argc; i++) {
        r = change_one(name_argument(argv[i]), change_mode, &mode);
        if (r == -EACCES)
            r = change_closed(argv[i], mode);
        if (r == -EINVAL && shmx_stat_name(argv[i], &st) == 0)
            status =
                complain_text(argv[i], "the owner of an ephemeral segment must be able to read "
                                       "and write it");
        else if (r < 0)
            status = complain(argv[i], r);
    }
    return status;
}

struct owner {
    uid_t uid;
    gid_t gid;
};

static int
change_owner(struct shmx *seg, const void *arg)
{
    const struct owner *owner = arg;

    return shmx_chown(seg, owner->uid, owner->gid);
}

int
run_chown(int argc, char **argv)
{
    struct owner owner;
    char        *text;
    bool         known;
    int          r = parse_arguments(argc, argv, 2, -1);

    if (r != OK)
        return r;
    text = must(strdup(argv[optind]));
    known = parse_owner(text, &owner.uid, &owner.gid);
    free(text);
    if (!known)
        return wrong_use("no such owner: '%s'", argv[optind]);
    return change_each(optind + 1, argc, argv, change_owner, &owner);
}

static int
unpin(struct shmx *seg, const void *arg)
{
    (void)arg;
    return shmx_unpin(seg);
}

int
run_unpin(int argc, char **argv)
{
    int r = parse_arguments(argc, argv, 1, -1);

    return r != OK ? r : change_each(optind, argc, argv, unpin, NULL);
}
