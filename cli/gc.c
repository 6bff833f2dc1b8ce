/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that remove segments: rm those that are named, gc those that are dead. */
#include "cli.h"
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct clearing {
    unsigned        flags;
    struct patterns patterns;
    int64_t         older; /* in seconds */
    struct rows     rows;
    bool            quiet;
};

/* Returns the time of the last sign that anybody used the segment. */
static time_t
last_used(const struct shmx_stat *st)
{
    const time_t times[] = { st->atime.tv_sec, st->dtime.tv_sec, st->mtime.tv_sec,
                             st->ctime.tv_sec };
    time_t       last = 0;
    size_t       i;

    for (i = 0; i < sizeof times / sizeof *times; i++)
        last = times[i] > last ? times[i] : last;
    return last;
}

/* Nobody can open a POSIX object during this call, unless this is a dry run. But its name may be
   given to another object until it is removed, and a System V segment may be attached. */
static int
choose(const char *name, const struct shmx_stat *st, void *arg)
{
    const struct clearing *clearing = arg;

    return patterns_match(&clearing->patterns, name)
           && (clearing->older == 0 || time(NULL) - last_used(st) >= clearing->older);
}

static void
report(const struct row *row)
{
    char *shown = visible(row->name, false), size[16];

    format_size(row->st.size, false, size, sizeof size);
    printf("%s %s (%s, %s)\n", row->action, shown, row->reason, size);
    free(shown);
}

static int
add_row(const char *name, const struct shmx_stat *st, void *arg)
{
    struct clearing *clearing = arg;
    const bool       mere = st->state & SHMX_IS_FOREIGN, dead = st->state & SHMX_IS_DEAD;
    const bool       taken = mere || dead || (clearing->flags & SHMX_ORPHANS);
    struct row      *row = rows_add(&clearing->rows, name, st);

    row->action = !taken ? "left" : clearing->flags & SHMX_DRY_RUN ? "would remove" : "removed";
    row->reason = mere    ? "only the name: the segment is in another IPC namespace"
                  : dead  ? "dead"
                  : taken ? "unheld"
                          : "unheld: --orphans removes it";
    if (!style.json && !clearing->quiet)
        report(row);
    return 0;
}

static int
print_json(const struct clearing *clearing)
{
    struct selection selection = { 0 };

    select_columns(&selection, "NAME,BACKEND,SIZE,OWNER,UID,KEY,ID,CTIME");
    selection.items[selection.count++] = &column_action;
    selection.items[selection.count++] = &column_reason;
    rows_print(&clearing->rows, &selection);
    return OK;
}

static int
take_option(int option, struct clearing *clearing)
{
    switch (option) {
    case 'n':
        clearing->flags |= SHMX_DRY_RUN;
        return OK;
    case 'o':
        clearing->flags |= SHMX_ORPHANS;
        return OK;
    case 'f':
        clearing->flags |= SHMX_FOREIGN;
        return OK;
    case 'J':
        style.json = true;
        return OK;
    case 'm':
        return OK;
    default:
        return parse_age(optarg, &clearing->older) ? OK : wrong_use("not an age: '%s'", optarg);
    }
}

/* With --match, all arguments are patterns. */
static int
take_patterns(int argc, char **argv, struct clearing *clearing)
{
    clearing->patterns.items = argv + optind;
    clearing->patterns.count = (size_t)(argc - optind);
    return clearing->patterns.count == 0 ? wrong_use("--match needs a pattern") : OK;
}

int
run_gc(int argc, char **argv)
{
    static const struct option options[] = {
        { "dry-run", no_argument, NULL, 'n' },     { "match", no_argument, NULL, 'm' },
        { "older", required_argument, NULL, 'a' }, { "orphans", no_argument, NULL, 'o' },
        { "foreign", no_argument, NULL, 'f' },     { "json", no_argument, NULL, 'J' },
        { "help", no_argument, NULL, 'h' },        { 0 }
    };
    struct clearing clearing = { 0 };
    bool            matching = false;
    int             option, r = OK;

    while (r == OK && (option = next_option(argc, argv, ":nJh", options)) != -1) {
        matching |= option == 'm';
        r = take_option(option, &clearing);
    }
    if (r == OK)
        r = matching ? take_patterns(argc, argv, &clearing) : check_arguments(argc, 0, 0);
    if (r != OK)
        return r;
    r = shmx_collect(clearing.flags, choose, add_row, &clearing);
    if (r >= 0 && style.json)
        print_json(&clearing);
    rows_free(&clearing.rows);
    return r < 0 ? complain("gc", r) : finish_output();
}

static int
remove_name(const char *name)
{
    struct shmx_stat st;
    const bool       foreign = shmx_stat_name(name, &st) == -EXDEV;
    int              r = shmx_remove(name);

    if (r < 0)
        return complain(name, r);
    return foreign
               ? note(name, "only the name was removed: the segment is in another IPC namespace")
               : OK;
}

/* Removes a segment of the caller through a handle. So exactly that segment is removed, or none. */
static int
remove_own(const char *name)
{
    struct shmx_stat st;
    struct shmx     *seg;
    int              r = shmx_open(name, SHMX_RDONLY, &seg);

    if (r == -EACCES
        || r == -EXDEV) /* /dev/shm is sticky, so an ordinary user can remove only his own names */
        return remove_name(name);
    if (r < 0)
        return r == -ENOENT ? OK : complain(name, r);
    r = shmx_stat(seg, &st);
    if (r == 0 && st.uid == geteuid())
        r = shmx_destroy(seg);
    shmx_close(seg);
    return r < 0 && r != -ENOENT ? complain(name, r) : OK;
}

static int
remember_own(const char *name, const struct shmx_stat *st, void *arg)
{
    struct clearing *clearing = arg;

    if (st->uid == geteuid() && !(st->state & SHMX_IS_DESTROYED)
        && patterns_match(&clearing->patterns, name))
        rows_add(&clearing->rows, name, st);
    return 0;
}

/* Removes all matching segments of the caller, and those of other users that nobody uses any
   more. Of foreign names only those of the caller go, because nobody can tell whether such a
   segment is in use. */
static int
remove_matching(struct clearing *clearing)
{
    size_t removed, i;
    int    status = OK, r;

    clearing->quiet = true;
    clearing->flags = SHMX_ORPHANS;
    r = shmx_collect(clearing->flags, choose, add_row, clearing);
    removed = clearing->rows.count;
    rows_free(&clearing->rows);
    if (r == 0)
        r = shmx_list(0, remember_own, clearing);
    if (r < 0)
        return complain("rm", r);
    for (i = 0; i < clearing->rows.count; i++)
        if (remove_own(clearing->rows.items[i].name) != OK)
            status = FAILED;
    removed += clearing->rows.count;
    rows_free(&clearing->rows);
    return removed > 0 ? status
                       : complain_text("--match", "no segment that you may remove matches");
}

int
run_rm(int argc, char **argv)
{
    static const struct option options[] = { { "match", no_argument, NULL, 'm' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct clearing            clearing = { 0 };
    bool                       matching = false;
    int                        i, r, status = OK;

    while (next_option(argc, argv, ":h", options) != -1)
        matching = true;
    r = matching ? take_patterns(argc, argv, &clearing) : check_arguments(argc, 1, -1);
    if (r != OK)
        return r;
    if (matching)
        return remove_matching(&clearing);
    for (i = optind; i < argc; i++) {
        r = remove_name(name_argument(argv[i]));
        status = r != OK ? r : status;
    }
    return status;
}
