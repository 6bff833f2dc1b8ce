/* SPDX-License-Identifier: BSD-2-Clause */
/* One printer for people and for programs: columns are data, and a row is told cell by cell. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

/* What a row says in a column. Untouched, it is unknown: "-", or null. */
struct cell {
    bool        known;
    int64_t     number; /* NUMBER, HEX; SIZE in bytes; AGE in seconds; TIME in seconds since 1970 */
    const char *text;   /* NAME, TEXT; WORDS, separated by commas */
    char        room[80];     /* for such a text */
    const struct table *rows; /* ROWS, of JSON alone */
};

struct column {
    const char *name; /* in capital letters; a member of JSON has small ones */
    enum { NAME, TEXT, NUMBER, HEX, SIZE, AGE, TIME, WORDS, ROWS } kind;
    void (*tell)(const void *row, struct cell *cell);
};

struct table {
    const struct column *const *columns;
    size_t                      column_count;
    const void                 *rows;
    size_t                      row_count, row_size;
    bool (*is_bad)(const void *row); /* shown in red; may be NULL */
};

/* How all tables are printed. */
extern struct style {
    bool json;
    bool raw;      /* one blank between columns, nothing aligned, blanks escaped */
    bool zero;     /* names as they are, and a zero byte after each row */
    bool bytes;    /* sizes in bytes */
    bool octal;    /* permissions in octal */
    bool headless; /* no line of headings */
    bool colour;
} style;

void table_print(const struct table *table);

/* Whether standard output is to have colours. */
bool wants_colour(void);

#endif
