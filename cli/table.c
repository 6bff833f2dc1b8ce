/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct style style;

bool
wants_colour(void)
{
    const char *without = getenv("NO_COLOR");

    return (without == NULL || *without == '\0') && isatty(STDOUT_FILENO);
}

static const void *
row_of(const struct table *table, size_t i)
{
    return (const char *)table->rows + i * table->row_size;
}

static bool
is_number(const struct column *column)
{
    return column->kind >= NUMBER && column->kind <= AGE;
}

/* Tables for programs */

static void
print_json_words(const char *text)
{
    char *words = must(strdup(text)), *rest = NULL, *word;
    bool  first = true;

    putchar('[');
    for (word = strtok_r(words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (!first)
            printf(", ");
        print_json_string(word);
        first = false;
    }
    putchar(']');
    free(words);
}

static void print_json(const struct table *table);

static void
print_json_cell(const struct column *column, const struct cell *cell)
{
    if (column->kind == WORDS)
        print_json_words(cell->known ? cell->text : "");
    else if (!cell->known)
        printf("null");
    else if (column->kind == NAME)
        print_json_name(cell->text);
    else if (column->kind == TEXT)
        print_json_string(cell->text);
    else if (column->kind == ROWS)
        print_json(cell->rows);
    else
        printf("%" PRId64, cell->number);
}

static void
print_json_row(const struct table *table, const void *row)
{
    const char *c;
    size_t      i;

    putchar('{');
    for (i = 0; i < table->column_count; i++) {
        struct cell cell = { 0 };

        printf(i > 0 ? ", \"" : "\"");
        for (c = table->columns[i]->name; *c != '\0'; c++)
            putchar(tolower((unsigned char)*c));
        printf("\": ");
        table->columns[i]->tell(row, &cell);
        print_json_cell(table->columns[i], &cell);
    }
    putchar('}');
}

static void
print_json(const struct table *table)
{
    size_t i;

    putchar('[');
    for (i = 0; i < table->row_count; i++) {
        printf(i > 0 ? ",\n " : "\n ");
        print_json_row(table, row_of(table, i));
    }
    printf(table->row_count > 0 ? "\n]" : "]");
}

/* Tables for people */

static void
format_time(int64_t seconds, char *text, size_t room)
{
    const time_t time = (time_t)seconds;
    struct tm    tm;

    if (localtime_r(&time, &tm) == NULL || strftime(text, room, "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
        snprintf(text, room, "%" PRId64, seconds);
}

/* Returns the text of the cell. "-" stands for unknown. */
static const char *
text_of(const struct column *column, struct cell *cell)
{
    if (!cell->known)
        return "-";
    if (column->kind == NUMBER)
        snprintf(cell->room, sizeof cell->room, "%" PRId64, cell->number);
    else if (column->kind == HEX)
        snprintf(cell->room, sizeof cell->room, "0x%08" PRIx64, (uint64_t)cell->number);
    else if (column->kind == SIZE)
        format_size((uint64_t)cell->number, style.bytes, cell->room, sizeof cell->room);
    else if (column->kind == AGE)
        format_age(cell->number, cell->room, sizeof cell->room);
    else if (column->kind == TIME)
        format_time(cell->number, cell->room, sizeof cell->room);
    else
        return *cell->text == '\0' ? "-" : cell->text;
    return cell->room;
}

/* Returns the texts of all cells in the form in which they are printed. */
static char **
show_cells(const struct table *table)
{
    char **shown =
        must(reallocarray(NULL, table->row_count * table->column_count + 1, sizeof *shown));
    size_t i, j, n = 0;

    for (i = 0; i < table->row_count; i++)
        for (j = 0; j < table->column_count; j++) {
            struct cell cell = { 0 };
            const char *text;

            table->columns[j]->tell(row_of(table, i), &cell);
            text = text_of(table->columns[j], &cell);
            shown[n++] = style.zero ? must(strdup(text)) : visible(text, style.raw);
        }
    return shown;
}

static size_t
width_of(const struct table *table, char *const *shown, size_t column)
{
    size_t width = style.headless ? 1 : strlen(table->columns[column]->name), i, columns;

    for (i = 0; i < table->row_count; i++) {
        columns = columns_of(shown[i * table->column_count + column]);
        width = columns > width ? columns : width;
    }
    return width;
}

/* Prints a cell, and pads it unless it is the last of its line. */
static void
print_cell(const struct column *column, const char *shown, size_t width, bool last)
{
    const bool   aligned = !style.raw && !style.zero;
    const size_t columns = aligned ? columns_of(shown) : 0;
    const int    pad = aligned && width > columns ? (int)(width - columns) : 0;

    if (is_number(column))
        printf("%*s%s", pad, "", shown);
    else
        printf("%s%*s", shown, last ? 0 : pad, "");
    if (!last)
        printf(aligned ? "  " : " ");
}

static void
print_line(const struct table *table, const size_t *widths, char *const *shown, const char *colour)
{
    size_t i;

    if (style.colour)
        printf("%s", colour);
    for (i = 0; i < table->column_count; i++)
        print_cell(table->columns[i], shown == NULL ? table->columns[i]->name : shown[i], widths[i],
                   i + 1 == table->column_count);
    if (style.colour && *colour != '\0')
        printf("\033[0m");
    putchar(style.zero ? '\0' : '\n');
}

static void
print_lines(const struct table *table)
{
    char  **shown = show_cells(table);
    size_t *widths = must(calloc(table->column_count + 1, sizeof *widths)), i;
    bool    bad;

    for (i = 0; i < table->column_count && !style.raw && !style.zero; i++)
        widths[i] = width_of(table, shown, i);
    if (!style.headless)
        print_line(table, widths, NULL, "\033[1m");
    for (i = 0; i < table->row_count; i++) {
        bad = table->is_bad != NULL && table->is_bad(row_of(table, i));
        print_line(table, widths, shown + i * table->column_count, bad ? "\033[31m" : "");
    }
    for (i = 0; i < table->row_count * table->column_count; i++)
        free(shown[i]);
    free(shown);
    free(widths);
}

void
table_print(const struct table *table)
{
    if (!style.json) {
        print_lines(table);
        return;
    }
    print_json(table);
    putchar('\n');
}
