/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that move data: create, read, write, copy; and hold, which makes none. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mman.h> /* MADV_POPULATE_*, which not every C library has */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

static size_t
at_most(uint64_t bytes)
{
    return bytes < CHUNK ? (size_t)bytes : CHUNK;
}

/* What happened while a segment was filled, beyond an errno. */
struct source {
    const char     *name;
    int             fd;   /* read(2) from it, or */
    struct shmx    *seg;  /* from another segment, */
    const char     *addr; /* that is attached here if it cannot shrink */
    bool            too_large;
    struct progress progress;
};

/* Map what is used next in one go, and not fault by fault (System V has no fault-around): a hint.
 */
static void
populate(const char *addr, size_t size, int advice)
{
    const size_t before = (uintptr_t)addr % (uintptr_t)sysconf(_SC_PAGESIZE);

    madvise((void *)(addr - before), size + before, advice);
}

static ssize_t
take(struct source *source, char *addr, size_t count, uint64_t offset)
{
    ssize_t r;

    if (interrupted)
        return -EINTR;
    if (source->addr != NULL) {
        populate(source->addr + offset, count, MADV_POPULATE_READ);
        memcpy(addr, source->addr + offset, count);
        return (ssize_t)count;
    }
    if (source->seg != NULL)
        return shmx_read(source->seg, addr, count, offset);
    r = read(source->fd, addr, count);
    if (r < 0 && errno == EFAULT)
        return -ENOSPC; /* a sparse segment, and no memory for this page */
    return r < 0 ? -errno : r;
}

/* Fill the segment, before anybody can see it. An initialiser for shmx_open_or_create. */
static int
fill(void *addr, size_t size, void *arg)
{
    struct source *source = arg;
    size_t         done = 0;
    ssize_t        n = 1;
    char           more;

    while (done < size && n > 0) {
        populate((char *)addr + done, at_most(size - done), MADV_POPULATE_WRITE);
        n = take(source, (char *)addr + done, at_most(size - done), done);
        if (n == -EINTR && !interrupted)
            n = 1;
        else if (n > 0) {
            done += (size_t)n;
            progress_add(&source->progress, (uint64_t)n);
        }
    }
    if (n > 0 && source->seg == NULL)
        n = take(source, &more, 1, done);
    if (n > 0 && source->seg == NULL) {
        source->too_large = true;
        return -EFBIG;
    }
    return n < 0 ? (int)n : 0;
}

static int
explain_fill(const char *name, const struct source *source, int r)
{
    leave_if_interrupted();
    if (source->too_large)
        return complain_text(name, "the input is larger than the segment");
    if (source->fd >= 0 && (r == -EIO || r == -EISDIR || r == -EBADF))
        return complain_text(source->name, "%s", strerror(-r));
    return complain(name, r);
}

/* It has its name when it is full: its initialiser fills it. */
static int
fill_and_name(const char *name, size_t size, mode_t mode, unsigned flags, struct source *source,
              struct shmx **seg)
{
    int r = shmx_open_or_create(name, size, mode, flags, fill, source, seg);

    if (r == 0)
        shmx_close(*seg);
    return r == 0 || r == -ERANGE ? -EEXIST : r < 0 ? r : 0;
}

/* Of what has no name, or a key: that can be seen as soon as it is there. */
static int
make_and_fill(const char *name, size_t size, mode_t mode, unsigned flags, struct source *source,
              struct shmx **seg)
{
    void *addr;
    int   r = shmx_create(name, size, mode, flags, seg);

    if (r < 0)
        return r;
    r = shmx_attach(*seg, 0, &addr);
    if (r == 0)
        r = fill(addr, size, source);
    if (r < 0) {
        shmx_destroy(*seg);
        shmx_close(*seg);
    }
    return r;
}

/* Make the segment with the contents of the source. A status; *seg is set if it is OK. */
static int
make_filled(const char *name, size_t size, mode_t mode, unsigned flags, struct source *source,
            const char *verb, struct shmx **seg)
{
    const bool nameless = name == NULL || strncmp(name, "sysv:key=", 9) == 0;
    int        r;

    progress_begin(&source->progress, verb, size);
    catch_interrupts();
    r = nameless ? make_and_fill(name, size, mode, flags, source, seg)
                 : fill_and_name(name, size, mode, flags, source, seg);
    progress_end(&source->progress);
    return r < 0 ? explain_fill(name != NULL ? name : "anonymous segment", source, r) : OK;
}

struct creation {
    const char *name, *from;
    uint64_t    size;
    mode_t      mode;
    unsigned    flags;
};

static int
make(const struct creation *c, struct shmx **seg)
{
    struct source source = { .name = c->from, .fd = STDIN_FILENO };
    int           r;

    if (c->from == NULL) {
        r = shmx_create(c->name, (size_t)c->size, c->mode, c->flags, seg);
        return r < 0 ? complain(c->name != NULL ? c->name : "anonymous segment", r) : OK;
    }
    if (strcmp(c->from, "-") != 0) {
        source.fd = open(c->from, O_RDONLY | O_CLOEXEC);
        if (source.fd < 0)
            return complain_text(c->from, "%s", strerror(errno));
    }
    r = make_filled(c->name, (size_t)c->size, c->mode, c->flags, &source, "filling", seg);
    if (source.fd != STDIN_FILENO)
        close(source.fd);
    return r;
}

static int
take_create_option(int option, struct creation *c)
{
    switch (option) {
    case 'b':
        return parse_backend(optarg, &c->flags) ? OK : wrong_use("no backend '%s'", optarg);
    case 'm':
        return parse_mode(optarg, &c->mode) ? OK : wrong_use("not a mode: '%s'", optarg);
    case 'f':
        c->from = optarg;
        return OK;
    default:
        c->flags |= (unsigned)option;
        return OK;
    }
}

static int
parse_creation(int argc, char **argv, bool with_command, struct creation *c)
{
    static const struct option options[] = { { "backend", required_argument, NULL, 'b' },
                                             { "mode", required_argument, NULL, 'm' },
                                             { "from", required_argument, NULL, 'f' },
                                             { "huge", no_argument, NULL, SHMX_HUGE },
                                             { "sparse", no_argument, NULL, SHMX_SPARSE },
                                             { "ephemeral", no_argument, NULL, SHMX_EPHEMERAL },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    int                        option, r;

    while ((option = next_option(argc, argv, "h", options)) != -1) {
        r = take_create_option(option, c);
        if (r != OK)
            return r;
    }
    r = check_arguments(argc, 1, 2);
    if (r != OK)
        return r;
    if (optind + 1 < argc)
        c->name = argv[optind++];
    if (!parse_size(argv[optind], &c->size) || c->size == 0 || c->size > SIZE_MAX)
        return wrong_use("not a size: '%s'", argv[optind]);
    if (!(c->flags & SHMX_EPHEMERAL) != !with_command)
        return wrong_use("--ephemeral goes with '-- COMMAND', during which the segment is held");
    if (c->name == NULL && (c->flags & SHMX_POSIX))
        return wrong_use("nothing would lead to a POSIX segment without a name");
    if (c->name == NULL)
        c->flags |= SHMX_SYSV;
    return OK;
}

int
run_create(int argc, char **argv)
{
    struct creation c = { .mode = 0600 };
    struct shmx    *seg = NULL;
    char          **command;
    int             r;

    argc = split_command(argc, argv, &command);
    r = parse_creation(argc, argv, command != NULL, &c);
    if (r == OK)
        r = make(&c, &seg);
    if (r != OK)
        return r;
    if (c.name == NULL) {
        printf("%s\n", shmx_name(seg));
        r = finish_output();
    }
    if (r == OK && command != NULL)
        r = run_command(command);
    shmx_close(seg);
    return r;
}

static int
no_options(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };

    return next_option(argc, argv, "h", options) == -1 ? OK : WRONG;
}

int
run_hold(int argc, char **argv)
{
    struct shmx *seg;
    char       **command;
    int          r;

    argc = split_command(argc, argv, &command);
    no_options(argc, argv);
    r = check_arguments(argc, 1, 1);
    if (r != OK)
        return r;
    if (command == NULL)
        return wrong_use("no command: '-- COMMAND' is missing");
    r = shmx_open(argv[optind], 0, &seg);
    if (r == -EACCES) /* reading is holding, too */
        r = shmx_open(argv[optind], SHMX_RDONLY, &seg);
    if (r < 0)
        return complain(argv[optind], r);
    r = run_command(command);
    shmx_close(seg);
    return r;
}

/* --offset and --count; *count is UINT64_MAX where it is not given. */
static int
parse_part(int argc, char **argv, bool with_count, uint64_t *offset, uint64_t *count)
{
    static const struct option options[] = { { "offset", required_argument, NULL, 'o' },
                                             { "help", no_argument, NULL, 'h' },
                                             { "count", required_argument, NULL, 'c' },
                                             { 0 } };
    static const struct option without[] = { { "offset", required_argument, NULL, 'o' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    int                        option;

    *offset = 0;
    *count = UINT64_MAX;
    while ((option = next_option(argc, argv, "h", with_count ? options : without)) != -1)
        if (!parse_size(optarg, option == 'o' ? offset : count))
            return wrong_use("not a size: '%s'", optarg);
    return check_arguments(argc, 1, 1);
}

static int
write_all(int fd, const char *buf, size_t count)
{
    ssize_t n;

    while (count > 0) {
        n = write(fd, buf, count);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            buf += n;
            count -= (size_t)n;
        }
    }
    return 0;
}

/* Straight from the memory. Should it shrink meanwhile, write(2) answers EFAULT, without a SIGBUS.
 */
static int
put_out(const char *name, struct shmx *seg, uint64_t offset, uint64_t count)
{
    struct progress progress;
    void           *addr;
    uint64_t        done = 0;
    int             r;

    if (count == 0)
        return OK;
    r = shmx_attach_range(seg, offset, (size_t)count, SHMX_RDONLY, &addr);
    if (r < 0)
        return complain(name, r);
    progress_begin(&progress, "reading", count);
    while (done < count && r == 0) {
        const size_t chunk = at_most(count - done);

        populate((char *)addr + done, chunk, MADV_POPULATE_READ);
        r = write_all(STDOUT_FILENO, (char *)addr + done, chunk);
        done += chunk;
        progress_add(&progress, chunk);
    }
    progress_end(&progress);
    if (r == -EFAULT)
        return complain_text(name, "it shrank while it was read");
    return r < 0 ? complain_text("standard output", "%s", strerror(-r)) : OK;
}

int
run_read(int argc, char **argv)
{
    struct shmx *seg;
    const char  *name;
    uint64_t     offset, count, size;
    int          r = parse_part(argc, argv, true, &offset, &count);

    if (r != OK)
        return r;
    name = argv[optind];
    r = shmx_open(name, SHMX_RDONLY, &seg);
    if (r < 0)
        return complain(name, r);
    size = (uint64_t)shmx_size(seg);
    if (offset > size)
        r = complain_text(name, "the offset is past the end, at %" PRIu64, size);
    else
        r = put_out(name, seg, offset, count < size - offset ? count : size - offset);
    if (r == OK && count != UINT64_MAX && count > size - offset)
        r = complain_text(name, "only %" PRIu64 " bytes are there", size - offset);
    shmx_close(seg);
    return r;
}

/* What is known of the input before it is read: its size, or 0. */
static uint64_t
input_size(void)
{
    struct stat st;
    off_t       at;

    if (fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    return at < 0 || at > st.st_size ? 0 : (uint64_t)(st.st_size - at);
}

/* Copy standard input into the room between offset and the end; the status. */
static int
take_in(const char *name, struct shmx *seg, uint64_t offset, uint64_t room)
{
    struct progress progress;
    char           *buf = must(malloc(CHUNK));
    ssize_t         n, w = 0;
    uint64_t        done = 0;
    int             error = 0;

    progress_begin(&progress, "writing", input_size());
    do {
        n = read(STDIN_FILENO, buf, CHUNK);
        error = n < 0 ? errno : 0;
        if (n > 0 && (uint64_t)n <= room - done) {
            w = shmx_write(seg, buf, (size_t)n, offset + done);
            done += w > 0 ? (uint64_t)w : 0;
            progress_add(&progress, (uint64_t)n);
        } else if (n > 0) {
            w = -EFBIG;
        }
    } while ((n > 0 && w == n) || error == EINTR);
    progress_end(&progress);
    free(buf);
    if (error != 0)
        return complain_text("standard input", "%s", strerror(error));
    if (w == -EFBIG || (n > 0 && w >= 0))
        return complain_text(
            name, "the input is larger than the segment (%" PRIu64 " bytes were written)", done);
    return w < 0 ? complain(name, (int)w) : OK;
}

int
run_write(int argc, char **argv)
{
    struct shmx *seg;
    const char  *name;
    uint64_t     offset, count, size;
    int          r = parse_part(argc, argv, false, &offset, &count);

    if (r != OK)
        return r;
    name = argv[optind];
    r = shmx_open(name, 0, &seg);
    if (r < 0)
        return complain(name, r);
    size = (uint64_t)shmx_size(seg);
    if (offset > size)
        r = complain_text(name, "the offset is past the end, at %" PRIu64, size);
    else if (input_size() > size - offset)
        r = complain_text(name, "the input is larger than the segment (nothing was written)");
    else
        r = take_in(name, seg, offset, size - offset);
    shmx_close(seg);
    return r;
}

int
run_copy(int argc, char **argv)
{
    static const struct option options[] = { { "backend", required_argument, NULL, 'b' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct source              source = { .fd = -1 };
    struct shmx_stat           st;
    struct shmx               *seg = NULL;
    unsigned                   flags = 0;
    void                      *addr = NULL;
    int                        r;

    while (next_option(argc, argv, "h", options) != -1)
        if (!parse_backend(optarg, &flags))
            return wrong_use("no backend '%s'", optarg);
    r = check_arguments(argc, 2, 2);
    if (r != OK)
        return r;
    source.name = argv[optind];
    r = shmx_open(source.name, SHMX_RDONLY, &source.seg);
    if (r < 0)
        return complain(source.name, r);
    r = shmx_stat(source.seg, &st);
    if (r == 0 && st.size == 0)
        r = -ENODATA;
    if (r == 0 && st.backend == SHMX_SYSV) {
        r = shmx_attach(source.seg, SHMX_RDONLY, &addr);
        source.addr = addr;
    }
    if (r < 0)
        r = complain(source.name, r);
    else
        r = make_filled(argv[optind + 1], (size_t)st.size, st.mode, flags, &source, "copying",
                        &seg);
    if (r == OK)
        shmx_close(seg);
    shmx_close(source.seg);
    return r;
}
