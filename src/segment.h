/* SPDX-License-Identifier: BSD-2-Clause */
/* The segment behind a handle, its beginning and end, and the contract that a backend keeps. */
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
    void    *addr;   /* what the caller was given; NULL while it is being made or ended */
    void    *base;   /* start of the mapping */
    size_t   length; /* of the mapping, in whole pages */
    size_t   filled; /* of those, what there was of the segment: less only with SHMX_ROOM */
    uint64_t offset; /* of the mapping in the segment, in whole pages */
    uint64_t segment_size;
    unsigned flags; /* SHMX_*; SHMX_RDONLY also where the handle forces it */
};

enum name_state {
    NAME_UNKNOWN,  /* the handle knows of none: there may be one that another handle has given */
    NAME_CHANGING, /* a thread is publishing or destroying just now */
    NAME_KNOWN,    /* the name leads here, as far as this handle knows */
    NAME_ENDED     /* the segment was destroyed through this handle */
};

struct shmx {
    const struct shmx_backend *backend;
    /* Guards what follows and can change. It is held for instructions, and never while memory is
       reserved, populated or copied, or while another process is waited for. */
    pthread_mutex_t lock;
    LIST_HEAD(, attachment) attachments;
    enum name_state name_state;
    char           *name;   /* "posix:/frames", kept until the end; NULL if none was ever known */
    size_t          page;   /* alignment and granularity of attachments, bytes */
    unsigned        flags;  /* SHMX_RDONLY, or what it was created with; SHMX_EPHEMERAL */
    int             events; /* a descriptor of shmx_open_wait that waits to be closed; 0: none */
    /* Whether it is worth while to look at a word before sleeping: see wait.c. Not guarded. */
    _Atomic unsigned doubt, skipped;
};

/* The base of a new handle. */
void shmx_segment_begin(struct shmx *seg, const struct shmx_backend *backend, unsigned flags);

/* Frees what the base has; also of a handle that is only half made. */
void shmx_segment_end(struct shmx *seg);

/* The text of such a name, to be freed; NULL: no memory. */
char *shmx_segment_new_name(const struct shmx *seg, const char *entry);

/* The name of a new handle, known from the beginning. -ENOMEM, or 0. */
int shmx_segment_set_name(struct shmx *seg, const char *entry);

/* The entry of the name that the handle knows, or NULL. It stays valid. */
const char *shmx_segment_entry(struct shmx *seg);

/* One thread changes the name at a time: -EBUSY, or 0 and the state before. A name that it gives to
   the end is the handle's from then on; it may be NULL. */
int  shmx_segment_begin_change(struct shmx *seg, enum name_state *before);
void shmx_segment_end_change(struct shmx *seg, enum name_state state, char *name);

/* Whether two ranges of addresses have any in common. */
static inline bool
segment_overlap(const char *one, size_t length, const char *other, size_t other_length)
{
    return one < other + other_length && other < one + length;
}

/* Round up to whole pages, of a size that is a power of two. */
static inline size_t
segment_round_up(const struct shmx *seg, size_t bytes)
{
    return (bytes + seg->page - 1) & ~(seg->page - 1);
}

/*
 * No public function is a cancellation point: a thread that is cancelled inside one finishes it
 * first. So nothing stays locked and nothing is leaked. Every public function that meets
 * cancellation points begins with this declaration. Attaching and detaching, which are frequent,
 * meet them only on rare ways, and those have it.
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

/* A walk over all segments: what it is asked for, and whom it asks and tells. */
struct survey {
    unsigned        flags;         /* SHMX_ORPHANS and the like; 0 when listing */
    segment_visitor choose, visit; /* may be NULL */
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
 * One backend. An operation that is NULL answers -ENOTSUP. NULL pointers, unknown flags and ranges
 * are checked before. A reference is a name, or the backend's own. "Not mine" is -ENOENT: then the
 * next backend is asked.
 */
struct shmx_backend {
    unsigned flag;     /* SHMX_POSIX or SHMX_SYSV */
    int      shortage; /* what a fault without memory means: -ENOSPC or -ENOMEM */

    /* A new, complete segment; still nameless, unless the reference is a raw key. */
    int (*create)(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                  struct shmx **seg);
    int (*open)(const struct reference *ref, unsigned flags, struct shmx **seg);
    /* Make the entry lead here: exclusively, atomically, or not at all. -EAGAIN: the segment is not
       to be used, since somebody may have removed it as a dead one's; make a new one. */
    int (*publish)(struct shmx *seg, const char *entry);
    /* How many names lead here, whoever gave them. */
    int (*count_names)(struct shmx *seg);
    /* Take back what publish did. Errors are ignored. */
    void (*unpublish)(struct shmx *seg, const char *entry);
    /* Remove the entry if it is this backend's and its segment is dead: 1, else 0. */
    int (*vacate)(const char *entry);
    int (*destroy)(struct shmx *seg);
    int (*remove)(const struct reference *ref);
    int (*stat_name)(const struct reference *ref, struct shmx_stat *st);
    /* Free everything; the attachments are gone already. Errors are ignored. */
    void (*close)(struct shmx *seg);
    /* The same for a segment that has not been published; it goes, too. */
    void (*discard)(struct shmx *seg);
    /* The text that opens the segment without a name, or NULL. The lock is held. */
    const char *(*label)(struct shmx *seg);

    /* Before a range is populated: reserve its memory, all or nothing. May be NULL. */
    int (*reserve)(struct shmx *seg, const struct attachment *a);
    /* What the library has mapped for itself, or NULL: no attachment may replace it. The lock is
       held. */
    const void *(*own)(struct shmx *seg, size_t *length);
    /* Map a->offset, a->length wherever the kernel likes; fills in a->base. */
    int (*map)(struct shmx *seg, struct attachment *a);
    int (*unmap)(struct shmx *seg, struct attachment *a);

    int64_t (*size)(struct shmx *seg);
    int (*resize)(struct shmx *seg, uint64_t size);
    int (*stat)(struct shmx *seg, struct shmx_stat *st);
    int (*chmod)(struct shmx *seg, mode_t mode);
    int (*chown)(struct shmx *seg, uid_t uid, gid_t gid);
    int (*pin)(struct shmx *seg);
    int (*unpin)(struct shmx *seg);
    /* Whether anybody else holds the segment: 1, 0 or -errno. */
    int (*peers)(struct shmx *seg);
    int (*fd)(const struct shmx *seg);
    ssize_t (*read)(struct shmx *seg, void *buf, size_t count, uint64_t offset);
    ssize_t (*write)(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

    int (*list)(const struct survey *survey);
    int (*collect)(const struct survey *survey);
};

extern const struct shmx_backend shmx_posix;
extern const struct shmx_backend shmx_sysv;

/* Not public: a handle of a descriptor, which only the POSIX backend can make. */
int shmx_posix_open_fd(int fd, unsigned flags, struct shmx **seg);

#endif
