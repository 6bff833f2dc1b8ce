/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    void (*what)(const struct scenario *s);
    const struct scenario *s;
};

static int inspector,
    stranger; /* the ends here of the lines to it, and to one in another pid namespace */

/* At the meeting, what the child has made exists for everybody. */
static void
look(const struct scenario *s)
{
    struct shmx_stat st;
    const char      *wrong = find_incomplete(s->traits & PLAIN);
    const int        r = shmx_stat_name(WALK_NAME, &st);

    if (wrong != NULL)
        complain("what has the name", wrong);
    if (shared->named && r < 0)
        complain("to another process the name leads nowhere", shmx_strerror(r));
    if (!shared->named && r == 0)
        complain("to another process the name leads somewhere", "");
}

static void
clear_world(void)
{
    char           path[512], line[512];
    int            id;
    struct dirent *d;
    DIR           *dir = opendir("/dev/shm");
    FILE          *f = fopen("/proc/sysvipc/shm", "re");

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "/dev/shm/%s", d->d_name);
        unlink(path);
    }
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%*d %d", &id) == 1)
            shmctl(id, IPC_RMID, NULL);
    closedir(dir);
    fclose(f);
}

/* After a kill and after collecting, what must live is alive, and its name leads where it led
   before. */
static void
search(const struct scenario *s)
{
    const char *wrong = find_incomplete(s->traits & PLAIN);

    if (wrong != NULL)
        complain("what has the name", wrong);
    shmx_collect(0, NULL, NULL, NULL);
    if (!shared->lived.must)
        return;
    wrong = find_lost(&shared->lived, s->traits & PLAIN);
    if (wrong != NULL)
        complain("lost by a kill", wrong);
}

/* What was taken away by mistake gets its name back, and what may stay without a name is found by
   its id. */
static void
remove_what_stays(const struct scenario *s)
{
    char text[32];

    shmx_remove(WALK_NAME);
    shmx_remove("/aside");
    if (s->traits & LITTERED) {
        shmx_collect(0, NULL, NULL, NULL);
        shmx_remove(WALK_NAME);
    }
    if (!(s->traits & STAYS) || shared->lived.id < 0)
        return;
    snprintf(text, sizeof text, "sysv:id=%d", shared->lived.id);
    shmx_remove(text);
}

static void
inspect(const struct scenario *s)
{
    char         left[SNAPSHOT_MAX];
    struct shmx *seg;
    const char  *wrong = find_incomplete(s->traits & PLAIN);
    const bool   excused = shared->excuse & (FAULT_LEAVES | FAULT_LIES);
    const bool   nameless = (s->traits & STAYS) && !shared->lived.there;
    int          r;

    if (wrong != NULL && !(shared->excuse & FAULT_LIES))
        complain("what has the name", wrong);
    remove_what_stays(s);
    shmx_collect(nameless || excused ? SHMX_ORPHANS : 0, NULL, NULL, NULL);
    snapshot(left, SNAPSHOT_NAMES | SNAPSHOT_SEGMENTS);
    if (*left != '\0' && !excused)
        complain("left, though collected", left);
    clear_world();
    r = make_complete(s->flags, &seg);
    if (r != 1)
        complain("the name is of no use any more", shmx_strerror(r));
    else
        shmx_destroy(seg);
    if (r == 1)
        shmx_close(seg);
}

/* Intruders. */

static void
collect(const struct scenario *s)
{
    (void)s;
    shmx_collect(0, NULL, NULL, NULL);
}

static void
remove_name(const struct scenario *s)
{
    (void)s;
    shmx_remove(WALK_NAME);
}

static void
take_name(const struct scenario *s)
{
    struct shmx *seg;
    void        *addr;

    if (shmx_create(NULL, WALK_SIZE, 0640, s->flags & (POSIX | SYSV), &seg) < 0)
        return;
    if (shmx_attach(seg, 0, &addr) == 0)
        initialise(addr);
    if (shmx_publish(seg, WALK_NAME) < 0)
        shmx_destroy(seg);
    shmx_close(seg);
}

/* The one that walks. */

static void
ask(int line, void (*what)(const struct scenario *s), const struct scenario *s)
{
    const struct request request = { what, s };
    char                 done;

    if (write(line, &request, sizeof request) != sizeof request || read(line, &done, 1) != 1) {
        fprintf(stderr, "the inspector is gone\n");
        exit(1);
    }
}

void
inspector_intrude(const struct scenario *s, enum intruder who)
{
    /* Only one process can remove what is dead. */
    shared->disturbed =
        who != COLLECTOR || ((s->traits & TIDIES) && strcmp(s->function, "shmx_remove") == 0);
    if (who == COLLECTOR)
        ask(stranger, collect, s);
    else
        ask(inspector, who == TAKER ? take_name : remove_name, s);
}

void
inspector_look(const struct scenario *s)
{
    ask(inspector, look, s);
}

void
inspector_search(const struct scenario *s)
{
    ask(inspector, search, s);
}

void
inspector_inspect(const struct scenario *s)
{
    ask(inspector, inspect, s);
}

/* Returns this end of the line to a process that does what it is asked to do. */
static int
start(bool elsewhere)
{
    struct request request;
    int            line[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
        exit(1);
    switch (fork()) {
    case -1:
        exit(1);
    case 0:
        close(line[0]);
        /* walk itself does not go there, because only root of the machine can come back */
        if (elsewhere && (unshare(CLONE_NEWPID) < 0 || fork() != 0))
            exit(1);
        while (read(line[1], &request, sizeof request) == sizeof request) {
            request.what(request.s);
            if (write(line[1], "", 1) != 1)
                break;
        }
        exit(0);
    }
    close(line[1]);
    return line[0];
}

void
inspector_start(void)
{
    inspector = start(false);
    stranger = start(true);
}
