/* SPDX-License-Identifier: BSD-2-Clause */
/* The POSIX backend: segments are regular files in the directory of names. */
#include "../directory.h"
#include "../failure.h"
#include "../huge.h"
#include "../namespace.h"
#include "../segment.h"
#include "holders.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The mark of an ephemeral segment outlives its holders: on a data file the bit means nothing. */
#define EPHEMERAL S_ISVTX

/* How often, and how many milliseconds apart, to look again at what is being removed. */
#define TRIES 1000

struct posix {
    struct shmx seg;
    int         fd;
    dev_t       dev;
    ino_t       ino;
    bool        counted; /* as a holder */
    void       *pinned;  /* the mapping that keeps it in RAM */
    size_t      pinned_size;
};

static struct posix *
posix_of(const struct shmx *seg)
{
    return (struct posix *)seg;
}

static int
new_handle(int fd, const struct stat *st, unsigned flags, struct shmx **seg)
{
    struct posix *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;
    p->seg.backend = &shmx_posix;
    p->seg.flags = flags;
    p->seg.page = (size_t)sysconf(_SC_PAGESIZE);
    p->fd = fd;
    p->dev = st->st_dev;
    p->ino = st->st_ino;
    p->counted = true;
    *seg = &p->seg;
    return 0;
}

/* A signal must not make a large reservation start over for ever: on EINTR go on in smaller pieces,
   so that progress lasts. */
static int
reserve(int fd, int mode, off_t offset, off_t length)
{
    const off_t page = sysconf(_SC_PAGESIZE);
    off_t       piece = length;

    while (length > 0) {
        if (piece > length)
            piece = length;
        if (fallocate(fd, mode, offset, piece) == 0) {
            offset += piece;
            length -= piece;
        } else if (errno != EINTR) {
            return failure();
        } else if (piece > page) {
            piece = piece / 2 / page * page + page;
        }
    }
    return 0;
}

static int
set_size(int fd, off_t size)
{
    int r;

    do
        r = ftruncate(fd, size);
    while (r < 0 && errno == EINTR);
    return r < 0 ? failure() : 0;
}

/* Through huge pages where the kernel is willing. They must be asked for before memory is there:
   mapping, advising and populating 256 MiB in one pass takes 30 ms; fallocate(2) first takes 25 and
   gives small pages for good, which take more than twice that again when they are touched. */
static int
fill_huge(int fd, size_t size, unsigned *flags)
{
    void *addr;
    int   r = 0;

    addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (addr == MAP_FAILED)
        return failure();
    if (huge_fill(addr, size, *flags & SHMX_SPARSE))
        *flags |= SHMX_HUGE;
    else if (*flags & SHMX_HUGE_ONLY)
        r = -ENOTSUP;
    else
        *flags &= ~SHMX_HUGE;
    munmap(addr, size);
    return r;
}

static int
fill(int fd, size_t size, unsigned *flags)
{
    int r = 0;

    if (*flags & (SHMX_SPARSE | SHMX_HUGE | SHMX_HUGE_ONLY))
        r = set_size(fd, (off_t)size);
    if (r == 0 && (*flags & (SHMX_HUGE | SHMX_HUGE_ONLY)))
        r = fill_huge(fd, size, flags);
    if (r == 0 && !(*flags & SHMX_SPARSE))
        r = reserve(fd, 0, 0, (off_t)size);
    return r;
}

static int
posix_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
             struct shmx **seg)
{
    struct stat st;
    int         fd, r;

    (void)ref; /* a name is given later, to the whole */
    if (flags & SHMX_EPHEMERAL)
        mode |= EPHEMERAL;
    fd = directory_new_file(mode);
    if (fd < 0)
        return fd;
    r = fstat(fd, &st) < 0 ? failure() : 0;
    if (r == 0 && (st.st_mode & 07777) != mode) /* the umask has cut it */
        r = fchmod(fd, mode) < 0 ? failure() : 0;
    if (r == 0)
        r = fill(fd, size, &flags);
    if (r == 0)
        r = holders_join(fd);
    if (r == 0)
        r = new_handle(fd, &st, flags & (SHMX_EPHEMERAL | SHMX_SPARSE | SHMX_HUGE), seg);
    if (r < 0)
        close(fd);
    return r;
}

static int
withdraw(const char *entry, const struct stat *object)
{
    char hidden[DIRECTORY_HIDDEN_MAX];
    int  r = directory_withdraw(entry, directory_is, object, hidden);

    return r < 0 ? r : directory_unlink(hidden);
}

/*
 * Whether the segment at the entry is one that nobody holds: an ephemeral one, or, if orphans is
 * set, any that no program has open. Then *fd keeps everybody out until it is closed.
 */
static bool
is_forsaken(const char *entry, bool orphans, int *fd, struct stat *st)
{
    *fd = directory_open(entry, O_RDWR);
    if (*fd < 0)
        return false;
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode) && (orphans || (st->st_mode & EPHEMERAL))
        && holders_exclude(*fd) == 0 && ((st->st_mode & EPHEMERAL) || holders_alone(*fd)))
        return true;
    close(*fd);
    return false;
}

static int
posix_vacate(const char *entry)
{
    struct stat st;
    int         fd, r;

    if (!is_forsaken(entry, false, &fd, &st))
        return 0;
    r = withdraw(entry, &st);
    close(fd);
    return r == 0;
}

static int
check_type(mode_t mode)
{
    return S_ISREG(mode) ? 0 : S_ISDIR(mode) ? -EISDIR : -ENODEV;
}

/* Hold what fd is an opening of. -ENOENT: dead. -EAGAIN: going just now, look again. */
static int
join(int fd, struct stat *st)
{
    int r;

    if (fstat(fd, st) < 0)
        return failure();
    r = check_type(st->st_mode);
    if (r < 0)
        return r;
    if ((st->st_mode & EPHEMERAL) && !holders_exist(fd))
        return -ENOENT;
    r = holders_join(fd);
    if (r == 0 && (fstat(fd, st) < 0 || st->st_nlink == 0))
        r = -EAGAIN;
    return r;
}

/* Open and hold; returns the descriptor. */
static int
open_entry(const char *entry, int access, struct stat *st)
{
    int fd = directory_open(entry, access);
    int r;

    switch (fd) {
    case -ELOOP: /* a link: the System V backend's, if anybody's */
        return -ENOENT;
    case -ENXIO: /* a socket */
        return -ENODEV;
    }
    if (fd < 0)
        return fd;
    r = join(fd, st);
    if (r < 0)
        close(fd);
    if (r == -ENOENT)
        posix_vacate(entry);
    return r < 0 ? r : fd;
}

static int
posix_open(const struct reference *ref, unsigned flags, struct shmx **seg)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    struct stat           st;
    int                   fd, r, tries = 0;

    while ((fd = open_entry(ref->entry, flags & SHMX_RDONLY ? O_RDONLY : O_RDWR, &st)) == -EAGAIN
           && ++tries < TRIES)
        nanosleep(&pause, NULL);
    if (fd < 0)
        return fd == -EAGAIN ? -EBUSY : fd;
    if ((flags & SHMX_OWNED) && !namespace_trusts(st.st_uid))
        r = -EPERM;
    else
        r = new_handle(
            fd, &st, (flags & SHMX_RDONLY) | ((st.st_mode & EPHEMERAL) ? SHMX_EPHEMERAL : 0), seg);
    if (r < 0)
        close(fd);
    return r;
}

/* A new description of the same object; an error where its permissions or /proc do not allow it. */
static int
reopen(int fd, int access)
{
    char self[32];
    int  fresh;

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    do
        fresh = open(self, access | O_NONBLOCK | O_CLOEXEC);
    while (fresh < 0 && errno == EINTR);
    return fresh < 0 ? failure() : fresh;
}

/* The name in /dev/shm by which the object can be opened, if it has one. The kernel does not know
   it: to /proc, what was made with O_TMPFILE stays deleted. */
static char *
name_of(const struct stat *st)
{
    char  entry[NAME_MAX + 1];
    char *name;

    if (st->st_nlink == 0 || directory_find(st, entry) < 0)
        return NULL;
    return asprintf(&name, "posix:/%s", entry) < 0 ? NULL : name;
}

/* A descriptor for a handle of its own: opened anew if possible, to count as a holder. */
static int
take_descriptor(int fd, unsigned flags, bool *fresh)
{
    int status = fcntl(fd, F_GETFL);
    int access = status & O_ACCMODE;
    int taken;

    if (status < 0)
        return failure();
    if (status & O_PATH)
        return -EBADF;
    if (access == O_WRONLY)
        return -EACCES;
    taken = reopen(fd, flags & SHMX_RDONLY ? O_RDONLY : access);
    *fresh = taken >= 0;
    if (*fresh || taken == -EMFILE || taken == -ENFILE
        || ((flags & SHMX_RDONLY) && access != O_RDONLY))
        return taken;
    taken = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return taken < 0 ? failure() : taken;
}

static int
check_object(int fd, unsigned flags, struct stat *st, size_t *page)
{
    struct statfs fs;
    uint32_t      type;

    if (fstat(fd, st) < 0)
        return failure();
    if (!S_ISREG(st->st_mode) || fstatfs(fd, &fs) < 0)
        return -EINVAL;
    type = (uint32_t)fs.f_type; /* of which the sign is not the same on every machine */
    if (type != TMPFS_MAGIC && type != HUGETLBFS_MAGIC)
        return -EINVAL;
    if ((flags & SHMX_OWNED) && !namespace_trusts(st->st_uid))
        return -EPERM;
    *page = type == HUGETLBFS_MAGIC ? (size_t)fs.f_bsize : (size_t)sysconf(_SC_PAGESIZE);
    return 0;
}

static int
posix_open_fd(int fd, unsigned flags, struct shmx **seg)
{
    struct stat   st;
    struct posix *p;
    size_t        page = 0;
    bool          fresh;
    int           taken, r;

    r = check_object(fd, flags, &st, &page);
    if (r < 0)
        return r;
    taken = take_descriptor(fd, flags, &fresh);
    if (taken < 0)
        return taken;
    r = fresh ? holders_join(taken) : 0;
    if (r == -EAGAIN) { /* a lock of somebody's is no reason to refuse what we have in hand */
        fresh = false;
        r = 0;
    }
    if (r == 0)
        r = new_handle(taken, &st, (st.st_mode & EPHEMERAL) ? SHMX_EPHEMERAL : 0, seg);
    if (r < 0) {
        close(taken);
        return r;
    }
    p = posix_of(*seg);
    p->counted = fresh;
    p->seg.page = page;
    if ((fcntl(taken, F_GETFL) & O_ACCMODE) == O_RDONLY)
        p->seg.flags |= SHMX_RDONLY;
    if (page > (size_t)sysconf(_SC_PAGESIZE))
        p->seg.flags |= SHMX_HUGE;
    p->seg.name = name_of(&st);
    p->seg.label = p->seg.name;
    p->seg.named = p->seg.name != NULL;
    return 0;
}

static int
posix_publish(struct shmx *seg, const char *entry)
{
    return directory_link(posix_of(seg)->fd, entry);
}

static int
posix_destroy(struct shmx *seg)
{
    struct posix *p = posix_of(seg);

    if (!seg->named)
        return 0;
    return withdraw(strchr(seg->name, '/') + 1,
                    &(struct stat){ .st_dev = p->dev, .st_ino = p->ino });
}

static int
posix_remove(const struct reference *ref)
{
    struct stat st;
    int         r;

    r = directory_stat(ref->entry, &st);
    if (r < 0)
        return r;
    if (S_ISLNK(st.st_mode))
        return -ENOENT;
    r = check_type(st.st_mode);
    return r < 0 ? r : withdraw(ref->entry, &st);
}

static void
posix_end(struct shmx *seg) /* posix_close is a function of POSIX */
{
    struct posix *p = posix_of(seg);

    if (p->pinned != NULL)
        munmap(p->pinned, p->pinned_size);
    close(p->fd);
    if ((seg->flags & SHMX_EPHEMERAL) && seg->named)
        posix_vacate(strchr(seg->name, '/') + 1);
    free(p);
}

static int64_t
posix_size(struct shmx *seg)
{
    struct stat st;

    return fstat(posix_of(seg)->fd, &st) < 0 ? failure() : st.st_size;
}

static bool
is_sparse(const struct stat *st)
{
    return st->st_blocks * 512 < st->st_size;
}

static int
posix_attach(struct shmx *seg, struct attachment *a)
{
    int         fd = posix_of(seg)->fd;
    int         prot = PROT_READ, flags = MAP_SHARED, r;
    struct stat st;
    void       *addr;

    if (!(a->flags & SHMX_RDONLY))
        prot |= PROT_WRITE;
    if (a->flags & SHMX_EXEC)
        prot |= PROT_EXEC;
    if (a->flags & SHMX_PRIVATE)
        flags = MAP_PRIVATE;
    if (a->flags & SHMX_FIXED)
        flags |= a->flags & SHMX_REPLACE ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    /* Populating a mapping of a full /dev/shm keeps what it got; reserving gives it back. Both
       together are no slower than touching page by page: 92 ms for 256 MiB, against 120. */
    if ((a->flags & SHMX_POPULATE) && (prot & PROT_WRITE) && flags == MAP_SHARED
        && fstat(fd, &st) == 0 && is_sparse(&st)) {
        /* Not beyond the end: there RLIMIT_FSIZE would count. */
        off_t rest = st.st_size - (off_t)a->offset;

        r = reserve(fd, FALLOC_FL_KEEP_SIZE, (off_t)a->offset,
                    (off_t)a->length < rest ? (off_t)a->length : rest);
        if (r < 0)
            return r;
    }
    addr = mmap(a->base, a->length, prot, flags, fd, (off_t)a->offset);
    if (addr == MAP_FAILED)
        return failure();
    if ((a->flags & SHMX_FIXED) && addr != a->base) { /* a kernel without MAP_FIXED_NOREPLACE */
        munmap(addr, a->length);
        return -EEXIST;
    }
    a->base = addr;
    a->owned = true;
    return 0;
}

static int
posix_unmap(struct attachment *a)
{
    return munmap(a->base, a->length) < 0 ? failure() : 0;
}

static int
posix_unpin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);

    if (p->pinned != NULL)
        munmap(p->pinned, p->pinned_size);
    p->pinned = NULL;
    return 0;
}

static int
posix_pin(struct shmx *seg)
{
    struct posix *p = posix_of(seg);
    int64_t       size = posix_size(seg);
    void         *addr;
    int           r;

    if (size == 0)
        return -ENODATA;
    addr = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, p->fd, 0);
    if (addr == MAP_FAILED)
        return failure();
    if (mlock(addr, (size_t)size) < 0) {
        r = errno == EAGAIN ? -EAGAIN : failure();
        munmap(addr, (size_t)size);
        return r;
    }
    posix_unpin(seg);
    p->pinned = addr;
    p->pinned_size = (size_t)size;
    return 0;
}

/* Bytes from the old end to the new one, zero and, unless the segment is sparse, there. */
static int
extend(struct shmx *seg, const struct stat *st, off_t size)
{
    int         fd = posix_of(seg)->fd, r;
    const off_t whole = (off_t)segment_round_up(seg, (size_t)st->st_size);

    /* What was written past the end within the last page would come to light. */
    if (whole > st->st_size
        && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, st->st_size,
                     whole - st->st_size)
               < 0)
        return failure();
    if ((seg->flags & SHMX_SPARSE) || is_sparse(st) || size <= whole)
        return 0;
    r = reserve(fd, FALLOC_FL_KEEP_SIZE, whole, size - whole);
    if (r < 0)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, whole, size - whole);
    return r;
}

static int
change_size(struct shmx *seg, off_t size)
{
    struct posix *p = posix_of(seg);
    struct stat   st;
    int           r;

    if (fstat(p->fd, &st) < 0)
        return failure();
    r = size > st.st_size ? extend(seg, &st, size) : 0;
    if (r == 0)
        r = set_size(p->fd, size);
    if (r == 0 && size > st.st_size && p->pinned != NULL) {
        r = posix_pin(seg);
        if (r < 0)
            set_size(p->fd, st.st_size);
    }
    return r;
}

static int
posix_resize(struct shmx *seg, uint64_t size)
{
    struct posix *p = posix_of(seg);
    int           r;

    if (seg->flags & SHMX_RDONLY)
        return -EACCES;
    r = holders_lock_size(p->fd);
    if (r < 0)
        return r;
    r = change_size(seg, (off_t)size);
    holders_unlock_size(p->fd);
    return r;
}

static void
describe(const struct stat *st, struct shmx_stat *out)
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

static int
posix_stat(struct shmx *seg, struct shmx_stat *out)
{
    struct posix *p = posix_of(seg);
    struct stat   st;

    if (fstat(p->fd, &st) < 0)
        return failure();
    describe(&st, out);
    out->holders = holders_count(p->fd, p->counted);
    if (p->pinned != NULL)
        out->state |= SHMX_IS_PINNED;
    if ((seg->flags & SHMX_HUGE) && !(out->state & SHMX_IS_HUGE)) {
        out->state |= SHMX_IS_HUGE;
        out->page_size = huge_page_size();
    }
    return 0;
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

static int
posix_fd(const struct shmx *seg)
{
    return posix_of(seg)->fd;
}

static ssize_t
posix_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    ssize_t r;

    do
        r = pread(posix_of(seg)->fd, buf, count, (off_t)offset);
    while (r < 0 && errno == EINTR);
    return r < 0 ? failure() : r;
}

static ssize_t
posix_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    ssize_t r;

    do
        r = pwrite(posix_of(seg)->fd, buf, count, (off_t)offset);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EINVAL ? -ENOTSUP : failure(); /* hugetlbfs */
    return r;
}

struct walk {
    unsigned        flags;
    segment_visitor visit;
    void           *arg;
};

static int
visit_entry(const struct walk *walk, const char *entry, const struct shmx_stat *st)
{
    char name[sizeof "posix:/" + NAME_MAX] = "posix:/";

    if (walk->visit == NULL)
        return 0;
    strlcat(name, entry, sizeof name);
    return walk->visit(name, st, walk->arg);
}

static int
list_entry(const char *entry, void *arg)
{
    struct shmx_stat out;
    struct stat      st;
    int              fd;

    if (directory_is_hidden(entry) || directory_stat(entry, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    fd = directory_open(entry, O_RDONLY);
    if (fd == -EMFILE || fd == -ENFILE)
        return fd;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        describe(&st, &out);
        out.holders = holders_count(fd, false);
    } else {
        describe(&st, &out);
    }
    if (fd >= 0)
        close(fd);
    return visit_entry(arg, entry, &out);
}

static int
posix_list(segment_visitor visit, void *arg)
{
    return directory_walk(list_entry, &(struct walk){ .visit = visit, .arg = arg });
}

/* What a killed process left on its way to removing it. */
static int
collect_hidden(const struct walk *walk, const char *entry)
{
    struct shmx_stat out;
    struct stat      st;

    if (directory_stat(entry, &st) < 0 || !S_ISREG(st.st_mode)
        || !directory_is_abandoned(entry, st.st_ctim))
        return 0;
    describe(&st, &out);
    out.state |= SHMX_IS_DEAD;
    if (!(walk->flags & SHMX_DRY_RUN) && directory_unlink(entry) < 0)
        return 0;
    return visit_entry(walk, entry, &out);
}

static int
collect_entry(const char *entry, void *arg)
{
    const struct walk *walk = arg;
    struct shmx_stat   out;
    struct stat        st;
    bool               dead, removed = true;
    int                fd;

    if (directory_is_hidden(entry)) {
        if (!(walk->flags & SHMX_DRY_RUN))
            directory_collect_lock(entry);
        return collect_hidden(walk, entry);
    }
    if (directory_stat(entry, &st) < 0 || !S_ISREG(st.st_mode)
        || !is_forsaken(entry, true, &fd, &st))
        return 0;
    describe(&st, &out);
    out.holders = 0;
    dead = out.state & SHMX_IS_EPHEMERAL;
    if (dead)
        out.state |= SHMX_IS_DEAD;
    if ((dead || (walk->flags & SHMX_ORPHANS)) && !(walk->flags & SHMX_DRY_RUN))
        removed = withdraw(entry, &st) == 0;
    close(fd);
    return removed ? visit_entry(walk, entry, &out) : 0;
}

static int
posix_collect(unsigned flags, segment_visitor visit, void *arg)
{
    return directory_walk(collect_entry,
                          &(struct walk){ .flags = flags, .visit = visit, .arg = arg });
}

const struct shmx_backend shmx_posix = {
    .prefix = "posix:",
    .flag = SHMX_POSIX,
    .shortage = -ENOSPC,
    .create = posix_create,
    .open = posix_open,
    .open_fd = posix_open_fd,
    .publish = posix_publish,
    .vacate = posix_vacate,
    .destroy = posix_destroy,
    .remove = posix_remove,
    .close = posix_end,
    .attach = posix_attach,
    .unmap = posix_unmap,
    .size = posix_size,
    .resize = posix_resize,
    .stat = posix_stat,
    .chmod = posix_chmod,
    .chown = posix_chown,
    .pin = posix_pin,
    .unpin = posix_unpin,
    .fd = posix_fd,
    .read = posix_read,
    .write = posix_write,
    .list = posix_list,
    .collect = posix_collect,
};
