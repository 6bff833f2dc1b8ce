/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to people, and the check that the output was written. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
must(void *allocated)
{
    if (allocated == NULL) {
        fprintf(stderr, "shmx: out of memory\n");
        exit(FAILED);
    }
    return allocated;
}

void *
grown(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return must(reallocarray(items, count == 0 ? 1 : count * 2, size));
}

/* The text contains names and arguments, so all of it is escaped. */
static void
say(const char *before, const char *format, va_list args, const char *after)
{
    char *text, *shown;

    if (vasprintf(&text, format, args) < 0)
        text = must(NULL);
    shown = visible(text, false);
    fprintf(stderr, "shmx%s%s%s\n", before, shown, after);
    free(shown);
    free(text);
}

static void
say_of(const char *name, const char *format, va_list args)
{
    char *shown = visible(name, false), *before;

    if (asprintf(&before, ": %s: ", shown) < 0)
        before = must(NULL);
    say(before, format, args, "");
    free(before);
    free(shown);
}

int
note(const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_of(name, format, args);
    va_end(args);
    return OK;
}

int
complain_text(const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_of(name, format, args);
    va_end(args);
    return FAILED;
}

/* Adds to the words of the library what to do about the error from the shell. */
static const char *
hint(int error)
{
    switch (-error) {
    case EEXIST:
        return " ('shmx rm' removes it)";
    case ENOSPC:
    case ENOMEM:
        return " ('shmx doctor' shows the limits, 'shmx gc' removes dead segments)";
    case EXDEV:
        return " ('nsenter --ipc' enters that namespace, 'shmx rm' removes only the name)";
    default:
        return "";
    }
}

/* Returns whether the library refuses the name itself. Where -EINVAL has other causes, the callers
   explain them. */
static bool
is_malformed(const char *name)
{
    struct shmx_stat st;

    return shmx_stat_name(name, &st) == -EINVAL;
}

int
complain(const char *name, int error)
{
    if (error == -EINVAL && is_malformed(name))
        return complain_text(name,
                             "invalid argument: a NAME is /frames, posix:/frames, sysv:/frames, "
                             "sysv:key=0x51a3 or sysv:id=98310, without a further slash");
    return complain_text(name, "%s%s", shmx_strerror(error), hint(error));
}

int
wrong_use(const char *format, ...)
{
    char    before[32], after[48];
    va_list args;

    snprintf(before, sizeof before, " %s: ", current->name);
    snprintf(after, sizeof after, " (see 'shmx %s --help')", current->name);
    va_start(args, format);
    say(before, format, args, after);
    va_end(args);
    return WRONG;
}

int
finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OK;
    if (errno == EPIPE)
        leave_by_broken_pipe();
    return complain_text("standard output", "%s", strerror(errno));
}
