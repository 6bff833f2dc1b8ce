/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about a segment that could not be made or grown. They tell what is needed and what is
   there. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LIMITS "('shmx doctor' shows the limits, 'shmx gc' removes dead segments)"

static const char *
name_of(const struct creation *c)
{
    return c->name != NULL ? c->name : "anonymous segment";
}

static bool
begins(const char *text, const char *with)
{
    return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

static bool
is_sysv(const struct creation *c)
{
    return (c->flags & SHMX_SYSV) || begins(c->name, "sysv:");
}

static uint64_t
read_limit(const char *name)
{
    char     path[64];
    uint64_t limit = UINT64_MAX;
    FILE    *f;

    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    f = fopen(path, "re");
    if (f != NULL && fscanf(f, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    if (f != NULL)
        fclose(f);
    return limit;
}

/* The name may belong to something that the caller does not expect. */
static int
explain_existence(const struct creation *c)
{
    const char      *slash = c->name == NULL ? NULL : strrchr(c->name, '/');
    const char      *entry = slash == NULL ? c->name : slash + 1;
    char             plain[300];
    struct shmx_stat st;
    int              r;

    if (c->name == NULL || begins(c->name, "sysv:key="))
        return complain(name_of(c), -EEXIST);
    snprintf(plain, sizeof plain, "/%s", entry);
    r = shmx_stat_name(plain, &st);
    if (r == -EXDEV)
        return complain_text(c->name,
                             "exists already, as the name of a System V segment of another "
                             "IPC namespace ('shmx rm' removes only the name)");
    if (r == -ELOOP || r == -EISDIR || r == -ENODEV)
        return complain_text(c->name, "%s", shmx_strerror(r));
    if (r == 0 && (st.backend == SHMX_SYSV) != is_sysv(c))
        return complain_text(
            c->name, "exists already, as a %s segment ('shmx rm %s:/%s' removes it)",
            is_sysv(c) ? "POSIX" : "System V", is_sysv(c) ? "posix" : "sysv", entry);
    return complain(c->name, -EEXIST);
}

static int
explain_posix_space(const struct creation *c)
{
    struct statfs fs;
    char          needed[16], size[16], left[16];

    if (statfs("/dev/shm", &fs) < 0 || fs.f_blocks == 0)
        return complain(name_of(c), -ENOSPC);
    if (fs.f_files > 0 && fs.f_ffree == 0)
        return complain_text(name_of(c), "no space: /dev/shm has no inode left " LIMITS);
    format_size(c->size, false, needed, sizeof needed);
    format_size((uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize, false, size, sizeof size);
    format_size((uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize, false, left, sizeof left);
    if (c->size > (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize)
        return complain_text(
            name_of(c),
            "no space: the segment needs %s, and all of /dev/shm has %s "
            "(enlarge it with mount -o remount,size=, in a container with --shm-size)",
            needed, size);
    return complain_text(
        name_of(c),
        "no space: the segment needs %s, and /dev/shm has %s, of which %s are left " LIMITS, needed,
        size, left);
}

struct usage {
    uint64_t segments, pages;
};

static int
add_usage(const char *name, const struct shmx_stat *st, void *arg)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE); /* kernel.shmall counts such pages */
    struct usage  *usage = arg;

    (void)name;
    if (st->state & SHMX_IS_FOREIGN)
        return 0;
    usage->segments++;
    usage->pages += (st->size + page - 1) / page;
    return 0;
}

static int
explain_sysv_space(const struct creation *c)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = (c->size + page - 1) / page;
    const uint64_t segments = read_limit("shmmni"), all = read_limit("shmall");
    struct usage   usage = { 0 };
    struct statfs  fs;

    if (statfs("/dev/shm", &fs) == 0 && fs.f_files > 0 && fs.f_ffree == 0)
        return complain_text(name_of(c),
                             "no space: /dev/shm has no inode left for the name " LIMITS);
    shmx_list(SHMX_SYSV, add_usage, &usage);
    if (usage.segments >= segments)
        return complain_text(name_of(c),
                             "no space: there are %" PRIu64 " System V segments, and "
                             "kernel.shmmni allows %" PRIu64 " " LIMITS,
                             usage.segments, segments);
    if (usage.pages > all || pages > all - usage.pages)
        return complain_text(name_of(c),
                             "no space: the segment needs %" PRIu64
                             " pages, and kernel.shmall allows "
                             "%" PRIu64 ", of which %" PRIu64 " are used " LIMITS,
                             pages, all, usage.pages);
    return complain(name_of(c), -ENOSPC);
}

static int
explain_size_limit(const struct creation *c)
{
    struct rlimit limit;
    char          needed[16], allowed[16];

    getrlimit(RLIMIT_FSIZE, &limit);
    format_size(c->size, false, needed, sizeof needed);
    format_size(limit.rlim_cur, false, allowed, sizeof allowed);
    return complain_text(
        name_of(c),
        "too large: the segment needs %s, and this process may make files of at most %s "
        "(RLIMIT_FSIZE, ulimit -f)",
        needed, allowed);
}

/* The library returns one error for all of these. */
static int
explain_argument(const struct creation *c)
{
    const uint64_t   most = read_limit("shmmax");
    struct shmx_stat st;

    if (c->name != NULL && shmx_stat_name(c->name, &st) == -EINVAL)
        return complain(c->name, -EINVAL);
    if (begins(c->name, "sysv:id="))
        return complain_text(c->name,
                             "the kernel chooses the id of a new segment: leave out the name");
    if (begins(c->name, is_sysv(c) && !begins(c->name, "sysv:") ? "posix:" : "sysv:")
        && (c->flags & (begins(c->name, "sysv:") ? SHMX_POSIX : SHMX_SYSV)))
        return complain_text(c->name, "the name and --backend contradict each other");
    if ((c->flags & SHMX_EPHEMERAL) && (c->mode & 0600) != 0600)
        return complain_text(name_of(c),
                             "the owner of an ephemeral segment must be able to read and "
                             "write it (--mode 600 or more)");
    if ((c->flags & SHMX_EPHEMERAL) && begins(c->name, "sysv:key="))
        return complain_text(c->name, "a segment with a raw key cannot be ephemeral");
    if (is_sysv(c) && c->size > most)
        return complain_text(name_of(c),
                             "too large: the segment needs %" PRIu64 " bytes, and kernel.shmmax "
                             "allows %" PRIu64,
                             c->size, most);
    return complain_text(name_of(c), "too large: %" PRIu64 " bytes cannot be mapped", c->size);
}

int
explain_creation(const struct creation *c, int error)
{
    switch (-error) {
    case EEXIST:
        return explain_existence(c);
    case ENOSPC:
        return is_sysv(c) ? explain_sysv_space(c) : explain_posix_space(c);
    case EFBIG:
        return explain_size_limit(c);
    case EINVAL:
        return explain_argument(c);
    default:
        return complain(name_of(c), error);
    }
}
