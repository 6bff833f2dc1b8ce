/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A counter that several programs share. Whoever comes first creates and initialises the counter,
 * and the others open it.
 *
 *     cc -o counter counter.c $(pkg-config --cflags --libs libshmx)
 *     ./counter posix:/counter     (or sysv:/counter; remove it with: ./counter -r /counter)
 */
#include <shmx.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct counter {
    char         made_by[32];
    atomic_ulong value;
};

/* Is called once, before anybody else can see the segment. */
static int
initialise(void *addr, size_t size, void *arg)
{
    struct counter *counter = addr;

    (void)size;
    snprintf(counter->made_by, sizeof counter->made_by, "%s", (const char *)arg);
    atomic_init(&counter->value, 1000);
    return 0;
}

int
main(int argc, char **argv)
{
    static char     author[] = "counter.c";
    struct shmx    *seg;
    struct counter *counter;
    void           *addr;
    int             r, created;

    if (argc == 3 && strcmp(argv[1], "-r") == 0) {
        r = shmx_remove(argv[2]);
        if (r < 0)
            fprintf(stderr, "counter: %s: %s\n", argv[2], shmx_strerror(r));
        return r < 0;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: counter NAME, or counter -r NAME\n");
        return 2;
    }
    r = created = shmx_open_or_create(argv[1], sizeof *counter, 0600, 0, initialise, author, &seg);
    if (r >= 0)
        r = shmx_attach(seg, 0, &addr);
    if (r < 0) {
        fprintf(stderr, "counter: %s: %s\n", argv[1], shmx_strerror(r));
        return 1;
    }
    counter = addr;
    printf("%s %s, made by %s: %lu\n", created ? "created" : "opened", shmx_name(seg),
           counter->made_by, atomic_fetch_add(&counter->value, 1) + 1);
    shmx_close(seg);
    return 0;
}
