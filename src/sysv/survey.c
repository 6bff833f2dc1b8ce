/* SPDX-License-Identifier: BSD-2-Clause */
#include "survey.h"

#include "../directory.h"
#include "link.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A link of this namespace, and where it stands. */
struct known_link {
    struct link link;
    char        entry[NAME_MAX + 1];
};

struct known_links {
    struct known_link *items;
    size_t             count;
};

/* By what leads to a segment, so that a segment's links can be searched for. */
static int
compare(const void *a, const void *b)
{
    const struct link *x = &((const struct known_link *)a)->link;
    const struct link *y = &((const struct known_link *)b)->link;

    if (x->by_key != y->by_key)
        return x->by_key ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int
remember_link(const char *entry, void *arg)
{
    struct known_links *links = arg;
    struct known_link  *grown;
    char                text[LINK_TEXT_MAX];
    struct link         link;

    if (link_read(entry, &link, text) < 0 || link_locate(&link) == -EXDEV)
        return 0;
    if ((links->count & (links->count - 1)) == 0) { /* full at every power of two */
        grown = reallocarray(links->items, links->count == 0 ? 1 : links->count * 2, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        links->items = grown;
    }
    links->items[links->count].link = link;
    snprintf(links->items[links->count].entry, sizeof links->items->entry, "%s", entry);
    links->count++;
    return 0;
}

static bool
leads_to(const struct link *link, const struct shmx_stat *st)
{
    return link->size == st->size && (link->owner == st->uid || link->owner == st->cuid);
}

/* A name of the segment, or NULL. */
static const char *
find_entry(const struct known_links *links, bool by_key, const struct shmx_stat *st)
{
    const struct known_link  wanted = { .link = { .by_key = by_key,
                                                  .number = by_key ? st->key : st->id } };
    const struct known_link *found, *end;

    if (links->count == 0 || (by_key && st->key == 0))
        return NULL;
    end = links->items + links->count;
    found = bsearch(&wanted, links->items, links->count, sizeof wanted, compare);
    if (found == NULL)
        return NULL;
    while (found > links->items && compare(found - 1, &wanted) == 0)
        found--;
    for (; found < end && compare(found, &wanted) == 0; found++)
        if (leads_to(&found->link, st))
            return found->entry;
    return NULL;
}

/* The text that opens it; and what only the links tell of its state. */
static void
name_segment(const struct known_links *links, struct shmx_stat *st, char *name, size_t size)
{
    const char *entry = find_entry(links, true, st);

    if (entry == NULL)
        entry = find_entry(links, false, st);
    if (entry != NULL) {
        snprintf(name, size, "sysv:/%s", entry);
        if (directory_is_hidden(entry)) /* being made or removed */
            st->state |= SHMX_IS_NAMELESS;
        else
            st->state &= ~SHMX_IS_NAMELESS;
        return;
    }
    if (st->key != 0)
        snprintf(name, size, "sysv:key=0x%x", (unsigned)st->key);
    else
        snprintf(name, size, "sysv:id=%d", st->id);
    st->state &= ~SHMX_IS_EPHEMERAL; /* merely destroyed, for all that one can see */
}

/* Visits all segments; those that are being made or removed by a hidden name. */
static int
survey(segment_visitor visit, void *arg)
{
    struct known_links links = { 0 };
    struct shmx_stat  *rows = NULL;
    char               name[sizeof "sysv:/" + NAME_MAX];
    size_t             i, count;
    int                r;

    r = directory_walk(remember_link, &links);
    if (r == 0)
        r = table_read(&rows, &count);
    if (r < 0)
        goto out;
    if (links.count > 0)
        qsort(links.items, links.count, sizeof *links.items, compare);
    for (i = 0; r == 0 && i < count; i++) {
        name_segment(&links, &rows[i], name, sizeof name);
        r = visit(name, &rows[i], arg);
    }
    free(rows);
out:
    free(links.items);
    return r;
}

static bool
is_under_way(const char *name)
{
    return strncmp(name, "sysv:/", 6) == 0 && directory_is_hidden(name + 6);
}

struct walk {
    unsigned        flags;
    segment_visitor visit;
    void           *arg;
};

static int
list_segment(const char *name, const struct shmx_stat *st, void *arg)
{
    const struct walk *walk = arg;
    char               raw[32];

    if (is_under_way(name)) {
        snprintf(raw, sizeof raw, "sysv:id=%d", st->id);
        name = raw;
    }
    return walk->visit(name, st, walk->arg);
}

int
survey_list(segment_visitor visit, void *arg)
{
    return survey(list_segment, &(struct walk){ .visit = visit, .arg = arg });
}

static int
report_dead(const struct walk *walk, const char *entry, const struct link *link)
{
    char             name[sizeof "sysv:/" + NAME_MAX];
    struct shmx_stat st = {
        .backend = SHMX_SYSV,
        .state = SHMX_IS_DEAD,
        .size = link->size,
        .id = link->by_key ? -1 : link->number,
        .key = link->by_key ? link->number : 0,
        .uid = link->owner,
        .cuid = link->owner,
        .ctime = link->changed,
    };

    if (walk->visit == NULL)
        return 0;
    snprintf(name, sizeof name, "sysv:/%s", entry);
    return walk->visit(name, &st, walk->arg);
}

/* The segment of an intent, and not one that had the key before it was written. The kernel takes
   the seconds of a segment from a clock that lags behind that of files: one is forgiven. */
static bool
is_left_behind(const struct link *link, const struct shmid_ds *ds)
{
    return ds->shm_nattch == 0 && (!link->by_key || ds->shm_ctime + 1 >= link->made.tv_sec);
}

static int
collect_link(const char *entry, void *arg)
{
    const struct walk     *walk = arg;
    const struct reference ref = { .kind = REFERENCE_NAME, .entry = entry };
    const bool             hidden = directory_is_hidden(entry);
    char                   text[LINK_TEXT_MAX];
    struct link            link;
    struct shmid_ds        ds;
    enum link_verdict      verdict;
    bool                   removed = true;

    if (link_read(entry, &link, text) < 0
        || (hidden && !directory_is_abandoned(entry, link.changed)))
        return 0;
    verdict = link_judge(&link, link_locate(&link), &ds);
    if (verdict != LINK_GONE && !(hidden && verdict == LINK_LIVE && is_left_behind(&link, &ds)))
        return 0;
    if (!(walk->flags & SHMX_DRY_RUN))
        removed = verdict == LINK_GONE ? shmx_sysv.vacate(entry) : shmx_sysv.remove(&ref) == 0;
    return removed ? report_dead(walk, entry, &link) : 0;
}

static bool
remove_orphan(const char *name, const struct shmx_stat *st)
{
    struct reference ref;
    struct shmid_ds  ds;

    if (shmctl(st->id, IPC_STAT, &ds) < 0 || ds.shm_nattch > 0)
        return false;
    return reference_parse(name, &ref) == 0 && shmx_sysv.remove(&ref) == 0;
}

static int
collect_orphan(const char *name, const struct shmx_stat *st, void *arg)
{
    const struct walk *walk = arg;

    if (st->holders > 0 || is_under_way(name))
        return 0;
    if ((walk->flags & SHMX_ORPHANS) && !(walk->flags & SHMX_DRY_RUN) && !remove_orphan(name, st))
        return 0;
    return walk->visit == NULL ? 0 : walk->visit(name, st, walk->arg);
}

int
survey_collect(unsigned flags, segment_visitor visit, void *arg)
{
    struct walk walk = { .flags = flags, .visit = visit, .arg = arg };
    int         r = directory_walk(collect_link, &walk);

    return r != 0 ? r : survey(collect_orphan, &walk);
}
