/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a sequence of calls over a few names and handles, on both backends. Beside the real
 * thing goes a model of names, sizes and contents, which says what each call must return, and with
 * which everything is compared after each step. To be run by world.
 */
#include "fuzz.h"

#include "shmx.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    bool          ephemeral, removed, linked; /* IPC_RMID was given; had a name, ever */
    int           handles, id;
    unsigned char bytes[SIZE_MOST];
};

struct attachment {
    unsigned char *addr;
    size_t         offset, length;
    bool           shared, rdonly, fixed;
};

struct handle {
    struct shmx      *seg; /* NULL: this place is free */
    struct object    *object;
    int               name; /* -1: none */
    bool              rdonly, destroyed;
    struct attachment attachments[ATTACHMENTS];
};

static struct object  objects[OBJECTS];
static struct object *names[NAMES];
static struct handle  handles[HANDLES];
static unsigned char *arena; /* for SHMX_FIXED: a place for each attachment */

static const uint8_t *input, *input_end;

static unsigned
next(unsigned below)
{
    unsigned value = input < input_end ? *input++ : 0;

    if (below > 256)
        value = value << 8 | (input < input_end ? *input++ : 0);
    return value % below;
}

static bool
leads_somewhere(const struct object *object)
{
    int n;

    for (n = 0; n < NAMES; n++)
        if (names[n] == object)
            return true;
    return false;
}

/* An ephemeral POSIX segment whose last handle had another name, or none: nobody can open it. */
static bool
is_dead(const struct object *object)
{
    return object->ephemeral && object->handles == 0;
}

/* Free places of objects that are gone. */
static void
forget_objects(void)
{
    struct object *o;

    for (o = objects; o < objects + OBJECTS; o++)
        if (o->backend != 0 && o->handles == 0 && !leads_somewhere(o)
            && (o->backend == SHMX_POSIX || o->ephemeral || o->removed))
            o->backend = 0;
}

static struct object *
new_object(unsigned backend, size_t size, mode_t mode, bool ephemeral)
{
    struct object *o = objects;

    while (o->backend != 0)
        must(++o < objects + OBJECTS);
    *o = (struct object){ .backend = backend, .size = size, .mode = mode, .ephemeral = ephemeral };
    return o;
}

static struct handle *
free_handle(void)
{
    struct handle *h = handles;

    while (h < handles + HANDLES && h->seg != NULL)
        h++;
    return h < handles + HANDLES ? h : NULL;
}

static void
adopt(struct handle *h, struct shmx *seg, struct object *object, int name, bool rdonly)
{
    *h = (struct handle){ seg, object, name, rdonly, false, { { 0 } } };
    object->handles++;
    if (name >= 0)
        object->linked = true;
}

/* A name in one of its spellings; *prefix is the backend that it says, or 0. */
static int
next_name(char text[16], unsigned *prefix)
{
    static const char *const prefixes[] = { "/", "", "posix:/", "sysv:/" };
    const unsigned           n = next(NAMES), spelling = next(4);

    snprintf(text, 16, "%sfuzz%u", prefixes[spelling], n);
    *prefix = spelling == 2 ? SHMX_POSIX : spelling == 3 ? SHMX_SYSV : 0;
    return (int)n;
}

struct request {
    size_t   size;
    mode_t   mode;
    unsigned flags, backend; /* 0: prefix and flags contradict each other */
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

/* Dead ones make way. */
static bool
is_taken(int name)
{
    if (names[name] != NULL && is_dead(names[name]))
        names[name] = NULL;
    return names[name] != NULL;
}

static void
remember_new(struct handle *h, struct shmx *seg, const struct request *q, int name)
{
    struct object   *o = new_object(q->backend, q->size, q->mode, q->flags & SHMX_EPHEMERAL);
    struct shmx_stat st;

    must(shmx_stat(seg, &st) == 0);
    o->id = st.id;
    o->page = (size_t)st.page_size;
    if (name >= 0)
        names[name] = o;
    adopt(h, seg, o, name, false);
}

static void
do_create(void)
{
    char           text[16];
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

/* What a name leads to for somebody who asks for that backend, or any. */
static struct object *
look_up(int name, unsigned prefix)
{
    struct object *o = names[name];

    if (o == NULL || (prefix && prefix != o->backend))
        return NULL;
    return is_taken(name) ? o : NULL;
}

static void
do_open(void)
{
    char           text[16];
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
    char             text[16];
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
    char           text[16];
    unsigned       prefix;
    int            name = next_name(text, &prefix), r = shmx_publish(h->seg, text);
    struct object *o = h->object;

    if (prefix && prefix != o->backend) {
        must(r == -EINVAL);
    } else if (h->destroyed) {
        must(r == -ENOENT);
    } else if (h->name >= 0) {
        must(r == -EINVAL);
    } else if (is_taken(name)) {
        must(r == -EEXIST);
    } else if (o->linked && !leads_somewhere(o)) {
        must(r == -ENOENT); /* the kernel names no removed file again */
    } else {
        must(r == 0);
        names[name] = o;
        h->name = name;
        o->linked = true;
    }
}

static void
do_destroy(struct handle *h)
{
    int            r = shmx_destroy(h->seg);
    struct object *o = h->object;

    if (h->destroyed || (h->name >= 0 && names[h->name] != o)) {
        must(r == -ENOENT);
        return;
    }
    must(r == 0);
    if (h->name >= 0)
        names[h->name] = NULL;
    h->name = -1;
    h->destroyed = true;
    o->removed = o->backend == SHMX_SYSV;
}

static void
do_remove(void)
{
    char     text[16];
    unsigned prefix;
    int      name = next_name(text, &prefix), r = shmx_remove(text);

    if (names[name] == NULL || (prefix && prefix != names[name]->backend)) {
        must(r == -ENOENT);
        return;
    }
    must(r == 0);
    names[name]->removed = names[name]->backend == SHMX_SYSV;
    names[name] = NULL;
}

static unsigned char *
arena_of(const struct handle *h, int k)
{
    return arena + ((size_t)(h - handles) * ATTACHMENTS + (size_t)k) * ARENA;
}

static void
reserve_arena(unsigned char *place)
{
    must(mmap(place, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
}

static void
do_close(struct handle *h)
{
    struct object *o = h->object;
    int            k;

    shmx_close(h->seg);
    h->seg = NULL;
    for (k = 0; k < ATTACHMENTS; k++)
        if (h->attachments[k].addr != NULL && h->attachments[k].fixed)
            reserve_arena(arena_of(h, k));
    o->handles--;
    /* What is dead goes, and be it another one that has got the name since. */
    if (o->ephemeral && h->name >= 0 && names[h->name] != NULL && is_dead(names[h->name])
        && names[h->name]->backend == o->backend)
        names[h->name] = NULL;
}

static void
do_attach(struct handle *h)
{
    const int      k = (int)next(ATTACHMENTS);
    const size_t   offset = next(SIZE_MOST + 2), asked = next(2) ? next(SIZE_MOST + 2) : 0;
    const unsigned bits = next(64);
    const size_t   size = h->object->size, length = asked > 0 ? asked : size - offset;
    unsigned       flags = (bits & 1 ? SHMX_RDONLY : 0) | (bits & 2 ? SHMX_PRIVATE : 0)
                     | (bits & 4 ? SHMX_DONTFORK : 0) | (bits & 8 ? SHMX_POPULATE : 0)
                     | (bits & 16 ? SHMX_FIXED : 0);
    struct attachment a = { .offset = offset, .length = length, .shared = !(bits & 2) };
    void             *start = &a, *addr = start;
    int               r;

    a.fixed = flags & SHMX_FIXED;
    /* Pages of the hugetlb pool, if somebody fills it meanwhile, do not go where we have room. */
    if (h->attachments[k].addr != NULL || (a.fixed && h->object->page > PAGE))
        return;
    if (a.fixed) {
        addr = start = arena_of(h, k) + PAGE + offset % PAGE;
        flags |= bits & 32 ? SHMX_REPLACE : 0;
    }
    r = shmx_attach_range(h->seg, offset, asked, flags, &addr);
    if (size == 0)
        must(r == -ENODATA);
    else if (offset >= size || asked > size - offset)
        must(r == (asked == 0 || offset + asked > size ? -ERANGE : 0));
    else if (a.fixed && !(flags & SHMX_REPLACE))
        must(r == -EEXIST);
    else
        must(r == 0);
    must(r == 0 || addr == start);
    if (r < 0)
        return;
    must((addr == start) == a.fixed);
    a.addr = addr;
    a.rdonly = (flags & SHMX_RDONLY) || (a.shared && h->rdonly);
    must(memcmp(a.addr, h->object->bytes + offset, length) == 0);
    h->attachments[k] = a;
}

static void
do_detach(struct handle *h)
{
    int                k = (int)next(ATTACHMENTS);
    struct attachment *a = &h->attachments[k];

    if (a->addr == NULL) {
        must(shmx_detach(h->seg, arena_of(h, k) + 1) == -EINVAL);
        return;
    }
    must(shmx_detach(h->seg, a->addr) == 0);
    must(shmx_detach(h->seg, a->addr) == -EINVAL);
    if (a->fixed)
        reserve_arena(arena_of(h, k));
    a->addr = NULL;
}

/* Through the attachment; beyond a new end there may be nothing. */
static void
do_poke(struct handle *h)
{
    struct attachment *a = &h->attachments[next(ATTACHMENTS)];
    unsigned char      value = (unsigned char)next(256);
    size_t             at = next(SIZE_MOST);

    if (a->addr == NULL || a->rdonly || at >= a->length || a->offset + at >= h->object->size)
        return;
    a->addr[at] = value;
    if (a->shared)
        h->object->bytes[a->offset + at] = value;
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
    } else if (count > 0 && fits == 0) {
        must(r == -ENOSPC);
    } else {
        must(r == (ssize_t)fits);
        if (fits > 0)
            memcpy(o->bytes + offset, buf, fits);
    }
}

static void
do_resize(struct handle *h)
{
    size_t         size = next(SIZE_MOST + 1);
    struct object *o = h->object;
    int            r = shmx_resize(h->seg, size);

    if (o->backend == SHMX_SYSV) {
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

    must(r == (h->object->ephemeral && (mode & 0600) != 0600 ? -EINVAL : 0));
    if (r == 0)
        h->object->mode = mode;
}

static void
do_pin(struct handle *h)
{
    int r = shmx_pin(h->seg);

    must(r == (h->object->size == 0 ? -ENODATA : 0));
    if (next(2))
        must(shmx_unpin(h->seg) == 0);
}

static void
do_open_fd(struct handle *from)
{
    bool           rdonly = next(2);
    int            fd = shmx_fd(from->seg), name = -1;
    struct handle *h = free_handle();
    struct object *o = from->object;
    struct shmx   *seg;
    const char    *text;

    if (o->backend == SHMX_SYSV) {
        must(fd == -ENOTSUP);
        return;
    }
    if (h == NULL)
        return;
    must(shmx_open_fd(fd, rdonly ? SHMX_RDONLY : 0, &seg) == 0);
    text = shmx_name(seg);
    must((text != NULL) == leads_somewhere(o));
    if (text != NULL) {
        must(sscanf(text, "posix:/fuzz%d", &name) == 1 && name >= 0 && name < NAMES);
        must(names[name] == o);
    }
    adopt(h, seg, o, name, rdonly || from->rdonly);
}

static void
do_collect(void)
{
    static const unsigned flags[] = { 0, SHMX_DRY_RUN, SHMX_ORPHANS, SHMX_ORPHANS | SHMX_DRY_RUN };
    const unsigned        which = next(4);
    struct object        *o;
    int                   n;

    must(shmx_collect(flags[which], NULL, NULL) == 0);
    if (flags[which] & SHMX_DRY_RUN)
        return;
    for (n = 0; n < NAMES; n++)
        if (names[n] != NULL && (is_dead(names[n]) || (which == 2 && names[n]->handles == 0)))
            names[n] = NULL;
    for (o = objects; which == 2 && o < objects + OBJECTS; o++)
        if (o->handles == 0)
            o->removed = true;
}

static void
step(void)
{
    static void (*const on_handle[])(struct handle * h) = {
        do_publish, do_destroy, do_close, do_attach, do_detach,  do_poke,
        do_write,   do_resize,  do_chmod, do_pin,    do_open_fd,
    };
    static void (*const others[])(void) = { do_create, do_open, do_open_or_create, do_remove,
                                            do_collect };
    const unsigned n = sizeof others / sizeof *others, m = sizeof on_handle / sizeof *on_handle;
    unsigned       which = next(n + m);
    struct handle *h;

    if (which < n) {
        others[which]();
        return;
    }
    h = &handles[next(HANDLES)];
    if (h->seg != NULL)
        on_handle[which - n](h);
}

static void
compare_handle(const struct handle *h)
{
    const struct object *o = h->object;
    unsigned char        bytes[SIZE_MOST + 1];
    struct shmx_stat     st;
    char                 name[32];
    int                  k;

    must(shmx_size(h->seg) == (int64_t)o->size);
    must(shmx_read(h->seg, bytes, sizeof bytes, 0) == (ssize_t)o->size);
    must(memcmp(bytes, o->bytes, o->size) == 0);
    must(shmx_stat(h->seg, &st) == 0);
    must(st.backend == o->backend && st.size == o->size && st.mode == o->mode);
    must(!(st.state & SHMX_IS_EPHEMERAL) == !o->ephemeral);
    must(!(st.state & SHMX_IS_NAMELESS) == leads_somewhere(o));
    must(o->backend == SHMX_POSIX ? st.holders == 1 : st.holders >= 1);
    if (h->name >= 0) {
        snprintf(name, sizeof name, "%s:/fuzz%d", o->backend == SHMX_POSIX ? "posix" : "sysv",
                 h->name);
        must(strcmp(shmx_name(h->seg), name) == 0);
    } else {
        must((shmx_name(h->seg) == NULL) == (o->backend == SHMX_POSIX));
    }
    for (k = 0; k < ATTACHMENTS; k++) {
        const struct attachment *a = &h->attachments[k];

        if (a->addr == NULL || !a->shared || a->offset >= o->size)
            continue;
        must(memcmp(a->addr, o->bytes + a->offset,
                    a->length < o->size - a->offset ? a->length : o->size - a->offset)
             == 0);
    }
}

/* By backend, what shmx_list visits. */
static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name;
    ((int *)arg)[st->backend == SHMX_SYSV]++;
    return 0;
}

static void
compare(void)
{
    int                  listed[2] = { 0 }, expected[2] = { 0 }, n;
    const struct object *o;
    char                 path[32];
    struct stat          st;

    for (n = 0; n < HANDLES; n++)
        if (handles[n].seg != NULL)
            compare_handle(&handles[n]);
    for (n = 0; n < NAMES; n++) {
        snprintf(path, sizeof path, "/dev/shm/fuzz%d", n);
        must((lstat(path, &st) == 0) == (names[n] != NULL));
        expected[0] += names[n] != NULL && names[n]->backend == SHMX_POSIX;
    }
    for (o = objects; o < objects + OBJECTS; o++)
        expected[1] += o->backend == SHMX_SYSV;
    must(shmx_list(0, count, listed) == 0);
    must(listed[0] == expected[0] && listed[1] == expected[1]);
}

static void
clean_up(void)
{
    char text[32];
    int  i;

    for (i = 0; i < HANDLES; i++)
        if (handles[i].seg != NULL)
            do_close(&handles[i]);
    for (i = 0; i < NAMES; i++)
        if (names[i] != NULL) {
            snprintf(text, sizeof text, "/fuzz%d", i);
            must(shmx_remove(text) == 0);
            names[i]->removed = true;
            names[i] = NULL;
        }
    forget_objects();
    for (i = 0; i < OBJECTS; i++)
        if (objects[i].backend != 0) {
            snprintf(text, sizeof text, "sysv:id=%d", objects[i].id);
            must(shmx_remove(text) == 0);
            objects[i].backend = 0;
        }
    compare();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int first, last;

    if (arena == NULL) {
        arena = mmap(NULL, (size_t)HANDLES * ATTACHMENTS * ARENA, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(arena != MAP_FAILED);
    }
    input = data;
    input_end = data + (size < 400 ? size : 400);
    first = dup(0);
    close(first);
    while (input < input_end) {
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
