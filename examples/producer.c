/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands a file of any size, or standard input, to consumer.c through a segment of 1 MiB.
 *
 *     cc -o producer producer.c $(pkg-config --cflags --libs libshmx)
 *     ./producer posix:/ring <FILE     (or sysv:/ring)
 *
 * The consumer may be started before or after the producer. If the consumer dies, the producer
 * notices that when the ring is full or the file has ended, and ends. The segment is ephemeral.
 * When both have ended, in whatever way, the segment is gone, or at least its name can be taken
 * again.
 */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
check(const char *what, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "producer: %s: %s\n", what,
            r == -EPIPE ? "the consumer has died" : shmx_strerror(r));
    exit(1);
}

/* Fills the slot as far as possible, so that a pipe does not make many small slots. */
static size_t
read_slot(char *slot)
{
    size_t  length = 0;
    ssize_t n;

    do {
        n = read(STDIN_FILENO, slot + length, SLOT_SIZE - length);
        if (n < 0 && errno != EINTR)
            check("read", -errno);
        if (n > 0)
            length += (size_t)n;
    } while (length < SLOT_SIZE && n != 0);
    return length;
}

static void
send_file(struct shmx *seg, struct ring *ring)
{
    uint32_t filled = 0; /* our own count, which the consumer cannot change */
    size_t   length, slot;

    check("wait", wait_beyond(seg, &ring->consumers, 0, 0));
    do {
        check("wait", wait_beyond(seg, &ring->emptied, filled - SLOTS * STEP, SHMX_PEERS));
        slot = filled / STEP % SLOTS;
        length = read_slot(ring->slot[slot]);
        ring->length[slot] = (uint32_t)length;
        advance(seg, &ring->filled);
        filled += STEP;
    } while (length > 0);
    while (number(&ring->emptied) != filled)
        check("wait", wait_beyond(seg, &ring->emptied, number(&ring->emptied), SHMX_PEERS));
}

int
main(int argc, char **argv)
{
    struct shmx *seg;
    struct ring *ring;
    void        *addr;
    unsigned     backend;

    if (argc != 2) {
        fprintf(stderr, "usage: producer NAME <FILE\n");
        return 2;
    }
    /* The segment gets its name when it is complete, so whoever opens it finds a ring. */
    backend = strncmp(argv[1], "sysv:", 5) == 0 ? SHMX_SYSV : SHMX_POSIX;
    check("create", shmx_create(NULL, sizeof *ring, 0600, backend | SHMX_EPHEMERAL, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    ring = addr;
    ring->version = RING_VERSION;
    check(argv[1], shmx_publish(seg, argv[1]));
    send_file(seg, ring);
    shmx_close(seg);
    return 0;
}
