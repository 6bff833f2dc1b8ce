/* SPDX-License-Identifier: BSD-2-Clause */
/* The POSIX backend. Its segments are regular files in the directory of names. */
#include "posix.h"

#include "../directory.h"
#include "../failure.h"
#include "../namespace.h"
#include "holders.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* How often an object that is being removed is looked at again, with a millisecond in between. */
#define TRIES 1000

int
shmx_posix_new_handle(int fd, unsigned flags, struct shmx **seg)
{
    struct posix *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;
    shmx_segment_begin(&p->seg, &shmx_posix, flags);
    pthread_mutex_init(&p->pin_lock, NULL);
    p->fd = fd;
    (void)shmx_process(&p->holder); /* this succeeded when the process joined */
    *seg = &p->seg;
    return 0;
}

static int
posix_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
             struct shmx **seg)
{
    const bool  sealed = flags & SHMX_SEALED;
    struct stat st;
    size_t      page = (size_t)sysconf(_SC_PAGESIZE);
    int         fd, r;

    (void)ref; /* publishing gives the complete segment its name */
    if (flags & SHMX_EPHEMERAL)
        mode |= EPHEMERAL;
    fd = sealed ? shmx_posix_new_sealed(size, mode, flags, &page) : shmx_directory_new_file(mode);
    if (fd < 0)
        return fd;
    r = fstat(fd, &st) < 0 ? failure() : 0;
    if (r == 0 && (st.st_mode & 07777) != mode) /* the umask has cleared bits */
        r = fchmod(fd, mode) < 0 ? failure() : 0;
    if (r == 0 && !sealed)
        r = shmx_posix_fill(fd, size, flags);
    if (r == 0)
        r = shmx_holders_join(fd);
    if (r == 0)
        r = shmx_posix_new_handle(fd, flags & ~SHMX_POSIX, seg);
    if (r < 0)
        close(fd);
    else
        (*seg)->page = page;
    return r;
}

/* A link may belong to the System V backend, which is asked next. */
static int
check_type(mode_t mode)
{
    return S_ISREG(mode) ? 0 : S_ISLNK(mode) ? -ENOENT : S_ISDIR(mode) ? -EISDIR : -ENODEV;
}

/* Makes this process a holder of the object that fd has open. -ENOENT means that the segment is
   dead, and -EAGAIN that it is just being removed and must be looked at again. */
static int
join(int fd, struct stat *st)
{
    int r;

    if (fstat(fd, st) < 0)
        return failure();
    r = check_type(st->st_mode);
    if (r < 0)
        return r;
    if (!(st->st_mode & EPHEMERAL))
        return shmx_holders_join(fd);
    if (!shmx_holders_exist(fd))
        return -ENOENT;
    r = shmx_holders_join(fd);
    if (r == 0 && (fstat(fd, st) < 0 || st->st_nlink == 0))
        r = -EAGAIN;
    return r;
}

static int
open_entry(const char *entry, int access, struct stat *st)
{
    int fd = shmx_directory_open(entry, access, 0);
    int r;

    switch (fd) {
    case -ELOOP: /* a link may belong to the System V backend */
        return -ENOENT;
    case -ENXIO: /* a socket */
        return -ENODEV;
    }
    if (fd < 0)
        return fd;
    r = join(fd, st);
    if (r == 0)
        return fd;
    close(fd);
    if (r == -ENOENT)
        shmx_posix_vacate(entry);
    return r;
}

bool
shmx_posix_is_owned(const struct stat *st)
{
    return st->st_nlink <= 1 && shmx_trusts(st->st_uid);
}

static int
posix_open(const struct reference *ref, unsigned flags, struct shmx **seg)
{
    const int   access = flags & SHMX_RDONLY ? O_RDONLY : O_RDWR;
    struct stat st;
    int         fd, r, tries = 0;

    while ((fd = open_entry(ref->entry, access, &st)) == -EAGAIN && ++tries < TRIES)
        shmx_pause(1);
    if (fd < 0)
        return fd == -EAGAIN ? -EBUSY : fd;
    flags &= SHMX_RDONLY | SHMX_OWNED;
    if (st.st_mode & EPHEMERAL)
        flags |= SHMX_EPHEMERAL;
    r = (flags & SHMX_OWNED) && !shmx_posix_is_owned(&st)
            ? -EPERM
            : shmx_posix_new_handle(fd, flags & ~SHMX_OWNED, seg);
    if (r < 0) {
        close(fd);
        if (st.st_mode & EPHEMERAL) /* the last holder may have gone meanwhile and left the segment
                                       because of this descriptor */
            shmx_posix_vacate(ref->entry);
    }
    return r;
}

static int
posix_publish(struct shmx *seg, const char *entry)
{
    return shmx_directory_link(posix_of(seg)->fd, entry);
}

static int
posix_count_names(struct shmx *seg)
{
    struct stat st;

    return fstat(posix_of(seg)->fd, &st) < 0 ? failure() : (int)st.st_nlink;
}

static void
posix_unpublish(struct shmx *seg, const char *entry)
{
    struct stat st;

    if (fstat(posix_of(seg)->fd, &st) == 0)
        shmx_posix_withdraw(entry, &st);
}

/* Gives the entry of the segment, which is searched for if the handle does not know it. */
static int
find_entry(struct shmx *seg, const struct stat *st, char entry[NAME_MAX + 1])
{
    const char *known = shmx_segment_entry(seg);

    if (known == NULL)
        return shmx_directory_find(st, entry);
    strlcpy(entry, known, NAME_MAX + 1);
    return 0;
}

static int
posix_destroy(struct shmx *seg)
{
    char        entry[NAME_MAX + 1];
    struct stat st;
    int         r;

    if (fstat(posix_of(seg)->fd, &st) < 0)
        return failure();
    if (st.st_nlink == 0)
        return shmx_segment_entry(seg) == NULL ? 0 : -ENOENT;
    r = find_entry(seg, &st, entry);
    return r < 0 ? r : shmx_posix_withdraw(entry, &st);
}

static int
posix_remove(const struct reference *ref)
{
    struct stat st;
    int         r = shmx_directory_stat(ref->entry, &st);

    if (r == 0)
        r = check_type(st.st_mode);
    return r < 0 ? r : shmx_posix_withdraw(ref->entry, &st);
}

static void
free_handle(struct posix *p)
{
    shmx_posix_unpin(&p->seg);
    pthread_mutex_destroy(&p->pin_lock);
    close(p->fd);
    shmx_segment_end(&p->seg);
    free(p);
}

static void
posix_end(struct shmx *seg) /* posix_close is a function of POSIX */
{
    struct posix *p = posix_of(seg);
    char          entry[NAME_MAX + 1];
    struct stat   st;
    const bool    named = (seg->flags & SHMX_EPHEMERAL) && fstat(p->fd, &st) == 0 && st.st_nlink > 0
                       && find_entry(seg, &st, entry) == 0;

    free_handle(p);
    if (named)
        shmx_posix_vacate(entry);
}

/* Only the descriptor leads to the segment. */
static void
posix_discard(struct shmx *seg)
{
    free_handle(posix_of(seg));
}

static const char *
posix_label(struct shmx *seg)
{
    (void)seg;
    return NULL;
}

static int
count_holders(struct shmx_stat *out)
{
    struct holders holders;
    int            r = shmx_holders_read(&holders);

    if (r == 0)
        out->holders = shmx_holders_count(&holders, out->dev, out->ino);
    free(holders.items);
    return r;
}

static int
posix_stat(struct shmx *seg, struct shmx_stat *out)
{
    struct stat st;
    int         r;

    if (fstat(posix_of(seg)->fd, &st) < 0)
        return failure();
    shmx_posix_describe(&st, out);
    r = count_holders(out);
    /* While other locks come and go, the kernel may leave out the lock of this handle. */
    if (r == 0 && out->holders == 0 && posix_of(seg)->holder != 0)
        out->holders = 1;
    if (shmx_posix_is_pinned(seg))
        out->state |= SHMX_IS_PINNED;
    if (out->page_size == 0)
        out->page_size = shmx_posix_page_size(seg, &st);
    return r;
}

static int
posix_stat_name(const struct reference *ref, struct shmx_stat *out)
{
    struct stat st;
    int         r = shmx_directory_stat(ref->entry, &st);

    if (r == 0)
        r = check_type(st.st_mode);
    if (r < 0)
        return r;
    shmx_posix_describe(&st, out);
    return count_holders(out);
}

static int
posix_chmod(struct shmx *seg, mode_t mode)
{
    if (seg->flags & SHMX_EPHEMERAL)
        mode |= EPHEMERAL;
    return fchmod(posix_of(seg)->fd, mode) < 0 ? failure() : 0;
}

static int
posix_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    return fchown(posix_of(seg)->fd, uid, gid) < 0 ? failure() : 0;
}

/* A child that has inherited the handle shares the lock of its parent, which does not show it
   whether the parent lives. */
static int
posix_peers(struct shmx *seg)
{
    uint64_t process;
    int      r = shmx_process(&process);

    if (r < 0)
        return r;
    if (process != posix_of(seg)->holder || !shmx_process_is_unique(process))
        return -ENOTSUP;
    return shmx_holders_others(posix_of(seg)->fd, process);
}

static int
posix_fd(const struct shmx *seg)
{
    return posix_of(seg)->fd;
}

const struct shmx_backend shmx_posix = {
    .flag = SHMX_POSIX,
    .shortage = -ENOSPC,
    .create = posix_create,
    .open = posix_open,
    .publish = posix_publish,
    .count_names = posix_count_names,
    .unpublish = posix_unpublish,
    .vacate = shmx_posix_vacate_unlocked,
    .destroy = posix_destroy,
    .remove = posix_remove,
    .stat_name = posix_stat_name,
    .close = posix_end,
    .discard = posix_discard,
    .label = posix_label,
    .own = shmx_posix_own,
    .reserve = shmx_posix_reserve,
    .map = shmx_posix_map,
    .unmap = shmx_posix_unmap,
    .size = shmx_posix_size,
    .resize = shmx_posix_resize,
    .stat = posix_stat,
    .chmod = posix_chmod,
    .chown = posix_chown,
    .pin = shmx_posix_pin,
    .unpin = shmx_posix_unpin,
    .peers = posix_peers,
    .fd = posix_fd,
    .read = shmx_posix_read,
    .write = shmx_posix_write,
    .list = shmx_posix_list,
    .collect = shmx_posix_collect,
};
