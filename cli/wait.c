/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx wait, which waits until there is a segment of that name. */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses a decimal number of seconds, which may have a fraction. strtod(3) would take other texts,
   and another point in other locales. */
static bool
parse_seconds(const char *text, struct timespec *time)
{
    long unit = 100000000;

    if (!isdigit((unsigned char)*text) || strspn(text, "0123456789") > 9)
        return false;
    time->tv_sec = (time_t)strtoul(text, (char **)&text, 10);
    time->tv_nsec = 0;
    if (*text == '.')
        for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
            time->tv_nsec += unit * (*text - '0');
    return *text == '\0';
}

/* The name is for a script, and for a terminal as well. */
static void
print_name(const char *name)
{
    char *shown = visible(name, false);

    if (strcmp(shown, name) == 0)
        printf("%s", name);
    else
        print_hex_name(name);
    putchar('\n');
    free(shown);
}

int
run_wait(int argc, char **argv)
{
    static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct timespec            timeout, *limit = NULL;
    struct shmx               *seg = NULL;
    const char                *name;
    int                        r;

    while (next_option(argc, argv, ":h", options) != -1) {
        if (!parse_seconds(optarg, &timeout))
            return wrong_use("not a number of seconds: '%s'", optarg);
        limit = &timeout;
    }
    if (check_arguments(argc, 1, 1) != OK)
        return WRONG;
    name = name_argument(argv[optind]);
    r = shmx_open_wait(name, SHMX_RDONLY, limit, &seg);
    if (r < 0)
        return complain(name, r);
    print_name(shmx_name(seg));
    shmx_close(seg);
    return finish_output();
}
