/* SPDX-License-Identifier: BSD-2-Clause */
/* The System V backend. Its segments are made by shmget(2), and links in the directory of names
   lead to them. */
#include "sysv.h"

#include "../failure.h"
#include "../huge.h"
#include "../namespace.h"
#include "table.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <unistd.h>

/* How often a link that is being renewed is looked at again, with a millisecond in between. */
#define TRIES 100

struct sysv *
shmx_sysv_new_handle(unsigned flags)
{
    struct sysv *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    shmx_segment_begin(&s->seg, &shmx_sysv, flags);
    s->id = -1;
    return s;
}

void
shmx_sysv_free_handle(struct sysv *s)
{
    shmx_sysv_drop_hold(s);
    shmx_sysv_withdraw_intent(s);
    shmx_segment_end(&s->seg);
    free(s);
}

int
shmx_sysv_identify(const struct sysv *s, struct shmx_stat *st)
{
    unsigned long here;
    int           r = shmx_table_examine(s->id, st);

    if (r < 0)
        return r;
    if (st->size != s->size || (st->key != 0 && st->key != s->key))
        return -ENOENT;
    if (st->key != 0 && s->link.by_key && !s->link.raw)
        return 0; /* the key is random, so no other segment has it */
    /* Otherwise the namespace decides, if it is known. The hold keeps the namespace alive, so no
       other namespace has its number. */
    r = shmx_ipc_namespace(&here);
    return r < 0 ? r : here == s->ipc || here == 0 || s->ipc == 0 ? 0 : -ENOENT;
}

/* Takes the hold first. An id that is held is not recycled, so what the kernel says of it stays
   true. */
static int
hold_existing(struct sysv *s, int id)
{
    int r;

    s->id = id;
    r = shmx_sysv_take_hold(s);
    return r == -EINVAL ? -ENOENT : r;
}

static int
open_once(struct sysv *s, const char *entry, struct lead *lead, bool *again)
{
    int id, r = shmx_link_read(entry, &lead->link, lead->text);

    *again = false;
    if (r < 0)
        return r;
    id = shmx_link_locate(&lead->link);
    if (id >= 0)
        r = hold_existing(s, id);
    *again = shmx_link_judge(lead, r == -ENOENT ? r : id);
    return lead->verdict == LINK_LIVE ? r : lead->error;
}

static int
open_link(struct sysv *s, const char *entry, unsigned flags, struct lead *lead)
{
    bool again;
    int  r, tries = 0;

    while ((r = open_once(s, entry, lead, &again)) < 0 && again && ++tries < TRIES) {
        shmx_sysv_drop_hold(s);
        shmx_pause(1);
    }
    if (r < 0)
        return r;
    s->link = lead->link;
    s->raw = lead->link.raw;
    s->ipc = lead->link.ipc;
    if (lead->st.state & SHMX_IS_DESTROYED)
        s->seg.flags |= SHMX_EPHEMERAL;
    return (flags & SHMX_OWNED) && lead->link.names > 1 ? -EPERM : 0;
}

static int
open_raw(struct sysv *s, const struct reference *ref, struct shmx_stat *st)
{
    int id = ref->number, r = shmx_ipc_namespace(&s->ipc);

    if (r < 0)
        return r;
    s->raw = ref->kind == REFERENCE_KEY;
    if (s->raw) {
        id = shmget(ref->number, 0, 0);
        if (id < 0)
            return failure();
    }
    r = hold_existing(s, id);
    if (r == 0)
        r = shmx_table_examine(id, st);
    if (r == 0 && s->raw && st->key != ref->number)
        r = -ENOENT; /* the segment was removed in between, and the id was recycled */
    return r;
}

static int
sysv_open(const struct reference *ref, unsigned flags, struct shmx **seg)
{
    struct sysv *s = shmx_sysv_new_handle(flags & SHMX_RDONLY);
    struct lead  lead;
    int          r;

    if (s == NULL)
        return -ENOMEM;
    r = ref->kind == REFERENCE_NAME ? open_link(s, ref->entry, flags, &lead)
                                    : open_raw(s, ref, &lead.st);
    if (r == 0 && (flags & SHMX_OWNED) && !shmx_trusts(lead.st.cuid))
        r = -EPERM;
    if (r < 0) {
        shmx_sysv_free_handle(s);
        return r;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): opening has filled it in */
    s->key = lead.st.key;
    s->size = (size_t)lead.st.size;
    s->goes = lead.st.state & SHMX_IS_DESTROYED;
    shmx_sysv_settle_hold(s);
    *seg = &s->seg;
    return 0;
}

static void
sysv_close(struct shmx *seg)
{
    struct sysv *s = sysv_of(seg);

    if (s->goes && seg->name_state != NAME_ENDED) {
        shmx_sysv_drop_hold(s); /* the hold may have been the last attachment */
        shmx_sysv_forget_name(s);
    }
    shmx_sysv_free_handle(s);
}

static void
sysv_discard(struct shmx *seg)
{
    struct shmx_stat st;

    if (shmx_sysv_identify(sysv_of(seg), &st)
        == 0) /* the initialiser may have left the namespace */
        shmctl(st.id, IPC_RMID, NULL);
    shmx_sysv_free_handle(sysv_of(seg));
}

static const char *
sysv_label(struct shmx *seg)
{
    struct sysv           *s = sysv_of(seg);
    const bool             by_key = s->raw && s->key != 0 && seg->name_state != NAME_ENDED;
    const struct reference ref = { .kind = by_key ? REFERENCE_KEY : REFERENCE_ID,
                                   .number = by_key ? s->key : s->id };
    char                   text[NAME_TEXT_MAX];

    shmx_reference_print(&ref, text);
    strlcpy(by_key ? s->key_label : s->id_label, text, sizeof s->id_label);
    return by_key ? s->key_label : s->id_label;
}

static int64_t
sysv_size(struct shmx *seg)
{
    return (int64_t)sysv_of(seg)->size; /* the size never changes */
}

/* Returns the size of the first page in bytes, or 0 if nobody can tell. */
static size_t
page_size(const struct sysv *s)
{
    if (s->seg.page > (size_t)sysconf(_SC_PAGESIZE) || s->size < HUGE_PAGE_LEAST)
        return s->seg.page;
    return shmx_huge_is_resident(s->hold) ? shmx_huge_page_size_at(s->hold) : 0;
}

static int
sysv_stat(struct shmx *seg, struct shmx_stat *st)
{
    const char *entry = shmx_segment_entry(seg);
    struct link link;
    char        text[LINK_TEXT_MAX];
    int         r = shmx_sysv_identify(sysv_of(seg), st);

    if (r < 0)
        return r;
    if (entry != NULL && shmx_link_read(entry, &link, text) == 0 && shmx_link_matches(&link, st))
        st->state &= ~SHMX_IS_NAMELESS;
    if (seg->flags & SHMX_EPHEMERAL)
        st->state |= SHMX_IS_EPHEMERAL;
    st->page_size = page_size(sysv_of(seg));
    return 0;
}

/* Tells whether there are attachments that were not made through this handle. An attachment of this
   handle is not in the list before it is made or after it has ended. So a peer may be seen where
   there is none, but no peer is missed. */
static int
sysv_peers(struct shmx *seg)
{
    struct attachment *a;
    struct shmx_stat   st;
    int64_t            own = 1; /* the hold */
    int                r;

    pthread_mutex_lock(&seg->lock);
    LIST_FOREACH (a, &seg->attachments, link)
        own += a->addr != NULL && !(a->flags & SHMX_PRIVATE);
    r = shmx_sysv_identify(sysv_of(seg), &st);
    pthread_mutex_unlock(&seg->lock);
    return r < 0 ? r : st.holders > own;
}

static int
lock_in_ram(struct shmx *seg, int command)
{
    struct shmx_stat st;
    int              r = shmx_sysv_identify(sysv_of(seg), &st);

    if (r == 0 && shmctl(sysv_of(seg)->id, command, NULL) < 0)
        r = failure();
    return r;
}

static int
sysv_pin(struct shmx *seg)
{
    return lock_in_ram(seg, SHM_LOCK);
}

static int
sysv_unpin(struct shmx *seg)
{
    return lock_in_ram(seg, SHM_UNLOCK);
}

const struct shmx_backend shmx_sysv = {
    .flag = SHMX_SYSV,
    .shortage = -ENOMEM,
    .create = shmx_sysv_create,
    .open = sysv_open,
    .publish = shmx_sysv_publish,
    .count_names = shmx_sysv_count_names,
    .unpublish = shmx_sysv_unpublish,
    .vacate = shmx_sysv_vacate,
    .destroy = shmx_sysv_destroy,
    .remove = shmx_sysv_remove,
    .stat_name = shmx_sysv_stat_name,
    .close = sysv_close,
    .discard = sysv_discard,
    .label = sysv_label,
    .own = shmx_sysv_own,
    .reserve = shmx_sysv_reserve,
    .map = shmx_sysv_map,
    .unmap = shmx_sysv_unmap,
    .size = sysv_size,
    .stat = sysv_stat,
    .chmod = shmx_sysv_chmod,
    .chown = shmx_sysv_chown,
    .pin = sysv_pin,
    .unpin = sysv_unpin,
    .peers = sysv_peers,
    .read = shmx_sysv_read,
    .write = shmx_sysv_write,
    .list = shmx_sysv_list,
    .collect = shmx_sysv_collect,
};
