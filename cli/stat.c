/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx stat: everything about a segment. */
#include "cli.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void
print_size(const char *label, uint64_t size, bool bytes)
{
    char text[32];

    format_size(size, false, text, sizeof text);
    if (bytes)
        printf("%10s: %" PRIu64 "\n", label, size);
    else
        printf("%10s: %" PRIu64 " (%s)\n", label, size, text);
}

static void
print_person(const char *label, uid_t uid, gid_t gid)
{
    printf("%10s: %s:%s (%u:%u)\n", label, user_from_uid(uid, 0), group_from_gid(gid, 0),
           (unsigned)uid, (unsigned)gid);
}

static void
print_process(const char *label, pid_t pid)
{
    char name[64];

    if (pid <= 0)
        return;
    process_name(pid, name, sizeof name);
    printf("%10s: %d (%s)\n", label, (int)pid, name);
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
print_state(const struct shmx_stat *st)
{
    printf("%10s: %s%s%s%s\n", "State",
           st->state & SHMX_IS_EPHEMERAL   ? "ephemeral"
           : st->state & SHMX_IS_DESTROYED ? "destroyed"
                                           : "persistent",
           st->state & SHMX_IS_NAMELESS ? " nameless" : "",
           st->state & SHMX_IS_PINNED ? " pinned" : "", st->holders == 0 ? " unheld" : "");
}

static void
print_holders(const struct shmx_stat *st, const struct users *users)
{
    char   name[64];
    size_t i;

    printf("%10s: ", "Holders");
    if (st->holders < 0)
        printf("unknown\n");
    else
        printf("%" PRId64 " %s\n", st->holders,
               st->backend == SHMX_SYSV ? "attachments" : "processes of libshmx");
    for (i = 0; i < users->count; i++)
        if (users_match(&users->items[i], st)) {
            process_name(users->items[i].pid, name, sizeof name);
            printf("%10s: %d (%s)\n", "Held by", (int)users->items[i].pid, name);
        }
}

static void
print_segment(const char *name, const struct shmx_stat *st, bool bytes)
{
    struct users users;
    char        *shown = visible(name);

    users_find(&users);
    printf("%10s: %s\n", "Name", shown);
    printf("%10s: %s\n", "Backend", st->backend == SHMX_SYSV ? "System V" : "POSIX");
    print_size("Size", st->size, bytes);
    print_size("Resident", st->resident, bytes);
    if (st->page_size > 0)
        print_size("Page", st->page_size, bytes);
    print_state(st);
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
    print_holders(st, &users);
    print_time(st->backend == SHMX_SYSV ? "Attached" : "Accessed", &st->atime);
    print_time("Detached", &st->dtime);
    print_time("Modified", &st->mtime);
    print_time("Changed", &st->ctime);
    free(shown);
    free(users.items);
}

int
run_stat(int argc, char **argv)
{
    static const struct option options[] = { { "bytes", no_argument, NULL, 'b' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct shmx_stat           st;
    bool                       bytes = false;
    int                        i, r, status = OK;

    while (next_option(argc, argv, "bh", options) != -1)
        bytes = true;
    r = check_arguments(argc, 1, -1);
    if (r != OK)
        return r;
    for (i = optind; i < argc; i++) {
        r = shmx_stat_name(argv[i], &st);
        if (r < 0) {
            status = complain(argv[i], r);
            continue;
        }
        if (i > optind)
            putchar('\n');
        print_segment(argv[i], &st, bytes);
    }
    r = finish_output();
    return r != OK ? r : status;
}
