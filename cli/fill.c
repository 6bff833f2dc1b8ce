/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli.h"

#include <errno.h>
#include <linux/mman.h> /* MADV_POPULATE_WRITE is not in every C library */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t
at_most(uint64_t bytes)
{
    return bytes < CHUNK ? (size_t)bytes : CHUNK;
}

/* Maps the pages that are used next in one call, because System V has no fault-around, and each
   page would take a fault of its own. -ENOSPC means that there is no memory, and that touching the
   pages would raise SIGBUS. */
static int
populate(const char *addr, size_t size)
{
    const size_t before = (uintptr_t)addr % (uintptr_t)sysconf(_SC_PAGESIZE);

    return madvise((void *)(addr - before), size + before, MADV_POPULATE_WRITE) < 0
                   && errno == EFAULT
               ? -ENOSPC
               : 0;
}

/* Reads up to count bytes from the file. 0 means that the file has ended. */
static ssize_t
take(struct source *source, char *addr, size_t count)
{
    ssize_t n;

    do {
        if (interrupted)
            return -EINTR;
        n = read(source->fd, addr, count);
    } while (n < 0 && errno == EINTR);
    source->error = n < 0 ? errno : 0;
    return n < 0 ? -EIO : n;
}

static int
fill_from_file(char *addr, size_t size, struct source *source)
{
    size_t  done = 0;
    ssize_t n = 1;
    char    more;

    while (done < size && n > 0) {
        n = populate(addr + done, at_most(size - done));
        if (n == 0)
            n = take(source, addr + done, at_most(size - done));
        done += n > 0 ? (size_t)n : 0;
        progress_add(&source->progress, n > 0 ? (uint64_t)n : 0);
    }
    if (n > 0)
        n = take(source, &more, 1);
    if (n > 0)
        source->trouble = TOO_LARGE;
    else if (n == 0 && source->whole && done < size)
        source->trouble = SHRANK;
    return n < 0 ? (int)n : source->trouble == FILLED ? 0 : -ECANCELED;
}

/* A part without memory gets no memory in the new segment either. */
static int
fill_from_segment(char *addr, struct source *source)
{
    const struct contents *copied = &source->copied;
    uint64_t               at = 0, from, to;
    ssize_t                n = 0;
    size_t                 count;

    while (n >= 0 && source->trouble == FILLED && contents_next(copied, at, &from, &to)) {
        count = at_most(to - from);
        n = interrupted ? -EINTR : populate(addr + from, count);
        if (n == 0)
            n = shmx_read(copied->seg, addr + from, count, from);
        if (n >= 0 && (size_t)n < count)
            source->trouble = SHRANK;
        progress_add(&source->progress, from + count - at);
        at = from + count;
    }
    if (contents_shrank(copied))
        source->trouble = SHRANK;
    return n < 0 ? (int)n : source->trouble == FILLED ? 0 : -ECANCELED;
}

static int
fill(void *addr, size_t size, struct source *source)
{
    return source->copied.seg != NULL ? fill_from_segment(addr, source)
                                      : fill_from_file(addr, size, source);
}

/* The initialiser of shmx_open_or_create. While that waits for another process to fill a segment of
   the same name, there is nothing to clear up, so a signal may end this program. */
static int
initialise(void *addr, size_t size, void *arg)
{
    catch_interrupts();
    return fill(addr, size, arg);
}

static int
explain(const struct creation *c, const struct source *source, int r)
{
    if (source->trouble == TOO_LARGE)
        return complain_text(c->name != NULL ? c->name : "anonymous segment",
                             "the input is larger than the segment");
    if (source->trouble == SHRANK)
        return complain_text(source->name, "it shrank while it was read");
    if (source->error != 0)
        return complain_text(source->name, "%s", strerror(source->error));
    return explain_creation(c, r);
}

/* The initialiser fills the segment, so nobody can see it before it is full. */
static int
fill_and_name(const struct creation *c, struct source *source, struct shmx **seg)
{
    int r =
        shmx_open_or_create(c->name, (size_t)c->size, c->mode, c->flags, initialise, source, seg);

    if (r == 0)
        shmx_close(*seg);
    return r == 0 || r == -ERANGE ? -EEXIST : r < 0 ? r : 0;
}

/* A segment without a name, or with a raw key, is filled after it is made. One with a raw key can
   be seen meanwhile. */
static int
make_and_fill(const struct creation *c, struct source *source, struct shmx **seg)
{
    void *addr;
    int   r;

    catch_interrupts();
    r = shmx_create(c->name, (size_t)c->size, c->mode, c->flags, seg);
    if (r < 0)
        return r;
    r = shmx_attach(*seg, 0, &addr);
    if (r == 0)
        r = fill(addr, (size_t)c->size, source);
    if (r < 0) {
        shmx_destroy(*seg);
        shmx_close(*seg);
    }
    return r;
}

int
make_filled(const struct creation *c, struct source *source, const char *verb, struct shmx **seg)
{
    const bool nameless = c->name == NULL || strncmp(c->name, "sysv:key=", 9) == 0;
    int        r;

    progress_begin(&source->progress, verb, c->size);
    r = nameless ? make_and_fill(c, source, seg) : fill_and_name(c, source, seg);
    progress_end(&source->progress);
    stop_catching_interrupts();
    if (interrupted && r == 0) { /* the signal came after the last look at it */
        shmx_destroy(*seg);
        shmx_close(*seg);
    }
    if (interrupted)
        raise(interrupted);
    return r < 0 ? explain(c, source, r) : OK;
}

uint64_t
input_size(int fd)
{
    struct stat st;
    off_t       at;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    at = lseek(fd, 0, SEEK_CUR);
    return at < 0 || at > st.st_size ? 0 : (uint64_t)(st.st_size - at);
}
