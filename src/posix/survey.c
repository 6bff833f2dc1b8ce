/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over all POSIX segments: describing them, and removing dead ones. */
#include "../directory.h"
#include "../election.h"
#include "../hidden.h"
#include "../huge.h"
#include "../namespace.h"
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
        .page_size = huge_page_size_unseen((uint64_t)st->st_size),
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
    if (st->st_blksize > sysconf(_SC_PAGESIZE)) /* hugetlbfs, or a tmpfs with huge= */
        out->page_size = 0;
    if (st->st_nlink == 0)
        out->state |= SHMX_IS_NAMELESS;
}

/* Removes the entry if it is that object. The caller has locked the directory. -EBUSY means that
   something is mounted at the entry. */
static int
unlink_object(const char *entry, const struct stat *object)
{
    struct stat now, directory;
    int         r = shmx_directory_stat(entry, &now);

    if (r < 0)
        return r;
    if (now.st_ino == object->st_ino && now.st_dev == object->st_dev)
        return shmx_directory_unlink(entry);
    return shmx_directory_stat("", &directory) == 0 && now.st_dev != directory.st_dev ? -EBUSY
                                                                                      : -ENOENT;
}

int
shmx_posix_withdraw(const char *entry, const struct stat *object)
{
    const int lock = shmx_directory_lock();
    int       r = unlink_object(entry, object);

    shmx_directory_unlock(lock);
    return r;
}

static void
describe(const char *entry, const struct stat *st, char text[NAME_TEXT_MAX], struct shmx_stat *out)
{
    const struct reference ref = { .backend = SHMX_POSIX, .entry = entry, .kind = REFERENCE_NAME };

    shmx_reference_print(&ref, text);
    shmx_posix_describe(st, out);
}

/* Returns whether the object is dead as soon as nobody uses it. */
static bool
is_to_die(const char *entry, const struct stat *st)
{
    return (st->st_mode & EPHEMERAL) || shmx_election_is_lock(entry);
}

static void
describe_unused(const char *entry, const struct stat *st, char text[NAME_TEXT_MAX],
                struct shmx_stat *out)
{
    describe(entry, st, text, out);
    out->holders = 0;
    if (is_to_die(entry, st))
        out->state |= SHMX_IS_DEAD;
}

/* Nobody uses the object, and unless nothing is to be removed, nobody can begin to. The function
   removes it if the survey asks for that. Returns 1 if visit is to be told of the object, otherwise
   0. */
static int
remove_unused(const char *entry, const struct stat *st, const struct survey *survey)
{
    const bool       asked = is_to_die(entry, st) || (survey->flags & SHMX_ORPHANS);
    struct shmx_stat out;
    char             text[NAME_TEXT_MAX];

    describe_unused(entry, st, text, &out);
    if (!survey_chooses(survey, text, &out))
        return 0;
    return !asked || (survey->flags & SHMX_DRY_RUN) || unlink_object(entry, st) == 0;
}

static bool
is_unused(int fd, const struct survey *survey)
{
    return survey->flags & SHMX_DRY_RUN ? shmx_holders_absent(fd) : shmx_holders_exclude(fd);
}

/*
 * Buries the object at the entry. If nobody uses the object and the survey chooses it, the function
 * fills in *st and returns 1. Before that it removes the entry of an ephemeral object or of a lock,
 * or of any object if the survey has SHMX_ORPHANS. With SHMX_DRY_RUN it removes nothing and shuts
 * nobody out. -EAGAIN means that nobody holds the object, but that somebody has it open, perhaps
 * only for the same look. Otherwise the function returns 0. Two processes that look at the same
 * time would hinder each other, so they take turns: the caller has locked the directory.
 */
static int
bury(const char *entry, const struct survey *survey, struct stat *st)
{
    int r, fd = shmx_directory_open(entry, O_RDWR, 0);

    r = fd == -EMFILE ? fd : 0;
    if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode)) {
        if (is_unused(fd, survey)) {
            r = remove_unused(entry, st, survey);
            shmx_holders_readmit(fd);
        } else if (!shmx_holders_exist(fd)) {
            r = -EAGAIN;
        }
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static int
lock_and_bury(const char *entry, const struct survey *survey, struct stat *st)
{
    const int lock = shmx_directory_lock();
    int       r = bury(entry, survey, st);

    shmx_directory_unlock(lock);
    if (r == -EMFILE) /* the lock, which is a courtesy, may have taken the last descriptor */
        r = bury(entry, survey, st);
    return r;
}

int
shmx_posix_vacate(const char *entry)
{
    static const struct survey nobody_asks;
    struct stat                st;
    int                        r, tries = 0;

    if (shmx_directory_stat(entry, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & EPHEMERAL))
        return 0;
    /* Only the owner and root can find out whether anybody has the object open. */
    while ((r = lock_and_bury(entry, &nobody_asks, &st)) == -EAGAIN && shmx_trusts(st.st_uid)
           && ++tries < 10)
        shmx_pause(1);
    return r == 1 && (st.st_mode & EPHEMERAL);
}

int
shmx_posix_vacate_unlocked(const char *entry)
{
    struct holders holders;
    struct stat    st;
    int            r = 0;

    if (shmx_directory_stat(entry, &st) < 0 || !(st.st_mode & EPHEMERAL)
        || shmx_holders_read(&holders) < 0)
        return 0;
    if (shmx_holders_none(&holders, st.st_dev, st.st_ino))
        r = shmx_posix_vacate(entry);
    free(holders.items);
    return r;
}

struct walk {
    struct holders       holders;
    const struct survey *survey;
    struct rights        rights; /* used when collecting */
    int                  lock;
};

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
    char               text[NAME_TEXT_MAX];
    int                r;

    if (!may_be_file(d) || shmx_is_hidden(d->d_name))
        return 0;
    r = shmx_directory_stat(d->d_name, &st);
    /* Something may be mounted at the entry that answers with any error, as FUSE does. Then only an
       error of the directory itself ends the walk. */
    if (r < 0 && r != -ENOENT && r != -ENOMEM)
        r = shmx_directory_stat(".", &st);
    if (r < 0 || !S_ISREG(st.st_mode))
        return r == -ENOENT ? 0 : r;
    describe(d->d_name, &st, text, &out);
    out.holders = shmx_holders_count(&walk->holders, st.st_dev, st.st_ino);
    return survey_tells(walk->survey, text, &out);
}

static int
bury_in_turn(const struct walk *walk, const char *entry, struct stat *st)
{
    int r;

    shmx_directory_relock(walk->lock);
    r = bury(entry, walk->survey, st);
    shmx_directory_release(walk->lock);
    return r;
}

/* An object on which anybody has a lock is not even opened. Closing it would release the locks that
   this process may have on it. */
static int
collect_entry(const struct dirent *d, void *arg)
{
    const struct walk *walk = arg;
    struct shmx_stat   out;
    struct stat        st;
    char               text[NAME_TEXT_MAX];

    if (!may_be_file(d) || (shmx_is_hidden(d->d_name) && !shmx_election_is_lock(d->d_name))
        || shmx_directory_stat(d->d_name, &st) < 0 || !S_ISREG(st.st_mode)
        || !shmx_holders_none(&walk->holders, st.st_dev, st.st_ino) || st.st_dev != walk->rights.dev
        || shmx_rights_to_unlink(&walk->rights, st.st_uid, st.st_gid) < 0
        || bury_in_turn(walk, d->d_name, &st) != 1)
        return 0;
    describe_unused(d->d_name, &st, text, &out);
    return survey_tells(walk->survey, text, &out);
}

static int
walk_all(int (*visit)(const struct dirent *d, void *arg), struct walk *walk)
{
    int r = shmx_holders_read(&walk->holders);

    if (r == 0)
        r = shmx_directory_walk(visit, walk);
    free(walk->holders.items);
    return r;
}

int
shmx_posix_list(const struct survey *survey)
{
    return walk_all(list_entry, &(struct walk){ .survey = survey });
}

int
shmx_posix_collect(const struct survey *survey)
{
    struct walk walk = { .survey = survey, .rights = shmx_directory_rights() };
    int         r;

    walk.lock = shmx_directory_lock();
    shmx_directory_release(walk.lock);
    r = walk_all(collect_entry, &walk);
    shmx_directory_unlock(walk.lock);
    return r;
}
