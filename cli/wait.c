/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx wait, which waits until there is a segment of that name. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Parses a number of seconds, which may have a decimal fraction. */
static bool
parse_seconds(const char *text, struct timespec *time)
{
    char  *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0) || seconds > 1e9)
        return false;
    time->tv_sec = (time_t)seconds;
    time->tv_nsec = (long)((seconds - (double)time->tv_sec) * 1e9);
    return true;
}

int
run_wait(int argc, char **argv)
{
    static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct timespec            timeout, *limit = NULL;
    struct shmx               *seg = NULL;
    int                        r;

    while (next_option(argc, argv, "t:h", options) != -1) {
        if (!parse_seconds(optarg, &timeout))
            return wrong_use("not a number of seconds: '%s'", optarg);
        limit = &timeout;
    }
    if (check_arguments(argc, 1, 1) != OK)
        return WRONG;
    r = shmx_open_wait(argv[optind], SHMX_RDONLY, limit, &seg);
    if (r < 0)
        return complain(argv[optind], r);
    printf("%s\n", shmx_name(seg));
    shmx_close(seg);
    return finish_output();
}
