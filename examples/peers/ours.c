/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of this directory have the same small conversation, each with another language or
 * library. They read commands from standard input, and answer each with one line.
 *
 *     create REFERENCE     make a segment of 4,096 bytes, which must not exist: ok, or no
 *     open REFERENCE       open an existing segment: ok, or no
 *     write TEXT, read     write a text at its beginning, or read it
 *     destroy              remove its name, key or id: ok, or no
 *     close                end what create or open began
 *
 * This program uses libshmx, and a reference is a name of shmx(7). With "ours apr", the segment
 * begins with its size, as APR makes it.
 *
 *     cc -o ours ours.c $(pkg-config --cflags --libs libshmx)
 */
#include <shmx.h>
#include <stdio.h>
#include <string.h>

static size_t       header;
static struct shmx *seg;
static char        *text;

static int
begin(int r)
{
    void *addr;

    if (r == 0)
        r = shmx_attach(seg, 0, &addr);
    if (r == 0)
        text = (char *)addr + header;
    return r;
}

static int
create(const char *name)
{
    const size_t size = header + 4096;
    int          r = shmx_create(name, size, 0600, 0, &seg);

    if (r == 0 && header > 0 && shmx_write(seg, &size, header, 0) < 0)
        r = -1;
    return begin(r);
}

static int
obey(const char *command, const char *argument)
{
    if (strcmp(command, "create") == 0)
        return create(argument);
    if (strcmp(command, "open") == 0)
        return begin(shmx_open(argument, 0, &seg));
    if (strcmp(command, "destroy") == 0)
        return shmx_destroy(seg);
    if (strcmp(command, "write") == 0)
        strcpy(text, argument);
    else if (strcmp(command, "close") == 0) {
        shmx_close(seg);
        seg = NULL;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    char line[256], *argument;
    int  r;

    if (argc == 2 && strcmp(argv[1], "apr") == 0)
        header = sizeof(size_t);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        argument = line + strcspn(line, " ");
        if (*argument != '\0')
            *argument++ = '\0';
        r = obey(line, argument);
        puts(r < 0 ? "no" : strcmp(line, "read") == 0 ? text : "ok");
        fflush(stdout);
    }
    shmx_close(seg);
    return 0;
}
