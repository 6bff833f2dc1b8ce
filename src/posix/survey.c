/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over all POSIX segments, and what is told of them and removed on the way. */
#include "../directory.h"
#include "../election.h"
#include "holders.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
shmx_posix_describe(const struct stat *st, struct shmx_stat *out)
{
    *out = (struct shmx_stat){
        .backend = SHMX_POSIX,
        .state = (st->st_mode & EPHEMERAL) ? SHMX_IS_EPHEMERAL : 0,
        .size = (uint64_t)st->st_size,
        .resident = (uint64_t)st->st_blocks * 512,
        .page_size = (uint64_t)st->st_blksize,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .holders = -1,
        .id = -1,
        .mode = st->st_mode & 0777,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .cuid = st->st_uid,
        .cgid = st->st_gid,
        .atime = st->st_atim,
        .mtime = st->st_mtim,
        .ctime = st->st_ctim,
    };
    if (st->st_nlink == 0)
        out->state |= SHMX_IS_NAMELESS;
    if (st->st_blksize > sysconf(_SC_PAGESIZE)) /* hugetlbfs, or a tmpfs mounted with huge= */
        out->state |= SHMX_IS_HUGE;
}

int
shmx_posix_withdraw(const char *entry, const struct stat *object)
{
    char hidden[HIDDEN_MAX];
    int  r = shmx_hidden_name(HIDDEN_FILE, object->st_ino, entry, hidden);

    if (r == 0)
        r = shmx_directory_withdraw(entry, hidden, shmx_directory_is, object);
    if (r < 0)
        return r;
    r = shmx_directory_unlink(hidden);
    return r == -ENOENT ? 0 : r; /* somebody who collects was faster */
}

/*
 * Whether the segment at the entry is one that nobody uses: then *fd keeps everybody out until it
 * is given to release. An object on which anybody has a lock is not even opened, since closing it
 * would release the locks that this process may have there.
 */
static bool
is_forsaken(const char *entry, const struct holders *holders, int *fd, struct stat *st)
{
    if (shmx_directory_stat(entry, st) < 0 || !S_ISREG(st->st_mode)
        || !shmx_holders_none(holders, st->st_dev, st->st_ino))
        return false;
    *fd = shmx_directory_open(entry, O_RDWR, 0);
    if (*fd < 0)
        return false;
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode) && shmx_holders_exclude(*fd))
        return true;
    close(*fd);
    return false;
}

static void
release(int fd)
{
    shmx_holders_readmit(fd);
    close(fd);
}

int
shmx_posix_vacate(const char *entry)
{
    struct holders holders;
    struct stat    st;
    int            fd, r = -ENOENT;

    if (shmx_directory_stat(entry, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & EPHEMERAL)
        || shmx_holders_read(&holders) < 0)
        return 0;
    if (is_forsaken(entry, &holders, &fd, &st)) {
        if (st.st_mode & EPHEMERAL)
            r = shmx_posix_withdraw(entry, &st);
        release(fd);
    }
    free(holders.items);
    return r == 0;
}

struct walk {
    struct holders  holders;
    unsigned        flags;
    segment_visitor visit;
    void           *arg;
};

static int
visit_entry(const struct walk *walk, const char *entry, const struct shmx_stat *st)
{
    const struct reference ref = { .backend = SHMX_POSIX, .entry = entry, .kind = REFERENCE_NAME };
    char                   text[NAME_TEXT_MAX];

    if (walk->visit == NULL)
        return 0;
    shmx_reference_print(&ref, text);
    return walk->visit(text, st, walk->arg);
}

static bool
may_be_file(const struct dirent *d)
{
    return d->d_type == DT_REG || d->d_type == DT_UNKNOWN;
}

static int
list_entry(const struct dirent *d, void *arg)
{
    const struct walk *walk = arg;
    struct shmx_stat   out;
    struct stat        st;

    if (!may_be_file(d) || shmx_is_hidden(d->d_name) || shmx_directory_stat(d->d_name, &st) < 0
        || !S_ISREG(st.st_mode))
        return 0;
    shmx_posix_describe(&st, &out);
    out.holders = shmx_holders_count(&walk->holders, st.st_dev, st.st_ino);
    return visit_entry(walk, d->d_name, &out);
}

/* What a killed process was about to remove, or has taken away by mistake and not put back. */
static int
collect_hidden(const struct walk *walk, const char *text)
{
    const bool       dry = walk->flags & SHMX_DRY_RUN;
    struct shmx_stat out;
    struct hidden    hidden;
    struct stat      st;

    if (!shmx_hidden_parse(text, &hidden) || hidden.kind != HIDDEN_FILE
        || shmx_hidden_in_use(&hidden) || shmx_directory_stat(text, &st) < 0)
        return 0;
    if (!S_ISREG(st.st_mode) || hidden.meant != st.st_ino) {
        if (!dry)
            shmx_hidden_put_back(text, &hidden);
        return 0;
    }
    if (dry ? !shmx_directory_may_unlink(text) : shmx_directory_unlink(text) < 0)
        return 0;
    shmx_posix_describe(&st, &out);
    out.state |= SHMX_IS_DEAD;
    return visit_entry(walk, *hidden.entry == '\0' ? text : hidden.entry, &out);
}

static int
collect_entry(const struct dirent *d, void *arg)
{
    const struct walk *walk = arg;
    const bool         dry = walk->flags & SHMX_DRY_RUN;
    struct shmx_stat   out;
    struct stat        st;
    bool               dead, removed = true;
    int                fd;

    if (shmx_is_hidden(d->d_name)) {
        if (!dry)
            shmx_election_collect(d->d_name);
        return collect_hidden(walk, d->d_name);
    }
    if (!may_be_file(d) || !shmx_directory_may_unlink(d->d_name)
        || !is_forsaken(d->d_name, &walk->holders, &fd, &st))
        return 0;
    dead = st.st_mode & EPHEMERAL;
    if (!dry && (dead || (walk->flags & SHMX_ORPHANS)))
        removed = shmx_posix_withdraw(d->d_name, &st) == 0;
    release(fd);
    if (!removed)
        return 0;
    shmx_posix_describe(&st, &out);
    out.holders = 0;
    if (dead)
        out.state |= SHMX_IS_DEAD;
    return visit_entry(walk, d->d_name, &out);
}

static int
survey(int (*visit)(const struct dirent *d, void *arg), struct walk *walk)
{
    int r = shmx_holders_read(&walk->holders);

    if (r == 0)
        r = shmx_directory_walk(visit, walk);
    free(walk->holders.items);
    return r;
}

int
shmx_posix_list(segment_visitor visit, void *arg)
{
    return survey(list_entry, &(struct walk){ .visit = visit, .arg = arg });
}

int
shmx_posix_collect(unsigned flags, segment_visitor visit, void *arg)
{
    return survey(collect_entry, &(struct walk){ .flags = flags, .visit = visit, .arg = arg });
}
