/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storm SECONDS [both|posix|sysv [SEED]]: processes create, open, publish, write, verify, destroy
 * and remove over a few names, and are killed at any moment. Whoever opens a segment sees it
 * full-sized, initialised and of one generation; and when all is over and collected, only what is
 * named and complete is left. To be run by world. The seed is printed, and replays what each
 * process tries, not what the kernel interleaves.
 */
#include "shmx.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 8
#define NAMES   4
#define SIZE    16384
#define WORDS   (SIZE / sizeof(unsigned))

/* The backends that segments are made on. */
static unsigned backends = SHMX_POSIX | SHMX_SYSV;

static void
violation(const char *what, int r)
{
    fprintf(stderr, "VIOLATION in %d: %s (%s)\n", (int)getpid(), what, shmx_strerror(r));
    _exit(1);
}

/* Every word is the same number, other than 0: that of the generation. */
static int
initialise(void *addr, size_t size, void *arg)
{
    const unsigned generation = (unsigned)rand() | 1;
    unsigned      *words = addr;
    size_t         i;

    (void)size, (void)arg;
    for (i = 0; i < WORDS; i++) {
        if (words[i] != 0)
            violation("fresh memory is not zero", 0);
        words[i] = generation;
    }
    return 0;
}

/* What a half-made segment looks like, for whoever has to find out why. */
static void
tell_mixture(struct shmx *seg, const unsigned *words)
{
    struct shmx_stat st = { 0 };
    size_t           i;

    shmx_stat(seg, &st);
    fprintf(stderr, "%s: state %#x, id %d, key %#x, inode %llu, made by %d, last used by %d\n",
            shmx_name(seg), st.state, st.id, (unsigned)st.key, (unsigned long long)st.ino,
            (int)st.cpid, (int)st.lpid);
    for (i = 0; i < WORDS; i++)
        if (i == 0 || words[i] != words[i - 1])
            fprintf(stderr, "from word %zu on: %#x\n", i, words[i]);
}

static void
verify(struct shmx *seg)
{
    const unsigned *words;
    void           *addr;
    size_t          i;
    int             r = shmx_attach(seg, SHMX_RDONLY, &addr);

    if (r < 0)
        violation("attach", r);
    if (shmx_size(seg) != SIZE)
        violation("not full-sized", 0);
    for (i = 0, words = addr; i < WORDS; i++)
        if (words[i] == 0 || words[i] != words[0]) {
            tell_mixture(seg, words);
            violation("not of one generation", 0);
        }
    shmx_detach(seg, addr);
}

/* What is written is what is there: others verify meanwhile. */
static void
rewrite(struct shmx *seg)
{
    const size_t at = (size_t)rand() % WORDS * sizeof(unsigned);
    unsigned     word;

    if (shmx_read(seg, &word, sizeof word, at) != sizeof word
        || shmx_write(seg, &word, sizeof word, at) != sizeof word)
        violation("read and write", 0);
}

static void
expect(const char *what, int r, int or_else)
{
    if (r < 0 && r != -ENOENT && r != or_else)
        violation(what, r);
}

static void
open_or_create(const char *name, unsigned flags)
{
    struct shmx *seg;
    int          r = shmx_open_or_create(name, SIZE, 0600, flags, initialise, NULL, &seg);

    expect("open_or_create", r, -EEXIST);
    if (r < 0)
        return;
    verify(seg);
    rewrite(seg);
    if (rand() % 3 == 0)
        expect("destroy", shmx_destroy(seg), 0);
    shmx_close(seg);
}

static void
open_only(const char *name)
{
    struct shmx *seg;
    int          r = shmx_open(name, rand() % 2 ? SHMX_RDONLY : 0, &seg);

    expect("open", r, 0);
    if (r < 0)
        return;
    verify(seg);
    shmx_close(seg);
}

/* Ephemeral: a persistent anonymous one would rightly stay when we are killed. */
static void
publish(const char *name, unsigned flags)
{
    struct shmx *seg;
    void        *addr = NULL;
    int          r = shmx_create(NULL, SIZE, 0600, flags | SHMX_EPHEMERAL, &seg);

    if (r < 0 || (r = shmx_attach(seg, 0, &addr)) < 0)
        violation("create", r);
    initialise(addr, SIZE, NULL);
    r = shmx_publish(seg, name);
    expect("publish", r, -EEXIST);
    if (r == 0)
        verify(seg);
    if (rand() % 2)
        expect("destroy", shmx_destroy(seg), 0);
    shmx_close(seg);
}

static void
work(unsigned seed)
{
    char     name[16];
    unsigned flags;

    srand(seed);
    for (;;) {
        snprintf(name, sizeof name, "/storm%d", rand() % NAMES);
        flags = backends & (rand() % 2 ? SHMX_POSIX : SHMX_SYSV);
        if (flags == 0)
            flags = backends;
        switch (rand() % 6) {
        case 0:
        case 1:
            open_or_create(name, flags | (rand() % 2 ? SHMX_EPHEMERAL : 0));
            break;
        case 2:
        case 3:
            open_only(name);
            break;
        case 4:
            expect("remove", shmx_remove(name), 0);
            break;
        case 5:
            publish(name, flags);
            break;
        }
    }
}

static pid_t
start(unsigned seed)
{
    pid_t pid = fork();

    if (pid == 0)
        work(seed);
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    return pid;
}

/* Kill it; false if it had found a violation before. */
static bool
stop(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

/* What may be left is persistent, has a name and is complete. */
static int
inspect(const char *name, const struct shmx_stat *st, void *arg)
{
    struct shmx *seg;

    if (st->state != 0 || shmx_open(name, 0, &seg) < 0) {
        fprintf(stderr, "VIOLATION: %s is left, state %#x\n", name, st->state);
        *(bool *)arg = false;
        return 0;
    }
    verify(seg);
    shmx_destroy(seg);
    shmx_close(seg);
    return 0;
}

int
main(int argc, char **argv)
{
    const time_t   end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    const unsigned seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : (unsigned)time(NULL);
    pid_t          pids[WORKERS];
    unsigned       generation = 0, i;
    bool           well = true;

    if (argc > 2 && strcmp(argv[2], "both") != 0)
        backends = strcmp(argv[2], "posix") == 0 ? SHMX_POSIX : SHMX_SYSV;
    printf("storm: seed %u\n", seed);
    fflush(stdout);
    srand(seed);
    for (i = 0; i < WORKERS; i++)
        pids[i] = start(seed + generation++);
    while (well && time(NULL) < end) {
        usleep(1000 + (useconds_t)(rand() % 5000));
        i = (unsigned)rand() % WORKERS;
        well = stop(pids[i]);
        pids[i] = start(seed + generation++);
    }
    for (i = 0; i < WORKERS; i++)
        well = stop(pids[i]) && well;
    printf("storm: %u kills\n", generation);
    fflush(stdout);
    shmx_collect(0, NULL, NULL);
    shmx_list(0, inspect, &well);
    if (well && shmx_collect(0, NULL, NULL) == 0)
        return execlp("sh", "sh", "-c", "ls -A /dev/shm | { ! grep . ; }", (char *)NULL);
    return 1;
}
