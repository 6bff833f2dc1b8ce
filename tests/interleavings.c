/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries every order in which those who wait for a counter and those who advance it can take their
 * steps, and finds that nobody is left asleep. The code is that of examples/ring.h and of
 * shmx_wait(3). Each atomic operation, each comparison of shmx_wait and each shmx_wake is one step.
 * Wrong code as users write it is found to be wrong, so this test can fail.
 */
#include "shmx.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

/* The code below is compiled with these replacements. */
static void step(void);
static int  model_wait(struct shmx *seg, const uint32_t *at, uint32_t value, unsigned flags,
                       const void *timeout);
static int  model_wake(struct shmx *seg, const uint32_t *at, int most);

#undef atomic_load
#undef atomic_compare_exchange_weak
#undef atomic_fetch_add
#undef atomic_fetch_and
#define atomic_fetch_add(object, value)                                                            \
    (step(), atomic_fetch_add_explicit(object, value, memory_order_seq_cst))
#define atomic_fetch_and(object, value)                                                            \
    (step(), atomic_fetch_and_explicit(object, value, memory_order_seq_cst))
#define atomic_load(object) (step(), plain_load(object))
#define atomic_compare_exchange_weak(object, expected, desired)                                    \
    (step(), atomic_compare_exchange_strong(object, expected, desired))
#define plain_load(object) atomic_load_explicit(object, memory_order_seq_cst)
#define shmx_wait          model_wait
#define shmx_wake          model_wake

#include "../examples/ring.h"

#undef shmx_wait
#undef shmx_wake

/* ---- one run ---- */

#define ACTORS 3
#define STEPS  128
#define STACK  65536

enum state { READY, ASLEEP_NOW, FINISHED };

struct actor {
    ucontext_t context;
    enum state state;
    bool       waits;
    char       stack[STACK];
};

static struct actor actors[ACTORS];
static int          count, current;
static ucontext_t   scheduler;
static counter      word;

static void
step(void)
{
    swapcontext(&actors[current].context, &scheduler);
}

static int
model_wait(struct shmx *seg, const uint32_t *at, uint32_t value, unsigned flags,
           const void *timeout)
{
    (void)seg, (void)flags, (void)timeout;
    step();
    if (*(const volatile uint32_t *)at != value)
        return 0;
    actors[current].state = ASLEEP_NOW;
    step();
    return 0;
}

static int
model_wake(struct shmx *seg, const uint32_t *at, int most)
{
    int i;

    (void)seg, (void)at, (void)most;
    step();
    for (i = 0; i < count; i++)
        if (actors[i].state == ASLEEP_NOW)
            actors[i].state = READY;
    return 0;
}

/* ---- what is right, and what is wrong ---- */

struct way {
    const char *name;
    void (*advance)(struct shmx *seg, counter *c);
    int (*wait_beyond)(struct shmx *seg, counter *c, uint32_t seen, unsigned flags);
};

static void
wake_first(struct shmx *seg, counter *c)
{
    uint32_t now = atomic_load(c);

    if (now & ASLEEP)
        model_wake(seg, (uint32_t *)c, INT_MAX);
    while (!atomic_compare_exchange_weak(c, &now, (now & ~(uint32_t)ASLEEP) + STEP)) {
    }
}

static void
advance_in_two_steps(struct shmx *seg, counter *c)
{
    uint32_t now = atomic_load(c);

    step();
    *(volatile uint32_t *)c = (now & ~(uint32_t)ASLEEP) + STEP;
    if (now & ASLEEP)
        model_wake(seg, (uint32_t *)c, INT_MAX);
}

static int
wait_without_the_bit(struct shmx *seg, counter *c, uint32_t seen, unsigned flags)
{
    while ((atomic_load(c) & ~(uint32_t)ASLEEP) == seen)
        model_wait(seg, (uint32_t *)c, seen, flags, NULL);
    return 0;
}

static int
wait_with_a_newer_value(struct shmx *seg, counter *c, uint32_t seen, unsigned flags)
{
    uint32_t now;

    while (((now = atomic_load(c)) & ~(uint32_t)ASLEEP) == seen)
        if ((now & ASLEEP) || atomic_compare_exchange_weak(c, &now, now | ASLEEP))
            model_wait(seg, (uint32_t *)c, atomic_load(c), flags, NULL);
    return 0;
}

static void
clear_after_waking(struct shmx *seg, counter *c)
{
    if (atomic_fetch_add(c, STEP) & ASLEEP) {
        model_wake(seg, (uint32_t *)c, INT_MAX);
        atomic_fetch_and(c, ~(uint32_t)ASLEEP);
    }
}

static const struct way right = { "as documented", advance, wait_beyond };

static const struct way wrong[] = {
    { "waking first, changing then", wake_first, wait_beyond },
    { "advancing in two steps", advance_in_two_steps, wait_beyond },
    { "clearing the bit after waking", clear_after_waking, wait_beyond },
    { "sleeping without setting the bit", advance, wait_without_the_bit },
    { "sleeping with a newer value", advance, wait_with_a_newer_value },
};

/* ---- all runs ---- */

/* The number of actors who wait for the first advance, and then perhaps for the second, and the
   number of actors who advance as often. */
struct cast {
    int waiters, wakers, rounds;
};

static const struct way *way;
static struct cast       cast;

static void
act(void)
{
    int k;

    for (k = 0; k < cast.rounds; k++)
        if (actors[current].waits)
            way->wait_beyond(NULL, &word, (uint32_t)k * STEP, 0);
        else
            way->advance(NULL, &word);
    actors[current].state = FINISHED;
    step();
}

static void
begin_run(void)
{
    atomic_init(&word, 0);
    count = cast.waiters + cast.wakers;
    for (current = 0; current < count; current++) {
        struct actor *a = &actors[current];

        a->state = READY;
        a->waits = current < cast.waiters;
        getcontext(&a->context);
        a->context.uc_stack.ss_sp = a->stack;
        a->context.uc_stack.ss_size = sizeof a->stack;
        makecontext(&a->context, act, 0);
    }
}

static int chosen[STEPS], choices[STEPS], depth;

/* Returns the n-th of the actors that are ready, or -1 if nobody is. */
static int
choose(int n)
{
    int i, ready = 0, found = -1;

    for (i = 0; i < count; i++)
        if (actors[i].state == READY && ready++ == n)
            found = i;
    choices[depth] = ready;
    return found;
}

/* Goes the way that was chosen, and then any way. Returns whether nobody is left asleep. */
static bool
run(void)
{
    int i;

    begin_run();
    for (depth = 0; (current = choose(chosen[depth])) >= 0; depth++) {
        swapcontext(&scheduler, &actors[current].context);
        if (depth + 1 == STEPS) {
            fprintf(stderr, "FAILED: %s: it does not end\n", way->name);
            exit(1);
        }
    }
    for (i = 0; i < count; i++)
        if (actors[i].state == ASLEEP_NOW)
            return false;
    return true;
}

/* Chooses the way of the next run. Returns false if there is none. */
static bool
next_run(void)
{
    int i;

    while (depth > 0 && chosen[depth - 1] + 1 >= choices[depth - 1])
        depth--;
    if (depth == 0)
        return false;
    chosen[depth - 1]++;
    for (i = depth; i < STEPS; i++)
        chosen[i] = 0;
    return true;
}

/* Returns whether somebody is left asleep in any of the runs. */
static bool
loses(const struct way *w, struct cast c)
{
    long runs = 0;
    bool lost = false;
    int  i;

    way = w;
    cast = c;
    for (i = 0; i < STEPS; i++)
        chosen[i] = 0;
    do {
        lost = !run();
        runs++;
    } while (!lost && next_run());
    printf("%s, %d waiting, %d waking, %d times: %ld orders, %s\n", w->name, c.waiters, c.wakers,
           c.rounds, runs, lost ? "a wake-up is lost" : "nobody is left asleep");
    return lost;
}

int
main(void)
{
    const struct cast once = { 1, 1, 1 }, twice = { 1, 1, 2 }, two_wait = { 2, 1, 1 },
                      two_wake = { 1, 2, 1 };
    int    failures = 0;
    size_t k;

    failures += loses(&right, twice) + loses(&right, two_wait) + loses(&right, two_wake);
    for (k = 0; k < sizeof wrong / sizeof *wrong; k++)
        failures += !loses(&wrong[k], once) && !loses(&wrong[k], twice);
    return failures > 0;
}
