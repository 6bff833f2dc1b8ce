/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsing the text of a name, and printing it. */
#ifndef SHMX_NAME_H
#define SHMX_NAME_H

#include <limits.h>

/* Entries of the directory of names with this prefix are the library's own. */
#define NAME_HIDDEN ".shmx-"

/* Room for the text of any reference. */
#define NAME_TEXT_MAX (sizeof "posix:/" + NAME_MAX)

enum reference_kind { REFERENCE_ANONYMOUS, REFERENCE_NAME, REFERENCE_KEY, REFERENCE_ID };

struct reference {
    enum reference_kind kind;
    unsigned            backend; /* SHMX_POSIX or SHMX_SYSV; 0 if the text does not say */
    const char         *entry;   /* REFERENCE_NAME: the name without its slash, which points into
                                    the text */
    int number;                  /* REFERENCE_KEY: the key; REFERENCE_ID: the id */
};

/* The text may be NULL, which means an anonymous segment. Returns 0, -EINVAL or -ENAMETOOLONG. */
int shmx_reference_parse(const char *text, struct reference *ref);

/* Prints a name, key or id in the form that shmx_reference_parse understands. */
void shmx_reference_print(const struct reference *ref, char text[NAME_TEXT_MAX]);

#endif
