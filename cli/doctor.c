/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx doctor: do the settings of this machine let sharing work? */
#include "doctor.h"
#include "cli.h"
#include "table.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SMALL_DEV_SHM ((uint64_t)128 << 20) /* containers have 64 MiB */
#define HUGE          "/sys/kernel/mm/transparent_hugepage/"

enum finding { FINE, NOTE, BREAKS };

/* What was found; told at once, or, in JSON, at the end. */
struct found {
    enum finding finding;
    char        *what, *value;
    const char  *meaning; /* or NULL */
};

static struct {
    struct found *items;
    size_t        count;
} all;

static const char *const words[] = { "ok", "note", "BAD" };

static void
say(enum finding finding, const char *what, const char *value, const char *meaning)
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

/* The first line of the file, without its newline; false if it cannot be read. */
static bool
read_line(const char *path, char *text, size_t room)
{
    FILE *f = fopen(path, "re");
    bool  read = f != NULL && fgets(text, (int)room, f) != NULL;

    if (f != NULL)
        fclose(f);
    if (read)
        text[strcspn(text, "\n")] = '\0';
    return read;
}

static bool
read_number(const char *path, uint64_t *value)
{
    char text[64];

    if (!read_line(path, text, sizeof text))
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

static void
check_dev_shm(void)
{
    struct statfs fs;
    char          room[16], size[16], value[64];
    uint64_t      total, free_bytes;

    if (statfs("/dev/shm", &fs) < 0) {
        say(BREAKS, "/dev/shm", "missing",
            "no POSIX segments and no names: mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
        return;
    }
    if (fs.f_type != TMPFS_MAGIC) {
        say(BREAKS, "/dev/shm", "not a tmpfs",
            "segments would be files on a disk: mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
        return;
    }
    total = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
    free_bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    format_size(total, false, size, sizeof size);
    format_size(free_bytes, false, room, sizeof room);
    snprintf(value, sizeof value, "%s, %s free", size, room);
    if (total > 0 && free_bytes == 0)
        say(BREAKS, "/dev/shm", value,
            "full: POSIX segments cannot be made; 'shmx ls --sort size'");
    else if (total > 0 && total <= SMALL_DEV_SHM)
        say(NOTE, "/dev/shm", value,
            "small, as in a container: use --shm-size, or System V segments, which are not in it");
    else
        say(FINE, "/dev/shm", value, "room for POSIX segments");
    if (fs.f_files > 0 && fs.f_ffree == 0)
        say(BREAKS, "/dev/shm inodes", "none left", "no name can be made, of either backend");
    if (access("/dev/shm", W_OK) < 0)
        say(BREAKS, "/dev/shm", "not writable", "no name can be made: chmod 1777 /dev/shm");
}

struct usage {
    uint64_t segments, pages, foreign;
};

static int
add_usage(const char *name, const struct shmx_stat *st, void *arg)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct usage  *usage = arg;

    (void)name;
    if (st->state & SHMX_IS_FOREIGN) {
        usage->foreign++;
        return 0;
    }
    usage->segments++;
    usage->pages += (st->size + page - 1) / page;
    return 0;
}

static void
check_limit(const char *name, uint64_t used, const char *full, const char *meaning)
{
    char     path[64], what[32], value[64];
    uint64_t limit;

    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    snprintf(what, sizeof what, "kernel.%s", name);
    if (!read_number(path, &limit)) {
        say(BREAKS, what, "unknown", "no System V shared memory in this kernel, or no /proc");
        return;
    }
    snprintf(value, sizeof value, "%" PRIu64 ", %" PRIu64 " used", limit, used);
    say(used >= limit ? BREAKS : FINE, what, value, used >= limit ? full : meaning);
}

static void
check_sysv(const struct usage *usage)
{
    char     value[64];
    uint64_t limit;

    check_limit("shmmni", usage->segments, "no more System V segments: 'shmx gc', or raise it",
                "how many System V segments there can be");
    check_limit("shmall", usage->pages, "no more System V memory: 'shmx gc', or raise it",
                "pages of System V memory there can be");
    if (read_number("/proc/sys/kernel/shmmax", &limit)) {
        format_size(limit, false, value, sizeof value);
        say(limit < ((uint64_t)64 << 20) ? BREAKS : FINE, "kernel.shmmax", value,
            limit < ((uint64_t)64 << 20) ? "larger System V segments cannot be made: raise it"
                                         : "the largest System V segment");
    }
    if (read_number("/proc/sys/kernel/shm_rmid_forced", &limit))
        say(limit != 0 ? BREAKS : FINE, "kernel.shm_rmid_forced", limit != 0 ? "1" : "0",
            limit != 0 ? "every System V segment goes with its last attachment, persistent or not"
                       : "persistent System V segments stay without an attachment");
}

static void
check_namespace(uint64_t foreign)
{
    char          value[64];
    const ssize_t length = readlink("/proc/self/ns/ipc", value, sizeof value - 1);

    value[length > 0 ? length : 0] = '\0';
    say(FINE, "IPC namespace", length > 0 ? value : "unknown",
        "System V segments are shared within it; POSIX segments with whoever has this /dev/shm; "
        "containers have both for themselves, but for --ipc=host and --ipc=container:NAME");
    if (foreign == 0)
        return;
    snprintf(value, sizeof value, "%" PRIu64, foreign);
    say(NOTE, "names of another IPC namespace", value,
        "/dev/shm is shared with it, and its System V segments are not: share both, or use POSIX "
        "segments; 'shmx gc' removes the names if the namespace is gone");
}

static void
check_protection(void)
{
    uint64_t value;
    char     text[16];

    if (!read_number("/proc/sys/fs/protected_regular", &value))
        return;
    snprintf(text, sizeof text, "%" PRIu64, value);
    say(value != 0 ? NOTE : FINE, "fs.protected_regular", text,
        value != 0 ? "shm_open(O_CREAT) on another user's object fails with EACCES, even as root; "
                     "libshmx is not affected"
                   : "programs may open another user's object with O_CREAT");
}

/* Have one for a moment, which leaves no trace. */
static void
try_huge_page(void)
{
    struct shmx *seg;
    uint64_t     size = 0;
    char         value[64] = "none";
    int          r = -ENOTSUP;

    if (read_number(HUGE "hpage_pmd_size", &size) && size > 0)
        r = shmx_create(NULL, (size_t)size, 0600, SHMX_POSIX | SHMX_HUGE_ONLY, &seg);
    if (size > 0)
        format_size(size, false, value, sizeof value);
    if (r == 0) {
        shmx_close(seg);
        say(FINE, "huge pages", value,
            "to be had without any setting, by MADV_COLLAPSE: POSIX segments of at least that size "
            "are in them, System V ones with --huge");
    } else if (r == -ENOTSUP) {
        say(NOTE, "huge pages", "none",
            "not to be had: the kernel is older than Linux 6.1, has none, or denies them (below); "
            "large segments take longer to fill");
    } else {
        say(NOTE, "huge pages", value, shmx_strerror(r));
    }
}

/* The word in brackets is the one that holds. */
static void
read_choice(const char *path, char choice[32])
{
    char text[128];

    if (!read_line(path, text, sizeof text) || sscanf(text, "%*[^[][%31[a-z_]", choice) != 1)
        strcpy(choice, "unknown");
}

/* By which other way than asking: as soon as memory is touched. */
static void
check_huge_at_first_touch(void)
{
    char        value[256], choice[32];
    const char *size;
    size_t      i, used;
    glob_t      files;

    if (access(HUGE "shmem_enabled", R_OK) < 0)
        return;
    read_choice(HUGE "shmem_enabled", choice);
    used = (size_t)snprintf(value, sizeof value, "%s", choice);
    if (glob(HUGE "hugepages-*/shmem_enabled", 0, NULL, &files) == 0) {
        for (i = 0; i < files.gl_pathc && used < sizeof value; i++) {
            read_choice(files.gl_pathv[i], choice);
            size = files.gl_pathv[i] + strlen(HUGE "hugepages-");
            if (strcmp(choice, "never") != 0)
                used += (size_t)snprintf(value + used, sizeof value - used, ", %.*s %s",
                                         (int)strcspn(size, "/"), size, choice);
        }
        globfree(&files);
    }
    say(FINE, "huge pages at the first touch", value,
        "what the kernel does unasked with memory that is not reserved (shmem_enabled); deny "
        "forbids --huge as well");
}

static void
check_huge(void)
{
    char     value[64];
    uint64_t pages;

    try_huge_page();
    check_huge_at_first_touch();
    if (read_number("/proc/sys/vm/nr_hugepages", &pages)) {
        snprintf(value, sizeof value, "%" PRIu64 " pages", pages);
        say(FINE, "hugetlb pool", value, "System V segments with --huge take them first");
    }
}

static void
check_memlock(void)
{
    struct rlimit limit;
    char          value[32] = "unlimited";

    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur != RLIM_INFINITY)
        format_size(limit.rlim_cur, false, value, sizeof value);
    say(limit.rlim_cur == 0 && geteuid() != 0 ? NOTE : FINE, "RLIMIT_MEMLOCK", value,
        "how much 'shmx pin' can keep in RAM (ulimit -l); root may lock all");
}

/* logind removes the segments of a user who has logged out, unless it is told not to. */
static void
check_logind(void)
{
    char value[64];

    if (access("/run/systemd/system", F_OK) < 0)
        say(FINE, "logind RemoveIPC", "no systemd here", NULL);
    else if (!logind_removes_ipc(value, sizeof value))
        say(FINE, "logind RemoveIPC", value, "segments outlive their owner's last logout");
    else
        say(NOTE, "logind RemoveIPC", value,
            "an ordinary user's segments are removed at the last logout: RemoveIPC=no in "
            "logind.conf, or run as a system user");
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

/* In JSON, all that was said; whether anything will break; and forget it. */
static bool
tell_all(void)
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

int
run_doctor(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'J' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct usage               usage = { 0 };
    bool                       breaks;
    int                        r;

    while (next_option(argc, argv, ":Jh", options) != -1)
        style.json = true;
    r = check_arguments(argc, 0, 0);
    if (r != OK)
        return r;
    style.colour = wants_colour();
    shmx_list(SHMX_SYSV, add_usage, &usage);
    check_dev_shm();
    check_sysv(&usage);
    check_namespace(usage.foreign);
    check_protection();
    check_huge();
    check_memlock();
    check_logind();
    breaks = tell_all();
    r = finish_output();
    return r != OK ? r : breaks ? FAILED : OK;
}
