/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving names to System V segments. */
#include "../failure.h"
#include "../namespace.h"
#include "sysv.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
shmx_sysv_withdraw_intent(struct sysv *s)
{
    if (s->intent != NULL)
        shmx_directory_unlink(s->intent);
    free(s->intent);
    s->intent = NULL;
}

int
shmx_sysv_write_intent(struct sysv *s, enum hidden_kind kind)
{
    char text[LINK_TEXT_MAX], hidden[HIDDEN_MAX];
    int  r = shmx_hidden_name(kind, shmx_link_meant(&s->link), "", hidden);

    if (r < 0)
        return r;
    s->intent = strdup(hidden);
    if (s->intent == NULL)
        return -ENOMEM;
    shmx_link_format(&s->link, text);
    r = shmx_directory_symlink(text, hidden);
    if (r == 0 && !s->link.by_key)
        r = shmx_link_set_time(hidden, s->link.time);
    if (r < 0)
        shmx_sysv_withdraw_intent(s);
    return r;
}

/* A link to a segment that was not made to be named: such an intent says so. */
static int
write_late_intent(struct sysv *s)
{
    struct shmx_stat st;
    char             text[LINK_TEXT_MAX];
    int              r = shmx_sysv_identify(s, &st);

    if (r < 0)
        return r;
    if ((st.state & SHMX_IS_DESTROYED) && !(s->seg.flags & SHMX_EPHEMERAL))
        return -ENOENT;
    r = shmx_link_describe(&st, s->ipc, &s->link);
    if (r == 0)
        r = shmx_sysv_write_intent(s, HIDDEN_PUBLISH);
    if (r == 0 && geteuid() != st.uid && geteuid() != st.cuid) {
        shmx_link_format(&s->link, text);
        r = shmx_link_chown(s->intent, text, st.uid, (gid_t)-1);
        if (r < 0)
            shmx_sysv_withdraw_intent(s);
    }
    return r;
}

int
shmx_sysv_publish(struct shmx *seg, const char *entry)
{
    struct sysv *s = sysv_of(seg);
    bool         late = s->intent == NULL;
    int          r;

    do {
        r = s->intent == NULL ? write_late_intent(s) : 0;
        if (r < 0)
            return r;
        r = shmx_directory_rename(s->intent, entry);
        if (r == 0 || r == -ENOENT) { /* ENOENT: who collects took us for dead, so once more */
            free(s->intent);
            s->intent = NULL;
        }
    } while (r == -ENOENT && shmx_directory_stat("", &(struct stat){ 0 }) == 0);
    if (r < 0 && late)
        shmx_sysv_withdraw_intent(s);
    return r;
}

void
shmx_sysv_unpublish(struct shmx *seg, const char *entry)
{
    const struct link *link = &sysv_of(seg)->link;
    char               text[LINK_TEXT_MAX];

    shmx_link_format(link, text);
    shmx_link_remove(entry, link, text);
}

struct search {
    const struct shmx_stat *st;
    char                   *entry;
    int                     count;
};

static int
compare_entry(const struct dirent *d, void *arg)
{
    struct search *search = arg;
    struct link    link;
    char           text[LINK_TEXT_MAX];

    if ((d->d_type == DT_LNK || d->d_type == DT_UNKNOWN) && !shmx_is_hidden(d->d_name)
        && shmx_link_read(d->d_name, &link, text) == 0 && shmx_link_matches(&link, search->st)) {
        strlcpy(search->entry, d->d_name, NAME_MAX + 1);
        search->count++;
    }
    return 0;
}

int
shmx_sysv_find_entry(const struct shmx_stat *st, char entry[NAME_MAX + 1])
{
    struct search search = { .st = st, .entry = entry };
    int           r = shmx_directory_walk(compare_entry, &search);

    return r < 0 ? r : search.count;
}

int
shmx_sysv_count_names(struct shmx *seg)
{
    struct shmx_stat st;
    char             entry[NAME_MAX + 1];
    int              r = shmx_sysv_identify(sysv_of(seg), &st);

    return r < 0 ? r : shmx_sysv_find_entry(&st, entry);
}
