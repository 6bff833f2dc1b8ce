/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "counted CYCLE BACKEND TIMES" goes through a cycle that many times, so that instructions.sh can
 * count the instructions. "counted heap BACKEND" prints the number of bytes that a handle takes on
 * the heap.
 */
#include "shmx.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#define NAME "/a-name-of-thirty-two-bytes-it-is"
#define SIZE 4096

static unsigned backend;

static void
check(int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "counted: %s\n", shmx_strerror(r));
    exit(1);
}

static struct shmx *
create(void)
{
    struct shmx *seg;

    check(shmx_create(NAME, SIZE, 0600, backend | SHMX_SPARSE, &seg));
    return seg;
}

/* The library takes no part in this, because its instructions are counted. */
static void
remove_by_hand(void)
{
    char     text[128] = "";
    unsigned key;

    if (readlink("/dev/shm" NAME, text, sizeof text - 1) > 0
        && sscanf(text, "sysv:key=0x%x ", &key) == 1)
        shmctl(shmget((key_t)key, 0, 0), IPC_RMID, NULL);
    unlink("/dev/shm" NAME);
}

static void
create_cycle(int times)
{
    while (times-- > 0) {
        shmx_close(create());
        remove_by_hand();
    }
}

static void
destroy_cycle(int times)
{
    struct shmx *seg;

    while (times-- > 0) {
        seg = create();
        check(shmx_destroy(seg));
        shmx_close(seg);
    }
}

static void
open_cycle(int times)
{
    struct shmx *kept = create(), *seg;

    while (times-- > 0) {
        check(shmx_open(NAME, 0, &seg));
        shmx_close(seg);
    }
    check(shmx_destroy(kept));
    shmx_close(kept);
}

static void
attach_cycle(int times)
{
    struct shmx *seg = create();
    void        *addr;

    while (times-- > 0) {
        check(shmx_attach(seg, 0, &addr));
        check(shmx_detach(seg, addr));
    }
    check(shmx_destroy(seg));
    shmx_close(seg);
}

static void
print_heap(void)
{
    size_t       before, after;
    struct shmx *seg, *first = create();

    /* By now the C library has allocated what it keeps for itself. The first handle is kept as
       well. Otherwise the second one could get its memory, which glibc counts as in use while it is
       cached. */
    check(shmx_remove(NAME));
    before = mallinfo2().uordblks;
    seg = create();
    after = mallinfo2().uordblks;
    printf("%zu\n", after - before);
    check(shmx_destroy(seg));
    shmx_close(seg);
    shmx_close(first);
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    backend = strcmp(argv[2], "posix") == 0 ? SHMX_POSIX : SHMX_SYSV;
    if (strcmp(argv[1], "heap") == 0)
        print_heap();
    else if (argc == 4 && strcmp(argv[1], "create") == 0)
        create_cycle(atoi(argv[3]));
    else if (argc == 4 && strcmp(argv[1], "destroy") == 0)
        destroy_cycle(atoi(argv[3]));
    else if (argc == 4 && strcmp(argv[1], "open") == 0)
        open_cycle(atoi(argv[3]));
    else if (argc == 4 && strcmp(argv[1], "attach") == 0)
        attach_cycle(atoi(argv[3]));
    else
        return 2;
    return 0;
}
