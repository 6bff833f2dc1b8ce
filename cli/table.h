/* SPDX-License-Identifier: BSD-2-Clause */
/* Printing tables for people and for programs. Each column has a function that gives its cell of a
   row. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

/* What a row has in a column. A cell that is not filled in is unknown and printed as "-" or
   null. */
struct cell {
    bool        known;
    int64_t     number; /* NUMBER, HEX; SIZE in bytes; AGE in seconds; TIME in seconds since 1970 */
    const char *text;   /* NAME, TEXT; WORDS, which are separated by commas */
    char        room[80];     /* room for such a text */
    const struct table *rows; /* ROWS, which only JSON has */
};

struct column {
    const char *name; /* in capital letters; JSON has it in small letters */
    enum { NAME, TEXT, NUMBER, HEX, SIZE, AGE, TIME, WORDS, ROWS } kind;
    void (*tell)(const void *row, struct cell *cell);
};

struct table {
    const struct column *const *columns;
    size_t                      column_count;
    const void                 *rows;
    size_t                      row_count, row_size;
    bool (*is_bad)(const void *row); /* whether the row is shown in red; may be NULL */
};

/* The style of all tables. */
extern struct style {
    bool json;
    bool raw;      /* one blank between columns, no alignment, blanks escaped */
    bool zero;     /* names as they are, with a zero byte after each row */
    bool bytes;    /* sizes in bytes */
    bool octal;    /* permissions in octal */
    bool headless; /* no line with headings */
    bool colour;
} style;

void table_print(const struct table *table);

/* Returns whether the output should have colours. */
bool wants_colour(void);

#endif
