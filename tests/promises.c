/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of every segment and every handle, whatever has failed before. */
#include "scenarios.h"

#include "snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void
promise(bool kept, const char *what)
{
    if (!kept)
        complain("a broken promise", what);
}

/* What the kernel says of the segment of a handle. The library is only asked which segment that
   is. */
struct facts {
    bool          sysv, ephemeral, locked, linked;
    int           key, id;
    unsigned long ino;
    mode_t        mode;
    uid_t         uid;
    uint64_t      size, resident;
};

static bool
find_row(int id, struct facts *facts)
{
    char     line[512];
    unsigned mode = 0;
    int      row;
    bool     found = false;
    FILE    *f = fopen("/proc/sysvipc/shm", "re");

    while (!found && f != NULL && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, "%d %d %o %lu %*d %*d %*d %u", &facts->key, &row, &mode, &facts->size,
                       &facts->uid)
                    == 5
                && row == id;
    if (f != NULL)
        fclose(f);
    facts->mode = mode & 0777;
    facts->ephemeral = mode & SHM_DEST;
    facts->locked = mode & SHM_LOCKED;
    return found;
}

static bool
find_facts(struct shmx *h, struct facts *facts)
{
    const int        fd = shmx_fd(h);
    struct shmx_stat told;
    struct stat      st;

    *facts = (struct facts){ .sysv = fd < 0, .id = -1 };
    if (fd < 0) {
        facts->id = shmx_stat(h, &told) == 0 ? told.id : -1;
        return find_row(facts->id, facts);
    }
    if (fstat(fd, &st) < 0)
        return false;
    facts->ino = st.st_ino;
    facts->mode = st.st_mode & 0777;
    facts->ephemeral = st.st_mode & S_ISVTX;
    facts->uid = st.st_uid;
    facts->size = (uint64_t)st.st_size;
    facts->resident = (uint64_t)st.st_blocks * 512;
    facts->linked = st.st_nlink > 0;
    return true;
}

/* Checks with the kernel and with the library that the name leads to the segment. */
static void
check_name(const struct facts *facts)
{
    char             link[256] = "", lead[64];
    struct stat      st;
    struct shmx_stat told;
    const bool       there = lstat("/dev/shm" WALK_NAME, &st) == 0;
    const int        r = shmx_stat_name(WALK_NAME, &told);

    if (!stage.named) {
        promise(r < 0 || (facts->sysv ? told.id != facts->id : told.ino != facts->ino),
                "it has no name");
        return;
    }
    promise(there && r == 0, "the name leads to something");
    if (!facts->sysv) {
        promise(st.st_ino == facts->ino && told.ino == facts->ino, "the name leads to it");
        return;
    }
    if (facts->key != 0)
        snprintf(lead, sizeof lead, "sysv:key=0x%x size=", (unsigned)facts->key);
    else
        snprintf(lead, sizeof lead, "sysv:id=%d size=", facts->id);
    promise(readlink("/dev/shm" WALK_NAME, link, sizeof link - 1) > 0
                && strncmp(link, lead, strlen(lead)) == 0 && told.id == facts->id,
            "the name leads to it");
    promise(st.st_uid == facts->uid, "the link is the owner's");
}

static void
check_state(struct shmx *h, unsigned flags, const struct facts *facts, const struct scenario *s)
{
    struct shmx_stat told;
    const bool       ephemeral = s->flags & SHMX_EPHEMERAL;
    const int        r = shmx_stat(h, &told);

    promise(r == 0, "it can be examined");
    if (r < 0)
        return;
    promise(told.size == facts->size && told.mode == facts->mode && told.uid == facts->uid
                && told.id == facts->id && told.ino == facts->ino && told.key == facts->key,
            "shmx_stat tells what is so");
    promise(told.holders > 0, "it is held");
    if (!stage.destroyed && !(facts->sysv && (flags & OPENED_RAW)))
        promise(!(told.state & SHMX_IS_EPHEMERAL) == !ephemeral, "shmx_stat tells that it goes");
    if (facts->sysv)
        promise(!(told.state & SHMX_IS_DESTROYED) == !facts->ephemeral,
                "shmx_stat tells that it is destroyed");
    if (!(s->traits & LITTERED) && (!facts->sysv || strchr(shmx_name(h), '/') != NULL))
        promise(!(told.state & SHMX_IS_NAMELESS) == stage.named,
                "shmx_stat tells whether it has a name");
}

static void
check_facts_of(struct shmx *h, unsigned flags, const struct scenario *s)
{
    const bool   ephemeral = s->flags & SHMX_EPHEMERAL;
    struct facts facts;

    if (!find_facts(h, &facts)) {
        promise(false, "the segment of a handle is there");
        return;
    }
    promise(facts.size == stage.size, "the size is exact");
    promise(facts.mode == stage.mode, "the mode is exact");
    promise(facts.uid == stage.uid, "the owner is right");
    if (!(facts.sysv && stage.destroyed)) /* on System V that is the same mark */
        promise(facts.ephemeral == ephemeral, "it is ephemeral, or is not");
    if (!facts.sysv) {
        promise(stage.sparse || facts.resident >= facts.size, "its memory is reserved");
        promise(facts.linked == stage.named || (s->traits & LITTERED), "it has one name, or none");
        promise(!stage.pinned || (uint64_t)snapshot_locked() * 1024 >= facts.size, "it is pinned");
    } else {
        promise(facts.locked == stage.pinned, "it is pinned, or is not");
        promise(stage.keyed == (facts.key != 0 && !stage.named && !stage.destroyed),
                "nothing but the name leads to it");
    }
    check_name(&facts);
    check_state(h, flags, &facts, s);
}

/* Calls body for each handle of the scenario. */
static void
for_each_handle(const struct scenario *s,
                void (*body)(struct shmx *h, unsigned flags, const struct scenario *s))
{
    if (outputs.seg != NULL)
        body(outputs.seg, stage.out_flags, s);
    if (stage.seg != NULL)
        body(stage.seg, stage.seg_flags, s);
    if (stage.other != NULL)
        body(stage.other, stage.other_flags, s);
}

void
check_facts(const struct scenario *s)
{
    for_each_handle(s, check_facts_of);
}

/* Returns whether both are the contents, as reading shows them. */
static void
check_views(struct shmx *h, const char *one, const char *other)
{
    static char  bytes[5 << 20];
    const size_t size = (size_t)stage.size;

    promise(size <= sizeof bytes && shmx_read(h, bytes, sizeof bytes, 0) == (ssize_t)size,
            "it can be read, to its end");
    promise(memcmp(one, bytes, size) == 0 && memcmp(other, bytes, size) == 0,
            "attachments show what is read");
}

static void
check_writing(struct shmx *h, unsigned flags, char *one, const char *other)
{
    const char old = other[300];

    if (flags & SHMX_RDONLY) {
        promise(shmx_write(h, "y", 1, 300) == -EACCES, "a read-only handle cannot write");
        return;
    }
    one[300] = 'y';
    promise(other[300] == 'y', "attachments are of one memory");
    check_views(h, one, other);
    promise(shmx_write(h, &old, 1, 300) == 1 && one[300] == old, "what is written is seen");
}

/* Attaches twice, reads, writes, detaches, and does that once more. */
static void
check_uses_of(struct shmx *h, unsigned flags, const struct scenario *s)
{
    void *one, *other, *again;

    (void)s;
    if (shmx_attach(h, 0, &one) < 0 || shmx_attach(h, SHMX_RDONLY, &other) < 0) {
        promise(false, "it can be attached");
        return;
    }
    promise(one != other, "attachments have addresses of their own");
    check_views(h, one, other);
    check_writing(h, flags, one, other);
    promise(shmx_detach(h, one) == 0 && shmx_detach(h, one) == -EINVAL, "one can be detached once");
    check_views(h, other, other);
    promise(shmx_detach(h, other) == 0, "the other can be detached");
    promise(shmx_attach(h, 0, &again) == 0, "it can be attached again");
    check_views(h, again, again);
    promise(shmx_detach(h, again) == 0, "and detached");
}

void
check_uses(const struct scenario *s)
{
    for_each_handle(s, check_uses_of);
}

static void
end_name(const struct scenario *s)
{
    struct shmx *h = stage.seg != NULL ? stage.seg : outputs.seg;
    char         text[32];
    struct lived lived;

    if (h != NULL) {
        promise(shmx_destroy(h) == 0, "it can be destroyed");
        promise(shmx_destroy(h) == -ENOENT, "it can be destroyed once");
    } else if (stage.named) {
        promise(shmx_remove(WALK_NAME) == 0, "it can be removed");
    } else {
        note_lived(s, &lived);
        snprintf(text, sizeof text, "sysv:id=%d", lived.id);
        if (lived.id >= 0)
            promise(shmx_remove(text) == 0, "it can be removed by id");
    }
}

void
end_all(const struct scenario *s)
{
    if (stage.keeper > 0) {
        kill(stage.keeper, SIGKILL);
        waitpid(stage.keeper, NULL, 0);
    }
    if (outputs.stream != NULL)
        fclose(outputs.stream);
    /* An ephemeral segment goes with its last holder, and a destroyed one is gone already. */
    if (!(s->flags & SHMX_EPHEMERAL) && !stage.destroyed)
        end_name(s);
    shmx_close(outputs.seg);
    shmx_close(stage.other);
    shmx_close(stage.seg);
}
