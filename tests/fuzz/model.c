/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the model of fuzz_calls. */
#include "calls.h"

#include <string.h>
#include <sys/mman.h>

struct shared *shared;
struct handle  handles[HANDLES];
bool           in_child;

void
model_begin(const uint8_t *data, size_t size)
{
    if (shared == NULL) {
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        must(shared != MAP_FAILED);
    }
    shared->input = data;
    shared->input_end = data + size;
}

unsigned
next(unsigned below)
{
    unsigned value = shared->input < shared->input_end ? *shared->input++ : 0;

    if (below > 256)
        value = value << 8 | (shared->input < shared->input_end ? *shared->input++ : 0);
    return value % below;
}

int
next_name(char text[24], unsigned *prefix)
{
    static const char *const prefixes[] = { "/", "", "posix:/", "sysv:/", "///", "sysv://" };
    static const unsigned    backends[] = { 0, 0, SHMX_POSIX, SHMX_SYSV, 0, SHMX_SYSV };
    const unsigned           n = next(NAMES), spelling = next(6);

    snprintf(text, 24, "%sfuzz%u", prefixes[spelling], n);
    *prefix = backends[spelling];
    return (int)n;
}

bool
is_sysv(const struct object *object)
{
    return object->backend == SHMX_SYSV;
}

bool
leads_somewhere(const struct object *object)
{
    int n;

    for (n = 0; n < NAMES; n++)
        if (shared->names[n] == object)
            return true;
    return false;
}

bool
is_unused(const struct object *object)
{
    return object->handles[0] + object->handles[1] == 0;
}

bool
is_dead(const struct object *object)
{
    return object->ephemeral && is_unused(object);
}

bool
is_destroyed(const struct object *object)
{
    return is_sysv(object) && (object->ephemeral || object->removed);
}

bool
exists(const struct object *object)
{
    return object->backend != 0 && (!is_unused(object) || !is_destroyed(object));
}

static int
mappings_of(const struct handle *h)
{
    int k, count = 1; /* the attachment of the handle itself */

    for (k = 0; k < ATTACHMENTS; k++)
        count +=
            h->attachments[k].addr != NULL && !h->attachments[k].lost && h->attachments[k].shared;
    return count;
}

static int
mappings_of_this_process(const struct object *object)
{
    int k, count = 0;

    for (k = 0; k < HANDLES; k++)
        if (handles[k].seg != NULL && handles[k].object == object)
            count += mappings_of(&handles[k]);
    return count;
}

int
holders_of(const struct object *object)
{
    if (!is_sysv(object))
        return (object->handles[0] > 0) + (object->handles[1] > 0);
    return mappings_of_this_process(object) + (in_child ? object->parents : 0);
}

bool
is_taken(int name)
{
    if (shared->names[name] != NULL && is_dead(shared->names[name]))
        shared->names[name] = NULL;
    return shared->names[name] != NULL;
}

/* Frees the places of objects that are gone. */
void
forget_objects(void)
{
    struct object *o;

    for (o = shared->objects; o < shared->objects + OBJECTS; o++)
        if (o->backend != 0 && is_unused(o) && !leads_somewhere(o)
            && (!is_sysv(o) || is_destroyed(o)))
            o->backend = 0;
}

struct object *
new_object(unsigned backend, size_t size, mode_t mode, bool ephemeral)
{
    struct object *o = shared->objects;

    while (o->backend != 0)
        must(++o < shared->objects + OBJECTS);
    memset(o, 0, sizeof *o);
    o->backend = backend;
    o->size = size;
    o->mode = mode;
    o->ephemeral = ephemeral;
    return o;
}

struct handle *
free_handle(void)
{
    struct handle *h = handles;

    while (h < handles + HANDLES && h->seg != NULL)
        h++;
    return h < handles + HANDLES ? h : NULL;
}

void
adopt(struct handle *h, struct shmx *seg, struct object *object, int name, bool rdonly)
{
    *h = (struct handle){ .seg = seg,
                          .object = object,
                          .name = name,
                          .rdonly = rdonly,
                          .ephemeral = object->ephemeral,
                          .goes = is_destroyed(object) };
    object->handles[in_child]++;
    if (name >= 0)
        object->linked = true;
}

void
part_from(struct handle *h)
{
    h->seg = NULL;
    if (!h->inherited)
        h->object->handles[in_child]--;
}

/* The child has all that its parent has, and that stays. */
void
begin_child(void)
{
    int k;

    for (k = 0; k < OBJECTS; k++)
        shared->objects[k].parents = mappings_of_this_process(&shared->objects[k]);
    for (k = 0; k < HANDLES; k++) {
        handles[k].inherited = true;
        handles[k].pinned = false;
    }
    in_child = true;
}

void
end_child(void)
{
    int k;

    for (k = 0; k < OBJECTS; k++)
        shared->objects[k].handles[1] = 0;
    forget_objects();
}
