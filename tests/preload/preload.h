/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library for LD_PRELOAD that carries calls of other programs over to the handle of shmx.h.
 * SHMX_PRELOAD says which calls it carries: "posix" (shm_open and the calls for its descriptors),
 * "sysv" (shmget and the like) or "both". SHMX_PRELOAD_LOG names a file to which each process
 * appends a line for each call, "PID FUNCTION carried" or "PID FUNCTION passed".
 */
#ifndef TESTS_PRELOAD_H
#define TESTS_PRELOAD_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

enum preload_mode { PRELOAD_POSIX = 1, PRELOAD_SYSV = 2 };

#define PUBLIC __attribute__((visibility("default")))

/* The function of the C library with that name. */
#define REAL(function)                                                                             \
    (__extension__({                                                                               \
        static __typeof__(&function) real;                                                         \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                                         \
        real;                                                                                      \
    }))

/*
 * Takes the lock for work on the tables and with the library. The library's own calls of carried
 * functions go to the C library then. Returns false if this mode does not carry the call, or if it
 * is such a call of the library. Then nothing must be undone.
 */
bool preload_enter(enum preload_mode mode);

/* Releases the lock, and keeps errno. */
void preload_leave(void);

void preload_log(const char *function, bool carried);

/* Sets errno and returns -1 for a negative result. Returns any other result as it is. */
int preload_result(int64_t r);

/*
 * The library ends an attachment or a handle whose addresses or descriptor belong to the program
 * again. Until it is told otherwise, munmap, shmdt and close of this thread do nothing and succeed.
 */
void preload_pretend(bool on);
bool preload_pretends(void);

#endif
