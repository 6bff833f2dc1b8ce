/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a system call left in errno to what our callers are told. */
#ifndef SHMX_FAILURE_H
#define SHMX_FAILURE_H

#include <errno.h>

/* The negative of error, with one number for what is one cause to the caller. */
int documented_error(int error);

/* The same of errno, after a system call that failed. */
static inline int
failure(void)
{
    const int r = documented_error(errno);

    if (r >= 0)
        __builtin_unreachable(); /* compilers and analyzers do not look into another file */
    return r;
}

#endif
