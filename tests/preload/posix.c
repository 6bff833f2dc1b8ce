/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_open(3) and the calls for its descriptors. A descriptor that a program gets is that of a
 * handle. While mappings outlive the descriptor, the handle lives on without it. A mapping is an
 * attachment as long as it is whole. Programs may unmap any pages or map others over them, but an
 * attachment ends only as a whole. So what is left of such a mapping belongs to the kernel alone.
 */
#include "preload.h"

#include "shmx.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/dev/shm/"

struct object {
    LIST_ENTRY(object) link;
    struct shmx *seg;
    int          fd; /* -1 if the program has closed it */
    int          access;
    bool         sparse;
    dev_t        dev;
    ino_t        ino;
    int          mappings;
};

struct mapping {
    LIST_ENTRY(mapping) link;
    struct object *object;
    void          *addr;
    size_t         length; /* in whole pages */
};

static LIST_HEAD(, object) objects = LIST_HEAD_INITIALIZER(objects);
static LIST_HEAD(, mapping) mappings = LIST_HEAD_INITIALIZER(mappings);

static uintptr_t
whole_pages(uintptr_t length)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    return (length + page - 1) / page * page;
}

/* Drops the handle if neither the descriptor nor a mapping is left. */
static void
drop_object(struct object *object)
{
    LIST_REMOVE(object, link);
    if (object->fd < 0)
        preload_pretend(true); /* by now, another file may have the number of the descriptor */
    shmx_close(object->seg);
    preload_pretend(false);
    free(object);
}

static bool
is_open_as(const struct object *object, int fd)
{
    struct stat st;
    int         status = fcntl(fd, F_GETFL);

    return status >= 0 && (status & O_ACCMODE) == object->access && !(status & O_PATH)
           && REAL(fstat)(fd, &st) == 0 && st.st_dev == object->dev && st.st_ino == object->ino;
}

/* The program has closed the descriptor unnoticed, for example in fclose or by dup2. */
static void
lose_descriptor(struct object *object)
{
    object->fd = -1;
    if (object->mappings == 0)
        drop_object(object);
}

static struct object *
find_object(int fd)
{
    struct object *object;

    LIST_FOREACH (object, &objects, link)
        if (object->fd == fd)
            break;
    if (object != NULL && !is_open_as(object, fd)) {
        lose_descriptor(object);
        object = NULL;
    }
    return object;
}

/* Finds the object of fd, or the same object opened in the same way, because fd may be a
   duplicate. */
static struct object *
find_like(int fd)
{
    struct object *object = find_object(fd);

    if (object != NULL || LIST_EMPTY(&objects))
        return object;
    LIST_FOREACH (object, &objects, link)
        if (object->fd >= 0 && is_open_as(object, fd) && find_object(object->fd) == object)
            break;
    return object;
}

/* Names. */

/* Returns the name without slashes if a handle can have it, otherwise NULL. */
static const char *
plain_name(const char *name)
{
    struct stat st;
    char        path[sizeof DIRECTORY + NAME_MAX];

    while (*name == '/')
        name++;
    if (*name == '\0' || strchr(name, '/') != NULL || strlen(name) > NAME_MAX
        || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, ".shmx-", 6) == 0)
        return NULL;
    /* A handle has only regular files, and the sticky bit is its mark of an ephemeral segment. */
    snprintf(path, sizeof path, DIRECTORY "%s", name);
    if (lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || (st.st_mode & S_ISVTX)))
        return NULL;
    return name;
}

static mode_t
current_umask(void)
{
    char     line[128];
    unsigned mask = 022;
    FILE    *f = fopen("/proc/self/status", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return (mode_t)mask;
}

/* Creates an object of size 0, which no segment can be created with. */
static int
create(const char *text, mode_t mode, struct shmx **seg)
{
    int r = shmx_create(NULL, 1, mode, SHMX_POSIX | SHMX_SPARSE, seg);

    if (r < 0)
        return r;
    r = shmx_resize(*seg, 0);
    if (r == 0)
        r = shmx_publish(*seg, text);
    if (r < 0)
        shmx_close(*seg);
    return r;
}

/* Opens the handle that shm_open asks for. Returns 1 if it has created the object. */
static int
open_handle(const char *text, int oflag, mode_t mode, struct shmx **seg)
{
    const unsigned flags = (oflag & O_ACCMODE) == O_RDONLY ? SHMX_RDONLY : 0;
    int            r = -EEXIST, tries;

    for (tries = 0; r == -EEXIST && tries < 1000; tries++) {
        r = (oflag & O_EXCL) ? -ENOENT : shmx_open(text, flags, seg);
        if (r != -ENOENT || !(oflag & O_CREAT))
            return r;
        r = create(text, mode, seg);
        if (r == 0 && flags == 0)
            return 1;
        if (r == 0) {
            shmx_close(*seg);
            oflag &= ~O_EXCL;
            r = -EEXIST; /* open it for reading only */
        }
        if (oflag & O_EXCL)
            return r;
    }
    return r;
}

static struct object *
add_object(struct shmx *seg, int oflag, bool sparse)
{
    const int      fd = shmx_fd(seg);
    struct object *object = malloc(sizeof *object);
    struct stat    st;

    if (object == NULL || REAL(fstat)(fd, &st) < 0) {
        free(object);
        return NULL;
    }
    *object = (struct object){ .seg = seg,
                               .fd = fd,
                               .access = oflag & O_ACCMODE,
                               .sparse = sparse,
                               .dev = st.st_dev,
                               .ino = st.st_ino };
    LIST_INSERT_HEAD(&objects, object, link);
    fcntl(fd, F_SETFL, oflag & O_NONBLOCK);
    return object;
}

static bool
is_for_the_handle(int oflag, mode_t mode)
{
    const int access = oflag & O_ACCMODE;

    if (oflag & ~(O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK))
        return false;
    if ((oflag & O_CREAT) && (mode & ~(mode_t)0777))
        return false;
    if (access == O_RDONLY)
        return !(oflag & O_TRUNC) && (!(oflag & O_CREAT) || (mode & 0400));
    return access == O_RDWR;
}

/* Returns the new descriptor or a negative errno value. */
static int
open_object(const char *plain, int oflag, mode_t mode)
{
    char           text[sizeof "posix:/" + NAME_MAX];
    struct object *object;
    struct shmx   *seg;
    int            r;

    snprintf(text, sizeof text, "posix:/%s", plain);
    r = open_handle(text, oflag, mode, &seg);
    if (r < 0)
        return r;
    LIST_FOREACH (object, &objects, link)
        if (object->fd == shmx_fd(seg))
            break;
    if (object != NULL) /* its descriptor of that number must have been closed */
        lose_descriptor(object);
    object = add_object(seg, oflag, r == 1);
    r = object == NULL ? -ENOMEM : 0;
    if (r == 0 && (oflag & O_TRUNC))
        r = shmx_resize(seg, 0);
    if (r == 0)
        return object->fd;
    if (object != NULL)
        LIST_REMOVE(object, link);
    free(object);
    shmx_close(seg);
    return r;
}

PUBLIC int
shm_open(const char *name, int oflag, mode_t mode)
{
    const char *plain;
    int         r = -EBUSY;

    if (!preload_enter(PRELOAD_POSIX))
        return REAL(shm_open)(name, oflag, mode);
    if (oflag & O_CREAT)
        mode &= ~current_umask();
    plain = plain_name(name);
    if (plain != NULL && is_for_the_handle(oflag, mode))
        r = open_object(plain, oflag, mode);
    /* The library returns EBUSY where POSIX has another error. */
    preload_log("shm_open", r != -EBUSY);
    r = r == -EBUSY ? REAL(shm_open)(name, oflag, mode) : preload_result(r);
    preload_leave();
    return r;
}

PUBLIC int
shm_unlink(const char *name)
{
    char        text[sizeof "posix:/" + NAME_MAX];
    const char *plain;
    int         r;

    if (!preload_enter(PRELOAD_POSIX))
        return REAL(shm_unlink)(name);
    plain = plain_name(name);
    preload_log("shm_unlink", plain != NULL);
    if (plain == NULL) {
        r = REAL(shm_unlink)(name);
    } else {
        snprintf(text, sizeof text, "posix:/%s", plain);
        r = shmx_remove(text);
        r = preload_result(r == -EPERM ? -EACCES : r);
    }
    preload_leave();
    return r;
}

/* Descriptors. */

/* A handle reserves the memory by which it grows, unless it is sparse. ftruncate must not. */
static bool
resizes_likewise(const struct object *object, off_t length)
{
    return object->access == O_RDWR && length >= 0 && (uint64_t)length <= (uint64_t)1 << 46
           && (object->sparse || length <= shmx_size(object->seg));
}

PUBLIC int
ftruncate(int fd, off_t length)
{
    struct object *object;
    int            r;

    if (!preload_enter(PRELOAD_POSIX))
        return REAL(ftruncate)(fd, length);
    object = find_like(fd);
    if (object != NULL && resizes_likewise(object, length)) {
        preload_log("ftruncate", true);
        r = preload_result(shmx_resize(object->seg, (uint64_t)length));
    } else {
        if (object != NULL)
            preload_log("ftruncate", false);
        r = REAL(ftruncate)(fd, length);
    }
    preload_leave();
    return r;
}

/* shmx_stat does not tell of links beyond the first and of mode bits beyond 0777. */
static int
stat_object(const struct object *object, struct stat *st)
{
    struct shmx_stat now;
    int              r = shmx_stat(object->seg, &now);

    if (r < 0)
        return preload_result(r);
    st->st_size = (off_t)now.size;
    st->st_blocks = (blkcnt_t)(now.resident / 512);
    st->st_mode = (st->st_mode & ~(mode_t)0777) | now.mode;
    st->st_uid = now.uid;
    st->st_gid = now.gid;
    st->st_dev = now.dev;
    st->st_ino = now.ino;
    st->st_atim = now.atime;
    st->st_mtim = now.mtime;
    st->st_ctim = now.ctime;
    return 0;
}

PUBLIC int
fstat(int fd, struct stat *st)
{
    struct object *object;
    int            r;

    if (!preload_enter(PRELOAD_POSIX))
        return REAL(fstat)(fd, st);
    r = REAL(fstat)(fd, st);
    object = r == 0 ? find_like(fd) : NULL;
    if (object != NULL) {
        preload_log("fstat", true);
        r = stat_object(object, st);
    }
    preload_leave();
    return r;
}

PUBLIC int
close(int fd)
{
    struct object *object;
    int            r = 0;

    if (preload_pretends())
        return 0;
    if (!preload_enter(PRELOAD_POSIX))
        return REAL(close)(fd);
    object = find_object(fd);
    if (object != NULL && object->mappings == 0) {
        preload_log("close", true);
        drop_object(object);
    } else {
        if (object != NULL) /* the handle lives on for the mappings */
            object->fd = -1;
        r = REAL(close)(fd);
    }
    preload_leave();
    return r;
}

/* Mappings. */

static void
end_mapping(struct mapping *mapping)
{
    struct object *object = mapping->object;

    LIST_REMOVE(mapping, link);
    free(mapping);
    if (--object->mappings == 0 && object->fd < 0)
        drop_object(object);
}

/* The program has unmapped some of these addresses, or mapped others over them. */
static void
forget_range(void *addr, size_t length)
{
    const uintptr_t start = (uintptr_t)addr, end = start + whole_pages(length);
    struct mapping *mapping, *following;

    for (mapping = LIST_FIRST(&mappings); mapping != NULL; mapping = following) {
        following = LIST_NEXT(mapping, link);
        if (end <= (uintptr_t)mapping->addr || (uintptr_t)mapping->addr + mapping->length <= start)
            continue;
        preload_pretend(true);
        shmx_detach(mapping->object->seg, mapping->addr);
        preload_pretend(false);
        end_mapping(mapping);
    }
}

/* Returns the SHMX_* flags for an mmap that an attachment can be, or -1 if it cannot be one. */
static int
attach_flags(const struct object *object, int prot, int flags)
{
    const int kind = flags & MAP_TYPE;
    unsigned  attach = 0;

    if ((flags & ~(MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_POPULATE))
        || !(prot & PROT_READ) || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -1;
    if (kind == MAP_PRIVATE)
        attach |= SHMX_PRIVATE;
    else if (kind != MAP_SHARED || (object->access == O_RDONLY && (prot & PROT_WRITE)))
        return -1;
    if (!(prot & PROT_WRITE))
        attach |= SHMX_RDONLY;
    if (prot & PROT_EXEC)
        attach |= SHMX_EXEC;
    if (flags & MAP_POPULATE)
        attach |= SHMX_POPULATE;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        attach |= SHMX_FIXED;
    if ((flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE))
        attach |= SHMX_REPLACE;
    return (int)attach;
}

/* Returns how much of the segment is in the same pages, or 0. A mapping may reach beyond the end,
   but an attachment may not. */
static size_t
attach_length(const struct object *object, size_t length, off_t offset)
{
    const int64_t size = shmx_size(object->seg);

    if (length == 0 || offset < 0 || offset % sysconf(_SC_PAGESIZE) != 0 || size <= offset)
        return 0;
    if (length <= (uint64_t)(size - offset))
        return length;
    return whole_pages((uintptr_t)(size - offset)) >= length ? (size_t)(size - offset) : 0;
}

static int
attach(struct object *object, void *hint, size_t length, off_t offset, unsigned flags, void **addr)
{
    int r = -EEXIST;

    *addr = hint;
    /* Without MAP_FIXED, an address is only a wish. */
    if (hint != NULL && !(flags & SHMX_FIXED))
        r = shmx_attach_range(object->seg, (uint64_t)offset, length, flags | SHMX_FIXED, addr);
    if (r < 0)
        r = shmx_attach_range(object->seg, (uint64_t)offset, length, flags, addr);
    /* MAP_POPULATE is also only a wish. */
    if (r < 0 && (flags & SHMX_POPULATE))
        r = attach(object, hint, length, offset, flags & ~(unsigned)SHMX_POPULATE, addr);
    return r;
}

static void *
map_object(struct object *object, void *hint, size_t length, off_t offset, unsigned flags)
{
    struct mapping *mapping = calloc(1, sizeof *mapping);
    void           *addr;
    int             r = mapping == NULL ? -ENOMEM : 0;

    if (r == 0 && (flags & SHMX_REPLACE)) /* this comes first, because a handle does not replace its
                                             own attachments */
        forget_range(hint, length);
    if (r == 0)
        r = attach(object, hint, length, offset, flags, &addr);
    if (r < 0) {
        free(mapping);
        preload_result(r);
        return MAP_FAILED;
    }
    *mapping = (struct mapping){ .object = object, .addr = addr, .length = whole_pages(length) };
    LIST_INSERT_HEAD(&mappings, mapping, link);
    object->mappings++;
    return addr;
}

PUBLIC void *
mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    struct object *object = NULL;
    int            attach = -1;
    size_t         within = 0;
    void          *mapped;

    if (!preload_enter(PRELOAD_POSIX))
        return REAL(mmap)(addr, length, prot, flags, fd, offset);
    if (!(flags & MAP_ANONYMOUS))
        object = find_like(fd);
    if (object != NULL) {
        attach = attach_flags(object, prot, flags);
        within = attach < 0 ? 0 : attach_length(object, length, offset);
        preload_log("mmap", within > 0);
    }
    if (within > 0) {
        mapped = map_object(object, addr, within, offset, (unsigned)attach);
    } else {
        mapped = REAL(mmap)(addr, length, prot, flags, fd, offset);
        if (mapped != MAP_FAILED && (flags & MAP_FIXED))
            forget_range(addr, length);
    }
    preload_leave();
    return mapped;
}

PUBLIC int
munmap(void *addr, size_t length)
{
    struct mapping *mapping;
    int             r;

    if (preload_pretends())
        return 0;
    if (!preload_enter(PRELOAD_POSIX))
        return REAL(munmap)(addr, length);
    LIST_FOREACH (mapping, &mappings, link)
        if (mapping->addr == addr && mapping->length == whole_pages(length))
            break;
    if (mapping != NULL) {
        preload_log("munmap", true);
        r = preload_result(shmx_detach(mapping->object->seg, addr));
        if (r == 0)
            end_mapping(mapping);
    } else {
        r = REAL(munmap)(addr, length);
        if (r == 0)
            forget_range(addr, length);
    }
    preload_leave();
    return r;
}

/* A mapping that was moved or has grown belongs to the kernel alone from then on. */
PUBLIC void *
mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    va_list args;
    void   *wanted, *mapped;
    bool    entered = preload_enter(PRELOAD_POSIX);

    va_start(args, flags);
    wanted = (flags & MREMAP_FIXED) ? va_arg(args, void *) : NULL;
    va_end(args);
    mapped = REAL(mremap)(old, old_length, length, flags, wanted);
    if (!entered)
        return mapped;
    if (mapped != MAP_FAILED) {
        forget_range(old, old_length);
        forget_range(mapped, length);
    }
    preload_leave();
    return mapped;
}

/* The same functions for programs with 64-bit offsets. On 64-bit machines there is no
   difference. */
_Static_assert(sizeof(off_t) == 8, "the aliases are for 64-bit machines");
PUBLIC __typeof__(ftruncate) ftruncate64 __attribute__((alias("ftruncate")));
PUBLIC __typeof__(mmap)      mmap64 __attribute__((alias("mmap")));
PUBLIC int                   fstat64(int fd, struct stat64 *st) __attribute__((alias("fstat")));
