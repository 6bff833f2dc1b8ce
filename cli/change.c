/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that change or remove what is there. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
parse_names(int argc, char **argv, int min, int max)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };

    next_option(argc, argv, "h", options);
    return check_arguments(argc, min, max);
}

/* Open it with whatever right there is: what is changed needs none on the contents. */
static int
open_any(const char *name, struct shmx **seg)
{
    int r = shmx_open(name, 0, seg);

    return r == -EACCES ? shmx_open(name, SHMX_RDONLY, seg) : r;
}

/* Do it to each of the names from first on; goes on after a failure. */
static int
for_each_name(int first, int argc, char **argv, int (*change)(struct shmx *seg, const void *arg),
              const void *arg)
{
    struct shmx *seg;
    int          i, r, status = OK;

    for (i = first; i < argc; i++) {
        r = open_any(argv[i], &seg);
        if (r == 0) {
            r = change(seg, arg);
            shmx_close(seg);
        }
        if (r < 0)
            status = complain(argv[i], r);
    }
    return status;
}

int
run_resize(int argc, char **argv)
{
    struct shmx *seg;
    uint64_t     size;
    int          r = parse_names(argc, argv, 2, 2);

    if (r != OK)
        return r;
    if (!parse_size(argv[optind + 1], &size))
        return wrong_use("not a size: '%s'", argv[optind + 1]);
    r = shmx_open(argv[optind], 0, &seg);
    if (r < 0)
        return complain(argv[optind], r);
    r = shmx_resize(seg, size);
    shmx_close(seg);
    if (r == -ENOTSUP)
        return complain_text(argv[optind], "System V segments keep the size they were made with");
    return r < 0 ? complain(argv[optind], r) : OK;
}

static int
change_mode(struct shmx *seg, const void *arg)
{
    return shmx_chmod(seg, *(const mode_t *)arg);
}

int
run_chmod(int argc, char **argv)
{
    mode_t mode;
    int    r = parse_names(argc, argv, 2, -1);

    if (r != OK)
        return r;
    if (!parse_mode(argv[optind], &mode))
        return wrong_use("not a mode: '%s'", argv[optind]);
    return for_each_name(optind + 1, argc, argv, change_mode, &mode);
}

struct owner {
    uid_t uid;
    gid_t gid;
};

static int
change_owner(struct shmx *seg, const void *arg)
{
    const struct owner *owner = arg;

    return shmx_chown(seg, owner->uid, owner->gid);
}

int
run_chown(int argc, char **argv)
{
    struct owner owner;
    char        *text;
    bool         known;
    int          r = parse_names(argc, argv, 2, -1);

    if (r != OK)
        return r;
    text = must(strdup(argv[optind]));
    known = parse_owner(text, &owner.uid, &owner.gid);
    free(text);
    if (!known)
        return wrong_use("no such owner: '%s'", argv[optind]);
    return for_each_name(optind + 1, argc, argv, change_owner, &owner);
}

static int
pin_and_run(struct shmx *seg, const char *name, char **command)
{
    struct shmx_stat st;
    int              r = shmx_stat(seg, &st);

    if (r == 0 && st.backend == SHMX_POSIX && command == NULL)
        return wrong_use(
            "a POSIX segment is pinned only while somebody holds it: add '-- COMMAND'");
    if (r == 0)
        r = shmx_pin(seg);
    if (r < 0)
        return complain(name, r);
    return command == NULL ? OK : run_command(command);
}

int
run_pin(int argc, char **argv)
{
    struct shmx *seg;
    char       **command;
    int          r;

    argc = split_command(argc, argv, &command);
    r = parse_names(argc, argv, 1, 1);
    if (r != OK)
        return r;
    r = open_any(argv[optind], &seg);
    if (r < 0)
        return complain(argv[optind], r);
    r = pin_and_run(seg, argv[optind], command);
    shmx_close(seg);
    return r;
}

static int
unpin(struct shmx *seg, const void *arg)
{
    (void)arg;
    return shmx_unpin(seg);
}

int
run_unpin(int argc, char **argv)
{
    int r = parse_names(argc, argv, 1, -1);

    return r != OK ? r : for_each_name(optind, argc, argv, unpin, NULL);
}

int
run_rm(int argc, char **argv)
{
    int i, r, status = parse_names(argc, argv, 1, -1);

    if (status != OK)
        return status;
    for (i = optind; i < argc; i++) {
        r = shmx_remove(argv[i]);
        if (r < 0)
            status = complain(argv[i], r);
    }
    return status;
}

static int
report(const char *name, const struct shmx_stat *st, void *arg)
{
    const unsigned flags = *(const unsigned *)arg;
    const bool     dead = st->state & SHMX_IS_DEAD, taken = dead || (flags & SHMX_ORPHANS);
    char          *shown = visible(name), size[16];

    format_size(st->size, false, size, sizeof size);
    printf("%s %s (%s, %s)\n",
           !taken                 ? "left"
           : flags & SHMX_DRY_RUN ? "would remove"
                                  : "removed",
           shown,
           dead    ? "dead"
           : taken ? "unheld"
                   : "unheld: --orphans removes it",
           size);
    free(shown);
    return 0;
}

int
run_gc(int argc, char **argv)
{
    static const struct option options[] = { { "dry-run", no_argument, NULL, 'n' },
                                             { "orphans", no_argument, NULL, 'o' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    unsigned                   flags = 0;
    int                        option, r;

    while ((option = next_option(argc, argv, "nh", options)) != -1)
        flags |= option == 'n' ? SHMX_DRY_RUN : SHMX_ORPHANS;
    r = check_arguments(argc, 0, 0);
    if (r != OK)
        return r;
    r = shmx_collect(flags, NULL, report, &flags);
    return r < 0 ? complain("gc", r) : finish_output();
}
