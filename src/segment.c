/* SPDX-License-Identifier: BSD-2-Clause */
#include "segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
shmx_segment_begin(struct shmx *seg, const struct shmx_backend *backend, unsigned flags)
{
    seg->backend = backend;
    seg->flags = flags;
    seg->page = (size_t)sysconf(_SC_PAGESIZE);
    LIST_INIT(&seg->attachments);
    pthread_mutex_init(&seg->lock, NULL);
}

void
shmx_segment_end(struct shmx *seg)
{
    if (seg->events > 0)
        close(seg->events);
    free(seg->name);
    pthread_mutex_destroy(&seg->lock);
}

char *
shmx_segment_new_name(const struct shmx *seg, const char *entry)
{
    const struct reference ref = { .backend = seg->backend->flag,
                                   .kind = REFERENCE_NAME,
                                   .entry = entry };
    char                   text[NAME_TEXT_MAX];

    shmx_reference_print(&ref, text);
    return strdup(text);
}

int
shmx_segment_set_name(struct shmx *seg, const char *entry)
{
    seg->name = shmx_segment_new_name(seg, entry);
    if (seg->name == NULL)
        return -ENOMEM;
    seg->name_state = NAME_KNOWN;
    return 0;
}

const char *
shmx_segment_entry(struct shmx *seg)
{
    const char *name;

    pthread_mutex_lock(&seg->lock);
    name = seg->name;
    pthread_mutex_unlock(&seg->lock);
    return name == NULL ? NULL : strchr(name, '/') + 1;
}

int
shmx_segment_begin_change(struct shmx *seg, enum name_state *before)
{
    pthread_mutex_lock(&seg->lock);
    *before = seg->name_state;
    seg->name_state = NAME_CHANGING;
    pthread_mutex_unlock(&seg->lock);
    return *before == NAME_CHANGING ? -EBUSY : 0;
}

void
shmx_segment_end_change(struct shmx *seg, enum name_state state, char *name)
{
    pthread_mutex_lock(&seg->lock);
    seg->name_state = state;
    if (name != NULL)
        seg->name = name;
    pthread_mutex_unlock(&seg->lock);
}
