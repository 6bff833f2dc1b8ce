/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands a file of any size to consumer.c, through a segment of 1 MiB.
 *
 *     cc -o producer producer.c $(pkg-config --cflags --libs libshmx)
 *     ./producer posix:/relay FILE     (or sysv:/relay)
 *
 * The segment is made anonymous, set up, and only then published: whoever can open the name finds
 * the semaphores ready.
 */
#include "relay.h"

#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
check(const char *what, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "producer: %s: %s\n", what, shmx_strerror(r));
    exit(1);
}

static void
send_file(struct relay *relay, FILE *file)
{
    uint64_t sum = CHECKSUM_START, total = 0;
    size_t   length, slot = 0;

    do {
        if (wait_for(&relay->empty) < 0) {
            perror("producer: nobody takes the data");
            exit(1);
        }
        length = fread(relay->slots[slot].data, 1, SLOT_SIZE, file);
        if (ferror(file)) {
            perror("producer: read");
            exit(1);
        }
        sum = checksum(sum, relay->slots[slot].data, length);
        total += length;
        relay->checksum = sum;
        relay->slots[slot].length = (uint32_t)length;
        sem_post(&relay->full);
        slot = (slot + 1) % SLOTS;
    } while (length > 0);
    printf("producer: sent %llu bytes, checksum %016llx\n", (unsigned long long)total,
           (unsigned long long)sum);
}

int
main(int argc, char **argv)
{
    struct shmx  *seg;
    struct relay *relay;
    void         *addr;
    FILE         *file;
    int           i;

    if (argc != 3 || (file = fopen(argv[2], "rb")) == NULL) {
        fprintf(stderr, "usage: producer posix:/NAME|sysv:/NAME FILE\n");
        return 2;
    }
    check("create", shmx_create(NULL, sizeof *relay, 0600,
                                strncmp(argv[1], "sysv:", 5) == 0 ? SHMX_SYSV : SHMX_POSIX, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    relay = addr;
    sem_init(&relay->empty, 1, SLOTS);
    sem_init(&relay->full, 1, 0);
    check(argv[1], shmx_publish(seg, argv[1]));
    printf("producer: published %s, %lld bytes\n", shmx_name(seg), (long long)shmx_size(seg));
    fflush(stdout);

    send_file(relay, file);
    for (i = 0; i < SLOTS; i++) /* until all is taken */
        if (wait_for(&relay->empty) < 0)
            break;
    check("destroy", shmx_destroy(seg));
    shmx_close(seg);
    fclose(file);
    return i < SLOTS;
}
