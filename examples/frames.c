/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C program that frames.py runs. It adds 1 to each pixel of a frame, and prints the sum of all
 * pixels.
 *
 *     cc -o frames frames.c $(pkg-config --cflags --libs libshmx)
 */
#include <inttypes.h>
#include <shmx.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    struct shmx *seg = NULL;
    void        *addr;
    uint8_t     *pixel;
    uint64_t     sum = 0;
    int64_t      k;
    int          r = argc == 2 ? shmx_open(argv[1], SHMX_OWNED, &seg) : -1;

    if (r == 0)
        r = shmx_attach(seg, 0, &addr);
    if (r != 0) {
        fprintf(stderr, "usage: frames NAME: %s\n", shmx_strerror(r));
        shmx_close(seg);
        return 1;
    }
    pixel = addr;
    for (k = 0; k < shmx_size(seg); k++)
        sum += ++pixel[k];
    printf("%" PRIu64 "\n", sum);
    shmx_close(seg);
    return 0;
}
