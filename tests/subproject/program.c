/* SPDX-License-Identifier: BSD-2-Clause */
/* This is in the C of the project around it, which is not that of libshmx. */
#include <shmx.h>
#include <stdio.h>

#if !defined OF_THE_PARENT || !defined IN_ITS_FLAGS || __STDC_VERSION__ != 199901L
#error "the settings of this project are not what they were"
#endif
#if defined _GNU_SOURCE || defined __OPTIMIZE__
#error "the settings of libshmx have become those of this project"
#endif

int
main(void)
{
    struct shmx  *seg;
    int           r = shmx_create(NULL, 4096, 0600, SHMX_POSIX, &seg);
    unsigned char kept = r; /* with -Wconversion this would not compile */

    if (r < 0)
        fprintf(stderr, "%s\n", shmx_strerror(r));
    else
        shmx_close(seg);
    return kept;
}
