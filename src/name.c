/* SPDX-License-Identifier: BSD-2-Clause */
#include "name.h"

#include "shmx.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Moves *text past the word if *text begins with it. */
static bool
skip_word(const char **text, const char *word)
{
    const size_t length = strlen(word);

    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

static int
check_entry(const char *entry)
{
    const size_t length = strlen(entry);

    if (length == 0 || strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0
        || strchr(entry, '/') != NULL || strncmp(entry, NAME_HIDDEN, strlen(NAME_HIDDEN)) == 0)
        return -EINVAL;
    return length > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int
parse_number(const char *text, unsigned long long max, int *number)
{
    const bool         hex = skip_word(&text, "0x");
    unsigned long long value;

    if (*text == '\0' || text[strspn(text, hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
        return -EINVAL;
    errno = 0;
    value = strtoull(text, NULL, hex ? 16 : 10);
    if (errno != 0 || value > max)
        return -EINVAL;
    *number = (int)(unsigned)value;
    return 0;
}

/* Parses what follows "sysv:" and is not a plain name. */
static int
parse_raw(const char *text, struct reference *ref)
{
    int r;

    if (skip_word(&text, "key=")) {
        /* A key is an int, but it is often written as the unsigned hexadecimal number that ipcs(1)
           shows. */
        ref->kind = REFERENCE_KEY;
        r = parse_number(text, UINT_MAX, &ref->number);
        return r == 0 && ref->number == 0 ? -EINVAL : r; /* 0 is IPC_PRIVATE, which is not a key */
    }
    ref->kind = REFERENCE_ID;
    return skip_word(&text, "id=") ? parse_number(text, INT_MAX, &ref->number) : -EINVAL;
}

int
shmx_reference_parse(const char *text, struct reference *ref)
{
    *ref = (struct reference){ .kind = REFERENCE_ANONYMOUS };
    if (text == NULL)
        return 0;
    ref->kind = REFERENCE_NAME;
    if (skip_word(&text, "posix:"))
        ref->backend = SHMX_POSIX;
    else if (skip_word(&text, "sysv:"))
        ref->backend = SHMX_SYSV;
    if (ref->backend != 0 && *text != '/')
        return ref->backend == SHMX_SYSV ? parse_raw(text, ref) : -EINVAL;
    ref->entry = text + strspn(text, "/");
    return check_entry(ref->entry);
}

void
shmx_reference_print(const struct reference *ref, char text[NAME_TEXT_MAX])
{
    if (ref->kind == REFERENCE_KEY)
        snprintf(text, NAME_TEXT_MAX, "sysv:key=0x%x", (unsigned)ref->number);
    else if (ref->kind == REFERENCE_ID)
        snprintf(text, NAME_TEXT_MAX, "sysv:id=%d", ref->number);
    else
        snprintf(text, NAME_TEXT_MAX, "%s:/%s", ref->backend == SHMX_SYSV ? "sysv" : "posix",
                 ref->entry);
}
