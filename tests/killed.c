/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * killed DIRECTORY EXAMPLE BACKEND KILLS [SEED] runs the example programs of that directory (ring,
 * table or config), and kills that many of them at random moments. The others finish, or they
 * notice the death. What the programs share is never half written. tests/world runs this.
 */
#include "shmx.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH  (3 << 20) /* the size of the file that goes through the ring */
#define WATCHED 4096
#define LETTERS 900 /* in one configuration */

static const char *directory, *example, *backend;
static unsigned    seed;
static int         kills, wanted;

static void
fail(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "FAILED after %d kills: ", kills);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    kill(0, SIGKILL); /* the whole process group, which belongs to this program */
    exit(1);
}

static unsigned
up_to(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* Starts an example with this standard input and output. Its messages are dropped. */
static pid_t
start(int in, int out, const char *program, ...)
{
    const char *argv[8] = { program };
    char        path[4096];
    va_list     args;
    int         n = 1;
    pid_t       pid;

    va_start(args, program);
    while ((argv[n] = va_arg(args, const char *)) != NULL)
        n++;
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", directory, program);
    pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        dup2(in, 0);
        dup2(out, 1);
        if (getenv("VERBOSE") == NULL)
            dup2(open("/dev/null", O_WRONLY), 2);
        execv(path, (char *const *)argv);
        _exit(127);
    }
    return pid;
}

/* Returns the exit status, or -1 if the process has not ended after that many milliseconds. */
static int
await(pid_t pid, int milliseconds)
{
    int status, k;

    for (k = 0; k <= milliseconds; k++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        usleep(1000);
    }
    return -1;
}

/* Returns whether the process has stopped, and is not asleep. */
static bool
has_stopped(pid_t pid)
{
    pid_t found = 0;
    int   status, k;

    for (k = 0; found == 0 && k < 10000; k++)
        found = waitpid(pid, &status, WNOHANG);
    return found == pid && WIFSTOPPED(status);
}

/* The beginning of the segment that the processes share; NULL if there is none. */
static struct shmx *watched;

static const char *
watch(void)
{
    char  name[64];
    void *addr;

    snprintf(name, sizeof name, "/killed-%s", example);
    if (shmx_open(name, SHMX_RDONLY, &watched) < 0) {
        watched = NULL;
        return NULL;
    }
    return shmx_attach(watched, 0, &addr) == 0 ? addr : NULL;
}

/* Lets the process go on, instruction by instruction, until the shared memory has changed that many
   times. At a random moment, a process is hardly ever at one of the few instructions that
   matter. */
static void
step(pid_t pid, const char *memory, unsigned changes)
{
    char before[WATCHED];
    int  k;

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
        return;
    memcpy(before, memory, sizeof before);
    for (k = 0; k < 3000 && changes > 0 && has_stopped(pid); k++) {
        if (memcmp(before, memory, sizeof before) != 0) {
            memcpy(before, memory, sizeof before);
            if (--changes == 0)
                break;
        }
        ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
    }
}

static void
kill_one(pid_t pid)
{
    const char *memory = up_to(4) > 0 ? watch() : NULL;

    if (memory != NULL)
        step(pid, memory, 1 + up_to(24));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (watched != NULL)
        shmx_close(watched);
    watched = NULL;
    kills++;
}

static int
temporary(void)
{
    int fd = memfd_create("killed", MFD_CLOEXEC);

    if (fd < 0)
        fail("memfd_create");
    return fd;
}

/* ---- ring ---- */

static char *original;

static char *
new_name(const char *prefix, const char *word)
{
    static char name[64];

    snprintf(name, sizeof name, "%s%s/killed-%s", prefix, *prefix != '\0' ? ":" : "", word);
    return name;
}

static pid_t
start_producer(void)
{
    int   in = temporary();
    pid_t pid;

    if (pwrite(in, original, LENGTH, 0) != LENGTH)
        fail("write");
    pid = start(in, 1, "producer", new_name(backend, "ring"), (char *)NULL);
    close(in);
    return pid;
}

static pid_t
start_consumer(int out)
{
    return start(0, out, "consumer", new_name("", "ring"), (char *)NULL);
}

static void
check_copy(int out)
{
    char *copy = malloc(LENGTH + 1);

    if (copy == NULL || pread(out, copy, LENGTH + 1, 0) != LENGTH
        || memcmp(copy, original, LENGTH) != 0)
        fail("a consumer that ended well has something else");
    free(copy);
}

/* The survivor notices the death, or it waits for somebody to begin with, and then gets one. */
static void
follow_survivor(pid_t survivor, bool consumes, int out)
{
    pid_t partner;
    int   tries, status = await(survivor, 300), other;

    for (tries = 0; status < 0 && tries < 20; tries++) {
        other = temporary();
        partner = consumes ? start_producer() : start_consumer(other);
        status = await(survivor, 1000);
        if (await(partner, 0) < 0) {
            kill(partner, SIGKILL);
            waitpid(partner, NULL, 0);
        }
        close(other);
    }
    if (status < 0)
        fail("the %s hangs", consumes ? "consumer" : "producer");
    if (status > 1)
        fail("the %s ended with %d", consumes ? "consumer" : "producer", status);
    if (consumes && status == 0)
        check_copy(out);
}

static void
run_ring(void)
{
    const bool consumer_first = up_to(2), kill_consumer = up_to(2);
    int        out = temporary();
    pid_t      producer, consumer;

    consumer = consumer_first ? start_consumer(out) : -1;
    if (consumer_first)
        usleep(up_to(2000));
    producer = start_producer();
    if (!consumer_first) {
        usleep(up_to(2000));
        consumer = start_consumer(out);
    }
    if (up_to(10) == 0) {
        if (await(consumer, 20000) != 0 || await(producer, 20000) != 0)
            fail("without a kill, they have not ended well");
        check_copy(out);
    } else {
        usleep(up_to(9000));
        kill_one(kill_consumer ? consumer : producer);
        follow_survivor(kill_consumer ? producer : consumer, !kill_consumer, out);
    }
    close(out);
}

static void
test_ring(void)
{
    int k;

    original = malloc(LENGTH);
    for (k = 0; original != NULL && k < LENGTH; k++)
        original[k] = (char)rand_r(&seed);
    while (kills < wanted)
        run_ring();
}

/* ---- table ---- */

static void
check_sum(void)
{
    char  text[64] = "";
    int   out = temporary();
    pid_t pid = start(0, out, "table", new_name(backend, "table"), "0", (char *)NULL);

    if (await(pid, 20000) != 0)
        fail("the table cannot be read");
    if (pread(out, text, sizeof text - 1, 0) < 0 || strncmp(text, "sum 64000,", 10) != 0)
        fail("the sum is another one: %s", text);
    if (kills >= wanted)
        printf("%s", text);
    close(out);
}

static void
test_table(void)
{
    enum { PROCESSES = 4 };
    pid_t pids[PROCESSES];
    int   k;

    for (k = 0; k < PROCESSES; k++)
        pids[k] = start(0, 2, "table", new_name(backend, "table"), "1000000000", (char *)NULL);
    while (kills < wanted) {
        usleep(up_to(6000));
        k = (int)up_to(PROCESSES);
        kill_one(pids[k]);
        pids[k] = start(0, 2, "table", new_name(backend, "table"), "1000000000", (char *)NULL);
        if (kills % 10 == 0)
            check_sum();
    }
    for (k = 0; k < PROCESSES; k++)
        kill_one(pids[k]);
    check_sum();
}

/* ---- config ---- */

struct watcher {
    pid_t pid;
    int   out;
};

static void
start_watcher(struct watcher *w)
{
    w->out = temporary();
    w->pid = start(0, w->out, "config", "watch", new_name("", "config"), (char *)NULL);
}

/* Each complete line has a number, which grows, and one letter many times. Returns whether there is
   a line with that letter. */
static bool
check_lines(int out, char last)
{
    char     path[64], line[2000], *text;
    unsigned number, before = 0;
    bool     found = false;
    FILE    *f;

    snprintf(path, sizeof path, "/proc/self/fd/%d", out);
    f = fopen(path, "re"); /* a duplicate would share its position with the watcher */
    if (f == NULL)
        fail("%s", path);
    while (fgets(line, sizeof line, f) != NULL && strchr(line, '\n') != NULL) {
        number = (unsigned)strtoul(line, &text, 10);
        if (number <= before || *text++ != ' ' || strspn(text, (char[]){ *text, '\0' }) != LETTERS)
            fail("a watcher has seen: %s", line);
        before = number;
        found = *text == last;
    }
    fclose(f);
    return found;
}

static void
end_watcher(struct watcher *w)
{
    kill_one(w->pid);
    check_lines(w->out, '\0');
    close(w->out);
}

/* Starts a process that sets so many texts. The last one consists of that letter. */
static pid_t
start_setter(int count, char last)
{
    char  line[LETTERS + 1];
    int   in = temporary(), k;
    pid_t pid;

    for (k = 1; k <= count; k++) {
        memset(line, k < count ? (char)('a' + up_to(26)) : last, LETTERS);
        line[LETTERS] = '\n';
        if (write(in, line, sizeof line) != sizeof line)
            fail("write");
    }
    lseek(in, 0, SEEK_SET);
    pid = start(in, 2, "config", "set", new_name(backend, "config"), (char *)NULL);
    close(in);
    return pid;
}

/* Lets the process go on until it is about to wake others. */
static void
run_until_wake(pid_t pid)
{
    struct __ptrace_syscall_info info = { 0 };

    while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_futex) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0 || waitpid(pid, NULL, 0) != pid
            || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
            fail("ptrace");
    }
}

/* Kills a process that has set a text, and has not told anybody yet. */
static void
kill_before_wake(char letter)
{
    char  line[LETTERS + 1];
    int   ends[2];
    pid_t pid;

    memset(line, letter, LETTERS);
    line[LETTERS] = '\n';
    if (pipe2(ends, O_CLOEXEC) < 0)
        fail("pipe2");
    pid = start(ends[0], 2, "config", "set", new_name(backend, "config"), (char *)NULL);
    usleep(100000); /* it waits for a line now, or it will */
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0
        || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, NULL, 0) != pid
        || write(ends[1], line, sizeof line) != sizeof line)
        fail("ptrace");
    run_until_wake(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static void
await_letter(const struct watcher *w, char letter)
{
    int waited;

    for (waited = 0; !check_lines(w->out, letter); waited++) {
        if (waited == 20000)
            fail("a watcher has not seen %c", letter);
        usleep(1000);
    }
}

static void
test_config(void)
{
    struct watcher watchers[2];
    unsigned       k;
    pid_t          pid;

    for (k = 0; k < 2; k++)
        start_watcher(&watchers[k]);
    while (kills < wanted) {
        pid = start_setter(2000, 'z');
        usleep(up_to(4000));
        kill_one(pid);
        if (up_to(10) == 0) {
            k = up_to(2);
            end_watcher(&watchers[k]);
            start_watcher(&watchers[k]);
        }
    }
    if (await(start_setter(1, 'Z'), 20000) != 0)
        fail("the last one cannot set it");
    for (k = 0; k < 2; k++)
        await_letter(&watchers[k], 'Z');
    kill_before_wake('Y');
    for (k = 0; k < 2; k++) {
        await_letter(&watchers[k], 'Y');
        end_watcher(&watchers[k]);
    }
}

int
main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    directory = argv[1];
    example = argv[2];
    backend = argv[3];
    wanted = atoi(argv[4]);
    seed = argc > 5 ? (unsigned)atoi(argv[5]) : (unsigned)time(NULL);
    printf("killed %s %s %s %d %u\n", directory, example, backend, wanted, seed);
    fflush(stdout);
    setpgid(0, 0);
    if (strcmp(example, "ring") == 0)
        test_ring();
    else if (strcmp(example, "table") == 0)
        test_table();
    else if (strcmp(example, "config") == 0)
        test_config();
    printf("%d kills\n", kills);
    return kills < wanted;
}
