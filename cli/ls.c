/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx ls, which prints one row for each segment, and the totals. */
#include "cli.h"
#include "rows.h"
#include "total.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
by_age(const void *a, const void *b) /* the oldest comes first */
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

struct request {
    struct selection selection;
    const char      *columns; /* the argument of -o, or NULL */
    comparison       sort;
    unsigned         flags;
    unsigned         seconds; /* between two lists; 0 for a single list */
};

static int
parse_seconds(const char *text, unsigned *seconds)
{
    int64_t age;

    if (!parse_age(text, &age) || age < 1 || age > 86400)
        return wrong_use("not a number of seconds: '%s'", text);
    *seconds = (unsigned)age;
    return OK;
}

static int
take_option(int option, struct request *request)
{
    switch (option) {
    case 'J':
        style.json = true;
        return OK;
    case 'b':
        style.bytes = true;
        return OK;
    case 'r':
        style.raw = true;
        return OK;
    case '0':
        style.zero = true;
        return OK;
    case 'P':
        style.octal = true;
        return OK;
    case 'n':
        style.headless = true;
        return OK;
    case 'o':
        request->columns = optarg;
        return OK;
    case 's':
        request->sort = parse_sort(optarg);
        return request->sort == NULL ? wrong_use("cannot sort by '%s'", optarg) : OK;
    case 'w':
        request->seconds = 2;
        return optarg == NULL ? OK : parse_seconds(optarg, &request->seconds);
    default:
        return parse_backend(optarg, &request->flags) ? OK
                                                      : wrong_use("no such backend: '%s'", optarg);
    }
}

/* Chooses the usual columns, the columns that are listed, or, for "+LIST", both. */
static int
choose_columns(struct request *request)
{
    const char *list = request->columns;
    int         r = OK;

    if (list == NULL)
        r = select_columns(&request->selection, style.json   ? all_columns
                                                : style.zero ? "NAME"
                                                             : usual_columns);
    else if (*list == '+')
        r = select_columns(&request->selection, usual_columns);
    if (r == OK && list != NULL)
        r = select_columns(&request->selection, list + (*list == '+'));
    return r == OK && request->selection.count == 0 ? wrong_use("the list of columns is empty") : r;
}

static int
parse_request(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'J' },         { "bytes", no_argument, NULL, 'b' },
        { "output", required_argument, NULL, 'o' }, { "raw", no_argument, NULL, 'r' },
        { "zero", no_argument, NULL, '0' },         { "numeric-perms", no_argument, NULL, 'P' },
        { "sort", required_argument, NULL, 's' },   { "backend", required_argument, NULL, 'B' },
        { "noheadings", no_argument, NULL, 'n' },   { "watch", optional_argument, NULL, 'w' },
        { "help", no_argument, NULL, 'h' },         { 0 }
    };
    int option, r;

    while ((option = next_option(argc, argv, ":Jbo:r0Ps:h", options)) != -1) {
        r = take_option(option, request);
        if (r != OK)
            return r;
    }
    if (request->seconds != 0 && optind < argc) {
        r = parse_seconds(argv[optind++], &request->seconds);
        if (r != OK)
            return r;
    }
    style.headless |= style.zero;
    r = choose_columns(request);
    return r != OK ? r : check_arguments(argc, 0, 0);
}

static int
add_row(const char *name, const struct shmx_stat *st, void *arg)
{
    rows_add(arg, name, st);
    return 0;
}

/* Returns how many rows fit onto the terminal. Without a terminal there is no limit. */
static size_t
room_for_rows(void)
{
    struct winsize window;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_row == 0)
        return SIZE_MAX;
    return window.ws_row > TOTAL_LINES + 2 ? window.ws_row - TOTAL_LINES - 2u : 1;
}

static void
print_all(struct rows *rows, const struct request *request)
{
    const size_t count = rows->count, room = request->seconds != 0 ? room_for_rows() : SIZE_MAX;
    const bool   with_total = !style.json && !style.raw && !style.headless;
    struct uses  uses;
    size_t       i;

    uses_find(&uses);
    for (i = 0; i < count; i++)
        rows->items[i].holders = uses_holders(&uses, rows->items[i].name, &rows->items[i].st);
    if (request->sort != NULL && count > 0)
        qsort(rows->items, count, sizeof *rows->items, request->sort);
    rows->count = count < room ? count : room;
    rows_print(rows, &request->selection);
    rows->count = count;
    if (with_total)
        print_total(rows, &uses, request->flags);
    uses_free(&uses);
}

static int
look(const struct request *request)
{
    const bool  in_place = request->seconds != 0 && isatty(STDOUT_FILENO);
    struct rows rows = { 0 };
    int         r = shmx_list(request->flags, add_row, &rows);

    if (r < 0) {
        r = complain("ls", r);
    } else {
        /* The list begins at the top of the terminal, what was there before is erased, and the
           terminal does not wrap long lines. */
        printf("%s", in_place ? "\033[H\033[J\033[?7l" : "");
        print_all(&rows, request);
        printf("%s", in_place ? "\033[?7h" : "");
    }
    rows_free(&rows);
    return r == OK ? finish_output() : r;
}

int
run_ls(int argc, char **argv)
{
    struct request request = { 0 };
    int            r = parse_request(argc, argv, &request);

    if (r != OK)
        return r;
    style.colour = !style.json && !style.zero && wants_colour();
    if (request.seconds == 0)
        return look(&request);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* print a whole screen at a time */
    do
        r = look(&request);
    while (r == OK && sleep(request.seconds) == 0);
    return r;
}
