/* SPDX-License-Identifier: BSD-2-Clause */
/* Making System V segments. */
#include "../failure.h"
#include "../huge.h"
#include "../namespace.h"
#include "sysv.h"
#include "table.h"

#include <errno.h>
#include <linux/mman.h> /* MADV_POPULATE_* are not in every C library */
#include <sys/random.h>
#include <sys/shm.h>
#include <unistd.h>

/* Calls shmget(2). The segment has pages of the hugetlb pool if these are asked for and the pool
   has enough of them. */
static int
get_segment(struct sysv *s, int key, size_t size, mode_t mode, unsigned flags)
{
    const int shmflg = (int)mode | IPC_CREAT | IPC_EXCL | (flags & SHMX_SPARSE ? SHM_NORESERVE : 0);
    int       id = -1;

    /* The pool is asked only with a reservation. Without one, an empty pool would do until the
       first touch. */
    if (flags & (SHMX_HUGE | SHMX_HUGE_ONLY))
        id = shmget(key, size, (shmflg & ~SHM_NORESERVE) | SHM_HUGETLB);
    if (id < 0)
        id = shmget(key, size, shmflg);
    if (id < 0)
        return failure();
    s->id = id;
    s->key = key;
    s->size = size;
    return 0;
}

static int
random_key(int *key)
{
    do
        if (getrandom(key, sizeof *key, 0) != sizeof *key && errno != EINTR)
            return failure();
    while (*key == IPC_PRIVATE);
    return 0;
}

/* The intent is a hidden link that tells the key before the segment exists. If this process is
   killed before the segment has its name or its IPC_RMID, a process that collects finds the segment
   by that link. */
static int
write_intent(struct sysv *s, size_t size)
{
    int r;

    shmx_sysv_withdraw_intent(s);
    s->link = (struct link){ .by_key = true, .size = size, .ipc = s->ipc };
    r = random_key(&s->link.number);
    return r < 0 ? r : shmx_sysv_write_intent(s, HIDDEN_CREATE);
}

static int
get_new_segment(struct sysv *s, const struct reference *ref, size_t size, mode_t mode,
                unsigned flags)
{
    const bool intent = ref->kind == REFERENCE_NAME || (flags & SHMX_EPHEMERAL);
    int        r = shmx_ipc_namespace(&s->ipc);

    while (r == 0) {
        if (intent)
            r = write_intent(s, size);
        if (r == 0)
            r = get_segment(s,
                            intent   ? s->link.number
                            : s->raw ? ref->number
                                     : IPC_PRIVATE,
                            size, mode, flags);
        if (r == -EEXIST && intent) {
            r = 0;
            continue;
        }
        if (r == 0)
            r = shmx_sysv_take_hold(s);
        if (r != -EINVAL || s->id < 0)
            break;
        s->id = -1; /* a process that collects has removed it, as it had no attachment yet */
        r = 0;
    }
    return r;
}

/* Makes transparent huge pages where the pool had none. */
static int
fill_huge(struct sysv *s, unsigned flags)
{
    const size_t huge = huge_page_size_within(s->size);
    int          r = -ENOTSUP;

    if (s->seg.page > (size_t)sysconf(_SC_PAGESIZE))
        return 0; /* they are pages of the pool */
    if (huge != 0)
        r = shmx_huge_fill(s->hold, flags & SHMX_SPARSE ? huge : s->size, MADV_POPULATE_WRITE);
    return flags & SHMX_HUGE_ONLY ? r : 0;
}

/* From now on the segment goes with its last attachment. That takes the key away. So a link by key
   is of no use any more, and a link by id takes its place. */
static int
make_ephemeral(struct sysv *s, bool named)
{
    if (shmctl(s->id, IPC_RMID, NULL) < 0)
        return failure();
    shmx_sysv_withdraw_intent(s);
    s->key = 0;
    s->goes = true;
    return named ? shmx_sysv_write_late_intent(s) : 0;
}

int
shmx_sysv_create(const struct reference *ref, size_t size, mode_t mode, unsigned flags,
                 struct shmx **seg)
{
    struct sysv *s;
    int          r;

    if (ref->kind == REFERENCE_ID || (ref->kind == REFERENCE_KEY && (flags & SHMX_EPHEMERAL)))
        return -EINVAL;
    s = shmx_sysv_new_handle(flags & ~SHMX_SYSV);
    if (s == NULL)
        return -ENOMEM;
    s->raw = ref->kind == REFERENCE_KEY;
    /* shmat(2) checks the mode even for the creator. So the segment gets its exact mode after the
       hold. */
    r = get_new_segment(s, ref, size, mode | 0600, flags);
    if (r == 0 && (flags & (SHMX_HUGE | SHMX_HUGE_ONLY) || size >= HUGE_PAGE_LEAST))
        shmx_sysv_settle_hold(s);
    if (r == 0 && (flags & (SHMX_HUGE | SHMX_HUGE_ONLY)))
        r = fill_huge(s, flags);
    if (r == 0 && (mode & 0600) != 0600)
        r = shmx_sysv_chmod(&s->seg, mode);
    if (r == 0 && (flags & SHMX_EPHEMERAL))
        r = make_ephemeral(s, ref->kind == REFERENCE_NAME);
    if (r < 0) {
        if (s->id >= 0)
            shmctl(s->id, IPC_RMID, NULL);
        shmx_sysv_free_handle(s);
        return r;
    }
    *seg = &s->seg;
    return 0;
}
