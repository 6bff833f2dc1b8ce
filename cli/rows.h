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
    int64_t          holders;   /* -1 if unknown */
    struct table     processes; /* for stat: its rows are struct use */
    const char      *action;    /* for gc */
    const char      *reason;
};

struct rows {
    struct row *items;
    size_t      count;
};

struct row *rows_add(struct rows *rows, const char *name, const struct shmx_stat *st);
void        rows_free(struct rows *rows);

/* The columns that are to be printed. None is there twice, so this is enough. */
#define COLUMNS_MAX 32
struct selection {
    const struct column *items[COLUMNS_MAX];
    size_t               count;
};

/* Adds those columns of the list that are not there yet. Their names are separated by commas and
   may be in small letters. Returns an exit status, which is WRONG if there is no such column. */
int                        select_columns(struct selection *selection, const char *list);
extern const char          usual_columns[], all_columns[];
extern const struct column column_processes, column_action, column_reason;

void rows_print(const struct rows *rows, const struct selection *selection);

/* Writes the words for the state of a segment, separated by commas. */
void describe_state(const struct shmx_stat *st, int64_t holders, char *text, size_t room);

#endif
