/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of accounts that any number of processes change at the same time. The sum of the accounts
 * never changes, even if some of the processes are killed in the middle.
 *
 *     cc -o table table.c $(pkg-config --cflags --libs libshmx)
 *     ./table posix:/accounts 1000     moves money between accounts a thousand times
 *     ./table /accounts 0              prints the sum (remove the table with: shmx rm /accounts)
 *
 * The initialiser makes a mutex in the segment, which guards the table. The mutex is robust: if a
 * process dies while it has the mutex, the next process is told so, and repairs the table.
 */
#include <errno.h>
#include <pthread.h>
#include <shmx.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION  0x54424c01u /* "TBL", 1 */
#define ACCOUNTS 64
#define BEGIN    1000

struct account {
    int64_t balance;
};

/* What a change is about to overwrite. The entries are complete before valid is set, so the change
   can be undone. */
struct journal {
    atomic_bool    valid;
    uint32_t       from, to;
    struct account old_from, old_to;
};

struct table {
    uint32_t        version;
    uint32_t        repairs;
    pthread_mutex_t mutex;
    struct journal  journal;
    struct account  accounts[ACCOUNTS];
};

static void
check(const char *what, int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "table: %s: %s\n", what, error < 0 ? shmx_strerror(error) : strerror(error));
    exit(1);
}

/* Is called once, before anybody else can see the table. */
static int
initialise(void *addr, size_t size, void *arg)
{
    struct table       *table = addr;
    pthread_mutexattr_t attributes;
    int                 i, error;

    (void)size, (void)arg;
    table->version = VERSION;
    for (i = 0; i < ACCOUNTS; i++)
        table->accounts[i].balance = BEGIN;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    error = pthread_mutex_init(&table->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

/* A process has died with the mutex. Its change may be half done, and is undone here. If a process
   dies in this function, the next one does the same again. */
static void
repair(struct table *table)
{
    struct journal *j = &table->journal;
    const uint32_t  from = j->from, to = j->to;

    /* Do not believe what another process has written. */
    if (from >= ACCOUNTS || to >= ACCOUNTS) {
        fputs("table: the journal is damaged\n", stderr);
        exit(1);
    }
    if (atomic_load(&j->valid)) {
        table->accounts[from] = j->old_from;
        table->accounts[to] = j->old_to;
        atomic_store(&j->valid, false);
    }
    table->repairs++;
    check("consistent", pthread_mutex_consistent(&table->mutex));
}

static void
lock(struct table *table)
{
    int error = pthread_mutex_lock(&table->mutex);

    if (error == EOWNERDEAD)
        repair(table);
    else
        check("lock", error);
}

static void
transfer(struct table *table, uint32_t from, uint32_t to, int64_t amount)
{
    struct journal *j = &table->journal;

    lock(table);
    j->from = from;
    j->to = to;
    j->old_from = table->accounts[from];
    j->old_to = table->accounts[to];
    atomic_store(&j->valid, true);
    table->accounts[from].balance -= amount;
    table->accounts[to].balance += amount;
    atomic_store(&j->valid, false);
    check("unlock", pthread_mutex_unlock(&table->mutex));
}

static int64_t
sum(struct table *table)
{
    int64_t total = 0;
    int     i;

    lock(table);
    for (i = 0; i < ACCOUNTS; i++)
        total += table->accounts[i].balance;
    check("unlock", pthread_mutex_unlock(&table->mutex));
    return total;
}

int
main(int argc, char **argv)
{
    struct shmx  *seg;
    struct table *table;
    void         *addr;
    unsigned      random = (unsigned)getpid();
    long          n;
    int           r;

    if (argc != 3) {
        fprintf(stderr, "usage: table NAME TRANSFERS\n");
        return 2;
    }
    r = shmx_open_or_create(argv[1], sizeof *table, 0600, SHMX_OWNED, initialise, NULL, &seg);
    check(argv[1], r < 0 ? r : 0);
    check("attach", shmx_attach(seg, 0, &addr));
    table = addr;
    if (table->version != VERSION)
        check("not a table of this version", -EINVAL);
    for (n = atol(argv[2]); n > 0; n--) {
        random = random * 1664525 + 1013904223;
        transfer(table, random >> 8 & (ACCOUNTS - 1), random >> 16 & (ACCOUNTS - 1), random >> 28);
    }
    printf("sum %lld, %u repairs\n", (long long)sum(table), table->repairs);
    shmx_close(seg);
    return 0;
}
