/* SPDX-License-Identifier: BSD-2-Clause */
/* The other processes of fuzz_calls. Each shares the handles, and ends before its parent goes
   on. */
#include "calls.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static void
wait_for(pid_t pid)
{
    int   status;
    pid_t r;

    do /* a timer of libFuzzer may interrupt this */
        r = waitpid(pid, &status, 0);
    while (r < 0 && errno == EINTR);
    must(r == pid && status == 0);
}

/* The child does some steps with what it inherits and opens. In the end it closes everything, or
   does not. */
void
do_fork(void)
{
    const unsigned steps = 1 + next(3);
    const bool     orderly = next(2);
    unsigned       k;
    pid_t          pid;

    if (in_child)
        return;
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        begin_child();
        for (k = 0; k < steps; k++) {
            step();
            forget_objects();
            compare();
        }
        for (k = 0; orderly && k < HANDLES; k++)
            if (handles[k].seg != NULL) {
                do_close(&handles[k]);
                forget_objects();
                compare();
            }
        _exit(0);
    }
    wait_for(pid);
    end_child();
}

/* Makes a segment of a stranger that has the id here. Returns -1 if there can be none. */
static int
make_decoy(const struct object *o)
{
    FILE *f = fopen("/proc/sys/kernel/shm_next_id", "we");

    if (f == NULL)
        return -1;
    fprintf(f, "%d", o->id);
    fclose(f);
    return shmget(IPC_PRIVATE, o->size, 0600);
}

static void
check_decoy(int id)
{
    struct shmid_ds ds;

    if (id < 0)
        return;
    must(shmctl(id, IPC_STAT, &ds) == 0);
    must(ds.shm_nattch == 0 && ds.shm_atime == 0 && ds.shm_perm.mode == 0600);
    must(shmctl(id, IPC_RMID, NULL) == 0);
}

/* A segment that was opened in another namespace can be used, but nothing can be done to it by its
   id. */
static void
use_from_elsewhere(struct handle *h)
{
    const int        decoy = make_decoy(h->object);
    unsigned char    bytes[SIZE_MOST + 1];
    struct shmx_stat st;
    void            *addr;

    must(shmx_stat(h->seg, &st) == -ENOENT);
    must(shmx_chmod(h->seg, 0600) == -ENOENT);
    must(shmx_chown(h->seg, 0, 0) == -ENOENT);
    must(shmx_pin(h->seg) == -ENOENT && shmx_unpin(h->seg) == -ENOENT);
    must(shmx_publish(h->seg, "/elsewhere") == (h->name >= 0 ? -EINVAL : -ENOENT));
    must(shmx_destroy(h->seg) == -ENOENT);
    must(shmx_size(h->seg) == (int64_t)h->object->size);
    must(shmx_read(h->seg, bytes, sizeof bytes, 0) == (ssize_t)h->object->size);
    must(memcmp(bytes, h->object->bytes, h->object->size) == 0);
    if (h->object->page == PAGE) { /* pages of the pool are attached by their id */
        must(shmx_attach(h->seg, 0, &addr) == 0);
        must(memcmp(addr, h->object->bytes, h->object->size) == 0);
        must(shmx_detach(h->seg, addr) == 0);
    }
    shmx_close(h->seg);
    check_decoy(decoy);
}

static void
look_from_elsewhere(int name)
{
    const struct object *o = shared->names[name];
    struct shmx         *seg;
    struct shmx_stat     st;
    char                 text[24];

    if (o == NULL || !is_sysv(o))
        return;
    snprintf(text, sizeof text, "/fuzz%d", name);
    must(shmx_open(text, 0, &seg) == -EXDEV);
    must(shmx_stat_name(text, &st) == -EXDEV);
    must(shmx_create(text, 1, 0600, 0, &seg) == -EEXIST);
}

/* A child leaves for an IPC namespace of its own. */
void
do_unshare(void)
{
    pid_t pid = fork();
    int   k;

    must(pid >= 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWIPC) < 0) /* it cannot have one */
            _exit(0);
        for (k = 0; k < NAMES; k++)
            look_from_elsewhere(k);
        for (k = 0; k < HANDLES; k++)
            if (handles[k].seg != NULL && is_sysv(handles[k].object))
                use_from_elsewhere(&handles[k]);
        must(shmx_collect(SHMX_SYSV | SHMX_ORPHANS, NULL, NULL, NULL) == 0);
        _exit(0);
    }
    wait_for(pid);
}

/* Two processes resize at the same time. The result is one of the two sizes. What both leave keeps
   its contents, and the rest has its contents or is zero. */
void
do_resize_together(struct handle *h)
{
    const size_t   one = next(SIZE_MOST + 1), other = next(SIZE_MOST + 1);
    struct object *o = h->object;
    unsigned char  bytes[SIZE_MOST];
    size_t         k, size, kept = one < other ? one : other;
    pid_t          pid;

    if (is_sysv(o) || h->rdonly)
        return;
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        must(shmx_resize(h->seg, one) == 0);
        _exit(0);
    }
    must(shmx_resize(h->seg, other) == 0);
    wait_for(pid);
    size = (size_t)shmx_size(h->seg);
    must(size == one || size == other);
    must(shmx_read(h->seg, bytes, sizeof bytes, 0) == (ssize_t)size);
    for (k = 0; k < size; k++)
        must(bytes[k] == o->bytes[k] || (k >= kept && bytes[k] == 0));
    memset(o->bytes, 0, sizeof o->bytes);
    memcpy(o->bytes, bytes, size);
    o->size = size;
}
