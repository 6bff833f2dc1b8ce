/* SPDX-License-Identifier: BSD-2-Clause */
/* From a text to what it refers to. */
#ifndef SHMX_NAME_H
#define SHMX_NAME_H

/* What begins the library's own entries in the directory of names. */
#define NAME_HIDDEN ".shmx-"

enum reference_kind { REFERENCE_ANONYMOUS, REFERENCE_NAME, REFERENCE_KEY, REFERENCE_ID };

struct reference {
    enum reference_kind kind;
    unsigned            backend; /* SHMX_POSIX, SHMX_SYSV; 0: the text leaves it open */
    const char         *entry;   /* REFERENCE_NAME: the name without its slash, inside the text */
    int                 number;  /* REFERENCE_KEY, REFERENCE_ID */
};

/* Text may be NULL: anonymous. Returns 0, -EINVAL or -ENAMETOOLONG. */
int reference_parse(const char *text, struct reference *ref);

#endif
