/* SPDX-License-Identifier: BSD-2-Clause */
/* What the workers of a storm do. */
#include "storm.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes what is there already, because others verify meanwhile. */
static void
rewrite(struct shmx *seg)
{
    const size_t at = (size_t)rand() % WORDS * sizeof(unsigned);
    unsigned     word;

    if (shmx_read(seg, &word, sizeof word, at) != sizeof word
        || shmx_write(seg, &word, sizeof word, at) != sizeof word)
        violation("read and write", 0);
}

void
expect(const char *what, int r, int or_else)
{
    if (r < 0 && r != -ENOENT && r != or_else)
        violation(what, r);
}

/* Does the same as verify without an attachment, and writes the contents back. */
static void
verify_by_reading(struct shmx *seg)
{
    unsigned words[WORDS];
    size_t   i;

    if (shmx_read(seg, words, SIZE, 0) != SIZE)
        violation("read", 0);
    for (i = 0; i < WORDS; i++)
        if (!(words[i] & 1) || words[i] != words[0])
            violation("not of one generation, by reading", 0);
    if (shmx_write(seg, words, SIZE, 0) != SIZE)
        violation("write", 0);
}

/* Gets any segment, ephemeral or persistent, or NULL. */
static struct shmx *
get(const char *name, unsigned flags)
{
    struct shmx *seg;
    int          r;

    if (rand() % 2)
        flags |= SHMX_EPHEMERAL;
    r = shmx_open_or_create(name, SIZE, 0600, flags, initialise, NULL, &seg);
    expect("open_or_create", r, -EEXIST);
    return r < 0 ? NULL : seg;
}

static void
put(struct shmx *seg)
{
    if (rand() % 3 == 0)
        expect("destroy", shmx_destroy(seg), 0);
    shmx_close(seg);
}

static void
open_or_create(const char *name, unsigned flags)
{
    struct shmx *seg = get(name, flags);

    if (seg == NULL)
        return;
    verify(seg);
    rewrite(seg);
    put(seg);
}

static void
open_only(const char *name)
{
    struct shmx *seg;
    int          r = shmx_open(name, rand() % 2 ? SHMX_RDONLY : 0, &seg);

    expect("open", r, 0);
    if (r < 0)
        return;
    verify(seg);
    shmx_close(seg);
}

static void
look(const char *name)
{
    struct shmx_stat st;
    int              r = shmx_stat_name(name, &st);

    expect("stat_name", r, 0);
    if (r == 0 && st.size != SIZE)
        violation("stat_name: not full-sized", 0);
}

/* Makes a segment without a name, or with a raw key. */
static struct shmx *
make_nameless(const char *key, unsigned flags)
{
    struct shmx *seg;
    void        *addr;
    int          r = shmx_create(key, SIZE, 0600, flags, &seg);

    if (r < 0)
        violation("create", r);
    r = shmx_attach(seg, 0, &addr);
    if (r < 0)
        violation("attach", r);
    initialise(addr, SIZE, NULL);
    r = shmx_detach(seg, addr);
    if (r < 0)
        violation("detach", r);
    return seg;
}

/* Publishes an ephemeral segment under a name that others take, too. */
static void
publish(const char *name, unsigned flags)
{
    struct shmx *seg = make_nameless(NULL, flags | SHMX_EPHEMERAL);
    int          r = shmx_publish(seg, name);

    expect("publish", r, -EEXIST);
    if (r == 0)
        verify(seg);
    if (rand() % 2)
        expect("destroy", shmx_destroy(seg), 0);
    shmx_close(seg);
}

/* Publishes a persistent segment, which must not be lost if this process is killed. Others check
   that. */
static void
keep(unsigned worker, unsigned flags)
{
    struct slot     *slot = &storm->slots[worker];
    struct shmx     *seg;
    struct shmx_stat st;
    char             name[32];
    int              r;

    snprintf(name, sizeof name, KEPT_KEY, KEY_OF(worker));
    seg = make_nameless((flags & SHMX_SYSV) && rand() % 2 ? name : NULL, flags);
    r = shmx_stat(seg, &st);
    if (r < 0)
        violation("stat", r);
    slot->id = st.id;
    slot->keeping = PUBLISHING;
    snprintf(name, sizeof name, "/kept%u", worker);
    r = shmx_publish(seg, name);
    if (r < 0)
        violation("publish what nobody else names so", r);
    verify(seg);
    slot->keeping = DESTROYING;
    r = shmx_destroy(seg);
    if (r < 0)
        violation("destroy what nobody else destroys", r);
    slot->keeping = NOT_KEEPING;
    shmx_close(seg);
}

/* A child has the same handle. Whichever process closes it first, the other one goes on. */
static void
share(const char *name, unsigned flags)
{
    struct shmx *seg = get(name, flags);
    pid_t        pid;

    if (seg == NULL)
        return;
    pid = fork();
    if (pid == 0) {
        verify(seg);
        rewrite(seg);
        put(seg);
        _exit(0);
    }
    if (rand() % 2)
        verify(seg);
    put(seg);
    waitpid(pid, NULL, 0);
}

/* Makes a segment of that id in this IPC namespace, which has none. Returns false if that is
   impossible. */
static bool
imitate(int id)
{
    FILE *f = fopen("/proc/sys/kernel/shm_next_id", "w");

    if (f == NULL)
        return false;
    fprintf(f, "%d", id);
    fclose(f);
    return shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600) == id;
}

/* In another IPC namespace the handle can copy and attach, and nothing else. It has nothing to do
   with a segment there that has the same id. */
static void
check_identity(struct shmx *seg, int id)
{
    const bool       imitated = imitate(id);
    struct shmx_stat st;
    struct shmid_ds  ds;

    verify_by_reading(seg);
    if (shmx_stat(seg, &st) != -ENOENT || shmx_chmod(seg, 0700) != -ENOENT
        || shmx_destroy(seg) != -ENOENT)
        violation("a handle reaches into another IPC namespace", 0);
    verify(seg);
    if (imitated
        && (shmctl(id, IPC_STAT, &ds) < 0 || ds.shm_nattch != 0 || (ds.shm_perm.mode & SHM_DEST)))
        violation("a stranger's segment of another IPC namespace was touched", 0);
}

/* Nobody else takes the name. */
static void
leave(struct shmx *seg, const char *name)
{
    struct shmx_stat st;
    struct shmx     *own;
    int              r = shmx_stat(seg, &st);

    if (r < 0)
        violation("stat", r);
    if (unshare(CLONE_NEWIPC) < 0)
        return;
    check_identity(seg, st.id);
    shmx_close(seg);
    r = shmx_open_or_create(name, SIZE, 0600, SHMX_SYSV, initialise, NULL, &own);
    expect("open_or_create elsewhere", r, -EXDEV);
    if (r < 0)
        return;
    verify(own);
    if (rand() % 2)
        expect("destroy elsewhere", shmx_destroy(own), 0);
    shmx_close(own);
}

static void
wander(unsigned worker, const char *name)
{
    struct shmx *seg = get(name, SHMX_SYSV);
    char         elsewhere[32];
    pid_t        pid;

    if (seg == NULL)
        return;
    snprintf(elsewhere, sizeof elsewhere, "/elsewhere%u", worker);
    pid = fork();
    if (pid == 0) {
        if (shmx_fd(seg) < 0)
            leave(seg, elsewhere);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    put(seg);
    expect("remove what is elsewhere", shmx_remove(elsewhere), 0);
}

static void
resize(void)
{
    struct shmx *seg;
    char         name[16];
    int          r;

    if (!(storm->backends & SHMX_POSIX))
        return;
    snprintf(name, sizeof name, "/sized%d", rand() % SIZED);
    r = shmx_open_or_create(name, SIZE, 0600, SHMX_POSIX, initialise, NULL, &seg);
    if (r < 0)
        violation("open_or_create what is resized", r);
    r = shmx_resize(seg, sizes[rand() % SIZES]);
    if (r < 0)
        violation("resize", r);
    verify_sized(seg);
    shmx_close(seg);
}

/* Attaches over a mapping of this process, but not over one of the handle. Afterwards the place is
   free again. */
static void
replace(const char *name, unsigned flags)
{
    struct shmx *seg = get(name, flags);
    char        *area = mmap(NULL, 4 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void        *addr = area + SIZE, *over = area + SIZE + 4096;
    size_t       i;
    int          r;

    if (seg == NULL || area == MAP_FAILED)
        return;
    r = shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &addr);
    if (r < 0)
        violation("replace", r);
    r = shmx_attach(seg, SHMX_FIXED | SHMX_REPLACE, &over);
    if (r != -EBUSY)
        violation("replace an attachment of the same handle", r);
    verify(seg);
    rewrite(seg);
    if (*(unsigned *)addr != ((unsigned *)addr)[WORDS - 1])
        violation("what replaces shows something else", 0);
    r = shmx_detach(seg, addr);
    if (r < 0)
        violation("detach what replaces", r);
    if (mmap(addr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
        != addr)
        violation("mmap", 0);
    memset(addr, 0x7e, SIZE); /* not a generation, because those are odd */
    verify_by_reading(seg);
    put(seg);
    for (i = 0; i < SIZE; i++)
        if (((char *)addr)[i] != 0x7e)
            violation("something was written to where an attachment was", 0);
    munmap(area, 4 * SIZE);
}

static void
change(const char *name)
{
    static const mode_t modes[] = { 0600, 0640, 0660, 0700 };
    struct shmx        *seg;
    int                 r = shmx_open(name, 0, &seg);

    expect("open", r, 0);
    if (r < 0)
        return;
    r = shmx_chmod(seg, modes[rand() % 4]);
    if (r < 0)
        violation("chmod", r);
    verify(seg);
    shmx_close(seg);
}

/* A process holds it all the time, so its name never leads nowhere. */
static void
use_held(unsigned flags)
{
    const char  *name = flags & SHMX_SYSV ? HELD_SYSV : HELD_POSIX;
    struct shmx *seg;
    int          r = shmx_open(name, 0, &seg);

    if (r < 0)
        violation("what is held is not to be had", r);
    verify(seg);
    rewrite(seg);
    shmx_close(seg);
    if (rand() % 2)
        change(name);
}

static void
collect(void)
{
    int r = shmx_collect(rand() % 4 ? 0 : SHMX_DRY_RUN, NULL, NULL, NULL);

    if (r < 0)
        violation("collect", r);
}

static void
act(unsigned worker, const char *name, unsigned flags)
{
    switch (rand() % 18) {
    case 0:
    case 1:
    case 2:
        open_or_create(name, flags);
        break;
    case 3:
    case 4:
    case 5:
        open_only(name);
        break;
    case 6:
        expect("remove", shmx_remove(name), 0);
        break;
    case 7:
    case 8:
        publish(name, flags);
        break;
    case 9:
        keep(worker, flags);
        break;
    case 10:
        share(name, flags);
        break;
    case 11:
        resize();
        break;
    case 12:
        replace(name, flags);
        break;
    case 13:
        change(name);
        break;
    case 14:
    case 15:
        use_held(flags);
        break;
    case 16:
        collect();
        break;
    case 17:
        look(name);
        break;
    }
}

_Noreturn void
work(unsigned worker, unsigned seed)
{
    char     name[16];
    unsigned flags;

    srand(seed);
    for (;;) {
        snprintf(name, sizeof name, "/storm%d", rand() % NAMES);
        flags = storm->backends & (rand() % 2 ? SHMX_POSIX : SHMX_SYSV);
        if (flags == 0)
            flags = storm->backends;
        if (rand() % 100 == 0 && (storm->backends & SHMX_SYSV))
            wander(worker, name); /* namespaces take the kernel a while */
        else
            act(worker, name, flags);
    }
}
