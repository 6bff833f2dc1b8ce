/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a system call left in errno to the error that the manual documents. */
#ifndef SHMX_FAILURE_H
#define SHMX_FAILURE_H

#include <errno.h>

/* The negative errno that callers are told for error; one number for what is one cause to them. */
int shmx_documented_error(int error);

/* The same for errno, right after a system call that failed. */
static inline int
failure(void)
{
    const int r = shmx_documented_error(errno);

    if (r >= 0)
        __builtin_unreachable(); /* compilers and analyzers do not look into another file */
    return r;
}

#endif
