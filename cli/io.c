/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that read and write segments. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Parses --offset and --count. Without --count, *count is UINT64_MAX. */
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
    while ((option = next_option(argc, argv, ":h", with_count ? options : without)) != -1)
        if (!parse_size(optarg, option == 'o' ? offset : count))
            return wrong_use("not a size: '%s'", optarg);
    return check_arguments(argc, 1, 1);
}

static int
write_all(const char *buf, size_t count)
{
    ssize_t n;

    while (count > 0) {
        n = write(STDOUT_FILENO, buf, count);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            buf += n;
            count -= (size_t)n;
        }
    }
    return 0;
}

/* Returns how many bytes come next. They are contents, or the hole before the contents. */
static size_t
next_part(const struct contents *contents, uint64_t at, uint64_t end, bool *hole)
{
    uint64_t from = end, to = end, stop;

    *hole = !contents_next(contents, at, &from, &to) || from > at;
    stop = *hole ? from : to;
    stop = stop < end ? stop : end;
    return stop - at < CHUNK ? (size_t)(stop - at) : CHUNK;
}

static int
put_out(const char *name, const struct contents *contents, uint64_t offset, uint64_t count)
{
    const uint64_t  end = offset + count;
    struct progress progress;
    char           *buf = must(malloc(CHUNK));
    size_t          part = 0;
    ssize_t         n = 0;
    int             r = 0;
    bool            hole;

    progress_begin(&progress, "reading", count);
    for (; offset < end && r == 0 && (size_t)n == part; offset += part) {
        part = next_part(contents, offset, end, &hole);
        memset(buf, 0, hole ? part : 0);
        n = hole ? (ssize_t)part : shmx_read(contents->seg, buf, part, offset);
        r = n > 0 ? write_all(buf, (size_t)n) : 0;
        progress_add(&progress, part);
    }
    progress_end(&progress);
    free(buf);
    if (r < 0)
        return complain_text("standard output", "%s", strerror(-r));
    if (n < 0)
        return complain(name, (int)n);
    return (size_t)n < part || contents_shrank(contents)
               ? complain_text(name, "it shrank while it was read")
               : OK;
}

int
run_read(int argc, char **argv)
{
    struct contents contents = { 0 };
    struct shmx    *seg;
    const char     *name;
    uint64_t        offset, count, left;
    int             r = parse_part(argc, argv, true, &offset, &count);

    if (r != OK)
        return r;
    name = name_argument(argv[optind]);
    r = shmx_open(name, SHMX_RDONLY, &seg);
    if (r == 0)
        r = contents_begin(&contents, seg);
    if (r < 0)
        return complain(name, r);
    left = offset > contents.size ? 0 : contents.size - offset;
    if (offset > contents.size)
        r = complain_text(name, "the offset is past the end, which is at %" PRIu64, contents.size);
    else
        r = put_out(name, &contents, offset, count < left ? count : left);
    if (r == OK && count != UINT64_MAX && count > left)
        r = complain_text(name, "there are only %" PRIu64 " bytes", left);
    shmx_close(seg);
    return r;
}

/* Copies standard input to the offset. room is the number of bytes from there to the end. Returns
   an exit status. */
static int
take_in(const char *name, struct shmx *seg, uint64_t offset, uint64_t room)
{
    struct progress progress;
    char           *buf = must(malloc(CHUNK));
    ssize_t         n, w = 0;
    uint64_t        done = 0;
    int             error = 0;

    progress_begin(&progress, "writing", input_size(STDIN_FILENO));
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
    name = name_argument(argv[optind]);
    r = shmx_open(name, 0, &seg);
    if (r < 0)
        return complain(name, r);
    size = (uint64_t)shmx_size(seg);
    if (offset > size)
        r = complain_text(name, "the offset is past the end, which is at %" PRIu64, size);
    else if (input_size(STDIN_FILENO) > size - offset)
        r = complain_text(name, "the input is larger than the segment (nothing was written)");
    else
        r = take_in(name, seg, offset, size - offset);
    shmx_close(seg);
    return r;
}
