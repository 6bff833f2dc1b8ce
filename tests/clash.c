/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that is linked with libshmx.a and has functions with names that the library once used
 * inside. The linker must not find two functions of one name, and the library must not call those
 * of the program.
 */
#include "shmx.h"

#include <stdio.h>
#include <stdlib.h>

#define OURS(name)                                                                                 \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        fputs("the library called " #name "\n", stderr);                                           \
        abort();                                                                                   \
    }

OURS(directory_chown)
OURS(directory_collect_lock)
OURS(directory_find)
OURS(directory_hide_link)
OURS(directory_is)
OURS(directory_is_abandoned)
OURS(directory_is_hidden)
OURS(directory_link)
OURS(directory_lock)
OURS(directory_new_file)
OURS(directory_open)
OURS(directory_readlink)
OURS(directory_rename)
OURS(directory_stat)
OURS(directory_unlink)
OURS(directory_unlock)
OURS(directory_walk)
OURS(directory_withdraw)
OURS(documented_error)
OURS(holders_alone)
OURS(holders_count)
OURS(holders_exclude)
OURS(holders_exist)
OURS(holders_join)
OURS(holders_lock_size)
OURS(holders_unlock_size)
OURS(huge_fill)
OURS(huge_page_size)
OURS(huge_pool_page_size_at)
OURS(link_format)
OURS(link_judge)
OURS(link_locate)
OURS(link_parse)
OURS(link_read)
OURS(link_remove)
OURS(link_withdraw)
OURS(namespace_number)
OURS(namespace_trusts)
OURS(random_fill)
OURS(place_align)
OURS(place_move)
OURS(reference_parse)
OURS(survey_collect)
OURS(survey_list)
OURS(table_describe)
OURS(table_find)
OURS(table_read)

static int
visit_nothing(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st, (void)arg;
    return 0;
}

static int
init_nothing(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    return 0;
}

static void
must(const char *call, int64_t r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s: %s\n", call, shmx_strerror((int)r));
    exit(1);
}

#define MUST(call) must(#call, (call))

/* Uses so much of the library that nearly all of it is linked and called. */
static void
use(unsigned backend)
{
    struct shmx     *seg, *other;
    struct shmx_stat st;
    void            *addr;
    char             c = 'x';
    FILE            *f;

    MUST(shmx_create(NULL, 10000, 0600, backend | SHMX_EPHEMERAL | SHMX_HUGE, &seg));
    MUST(shmx_publish(seg, "/clash"));
    MUST(shmx_open("/clash", SHMX_OWNED, &other));
    MUST(shmx_attach(other, SHMX_POPULATE, &addr));
    MUST(shmx_write(seg, &c, 1, 5));
    MUST(shmx_read(other, &c, 1, 5));
    MUST(shmx_detach(other, addr));
    MUST(shmx_stat(other, &st));
    MUST(shmx_stat_name("/clash", &st));
    MUST(shmx_chmod(other, 0660));
    MUST(shmx_chown(other, st.uid, st.gid));
    shmx_close(seg);
    shmx_close(other);
    MUST(shmx_open_or_create("/clash", 10000, 0600, backend, init_nothing, NULL, &seg));
    MUST(backend == SHMX_POSIX ? shmx_resize(seg, 20000) : 0);
    MUST(backend == SHMX_POSIX ? shmx_open_fd(shmx_fd(seg), 0, &other)
                               : shmx_open(shmx_name(seg), SHMX_RDONLY, &other));
    f = shmx_stream(other, "r");
    MUST(f == NULL || fclose(f) != 0 ? -1 : 0);
    MUST(shmx_list(0, visit_nothing, NULL));
    MUST(shmx_collect(0, NULL, visit_nothing, NULL));
    MUST(shmx_destroy(other));
    shmx_close(other);
    shmx_close(seg);
    MUST(shmx_create("/clash", 10000, 0600, backend, &seg));
    MUST(shmx_remove("/clash"));
    shmx_close(seg);
}

int
main(void)
{
    use(SHMX_POSIX);
    use(SHMX_SYSV);
    return 0;
}
