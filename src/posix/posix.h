/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the POSIX backend share. */
#ifndef SHMX_POSIX_BACKEND_H
#define SHMX_POSIX_BACKEND_H

#include "../segment.h"

#include <sys/stat.h>

/* The mark of an ephemeral segment outlives its holders: on a data file the bit means nothing. */
#define EPHEMERAL S_ISVTX

struct posix {
    struct shmx     seg;
    int             fd;
    pthread_mutex_t pin_lock; /* who pins, unpins or grows a pinned segment takes turns */
    void           *pin;      /* the mapping that keeps the segment in RAM, or NULL */
    size_t          pin_length;
    bool            borrowed; /* the descriptor is a duplicate, and its locks somebody else's */
    uint64_t        pinner;   /* whose locked memory it is: children do not inherit that */
};

static inline struct posix *
posix_of(const struct shmx *seg)
{
    return (struct posix *)seg;
}

/* posix.c */
int shmx_posix_new_handle(int fd, unsigned flags, struct shmx **seg);
/* For SHMX_OWNED. A second hard link may be somebody's who wants its reader to take one object for
   another. */
bool shmx_posix_is_owned(const struct stat *st);

/* memory.c */
/* fallocate(2), in spite of signals. */
int shmx_posix_allocate(int fd, int mode, off_t offset, off_t length);
/* Give a new file its size and its memory. */
int shmx_posix_fill(int fd, size_t size, unsigned flags);
int shmx_posix_reserve(struct shmx *seg, const struct attachment *a);
int shmx_posix_map(struct shmx *seg, struct attachment *a);
/* Bytes of a page; 0: unknown. */
size_t  shmx_posix_page_size(struct shmx *seg, const struct stat *st);
int     shmx_posix_unmap(struct shmx *seg, struct attachment *a);
int64_t shmx_posix_size(struct shmx *seg);
int     shmx_posix_resize(struct shmx *seg, uint64_t size);
ssize_t shmx_posix_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t shmx_posix_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/* sealed.c */
/* Returns the descriptor of a new segment, and in *page its pages' size if they are larger ones. */
int shmx_posix_new_sealed(size_t size, unsigned flags, size_t *page);
/* 0 if the object cannot shrink, else -EPERM. */
int shmx_posix_check_sealed(int fd);

/* pin.c */
bool shmx_posix_is_pinned(struct shmx *seg);
int  shmx_posix_pin(struct shmx *seg);
int  shmx_posix_unpin(struct shmx *seg);
/* Grow the segment by grow, and what is pinned with it. */
int shmx_posix_grow_pinned(struct posix *p, const struct stat *st, off_t size,
                           int (*grow)(struct posix *p, const struct stat *st, off_t size,
                                       bool sparse));
/* The library's own mapping, which no attachment may replace. */
const void *shmx_posix_own(struct shmx *seg, size_t *length);

/* survey.c */
void shmx_posix_describe(const struct stat *st, struct shmx_stat *out);
int  shmx_posix_withdraw(const char *entry, const struct stat *object);
/* Remove the entry if its segment is ephemeral and dead: 1, else 0. The latter does not even open
   what anybody has a lock on. */
int shmx_posix_vacate(const char *entry);
int shmx_posix_vacate_unlocked(const char *entry);
int shmx_posix_list(const struct survey *survey);
int shmx_posix_collect(const struct survey *survey);

#endif
