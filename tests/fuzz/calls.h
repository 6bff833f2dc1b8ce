/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of fuzz_calls: what there must be of names, segments, handles and attachments. */
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
    unsigned      backend; /* 0: this place is free */
    size_t        size, page;
    mode_t        mode;
    bool          ephemeral, linked;      /* linked: had a name, ever */
    bool          removed, keyed, locked; /* System V: IPC_RMID was given; has a key; SHM_LOCK */
    int           handles[2], id;         /* of the parent, and of a child's own */
    int           parents;                /* System V: attachments that the parent has */
    unsigned char bytes[SIZE_MOST];
};

struct attachment {
    unsigned char *addr;
    size_t         offset, length;
    bool           shared, rdonly, fixed;
    bool           lost; /* replaced by another handle's */
};

struct handle {
    struct shmx      *seg; /* NULL: this place is free */
    struct object    *object;
    int               name;            /* -1: none, or it does not know */
    bool              rdonly, ended;   /* ended: destroyed through this handle */
    bool              ephemeral, goes; /* knows that it is; knows that it was marked */
    bool              pinned, inherited;
    struct attachment attachments[ATTACHMENTS];
};

/* What a child that is forked shares with its parent: it goes on with the input, and what it does
   to names and segments stays. */
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

/* A name in one of its spellings; *prefix is the backend that it says, or 0. */
int next_name(char text[24], unsigned *prefix);

bool is_sysv(const struct object *object);
bool leads_somewhere(const struct object *object);

/* Of an ephemeral segment, that nobody has it any more; System V: then it is not there. */
bool is_dead(const struct object *object);
bool exists(const struct object *object);

/* Whether no handle is left of it. */
bool is_unused(const struct object *object);

/* Whether the kernel says so: SHM_DEST. */
bool is_destroyed(const struct object *object);

/* Attachments by the kernel's count; or processes. */
int holders_of(const struct object *object);

/* Whether the name is in the way of others; dead ones make way. */
bool is_taken(int name);

struct object *new_object(unsigned backend, size_t size, mode_t mode, bool ephemeral);
void           forget_objects(void);

/* A free place, or NULL. */
struct handle *free_handle(void);
void adopt(struct handle *h, struct shmx *seg, struct object *object, int name, bool rdonly);
void part_from(struct handle *h);

/* From here on this is the child, or it has ended. */
void begin_child(void);
void end_child(void);

/* Attachments, fixed and not; in attach.c. */
void do_attach(struct handle *h);
void do_attach_over(struct handle *h);
void do_detach(struct handle *h);
void do_poke(struct handle *h);
void drop_attachments(struct handle *h); /* which shmx_close has ended */

/* Compare everything with what is there; in compare.c. */
void compare(void);
void compare_stat(const struct shmx_stat *st, const struct object *object);

/* What another process does, or what happens at the same time; in children.c. */
void do_fork(void);
void do_unshare(void);
void do_resize_together(struct handle *h);

void step(void);
void do_close(struct handle *h);

#endif
