/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another process for the tests: an unrelated program that knows a segment only by its arguments.
 * It exits with 0 if it sees what it was told to expect. Otherwise it says why not and exits with
 * 1. It exits with 10 + n where that is the outcome.
 */
#include "shmx.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static void
die(const char *what, int r)
{
    fprintf(stderr, "peer %d: %s: %s\n", (int)getpid(), what, shmx_strerror(r));
    exit(1);
}

static struct shmx *
open_or_die(const char *name, unsigned flags)
{
    struct shmx *seg;
    int          r = shmx_open(name, flags, &seg);

    if (r < 0)
        die(name, r);
    return seg;
}

static void
tell(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

/* Waits until the test closes standard input, or kills this process. */
static void
wait_for_test(void)
{
    char c;

    while (read(0, &c, 1) > 0) {
    }
}

/* pattern NAME: every byte is as fill_pattern of the tests left it; then 1 is added to each. */
static int
do_pattern(char **argv)
{
    struct shmx   *seg = open_or_die(argv[2], 0);
    unsigned char *p;
    void          *addr;
    int64_t        i, size = shmx_size(seg);
    int            r = shmx_attach(seg, 0, &addr);

    if (r < 0)
        die("attach", r);
    for (i = 0, p = addr; i < size; i++) {
        if (p[i] != (unsigned char)(i * 7))
            die("wrong byte", -EIO);
        p[i]++;
    }
    shmx_close(seg);
    return 0;
}

/* hold NAME: opens the segment, says so, and stays. */
static int
do_hold(char **argv)
{
    struct shmx *seg = open_or_die(argv[2], 0);

    tell("held");
    wait_for_test();
    shmx_close(seg);
    return 0;
}

/* late-hold NAME: does the same, but only after a byte on standard input. */
static int
do_late_hold(char **argv)
{
    char c;

    tell("ready"); /* this is not a fork of the test any more, which would hold the segment until it
                      calls exec */
    if (read(0, &c, 1) != 1)
        die("start", -EIO);
    return do_hold(argv);
}

/* create NAME SIZE MODE FLAGS: creates the segment, says so, and stays. The segment is left. */
static int
do_create(char **argv)
{
    struct shmx *seg;
    int r = shmx_create(argv[2], strtoul(argv[3], NULL, 0), (mode_t)strtoul(argv[4], NULL, 8),
                        (unsigned)strtoul(argv[5], NULL, 0), &seg);

    if (r < 0)
        die(argv[2], r);
    tell(shmx_name(seg));
    wait_for_test();
    shmx_close(seg);
    return 0;
}

static int
slow_init(void *addr, size_t size, void *arg)
{
    int fd = open(arg, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd < 0 || write(fd, "x", 1) != 1)
        die(arg, -errno);
    close(fd);
    memset(addr, 0x11, size / 2);
    usleep(20000);
    memset((char *)addr + size / 2, 0x22, size - size / 2);
    return 0;
}

/* race NAME SIZE FLAGS LOG: waits for the start, then opens or creates. 10 is opened, 11
   created. */
static int
do_race(char **argv)
{
    size_t         i, size = strtoul(argv[3], NULL, 0);
    struct shmx   *seg;
    unsigned char *p;
    void          *addr;
    int            r, created;

    wait_for_test();
    created = shmx_open_or_create(argv[2], size, 0600, (unsigned)strtoul(argv[4], NULL, 0),
                                  slow_init, argv[5], &seg);
    if (created < 0)
        die(argv[2], created);
    r = shmx_attach(seg, SHMX_RDONLY, &addr);
    if (r < 0)
        die("attach", r);
    for (i = 0, p = addr; i < size; i++)
        if (p[i] != (i < size / 2 ? 0x11 : 0x22))
            die("not initialised", -EIO);
    shmx_close(seg);
    return 10 + created;
}

static int
stuck_init(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    tell("in init");
    wait_for_test();
    return 0;
}

/* stick NAME FLAGS: creates the segment, and is stuck in the initialiser. */
static int
do_stick(char **argv)
{
    struct shmx *seg;
    int          r = shmx_open_or_create(argv[2], 4096, 0600, (unsigned)strtoul(argv[3], NULL, 0),
                                         stuck_init, NULL, &seg);

    if (r < 0)
        die(argv[2], r);
    shmx_close(seg);
    return 10 + r;
}

/* plain-posix NAME: does what a program with shm_open does. The first byte becomes 'P'. */
static int
do_plain_posix(char **argv)
{
    int         fd = shm_open(argv[2], O_RDWR, 0);
    struct stat st;
    char       *p;

    if (fd < 0 || fstat(fd, &st) < 0)
        die("shm_open", -errno);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        die("mmap", -errno);
    *p = 'P';
    return 0;
}

/* plain-hold NAME: does the same, keeps the mapping but no descriptor, says so, and stays. */
static int
do_plain_hold(char **argv)
{
    int fd = shm_open(argv[2], O_RDONLY, 0);

    if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
        die("shm_open", -errno);
    close(fd);
    tell("mapped");
    wait_for_test();
    return 0;
}

static void *
hold_plainly(void *argv)
{
    exit(do_plain_hold(argv));
}

/* leaderless NAME: does the same in a thread, while the first thread of the process has ended. */
static int
do_leaderless(char **argv)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, hold_plainly, argv) != 0)
        die("pthread_create", -EAGAIN);
    pthread_exit(NULL);
}

/* plain-sysv KEY|-1 ID: does what a program with shmget does. The first byte becomes 'P'. */
static int
do_plain_sysv(char **argv)
{
    int   id = (int)strtol(argv[3], NULL, 0);
    char *p;

    if (strcmp(argv[2], "-1") != 0)
        id = shmget((key_t)strtoul(argv[2], NULL, 0), 0, 0);
    p = shmat(id, NULL, 0);
    if (p == (char *)-1) /* NOLINT(performance-no-int-to-ptr) */
        die("shmat", -errno);
    *p = 'P';
    return 0;
}

/* error NAME FLAGS NUMBER: opening must fail with exactly that errno. */
static int
do_error(char **argv)
{
    struct shmx *seg;
    int          r = shmx_open(argv[2], (unsigned)strtoul(argv[3], NULL, 0), &seg);

    if (r != -atoi(argv[4]))
        die("another outcome", r);
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(char **argv);
        int argc;
    } commands[] = {
        { "pattern", do_pattern, 3 },
        { "hold", do_hold, 3 },
        { "late-hold", do_late_hold, 3 },
        { "create", do_create, 6 },
        { "race", do_race, 6 },
        { "stick", do_stick, 4 },
        { "plain-posix", do_plain_posix, 3 },
        { "plain-hold", do_plain_hold, 3 },
        { "leaderless", do_leaderless, 3 },
        { "plain-sysv", do_plain_sysv, 4 },
        { "error", do_error, 5 },
    };
    size_t i;

    for (i = 0; i < sizeof commands / sizeof *commands; i++)
        if (argc == commands[i].argc && strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argv);
    fprintf(stderr, "peer: no such command\n");
    return 2;
}
