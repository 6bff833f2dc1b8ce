/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases.h"
#include "contender.h"
#include "measure.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 200

struct race {
    const struct contender *contender;
    int                     processes;
};

static void
run_race(void *arg)
{
    const struct race *race = arg;
    int                i, turn, status;

    for (i = 0; i < race->processes; i++)
        if (fork() == 0) {
            for (turn = 0; turn < TURNS; turn++)
                race->contender->open_cycle(4096);
            _exit(0);
        }
    for (i = 0; i < race->processes; i++)
        if (wait(&status) < 0 || status != 0)
            bench_fail("a racer");
}

static void
compare(const struct contender *const contenders[3], int processes, int rounds)
{
    struct race   races[3];
    struct sample samples[3];
    char          title[64];
    int           i;

    for (i = 0; i < 3; i++) {
        races[i] = (struct race){ contenders[i], processes };
        samples[i] =
            (struct sample){ .name = contenders[i]->name, .run = run_race, .arg = &races[i] };
        contenders[i]->begin(4096);
    }
    measure(samples, 3, rounds / 5 + 1);
    for (i = 0; i < 3; i++)
        contenders[i]->end();
    snprintf(title, sizeof title, "%s: %d processes open one, %d times each",
             contenders[0]->backend, processes, TURNS);
    report(title, samples, 3);
}

void
bench_races(int rounds)
{
    const struct contender *const posix[] = { &floor_posix, &naive_posix, &shmx_posix };
    const struct contender *const sysv[] = { &floor_sysv, &naive_sysv, &shmx_sysv };

    compare(posix, 8, rounds);
    compare(posix, 64, rounds);
    compare(sysv, 8, rounds);
    compare(sysv, 64, rounds);
}
