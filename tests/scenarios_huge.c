/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that have room for huge pages are made, opened, attached and examined. */
#include "scenarios.h"

#include <unistd.h>

/* Two huge pages of most machines, and a bit. Where huge pages are larger, all pages are small. */
#define LARGE (((uint64_t)4 << 20) + WALK_SIZE)

/* Beginnings. */

static void
begin_with_no_large_one(const struct scenario *s)
{
    begin_with_nothing(s);
    stage.size = LARGE;
}

static void
begin_large(const struct scenario *s)
{
    begin_with_no_large_one(s);
    need("create", shmx_create(WALK_NAME, LARGE, 0640, s->flags, &stage.seg));
    stage.named = true;
}

static void
begin_large_cold(const struct scenario *s)
{
    begin_with_no_large_one(s);
    elsewhere(begin_large, s);
    stage.named = true;
}

/* Calls. */

static int64_t
create_large(const struct scenario *s)
{
    stage.mode = 0604;
    stage.named = true;
    return shmx_create(WALK_NAME, LARGE, stage.mode, s->flags, &outputs.seg);
}

static int64_t
open_large(const struct scenario *s)
{
    (void)s;
    return shmx_open(WALK_NAME, 0, &outputs.seg);
}

static int64_t
attach_large(const struct scenario *s)
{
    (void)s;
    return shmx_attach(stage.seg, 0, &outputs.addr);
}

static int64_t
attach_large_populated(const struct scenario *s)
{
    (void)s;
    return shmx_attach(stage.seg, SHMX_POPULATE, &outputs.addr);
}

static int64_t
examine(const struct scenario *s)
{
    (void)s;
    return shmx_stat(stage.seg, &outputs.st);
}

/* Promises. */

static void
check_start(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, 0 });
}

static void
check_populated_start(const struct scenario *s)
{
    (void)s;
    check_view((struct view){ 0, WALK_SIZE, SHMX_POPULATE });
}

/* The pages are huge or small, or nobody can tell. */
static void
check_page_size(const struct scenario *s)
{
    const uint64_t page = outputs.st.page_size, small = (uint64_t)sysconf(_SC_PAGESIZE);

    (void)s;
    promise((page > small) == ((outputs.st.state & SHMX_IS_HUGE) != 0), "huge pages are large");
    promise(page == 0 || page == small || page % small == 0, "pages are of pages");
}

/* clang-format off */
const struct scenario huge_scenarios[] = {
    BOTH("create large", "shmx_create", 0, PLAIN, begin_with_no_large_one, create_large, NULL),
    BOTH("create large huge", "shmx_create", SHMX_HUGE, PLAIN, begin_with_no_large_one, create_large, NULL),
    BOTH("create large huge only", "shmx_create", SHMX_HUGE_ONLY, PLAIN, begin_with_no_large_one, create_large, NULL),
    BOTH("open large", "shmx_open", SHMX_HUGE, PLAIN, begin_large_cold, open_large, NULL),
    BOTH("attach large", "shmx_attach", SHMX_HUGE, PLAIN, begin_large, attach_large, check_start),
    BOTH("attach large populated", "shmx_attach", SHMX_SPARSE, PLAIN, begin_large, attach_large_populated, check_populated_start),
    BOTH("stat large", "shmx_stat", SHMX_HUGE, PLAIN, begin_large, examine, check_page_size),
    { 0 },
};
