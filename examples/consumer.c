/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the file that producer.c hands over, and writes it to another.
 *
 *     cc -o consumer consumer.c $(pkg-config --cflags --libs libshmx)
 *     ./consumer /relay FILE
 *
 * It need not know which backend the producer chose.
 */
#include "relay.h"

#include <errno.h>
#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>

static struct shmx *
open_when_there(const char *name)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    struct shmx          *seg = NULL;
    int                   tries, r = -ENOENT;

    for (tries = 0; tries < 1000 && r == -ENOENT; tries++) {
        r = shmx_open(name, 0, &seg);
        if (r == -ENOENT)
            nanosleep(&pause, NULL);
    }
    if (r < 0) {
        fprintf(stderr, "consumer: %s: %s\n", name, shmx_strerror(r));
        exit(1);
    }
    return seg;
}

static int
receive_file(struct relay *relay, FILE *file)
{
    uint64_t sum = CHECKSUM_START, total = 0;
    size_t   length, slot = 0;

    do {
        if (wait_for(&relay->full) < 0) {
            perror("consumer: nothing comes");
            return 1;
        }
        length = relay->slots[slot].length;
        if (length > SLOT_SIZE) { /* believe a peer's bytes only within bounds */
            fprintf(stderr, "consumer: nonsense in the segment\n");
            return 1;
        }
        sum = checksum(sum, relay->slots[slot].data, length);
        total += length;
        if (fwrite(relay->slots[slot].data, 1, length, file) != length) {
            perror("consumer: write");
            return 1;
        }
        if (length == 0 && relay->checksum != sum) {
            fprintf(stderr, "consumer: wrong checksum\n");
            return 1;
        }
        sem_post(&relay->empty);
        slot = (slot + 1) % SLOTS;
    } while (length > 0);
    printf("consumer: got %llu bytes, checksum %016llx, as it should be\n",
           (unsigned long long)total, (unsigned long long)sum);
    return 0;
}

int
main(int argc, char **argv)
{
    struct shmx *seg;
    void        *addr;
    FILE        *file;
    int          r;

    if (argc != 3 || (file = fopen(argv[2], "wb")) == NULL) {
        fprintf(stderr, "usage: consumer NAME FILE\n");
        return 2;
    }
    seg = open_when_there(argv[1]);
    printf("consumer: found it as %s\n", shmx_name(seg));
    r = shmx_attach(seg, 0, &addr);
    if (r < 0) {
        fprintf(stderr, "consumer: attach: %s\n", shmx_strerror(r));
        fclose(file);
        shmx_close(seg);
        return 1;
    }
    r = receive_file(addr, file);
    if (fclose(file) != 0) {
        perror("consumer: close");
        r = 1;
    }
    shmx_close(seg);
    return r;
}
