/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that keep a segment while a command runs: hold, pin. */
#include "cli.h"

int
run_hold(int argc, char **argv)
{
    struct shmx *seg;
    char       **command;
    int          r;

    argc = split_command(argc, argv, &command);
    r = parse_arguments(argc, argv, 1, 1);
    if (r != OK)
        return r;
    if (command == NULL)
        return wrong_use("'-- COMMAND' is missing");
    r = open_any(name_argument(argv[optind]), &seg);
    if (r < 0)
        return complain(argv[optind], r);
    r = run_command(command);
    shmx_close(seg);
    return r;
}

static int
pin_and_run(struct shmx *seg, const char *name, char **command)
{
    struct shmx_stat st;
    int              r = shmx_stat(seg, &st);

    if (r == 0 && st.backend == SHMX_POSIX && command == NULL)
        return wrong_use("a POSIX segment is pinned only while COMMAND runs: add '-- COMMAND'");
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
    r = parse_arguments(argc, argv, 1, 1);
    if (r != OK)
        return r;
    r = open_any(name_argument(argv[optind]), &seg);
    if (r < 0)
        return complain(argv[optind], r);
    r = pin_and_run(seg, argv[optind], command);
    shmx_close(seg);
    return r;
}
