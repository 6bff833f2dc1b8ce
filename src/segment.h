/* SPDX-License-Identifier: BSD-2-Clause */
/* The segment behind a handle, and the contract that a backend keeps. */
#ifndef SHMX_SEGMENT_H
#define SHMX_SEGMENT_H

#include "name.h"
#include "shmx.h"

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>

/* The largest segment: what fits the lower half of a 48-bit address space, or of a 32-bit one. */
#define SEGMENT_SIZE_MAX ((uint64_t)PTRDIFF_MAX >> (sizeof(void *) > 4 ? 16 : 0))

struct attachment {
    LIST_ENTRY(attachment) link;
    void    *addr;   /* what the caller was given */
    void    *base;   /* start of the mapping */
    size_t   length; /* of the mapping, whole pages */
    uint64_t offset; /* of the mapping in the segment, whole pages */
    unsigned flags;  /* SHMX_*; SHMX_RDONLY also where the handle forces it */
    pid_t    pid;    /* SHMX_DONTFORK: the process that has it */
    bool     owned;  /* base and length are ours to munmap (System V: else it is shmat's) */
};

struct shmx {
    const struct shmx_backend *backend;
    pthread_rwlock_t           lock; /* shared: what only looks or copies; exclusive: the rest */
    LIST_HEAD(, attachment) attachments;
    char       *name;      /* "posix:/frames"; NULL if it never had one */
    const char *label;     /* what shmx_name answers: name, or a raw reference, or NULL */
    size_t      page;      /* alignment and granularity of attachments, bytes */
    unsigned    flags;     /* SHMX_RDONLY, SHMX_EPHEMERAL, SHMX_SPARSE, SHMX_HUGE (was got) */
    bool        named;     /* name still leads here, as far as this handle knows */
    bool        destroyed; /* through this handle */
};

/* In whole pages, of a size that is a power of two. */
static inline size_t
segment_round_up(const struct shmx *seg, size_t bytes)
{
    return (bytes + seg->page - 1) & ~(seg->page - 1);
}

typedef int (*segment_visitor)(const char *name, const struct shmx_stat *st, void *arg);

/*
 * One backend. An operation that is NULL answers -ENOTSUP. The locks are the caller's business, as
 * are NULL pointers, unknown flags and ranges. A reference is a name, or the backend's own. "Not
 * mine" is -ENOENT: the next backend is asked.
 */
struct shmx_backend {
    const char *prefix;   /* of names, "posix:" */
    unsigned    flag;     /* SHMX_POSIX or SHMX_SYSV */
    int         shortage; /* what a fault without memory means: -ENOSPC or -ENOMEM */

    /* A new, complete segment; still nameless, unless the reference is a raw key. */
    int (*create)(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                  struct shmx **seg);
    int (*open)(const struct reference *ref, unsigned flags, struct shmx **seg);
    int (*open_fd)(int fd, unsigned flags, struct shmx **seg);
    /* Make the entry lead here: exclusively, atomically, or not at all. */
    int (*publish)(struct shmx *seg, const char *entry);
    /* Remove the entry if it is this backend's and its segment is dead: 1, else 0. */
    int (*vacate)(const char *entry);
    int (*destroy)(struct shmx *seg);
    int (*remove)(const struct reference *ref);
    /* Free everything; the attachments are gone already. */
    void (*close)(struct shmx *seg);

    /* Map a->offset, a->length as a->flags say, at a->base if fixed; fills in a->base, a->owned. */
    int (*attach)(struct shmx *seg, struct attachment *a);
    /* Before a detach: 1 if the mapping was taken over and must stay, 0, or an error. */
    int (*keep)(struct shmx *seg, struct attachment *a);
    int (*unmap)(struct attachment *a);

    int64_t (*size)(struct shmx *seg);
    int (*resize)(struct shmx *seg, uint64_t size);
    int (*stat)(struct shmx *seg, struct shmx_stat *st);
    int (*chmod)(struct shmx *seg, mode_t mode);
    int (*chown)(struct shmx *seg, uid_t uid, gid_t gid);
    int (*pin)(struct shmx *seg);
    int (*unpin)(struct shmx *seg);
    int (*fd)(const struct shmx *seg);
    ssize_t (*read)(struct shmx *seg, void *buf, size_t count, uint64_t offset);
    ssize_t (*write)(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

    int (*list)(segment_visitor visit, void *arg);
    int (*collect)(unsigned flags, segment_visitor visit, void *arg);
};

extern const struct shmx_backend shmx_posix;
extern const struct shmx_backend shmx_sysv;

#endif
