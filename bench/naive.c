/* SPDX-License-Identifier: BSD-2-Clause */
/* What people write by hand. */
#include "contender.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define KEY 0x62656e63

static int held = -1;

static int
posix_open(int flags)
{
    int fd = shm_open("/" BENCH_NAME "-naive", flags, 0600);

    if (fd < 0)
        bench_fail("shm_open");
    return fd;
}

static void
posix_use(int fd, size_t size)
{
    char *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (addr == MAP_FAILED)
        bench_fail("mmap");
    bench_use(addr);
    munmap(addr, size);
}

static void
posix_begin(size_t size)
{
    held = posix_open(O_RDWR | O_CREAT | O_EXCL);
    if (ftruncate(held, (off_t)size) < 0)
        bench_fail("ftruncate");
}

static void
posix_end(void)
{
    close(held);
    shm_unlink("/" BENCH_NAME "-naive");
}

static void
posix_create_cycle(size_t size)
{
    posix_begin(size);
    posix_use(held, size);
    posix_end();
}

static void
posix_open_cycle(size_t size)
{
    int fd = posix_open(O_RDWR);

    posix_use(fd, size);
    close(fd);
}

static void
posix_open_or_create_cycle(size_t size)
{
    int fd = posix_open(O_RDWR | O_CREAT);

    if (ftruncate(fd, (off_t)size) < 0)
        bench_fail("ftruncate");
    posix_use(fd, size);
    close(fd);
}

static void
posix_attach_cycle(size_t size)
{
    void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, held, 0);

    if (addr == MAP_FAILED)
        bench_fail("mmap");
    munmap(addr, size);
}

static int
sysv_get(size_t size, int flags)
{
    int id = shmget(KEY, size, flags | 0600);

    if (id < 0)
        bench_fail("shmget");
    return id;
}

static void
sysv_use(int id)
{
    char *addr = shmat(id, NULL, 0);

    if (addr == (void *)-1)
        bench_fail("shmat");
    bench_use(addr);
    shmdt(addr);
}

static void
sysv_begin(size_t size)
{
    held = sysv_get(size, IPC_CREAT | IPC_EXCL);
}

static void
sysv_end(void)
{
    shmctl(held, IPC_RMID, NULL);
}

static void
sysv_create_cycle(size_t size)
{
    sysv_begin(size);
    sysv_use(held);
    sysv_end();
}

static void
sysv_open_cycle(size_t size)
{
    sysv_use(sysv_get(size, 0));
}

static void
sysv_open_or_create_cycle(size_t size)
{
    sysv_use(sysv_get(size, IPC_CREAT));
}

static void
sysv_attach_cycle(size_t size)
{
    (void)size;
    shmdt(shmat(held, NULL, 0));
}

const struct contender naive_posix = {
    "naive",
    "posix",
    "whole when named, exact mode, reserved, holders counted, only its own name removed",
    posix_create_cycle,
    posix_begin,
    posix_end,
    posix_open_cycle,
    posix_attach_cycle,
    posix_open_or_create_cycle
};
const struct contender naive_sysv = { "naive",
                                      "sysv",
                                      "a name, whole when named, collected when killed",
                                      sysv_create_cycle,
                                      sysv_begin,
                                      sysv_end,
                                      sysv_open_cycle,
                                      sysv_attach_cycle,
                                      sysv_open_or_create_cycle };
