/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx stat, which tells all about segments. */
#include "cli.h"
#include "rows.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
print_size(const char *label, uint64_t size)
{
    char text[32];

    format_size(size, false, text, sizeof text);
    printf("%10s: %" PRIu64 " (%s)\n", label, size, text);
}

static void
print_person(const char *label, uid_t uid, gid_t gid)
{
    printf("%10s: %s:%s (%u:%u)\n", label, user_from_uid(uid, 0), group_from_gid(gid, 0),
           (unsigned)uid, (unsigned)gid);
}

static void
print_time(const char *label, const struct timespec *t)
{
    char      text[64];
    struct tm tm;

    if (t->tv_sec == 0 || localtime_r(&t->tv_sec, &tm) == NULL)
        return;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &tm);
    printf("%10s: %s\n", label, text);
}

static void
print_state(const struct row *row)
{
    struct shmx_stat st = row->st;
    char             words[80], *word;

    st.state &= ~(SHMX_IS_EPHEMERAL | SHMX_IS_DESTROYED);
    describe_state(&st, row->holders, words, sizeof words);
    printf("%10s: %s%s", "State",
           row->st.state & SHMX_IS_EPHEMERAL   ? "ephemeral"
           : row->st.state & SHMX_IS_DESTROYED ? "destroyed"
                                               : "persistent",
           *words == '\0' ? "" : " ");
    for (word = words; *word != '\0'; word++)
        putchar(*word == ',' ? ' ' : *word);
    putchar('\n');
}

static void
print_holders(const struct row *row)
{
    const struct use *uses = row->processes.rows;
    char              name[64], *shown;
    size_t            i;

    printf("%10s: ", "Holders");
    if (row->holders < 0)
        printf("unknown, because not all processes can be seen\n");
    else
        printf("%" PRId64 " %s\n", row->holders,
               row->st.backend == SHMX_SYSV ? "attachments" : "processes");
    for (i = 0; i < row->processes.row_count; i++) {
        process_name(uses[i].pid, name, sizeof name);
        shown = visible(name, false);
        printf("%10s: %d (%s)\n", "Held by", (int)uses[i].pid, shown);
        free(shown);
    }
}

/* Prints a pid without the name of the process, because another process may have that pid by
   now. */
static void
print_process(const char *label, pid_t pid)
{
    if (pid > 0)
        printf("%10s: process %d\n", label, (int)pid);
}

static void
print_segment(const struct row *row)
{
    const struct shmx_stat *st = &row->st;
    char                   *shown = visible(row->name, false);

    printf("%10s: %s\n", "Name", shown);
    printf("%10s: %s\n", "Backend", st->backend == SHMX_SYSV ? "System V" : "POSIX");
    print_size("Size", st->size);
    print_size("Resident", st->resident);
    if (st->page_size > 0)
        print_size("Page", st->page_size);
    print_state(row);
    if (st->id >= 0)
        printf("%10s: %d, key 0x%08x\n", "Id", st->id, (unsigned)st->key);
    else
        printf("%10s: %" PRIu64 ", device 0x%" PRIx64 "\n", "Inode", st->ino, st->dev);
    printf("%10s: %04o\n", "Mode", (unsigned)st->mode);
    print_person("Owner", st->uid, st->gid);
    if (st->backend == SHMX_SYSV)
        print_person("Creator", st->cuid, st->cgid);
    print_process("Made by", st->cpid);
    print_process("Last used", st->lpid);
    print_holders(row);
    print_time(st->backend == SHMX_SYSV ? "Attached" : "Accessed", &st->atime);
    print_time("Detached", &st->dtime);
    print_time("Modified", &st->mtime);
    print_time("Changed", &st->ctime);
    free(shown);
}

/* The processes of a segment, which are a table inside the table. */

static void
tell_pid(const void *item, struct cell *cell)
{
    cell->known = true;
    cell->number = ((const struct use *)item)->pid;
}

static void
tell_process(const void *item, struct cell *cell)
{
    process_name(((const struct use *)item)->pid, cell->room, sizeof cell->room);
    cell->known = true;
    cell->text = cell->room;
}

static const struct column        process_columns[] = { { "PID", NUMBER, tell_pid },
                                                        { "NAME", TEXT, tell_process } };
static const struct column *const of_processes[] = { &process_columns[0], &process_columns[1] };

static void
look_at(struct row *row, const struct uses *uses)
{
    const struct use *first;

    row->holders = uses_holders(uses, row->name, &row->st);
    row->processes =
        (struct table){ .columns = of_processes, .column_count = 2, .row_size = sizeof *first };
    row->processes.row_count = uses_of(uses, &row->st, &first);
    row->processes.rows = first;
}

static void
print_rows(struct rows *rows)
{
    struct selection selection = { 0 };
    struct uses      uses;
    size_t           i;

    uses_find(&uses);
    for (i = 0; i < rows->count; i++)
        look_at(&rows->items[i], &uses);
    select_columns(&selection, all_columns);
    selection.items[selection.count++] = &column_processes;
    if (style.json)
        rows_print(rows, &selection);
    for (i = 0; i < rows->count && !style.json; i++) {
        if (i > 0)
            putchar('\n');
        print_segment(&rows->items[i]);
    }
    uses_free(&uses);
}

/* Adds the row under the full name, whatever form was typed. */
static void
add_row(struct rows *rows, const char *name, const struct shmx_stat *st)
{
    const char *slash = strrchr(name, '/');
    char       *full;

    if (slash == NULL && strncmp(name, "sysv:", 5) == 0) { /* a key or an id */
        rows_add(rows, name, st);
        return;
    }
    if (asprintf(&full, "%s:/%s", st->backend == SHMX_SYSV ? "sysv" : "posix",
                 slash == NULL ? name : slash + 1)
        < 0)
        full = must(NULL);
    rows_add(rows, full, st);
    free(full);
}

int
run_stat(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'J' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct shmx_stat           st;
    struct rows                rows = { 0 };
    int                        i, r, status = OK;

    while (next_option(argc, argv, ":Jh", options) != -1)
        style.json = true;
    r = check_arguments(argc, 1, -1);
    if (r != OK)
        return r;
    for (i = optind; i < argc; i++) {
        r = shmx_stat_name(name_argument(argv[i]), &st);
        if (r < 0)
            status = complain(argv[i], r);
        else
            add_row(&rows, argv[i], &st);
    }
    print_rows(&rows);
    rows_free(&rows);
    r = finish_output();
    return r != OK ? r : status;
}
