/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares what there is with the model of fuzz_calls. */
#include "calls.h"

#include <string.h>
#include <sys/stat.h>

#define LOOKS 1000 /* until no holder is missing */

/* Compares what is true of the segment whoever asks. While locks of other processes come and go,
   the kernel may leave out a holder of a POSIX segment. */
void
compare_stat(const struct shmx_stat *st, const struct object *o)
{
    must(st->backend == o->backend && st->size == o->size && st->mode == o->mode);
    must(is_sysv(o) ? st->holders == holders_of(o) : st->holders <= holders_of(o));
    must(!(st->state & SHMX_IS_DESTROYED) == !is_destroyed(o));
    must(!is_sysv(o) || (st->id == o->id && !(st->state & SHMX_IS_PINNED) == !o->locked));
}

/* Compares what the handle knows. On System V it does not know a name that another handle has
   given. */
static void
compare_state(const struct handle *h, unsigned state)
{
    const struct object *o = h->object;
    const bool           named = h->name >= 0 && shared->names[h->name] == o;

    must(!(state & SHMX_IS_EPHEMERAL) == !h->ephemeral);
    if (is_sysv(o)) {
        must(!(state & SHMX_IS_NAMELESS) == (named || (o->keyed && !o->removed)));
    } else {
        must(!(state & SHMX_IS_NAMELESS) == leads_somewhere(o));
        must(!(state & SHMX_IS_PINNED) == !h->pinned);
    }
}

static void
compare_name(const struct handle *h)
{
    const char *text = shmx_name(h->seg);
    char        expected[32];

    if (h->name >= 0)
        snprintf(expected, sizeof expected, "%s:/fuzz%d", is_sysv(h->object) ? "sysv" : "posix",
                 h->name);
    else
        snprintf(expected, sizeof expected, "sysv:id=%d", h->object->id);
    must(h->name < 0 && !is_sysv(h->object) ? text == NULL : strcmp(text, expected) == 0);
}

static void
compare_handle(const struct handle *h)
{
    const struct object *o = h->object;
    unsigned char        bytes[SIZE_MOST + 1];
    struct shmx_stat     st;
    int                  k, looks = 0;

    must(shmx_size(h->seg) == (int64_t)o->size);
    must(shmx_read(h->seg, bytes, sizeof bytes, 0) == (ssize_t)o->size);
    must(memcmp(bytes, o->bytes, o->size) == 0);
    do
        must(shmx_stat(h->seg, &st) == 0);
    while (st.holders != holders_of(o) && ++looks < LOOKS);
    must(st.holders == holders_of(o));
    compare_stat(&st, o);
    compare_state(h, st.state);
    compare_name(h);
    for (k = 0; k < ATTACHMENTS; k++) {
        const struct attachment *a = &h->attachments[k];

        if (a->addr == NULL || a->lost || !a->shared || a->offset >= o->size)
            continue;
        must(memcmp(a->addr, o->bytes + a->offset,
                    a->length < o->size - a->offset ? a->length : o->size - a->offset)
             == 0);
    }
}

static const struct object *
find_listed(const char *name, const struct shmx_stat *st)
{
    const struct object *o;
    int                  n = -1;

    if (sscanf(name, "posix:/fuzz%d", &n) == 1 || sscanf(name, "sysv:/fuzz%d", &n) == 1) {
        must(n >= 0 && n < NAMES && shared->names[n] != NULL);
        return shared->names[n];
    }
    must(sscanf(name, "sysv:id=%d", &n) == 1 && n == st->id);
    for (o = shared->objects; o < shared->objects + OBJECTS; o++)
        if (is_sysv(o) && o->id == n && exists(o))
            return o;
    fuzz_complain("is one of ours", __FILE__, __LINE__);
    return NULL;
}

/* Counts by backend what shmx_list visits. */
static int
count(const char *name, const struct shmx_stat *st, void *arg)
{
    const struct object *o = find_listed(name, st);
    const bool           named = leads_somewhere(o);

    compare_stat(st, o);
    must((strstr(name, "fuzz") != NULL) == named);
    must(!(st->state & SHMX_IS_NAMELESS) == named);
    must(!(st->state & SHMX_IS_EPHEMERAL) == !(o->ephemeral && named)); /* only a link tells that */
    must(!(st->state & SHMX_IS_DEAD));
    ((int *)arg)[is_sysv(o)]++;
    return 0;
}

void
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
        must((lstat(path, &st) == 0) == (shared->names[n] != NULL));
        expected[0] += shared->names[n] != NULL && !is_sysv(shared->names[n]);
    }
    for (o = shared->objects; o < shared->objects + OBJECTS; o++)
        expected[1] += is_sysv(o) && exists(o);
    must(shmx_list(0, count, listed) == 0);
    must(listed[0] == expected[0] && listed[1] == expected[1]);
}
