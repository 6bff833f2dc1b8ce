/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations that the files of the System V backend share. */
#ifndef SHMX_SYSV_BACKEND_H
#define SHMX_SYSV_BACKEND_H

#include "../hidden.h"
#include "../segment.h"
#include "link.h"

/*
 * Each handle has a mapping of its segment, the hold, for all of its life. The hold keeps the id
 * true and an ephemeral segment alive, and the library copies through it. The hold is never handed
 * out and never moves, so it does not matter what the program does to its attachments.
 */
struct sysv {
    struct shmx   seg;
    size_t        size;
    int           id;
    int           key;    /* 0 if there is none */
    unsigned long ipc;    /* the namespace of both, which lives as long as the hold; 0 if unknown */
    bool          raw;    /* whether the key was given to the library */
    bool          goes;   /* whether the segment is marked to go with its last attachment */
    struct link   link;   /* the link of the known name; by id, it may have an old time */
    char         *intent; /* the hidden entry of the link until it is published, or NULL */

    char *hold;

    char key_label[24], id_label[24];
};

static inline struct sysv *
sysv_of(const struct shmx *seg)
{
    return (struct sysv *)seg;
}

/* sysv.c. A handle that is only half made can be freed, too. */
struct sysv *shmx_sysv_new_handle(unsigned flags);
void         shmx_sysv_free_handle(struct sysv *s);

/* Checks that the id means this handle's segment for the calling thread. Returns 0 and what the
   kernel says of the segment. -ENOENT means that the thread has left the IPC namespace. */
int shmx_sysv_identify(const struct sysv *s, struct shmx_stat *st);

/* make.c */
int shmx_sysv_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                     struct shmx **seg);

/* memory.c */
int shmx_sysv_take_hold(struct sysv *s);
/* Is to be called when the size is known. Finds out whether the segment has pages of the hugetlb
   pool, and moves the hold to where it can have other huge pages. */
void        shmx_sysv_settle_hold(struct sysv *s);
void        shmx_sysv_drop_hold(struct sysv *s);
const void *shmx_sysv_own(struct shmx *seg, size_t *length);
int         shmx_sysv_reserve(struct shmx *seg, const struct attachment *a);
int         shmx_sysv_map(struct shmx *seg, struct attachment *a);
int         shmx_sysv_unmap(struct shmx *seg, struct attachment *a);
ssize_t     shmx_sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t     shmx_sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/* publish.c */
/* Write s->link to a hidden entry, s->intent. A late intent is for a segment that exists and stays
   if this process is killed: the segment goes with its attachments, or is not to go at all. */
int  shmx_sysv_write_intent(struct sysv *s, enum hidden_kind kind);
int  shmx_sysv_write_late_intent(struct sysv *s);
void shmx_sysv_withdraw_intent(struct sysv *s);
int  shmx_sysv_publish(struct shmx *seg, const char *entry);
void shmx_sysv_unpublish(struct shmx *seg, const char *entry);
int  shmx_sysv_count_names(struct shmx *seg);
/* Gives an entry that leads to the segment. Hidden entries do not count. Returns how many entries
   there are. */
int shmx_sysv_find_entry(const struct shmx_stat *st, char entry[NAME_MAX + 1]);

/* change.c */
int shmx_sysv_chmod(struct shmx *seg, mode_t mode);
int shmx_sysv_chown(struct shmx *seg, uid_t uid, gid_t gid);
/* Gives the link by this id, which is open, the time at which the segment was last changed. */
void shmx_sysv_settle_time(const struct sysv *s, int link);

/* remove.c */
int shmx_sysv_find_link(struct sysv *s, const struct shmx_stat *st, char entry[NAME_MAX + 1],
                        struct link *link, char text[LINK_TEXT_MAX]);
int shmx_sysv_vacate(const char *entry);
int shmx_sysv_destroy(struct shmx *seg);
int shmx_sysv_remove(const struct reference *ref);
/* Does the same, but only if the reference leads to the segment of that id. */
int  shmx_sysv_remove_from(const struct reference *ref, int expected);
void shmx_sysv_forget_name(struct sysv *s);

/* survey.c */
int shmx_sysv_stat_name(const struct reference *ref, struct shmx_stat *st);
int shmx_sysv_list(const struct survey *survey);
int shmx_sysv_collect(const struct survey *survey);

#endif
