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
    int  r;

    shmx_link_format(&s->link, text);
    do {
        r = shmx_hidden_name(kind, hidden);
        if (r == 0)
            r = shmx_directory_symlink(text, hidden);
    } while (r == -EEXIST);
    if (r < 0)
        return r;
    s->intent = strdup(hidden);
    if (s->intent != NULL)
        return 0;
    shmx_directory_unlink(hidden);
    return -ENOMEM;
}

/* Gives the intent what only the link of an existing segment can have: the time of its last change,
   and an owner who may be another user. -ENOENT means that a process that collects has removed the
   intent. */
static int
complete_intent(struct sysv *s, const struct shmx_stat *st)
{
    const bool strange = geteuid() != st->uid && geteuid() != st->cuid;
    char       text[LINK_TEXT_MAX];
    int        link, r = 0;

    if (s->link.by_key && !strange)
        return 0;
    shmx_link_format(&s->link, text);
    link = shmx_link_open(s->intent, text);
    if (link < 0)
        return link;
    if (!s->link.by_key)
        r = shmx_link_set_time(link, st->ctime.tv_sec, st->ctime.tv_sec);
    if (r == 0 && strange)
        r = shmx_link_chown(link, st->uid, (gid_t)-1);
    close(link);
    return r;
}

/* Returns whether -ENOENT means that the intent was removed by a process that collects. Such a
   process may take this one for dead if it is in another pid namespace. */
static bool
was_collected(int r)
{
    return r == -ENOENT && shmx_directory_stat("", &(struct stat){ 0 }) == 0;
}

int
shmx_sysv_write_late_intent(struct sysv *s)
{
    struct shmx_stat st;
    int              r = shmx_sysv_identify(s, &st);

    if (r == 0 && (st.state & SHMX_IS_DESTROYED) && !s->goes)
        r = -ENOENT;
    if (r == 0)
        r = shmx_link_describe(&st, s->ipc, &s->link);
    while (r == 0) {
        r = shmx_sysv_write_intent(s, HIDDEN_PUBLISH);
        if (r < 0)
            return r;
        r = complete_intent(s, &st);
        if (r == 0)
            return 0;
        shmx_sysv_withdraw_intent(s);
        if (was_collected(r))
            r = 0;
    }
    return r;
}

/* Another thread may have changed the segment after its link was given the time. */
static void
settle_published(const struct sysv *s, const char *entry)
{
    char text[LINK_TEXT_MAX];
    int  link;

    shmx_link_format(&s->link, text);
    link = shmx_link_open(entry, text);
    if (link < 0)
        return;
    shmx_sysv_settle_time(s, link);
    close(link);
}

int
shmx_sysv_publish(struct shmx *seg, const char *entry)
{
    struct sysv *s = sysv_of(seg);
    const bool   late = s->intent == NULL || s->goes;
    int          r = s->intent == NULL ? shmx_sysv_write_late_intent(s) : 0;

    if (r < 0)
        return r;
    r = shmx_directory_rename(s->intent, entry);
    if (r < 0 && !was_collected(r)) {
        if (late)
            shmx_sysv_withdraw_intent(s);
        return r;
    }
    free(s->intent);
    s->intent = NULL;
    if (r < 0) /* the segment may have been removed together with its first intent */
        return late ? shmx_sysv_publish(seg, entry) : -EAGAIN;
    if (!s->link.by_key)
        settle_published(s, entry);
    return 0;
}

void
shmx_sysv_unpublish(struct shmx *seg, const char *entry)
{
    char text[LINK_TEXT_MAX];

    shmx_link_format(&sysv_of(seg)->link, text);
    shmx_link_remove(entry, text, -1);
}

struct search {
    const struct shmx_stat *st;
    char                    entry[NAME_MAX + 1];
    int                     count;
};

static int
compare_entry(const struct dirent *d, void *arg)
{
    struct search *search = arg;
    struct link    link;
    char           text[LINK_TEXT_MAX];
    int            r;

    if ((d->d_type != DT_LNK && d->d_type != DT_UNKNOWN) || shmx_is_hidden(d->d_name))
        return 0;
    r = shmx_link_read(d->d_name, &link, text);
    if (r < 0)
        return shmx_link_is_absent(r) ? 0 : r;
    if (shmx_link_matches(&link, search->st)) {
        strlcpy(search->entry, d->d_name, sizeof search->entry);
        search->count++;
    }
    return 0;
}

int
shmx_sysv_find_entry(const struct shmx_stat *st, char entry[NAME_MAX + 1])
{
    struct search search = { .st = st };
    int           r = shmx_directory_walk(compare_entry, &search);

    if (r < 0)
        return r;
    strlcpy(entry, search.entry, sizeof search.entry);
    return search.count;
}

int
shmx_sysv_count_names(struct shmx *seg)
{
    struct shmx_stat st;
    char             entry[NAME_MAX + 1];
    int              r = shmx_sysv_identify(sysv_of(seg), &st);

    return r < 0 ? r : shmx_sysv_find_entry(&st, entry);
}
