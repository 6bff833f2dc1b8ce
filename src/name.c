/* SPDX-License-Identifier: BSD-2-Clause */
#include "name.h"

#include "shmx.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool
begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int
check_entry(const char *entry)
{
    size_t length = strlen(entry);

    if (length == 0 || strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0)
        return -EINVAL;
    if (strchr(entry, '/') != NULL || begins(entry, NAME_HIDDEN))
        return -EINVAL;
    return length > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* The whole text as a number: 1, written to *number; 0: it is none; -EINVAL: out of range. */
static int
parse_number(const char *text, unsigned long long max, int *number)
{
    bool               hex = begins(text, "0x");
    const char        *digits = hex ? text + 2 : text;
    unsigned long long value;

    if (*digits == '\0' || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
        return 0;
    errno = 0;
    value = strtoull(digits, NULL, hex ? 16 : 10);
    if (errno != 0 || value > max)
        return -EINVAL;
    *number = (int)(unsigned)value;
    return 1;
}

/* "sysv:key=…", "sysv:id=…": 1 and *ref is filled in; 0: it is neither. */
static int
parse_raw(const char *text, struct reference *ref)
{
    int r = 0;

    if (begins(text, "sysv:key=")) {
        /* Keys are int, and often written as the unsigned hexadecimal that ipcs shows. */
        r = parse_number(text + strlen("sysv:key="), UINT_MAX, &ref->number);
        ref->kind = REFERENCE_KEY;
        if (r == 1 && ref->number == 0)
            r = -EINVAL; /* IPC_PRIVATE names no segment */
    } else if (begins(text, "sysv:id=")) {
        r = parse_number(text + strlen("sysv:id="), INT_MAX, &ref->number);
        ref->kind = REFERENCE_ID;
    }
    ref->backend = SHMX_SYSV;
    return r;
}

int
reference_parse(const char *text, struct reference *ref)
{
    int r;

    *ref = (struct reference){ .kind = REFERENCE_ANONYMOUS };
    if (text == NULL)
        return 0;
    r = parse_raw(text, ref);
    if (r != 0)
        return r < 0 ? r : 0;

    *ref = (struct reference){ .kind = REFERENCE_NAME };
    if (begins(text, "posix:/")) {
        ref->backend = SHMX_POSIX;
        text += strlen("posix:");
    } else if (begins(text, "sysv:/")) {
        ref->backend = SHMX_SYSV;
        text += strlen("sysv:");
    }
    ref->entry = *text == '/' ? text + 1 : text;
    return check_entry(ref->entry);
}
