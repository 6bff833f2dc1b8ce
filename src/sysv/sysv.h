/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the System V backend share. */
#ifndef SHMX_SYSV_BACKEND_H
#define SHMX_SYSV_BACKEND_H

#include "../segment.h"
#include "link.h"

#include <stdatomic.h>
#include <sys/shm.h>

/*
 * A handle always has a mapping of its segment, so that the id stays true and an ephemeral segment
 * lives. That is the hold while the program has nothing plain attached: the first plain attachment
 * takes the hold over, and a fresh one is made before the last of them goes. (Of an ephemeral
 * segment the hold is never handed out.) Or it is the window, through which the library copies:
 * once made, the window stays where it is until the handle is closed, and is never handed out. So
 * neither depends on what the program does to its attachments.
 */
struct sysv {
    struct shmx   seg;
    size_t        size;
    int           id;
    int           key;    /* 0: none */
    unsigned long ipc;    /* the namespace of both, which lives as long as the hold; 0: unknown */
    bool          raw;    /* the key was given to the library, and may be others' elsewhere */
    bool          goes;   /* marked to go with its last attachment */
    struct link   link;   /* the link of the known name; by id, its time may be an old one */
    char         *intent; /* the hidden entry of the link until it is published, or NULL */

    char           *hold;
    size_t          attached; /* plain attachments: as the hold, they may do what the handle may */
    _Atomic(char *) window;

    char key_label[24], id_label[24];
};

static inline struct sysv *
sysv_of(const struct shmx *seg)
{
    return (struct sysv *)seg;
}

static inline size_t
sysv_whole_length(const struct sysv *s)
{
    return segment_round_up(&s->seg, s->size);
}

static inline void
sysv_detach(const char *start)
{
    if (start != NULL)
        shmdt(start);
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
int  shmx_sysv_take_hold(struct sysv *s);
void shmx_sysv_drop_holds(struct sysv *s);
int  shmx_sysv_prepare_fixed(struct shmx *seg, const struct attachment *a);
int  shmx_sysv_map(struct shmx *seg, struct attachment *a);
int  shmx_sysv_unmap(struct shmx *seg, struct attachment *a);
void shmx_sysv_drop(struct shmx *seg, struct attachment *a);
/* Attach a segment that is held already. The id must still be what it was. */
int  shmx_sysv_attach_again(const struct sysv *s, unsigned flags, char **got);
bool shmx_sysv_is_plain(const struct sysv *s, const struct attachment *a);

/* window.c */
/* Map once more what is mapped at start. It takes neither the id nor a right: the mode may have
   been narrowed meanwhile. NULL: impossible. */
char   *shmx_sysv_duplicate(const struct sysv *s, char *start);
int     shmx_sysv_map_copy(struct sysv *s, struct attachment *a);
ssize_t shmx_sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t shmx_sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/* publish.c */
/* Write s->link to a hidden entry, s->intent. */
int  shmx_sysv_write_intent(struct sysv *s, enum hidden_kind kind);
void shmx_sysv_withdraw_intent(struct sysv *s);
int  shmx_sysv_publish(struct shmx *seg, const char *entry);
void shmx_sysv_unpublish(struct shmx *seg, const char *entry);
int  shmx_sysv_count_names(struct shmx *seg);
/* An entry that leads to the segment, other than hidden ones. Returns how many there are. */
int shmx_sysv_find_entry(const struct shmx_stat *st, char entry[NAME_MAX + 1]);

/* change.c */
int shmx_sysv_chmod(struct shmx *seg, mode_t mode);
int shmx_sysv_chown(struct shmx *seg, uid_t uid, gid_t gid);

/* remove.c */
int  shmx_sysv_vacate(const char *entry);
int  shmx_sysv_destroy(struct shmx *seg);
int  shmx_sysv_remove(const struct reference *ref);
int  shmx_sysv_finish(const char *hidden, const struct lead *lead);
void shmx_sysv_forget_name(struct sysv *s);

/* survey.c */
int shmx_sysv_stat_name(const struct reference *ref, struct shmx_stat *st);
int shmx_sysv_list(segment_visitor visit, void *arg);
int shmx_sysv_collect(unsigned flags, segment_visitor visit, void *arg);

#endif
