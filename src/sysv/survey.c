/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over all System V segments and all links. */
#include "../failure.h"
#include "../namespace.h"
#include "sysv.h"
#include "table.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

/* All segments, and for each of them an entry that leads to it, if there is one. */
struct rows {
    struct shmx_stat    *items;
    char               **entries;
    size_t               count;
    const struct survey *survey;
    bool                 with_foreign; /* also tell of links that lead into other IPC namespaces */
};

static bool
may_be_link(const struct dirent *d)
{
    return d->d_type == DT_LNK || d->d_type == DT_UNKNOWN;
}

/* Describes a segment that is not here, or is gone, by what its link says. */
static void
describe_link(const char *entry, const struct link *link, unsigned state, char text[NAME_TEXT_MAX],
              struct shmx_stat *st)
{
    const struct reference ref = { .backend = SHMX_SYSV, .kind = REFERENCE_NAME, .entry = entry };

    shmx_reference_print(&ref, text);
    *st = (struct shmx_stat){
        .backend = SHMX_SYSV,
        .state = state,
        .size = link->size,
        .ino = state & SHMX_IS_FOREIGN ? link->ipc : 0,
        .holders = state & SHMX_IS_FOREIGN ? -1 : 0,
        .id = link->by_key ? -1 : link->number,
        .key = link->by_key ? link->number : 0,
        .uid = link->owner,
        .cuid = link->owner,
        .ctime = link->changed,
    };
}

static int
tell_foreign(const struct survey *survey, const char *entry, const struct link *link)
{
    struct shmx_stat st;
    char             text[NAME_TEXT_MAX];

    describe_link(entry, link, SHMX_IS_FOREIGN, text, &st);
    return survey_tells(survey, text, &st);
}

static int
remember_link(const struct dirent *d, void *arg)
{
    const struct rows *rows = arg;
    struct shmx_stat  *row;
    char               text[LINK_TEXT_MAX], **entry;
    struct link        link;
    int                r;

    if (!may_be_link(d))
        return 0;
    r = shmx_link_read(d->d_name, &link, text);
    if (r < 0)
        return shmx_link_is_absent(r) ? 0 : r;
    r = shmx_link_locate(&link);
    row = shmx_table_search(rows->items, rows->count, r);
    if (row == NULL || !shmx_link_matches(&link, row))
        return rows->with_foreign && !shmx_is_hidden(d->d_name) && shmx_link_is_foreign(&link, r)
                   ? tell_foreign(rows->survey, d->d_name, &link)
                   : 0;
    entry = &rows->entries[row - rows->items];
    if (*entry != NULL && shmx_is_hidden(d->d_name))
        return 0;
    free(*entry);
    *entry = strdup(d->d_name);
    return *entry == NULL ? -ENOMEM : 0;
}

/* Gives the text that opens the segment. Also fills in the size of its pages, and the part of its
   state that only a link tells. A segment that is just being made or removed has no name yet, or no
   longer. */
static void
name_segment(const char *entry, struct shmx_stat *st, char text[NAME_TEXT_MAX])
{
    struct reference ref = { .backend = SHMX_SYSV, .kind = REFERENCE_NAME, .entry = entry };

    st->page_size = 0; /* Even a small segment may be of the hugetlb pool. */
    if (entry != NULL && (st->state & SHMX_IS_DESTROYED))
        st->state |= SHMX_IS_EPHEMERAL;
    if (entry != NULL && !shmx_is_hidden(entry)) {
        st->state &= ~SHMX_IS_NAMELESS;
    } else if (entry != NULL || st->key == 0) {
        st->state |= SHMX_IS_NAMELESS;
        ref = (struct reference){ .kind = REFERENCE_ID, .number = st->id };
    } else {
        ref = (struct reference){ .kind = REFERENCE_KEY, .number = st->key };
    }
    shmx_reference_print(&ref, text);
}

/* Visits all segments. under_way tells whether only a hidden link leads to the segment. */
static int
walk_all(int (*visit)(const char *name, const struct shmx_stat *st, bool under_way,
                      const struct survey *survey),
         const struct survey *survey, bool with_foreign)
{
    struct rows rows = { .survey = survey, .with_foreign = with_foreign };
    const char *entry;
    char        text[NAME_TEXT_MAX];
    size_t      i;
    int         r = shmx_table_read(&rows.items, &rows.count);

    if (r == 0 && rows.count > 0) {
        rows.entries = calloc(rows.count, sizeof *rows.entries);
        r = rows.entries == NULL ? -ENOMEM : 0;
    }
    if (r == 0)
        r = shmx_directory_walk(remember_link, &rows);
    for (i = 0; r == 0 && i < rows.count; i++) {
        entry = rows.entries[i];
        name_segment(entry, &rows.items[i], text);
        r = visit(text, &rows.items[i], entry != NULL && shmx_is_hidden(entry), survey);
    }
    for (i = 0; rows.entries != NULL && i < rows.count; i++)
        free(rows.entries[i]);
    free(rows.entries);
    free(rows.items);
    return r;
}

static int
list_segment(const char *name, const struct shmx_stat *st, bool under_way,
             const struct survey *survey)
{
    (void)under_way;
    return survey_tells(survey, name, st);
}

int
shmx_sysv_list(const struct survey *survey)
{
    return walk_all(list_segment, survey, true);
}

int
shmx_sysv_stat_name(const struct reference *ref, struct shmx_stat *st)
{
    struct shmx_stat row;
    struct lead      lead;
    char             text[NAME_TEXT_MAX];
    int              id = ref->number, r = 0;

    if (ref->kind == REFERENCE_NAME) {
        r = shmx_link_follow(ref->entry, &lead);
        if (r == 0)
            r = lead.verdict == LINK_LIVE ? 0 : lead.error;
        if (r < 0)
            return r;
        *st = lead.st;
    } else {
        if (ref->kind == REFERENCE_KEY)
            id = shmget(ref->number, 0, 0);
        r = id < 0 ? failure() : shmx_table_examine(id, st);
        if (r == 0 && ref->kind == REFERENCE_KEY && st->key != ref->number)
            r = -ENOENT; /* the segment was removed in between, and the id was recycled */
        if (r < 0)
            return r;
    }
    name_segment(ref->entry, st, text);
    if (shmx_table_find(st->id, &row))
        st->resident = row.resident;
    return 0;
}

/* Returns whether the kernel would let the caller remove the segment, and its name with it. */
static bool
may_remove(const struct reference *ref, const struct shmx_stat *st)
{
    struct stat link;

    if (ref->kind == REFERENCE_NAME
        && (shmx_directory_stat(ref->entry, &link) < 0
            || shmx_directory_may_unlink(link.st_uid, link.st_gid) < 0))
        return false;
    return shmx_same_user(st->uid, geteuid()) || shmx_same_user(st->cuid, geteuid())
           || (shmx_has_capability(CAP_SYS_ADMIN) && shmx_rules_ipc_namespace());
}

/* Removes what a killed process was making. Its link is taken away first. If the maker is alive, it
   misses the link and makes another segment. */
static int
remove_unfinished(const char *text, const struct lead *lead)
{
    struct shmx_stat now;
    char             taken[HIDDEN_MAX];
    int              r = shmx_hidden_name(HIDDEN_COLLECT, taken);

    if (r == 0)
        r = shmx_directory_rename(text, taken);
    if (r < 0)
        return r;
    if (shmx_table_examine(lead->st.id, &now) == 0 && now.holders == 0
        && shmx_link_matches(&lead->link, &now) && shmctl(now.id, IPC_RMID, NULL) < 0)
        return failure(); /* the link stays for a process that may remove the segment */
    return shmx_directory_unlink(taken);
}

/* Returns whether the segment of the link is to be removed, too. If the link had a second name,
   that would be the name of a published segment. */
static bool
is_unfinished(const struct hidden *hidden, const struct lead *lead)
{
    return lead->verdict == LINK_LIVE && lead->link.by_key && lead->link.names == 1
           && (hidden->kind == HIDDEN_COLLECT
               || (hidden->kind == HIDDEN_CREATE && shmx_hidden_is_by(hidden, lead->st.cpid)));
}

/*
 * Collects a hidden link. If the maker is not dead but in another pid namespace, nothing that is in
 * use is lost: a segment without any attachment is not finished, and a process that misses its own
 * hidden entry starts again.
 */
static int
collect_hidden(const struct survey *survey, const char *text)
{
    static const struct reference by_id = { .kind = REFERENCE_ID };
    struct hidden                 hidden;
    struct lead                   lead;
    struct shmx_stat              st;
    char                          name[NAME_TEXT_MAX];

    if (!shmx_hidden_parse(text, &hidden) || shmx_hidden_in_use(&hidden)
        || shmx_link_follow(text, &lead) < 0
        || shmx_directory_may_unlink(lead.link.owner, lead.link.group) < 0 || lead.error == -EXDEV
        || lead.error == -EACCES
        || (lead.verdict == LINK_LIVE && hidden.kind != HIDDEN_PUBLISH
            && (lead.st.holders > 0 || !may_remove(&by_id, &lead.st))))
        return 0;
    describe_link(text, &lead.link, SHMX_IS_DEAD, name, &st);
    if (!survey_chooses(survey, name, &st))
        return 0;
    if (!(survey->flags & SHMX_DRY_RUN)
        && (is_unfinished(&hidden, &lead) ? remove_unfinished(text, &lead)
                                          : shmx_directory_unlink(text))
               < 0)
        return 0;
    return survey_tells(survey, name, &st);
}

/* Returns whether the link alone is to be removed. */
static bool
is_to_go(const struct lead *lead, unsigned flags)
{
    return lead->verdict == LINK_GONE
           || ((flags & SHMX_FOREIGN) && lead->verdict == LINK_UNKNOWN && lead->error == -EXDEV);
}

static int
collect_link(const struct dirent *d, void *arg)
{
    const struct survey *survey = arg;
    struct lead          lead;
    struct shmx_stat     st;
    char                 name[NAME_TEXT_MAX];

    if (shmx_is_hidden(d->d_name))
        return collect_hidden(survey, d->d_name);
    if (!may_be_link(d) || shmx_link_follow(d->d_name, &lead) < 0 || !is_to_go(&lead, survey->flags)
        || shmx_directory_may_unlink(lead.link.owner, lead.link.group) < 0)
        return 0;
    describe_link(d->d_name, &lead.link, lead.verdict == LINK_GONE ? SHMX_IS_DEAD : SHMX_IS_FOREIGN,
                  name, &st);
    if (!survey_chooses(survey, name, &st))
        return 0;
    /* The link is removed only if it is still the one that was chosen. */
    if (!(survey->flags & SHMX_DRY_RUN) && shmx_link_remove(d->d_name, lead.text, -1) < 0)
        return 0;
    return survey_tells(survey, name, &st);
}

/* Returns whether it is still the same segment, and still nobody has it attached. */
static bool
is_orphan(const struct shmx_stat *st)
{
    struct shmx_stat now;

    return shmx_table_examine(st->id, &now) == 0 && now.holders == 0 && now.key == st->key
           && now.size == st->size && now.cuid == st->cuid && now.ctime.tv_sec == st->ctime.tv_sec;
}

static int
collect_orphan(const char *name, const struct shmx_stat *st, bool under_way,
               const struct survey *survey)
{
    struct reference ref;

    if (st->holders > 0 || under_way || shmx_reference_parse(name, &ref) < 0
        || !may_remove(&ref, st) || !survey_chooses(survey, name, st))
        return 0;
    /* The segment is removed by the text that others would use, and only if that text still leads
       to it. */
    if ((survey->flags & SHMX_ORPHANS) && !(survey->flags & SHMX_DRY_RUN)
        && (!is_orphan(st) || shmx_sysv_remove_from(&ref, st->id) < 0))
        return 0;
    return survey_tells(survey, name, st);
}

int
shmx_sysv_collect(const struct survey *survey)
{
    int r = shmx_directory_walk(collect_link, (void *)survey);

    return r != 0 ? r : walk_all(collect_orphan, survey, false);
}
