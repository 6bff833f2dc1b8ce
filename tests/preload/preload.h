/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library to be preloaded, that carries other programs' calls over the handle of shmx.h. What it
 * carries is up to SHMX_PRELOAD: "posix" (shm_open and what is done with its descriptors), "sysv"
 * (shmget and the like) or "both". SHMX_PRELOAD_LOG names a file to which each process appends,
 * once for each call, "PID FUNCTION carried" or "PID FUNCTION passed".
 */
#ifndef TESTS_PRELOAD_H
#define TESTS_PRELOAD_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

enum preload_mode { PRELOAD_POSIX = 1, PRELOAD_SYSV = 2 };

#define PUBLIC __attribute__((visibility("default")))

/* The C library's function of that name. */
#define REAL(function)                                                                             \
    (__extension__({                                                                               \
        static __typeof__(&function) real;                                                         \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                                         \
        real;                                                                                      \
    }))

/*
 * Take the lock for work on the tables and with the library, whose own calls of what we carry then
 * go to the C library. False: not in this mode, or that is such a call; then nothing is to be
 * undone.
 */
bool preload_enter(enum preload_mode mode);

/* Give it back; errno stays. */
void preload_leave(void);

void preload_log(const char *function, bool carried);

/* errno and -1 for a negative result, which else is passed through. */
int preload_result(int64_t r);

/*
 * The library ends an attachment or a handle whose addresses or descriptor are the program's again:
 * until told otherwise, its munmap, shmdt and close of this thread do nothing and succeed.
 */
void preload_pretend(bool on);
bool preload_pretends(void);

#endif
