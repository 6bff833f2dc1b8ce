/* SPDX-License-Identifier: BSD-2-Clause */
#include "rows.h"

#include "cli.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A function of this kind gives the cell of one column for a row. */
#define TELLER(what) static void tell_##what(const void *item, struct cell *cell)
#define ROW          const struct row *row = item

static void
tell_text(struct cell *cell, const char *text)
{
    cell->known = text != NULL;
    cell->text = text;
}

/* Takes the text in cell->room. */
static void
tell_room(struct cell *cell)
{
    cell->known = true;
    cell->text = cell->room;
}

static void
tell_number(struct cell *cell, bool known, int64_t number)
{
    cell->known = known;
    cell->number = number;
}

TELLER(name)
{
    ROW;
    const char *name = row->name;

    if (!style.json && strncmp(name, "posix:/", 7) == 0)
        name += 6;
    else if (!style.json && strncmp(name, "sysv:/", 6) == 0)
        name += 5;
    tell_text(cell, name);
}

TELLER(backend)
{
    ROW;
    tell_text(cell, row->st.backend == SHMX_SYSV ? "sysv" : "posix");
}

TELLER(size)
{
    ROW;
    tell_number(cell, true, (int64_t)row->st.size);
}

/* The name of a segment that is not here tells the size and the owner, and nothing else. */
static bool
is_mere_name(const struct row *row)
{
    return (row->st.state & SHMX_IS_FOREIGN)
           || (row->st.backend == SHMX_SYSV && (row->st.state & SHMX_IS_DEAD));
}

TELLER(resident)
{
    ROW;
    tell_number(cell, !is_mere_name(row), (int64_t)row->st.resident);
}

TELLER(page)
{
    ROW;
    tell_number(cell, row->st.page_size != 0, (int64_t)row->st.page_size);
}

TELLER(mode)
{
    ROW;
    const mode_t mode = row->st.mode;
    int          i;

    if (is_mere_name(row))
        return;
    snprintf(cell->room, sizeof cell->room, "%04o", (unsigned)mode);
    tell_room(cell);
    if (style.octal || style.json)
        return;
    strcpy(cell->room, "rwxrwxrwx");
    for (i = 0; i < 9; i++)
        if (!(mode & (0400u >> i)))
            cell->room[i] = '-';
}

TELLER(owner)
{
    ROW;
    tell_text(cell, user_from_uid(row->st.uid, 0));
}

TELLER(group)
{
    ROW;
    if (!is_mere_name(row))
        tell_text(cell, group_from_gid(row->st.gid, 0));
}

TELLER(uid)
{
    ROW;
    tell_number(cell, true, row->st.uid);
}

TELLER(gid)
{
    ROW;
    tell_number(cell, !is_mere_name(row), row->st.gid);
}

TELLER(cuid)
{
    ROW;
    tell_number(cell, !is_mere_name(row), row->st.cuid);
}

TELLER(holders)
{
    ROW;
    tell_number(cell, row->holders >= 0, row->holders);
}

TELLER(age)
{
    ROW;
    const int64_t age = time(NULL) - row->st.ctime.tv_sec;

    tell_number(cell, row->st.ctime.tv_sec != 0, age < 0 ? 0 : age);
}

void
describe_state(const struct shmx_stat *st, int64_t holders, char *text, size_t room)
{
    static const struct {
        unsigned    bit;
        const char *word;
    } words[] = { { SHMX_IS_EPHEMERAL, "ephemeral" },
                  { SHMX_IS_NAMELESS, "nameless" },
                  { SHMX_IS_DESTROYED, "destroyed" },
                  { SHMX_IS_PINNED, "pinned" },
                  { SHMX_IS_FOREIGN, "foreign" } };
    unsigned state = st->state;
    size_t   i, used = 0;

    if (state & SHMX_IS_EPHEMERAL)
        state &= ~SHMX_IS_DESTROYED; /* an ephemeral segment goes with its last attachment in any
                                        case */
    *text = '\0';
    for (i = 0; i < sizeof words / sizeof *words; i++)
        if (state & words[i].bit)
            used += (size_t)snprintf(text + used, room - used, "%s%s", used > 0 ? "," : "",
                                     words[i].word);
    if (holders == 0)
        snprintf(text + used, room - used, "%s%s", used > 0 ? "," : "",
                 st->state & (SHMX_IS_EPHEMERAL | SHMX_IS_DEAD) ? "dead" : "unheld");
}

TELLER(state)
{
    ROW;
    tell_room(cell);
    describe_state(&row->st, row->holders, cell->room, sizeof cell->room);
}

TELLER(key)
{
    ROW;
    tell_number(cell, row->st.key != 0, (uint32_t)row->st.key);
}

TELLER(id)
{
    ROW;
    tell_number(cell, row->st.id >= 0, row->st.id);
}

TELLER(cpid)
{
    ROW;
    tell_number(cell, row->st.cpid > 0, row->st.cpid);
}

TELLER(lpid)
{
    ROW;
    tell_number(cell, row->st.lpid > 0, row->st.lpid);
}

TELLER(inode)
{
    ROW;
    tell_number(cell, row->st.backend == SHMX_POSIX, (int64_t)row->st.ino);
}

TELLER(atime)
{
    ROW;
    tell_number(cell, row->st.atime.tv_sec != 0, row->st.atime.tv_sec);
}

TELLER(dtime)
{
    ROW;
    tell_number(cell, row->st.dtime.tv_sec != 0, row->st.dtime.tv_sec);
}

TELLER(mtime)
{
    ROW;
    tell_number(cell, row->st.mtime.tv_sec != 0, row->st.mtime.tv_sec);
}

TELLER(ctime)
{
    ROW;
    tell_number(cell, row->st.ctime.tv_sec != 0, row->st.ctime.tv_sec);
}

TELLER(processes)
{
    ROW;
    cell->known = true;
    cell->rows = &row->processes;
}

TELLER(action)
{
    ROW;
    tell_text(cell, row->action);
}

TELLER(reason)
{
    ROW;
    tell_text(cell, row->reason);
}

static const struct column columns[] = {
    { "NAME", NAME, tell_name },         { "BACKEND", TEXT, tell_backend },
    { "SIZE", SIZE, tell_size },         { "RESIDENT", SIZE, tell_resident },
    { "MODE", TEXT, tell_mode },         { "OWNER", TEXT, tell_owner },
    { "HOLDERS", NUMBER, tell_holders }, { "AGE", AGE, tell_age },
    { "STATE", WORDS, tell_state },      { "GROUP", TEXT, tell_group },
    { "UID", NUMBER, tell_uid },         { "GID", NUMBER, tell_gid },
    { "CUID", NUMBER, tell_cuid },       { "KEY", HEX, tell_key },
    { "ID", NUMBER, tell_id },           { "CPID", NUMBER, tell_cpid },
    { "LPID", NUMBER, tell_lpid },       { "INODE", NUMBER, tell_inode },
    { "PAGE", SIZE, tell_page },         { "ATIME", TIME, tell_atime },
    { "DTIME", TIME, tell_dtime },       { "MTIME", TIME, tell_mtime },
    { "CTIME", TIME, tell_ctime },
};

/* Only some subcommands print these columns. */
const struct column column_processes = { "PROCESSES", ROWS, tell_processes };
const struct column column_action = { "ACTION", TEXT, tell_action };
const struct column column_reason = { "REASON", TEXT, tell_reason };

const char usual_columns[] = "NAME,BACKEND,SIZE,RESIDENT,MODE,OWNER,HOLDERS,AGE,STATE";
const char all_columns[] = "NAME,BACKEND,SIZE,RESIDENT,MODE,OWNER,HOLDERS,AGE,STATE,GROUP,UID,GID,"
                           "CUID,KEY,ID,CPID,LPID,INODE,PAGE,ATIME,DTIME,MTIME,CTIME";

static const struct column *
find_column(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcasecmp(name, columns[i].name) == 0)
            return &columns[i];
    return NULL;
}

static bool
is_selected(const struct selection *selection, const struct column *column)
{
    size_t i;

    for (i = 0; i < selection->count; i++)
        if (selection->items[i] == column)
            return true;
    return false;
}

int
select_columns(struct selection *selection, const char *list)
{
    char *names = must(strdup(list)), *rest = NULL, *name;
    int   r = OK;

    for (name = strtok_r(names, ",", &rest); name != NULL && r == OK;
         name = strtok_r(NULL, ",", &rest)) {
        const struct column *column = find_column(name);

        if (column == NULL)
            r = wrong_use("no such column: '%s'", name);
        else if (!is_selected(selection, column))
            selection->items[selection->count++] = column;
    }
    free(names);
    return r;
}

struct row *
rows_add(struct rows *rows, const char *name, const struct shmx_stat *st)
{
    rows->items = grown(rows->items, rows->count, sizeof *rows->items);
    rows->items[rows->count] =
        (struct row){ .name = must(strdup(name)), .st = *st, .holders = st->holders };
    return &rows->items[rows->count++];
}

void
rows_free(struct rows *rows)
{
    size_t i;

    for (i = 0; i < rows->count; i++)
        free(rows->items[i].name);
    free(rows->items);
    *rows = (struct rows){ 0 };
}

/* The segment is dead, or cannot be used here. */
static bool
is_bad(const void *item)
{
    const struct row *row = item;

    return (row->holders == 0 && (row->st.state & SHMX_IS_EPHEMERAL))
           || (row->st.state & SHMX_IS_FOREIGN);
}

void
rows_print(const struct rows *rows, const struct selection *selection)
{
    table_print(&(struct table){ .columns = selection->items,
                                 .column_count = selection->count,
                                 .rows = rows->items,
                                 .row_count = rows->count,
                                 .row_size = sizeof *rows->items,
                                 .is_bad = is_bad });
}
