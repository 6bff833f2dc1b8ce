/* SPDX-License-Identifier: BSD-2-Clause */
/* What shmx doctor has found: printing it for people and for programs. */
#include "cli.h"
#include "doctor.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Findings are printed at once or, in JSON, at the end. */
struct found {
    enum finding finding;
    char        *what, *value;
    const char  *meaning; /* may be NULL */
};

static struct {
    struct found *items;
    size_t        count;
} all;

static const char *const words[] = { "ok", "note", "BAD" };

void
found(enum finding finding, const char *what, const char *value, const char *meaning)
{
    static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };
    char                    *shown = visible(value, false);

    all.items = grown(all.items, all.count, sizeof *all.items);
    all.items[all.count++] =
        (struct found){ finding, must(strdup(what)), must(strdup(value)), meaning };
    if (!style.json)
        printf("%s%-4s%s  %-34s %s\n", style.colour ? colours[finding] : "", words[finding],
               style.colour ? "\033[0m" : "", what, shown);
    if (!style.json && meaning != NULL)
        printf("      %s\n", meaning);
    free(shown);
}

static void
tell_finding(const void *item, struct cell *cell)
{
    static const char *const names[] = { "ok", "note", "bad" };

    cell->known = true;
    cell->text = names[((const struct found *)item)->finding];
}

static void
tell_what(const void *item, struct cell *cell)
{
    cell->known = true;
    cell->text = ((const struct found *)item)->what;
}

static void
tell_value(const void *item, struct cell *cell)
{
    cell->known = true;
    cell->text = ((const struct found *)item)->value;
}

static void
tell_meaning(const void *item, struct cell *cell)
{
    cell->text = ((const struct found *)item)->meaning;
    cell->known = cell->text != NULL;
}

bool
findings_end(void)
{
    static const struct column columns[] = { { "FINDING", TEXT, tell_finding },
                                             { "WHAT", TEXT, tell_what },
                                             { "VALUE", TEXT, tell_value },
                                             { "MEANING", TEXT, tell_meaning } };
    const struct column *const chosen[] = { &columns[0], &columns[1], &columns[2], &columns[3] };
    bool                       breaks = false;
    size_t                     i;

    if (style.json)
        table_print(&(struct table){ .columns = chosen,
                                     .column_count = 4,
                                     .rows = all.items,
                                     .row_count = all.count,
                                     .row_size = sizeof *all.items });
    for (i = 0; i < all.count; i++) {
        breaks |= all.items[i].finding == BREAKS;
        free(all.items[i].what);
        free(all.items[i].value);
    }
    free(all.items);
    return breaks;
}
