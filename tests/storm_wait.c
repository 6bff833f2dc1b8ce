/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storm_wait SECONDS [posix|sysv [SEED]]: a token goes round among processes that sleep until it is
 * their turn, write where it goes, grow the segment, and are stopped, continued and killed at any
 * moment. No wake-up is lost, except for those of a process that was killed before it could wake
 * others. So whoever learns of a death wakes everybody. tests/world runs this.
 */
#include "shmx.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS  5
#define WATCHERS 2
#define ALL      (WORKERS + WATCHERS)
#define PAGE     4096
#define MOST     (4 << 20)
#define WORDS    128

static const struct timespec patience = { .tv_sec = 60 };

struct token {
    _Atomic uint32_t turn;         /* the number of the worker, and above it how often the token
                                      went round */
    _Atomic uint32_t size;         /* the size of the segment, as far as it has stamps */
    _Atomic uint32_t words[WORDS]; /* all words are equal, as long as nobody writes */
};

static const char *name;
static unsigned    seed;
static pid_t       pids[ALL];
static bool        stopped[ALL];

static void
fail(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "FAILED: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    kill(0, SIGKILL);
}

static unsigned
up_to(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static bool
has_room(void)
{
    return name[0] == 'p';
}

static struct token *
attach(struct shmx *seg)
{
    void *addr;
    int   r = shmx_attach_range(seg, 0, has_room() ? MOST : 0, has_room() ? SHMX_ROOM : 0, &addr);

    if (r < 0)
        fail("attach: %s", shmx_strerror(r));
    return addr;
}

/* Waits no longer than anybody is ever stopped. After that, a wake-up was lost. */
static void
wait_while(struct shmx *seg, struct token *t, uint32_t turn)
{
    int r = shmx_wait(seg, (uint32_t *)&t->turn, turn, up_to(2) ? SHMX_PEERS : 0, &patience);

    if (r != 0)
        fail("a wait at turn %u, which is %u now: %s", turn, atomic_load(&t->turn),
             shmx_strerror(r));
}

static void
check_words(struct token *t, uint32_t lap)
{
    int k;

    for (k = 0; k < WORDS; k++)
        if (atomic_load_explicit(&t->words[k], memory_order_relaxed) != lap)
            fail("word %d is %u and not %u", k, t->words[k], lap);
}

/* Adds a page with a stamp at its end. If a process is killed meanwhile, it does so again. */
static void
grow(struct shmx *seg, struct token *t)
{
    const uint32_t size = atomic_load(&t->size) + PAGE;
    int            r;

    if (size > MOST)
        return;
    r = shmx_resize(seg, size);
    if (r < 0)
        fail("resize: %s", shmx_strerror(r));
    *((uint32_t *)((char *)t + size) - 1) = size;
    atomic_store(&t->size, size);
}

static void
check_stamp(struct token *t)
{
    const uint32_t size = atomic_load(&t->size);
    const uint32_t at = size >= 2 * PAGE ? (2 + up_to(size / PAGE - 1)) * PAGE : 0;

    if (at > 0 && *((uint32_t *)((char *)t + at) - 1) != at)
        fail("no stamp at %u of %u", at, size);
}

static struct shmx *
join(unsigned flags)
{
    struct shmx *seg = NULL;
    int          r = shmx_open_wait(name, flags, &patience, &seg);

    if (r < 0)
        fail("open: %s", shmx_strerror(r));
    return seg;
}

static void
work(uint32_t mine)
{
    struct shmx  *seg = join(0);
    struct token *t = attach(seg);
    uint32_t      turn, lap;
    int           k;

    for (;;) {
        while ((turn = atomic_load(&t->turn)) % WORKERS != mine)
            wait_while(seg, t, turn);
        lap = turn / WORKERS;
        if (mine != 0) /* the first worker may be writing it for the second time */
            check_words(t, lap);
        for (k = 0; mine == 0 && k < WORDS; k++)
            atomic_store_explicit(&t->words[k], lap, memory_order_relaxed);
        if (has_room() && up_to(200) == 0)
            grow(seg, t);
        check_stamp(t);
        atomic_store(&t->turn, turn + 1);
        shmx_wake(seg, (uint32_t *)&t->turn, INT_MAX);
    }
}

static void
watch(void)
{
    struct shmx  *seg = join(SHMX_RDONLY);
    struct token *t = attach(seg);

    for (;;) {
        wait_while(seg, t, atomic_load(&t->turn));
        check_stamp(t);
    }
}

static void
start(int k)
{
    seed = seed * 31 + (unsigned)k;
    stopped[k] = false;
    pids[k] = fork();
    if (pids[k] != 0)
        return;
    if (k < WORKERS)
        work((uint32_t)k);
    watch();
}

/* Returns whether the worker was killed. */
static bool
disturb(int k)
{
    const unsigned what = up_to(3);

    if (stopped[k]) {
        kill(pids[k], SIGCONT);
        stopped[k] = false;
        return false;
    }
    if (what > 0) {
        stopped[k] = what == 1;
        kill(pids[k], what == 1 ? SIGSTOP : SIGCONT);
        return false;
    }
    kill(pids[k], SIGKILL);
    waitpid(pids[k], NULL, 0);
    return true;
}

/* The killed worker may have passed the token on without waking anybody. Nobody else is woken here,
   because otherwise a lost wake-up would not be noticed. */
static int
wake_for(int k, struct shmx *seg, struct token *t)
{
    if (k >= WORKERS || atomic_load(&t->turn) % WORKERS != ((unsigned)k + 1) % WORKERS)
        return 0;
    return shmx_wake(seg, (uint32_t *)&t->turn, INT_MAX);
}

static void
end_all(void)
{
    int k;

    for (k = 0; k < ALL; k++) {
        kill(pids[k], SIGKILL);
        waitpid(pids[k], NULL, 0);
    }
}

int
main(int argc, char **argv)
{
    const time_t  end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    struct shmx  *seg = NULL;
    struct token *t;
    int           k, killed = 0;
    uint32_t      turns, repaired = 0;

    name = argc > 2 && argv[2][0] == 's' ? "sysv:/storm-wait" : "posix:/storm-wait";
    seed = argc > 3 ? (unsigned)atoi(argv[3]) : (unsigned)time(NULL);
    printf("storm_wait %s, seed %u\n", name, seed);
    fflush(stdout);
    setpgid(0, 0);
    for (k = 0; k < ALL; k++) /* before there is anything to open */
        start(k);
    if (shmx_create(name, has_room() ? PAGE : MOST, 0600, SHMX_EPHEMERAL, &seg) < 0)
        fail("create");
    t = attach(seg);
    atomic_store(&t->size, PAGE);
    while (time(NULL) < end) {
        usleep(up_to(10000));
        k = (int)up_to(ALL);
        if (disturb(k)) {
            killed++;
            repaired += (uint32_t)wake_for(k, seg, t);
            start(k);
        }
    }
    turns = atomic_load(&t->turn);
    for (k = 0; k < ALL; k++)
        kill(pids[k], SIGCONT);
    for (k = 0; k < 60000 && atomic_load(&t->turn) - turns < 2 * WORKERS; k++)
        usleep(1000);
    if (k == 60000)
        fail("the token does not go round any more");
    end_all();
    printf("%u turns, %d killed, %u woken for the killed, %u bytes\n", turns, killed, repaired,
           atomic_load(&t->size));
    shmx_close(seg);
    return turns == 0 || killed == 0;
}
