/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storm SECONDS [both|posix|sysv [SEED]]: processes create, open, publish, write, resize, change,
 * collect, destroy and remove over a few names. Some of them have children that share their handles
 * or leave for other IPC namespaces, and they are killed at any moment. Whoever opens a segment
 * finds it complete, initialised and of one generation. A segment that is being named is not lost,
 * a segment that is held keeps its name, and a segment that is resized has one of the sizes. When
 * all is over and collected, only segments that are named and complete are left. tests/world runs
 * this. The program prints the seed, which repeats what each process tries, but not the order in
 * which the kernel runs the processes.
 */
#include "storm.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct storm *storm;
const size_t  sizes[SIZES] = { SIZE, SIZE + 1, 3 * SIZE - 100, 5 * SIZE };

static struct shmx *held[2];

void
violation(const char *what, int r)
{
    fprintf(stderr, "VIOLATION in %d: %s (%s)\n", (int)getpid(), what, shmx_strerror(r));
    storm->violations++;
    _exit(1);
}

/* Every word is the same number, the generation, which is not 0. */
int
initialise(void *addr, size_t size, void *arg)
{
    const unsigned generation = (unsigned)rand() | 1;
    unsigned      *words = addr;
    size_t         i;

    (void)size, (void)arg;
    for (i = 0; i < WORDS; i++) {
        if (words[i] != 0)
            violation("fresh memory is not zero", 0);
        words[i] = generation;
    }
    return 0;
}

/* Prints what a half-made segment looks like, for whoever has to find the cause. */
static void
tell_mixture(struct shmx *seg, const unsigned *words)
{
    struct shmx_stat st = { 0 };
    size_t           i;

    shmx_stat(seg, &st);
    fprintf(stderr, "%s: state %#x, id %d, key %#x, inode %llu, made by %d, last used by %d\n",
            shmx_name(seg), st.state, st.id, (unsigned)st.key, (unsigned long long)st.ino,
            (int)st.cpid, (int)st.lpid);
    for (i = 0; i < WORDS; i++)
        if (i == 0 || words[i] != words[i - 1])
            fprintf(stderr, "from word %zu on: %#x\n", i, words[i]);
}

static void
verify_words(struct shmx *seg)
{
    const unsigned *words;
    void           *addr;
    size_t          i;
    int             r = shmx_attach_range(seg, 0, SIZE, SHMX_RDONLY, &addr);

    if (r < 0)
        violation("attach", r);
    for (i = 0, words = addr; i < WORDS; i++)
        if (words[i] == 0 || words[i] != words[0]) {
            tell_mixture(seg, words);
            violation("not of one generation", 0);
        }
    r = shmx_detach(seg, addr);
    if (r < 0)
        violation("detach", r);
}

void
verify(struct shmx *seg)
{
    if (shmx_size(seg) != SIZE)
        violation("not full-sized", 0);
    verify_words(seg);
}

void
verify_sized(struct shmx *seg)
{
    static char   rest[5 * SIZE], zero[5 * SIZE];
    const int64_t size = shmx_size(seg);
    ssize_t       n;
    int           i = 0;

    while (i < SIZES && size != (int64_t)sizes[i])
        i++;
    if (i == SIZES)
        violation("a size that nobody has asked for", 0);
    verify_words(seg);
    n = shmx_read(seg, rest, sizeof rest, SIZE);
    if (n < 0 || memcmp(rest, zero, (size_t)n) != 0)
        violation("what was added is not zero", n < 0 ? (int)n : 0);
}

static pid_t
start(unsigned worker, unsigned seed)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(worker, seed);
    }
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    setpgid(pid, pid);
    return pid;
}

/* Removes anonymous persistent segments that the process has made and left. Only their ids lead to
   them, so nobody else would. */
static void
remove_anonymous(pid_t pid)
{
    char     line[512];
    int      id, key, maker, attached;
    unsigned mode;
    FILE    *f = fopen("/proc/sysvipc/shm", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%d %d %o %*u %d %*d %d", &key, &id, &mode, &maker, &attached) == 5
            && key == 0 && maker == pid && attached == 0 && !(mode & SHM_DEST))
            shmctl(id, IPC_RMID, NULL);
    if (f != NULL)
        fclose(f);
}

/* Checks that what a killed worker was publishing still exists. */
static void
look_after(unsigned worker, pid_t pid)
{
    struct slot *slot = &storm->slots[worker];
    struct shmx *seg;
    char         name[32];
    int          r;

    if (slot->keeping == PUBLISHING && slot->id >= 0) {
        snprintf(name, sizeof name, "sysv:id=%d", slot->id);
        r = shmx_open(name, 0, &seg);
        if (r < 0)
            violation("a segment that was being published is lost", r);
        verify(seg);
        shmx_close(seg);
    }
    snprintf(name, sizeof name, "/kept%u", worker);
    r = shmx_open(name, 0, &seg);
    expect("open what was published", r, 0);
    if (r == 0) {
        verify(seg);
        expect("destroy what was published", shmx_destroy(seg), 0);
        shmx_close(seg);
    }
    snprintf(name, sizeof name, KEPT_KEY, KEY_OF(worker));
    expect("remove a key", shmx_remove(name), 0);
    remove_anonymous(pid);
    slot->keeping = NOT_KEEPING;
    snprintf(name, sizeof name, "/elsewhere%u", worker);
    expect("remove what is elsewhere", shmx_remove(name), 0);
}

/* Kills the worker, and in most cases its children. Returns false if the worker had found a
   violation before. */
static bool
stop(unsigned worker, pid_t pid)
{
    int status;

    kill(rand() % 4 ? -pid : pid, SIGKILL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    shmx_collect(0, NULL, NULL, NULL);
    look_after(worker, pid);
    return WIFSIGNALED(status) && storm->violations == 0;
}

/* A segment that is left must be persistent, have a name and be complete. */
static int
inspect(const char *name, const struct shmx_stat *st, void *arg)
{
    struct shmx *seg;

    if (st->state != 0 || shmx_open(name, 0, &seg) < 0) {
        fprintf(stderr, "VIOLATION: %s is left, state %#x\n", name, st->state);
        *(bool *)arg = false;
        return 0;
    }
    if (strstr(name, "/sized") != NULL)
        verify_sized(seg);
    else
        verify(seg);
    shmx_destroy(seg);
    shmx_close(seg);
    return 0;
}

/* Holds ephemeral segments all the time, so that they can always be opened. */
static void
hold(void)
{
    int r = 0;

    if (storm->backends & SHMX_POSIX)
        r = shmx_open_or_create(HELD_POSIX, SIZE, 0600, SHMX_POSIX | SHMX_EPHEMERAL, initialise,
                                NULL, &held[0]);
    if (r >= 0 && (storm->backends & SHMX_SYSV))
        r = shmx_open_or_create(HELD_SYSV, SIZE, 0600, SHMX_SYSV | SHMX_EPHEMERAL, initialise, NULL,
                                &held[1]);
    if (r < 0)
        violation("hold", r);
}

static void
let_go(void)
{
    struct shmx_stat st;
    int              i;

    for (i = 0; i < 2; i++) {
        if (held[i] == NULL)
            continue;
        verify(held[i]);
        if (shmx_stat(held[i], &st) < 0 || (st.state & SHMX_IS_NAMELESS))
            violation("what was held has lost its name", 0);
        shmx_close(held[i]);
    }
}

/* Removes links that a killed process has left, whose segments were in an IPC namespace of its own.
   Nobody here can tell that such a link leads nowhere. */
static int
remove_foreign_links(void)
{
    char           path[512], text[256], here[64] = "", *ipc;
    struct dirent *d;
    int            count = 0;
    DIR           *dir = opendir("/dev/shm");

    if (readlink("/proc/self/ns/ipc", here, sizeof here - 1) < 0)
        return -1;
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "/dev/shm/%s", d->d_name);
        memset(text, 0, sizeof text);
        if (strncmp(d->d_name, ".shmx-", 6) != 0 || readlink(path, text, sizeof text - 1) < 0)
            continue;
        ipc = strstr(text, " ipc=");
        if (ipc != NULL && strtoul(ipc + 5, NULL, 10) != strtoul(strchr(here, '[') + 1, NULL, 10))
            count += unlink(path) == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static bool
rage(time_t end, unsigned seed)
{
    pid_t    pids[WORKERS];
    unsigned generation = 0, i;
    bool     well = true;

    srand(seed);
    for (i = 0; i < WORKERS; i++)
        pids[i] = start(i, seed + generation++);
    while (well && time(NULL) < end) {
        usleep(1000 + (useconds_t)(rand() % 5000));
        i = (unsigned)rand() % WORKERS;
        well = stop(i, pids[i]);
        pids[i] = start(i, seed + generation++);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        } /* grandchildren */
    }
    for (i = 0; i < WORKERS; i++)
        well = stop(i, pids[i]) && well;
    while (waitpid(-1, NULL, 0) > 0) {
    }
    printf("storm: %u kills\n", generation);
    fflush(stdout);
    return well && storm->violations == 0;
}

int
main(int argc, char **argv)
{
    const time_t   end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    const unsigned seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : (unsigned)time(NULL);
    bool           well;

    storm = mmap(NULL, sizeof *storm, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (storm == MAP_FAILED)
        return 1;
    storm->backends = SHMX_POSIX | SHMX_SYSV;
    if (argc > 2 && strcmp(argv[2], "both") != 0)
        storm->backends = strcmp(argv[2], "posix") == 0 ? SHMX_POSIX : SHMX_SYSV;
    printf("storm: seed %u\n", seed);
    fflush(stdout);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    hold();
    well = rage(end, seed);
    let_go();
    shmx_collect(0, NULL, NULL, NULL);
    printf("storm: %d links to other IPC namespaces\n", remove_foreign_links());
    fflush(stdout);
    shmx_list(0, inspect, &well);
    if (well && shmx_collect(0, NULL, NULL, NULL) == 0)
        return execlp("sh", "sh", "-c", "ls -A /dev/shm | { ! grep . ; }", (char *)NULL);
    return 1;
}
