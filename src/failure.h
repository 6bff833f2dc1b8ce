/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from errno after a system call to the error that the manual documents. */
#ifndef SHMX_FAILURE_H
#define SHMX_FAILURE_H

#include <errno.h>

/* Returns the negative errno value that callers get for this error. What is one cause for a caller
   gets one number. */
int shmx_documented_error(int error);

/* Does the same for errno. It is to be called right after a system call that failed. */
static inline int
failure(void)
{
    const int r = shmx_documented_error(errno);

    if (r >= 0)
        __builtin_unreachable(); /* compilers and analyzers do not look into another file */
    return r;
}

#endif
