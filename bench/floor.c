/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: the fewest system calls by which a program that knows what it is doing can give by
 * hand what the library promises for these cycles. On POSIX, the name appears with the complete
 * segment, the mode is exact, the kernel counts the holder, and only the name of this very segment
 * is removed. On System V the same holds, and a process that is killed in between leaves a trace
 * that can be collected.
 */
#include "contender.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PATH "/dev/shm/" BENCH_NAME "-floor"

static int   held = -1;
static void *held_at;

static void
check(bool well, const char *what)
{
    if (!well)
        bench_fail(what);
}

/* A process never changes its pid namespace, so the number is read once. */
static unsigned long
pid_space(void)
{
    static unsigned long number;
    char                 text[32];
    ssize_t              length;

    if (number == 0) {
        length = readlink("/proc/self/ns/pid", text, sizeof text - 1);
        check(length > 0, "readlink");
        text[length] = '\0';
        number = strtoul(text + 5, NULL, 10);
    }
    return number;
}

/* The hidden name of what is being made contains the maker, so that others can tell if the maker is
   dead. */
static void
hidden_name(char path[80])
{
    static unsigned count;

    snprintf(path, 80, "/dev/shm/.shmx-%lu-%d-%x", pid_space(), (int)getpid(), count++);
}

/* Those who remove names take turns, so that nobody makes another one between the look and the
   removal. */
static int
lock_directory(void)
{
    int fd = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    check(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, "flock");
    return fd;
}

static void
unlock_directory(int fd)
{
    flock(fd, LOCK_UN);
    close(fd);
}

static void
hold(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_len = 1 };

    lock.l_start = ((off_t)1 << 62) + ((off_t)pid_space() << 22) + getpid();
    check(fcntl(fd, F_OFD_SETLK, &lock) == 0, "lock");
}

static int
posix_create(size_t size)
{
    struct stat   st;
    struct statfs fs;
    int           fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    check(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600, "open");
    check(fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC, "statfs");
    check(ftruncate(fd, (off_t)size) == 0, "ftruncate");
    hold(fd);
    check(linkat(fd, "", AT_FDCWD, PATH, AT_EMPTY_PATH) == 0, "linkat");
    return fd;
}

static void *
posix_attach(int fd)
{
    struct stat st;
    void       *addr;

    check(fstat(fd, &st) == 0, "fstat");
    addr = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(addr != MAP_FAILED, "mmap");
    return addr;
}

static void
posix_remove(int fd)
{
    struct stat mine, found;
    int         lock;

    check(fstat(fd, &mine) == 0 && mine.st_nlink == 1, "fstat");
    lock = lock_directory();
    check(lstat(PATH, &found) == 0 && mine.st_ino == found.st_ino, "lstat");
    check(unlink(PATH) == 0, "unlink");
    unlock_directory(lock);
}

static void
posix_create_cycle(size_t size)
{
    int   fd = posix_create(size);
    char *addr = posix_attach(fd);

    bench_use(addr);
    posix_remove(fd);
    munmap(addr, size);
    close(fd);
}

static int
posix_open(void)
{
    struct stat st;
    int         fd = open(PATH, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    check(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode), "open");
    hold(fd);
    return fd;
}

static void
posix_open_cycle(size_t size)
{
    int   fd = posix_open();
    char *addr = posix_attach(fd);

    bench_use(addr);
    munmap(addr, size);
    close(fd);
}

static void
posix_begin(size_t size)
{
    held = posix_create(size);
}

static void
posix_end(void)
{
    posix_remove(held);
    close(held);
}

static void
posix_attach_cycle(size_t size)
{
    munmap(posix_attach(held), size);
}

static int
sysv_create(size_t size, char text[80])
{
    char    hidden[80], space[32];
    int     key = 0, id;
    ssize_t length = readlink("/proc/thread-self/ns/ipc", space, sizeof space - 1);

    check(length > 0 && getrandom(&key, sizeof key, 0) == sizeof key, "key");
    space[length] = '\0';
    snprintf(text, 80, "sysv:key=0x%x size=%zu ipc=%lu", (unsigned)key, size,
             strtoul(space + 5, NULL, 10));
    hidden_name(hidden);
    check(symlink(text, hidden) == 0, "symlink");
    id = shmget(key, size, IPC_CREAT | IPC_EXCL | SHM_NORESERVE | 0600);
    check(id >= 0, "shmget");
    held_at = shmat(id, NULL, 0);
    check(held_at != (void *)-1, "shmat");
    check(renameat2(AT_FDCWD, hidden, AT_FDCWD, PATH, RENAME_NOREPLACE) == 0, "rename");
    return id;
}

static bool
leads_to(const char *path, const char *text)
{
    char    found[128];
    ssize_t length = readlink(path, found, sizeof found);

    return length == (ssize_t)strlen(text) && memcmp(found, text, strlen(text)) == 0;
}

/* Both the id and the link must still be those of this very segment. */
static void
sysv_remove(int id, const char *text)
{
    struct shmid_ds ds;
    struct stat     st;
    int             lock;

    check(shmctl(id, IPC_STAT, &ds) == 0, "shmctl");
    lock = lock_directory();
    check(leads_to(PATH, text) && lstat(PATH, &st) == 0 && st.st_uid == geteuid(), "readlink");
    check(shmctl(id, IPC_RMID, NULL) == 0 && unlink(PATH) == 0, "remove");
    unlock_directory(lock);
}

/* Maps what is held once more for the program. So what the program does to its mapping does not
   matter to what is held. */
static void
sysv_use(void *hold, size_t size)
{
    char *addr = mremap(hold, 0, size, MREMAP_MAYMOVE);

    check(addr != MAP_FAILED, "mremap");
    bench_use(addr);
    munmap(addr, size);
}

static void
sysv_create_cycle(size_t size)
{
    char text[80];
    int  id = sysv_create(size, text);

    sysv_use(held_at, size);
    sysv_remove(id, text);
    shmdt(held_at);
}

static char held_text[80];

static void
sysv_begin(size_t size)
{
    held = sysv_create(size, held_text);
}

static void
sysv_end(void)
{
    sysv_remove(held, held_text);
    shmdt(held_at);
}

/* Reads text and owner of one and the same link, and then examines the segment while it is held. */
static void
sysv_open_cycle(size_t size)
{
    struct stat     before, after;
    struct shmid_ds ds;
    char            text[128];
    unsigned        key;
    unsigned long   ipc;
    size_t          said;
    char           *addr;
    int             id;
    ssize_t         length = 0;

    check(lstat(PATH, &before) == 0 && (length = readlink(PATH, text, sizeof text - 1)) > 0
              && lstat(PATH, &after) == 0 && before.st_ino == after.st_ino,
          "link");
    text[length] = '\0';
    check(sscanf(text, "sysv:key=0x%x size=%zu ipc=%lu", &key, &said, &ipc) == 3, "text");
    id = shmget((key_t)key, 0, 0);
    check(id >= 0, "shmget");
    addr = shmat(id, NULL, 0);
    check(addr != (void *)-1 && shmctl(id, IPC_STAT, &ds) == 0, "shmat");
    check(ds.shm_segsz == size && ds.shm_segsz == said && ds.shm_perm.__key == (key_t)key
              && ds.shm_perm.uid == after.st_uid,
          "segment");
    sysv_use(addr, size);
    shmdt(addr);
}

static void
sysv_attach_cycle(size_t size)
{
    munmap(mremap(held_at, 0, size, MREMAP_MAYMOVE), size);
}

const struct contender floor_posix = { "floor",
                                       "posix",
                                       "",
                                       posix_create_cycle,
                                       posix_begin,
                                       posix_end,
                                       posix_open_cycle,
                                       posix_attach_cycle,
                                       posix_open_cycle };
const struct contender floor_sysv = {
    "floor",           "sysv",         "", sysv_create_cycle, sysv_begin, sysv_end, sysv_open_cycle,
    sysv_attach_cycle, sysv_open_cycle
};
