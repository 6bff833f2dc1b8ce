/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transcript posix|sysv uses the calls that the preloaded library carries in many ways, also in odd
 * and wrong ones, and prints what they return. It is run with and without that library, and the
 * output is the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

/* Prints the result, and the name of errno if the call has failed. */
#define say(call) answer(#call, (long)(call))

static long
answer(const char *call, long r)
{
    if (r == -1)
        printf("%s: %s\n", call, strerrorname_np(errno));
    else
        printf("%s: %ld\n", call, r);
    fflush(stdout);
    return r;
}

#define say_whether(call) answer_whether(#call, (call))

/* For results that differ from run to run, such as addresses. */
static void *
answer_whether(const char *call, void *r)
{
    printf("%s: %s\n", call, r == (void *)-1 ? strerrorname_np(errno) : "an address");
    fflush(stdout);
    return r;
}

static void
describe(int fd)
{
    struct stat st;

    if (say(fstat(fd, &st)) == 0)
        printf("mode %o links %d owner %d size %ld blocks %ld flags %x cloexec %d\n", st.st_mode,
               (int)st.st_nlink, (int)st.st_uid, (long)st.st_size, (long)st.st_blocks,
               fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND), fcntl(fd, F_GETFD));
}

static int
is_mapped(void *addr)
{
    unsigned char resident;

    return mincore(addr, PAGE, &resident) == 0;
}

static void
names(void)
{
    static const char *const odd[] = { "",        "/",          "//",       "a/b",
                                       "/a/b",    ".",          "/..",      "//twice",
                                       "posix:x", "sysv:key=7", "/.hidden", "/.shmx-1" };
    char                     name[300] = "/";
    size_t                   i;
    int                      fd;

    for (i = 0; i < sizeof odd / sizeof *odd; i++) {
        printf("name \"%s\"\n", odd[i]);
        if ((fd = (int)say(shm_open(odd[i], O_RDWR | O_CREAT | O_EXCL, 0600))) >= 0)
            close(fd);
        say(shm_unlink(odd[i]));
    }
    for (i = 254; i <= 257; i++) {
        memset(name + 1, 'n', i);
        name[i + 1] = '\0';
        if ((fd = (int)say(shm_open(name, O_RDWR | O_CREAT, 0600))) >= 0)
            close(fd);
        say(shm_unlink(name));
    }
}

static void
flags(void)
{
    static const mode_t modes[] = { 0, 0200, 0400, 0600, 0666, 0777, 01644 };
    size_t              i;
    int                 fd, other;

    umask(027);
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        fd = (int)say(shm_open("/t", O_RDWR | O_CREAT | O_EXCL, modes[i]));
        describe(fd);
        say(shm_open("/t", O_RDWR | O_CREAT | O_EXCL, 0600));
        close((int)say(shm_open("/t", O_RDWR | O_CREAT, 0644)));
        close((int)say(shm_open("/t", O_RDONLY, 0)));
        close(fd);
        say(shm_unlink("/t"));
        say(shm_unlink("/t"));
    }
    umask(022);
    say(shm_open("/t", O_RDWR, 0600));
    fd = (int)say(shm_open("/t", O_RDONLY | O_CREAT, 0644));
    describe(fd);
    say(ftruncate(fd, 10));
    other = (int)say(shm_open("/t", O_RDWR, 0));
    say(ftruncate(other, 10000));
    describe(fd);
    close((int)say(shm_open("/t", O_RDWR | O_TRUNC, 0)));
    describe(fd);
    close((int)say(shm_open("/t", O_WRONLY, 0)));
    close((int)say(shm_open("/t", O_RDWR | O_NONBLOCK, 0)));
    close(fd);
    close(other);
    say(close(other));
    say(shm_unlink("/t"));
}

static void
sizes(void)
{
    static const off_t lengths[] = { 0, 1, 4096, 5000, 1 << 20, 100, -1, (off_t)1 << 50 };
    struct stat        st;
    size_t             i;
    int                fd = (int)say(shm_open("/t", O_RDWR | O_CREAT, 0600)), dup_fd = dup(fd);
    char              *map;

    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        printf("length %ld\n", (long)lengths[i]);
        say(ftruncate(i % 2 ? fd : dup_fd, lengths[i]));
        describe(fd);
        describe(dup_fd);
    }
    say(ftruncate(fd, 3 * PAGE));
    map = say_whether(mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dup_fd, 0));
    memset(map, 1, 2 * PAGE);
    describe(fd);
    say(ftruncate(fd, PAGE + 1));
    say(ftruncate(fd, 3 * PAGE));
    say(map[PAGE] * 2 + map[PAGE + 1]);
    say(fchmod(fd, 01640));
    say(fstat(fd, &st));
    describe(fd);
    say(munmap(map, 3 * PAGE));
    close(fd);
    close(dup_fd);
    say(fstat(fd, &st));
    say(ftruncate(fd, 0));
    say(ftruncate(0, -1));
    say(shm_unlink("/t"));
}

static void
mappings(void)
{
    int   fd = (int)say(shm_open("/t", O_RDWR | O_CREAT, 0600)), rd;
    char *map, *again;

    /* It reaches beyond the end, but is not touched there. */
    say_whether(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    say(ftruncate(fd, 5 * PAGE - 10));
    rd = (int)say(shm_open("/t", O_RDONLY, 0));
    say_whether(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rd, 0));
    say_whether(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
    say_whether(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 7));
    say_whether(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 99, 0));
    say_whether(mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, fd, 0));
    say_whether(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
    map = say_whether(mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    strcpy(map + PAGE, "shared");
    again = say_whether(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rd, PAGE));
    say(strcmp(again, "shared"));
    say(mprotect(again, PAGE, PROT_READ | PROT_WRITE));
    say(munmap(again, 1));
    again = say_whether(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, rd, PAGE));
    strcpy(again, "copy");
    say(strcmp(map + PAGE, "shared"));
    say(munmap(again, PAGE));

    again =
        say_whether(mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0));
    describe(fd);
    say(munmap(again, 5 * PAGE));

    say(munmap(map, 5 * PAGE));
    say(close(fd));
    say(close(rd));
}

/* The descriptor is closed, the mapping stays, and the number of the descriptor is given out
   again. */
static void
mapping_without_descriptor(void)
{
    int   fd = (int)say(shm_open("/t", O_RDWR, 0)), next;
    char *map = say_whether(mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)), *part;

    say(close(fd));
    next = (int)say(open("/dev/null", O_RDONLY));
    say(strcmp(map + PAGE, "shared"));
    say(munmap(map + 2 * PAGE, PAGE)); /* the middle page */
    say(is_mapped(map + 2 * PAGE));
    say(munmap(map, PAGE));
    part = mmap(map, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(part, "another's");
    say(strcmp(map + PAGE, "shared"));
    say(munmap(map + PAGE, 4 * PAGE));
    say(is_mapped(map + PAGE));
    say(strcmp(part, "another's"));
    say(close(next));
    munmap(part, PAGE);
}

/* Mappings at given addresses, over each other. */
static void
fixed_mappings(void)
{
    int   fd = (int)say(shm_open("/t", O_RDWR, 0));
    char *map = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *again;

    say_whether(mmap(map, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0));
    say(mmap(map, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == map);
    say(mmap(map + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, PAGE)
        == map + PAGE);
    say(strcmp(map + PAGE, "shared"));
    say(munmap(map, PAGE));
    say(mmap(map, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, PAGE) == map);
    say(munmap(map + PAGE, 3 * PAGE));
    say(strcmp(map, "shared"));
    say(munmap(map, PAGE));
    say(is_mapped(map));
    say(is_mapped(map + 4 * PAGE));
    say(mmap(map, PAGE, PROT_READ, MAP_SHARED, fd, PAGE) == map); /* a wish that can be granted */
    again = mremap(map, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    say(strcmp(again, "shared"));
    say(munmap(again, 2 * PAGE));
    munmap(map, 8 * PAGE);
    say(close(fd));
}

/* Another file gets the number of a descriptor. */
static void
replaced_descriptor(void)
{
    int fd = (int)say(shm_open("/t", O_RDWR, 0)), next = open("/dev/null", O_RDONLY);

    say(dup2(next, fd) == fd);
    say(ftruncate(fd, 0));
    say_whether(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
    close(next);
    say(shm_unlink("/t"));
}

static void
processes(void)
{
    int   fd = (int)say(shm_open("/t", O_RDWR | O_CREAT, 0600)), status;
    char *map;
    pid_t pid;

    say(ftruncate(fd, PAGE));
    map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid = fork();
    if (pid == 0) {
        strcpy(map, "child");
        status = munmap(map, PAGE) | close(fd) | shm_unlink("/t");
        _exit(status);
    }
    waitpid(pid, &status, 0);
    say(status);
    say(strcmp(map, "child"));
    describe(fd);
    say(munmap(map, PAGE));
    say(close(fd));
    say(shm_open("/t", O_RDWR, 0));

    fd = (int)say(shm_open("/t", O_RDWR | O_CREAT, 0600));
    pid = fork();
    if (pid == 0) {
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(0);
        say(shm_open("/t", O_RDWR, 0));
        say(shm_open("/t", O_RDONLY, 0));
        say(shm_unlink("/t"));
        say(ftruncate(fd, 100));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    describe(fd);
    close(fd);
    say(shm_unlink("/t"));
    say(symlink("/etc/passwd", "/dev/shm/t"));
    say(shm_open("/t", O_RDONLY, 0));
    say(shm_open("/t", O_RDWR | O_CREAT, 0600));
    say(shm_unlink("/t"));
    say(mkdir("/dev/shm/t", 0700));
    say(shm_open("/t", O_RDONLY, 0));
    say(shm_unlink("/t"));
    say(rmdir("/dev/shm/t"));
}

/* Ids differ from run to run. Of the times in IPC_STAT, this prints only whether there are any. */
static void
describe_segment(int id)
{
    struct shmid_ds ds;

    if (say(shmctl(id, IPC_STAT, &ds)) == 0)
        printf(
            "key %#x mode %o size %lu attached %lu cpid %d lpid %d times %d %d %d uid %u cuid %u\n",
            (unsigned)ds.shm_perm.__key, ds.shm_perm.mode, (unsigned long)ds.shm_segsz,
            (unsigned long)ds.shm_nattch, ds.shm_cpid == getpid(),
            ds.shm_lpid == getpid() ? 1 : (int)!!ds.shm_lpid, ds.shm_atime != 0, ds.shm_dtime != 0,
            ds.shm_ctime != 0, ds.shm_perm.uid, ds.shm_perm.cuid);
}

static int
get(key_t key, size_t size, int flags)
{
    int id = shmget(key, size, flags);

    printf("shmget %#x %zu %#o: ", (unsigned)key, size, (unsigned)flags);
    answer("an id", id < 0 ? -1 : 0);
    return id;
}

static void
segments(void)
{
    int   id;
    char *map, *again;

    get(0x7171, 100, 0);
    get(0x7171, 0, IPC_CREAT | 0600);
    get(0x7171, (size_t)-1, IPC_CREAT | 0600);
    id = get(0x7171, 10000, IPC_CREAT | IPC_EXCL | 0640);
    describe_segment(id);
    get(0x7171, 10000, IPC_CREAT | IPC_EXCL | 0640);
    say(get(0x7171, 10000, IPC_CREAT | 0600) == id);
    say(get(0x7171, 0, 0) == id);
    get(0x7171, 10001, 0);
    map = say_whether(shmat(id, NULL, 0));
    strcpy(map, "shared");
    describe_segment(id);
    again = say_whether(shmat(id, NULL, SHM_RDONLY));
    say(strcmp(again, "shared"));
    describe_segment(id);
    say(shmdt(again));
    say(shmdt(again));
    say(shmdt(map + 1));
    describe_segment(id);
    say_whether(shmat(id, map, 0));
    say_whether(shmat(id, map + 1, 0));
    say_whether(shmat(id, NULL, SHM_REMAP));
    say_whether(shmat(id, again + 1, SHM_RND));
    say(shmdt(again));
    say(shmdt(map));
    describe_segment(id);
}

static void
attached_over(void)
{
    int   id = get(0x7171, 0, 0), other = get(IPC_PRIVATE, 5000, 0600);
    char *map = say_whether(shmat(id, NULL, 0));

    say(shmat(other, map, SHM_REMAP) == map);
    describe_segment(id);
    describe_segment(other);
    say(shmdt(map));
    describe_segment(other);
    say(shmctl(other, IPC_RMID, NULL));
    say(shmctl(other, IPC_RMID, NULL));
    say_whether(shmat(other, NULL, 0));
    describe_segment(other);
}

static void
changed_segment(void)
{
    int             id = get(0x7171, 0, 0), status;
    struct shmid_ds ds;
    struct shminfo  info;
    char           *map, *again;
    pid_t           pid;

    say(shmctl(id, IPC_STAT, &ds));
    ds.shm_perm.mode = 0604;
    ds.shm_perm.uid = 1;
    say(shmctl(id, IPC_SET, &ds));
    describe_segment(id);
    say(shmctl(id, SHM_LOCK, NULL));
    describe_segment(id);
    say(shmctl(id, SHM_UNLOCK, NULL));
    say(shmctl(id, 99, NULL));
    say(shmctl(-1, IPC_RMID, NULL));
    say(shmctl(0, IPC_INFO, (struct shmid_ds *)&info) >= 0);
    map = say_whether(shmat(id, NULL, 0));
    pid = fork();
    if (pid == 0) {
        strcpy(map, "child");
        _exit(shmdt(map) | shmctl(id, IPC_RMID, NULL));
    }
    waitpid(pid, &status, 0);
    say(status);
    say(strcmp(map, "child"));
    describe_segment(id);
    say(get(0x7171, 0, 0));
    again = say_whether(shmat(id, NULL, 0)); /* it is removed, and still there */
    say(shmdt(again));
    say(shmdt(map));
    describe_segment(id);
}

/* Removes a segment once more while it is still attached, as the remover and as others. */
static void
removed_twice(void)
{
    int   id = get(0x7173, 100, IPC_CREAT | 0600), status;
    char *map = say_whether(shmat(id, NULL, 0)), *again;
    pid_t pid;

    say(shmctl(id, IPC_RMID, NULL));
    say(shmctl(id, IPC_RMID, NULL));
    describe_segment(id);
    get(0x7173, 0, 0);
    again = say_whether(shmat(id, NULL, 0));
    say(shmctl(id, IPC_RMID, NULL));
    pid = fork();
    if (pid == 0) {
        say(shmctl(id, IPC_RMID, NULL));
        if (setresuid(65534, 65534, 65534) == 0)
            say(shmctl(id, IPC_RMID, NULL));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    say(shmdt(again));
    say(shmctl(id, IPC_RMID, NULL));
    say(shmdt(map));
    say(shmctl(id, IPC_RMID, NULL));
    describe_segment(id);
}

static void
segments_of_others(void)
{
    int             id = get(0x7172, 100, IPC_CREAT | 0600), open = get(IPC_PRIVATE, 100, 0644);
    struct shmid_ds ds;
    int             status;
    pid_t           pid = fork();

    if (pid == 0) {
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(0);
        get(0x7172, 0, 0);
        get(0x7172, 0, 0400);
        get(0x7172, 0, IPC_CREAT | 0600);
        say_whether(shmat(id, NULL, 0));
        describe_segment(id);
        say(shmctl(id, IPC_RMID, NULL));
        memset(&ds, 0, sizeof ds);
        say(shmctl(id, IPC_SET, &ds));
        say(shmctl(id, SHM_LOCK, NULL));
        say_whether(shmat(open, NULL, 0));
        say_whether(shmat(open, NULL, SHM_RDONLY));
        describe_segment(open);
        say(shmctl(open, IPC_SET, &ds));
        id = get(IPC_PRIVATE, 100, 0); /* nobody has any right */
        say_whether(shmat(id, NULL, 0));
        describe_segment(id);
        say(shmctl(id, IPC_RMID, NULL));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    say(shmctl(open, IPC_RMID, NULL));
    say(shmctl(id, IPC_RMID, NULL));
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "posix") == 0) {
        names();
        flags();
        sizes();
        mappings();
        mapping_without_descriptor();
        fixed_mappings();
        replaced_descriptor();
        processes();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "sysv") == 0) {
        segments();
        attached_over();
        changed_segment();
        removed_twice();
        segments_of_others();
        return 0;
    }
    return 2;
}
