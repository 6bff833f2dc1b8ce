/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a system call left in errno to what our callers are told. */
#ifndef SHMX_FAILURE_H
#define SHMX_FAILURE_H

/* The negative errno, with one number for what is one cause to the caller. */
int failure(void);

#endif
