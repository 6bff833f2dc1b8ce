/* SPDX-License-Identifier: BSD-2-Clause */
/* The System V backend: segments of shmget(2), with links in the directory of names. */
#include "../directory.h"
#include "../failure.h"
#include "../huge.h"
#include "../namespace.h"
#include "../random.h"
#include "../segment.h"
#include "link.h"
#include "survey.h"
#include "table.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

/*
 * A handle holds its segment by a pin, an attachment of its own: while the program has none. The
 * first attach takes the pin over and the last detach gives it back, so that nattch is what a plain
 * program would show. A pin that was given back is parked, without access, so that using an address
 * after its detach is noticed.
 */
struct sysv {
    struct shmx seg;
    size_t      size;
    int         id;
    int         key;
    char       *pin; /* NULL while an attachment holds */
    atomic_bool parked;
    size_t      attached; /* attachments that hold: neither private copies nor SHMX_DONTFORK */
    char       *link;     /* the text of the link, if it has one */
    char intent[DIRECTORY_HIDDEN_MAX]; /* the hidden entry of the link until it is published */
    char id_label[24];
    char key_label[24];
};

static struct sysv *
sysv_of(const struct shmx *seg)
{
    return (struct sysv *)seg;
}

static const char *
entry_of(const struct shmx *seg)
{
    return strchr(seg->name, '/') + 1;
}

static struct sysv *
new_handle(unsigned flags)
{
    struct sysv *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->seg.backend = &shmx_sysv;
    s->seg.flags = flags;
    s->seg.page = (size_t)sysconf(_SC_PAGESIZE);
    s->id = -1;
    return s;
}

static void
set_identity(struct sysv *s, int id, int key, size_t size)
{
    s->id = id;
    s->key = key;
    s->size = size;
}

/* What opens it without a name. Written when it is needed: most have a name. */
static const char *
raw_label(struct sysv *s, bool by_key)
{
    if (by_key) {
        snprintf(s->key_label, sizeof s->key_label, "sysv:key=0x%x", (unsigned)s->key);
        return s->key_label;
    }
    snprintf(s->id_label, sizeof s->id_label, "sysv:id=%d", s->id);
    return s->id_label;
}

/* Returns the address, or NULL and errno. */
static char *
attach_at(const struct sysv *s, const void *addr, unsigned flags)
{
    int   shmflg = 0;
    void *got;

    if (flags & SHMX_RDONLY)
        shmflg |= SHM_RDONLY;
    if (flags & SHMX_EXEC)
        shmflg |= SHM_EXEC;
    if (flags & SHMX_REPLACE)
        shmflg |= SHM_REMAP;
    got = shmat(s->id, addr, shmflg);
    return got == (void *)-1 ? NULL : got; /* NOLINT(performance-no-int-to-ptr) */
}

static int
take_pin(struct sysv *s)
{
    s->pin = attach_at(s, NULL, s->seg.flags & SHMX_RDONLY);
    atomic_store(&s->parked, false);
    return s->pin == NULL ? failure() : 0;
}

static void
drop_pin(struct sysv *s)
{
    if (s->pin != NULL)
        shmdt(s->pin);
    s->pin = NULL;
}

static size_t
whole_length(const struct sysv *s)
{
    return segment_round_up(&s->seg, s->size);
}

static int
set_protection(const struct sysv *s, int prot)
{
    return mprotect(s->pin, whole_length(s), prot) < 0 ? failure() : 0;
}

/* May run in several threads at once: the shared lock keeps others from parking it. */
static inline int
unpark(struct sysv *s)
{
    int r;

    if (!atomic_load(&s->parked))
        return 0;
    r = set_protection(s, s->seg.flags & SHMX_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE);
    if (r == 0)
        atomic_store(&s->parked, false);
    return r;
}

/* shmget: with pages of the hugetlb pool if they are asked for and there are any. */
static int
get_segment(struct sysv *s, int key, size_t size, mode_t mode, unsigned flags)
{
    const int shmflg = (int)mode | IPC_CREAT | IPC_EXCL | (flags & SHMX_SPARSE ? SHM_NORESERVE : 0);
    const size_t page = (flags & (SHMX_HUGE | SHMX_HUGE_ONLY)) ? huge_pool_page_size() : 0;
    int          id = -1;

    if (page > 0) {
        /* Not without a reservation: then an empty pool would do, until the first touch. */
        id = shmget(key, size, (shmflg & ~SHM_NORESERVE) | SHM_HUGETLB);
        if (id >= 0) {
            s->seg.flags |= SHMX_HUGE;
            s->seg.page = page;
        }
    }
    if (id < 0)
        id = shmget(key, size, shmflg);
    if (id < 0)
        return failure();
    set_identity(s, id, key, size);
    return 0;
}

static int
write_intent(struct sysv *s, const struct link *link)
{
    char text[LINK_TEXT_MAX];
    int  r;

    link_format(link, text);
    free(s->link);
    s->link = strdup(text);
    if (s->link == NULL)
        return -ENOMEM;
    r = directory_hide_link(text, s->intent);
    if (r < 0)
        s->intent[0] = '\0';
    return r;
}

static void
withdraw_intent(struct sysv *s)
{
    if (s->intent[0] != '\0')
        directory_unlink(s->intent);
    s->intent[0] = '\0';
}

/* With a random key, and only after the intent says which: whoever collects finds it by that,
   should we be killed before it has its name or, if it is ephemeral, its IPC_RMID. */
static int
get_segment_with_intent(struct sysv *s, size_t size, mode_t mode, unsigned flags)
{
    struct link link = { .by_key = true, .size = size };
    int         r = namespace_number(NAMESPACE_IPC, &link.ipc);

    if (r < 0)
        return r;
    do {
        withdraw_intent(s);
        do
            r = random_fill(&link.number, sizeof link.number);
        while (r == 0 && link.number == IPC_PRIVATE);
        if (r == 0)
            r = write_intent(s, &link);
        if (r == 0)
            r = get_segment(s, link.number, size, mode, flags);
    } while (r == -EEXIST);
    return r;
}

static int
get_new_segment(struct sysv *s, const struct reference *ref, size_t size, mode_t mode,
                unsigned flags)
{
    if (ref->kind == REFERENCE_KEY)
        return get_segment(s, ref->number, size, mode, flags);
    if (ref->kind == REFERENCE_NAME || (flags & SHMX_EPHEMERAL))
        return get_segment_with_intent(s, size, mode, flags);
    return get_segment(s, IPC_PRIVATE, size, mode, flags);
}

/* Transparent huge pages, where the pool had none: one pass of mapping, advising and populating,
   32 ms for 256 MiB; touching small pages takes 125. Not asked for, nothing is filled: shmget has
   accounted for the memory, and that is its reservation. */
static int
fill_huge(struct sysv *s, unsigned flags)
{
    if (!(flags & (SHMX_HUGE | SHMX_HUGE_ONLY)) || (s->seg.flags & SHMX_HUGE))
        return 0;
    if (huge_fill(s->pin, s->size, flags & SHMX_SPARSE))
        s->seg.flags |= SHMX_HUGE;
    else if (flags & SHMX_HUGE_ONLY)
        return -ENOMEM;
    return 0;
}

/* What the kernel says. The mode may keep even the owner from IPC_STAT, but not from /proc. */
static int
examine(const struct sysv *s, struct shmx_stat *st)
{
    struct shmid_ds ds;
    int             r;

    if (shmctl(s->id, IPC_STAT, &ds) == 0) {
        table_describe(&ds, s->id, st);
        return 0;
    }
    r = failure();
    return r == -EACCES && table_find(s->id, st) ? 0 : r;
}

static int
set_perm(const struct sysv *s, uid_t uid, gid_t gid, mode_t mode)
{
    struct shmid_ds ds = { .shm_perm = { .uid = uid, .gid = gid, .mode = (unsigned short)mode } };

    return shmctl(s->id, IPC_SET, &ds) < 0 ? failure() : 0;
}

static int
set_mode(const struct sysv *s, mode_t mode)
{
    struct shmx_stat st;
    int              r = examine(s, &st);

    return r < 0 ? r : set_perm(s, st.uid, st.gid, mode);
}

/* From now on it goes with its last attachment. It has no key any more: its link will say the id.
 */
static int
make_ephemeral(struct sysv *s)
{
    if (shmctl(s->id, IPC_RMID, NULL) < 0)
        return failure();
    withdraw_intent(s);
    set_identity(s, s->id, IPC_PRIVATE, s->size);
    return 0;
}

static int
sysv_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
            struct shmx **seg)
{
    struct sysv *s;
    int          r;

    if (ref->kind == REFERENCE_ID || (ref->kind == REFERENCE_KEY && (flags & SHMX_EPHEMERAL)))
        return -EINVAL;
    s = new_handle(flags & (SHMX_EPHEMERAL | SHMX_SPARSE));
    if (s == NULL)
        return -ENOMEM;
    /* shmat looks at the mode even for the creator: the exact one comes after the pin. */
    r = get_new_segment(s, ref, size, mode | 0600, flags);
    if (r == 0)
        r = take_pin(s);
    if (r == 0)
        r = fill_huge(s, flags);
    if (r == 0 && (mode & 0600) != 0600)
        r = set_mode(s, mode);
    if (r == 0 && (flags & SHMX_EPHEMERAL))
        r = make_ephemeral(s);
    if (r < 0) {
        if (s->id >= 0)
            shmctl(s->id, IPC_RMID, NULL);
        drop_pin(s);
        withdraw_intent(s);
        free(s->link);
        free(s);
        return r;
    }
    if (ref->kind != REFERENCE_NAME)
        s->seg.label = raw_label(s, ref->kind == REFERENCE_KEY);
    *seg = &s->seg;
    return 0;
}

/* Pin first: an id that is pinned is not recycled, so what IPC_STAT says stays true. */
static int
pin_existing(struct sysv *s, int id)
{
    int r;

    s->id = id;
    r = take_pin(s);
    return r == -EINVAL ? -ENOENT : r;
}

static int
open_link(struct sysv *s, const char *entry, struct shmid_ds *ds)
{
    char        text[LINK_TEXT_MAX];
    struct link link;
    int         id, r;

    r = link_read(entry, &link, text);
    if (r < 0)
        return r;
    id = link_locate(&link);
    r = id < 0 ? id : pin_existing(s, id);
    if (r < 0)
        return r;
    if (link_judge(&link, id, ds) != LINK_LIVE)
        return -ENOENT;
    if (ds->shm_perm.mode & SHM_DEST)
        s->seg.flags |= SHMX_EPHEMERAL;
    s->link = strdup(text);
    return s->link == NULL ? -ENOMEM : 0;
}

static int
open_raw(struct sysv *s, const struct reference *ref, struct shmid_ds *ds)
{
    int id = ref->number, r;

    if (ref->kind == REFERENCE_KEY) {
        id = shmget(ref->number, 0, 0);
        if (id < 0)
            return failure();
    }
    r = pin_existing(s, id);
    if (r == 0 && shmctl(id, IPC_STAT, ds) < 0)
        r = failure();
    if (r == 0 && ref->kind == REFERENCE_KEY && ds->shm_perm.__key != ref->number)
        r = -ENOENT; /* removed in between, and the id recycled */
    return r;
}

static int
sysv_open(const struct reference *ref, unsigned flags, struct shmx **seg)
{
    struct sysv    *s = new_handle(flags & SHMX_RDONLY);
    struct shmid_ds ds;
    int             r;

    if (s == NULL)
        return -ENOMEM;
    r = ref->kind == REFERENCE_NAME ? open_link(s, ref->entry, &ds) : open_raw(s, ref, &ds);
    if (r == 0 && (flags & SHMX_OWNED) && !namespace_trusts(ds.shm_perm.cuid))
        r = -EPERM;
    if (r < 0) {
        drop_pin(s);
        free(s->link);
        free(s);
        return r;
    }
    set_identity(s, s->id, ds.shm_perm.__key, ds.shm_segsz);
    if (ref->kind != REFERENCE_NAME)
        s->seg.label = raw_label(s, ref->kind == REFERENCE_KEY);
    *seg = &s->seg;
    return 0;
}

/* A link to a segment that has no intent, because it was not made to be named. */
static int
write_late_intent(struct sysv *s)
{
    struct link      link = { .by_key = s->key != 0, .number = s->key, .size = s->size };
    struct shmx_stat st;
    int              r = examine(s, &st);

    if (r < 0)
        return r;
    if ((st.state & SHMX_IS_EPHEMERAL) && !(s->seg.flags & SHMX_EPHEMERAL))
        return -ENOENT; /* it was destroyed */
    r = namespace_number(NAMESPACE_IPC, &link.ipc);
    if (r == 0 && !link.by_key) {
        link.number = s->id;
        link.pid = st.cpid;
        r = namespace_number(NAMESPACE_PID, &link.pidns);
    }
    if (r == 0)
        r = write_intent(s, &link);
    if (r == 0 && geteuid() != st.uid && geteuid() != st.cuid)
        r = directory_chown(s->intent, s->link, st.uid, (gid_t)-1);
    if (r < 0)
        withdraw_intent(s);
    return r;
}

static int
sysv_publish(struct shmx *seg, const char *entry)
{
    struct sysv *s = sysv_of(seg);
    bool         late = s->intent[0] == '\0';
    int          r = late ? write_late_intent(s) : 0;

    if (r < 0)
        return r;
    r = directory_rename(s->intent, entry);
    if (r == 0)
        s->intent[0] = '\0';
    else if (late)
        withdraw_intent(s);
    return r;
}

static int
sysv_vacate(const char *entry)
{
    char            text[LINK_TEXT_MAX];
    struct link     link;
    struct shmid_ds ds;

    if (link_read(entry, &link, text) < 0
        || link_judge(&link, link_locate(&link), &ds) != LINK_GONE)
        return 0;
    return link_remove(entry, text) == 0;
}

/* Remove the segment behind the link that was withdrawn; if that is not allowed, put it back. */
static int
remove_behind(int id, const char *entry, const char *hidden)
{
    int r = shmctl(id, IPC_RMID, NULL) < 0 ? failure() : 0;

    if (r == -EINVAL)
        r = 0;
    if (r < 0)
        directory_rename(hidden, entry);
    else
        directory_unlink(hidden);
    return r;
}

static int
remove_id(int id)
{
    struct shmid_ds ds;

    if (shmctl(id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & SHM_DEST))
        return -ENOENT;
    if (shmctl(id, IPC_RMID, NULL) == 0)
        return 0;
    return errno == EINVAL || errno == EIDRM ? -ENOENT : failure();
}

static int
sysv_destroy(struct shmx *seg)
{
    struct sysv *s = sysv_of(seg);
    char         hidden[DIRECTORY_HIDDEN_MAX];
    int          r;

    if (seg->named) {
        r = link_withdraw(entry_of(seg), s->link, hidden);
        if (r == 0)
            r = remove_behind(s->id, entry_of(seg), hidden);
    } else {
        r = seg->flags & SHMX_EPHEMERAL ? 0 : remove_id(s->id);
    }
    if (r == 0) {
        withdraw_intent(s);
        seg->label = raw_label(s, false);
    }
    return r;
}

static int
remove_link(const char *entry)
{
    char              text[LINK_TEXT_MAX], hidden[DIRECTORY_HIDDEN_MAX];
    struct link       link;
    struct shmid_ds   ds;
    enum link_verdict verdict;
    int               id, r;

    r = link_read(entry, &link, text);
    if (r < 0)
        return r;
    id = link_locate(&link);
    verdict = link_judge(&link, id, &ds);
    if (verdict == LINK_ABROAD)
        return -EXDEV;
    /* Somebody else's segment is not removed for a link that its people did not make. */
    if (verdict == LINK_GONE || verdict == LINK_STRANGE)
        return link_remove(entry, text);
    if (id < 0 || (verdict == LINK_HIDDEN && link.owner != geteuid()))
        return -EACCES;
    r = link_withdraw(entry, text, hidden);
    return r < 0 ? r : remove_behind(id, entry, hidden);
}

static int
sysv_remove(const struct reference *ref)
{
    int id;

    if (ref->kind == REFERENCE_NAME)
        return remove_link(ref->entry);
    id = ref->kind == REFERENCE_KEY ? shmget(ref->number, 0, 0) : ref->number;
    return id < 0 ? failure() : remove_id(id);
}

static void
sysv_close(struct shmx *seg)
{
    struct sysv *s = sysv_of(seg);

    drop_pin(s);
    if ((seg->flags & SHMX_EPHEMERAL) && seg->named)
        sysv_vacate(entry_of(seg));
    free(s->link);
    free(s);
}

/* Anonymous memory where the attachment is to be, as SHMX_FIXED and SHMX_REPLACE say. */
static int
map_anonymous(struct attachment *a, int prot)
{
    int   flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *got;

    if (a->flags & SHMX_FIXED)
        flags |= a->flags & SHMX_REPLACE ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    got = mmap(a->base, a->length, prot, flags, -1, 0);
    if (got == MAP_FAILED)
        return failure();
    if ((a->flags & SHMX_FIXED) && got != a->base) { /* a kernel without MAP_FIXED_NOREPLACE */
        munmap(got, a->length);
        return -EEXIST;
    }
    a->base = got;
    return 0;
}

static int
attach_copy(struct sysv *s, struct attachment *a)
{
    const int prot = PROT_READ | (a->flags & SHMX_RDONLY ? 0 : PROT_WRITE)
                     | (a->flags & SHMX_EXEC ? PROT_EXEC : 0);
    const size_t offset = (size_t)a->offset;
    const size_t bytes = s->size - offset < a->length ? s->size - offset : a->length;
    char        *from = attach_at(s, NULL, SHMX_RDONLY);
    int          r;

    if (from == NULL)
        return failure();
    r = map_anonymous(a, PROT_READ | PROT_WRITE);
    if (r < 0)
        goto out;
    memcpy(a->base, from + offset, bytes);
    if (mprotect(a->base, a->length, prot) < 0) {
        r = failure();
        munmap(a->base, a->length);
        goto out;
    }
    a->owned = true;
out:
    shmdt(from);
    return r;
}

static bool
overlaps(const struct sysv *s, const char *start, const struct attachment *a)
{
    const char *base = a->base;

    return base < start + whole_length(s) && start < base + a->length;
}

/* Attach at an address of the kernel's choice that is not in the way of a fixed attachment. */
static char *
attach_beside(const struct sysv *s, const struct attachment *a, unsigned flags)
{
    char *got = attach_at(s, NULL, flags), *other;

    if (got == NULL || !overlaps(s, got, a))
        return got;
    other = attach_beside(s, a, flags); /* which cannot be where this one is */
    shmdt(got);
    return other;
}

/* A part at a fixed address, and not a page beyond it: attach elsewhere, move that part there. */
static int
attach_part(struct sysv *s, struct attachment *a)
{
    size_t before = (size_t)a->offset, after = whole_length(s) - before - a->length;
    char  *from = attach_beside(s, a, a->flags & (SHMX_RDONLY | SHMX_EXEC));
    bool   reserved = !(a->flags & SHMX_REPLACE);
    int    r = 0;

    if (from == NULL)
        return failure();
    if (reserved)
        r = map_anonymous(a, PROT_NONE);
    if (r < 0)
        goto fail;
    if (mremap(from + before, a->length, a->length, MREMAP_MAYMOVE | MREMAP_FIXED, a->base)
        == MAP_FAILED) {
        r = failure();
        goto fail_reserved;
    }
    if (before > 0)
        munmap(from, before);
    if (after > 0)
        munmap(from + before + a->length, after);
    a->owned = true;
    return 0;
fail_reserved:
    if (reserved)
        munmap(a->base, a->length);
fail:
    shmdt(from);
    return r;
}

/* The program cannot know where our pin is, so it must not be in the way. */
static int
clear_way(struct sysv *s, const struct attachment *a)
{
    char *pin;

    if (s->pin == NULL || !overlaps(s, s->pin, a))
        return 0;
    pin = attach_beside(s, a, s->seg.flags & SHMX_RDONLY);
    if (pin == NULL)
        return failure();
    shmdt(s->pin);
    s->pin = pin;
    atomic_store(&s->parked, false);
    return 0;
}

static int
attach_fixed(struct sysv *s, struct attachment *a)
{
    int r = clear_way(s, a);

    if (r < 0)
        return r;
    if (a->offset != 0 || a->length != whole_length(s))
        return attach_part(s, a);
    if (attach_at(s, a->base, a->flags) != NULL)
        return 0;
    /* The address is possible, and the id is pinned: the kernel's EINVAL means occupied. */
    return errno == EINVAL ? -EEXIST : failure();
}

static bool
holds(const struct attachment *a)
{
    return !(a->flags & (SHMX_PRIVATE | SHMX_DONTFORK));
}

/* Whether it is just what a pin is. */
static bool
is_plain(const struct sysv *s, const struct attachment *a)
{
    return !((a->flags ^ s->seg.flags) & SHMX_RDONLY)
           && !(a->flags & (SHMX_PRIVATE | SHMX_DONTFORK | SHMX_EXEC | SHMX_FIXED));
}

static int
sysv_attach(struct shmx *seg, struct attachment *a)
{
    struct sysv *s = sysv_of(seg);
    char        *got;
    int          r = 0;

    if (a->flags & SHMX_PRIVATE)
        return attach_copy(s, a);
    if (a->flags & SHMX_FIXED) {
        r = attach_fixed(s, a);
    } else {
        if (s->pin != NULL && is_plain(s, a) && unpark(s) == 0) {
            got = s->pin;
            s->pin = NULL;
        } else {
            got = attach_at(s, NULL, a->flags);
        }
        if (got == NULL)
            return failure();
        a->base = got + a->offset;
    }
    if (r == 0 && holds(a)) {
        s->attached++;
        drop_pin(s);
    }
    return r;
}

static int
sysv_keep(struct shmx *seg, struct attachment *a)
{
    struct sysv *s = sysv_of(seg);
    int          r;

    if (!holds(a))
        return 0;
    if (s->attached == 1) {
        s->pin = (char *)a->base - a->offset;
        if (is_plain(s, a) && set_protection(s, PROT_NONE) == 0) {
            atomic_store(&s->parked, true);
            s->attached = 0;
            return 1;
        }
        r = take_pin(s);
        if (r < 0)
            return r;
    }
    s->attached--;
    return 0;
}

static int
sysv_unmap(struct attachment *a)
{
    int r;

    if (a->owned)
        r = munmap(a->base, a->length);
    else
        r = shmdt((char *)a->base - a->offset);
    return r < 0 ? failure() : 0;
}

static int64_t
sysv_size(struct shmx *seg)
{
    return (int64_t)sysv_of(seg)->size; /* never changes */
}

static int
sysv_stat(struct shmx *seg, struct shmx_stat *st)
{
    struct sysv     *s = sysv_of(seg);
    char             text[LINK_TEXT_MAX];
    struct shmx_stat row;
    int              r = examine(s, st);

    if (r < 0)
        return r;
    if (table_find(s->id, &row))
        st->resident = row.resident;
    if (seg->named && directory_readlink(entry_of(seg), text, sizeof text) == 0
        && strcmp(text, s->link) == 0)
        st->state &= ~SHMX_IS_NAMELESS;
    if (!(seg->flags & SHMX_EPHEMERAL))
        st->state &= ~SHMX_IS_EPHEMERAL; /* merely destroyed */
    if (seg->flags & SHMX_HUGE) {
        st->state |= SHMX_IS_HUGE;
        st->page_size = seg->page > (size_t)sysconf(_SC_PAGESIZE) ? seg->page : huge_page_size();
    }
    return 0;
}

static int
sysv_chmod(struct shmx *seg, mode_t mode)
{
    return set_mode(sysv_of(seg), mode);
}

static int
sysv_chown(struct shmx *seg, uid_t uid, gid_t gid)
{
    struct sysv     *s = sysv_of(seg);
    const char      *entry = seg->named ? entry_of(seg) : NULL;
    struct shmx_stat st;
    int              r = examine(s, &st);

    if (r < 0)
        return r;
    if (uid == (uid_t)-1)
        uid = st.uid;
    if (gid == (gid_t)-1)
        gid = st.gid;
    /* At every moment the link is one of the segment's owner or creator, or it would be dead. */
    if (entry != NULL && uid != st.uid)
        r = directory_chown(entry, s->link, st.cuid, (gid_t)-1);
    if (r < 0)
        return r;
    r = set_perm(s, uid, gid, st.mode);
    if (r == 0 && entry != NULL) {
        r = directory_chown(entry, s->link, uid, gid);
        if (r < 0)
            set_perm(s, st.uid, st.gid, st.mode);
    }
    if (r < 0 && entry != NULL)
        directory_chown(entry, s->link, st.uid, (gid_t)-1);
    return r;
}

static int
sysv_pin(struct shmx *seg)
{
    return shmctl(sysv_of(seg)->id, SHM_LOCK, NULL) < 0 ? failure() : 0;
}

static int
sysv_unpin(struct shmx *seg)
{
    return shmctl(sysv_of(seg)->id, SHM_UNLOCK, NULL) < 0 ? failure() : 0;
}

/* Where the segment is mapped already, as copying needs it; NULL: nowhere. */
static char *
find_window(struct sysv *s, bool writing)
{
    const struct attachment *a;

    if (s->pin != NULL)
        return unpark(s) == 0 ? s->pin : NULL;
    LIST_FOREACH (a, &s->seg.attachments, link)
        if (holds(a) && !a->owned && !(writing && (a->flags & SHMX_RDONLY)))
            return (char *)a->base - a->offset;
    return NULL;
}

/* The same, attached for the while if need be: then *own is to be detached. NULL with errno. */
static char *
borrow_window(struct sysv *s, bool writing, char **own)
{
    char *window = find_window(s, writing);

    *own = window == NULL ? attach_at(s, NULL, writing ? 0 : SHMX_RDONLY) : NULL;
    return window != NULL ? window : *own;
}

static ssize_t
sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    char *own, *window = borrow_window(sysv_of(seg), false, &own);

    if (window == NULL)
        return failure();
    memcpy(buf, window + offset, count);
    if (own != NULL)
        shmdt(own);
    return (ssize_t)count;
}

static ssize_t
sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    char *own, *window = borrow_window(sysv_of(seg), true, &own);

    if (window == NULL)
        return failure();
    memcpy(window + offset, buf, count);
    if (own != NULL)
        shmdt(own);
    return (ssize_t)count;
}

const struct shmx_backend shmx_sysv = {
    .prefix = "sysv:",
    .flag = SHMX_SYSV,
    .shortage = -ENOMEM,
    .create = sysv_create,
    .open = sysv_open,
    .publish = sysv_publish,
    .vacate = sysv_vacate,
    .destroy = sysv_destroy,
    .remove = sysv_remove,
    .close = sysv_close,
    .attach = sysv_attach,
    .keep = sysv_keep,
    .unmap = sysv_unmap,
    .size = sysv_size,
    .stat = sysv_stat,
    .chmod = sysv_chmod,
    .chown = sysv_chown,
    .pin = sysv_pin,
    .unpin = sysv_unpin,
    .read = sysv_read,
    .write = sysv_write,
    .list = survey_list,
    .collect = survey_collect,
};
