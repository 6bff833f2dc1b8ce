/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static __thread bool inside __attribute__((tls_model("initial-exec")));
static __thread bool pretending __attribute__((tls_model("initial-exec")));

static void
lock_tables(void)
{
    pthread_mutex_lock(&lock);
}

static void
unlock_tables(void)
{
    pthread_mutex_unlock(&lock);
}

/* A thread that the child does not have must not keep the lock taken in the child. */
__attribute__((constructor)) static void
prepare_for_fork(void)
{
    pthread_atfork(lock_tables, unlock_tables, unlock_tables);
}

static bool
is_wanted(enum preload_mode mode)
{
    const char *wanted = getenv("SHMX_PRELOAD");

    if (wanted == NULL)
        return mode == PRELOAD_POSIX;
    return strcmp(wanted, "both") == 0
           || strcmp(wanted, mode == PRELOAD_POSIX ? "posix" : "sysv") == 0;
}

bool
preload_enter(enum preload_mode mode)
{
    if (inside || !is_wanted(mode))
        return false;
    inside = true; /* this comes first, as a signal handler may run in between */
    lock_tables();
    return true;
}

void
preload_leave(void)
{
    unlock_tables();
    inside = false;
}

int
preload_result(int64_t r)
{
    if (r >= 0)
        return (int)r;
    errno = (int)-r;
    return -1;
}

void
preload_pretend(bool on)
{
    pretending = on;
}

bool
preload_pretends(void)
{
    return pretending;
}

void
preload_log(const char *function, bool carried)
{
    static struct {
        const char *function;
        bool        carried;
        pid_t       pid;
    } known[64];
    const int   error = errno;
    const char *path = getenv("SHMX_PRELOAD_LOG");
    size_t      i = 0;
    int         fd;

    if (path == NULL)
        return;
    while (i < 63 && known[i].function != NULL
           && (known[i].function != function || known[i].carried != carried
               || known[i].pid != getpid()))
        i++;
    if (known[i].function == NULL || i == 63) {
        known[i].function = function;
        known[i].carried = carried;
        known[i].pid = getpid();
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        dprintf(fd, "%d %s %s\n", (int)getpid(), function, carried ? "carried" : "passed");
        REAL(close)(fd);
    }
    errno = error;
}
