/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes what producer.c hands over, and writes it to standard output.
 *
 *     cc -o consumer consumer.c $(pkg-config --cflags --libs libshmx)
 *     ./consumer /ring >FILE
 *
 * The producer may be started before or after the consumer, and it chooses the backend. If the
 * producer dies before it has sent everything, the consumer notices that and exits with status 1.
 */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
check(const char *what, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "consumer: %s: %s\n", what,
            r == -EPIPE ? "the producer has died" : shmx_strerror(r));
    exit(1);
}

static void
write_slot(const char *slot, size_t length)
{
    ssize_t n;

    for (; length > 0; slot += n, length -= (size_t)n) {
        n = write(STDOUT_FILENO, slot, length);
        if (n < 0 && errno != EINTR)
            check("write", -errno);
        if (n < 0)
            n = 0;
    }
}

static void
receive_file(struct shmx *seg, struct ring *ring)
{
    uint32_t emptied = 0, length;
    size_t   slot;

    do {
        check("wait", wait_beyond(seg, &ring->filled, emptied, SHMX_PEERS));
        slot = emptied / STEP % SLOTS;
        length = ring->length[slot];
        if (length > SLOT_SIZE) /* do not believe what another process has written */
            check("length", -ERANGE);
        write_slot(ring->slot[slot], length);
        advance(seg, &ring->emptied);
        emptied += STEP;
    } while (length > 0);
}

int
main(int argc, char **argv)
{
    struct shmx *seg;
    struct ring *ring;
    void        *addr;

    if (argc != 2) {
        fprintf(stderr, "usage: consumer NAME >FILE\n");
        return 2;
    }
    check(argv[1], shmx_open_wait(argv[1], SHMX_OWNED, NULL, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    ring = addr;
    if (shmx_size(seg) < (int64_t)sizeof *ring || ring->version != RING_VERSION)
        check("not a ring of this version", -EINVAL);
    if (atomic_fetch_add(&ring->consumers, STEP) >= STEP)
        check("there is a consumer already", -EBUSY);
    shmx_wake(seg, (uint32_t *)&ring->consumers, INT_MAX);
    receive_file(seg, ring);
    shmx_close(seg);
    return 0;
}
