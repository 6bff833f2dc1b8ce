/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the System V backend share. */
#ifndef SHMX_SYSV_BACKEND_H
#define SHMX_SYSV_BACKEND_H

#include "../hidden.h"
#include "../segment.h"
#include "link.h"

/*
 * A handle has a mapping of its segment from its beginning to its end, the hold. So the id stays
 * true, an ephemeral segment lives, and the library copies through the hold. The hold is never
 * handed out, and never moves: what the program does to its attachments does not matter.
 */
struct sysv {
    struct shmx   seg;
    size_t        size;
    int           id;
    int           key;    /* 0: none */
    unsigned long ipc;    /* the namespace of both, which lives as long as the hold; 0: unknown */
    bool          raw;    /* the key was given to the library */
    bool          goes;   /* marked to go with its last attachment */
    struct link   link;   /* the link of the known name; by id, its time may be an old one */
    char         *intent; /* the hidden entry of the link until it is published, or NULL */

    char *hold;

    char key_label[24], id_label[24];
};

static inline struct sysv *
sysv_of(const struct shmx *seg)
{
    return (struct sysv *)seg;
}

/* sysv.c; a handle may be freed when it is only half made. */
struct sysv *shmx_sysv_new_handle(unsigned flags);
void         shmx_sysv_free_handle(struct sysv *s);

/* Whether the id is this handle's segment for the calling thread: 0 and what the kernel says
   of it. -ENOENT: the thread has left the IPC namespace. */
int shmx_sysv_identify(const struct sysv *s, struct shmx_stat *st);

/* make.c */
int shmx_sysv_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                     struct shmx **seg);

/* memory.c */
int shmx_sysv_take_hold(struct sysv *s);
/* Once the size is known: whether it has huge pages of the pool; where it can have others. */
void        shmx_sysv_settle_hold(struct sysv *s);
void        shmx_sysv_drop_hold(struct sysv *s);
const void *shmx_sysv_own(struct shmx *seg, size_t *length);
int         shmx_sysv_map(struct shmx *seg, struct attachment *a);
int         shmx_sysv_unmap(struct shmx *seg, struct attachment *a);
ssize_t     shmx_sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t     shmx_sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/* publish.c */
/* Write s->link to a hidden entry, s->intent. Late is that of a segment which exists, and which
   stays if this process is killed: it goes with its attachments, or is not to go at all. */
int  shmx_sysv_write_intent(struct sysv *s, enum hidden_kind kind);
int  shmx_sysv_write_late_intent(struct sysv *s);
void shmx_sysv_withdraw_intent(struct sysv *s);
int  shmx_sysv_publish(struct shmx *seg, const char *entry);
void shmx_sysv_unpublish(struct shmx *seg, const char *entry);
int  shmx_sysv_count_names(struct shmx *seg);
/* An entry that leads to the segment, other than hidden ones. Returns how many there are. */
int shmx_sysv_find_entry(const struct shmx_stat *st, char entry[NAME_MAX + 1]);

/* change.c */
int shmx_sysv_chmod(struct shmx *seg, mode_t mode);
int shmx_sysv_chown(struct shmx *seg, uid_t uid, gid_t gid);
/* See to it that the link by this id, which is open, has the time of the segment's last change. */
void shmx_sysv_settle_time(const struct sysv *s, int link);

/* remove.c */
int shmx_sysv_find_link(struct sysv *s, const struct shmx_stat *st, char entry[NAME_MAX + 1],
                        struct link *link, char text[LINK_TEXT_MAX]);
int shmx_sysv_vacate(const char *entry);
int shmx_sysv_destroy(struct shmx *seg);
int shmx_sysv_remove(const struct reference *ref);
/* The same, if it leads to the segment of that id. */
int  shmx_sysv_remove_from(const struct reference *ref, int expected);
void shmx_sysv_forget_name(struct sysv *s);

/* survey.c */
int shmx_sysv_stat_name(const struct reference *ref, struct shmx_stat *st);
int shmx_sysv_list(const struct survey *survey);
int shmx_sysv_collect(const struct survey *survey);

#endif
