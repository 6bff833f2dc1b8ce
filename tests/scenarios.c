/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginnings of scenarios, and what another process finds. */
#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct outputs outputs;
struct stage   stage;

const struct scenario *const scenario_tables[] = { name_scenarios,    life_scenarios,
                                                   collect_scenarios, memory_scenarios,
                                                   data_scenarios,    huge_scenarios,
                                                   wait_scenarios,    NULL };

void
need(const char *what, int64_t r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "preparing: %s: %s\n", what, shmx_strerror((int)r));
    _exit(3);
}

void
initialise(char *start)
{
    strcpy(start + WALK_SIZE - sizeof WALK_CONTENTS, WALK_CONTENTS);
}

static int
initialiser(void *start, size_t size, void *arg)
{
    (void)size, (void)arg;
    initialise(start);
    return 0;
}

int
make_complete(unsigned flags, struct shmx **out)
{
    flags &= ~SHMX_HUGE_ONLY; /* the segment is too small for that */
    return shmx_open_or_create(WALK_NAME, WALK_SIZE, 0640, flags, initialiser, NULL, out);
}

void
begin_with_nothing(const struct scenario *s)
{
    stage.size = WALK_SIZE;
    stage.uid = geteuid();
    stage.mode = 0640;
    stage.sparse = s->flags & SHMX_SPARSE;
}

void
begin_named(const struct scenario *s)
{
    begin_with_nothing(s);
    need("make", make_complete(s->flags, &stage.seg));
    stage.named = true;
}

void
begin_attached(const struct scenario *s)
{
    begin_named(s);
    need("attach", shmx_attach(stage.seg, 0, &stage.addr));
}

void
begin_anonymous(const struct scenario *s)
{
    void *start;

    begin_with_nothing(s);
    need("create", shmx_create(NULL, WALK_SIZE, 0640, s->flags, &stage.seg));
    need("attach", shmx_attach(stage.seg, 0, &start));
    if (!(s->traits & PLAIN))
        initialise(start);
    shmx_detach(stage.seg, start);
}

void
elsewhere(void (*body)(const struct scenario *s), const struct scenario *s)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        body(s);
        _exit(0);
    }
    need("wait", waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -EIO);
}

static void
make_dead(const struct scenario *s)
{
    struct shmx     *seg;
    struct shmx_stat st;

    need("make", make_complete(s->flags, &seg));
    need("stat", shmx_stat(seg, &st));
    if (!(s->flags & SHMX_EPHEMERAL)) /* an ephemeral one dies with this process */
        need("remove", shmctl(st.id, IPC_RMID, NULL));
}

void
begin_dead(const struct scenario *s)
{
    begin_with_nothing(s);
    elsewhere(make_dead, s);
}

void
keep_alive(void)
{
    stage.keeper = fork();
    if (stage.keeper == 0)
        for (;;)
            pause();
    need("fork", stage.keeper);
}

const char *
find_incomplete(bool plain)
{
    char         text[sizeof WALK_CONTENTS] = "";
    struct shmx *found;
    const char  *wrong = NULL;
    int          r = shmx_open(WALK_NAME, 0, &found);

    if (r < 0)
        return r == -ENOENT ? NULL : shmx_strerror(r);
    if (shmx_size(found) < WALK_SIZE)
        wrong = "the segment is not full-sized";
    else if (shmx_read(found, text, sizeof text, WALK_SIZE - sizeof text) != sizeof text
             || (!plain && strcmp(text, WALK_CONTENTS) != 0))
        wrong = "the segment is not initialised";
    shmx_close(found);
    return wrong;
}

/* Returns the id of the only System V segment, or -1. */
static int
only_segment(void)
{
    char  line[512];
    int   id = -1;
    FILE *f = fopen("/proc/sysvipc/shm", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "%*d %d", &id);
    if (f != NULL)
        fclose(f);
    return id;
}

void
note_lived(const struct scenario *s, struct lived *lived)
{
    struct stat st;
    const bool  held = stage.keeper != 0, ephemeral = s->flags & SHMX_EPHEMERAL;

    *lived = (struct lived){ .named = stage.named, .backend = s->flags & (POSIX | SYSV), .id = -1 };
    if (lived->backend == SYSV) {
        lived->id = only_segment();
        lived->there = lived->id >= 0;
        lived->must = lived->there && (!ephemeral || held);
    } else {
        lived->there = lstat("/dev/shm" WALK_NAME, &st) == 0 && S_ISREG(st.st_mode);
        lived->ino = st.st_ino;
        lived->must = lived->there && (!ephemeral || held);
    }
    if (s->traits & (ENDS | TIDIES))
        lived->must = false;
}

static const char *
find_lost_segment(const struct lived *lived, bool plain)
{
    struct shmx_stat st;
    struct shmx     *seg;
    char             name[32], text[sizeof WALK_CONTENTS] = "";
    int              r;

    snprintf(name, sizeof name, "sysv:id=%d", lived->id);
    r = shmx_open(name, 0, &seg);
    if (r < 0)
        return "the segment";
    r = (int)shmx_read(seg, text, sizeof text, WALK_SIZE - sizeof text);
    shmx_close(seg);
    if (r != sizeof text || (!plain && strcmp(text, WALK_CONTENTS) != 0))
        return "the contents";
    if (lived->named && (shmx_stat_name(WALK_NAME, &st) < 0 || st.id != lived->id))
        return "the name";
    return NULL;
}

const char *
find_lost(const struct lived *lived, bool plain)
{
    struct stat st;

    if (!lived->there)
        return NULL;
    if (lived->backend == SYSV)
        return find_lost_segment(lived, plain);
    if (lstat("/dev/shm" WALK_NAME, &st) < 0 || st.st_ino != lived->ino)
        return "the name";
    return find_incomplete(plain);
}
