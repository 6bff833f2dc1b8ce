/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments as rows of a table. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "processes.h"
#include "shmx.h"
#include "table.h"

struct row {
    char            *name;
    struct shmx_stat st;
    int64_t          holders;   /* -1: unknown */
    struct table     processes; /* of stat: rows are struct use */
    const char      *action;    /* of gc */
    const char      *reason;
};

struct rows {
    struct row *items;
    size_t      count;
};

struct row *rows_add(struct rows *rows, const char *name, const struct shmx_stat *st);
void        rows_free(struct rows *rows);

/* What is chosen of the columns. */
#define COLUMNS_MAX 32
struct selection {
    const struct column *items[COLUMNS_MAX];
    size_t               count;
};

/* Columns, by name in any case; separated by commas. A status: WRONG if there is no such one. */
int                        select_columns(struct selection *selection, const char *list);
extern const char          usual_columns[], all_columns[];
extern const struct column column_processes, column_action, column_reason;

void rows_print(const struct rows *rows, const struct selection *selection);

/* Words for what a segment is, separated by commas. */
void describe_state(const struct shmx_stat *st, int64_t holders, char *text, size_t room);

#endif
