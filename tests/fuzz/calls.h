/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of fuzz_calls: the names, segments, handles and attachments that must exist. */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include "fuzz.h"

#include "shmx.h"

#include <stdbool.h>

#define NAMES       3
#define HANDLES     4
#define OBJECTS     64
#define ATTACHMENTS 2
#define PAGE        4096u
#define SIZE_MOST   (3 * PAGE)
#define ARENA       (8 * PAGE)

struct object {
    unsigned      backend; /* 0 if this place is free */
    size_t        size, page;
    mode_t        mode;
    bool          ephemeral, linked;      /* linked: it has or had a name */
    bool          removed, keyed, locked; /* System V: IPC_RMID was given; it has a key; SHM_LOCK */
    int           handles[2], id;         /* of the parent, and of a child alone */
    int           parents;                /* System V: how many attachments the parent has */
    unsigned char bytes[SIZE_MOST];
};

struct attachment {
    unsigned char *addr;
    size_t         offset, length;
    bool           shared, rdonly, fixed;
    bool           lost; /* replaced by an attachment of another handle */
};

struct handle {
    struct shmx   *seg; /* NULL if this place is free */
    struct object *object;
    int            name;            /* -1 if the handle knows none */
    bool           rdonly, ended;   /* ended: destroyed through this handle */
    bool           ephemeral, goes; /* the handle knows that it is ephemeral; knows that it was
                                       marked */
    bool              pinned, inherited;
    struct attachment attachments[ATTACHMENTS];
};

/* What a forked child shares with its parent. The child goes on with the input, and what it does to
   names and segments stays. */
struct shared {
    struct object  objects[OBJECTS];
    struct object *names[NAMES];
    const uint8_t *input, *input_end;
};

extern struct shared *shared;
extern struct handle  handles[HANDLES];
extern bool           in_child;

void model_begin(const uint8_t *data, size_t size);

unsigned next(unsigned below);

/* Gives a name in one of its spellings. *prefix receives the backend that it says, or 0. */
int next_name(char text[24], unsigned *prefix);

bool is_sysv(const struct object *object);
bool leads_somewhere(const struct object *object);

/* is_dead returns whether an ephemeral segment has no holder. On System V, such a segment does not
   exist any more. */
bool is_dead(const struct object *object);
bool exists(const struct object *object);

/* Returns whether no handle of the object is left. */
bool is_unused(const struct object *object);

/* Returns whether the kernel shows SHM_DEST. */
bool is_destroyed(const struct object *object);

/* Returns the number of attachments as the kernel counts them, or of processes. */
int holders_of(const struct object *object);

/* Returns whether the name is taken. A dead segment does not keep its name. */
bool is_taken(int name);

struct object *new_object(unsigned backend, size_t size, mode_t mode, bool ephemeral);
void           forget_objects(void);

/* free_handle returns a free place, or NULL. */
struct handle *free_handle(void);
void adopt(struct handle *h, struct shmx *seg, struct object *object, int name, bool rdonly);
void part_from(struct handle *h);

/* After begin_child this process is the child. After end_child the child has ended. */
void begin_child(void);
void end_child(void);

/* attach.c, attachments at fixed and at other addresses. */
void do_attach(struct handle *h);
void do_attach_over(struct handle *h);
void do_detach(struct handle *h);
void do_poke(struct handle *h);
void drop_attachments(struct handle *h); /* shmx_close has ended them */

/* compare.c, which compares everything with what there is. */
void compare(void);
void compare_stat(const struct shmx_stat *st, const struct object *object);

/* children.c, what another process does, or what happens at the same time. */
void do_fork(void);
void do_unshare(void);
void do_resize_together(struct handle *h);

void step(void);
void do_close(struct handle *h);

#endif
