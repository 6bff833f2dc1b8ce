/* SPDX-License-Identifier: BSD-2-Clause */
/* The segment behind a handle, and the contract that a backend keeps. */
#ifndef SHMX_SEGMENT_H
#define SHMX_SEGMENT_H

#include "name.h"
#include "shmx.h"

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>

/* The size of the largest segment. It fits into the lower half of an address space of 48 bits, or
   of 32 bits on a 32-bit machine. */
#define SEGMENT_SIZE_MAX ((uint64_t)PTRDIFF_MAX >> (sizeof(void *) > 4 ? 16 : 0))

struct attachment {
    LIST_ENTRY(attachment) link;
    void    *addr;   /* as given to the caller; NULL while being made or ended */
    void    *base;   /* start of the mapping */
    size_t   length; /* of the mapping, in whole pages */
    size_t   filled; /* as far as the segment filled it; less only with SHMX_ROOM */
    uint64_t offset; /* of the mapping in the segment, in whole pages */
    uint64_t segment_size;
    unsigned flags; /* SHMX_*; includes SHMX_RDONLY if the handle forces it */
};

enum name_state {
    NAME_UNKNOWN,  /* the handle knows no name, but another handle may have given one */
    NAME_CHANGING, /* a thread is publishing or destroying the segment */
    NAME_KNOWN,    /* the name leads to the segment, as far as this handle knows */
    NAME_ENDED     /* the segment was destroyed through this handle */
};

struct shmx {
    const struct shmx_backend *backend;
    /* The lock guards the members below that can change. It is held for a few instructions, and
       never while memory is reserved, populated or copied, or while this process waits for another
       one. */
    pthread_mutex_t lock;
    LIST_HEAD(, attachment) attachments;
    enum name_state name_state;
    char           *name;   /* "posix:/frames", kept until the end; NULL if none was ever known */
    size_t          page;   /* alignment and granularity of attachments, in bytes */
    unsigned        flags;  /* SHMX_RDONLY, or the flags of the creation; SHMX_EPHEMERAL */
    int             events; /* a descriptor of shmx_open_wait that shmx_close closes; 0 for none */
    /* Whether looking at a word before sleeping is worth while, see wait.c. Not guarded. */
    _Atomic unsigned doubt, skipped;
    _Atomic int64_t  looked; /* when the last look found peers, see wait.c; 0 for never */
};

/* Initialises what all handles have in common. */
void shmx_segment_begin(struct shmx *seg, const struct shmx_backend *backend, unsigned flags);

/* Frees what all handles have in common. The handle may be only half made. */
void shmx_segment_end(struct shmx *seg);

/* Returns the text of the name, which the caller frees, or NULL if there is no memory. */
char *shmx_segment_new_name(const struct shmx *seg, const char *entry);

/* Gives a new handle the name that it knows from the beginning. Returns 0 or -ENOMEM. */
int shmx_segment_set_name(struct shmx *seg, const char *entry);

/* Returns the entry of the name that the handle knows, or NULL. The text stays valid. */
const char *shmx_segment_entry(struct shmx *seg);

/* Only one thread changes the name at a time. shmx_segment_begin_change returns -EBUSY, or 0 and
   the state before. A name that shmx_segment_end_change receives belongs to the handle. It may be
   NULL. */
int  shmx_segment_begin_change(struct shmx *seg, enum name_state *before);
void shmx_segment_end_change(struct shmx *seg, enum name_state state, char *name);

/* Returns whether two ranges of addresses overlap. */
static inline bool
segment_overlap(const char *one, size_t length, const char *other, size_t other_length)
{
    return one < other + other_length && other < one + length;
}

/* Rounds up to whole pages. The size of a page is a power of two. */
static inline size_t
segment_round_up(const struct shmx *seg, size_t bytes)
{
    return (bytes + seg->page - 1) & ~(seg->page - 1);
}

/*
 * No public function is a cancellation point: a thread that is cancelled inside a function finishes
 * that function first. So nothing stays locked, and nothing is leaked. Every public function that
 * calls cancellation points begins with this declaration. Attaching and detaching are frequent, and
 * they reach cancellation points only in rare cases, so the functions for those cases have the
 * declaration.
 */
static inline int
cancellation_off(void)
{
    int state;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

static inline void
cancellation_restore(const int *state)
{
    int ignored;

    pthread_setcancelstate(*state, &ignored);
}

#define NO_CANCELLATION                                                                            \
    const int cancellation __attribute__((cleanup(cancellation_restore), unused)) =                \
        cancellation_off()

typedef int (*segment_visitor)(const char *name, const struct shmx_stat *st, void *arg);

/* A walk over all segments. */
struct survey {
    unsigned        flags;         /* SHMX_ORPHANS and the like; 0 when listing */
    segment_visitor choose, visit; /* each of them may be NULL */
    void           *arg;
};

static inline bool
survey_chooses(const struct survey *survey, const char *name, const struct shmx_stat *st)
{
    return survey->choose == NULL || survey->choose(name, st, survey->arg) != 0;
}

static inline int
survey_tells(const struct survey *survey, const char *name, const struct shmx_stat *st)
{
    return survey->visit == NULL ? 0 : survey->visit(name, st, survey->arg);
}

/*
 * One backend. If an operation is NULL, the public function returns -ENOTSUP. The callers have
 * checked NULL pointers, unknown flags and ranges. A reference is a name, or a key or id of this
 * backend. An operation that gets the name of a segment of another backend returns -ENOENT, and
 * then the next backend is asked.
 */
struct shmx_backend {
    unsigned flag;     /* SHMX_POSIX or SHMX_SYSV */
    int      shortage; /* what a fault for want of memory means: -ENOSPC or -ENOMEM */

    /* Makes a complete segment. It has no name yet, unless the reference is a raw key. */
    int (*create)(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                  struct shmx **seg);
    int (*open)(const struct reference *ref, unsigned flags, struct shmx **seg);
    /* Makes the entry lead to the segment, in one step and only if the name is free. -EAGAIN means
       that the segment must not be used, because somebody may have taken its maker for dead and
       removed it. The caller makes a new segment then. */
    int (*publish)(struct shmx *seg, const char *entry);
    /* Returns how many names lead to the segment, whoever gave them. */
    int (*count_names)(struct shmx *seg);
    /* Undoes publish. Errors are ignored. */
    void (*unpublish)(struct shmx *seg, const char *entry);
    /* Removes the entry if it belongs to this backend and its segment is dead. Returns 1 if it has,
       otherwise 0. */
    int (*vacate)(const char *entry);
    int (*destroy)(struct shmx *seg);
    int (*remove)(const struct reference *ref);
    int (*stat_name)(const struct reference *ref, struct shmx_stat *st);
    /* Frees everything. The attachments are gone already. Errors are ignored. */
    void (*close)(struct shmx *seg);
    /* Does the same with a segment that has not been published, and destroys the segment. */
    void (*discard)(struct shmx *seg);
    /* Returns the text that opens the segment without a name, or NULL. The caller holds the
       lock. */
    const char *(*label)(struct shmx *seg);

    /* Prepares a new mapping that is to be populated: reserves its memory, or has huge pages made
       of it, as far as the backend can. */
    int (*reserve)(struct shmx *seg, const struct attachment *a);
    /* Returns what the library has mapped for itself, or NULL. No attachment may replace that
       mapping. The caller holds the lock. */
    const void *(*own)(struct shmx *seg, size_t *length);
    /* Maps a->length bytes from a->offset at an address of the kernel's choice, and fills in
       a->base. */
    int (*map)(struct shmx *seg, struct attachment *a);
    int (*unmap)(struct shmx *seg, struct attachment *a);

    int64_t (*size)(struct shmx *seg);
    int (*resize)(struct shmx *seg, uint64_t size);
    int (*stat)(struct shmx *seg, struct shmx_stat *st);
    int (*chmod)(struct shmx *seg, mode_t mode);
    int (*chown)(struct shmx *seg, uid_t uid, gid_t gid);
    int (*pin)(struct shmx *seg);
    int (*unpin)(struct shmx *seg);
    /* Returns 1 if anybody else holds the segment, 0 if nobody does, or a negative errno value. */
    int (*peers)(struct shmx *seg);
    int (*fd)(const struct shmx *seg);
    ssize_t (*read)(struct shmx *seg, void *buf, size_t count, uint64_t offset);
    ssize_t (*write)(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

    int (*list)(const struct survey *survey);
    int (*collect)(const struct survey *survey);
};

extern const struct shmx_backend shmx_posix;
extern const struct shmx_backend shmx_sysv;

/* Makes a handle from a descriptor, which only the POSIX backend can do. */
int shmx_posix_open_fd(int fd, unsigned flags, struct shmx **seg);

#endif
