/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walker SCENARIO FLAGS: one use of the library, to be killed at each of its system calls; and
 * walker check: what a killed one left. The name is "/walk", the contents are CONTENTS.
 */
#include "shmx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME     "/walk"
#define SIZE     20000
#define CONTENTS "complete"

static void
check(const char *what, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "walker: %s: %s\n", what, shmx_strerror(r));
    exit(1);
}

/* The driver looks for this call in the trace: what follows is walked over. */
static void
begin(void)
{
    getppid();
}

static int
initialise(void *addr, size_t size, void *arg)
{
    (void)arg;
    strcpy((char *)addr + size - sizeof CONTENTS, CONTENTS);
    return 0;
}

static struct shmx *
make(unsigned flags)
{
    struct shmx *seg;

    check("make", shmx_open_or_create(NAME, SIZE, 0640, flags, initialise, NULL, &seg));
    return seg;
}

static void
create(unsigned flags)
{
    begin();
    shmx_close(make(flags));
}

static void
publish(unsigned flags)
{
    struct shmx *seg;
    void        *addr;

    check("create", shmx_create(NULL, SIZE, 0640, flags, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    initialise(addr, SIZE, NULL);
    begin();
    check("publish", shmx_publish(seg, NAME));
    shmx_close(seg);
}

static void
destroy(unsigned flags)
{
    struct shmx *seg = make(flags);

    begin();
    check("destroy", shmx_destroy(seg));
    shmx_close(seg);
}

static void
remove_by_name(unsigned flags)
{
    shmx_close(make(flags));
    begin();
    check("remove", shmx_remove(NAME));
}

static void
open_and_use(unsigned flags)
{
    struct shmx *seg = make(flags), *other;
    void        *addr;

    begin();
    check("open", shmx_open(NAME, 0, &other));
    check("attach", shmx_attach(other, 0, &addr));
    check("detach", shmx_detach(other, addr));
    shmx_close(other);
    shmx_close(seg);
}

static void
change(unsigned flags)
{
    struct shmx *seg = make(flags);

    begin();
    check("chmod", shmx_chmod(seg, 0600));
    check("chown", shmx_chown(seg, getuid(), getgid()));
    if (flags & SHMX_POSIX) {
        check("grow", shmx_resize(seg, 3 * SIZE));
        check("shrink", shmx_resize(seg, SIZE));
    }
    shmx_close(seg);
}

static void
collect(unsigned flags)
{
    shmx_close(make(flags));
    begin();
    check("collect", shmx_collect(SHMX_ORPHANS, NULL, NULL));
}

/* Whatever has the name is complete. */
static int
check_what_is_left(void)
{
    struct shmx *seg;
    char         text[sizeof CONTENTS] = "";
    int64_t      size;
    int          r = shmx_open(NAME, 0, &seg);

    if (r == 0) {
        size = shmx_size(seg);
        if (size < SIZE || shmx_read(seg, text, sizeof text, SIZE - sizeof CONTENTS) != sizeof text
            || strcmp(text, CONTENTS) != 0)
            check("a half-made segment", -EIO);
        check("destroy", shmx_destroy(seg));
        shmx_close(seg);
    } else if (r != -ENOENT) {
        check("open", r);
    }
    check("collect", shmx_collect(0, NULL, NULL));
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(unsigned flags);
    } scenarios[] = {
        { "create", create },         { "publish", publish },   { "destroy", destroy },
        { "remove", remove_by_name }, { "open", open_and_use }, { "change", change },
        { "collect", collect },
    };
    unsigned flags;
    size_t   i;

    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check_what_is_left();
    if (argc != 3)
        return 2;
    flags = (unsigned)strtoul(argv[2], NULL, 0);
    for (i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0) {
            scenarios[i].run(flags);
            return 0;
        }
    return 2;
}
