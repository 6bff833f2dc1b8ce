/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that make segments: create, copy. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Opens the file that --from names. If no size was given, the size is that of the file. */
static int
open_source(const char *from, struct creation *c, struct source *source)
{
    *source = (struct source){ .name = from, .fd = STDIN_FILENO };
    if (strcmp(from, "-") == 0)
        source->name = "standard input";
    else
        source->fd = open(from, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return complain_text(from, "%s", strerror(errno));
    if (c->size != 0)
        return OK;
    c->size = input_size(source->fd);
    source->whole = true;
    return c->size != 0
               ? OK
               : wrong_use("SIZE is missing, and '%s' is empty or has no known size", from);
}

static int
make(const char *from, struct creation *c, struct shmx **seg)
{
    struct source source;
    int           r;

    if (from == NULL) {
        r = shmx_create(c->name, (size_t)c->size, c->mode, c->flags, seg);
        return r < 0 ? explain_creation(c, r) : OK;
    }
    r = open_source(from, c, &source);
    if (r == OK)
        r = make_filled(c, &source, "filling", seg);
    if (source.fd > STDIN_FILENO)
        close(source.fd);
    return r;
}

static int
take_create_option(int option, struct creation *c, const char **from)
{
    switch (option) {
    case 'b':
        return parse_backend(optarg, &c->flags) ? OK : wrong_use("no such backend: '%s'", optarg);
    case 'm':
        return parse_mode(optarg, &c->mode) ? OK : wrong_use("not a mode: '%s'", optarg);
    case 'f':
        *from = optarg;
        return OK;
    default:
        c->flags |= (unsigned)option;
        return OK;
    }
}

/* The arguments are [NAME] [SIZE]. A single argument is a size if it begins with a digit. */
static int
take_name_and_size(int argc, char **argv, const char *from, struct creation *c)
{
    int r = check_arguments(argc, from == NULL ? 1 : 0, 2);

    if (r != OK)
        return r;
    if (argc - optind == 2
        || (argc > optind && from != NULL && !isdigit((unsigned char)*argv[optind])))
        c->name = name_argument(argv[optind++]);
    if (argc > optind
        && (!parse_size(argv[optind], &c->size) || c->size == 0 || c->size > SIZE_MAX))
        return wrong_use("not a size: '%s'", argv[optind]);
    return OK;
}

static int
check_creation(struct creation *c, bool with_command)
{
    if (!(c->flags & SHMX_EPHEMERAL) != !with_command)
        return wrong_use(
            "use --ephemeral and '-- COMMAND' together: the segment is held while COMMAND runs");
    if (c->name == NULL && (c->flags & SHMX_POSIX))
        return wrong_use("nobody could open a POSIX segment without a name");
    if (c->name == NULL)
        c->flags |= SHMX_SYSV;
    return OK;
}

static int
parse_creation(int argc, char **argv, bool with_command, const char **from, struct creation *c)
{
    static const struct option options[] = { { "backend", required_argument, NULL, 'b' },
                                             { "mode", required_argument, NULL, 'm' },
                                             { "from", required_argument, NULL, 'f' },
                                             { "huge", no_argument, NULL, SHMX_HUGE },
                                             { "sparse", no_argument, NULL, SHMX_SPARSE },
                                             { "ephemeral", no_argument, NULL, SHMX_EPHEMERAL },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    int                        option, r = OK;

    while (r == OK && (option = next_option(argc, argv, ":h", options)) != -1)
        r = take_create_option(option, c, from);
    if (r == OK)
        r = take_name_and_size(argc, argv, *from, c);
    return r == OK ? check_creation(c, with_command) : r;
}

int
run_create(int argc, char **argv)
{
    struct creation c = { .mode = 0600 };
    const char     *from = NULL;
    struct shmx    *seg = NULL;
    char          **command;
    int             r;

    argc = split_command(argc, argv, &command);
    r = parse_creation(argc, argv, command != NULL, &from, &c);
    if (r == OK)
        r = make(from, &c, &seg);
    if (r != OK)
        return r;
    if (c.name == NULL && (printf("%s\n", shmx_name(seg)) < 0 || fflush(stdout) != 0)) {
        shmx_destroy(seg); /* nobody would ever learn its name */
        r = finish_output();
    }
    if (r == OK && command != NULL)
        r = run_command(command);
    shmx_close(seg);
    return r;
}

/* A copy of a segment with holes has the same holes. A System V segment gets its memory page by
   page anyway. */
static bool
has_holes(const struct contents *contents, const struct shmx_stat *st, const struct creation *c)
{
    const bool sysv = (c->flags & SHMX_SYSV) || strncmp(c->name, "sysv:", 5) == 0;
    uint64_t   from, to;

    if (st->backend == SHMX_POSIX)
        return st->resident < st->size;
    return !sysv && !(contents_next(contents, 0, &from, &to) && from == 0 && to == contents->size);
}

static int
copy(const char *name, struct shmx *from, struct creation *c)
{
    struct source    source = { .name = name, .fd = -1 };
    struct shmx_stat st;
    struct shmx     *seg;
    int              r = shmx_stat(from, &st);

    if (r == 0 && st.size == 0)
        r = -ENODATA;
    if (r == 0)
        r = contents_begin(&source.copied, from);
    if (r < 0)
        return complain(name, r);
    c->size = source.copied.size;
    c->mode = st.mode;
    if (has_holes(&source.copied, &st, c))
        c->flags |= SHMX_SPARSE;
    r = make_filled(c, &source, "copying", &seg);
    if (r == OK)
        shmx_close(seg);
    return r;
}

int
run_copy(int argc, char **argv)
{
    static const struct option options[] = { { "backend", required_argument, NULL, 'b' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct creation            c = { 0 };
    struct shmx               *from;
    int                        r;

    while (next_option(argc, argv, ":h", options) != -1)
        if (!parse_backend(optarg, &c.flags))
            return wrong_use("no such backend: '%s'", optarg);
    r = check_arguments(argc, 2, 2);
    if (r != OK)
        return r;
    c.name = name_argument(argv[optind + 1]);
    r = shmx_open(name_argument(argv[optind]), SHMX_RDONLY, &from);
    if (r < 0)
        return complain(argv[optind], r);
    r = copy(argv[optind], from, &c);
    shmx_close(from);
    return r;
}
