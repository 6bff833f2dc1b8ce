/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmx-bench [-j FILE] [-r ROUNDS] [CASE]... compares this library with the shortest sequences of
 * system calls that keep its promises, with what people write, and with other libraries, in one
 * run. The cases are cycles, copies, fills, crowds, races and messages, and all of them are run if
 * none is named. The case shortage is run only if it is named. It takes most of the memory for a
 * moment, and needs a memory control group. The program makes namespaces for itself if it can.
 */
#include "cases.h"
#include "contender.h"
#include "measure.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

size_t bench_span = 1;

void
bench_use(void *addr)
{
    volatile char *at, *end = (char *)addr + bench_span;

    for (at = addr; at < end; at += 4096)
        *at = 1;
}

void
bench_fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Otherwise segments that exist already would be measured, too. */
static void
leave_for_private_namespaces(void)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
        fprintf(stderr, "shmx-bench: no private namespaces: %s\n",
                "the machine's /dev/shm is used");
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int rounds);
    } cases[] = { { "cycles", bench_cycles },    { "copies", bench_copies },
                  { "fills", bench_fills },      { "crowds", bench_crowds },
                  { "races", bench_races },      { "messages", bench_messages },
                  { "shortage", bench_shortage } };
    const char *json = NULL;
    int         option, rounds = 101, i;
    size_t      k;
    bool        wanted;

    while ((option = getopt(argc, argv, "j:r:")) != -1) {
        if (option == 'j')
            json = optarg;
        else if (option == 'r')
            rounds = atoi(optarg);
        else
            return 2;
    }
    report_to(json);
    leave_for_private_namespaces();
    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        wanted = optind == argc && cases[k].run != bench_shortage;
        for (i = optind; i < argc; i++)
            wanted = wanted || strcmp(argv[i], cases[k].name) == 0;
        if (wanted)
            cases[k].run(rounds);
    }
    report_end();
    return 0;
}
