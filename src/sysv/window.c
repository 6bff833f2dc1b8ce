/* SPDX-License-Identifier: BSD-2-Clause */
/* The mapping through which the library copies to and from a System V segment. */
#include "../failure.h"
#include "sysv.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h> /* MADV_POPULATE_*, which not every C library has */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whether the segment is really mapped there: the inode of such a mapping is the id. */
static bool
is_mapped_at(const struct sysv *s, const char *start)
{
    NO_CANCELLATION;
    char      line[256], name[8];
    uintptr_t from, to;
    uint64_t  inode;
    bool      found = false;
    FILE     *f = fopen("/proc/self/maps", "re");

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64 " /%4s", &from, &to,
                       &inode, name)
                    == 4
                && from == (uintptr_t)start && to - from == sysv_whole_length(s)
                && inode == (uint64_t)s->id && strcmp(name, "SYSV") == 0;
    fclose(f);
    return found;
}

/* Map once more what is mapped at start. It takes neither the id nor a right: the mode may have
   been narrowed meanwhile. NULL: impossible. */
char *
shmx_sysv_duplicate(const struct sysv *s, char *start)
{
    char *copy;

    if (!is_mapped_at(s, start))
        return NULL;
    copy = mremap(start, 0, sysv_whole_length(s), MREMAP_MAYMOVE);
    if (copy == MAP_FAILED)
        return NULL;
    munlock(copy, sysv_whole_length(s)); /* it has what the program did to the other */
    return copy;
}

/* Take the window into use, unless another thread was faster. Whatever is not needed then goes. */
static char *
install_window(struct sysv *s, char *fresh)
{
    char *hold, *window = NULL;

    pthread_mutex_lock(&s->seg.lock);
    hold = s->hold;
    s->hold = NULL;
    if (atomic_compare_exchange_strong(&s->window, &window, fresh))
        window = fresh;
    else
        sysv_detach(fresh);
    pthread_mutex_unlock(&s->seg.lock);
    sysv_detach(hold);
    return window;
}

/* Something that can become the window although shmat(2) refuses it: what the program has. */
static char *
duplicate_any(struct sysv *s)
{
    struct attachment *a;
    char              *copy = NULL;

    pthread_mutex_lock(&s->seg.lock);
    LIST_FOREACH (a, &s->seg.attachments, link) {
        if (a->addr != NULL && shmx_sysv_is_plain(s, a))
            copy = shmx_sysv_duplicate(s, (char *)a->base - a->offset);
        if (copy != NULL)
            break;
    }
    pthread_mutex_unlock(&s->seg.lock);
    return copy;
}

/* Where the library copies from and to. */
static int
get_window(struct sysv *s, char **window)
{
    char *fresh;
    int   r;

    *window = atomic_load(&s->window);
    if (*window != NULL)
        return 0;
    pthread_mutex_lock(&s->seg.lock);
    if (s->hold != NULL && atomic_load(&s->window) == NULL) {
        atomic_store(&s->window, s->hold);
        s->hold = NULL;
    }
    *window = atomic_load(&s->window);
    pthread_mutex_unlock(&s->seg.lock);
    if (*window != NULL)
        return 0;
    r = shmx_sysv_attach_again(s, s->seg.flags, &fresh);
    if (r < 0) {
        fresh = duplicate_any(s);
        if (fresh == NULL)
            return r;
    }
    *window = install_window(s, fresh);
    return 0;
}

/* A segment of the hugetlb pool may have been made without a reservation. Then touching it without
   memory raises SIGBUS, where this is an error. */
static int
bring_in(const struct sysv *s, char *window, size_t count, uint64_t offset)
{
    const size_t from = (size_t)offset & ~(s->seg.page - 1);
    const size_t to = segment_round_up(&s->seg, (size_t)offset + count);
    const int    advice = s->seg.flags & SHMX_RDONLY ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;

    if (s->seg.page == (size_t)sysconf(_SC_PAGESIZE)
        || madvise(window + from, to - from, advice) == 0 || errno == EINVAL)
        return 0;
    return -ENOMEM;
}

/* A private copy is of what the segment holds now. */
int
shmx_sysv_map_copy(struct sysv *s, struct attachment *a)
{
    const int prot = PROT_READ | (a->flags & SHMX_RDONLY ? 0 : PROT_WRITE)
                     | (a->flags & SHMX_EXEC ? PROT_EXEC : 0);
    const size_t offset = (size_t)a->offset;
    const size_t bytes = s->size - offset < a->length ? s->size - offset : a->length;
    char        *window;
    int          r = get_window(s, &window);

    if (r == 0)
        r = bring_in(s, window, bytes, offset);
    if (r < 0)
        return r;
    a->base = mmap(NULL, a->length, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a->base == MAP_FAILED)
        return failure();
    memcpy(a->base, window + offset, bytes);
    if (mprotect(a->base, a->length, prot) == 0)
        return 0;
    r = failure();
    munmap(a->base, a->length);
    return r;
}

ssize_t
shmx_sysv_read(struct shmx *seg, void *buf, size_t count, uint64_t offset)
{
    char *window;
    int   r = get_window(sysv_of(seg), &window);

    if (r == 0)
        r = bring_in(sysv_of(seg), window, count, offset);
    if (r < 0)
        return r;
    memcpy(buf, window + offset, count);
    return (ssize_t)count;
}

ssize_t
shmx_sysv_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset)
{
    char *window;
    int   r = get_window(sysv_of(seg), &window);

    if (r == 0)
        r = bring_in(sysv_of(seg), window, count, offset);
    if (r < 0)
        return r;
    memcpy(window + offset, buf, count);
    return (ssize_t)count;
}
