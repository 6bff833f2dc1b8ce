/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations that the files of the POSIX backend share. */
#ifndef SHMX_POSIX_BACKEND_H
#define SHMX_POSIX_BACKEND_H

#include "../segment.h"

#include <sys/stat.h>

/* The mark of an ephemeral segment, which outlives its holders. On a regular file the sticky bit
   has no other meaning. */
#define EPHEMERAL S_ISVTX

struct posix {
    struct shmx     seg;
    int             fd;
    pthread_mutex_t pin_lock; /* those who pin, unpin or grow a pinned segment take turns */
    void           *pin;      /* the mapping that keeps the segment in RAM, or NULL */
    size_t          pin_length;
    uint64_t        holder; /* the process whose byte the descriptor locks; 0 if none does */
    uint64_t        pinner; /* who has pinned; children do not inherit the lock in RAM */
};

static inline struct posix *
posix_of(const struct shmx *seg)
{
    return (struct posix *)seg;
}

/* posix.c */
/* Makes a handle of a descriptor through which this process has joined. */
int shmx_posix_new_handle(int fd, unsigned flags, struct shmx **seg);
/* Returns whether SHMX_OWNED accepts the object. A second hard link may come from somebody who
   wants a reader to take one object for another. */
bool shmx_posix_is_owned(const struct stat *st);

/* memory.c */
/* Does what fallocate(2) does, in spite of signals. */
int shmx_posix_allocate(int fd, int mode, off_t offset, off_t length);
/* Gives a new file its size and its memory. */
int shmx_posix_fill(int fd, size_t size, unsigned flags);
int shmx_posix_reserve(struct shmx *seg, const struct attachment *a);
int shmx_posix_map(struct shmx *seg, struct attachment *a);
/* Returns the size of the first page in bytes, or 0 if nobody can tell. */
size_t  shmx_posix_page_size(struct shmx *seg, const struct stat *st);
int     shmx_posix_unmap(struct shmx *seg, struct attachment *a);
int64_t shmx_posix_size(struct shmx *seg);
int     shmx_posix_resize(struct shmx *seg, uint64_t size);
ssize_t shmx_posix_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t shmx_posix_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/* sealed.c */
/* Returns the descriptor of a new segment, which can be given that mode. *page receives the size of
   its pages if they are larger than usual. */
int shmx_posix_new_sealed(size_t size, mode_t mode, unsigned flags, size_t *page);
/* Returns 0 if the object cannot shrink, otherwise a negative errno value. */
int shmx_posix_check_sealed(int fd);

/* pin.c */
bool shmx_posix_is_pinned(struct shmx *seg);
int  shmx_posix_pin(struct shmx *seg);
int  shmx_posix_unpin(struct shmx *seg);
/* Grows the segment by calling grow, and extends the pin. */
int shmx_posix_grow_pinned(struct posix *p, const struct stat *st, off_t size,
                           int (*grow)(struct posix *p, const struct stat *st, off_t size,
                                       bool sparse));
/* Returns the mapping that the library itself uses. No attachment may replace that mapping. */
const void *shmx_posix_own(struct shmx *seg, size_t *length);

/* survey.c */
void shmx_posix_describe(const struct stat *st, struct shmx_stat *out);
int  shmx_posix_withdraw(const char *entry, const struct stat *object);
/* Remove the entry if its segment is ephemeral and dead. They return 1 in that case, otherwise 0.
   shmx_posix_vacate_unlocked does not even open an object on which anybody has a lock. */
int shmx_posix_vacate(const char *entry);
int shmx_posix_vacate_unlocked(const char *entry);
int shmx_posix_list(const struct survey *survey);
int shmx_posix_collect(const struct survey *survey);

#endif
