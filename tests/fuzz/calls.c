/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a sequence of calls on a few names and handles, on both backends, some of them in
 * children that share the handles. A model of names, sizes, contents and attachments runs beside
 * the library. The model says what each call must return, and after each step everything is
 * compared with it. tests/world runs this.
 */
#include "calls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct request {
    size_t   size;
    mode_t   mode;
    unsigned flags, backend; /* 0 if prefix and flags contradict each other */
};

static struct request
next_request(unsigned prefix)
{
    static const mode_t modes[] = { 0600, 0640, 0400, 0666 };
    struct request      q = { .size = next(SIZE_MOST + 1), .mode = modes[next(4)] };
    unsigned            bits = next(32);

    q.flags = (bits & 3) * SHMX_POSIX | (bits & 4 ? SHMX_EPHEMERAL : 0)
              | (bits & 8 ? SHMX_SPARSE : 0) | (bits & 16 ? SHMX_HUGE : 0);
    q.backend = q.flags & 3 ? q.flags & 3 : prefix ? prefix : SHMX_POSIX;
    if (q.backend == 3 || (prefix && q.backend != prefix))
        q.backend = 0;
    return q;
}

static bool
is_impossible(const struct request *q)
{
    return q->size == 0 || q->backend == 0 || ((q->flags & SHMX_EPHEMERAL) && q->mode == 0400);
}

static void
remember_new(struct handle *h, struct shmx *seg, const struct request *q, int name)
{
    struct object   *o = new_object(q->backend, q->size, q->mode, q->flags & SHMX_EPHEMERAL);
    struct shmx_stat st;

    must(shmx_stat(seg, &st) == 0);
    o->id = st.id;
    o->page = (size_t)st.page_size;
    o->keyed = name >= 0 && !o->ephemeral;
    if (name >= 0)
        shared->names[name] = o;
    adopt(h, seg, o, name, false);
}

static void
do_create(void)
{
    char           text[24];
    unsigned       prefix = 0;
    int            name = next(4) == 0 ? -1 : next_name(text, &prefix), r;
    struct request q = next_request(prefix);
    struct handle *h = free_handle();
    struct shmx   *seg = NULL;

    if (h == NULL)
        return;
    r = shmx_create(name < 0 ? NULL : text, q.size, q.mode, q.flags, &seg);
    if (is_impossible(&q))
        must(r == -EINVAL);
    else if (name >= 0 && is_taken(name))
        must(r == -EEXIST);
    else
        must(r == 0);
    must((r == 0) == (seg != NULL));
    if (r == 0)
        remember_new(h, seg, &q, name);
}

/* Returns what a name leads to for a caller who opens it for that backend, or for any backend. A
   dead file is removed by that. A dead link stays until somebody wants its name. */
static struct object *
look_up(int name, unsigned prefix)
{
    struct object *o = shared->names[name];

    if (o == NULL || (prefix && prefix != o->backend))
        return NULL;
    if (!is_dead(o))
        return o;
    if (!is_sysv(o))
        shared->names[name] = NULL;
    return NULL;
}

static void
do_open(void)
{
    char           text[24];
    unsigned       prefix;
    int            name = next_name(text, &prefix), r;
    bool           rdonly = next(2);
    struct handle *h = free_handle();
    struct object *o;
    struct shmx   *seg = NULL;

    if (h == NULL)
        return;
    o = look_up(name, prefix);
    r = shmx_open(text, (rdonly ? SHMX_RDONLY : 0) | (next(2) ? SHMX_OWNED : 0), &seg);
    must(r == (o == NULL ? -ENOENT : 0));
    must((r == 0) == (seg != NULL));
    if (r == 0)
        adopt(h, seg, o, name, rdonly);
}

/* Opens an id of a segment that exists or has existed. Such a handle knows no name, and it does not
   know why the segment goes with its last attachment. */
static void
do_open_raw(void)
{
    struct object *o = &shared->objects[next(8)];
    const bool     rdonly = next(2), there = is_sysv(o) && exists(o);
    struct handle *h = free_handle();
    struct shmx   *seg = NULL;
    char           text[24];
    int            r;

    if (h == NULL)
        return;
    snprintf(text, sizeof text, "sysv:id=%d", is_sysv(o) ? o->id : 0x7ffffff0);
    r = shmx_open(text, (rdonly ? SHMX_RDONLY : 0) | (next(2) ? SHMX_OWNED : 0), &seg);
    must(r == (there ? 0 : -ENOENT));
    must((r == 0) == (seg != NULL));
    if (r < 0)
        return;
    adopt(h, seg, o, -1, rdonly);
    h->ephemeral = false;
}

static int
initialise(void *addr, size_t size, void *arg)
{
    memset(addr, 0x5a, size);
    return *(int *)arg;
}

static void
do_open_or_create(void)
{
    static const int results[] = { 0, 0, -EPERM, 1 };
    char             text[24];
    unsigned         prefix;
    int              name = next_name(text, &prefix), r, result = results[next(4)];
    bool             init = next(2);
    struct request   q = next_request(prefix);
    struct handle   *h = free_handle();
    struct object   *o;
    struct shmx     *seg = NULL;

    if (h == NULL)
        return;
    r = shmx_open_or_create(text, q.size, q.mode, q.flags, init ? initialise : NULL, &result, &seg);
    must((r >= 0) == (seg != NULL));
    if (is_impossible(&q)) {
        must(r == -EINVAL);
        return;
    }
    o = look_up(name, prefix);
    if (o != NULL) {
        must(r == (o->size < q.size ? -ERANGE : 0));
        if (r == 0)
            adopt(h, seg, o, name, false);
    } else if (is_taken(name)) {
        must(r == -EEXIST);
    } else {
        must(r == (!init || result == 0 ? 1 : result > 0 ? -ECANCELED : result));
        if (r != 1)
            return;
        remember_new(h, seg, &q, name);
        if (init)
            memset(h->object->bytes, 0x5a, q.size);
    }
}

static void
do_publish(struct handle *h)
{
    char           text[24];
    unsigned       prefix;
    int            name = next_name(text, &prefix), r = shmx_publish(h->seg, text);
    struct object *o = h->object;

    if (prefix && prefix != o->backend) {
        must(r == -EINVAL);
    } else if (h->ended) {
        must(r == -ENOENT);
    } else if (h->name >= 0 || leads_somewhere(o)) {
        must(r == -EINVAL); /* it has a name, whichever handle gave it */
    } else if (is_destroyed(o) && !o->ephemeral && !h->goes) {
        must(r == -ENOENT);
    } else if (is_taken(name)) {
        must(r == -EEXIST);
    } else if (!is_sysv(o) && o->linked) {
        must(r == -ENOENT); /* the kernel gives no name to a file that was removed */
    } else {
        must(r == 0);
        shared->names[name] = o;
        h->name = name;
        o->linked = true;
        o->ephemeral |= is_destroyed(o); /* it was opened by its id when it was destroyed */
    }
}

/* The names of the object are gone. */
static void
forget_names(const struct object *o)
{
    int n;

    for (n = 0; n < NAMES; n++)
        if (shared->names[n] == o)
            shared->names[n] = NULL;
}

static void
do_destroy(struct handle *h)
{
    int            r = shmx_destroy(h->seg);
    struct object *o = h->object;

    if (h->ended || (h->name >= 0 && shared->names[h->name] != o)) {
        must(r == -ENOENT);
        return;
    }
    if (is_destroyed(o) && !leads_somewhere(o) && !h->ephemeral) {
        must(r == -ENOENT);
        return;
    }
    must(r == 0);
    forget_names(o);
    h->name = -1;
    h->ended = true;
    h->goes = o->removed = is_sysv(o);
}

static void
do_remove(void)
{
    char           text[24];
    unsigned       prefix;
    int            name = next_name(text, &prefix), r = shmx_remove(text);
    struct object *o = shared->names[name];

    if (o == NULL || (prefix && prefix != o->backend)) {
        must(r == -ENOENT);
        return;
    }
    must(r == 0);
    o->removed = is_sysv(o);
    shared->names[name] = NULL;
}

void
do_close(struct handle *h)
{
    struct object *o = h->object, *known = h->name >= 0 ? shared->names[h->name] : NULL;

    shmx_close(h->seg);
    drop_attachments(h);
    part_from(h);
    /* The last handle that is closed removes the name, whichever handle gave it. */
    if (is_dead(o))
        forget_names(o);
    /* It also removes another dead object that has got the name of the link meanwhile. */
    if (is_sysv(o) && !exists(o) && h->goes && !h->ended && known != NULL && is_sysv(known)
        && is_dead(known))
        shared->names[h->name] = NULL;
}

static void
do_write(struct handle *h)
{
    unsigned char  buf[SIZE_MOST];
    size_t         offset = next(SIZE_MOST + 2), count = next(SIZE_MOST + 1), fits;
    struct object *o = h->object;
    ssize_t        r;

    memset(buf, (int)next(256), sizeof buf);
    r = shmx_write(h->seg, buf, count, offset);
    fits = offset >= o->size ? 0 : count < o->size - offset ? count : o->size - offset;
    if (h->rdonly) {
        must(r == -EACCES);
        return;
    }
    if (count > 0 && fits == 0) {
        must(r == -ENOSPC);
        return;
    }
    must(r == (ssize_t)fits);
    if (fits == 0)
        return;
    memcpy(o->bytes + offset, buf, fits);
}

static void
do_read(struct handle *h)
{
    unsigned char  buf[SIZE_MOST];
    size_t         offset = next(SIZE_MOST + 2), count = next(SIZE_MOST + 1), fits;
    struct object *o = h->object;

    fits = offset >= o->size ? 0 : count < o->size - offset ? count : o->size - offset;
    must(shmx_read(h->seg, buf, count, offset) == (ssize_t)fits);
    must(memcmp(buf, o->bytes + offset, fits) == 0);
}

static void
do_resize(struct handle *h)
{
    size_t         size = next(SIZE_MOST + 1);
    struct object *o = h->object;
    int            r = shmx_resize(h->seg, size);

    if (is_sysv(o)) {
        must(r == -ENOTSUP);
    } else if (h->rdonly) {
        must(r == -EACCES);
    } else {
        must(r == 0);
        if (size < o->size)
            memset(o->bytes + size, 0, o->size - size);
        o->size = size;
    }
}

static void
do_chmod(struct handle *h)
{
    mode_t mode = (mode_t)next(01000);
    int    r = shmx_chmod(h->seg, mode);

    must(r == (h->ephemeral && (mode & 0600) != 0600 ? -EINVAL : 0));
    if (r == 0)
        h->object->mode = mode;
}

static void
do_pin(struct handle *h)
{
    const bool pinned = h->object->size > 0;

    must(shmx_pin(h->seg) == (pinned ? 0 : -ENODATA));
    h->pinned |= pinned;
    h->object->locked = h->object->page == PAGE; /* pages of the pool stay, but the kernel does not
                                                    say so */
    if (next(2)) {
        must(shmx_unpin(h->seg) == 0);
        h->pinned = h->object->locked = false;
    }
}

static void
do_open_fd(struct handle *from)
{
    bool           rdonly = next(2);
    int            fd = shmx_fd(from->seg);
    struct handle *h = free_handle();
    struct shmx   *seg;

    if (is_sysv(from->object)) {
        must(fd == -ENOTSUP);
        return;
    }
    if (h == NULL)
        return;
    must(shmx_open_fd(fd, rdonly ? SHMX_RDONLY : 0, &seg) == 0);
    adopt(h, seg, from->object, -1, rdonly || from->rdonly);
}

/* Looks by name, which changes nothing. */
static void
do_stat_name(void)
{
    char                 text[24];
    unsigned             prefix;
    int                  name = next_name(text, &prefix);
    const struct object *o = shared->names[name];
    struct shmx_stat     st;
    int                  r = shmx_stat_name(text, &st);

    if (o == NULL || (prefix && prefix != o->backend) || (is_sysv(o) && is_dead(o))) {
        must(r == -ENOENT);
        return;
    }
    must(r == 0);
    compare_stat(&st, o);
    must(!(st.state & SHMX_IS_NAMELESS) && !(st.state & SHMX_IS_EPHEMERAL) == !o->ephemeral);
}

static void
do_collect(void)
{
    static const unsigned flags[] = { 0, SHMX_DRY_RUN, SHMX_ORPHANS, SHMX_ORPHANS | SHMX_DRY_RUN };
    const unsigned        which = next(4);
    struct object        *o;
    int                   n;

    must(shmx_collect(flags[which], NULL, NULL, NULL) == 0);
    if (flags[which] & SHMX_DRY_RUN)
        return;
    for (n = 0; n < NAMES; n++)
        if (shared->names[n] != NULL
            && (is_dead(shared->names[n]) || (which == 2 && is_unused(shared->names[n]))))
            shared->names[n] = NULL;
    for (o = shared->objects; which == 2 && o < shared->objects + OBJECTS; o++)
        if (is_unused(o))
            o->removed = true;
}

void
step(void)
{
    static const struct {
        void (*run)(void);
        void (*on_handle)(struct handle *h);
    } steps[] = {
        { do_create, NULL },
        { do_open, NULL },
        { do_open_or_create, NULL },
        { do_remove, NULL },
        { do_collect, NULL },
        { NULL, do_publish },
        { NULL, do_destroy },
        { NULL, do_close },
        { NULL, do_attach },
        { NULL, do_detach },
        { NULL, do_poke },
        { NULL, do_write },
        { NULL, do_resize },
        { NULL, do_chmod },
        { NULL, do_pin },
        { NULL, do_open_fd },
        { do_fork, NULL },
        { do_open_raw, NULL },
        { do_stat_name, NULL },
        { do_unshare, NULL },
        { NULL, do_attach_over },
        { NULL, do_read },
        { NULL, do_resize_together },
    };
    const unsigned which = next(sizeof steps / sizeof *steps);
    struct handle *h;

    if (steps[which].run != NULL) {
        steps[which].run();
        return;
    }
    h = &handles[next(HANDLES)];
    if (h->seg != NULL)
        steps[which].on_handle(h);
}

static void
clean_up(void)
{
    struct object *o;
    char           text[24];
    int            i;

    for (i = 0; i < HANDLES; i++)
        if (handles[i].seg != NULL)
            do_close(&handles[i]);
    for (i = 0; i < NAMES; i++)
        if (shared->names[i] != NULL) {
            snprintf(text, sizeof text, "/fuzz%d", i);
            must(shmx_remove(text) == 0);
            shared->names[i]->removed = true;
            shared->names[i] = NULL;
        }
    forget_objects();
    for (o = shared->objects; o < shared->objects + OBJECTS; o++)
        if (o->backend != 0) {
            snprintf(text, sizeof text, "sysv:id=%d", o->id);
            must(shmx_remove(text) == 0);
            o->backend = 0;
        }
    compare();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int first, last;

    model_begin(data, size < 400 ? size : 400);
    first = dup(0);
    close(first);
    while (shared->input < shared->input_end) {
        step();
        forget_objects();
        compare();
    }
    clean_up();
    last = dup(0);
    close(last);
    must(first == last); /* no descriptor was left open */
    return 0;
}
