/* SPDX-License-Identifier: BSD-2-Clause */
/* From a text to what it refers to, and back. */
#ifndef SHMX_NAME_H
#define SHMX_NAME_H

#include <limits.h>

/* Entries of the directory of names that begin so are the library's own. */
#define NAME_HIDDEN ".shmx-"

/* Room for the text of any reference. */
#define NAME_TEXT_MAX (sizeof "posix:/" + NAME_MAX)

enum reference_kind { REFERENCE_ANONYMOUS, REFERENCE_NAME, REFERENCE_KEY, REFERENCE_ID };

struct reference {
    enum reference_kind kind;
    unsigned            backend; /* SHMX_POSIX, SHMX_SYSV; 0: the text leaves it open */
    const char         *entry;   /* REFERENCE_NAME: the name without its slash, inside the text */
    int                 number;  /* REFERENCE_KEY, REFERENCE_ID */
};

/* Text may be NULL: anonymous. Returns 0, -EINVAL or -ENAMETOOLONG. */
int shmx_reference_parse(const char *text, struct reference *ref);

/* The text of a name, key or id, which shmx_reference_parse understands. */
void shmx_reference_print(const struct reference *ref, char text[NAME_TEXT_MAX]);

#endif
