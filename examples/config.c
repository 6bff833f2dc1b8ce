/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration that is replaced while programs read it. Each reader sees either the old text or
 * the new text, never a mixture, and is woken when there is a new text.
 *
 *     cc -o config config.c $(pkg-config --cflags --libs libshmx)
 *     ./config watch /config &              prints each text, as long as it runs
 *     echo "some text" | ./config set posix:/config      each line is a new text
 *
 * There is room for two texts. The writer writes into the one that is not current, and then makes
 * it current by one store. If a writer is killed in the middle, nothing has changed. Readers need
 * no permission to write, so they cannot keep anybody waiting, and they cannot leave anything
 * locked.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <shmx.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 0x434f4e01u /* "CON", 1 */
#define WORDS   128         /* in one text */

struct text {
    _Atomic uint64_t words[WORDS]; /* atomic, because two writers may overtake a reader */
};

struct config {
    uint32_t         version;
    pthread_mutex_t  writers; /* robust, but the mutex guards nothing that needs repair */
    _Atomic uint32_t number;  /* the current text is texts[number % 2]; 0 if there is none yet */
    struct text      texts[2];
};

static void
check(const char *what, int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "config: %s: %s\n", what, error < 0 ? shmx_strerror(error) : strerror(error));
    exit(1);
}

static int
initialise(void *addr, size_t size, void *arg)
{
    struct config      *config = addr;
    pthread_mutexattr_t attributes;
    int                 error;

    (void)size, (void)arg;
    config->version = VERSION;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    error = pthread_mutex_init(&config->writers, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

static void
set(struct shmx *seg, struct config *config, const char *line)
{
    uint64_t words[WORDS] = { 0 };
    uint32_t next;
    int      i, error = pthread_mutex_lock(&config->writers);

    if (error == EOWNERDEAD) /* the text that was left half written is not the current one */
        error = pthread_mutex_consistent(&config->writers);
    check("lock", error);
    snprintf((char *)words, sizeof words, "%.*s", (int)strcspn(line, "\n"), line);
    next = atomic_load(&config->number) + 1;
    /* Whoever sees the stores below also sees the last number. */
    atomic_thread_fence(memory_order_release);
    for (i = 0; i < WORDS; i++)
        atomic_store_explicit(&config->texts[next % 2].words[i], words[i], memory_order_relaxed);
    atomic_store(&config->number, next);
    /* Readers cannot note in the segment that they sleep. So each call here is a system call. */
    shmx_wake(seg, (uint32_t *)&config->number, INT_MAX);
    check("unlock", pthread_mutex_unlock(&config->writers));
}

/* Copies the text of that number. Returns false if the text has been replaced meanwhile, perhaps by
   the next one but one. */
static bool
copy(struct config *config, uint32_t number, uint64_t words[WORDS])
{
    int i;

    for (i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&config->texts[number % 2].words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&config->number) == number;
}

static void
watch(struct shmx *seg, struct config *config)
{
    /* A writer that is killed between its store and shmx_wake wakes nobody. */
    const struct timespec at_most = { .tv_sec = 1 };
    uint64_t              words[WORDS];
    uint32_t              number, seen = 0;
    int                   r;

    for (;;) {
        number = atomic_load(&config->number);
        if (number == seen) {
            r = shmx_wait(seg, (uint32_t *)&config->number, seen, 0, &at_most);
            check("wait", r == -ETIMEDOUT ? 0 : r);
        } else if (copy(config, number, words)) {
            printf("%u %.*s\n", number, (int)sizeof words - 1, (const char *)words);
            fflush(stdout);
            seen = number;
        }
    }
}

int
main(int argc, char **argv)
{
    const bool   sets = argc == 3 && strcmp(argv[1], "set") == 0;
    char         line[sizeof(struct text)];
    struct shmx *seg;
    void        *addr;
    int          r;

    if (!sets && (argc != 3 || strcmp(argv[1], "watch") != 0)) {
        fprintf(stderr, "usage: config set NAME, or config watch NAME\n");
        return 2;
    }
    r = sets ? shmx_open_or_create(argv[2], sizeof(struct config), 0644, SHMX_OWNED, initialise,
                                   NULL, &seg)
             : shmx_open_wait(argv[2], SHMX_RDONLY, NULL, &seg);
    check(argv[2], r < 0 ? r : 0);
    check("attach", shmx_attach(seg, 0, &addr));
    if (shmx_size(seg) < (int64_t)sizeof(struct config) || *(uint32_t *)addr != VERSION)
        check("not a configuration of this version", -EINVAL);
    if (!sets)
        watch(seg, addr);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n')
            check("a line", EMSGSIZE);
        set(seg, addr, line);
    }
    shmx_close(seg);
    return 0;
}
