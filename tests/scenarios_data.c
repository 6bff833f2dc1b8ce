/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents and memory: size, resize, pin, unpin, read, write and stream. */
#include "scenarios.h"

#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define GROWN ((uint64_t)3 * WALK_SIZE)

/* Beginnings. */

static void
begin_grown(const struct scenario *s)
{
    begin_attached(s);
    need("grow", shmx_resize(stage.seg, GROWN));
    stage.size = GROWN;
}

static void
begin_pinned(const struct scenario *s)
{
    begin_named(s);
    need("pin", shmx_pin(stage.seg));
    stage.pinned = true;
}

/* Another process has grown the segment since it was pinned. */
static void
begin_pinned_and_grown(const struct scenario *s)
{
    begin_pinned(s);
    need("open", shmx_open(WALK_NAME, 0, &stage.other));
    need("grow", shmx_resize(stage.other, GROWN));
    stage.size = GROWN;
}

static void
begin_detached(const struct scenario *s)
{
    begin_attached(s);
    need("detach", shmx_detach(stage.seg, stage.addr));
}

/* No attachment can be written through. */
static void
begin_attached_read_only(const struct scenario *s)
{
    begin_named(s);
    need("attach", shmx_attach(stage.seg, SHMX_RDONLY, &stage.addr));
}

static void
begin_copied(const struct scenario *s)
{
    begin_attached(s);
    need("write", shmx_write(stage.seg, "w", 1, 0));
}

/* The mode does not admit an ordinary user any more, who has the segment attached. */
static void
begin_narrowed(const struct scenario *s)
{
    need("become another", seteuid(1) < 0 ? -errno : 0);
    begin_attached(s);
    need("chmod", shmx_chmod(stage.seg, 0));
    stage.mode = 0;
}

static void
begin_streamed(const struct scenario *s)
{
    begin_named(s);
    outputs.stream = shmx_stream(stage.seg, "r+");
    need("stream", outputs.stream == NULL ? -errno : 0);
    need("seek", fseeko(outputs.stream, 0, SEEK_END) == 0 ? 0 : -errno);
    need("seek", fseeko(outputs.stream, 0, SEEK_SET) == 0 ? 0 : -errno);
}

/* Calls. */

static int64_t
size(const struct scenario *s)
{
    const int64_t r = shmx_size(stage.seg);

    (void)s;
    promise(r < 0 || r == WALK_SIZE, "the size is told");
    return r;
}

static int64_t
resize(uint64_t bytes)
{
    const int64_t r = shmx_resize(stage.seg, bytes);

    if (r == 0)
        stage.size = bytes;
    return r;
}

static int64_t
grow(const struct scenario *s)
{
    (void)s;
    return resize(GROWN);
}

static int64_t
shrink(const struct scenario *s)
{
    (void)s;
    return resize(WALK_SIZE);
}

static int64_t
pin(const struct scenario *s)
{
    const int64_t r = shmx_pin(stage.seg);

    (void)s;
    if (r == 0)
        stage.pinned = true;
    return r;
}

static int64_t
unpin(const struct scenario *s)
{
    const int64_t r = shmx_unpin(stage.seg);

    (void)s;
    if (r == 0)
        stage.pinned = false;
    return r;
}

static int64_t
read_handle(const struct scenario *s)
{
    (void)s;
    return shmx_read(stage.seg, outputs.buf, sizeof outputs.buf, WALK_SIZE - sizeof WALK_CONTENTS);
}

static int64_t
write_handle(const struct scenario *s)
{
    (void)s;
    return shmx_write(stage.seg, "written", 8, 100);
}

static int64_t
get_from_stream(const struct scenario *s)
{
    (void)s;
    return fgetc(outputs.stream) == EOF ? -errno : 0;
}

static int64_t
put_to_stream(const struct scenario *s)
{
    (void)s;
    return fputs("written", outputs.stream) == EOF || fflush(outputs.stream) == EOF ? -errno : 0;
}

static int64_t
stream(const struct scenario *s)
{
    (void)s;
    outputs.stream = shmx_stream(stage.seg, "r+");
    return outputs.stream == NULL ? -errno : 0;
}

/* Promises. */

static void
check_contents(const struct scenario *s)
{
    char         text[sizeof WALK_CONTENTS] = "", rest[2 * WALK_SIZE], zero[2 * WALK_SIZE] = "";
    const size_t beyond = (size_t)stage.size - WALK_SIZE;

    (void)s;
    promise(shmx_size(stage.seg) == (int64_t)stage.size, "the size is what it was made");
    promise(shmx_read(stage.seg, text, sizeof text, WALK_SIZE - sizeof text) == sizeof text
                && strcmp(text, WALK_CONTENTS) == 0,
            "the contents are there still");
    promise(shmx_read(stage.seg, rest, sizeof rest, WALK_SIZE) == (ssize_t)beyond
                && memcmp(rest, zero, beyond) == 0,
            "what was added is zero");
}

static void
check_grown_sparse(const struct scenario *s)
{
    struct shmx_stat st;

    check_contents(s);
    promise(shmx_stat(stage.seg, &st) == 0 && st.resident < st.size, "it is as sparse as it was");
}

static void
check_pinned(const struct scenario *s)
{
    struct shmx_stat st;

    (void)s;
    promise(shmx_stat(stage.seg, &st) == 0 && !(st.state & SHMX_IS_PINNED) == !stage.pinned,
            "shmx_stat tells whether it is pinned");
    if (!stage.pinned)
        promise(snapshot_locked() == 0, "nothing is pinned any more");
}

static void
check_read(const struct scenario *s)
{
    (void)s;
    promise(strcmp(outputs.buf, WALK_CONTENTS) == 0, "what is there is read");
}

static void
check_written(const struct scenario *s)
{
    char text[8] = "";

    (void)s;
    promise(shmx_read(stage.seg, text, sizeof text, outputs.stream == NULL ? 100 : 0) > 0
                && strncmp(text, "written", 7) == 0,
            "what is written is there");
    promise(find_incomplete(false) == NULL || stage.mode == 0, "and nothing else");
}

static void
check_stream(const struct scenario *s)
{
    (void)s;
    promise(fseeko(outputs.stream, -(off_t)sizeof WALK_CONTENTS, SEEK_END) == 0
                && fgetc(outputs.stream) == WALK_CONTENTS[0],
            "the stream is over the segment");
}

/* clang-format off */
const struct scenario data_scenarios[] = {
    BOTH("size", "shmx_size", 0, 0, begin_named, size, NULL),
    { "posix grow", "shmx_resize", POSIX, 0, begin_attached, grow, check_contents },
    { "posix grow sparse", "shmx_resize", POSIX | SHMX_SPARSE, 0, begin_named, grow, check_grown_sparse },
    { "posix grow pinned", "shmx_resize", POSIX, 0, begin_pinned, grow, check_contents },
    { "posix shrink", "shmx_resize", POSIX, 0, begin_grown, shrink, check_contents },
    BOTH("pin", "shmx_pin", 0, 0, begin_named, pin, check_pinned),
    BOTH("pin again", "shmx_pin", 0, 0, begin_pinned, pin, check_pinned),
    { "posix pin what has grown", "shmx_pin", POSIX, 0, begin_pinned_and_grown, pin, check_pinned },
    BOTH("unpin", "shmx_unpin", 0, 0, begin_pinned, unpin, check_pinned),

    BOTH("read", "shmx_read", 0, 0, begin_named, read_handle, check_read),
    BOTH("read attached", "shmx_read", 0, 0, begin_attached, read_handle, check_read),
    BOTH("read after a detach", "shmx_read", 0, 0, begin_detached, read_handle, check_read),
    BOTH("read again", "shmx_read", 0, 0, begin_copied, read_handle, check_read),
    BOTH("read after narrowing", "shmx_read", 0, USERS, begin_narrowed, read_handle, check_read),
    BOTH("write", "shmx_write", 0, 0, begin_named, write_handle, check_written),
    BOTH("write ephemeral", "shmx_write", GONE, 0, begin_attached, write_handle, check_written),
    BOTH("write beside", "shmx_write", 0, 0, begin_attached_read_only, write_handle, check_written),
    BOTH("stream", "shmx_stream", 0, 0, begin_named, stream, check_stream),
    BOTH("stream read", "shmx_read", 0, ONCE, begin_streamed, get_from_stream, NULL),
    BOTH("stream write", "shmx_write", 0, ONCE, begin_streamed, put_to_stream, check_written),
    { 0 },
};
