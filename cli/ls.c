/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx ls: one row a segment. */
#include "cli.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum time_format { TIME_SHORT, TIME_FULL, TIME_ISO };

struct row {
    char            *name;
    struct shmx_stat st;
    int64_t          holders; /* -1: unknown */
};

static struct {
    bool             json, bytes, raw, numeric_perms, headings, colour;
    enum time_format times;
    time_t           now;
} show = { .headings = true };

#define CELL 1200 /* room for a name of which every byte is escaped */

/* A column: how a row is said in it. An empty text is unknown: "-", or null. */
struct column {
    const char *name;
    enum { TEXT, NUMBER, WORDS } kind; /* what it is in JSON: WORDS an array */
    void (*text)(const struct row *row, char *text);
};

static void
say_name(const struct row *row, char *text)
{
    const char *name = row->name;
    char       *shown;

    if (!show.json && strncmp(name, "posix:/", 7) == 0)
        name += 6;
    else if (!show.json && strncmp(name, "sysv:/", 6) == 0)
        name += 5;
    shown = visible(name);
    snprintf(text, CELL, "%s", shown);
    free(shown);
}

static void
say_backend(const struct row *row, char *text)
{
    snprintf(text, CELL, "%s", row->st.backend == SHMX_SYSV ? "sysv" : "posix");
}

static void
say_size(const struct row *row, char *text)
{
    format_size(row->st.size, show.bytes, text, CELL);
}

static void
say_resident(const struct row *row, char *text)
{
    format_size(row->st.resident, show.bytes, text, CELL);
}

static void
say_page(const struct row *row, char *text)
{
    if (row->st.page_size > 0)
        format_size(row->st.page_size, show.bytes, text, CELL);
}

static void
say_mode(const struct row *row, char *text)
{
    const mode_t mode = row->st.mode;
    int          i;

    if (show.numeric_perms || show.json) {
        snprintf(text, CELL, "%04o", (unsigned)mode);
        return;
    }
    snprintf(text, CELL, "rwxrwxrwx");
    for (i = 0; i < 9; i++)
        if (!(mode & (0400u >> i)))
            text[i] = '-';
}

static void
say_owner(const struct row *row, char *text)
{
    snprintf(text, CELL, "%s", user_from_uid(row->st.uid, 0));
}

static void
say_group(const struct row *row, char *text)
{
    snprintf(text, CELL, "%s", group_from_gid(row->st.gid, 0));
}

static void
say_uid(const struct row *row, char *text)
{
    snprintf(text, CELL, "%u", (unsigned)row->st.uid);
}

static void
say_gid(const struct row *row, char *text)
{
    snprintf(text, CELL, "%u", (unsigned)row->st.gid);
}

static void
say_cuid(const struct row *row, char *text)
{
    snprintf(text, CELL, "%u", (unsigned)row->st.cuid);
}

static void
say_holders(const struct row *row, char *text)
{
    if (row->holders >= 0)
        snprintf(text, CELL, "%" PRId64, row->holders);
}

static void
say_age(const struct row *row, char *text)
{
    const int64_t age = show.now - row->st.ctime.tv_sec;

    if (row->st.ctime.tv_sec == 0)
        return;
    if (show.json)
        snprintf(text, CELL, "%" PRId64, age < 0 ? 0 : age);
    else
        format_age(age, text, CELL);
}

static void
say_state(const struct row *row, char *text)
{
    static const struct {
        unsigned    bit;
        const char *word;
    } words[] = { { SHMX_IS_EPHEMERAL, "ephemeral" },
                  { SHMX_IS_NAMELESS, "nameless" },
                  { SHMX_IS_DESTROYED, "destroyed" },
                  { SHMX_IS_PINNED, "pinned" } };
    unsigned state = row->st.state;
    size_t   i, used = 0;

    if (state & SHMX_IS_EPHEMERAL)
        state &= ~SHMX_IS_DESTROYED; /* it means the same: an ephemeral one goes in any case */
    for (i = 0; i < sizeof words / sizeof *words; i++)
        if (state & words[i].bit)
            used += (size_t)sprintf(text + used, "%s%s", used > 0 ? "," : "", words[i].word);
    if (row->holders == 0)
        sprintf(text + used, "%s%s", used > 0 ? "," : "",
                row->st.state & SHMX_IS_EPHEMERAL ? "dead" : "unheld");
}

static void
say_key(const struct row *row, char *text)
{
    if (row->st.key != 0)
        snprintf(text, CELL, show.json ? "%u" : "0x%08x", (unsigned)row->st.key);
}

static void
say_id(const struct row *row, char *text)
{
    if (row->st.id >= 0)
        snprintf(text, CELL, "%d", row->st.id);
}

static void
say_cpid(const struct row *row, char *text)
{
    if (row->st.cpid > 0)
        snprintf(text, CELL, "%d", (int)row->st.cpid);
}

static void
say_lpid(const struct row *row, char *text)
{
    if (row->st.lpid > 0)
        snprintf(text, CELL, "%d", (int)row->st.lpid);
}

static void
say_inode(const struct row *row, char *text)
{
    if (row->st.backend == SHMX_POSIX)
        snprintf(text, CELL, "%" PRIu64, row->st.ino);
}

static void
say_time(const struct timespec *t, char *text)
{
    static const char *const formats[] = { "%b %d %H:%M", "%a %b %e %H:%M:%S %Y",
                                           "%Y-%m-%dT%H:%M:%S%z" };
    struct tm                tm;

    if (t->tv_sec == 0)
        return;
    if (show.json)
        snprintf(text, CELL, "%lld", (long long)t->tv_sec);
    else if (localtime_r(&t->tv_sec, &tm) != NULL)
        strftime(text, CELL, formats[show.times], &tm);
}

static void
say_atime(const struct row *row, char *text)
{
    say_time(&row->st.atime, text);
}

static void
say_dtime(const struct row *row, char *text)
{
    say_time(&row->st.dtime, text);
}

static void
say_mtime(const struct row *row, char *text)
{
    say_time(&row->st.mtime, text);
}

static void
say_ctime(const struct row *row, char *text)
{
    say_time(&row->st.ctime, text);
}

/* The first nine are shown when nothing else is asked for; all are in JSON. */
static const struct column columns[] = {
    { "NAME", TEXT, say_name },         { "BACKEND", TEXT, say_backend },
    { "SIZE", NUMBER, say_size },       { "RESIDENT", NUMBER, say_resident },
    { "MODE", TEXT, say_mode },         { "OWNER", TEXT, say_owner },
    { "HOLDERS", NUMBER, say_holders }, { "AGE", NUMBER, say_age },
    { "STATE", WORDS, say_state },      { "GROUP", TEXT, say_group },
    { "UID", NUMBER, say_uid },         { "GID", NUMBER, say_gid },
    { "CUID", NUMBER, say_cuid },       { "KEY", NUMBER, say_key },
    { "ID", NUMBER, say_id },           { "CPID", NUMBER, say_cpid },
    { "LPID", NUMBER, say_lpid },       { "INODE", NUMBER, say_inode },
    { "PAGE", NUMBER, say_page },       { "ATIME", NUMBER, say_atime },
    { "DTIME", NUMBER, say_dtime },     { "MTIME", NUMBER, say_mtime },
    { "CTIME", NUMBER, say_ctime },
};

#define COLUMNS  (sizeof columns / sizeof *columns)
#define DEFAULTS 9

struct selection {
    const struct column *items[COLUMNS];
    size_t               count;
};

struct rows {
    struct row *items;
    size_t      count;
};

static int
add_row(const char *name, const struct shmx_stat *st, void *arg)
{
    struct rows *rows = arg;

    if ((rows->count & (rows->count - 1)) == 0)
        rows->items = must(
            reallocarray(rows->items, rows->count == 0 ? 1 : rows->count * 2, sizeof *rows->items));
    rows->items[rows->count++] =
        (struct row){ .name = must(strdup(name)), .st = *st, .holders = st->holders };
    return 0;
}

/* Programs without this library leave no lock on a POSIX object, but a mapping that /proc shows. */
static void
count_foreign_holders(struct rows *rows)
{
    struct users users;
    size_t       i;
    int64_t      mapped;

    users_find(&users);
    for (i = 0; i < rows->count; i++) {
        if (rows->items[i].st.backend != SHMX_POSIX)
            continue;
        mapped = (int64_t)users_count(&users, &rows->items[i].st);
        if (mapped > rows->items[i].holders)
            rows->items[i].holders = mapped;
    }
    free(users.items);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

#define LARGEST_FIRST(x, y) (((x) < (y)) - ((x) > (y)))

static int
by_size(const void *a, const void *b)
{
    return LARGEST_FIRST(((const struct row *)a)->st.size, ((const struct row *)b)->st.size);
}

static int
by_resident(const void *a, const void *b)
{
    return LARGEST_FIRST(((const struct row *)a)->st.resident,
                         ((const struct row *)b)->st.resident);
}

static int
by_holders(const void *a, const void *b)
{
    return LARGEST_FIRST(((const struct row *)a)->holders, ((const struct row *)b)->holders);
}

static int
by_age(const void *a, const void *b) /* oldest first */
{
    return LARGEST_FIRST(((const struct row *)b)->st.ctime.tv_sec,
                         ((const struct row *)a)->st.ctime.tv_sec);
}

typedef int (*comparison)(const void *a, const void *b);

static comparison
parse_sort(const char *text)
{
    static const struct {
        const char *name;
        comparison  compare;
    } sorts[] = { { "name", by_name },
                  { "size", by_size },
                  { "resident", by_resident },
                  { "age", by_age },
                  { "holders", by_holders } };
    size_t i;

    for (i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (strcasecmp(text, sorts[i].name) == 0)
            return sorts[i].compare;
    return NULL;
}

static void
select_first(struct selection *selection, size_t count)
{
    for (selection->count = 0; selection->count < count; selection->count++)
        selection->items[selection->count] = &columns[selection->count];
}

static const struct column *
find_column(const char *name)
{
    size_t i;

    for (i = 0; i < COLUMNS; i++)
        if (strcasecmp(name, columns[i].name) == 0)
            return &columns[i];
    return NULL;
}

static int
parse_columns(char *list, struct selection *selection)
{
    const struct column *column;
    char                *name;

    if (*list == '+')
        list++;
    else
        selection->count = 0;
    for (name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
        column = find_column(name);
        if (column == NULL)
            return wrong_use("no column '%s'", name);
        if (selection->count == COLUMNS)
            return wrong_use("too many columns");
        selection->items[selection->count++] = column;
    }
    return selection->count == 0 ? wrong_use("no columns") : OK;
}

static void
print_json_string(const char *text, size_t length)
{
    size_t i;

    putchar('"');
    for (i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            putchar('\\');
        putchar(text[i]);
    }
    putchar('"');
}

static void
print_json_words(const char *text)
{
    size_t length;

    putchar('[');
    while (*text != '\0') {
        length = strcspn(text, ",");
        print_json_string(text, length);
        text += length;
        if (*text == ',') {
            printf(", ");
            text++;
        }
    }
    putchar(']');
}

static void
print_json_cell(const struct column *column, const char *text)
{
    if (column->kind == WORDS)
        print_json_words(text);
    else if (*text == '\0')
        printf("null");
    else if (column->kind == NUMBER)
        printf("%s", text);
    else
        print_json_string(text, strlen(text));
}

static void
print_json(const struct rows *rows, const struct selection *selection)
{
    char        text[CELL];
    const char *c;
    size_t      i, j;

    putchar('[');
    for (i = 0; i < rows->count; i++) {
        printf(i > 0 ? ",\n {" : "\n {");
        for (j = 0; j < selection->count; j++) {
            printf(j > 0 ? ", \"" : "\"");
            for (c = selection->items[j]->name; *c != '\0'; c++)
                putchar(*c | 0x20); /* they are capital letters */
            printf("\": ");
            text[0] = '\0';
            selection->items[j]->text(&rows->items[i], text);
            print_json_cell(selection->items[j], text);
        }
        putchar('}');
    }
    printf(rows->count > 0 ? "\n]\n" : "]\n");
}

static const char *
cell(const struct column *column, const struct row *row, char *text)
{
    text[0] = '\0';
    column->text(row, text);
    return text[0] == '\0' ? "-" : text;
}

/* One cell, padded unless it is the last; the names of columns have row NULL. */
static void
print_cell(const struct column *column, const struct row *row, size_t width, bool last)
{
    char        room[CELL];
    const char *text = row == NULL ? column->name : cell(column, row, room);
    const int   pad = show.raw || (last && column->kind != NUMBER) ? 0 : (int)width;

    printf(column->kind == NUMBER ? "%*s" : "%-*s", pad, text);
    if (!last)
        printf(show.raw ? " " : "  ");
}

static void
print_line(const struct selection *selection, const size_t *widths, const struct row *row)
{
    const bool dead = row != NULL && row->holders == 0 && (row->st.state & SHMX_IS_EPHEMERAL);
    size_t     j;

    if (show.colour && (row == NULL || dead))
        printf(row == NULL ? "\033[1m" : "\033[31m");
    for (j = 0; j < selection->count; j++)
        print_cell(selection->items[j], row, widths[j], j + 1 == selection->count);
    printf(show.colour && (row == NULL || dead) ? "\033[0m\n" : "\n");
}

static void
print_table(const struct rows *rows, const struct selection *selection)
{
    char   text[CELL];
    size_t widths[COLUMNS], i, j, width;

    for (j = 0; j < selection->count; j++) {
        widths[j] = show.headings ? strlen(selection->items[j]->name) : 1;
        for (i = 0; i < rows->count && !show.raw; i++) {
            width = strlen(cell(selection->items[j], &rows->items[i], text));
            if (width > widths[j])
                widths[j] = width;
        }
    }
    if (show.headings)
        print_line(selection, widths, NULL);
    for (i = 0; i < rows->count; i++)
        print_line(selection, widths, &rows->items[i]);
}

struct request {
    struct selection selection;
    bool             selected;
    comparison       sort;
    unsigned         flags;
};

static int
parse_time_format(const char *text)
{
    static const char *const names[] = { "short", "full", "iso" };
    unsigned                 i;

    for (i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            show.times = (enum time_format)i;
            return OK;
        }
    return wrong_use("no time format '%s'", text);
}

static int
take_option(int option, struct request *request)
{
    switch (option) {
    case 'J':
        show.json = show.bytes = true;
        break;
    case 'b':
        show.bytes = true;
        break;
    case 'r':
        show.raw = true;
        break;
    case 'P':
        show.numeric_perms = true;
        break;
    case 'n':
        show.headings = false;
        break;
    case 'o':
        request->selected = true;
        return parse_columns(optarg, &request->selection);
    case 's':
        request->sort = parse_sort(optarg);
        return request->sort == NULL ? wrong_use("cannot sort by '%s'", optarg) : OK;
    case 't':
        return parse_time_format(optarg);
    default:
        return parse_backend(optarg, &request->flags) ? OK : wrong_use("no backend '%s'", optarg);
    }
    return OK;
}

static int
parse_request(int argc, char **argv, struct request *request)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'J' },
                                             { "bytes", no_argument, NULL, 'b' },
                                             { "output", required_argument, NULL, 'o' },
                                             { "raw", no_argument, NULL, 'r' },
                                             { "numeric-perms", no_argument, NULL, 'P' },
                                             { "sort", required_argument, NULL, 's' },
                                             { "backend", required_argument, NULL, 'B' },
                                             { "noheadings", no_argument, NULL, 'n' },
                                             { "time-format", required_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    int                        option, r;

    select_first(&request->selection, DEFAULTS);
    while ((option = next_option(argc, argv, "Jbo:rPs:h", options)) != -1) {
        r = take_option(option, request);
        if (r != OK)
            return r;
    }
    if (show.json && !request->selected)
        select_first(&request->selection, COLUMNS);
    return check_arguments(argc, 0, 0);
}

int
run_ls(int argc, char **argv)
{
    struct request request = { 0 };
    struct rows    rows = { 0 };
    size_t         i;
    int            r = parse_request(argc, argv, &request);

    if (r != OK)
        return r;
    show.now = time(NULL);
    show.colour = !show.json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    r = shmx_list(request.flags, add_row, &rows);
    if (r < 0)
        return complain("ls", r);
    count_foreign_holders(&rows);
    if (request.sort != NULL && rows.count > 0)
        qsort(rows.items, rows.count, sizeof *rows.items, request.sort);
    if (show.json)
        print_json(&rows, &request.selection);
    else
        print_table(&rows, &request.selection);
    for (i = 0; i < rows.count; i++)
        free(rows.items[i].name);
    free(rows.items);
    return finish_output();
}
