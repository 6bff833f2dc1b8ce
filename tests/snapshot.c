/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 128

/* The lines that are being written. They are sorted at the end. */
static char   lines[LINES][256];
static size_t count;

static const char *watched;
static size_t      watched_length;

#define ADD(...) ((void)(count < LINES && snprintf(lines[count++], sizeof *lines, __VA_ARGS__)))

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void
add_entry(const char *entry, bool alike)
{
    char        path[512], target[256] = "";
    struct stat st;

    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    if (lstat(path, &st) < 0)
        return;
    if (readlink(path, target, sizeof target - 1) < 0)
        target[0] = '\0';
    if (alike)
        ADD("%s mode %o owner %u size %ld blocks %ld links %u %.8s",
            begins(entry, ".shmx-") ? "hidden" : entry, (unsigned)st.st_mode, (unsigned)st.st_uid,
            target[0] == '\0' ? (long)st.st_size : 0L, (long)st.st_blocks, (unsigned)st.st_nlink,
            target);
    else
        ADD("%.100s inode %lu mode %o owner %u size %ld links %u %.100s", entry,
            (unsigned long)st.st_ino, (unsigned)st.st_mode, (unsigned)st.st_uid, (long)st.st_size,
            (unsigned)st.st_nlink, target);
}

static void
add_entries(bool alike, bool locks)
{
    struct dirent *d;
    DIR           *dir = opendir("/dev/shm");

    while (dir != NULL && (d = readdir(dir)) != NULL)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0
            && (locks || !begins(d->d_name, ".shmx-lock-")))
            add_entry(d->d_name, alike);
    if (dir != NULL)
        closedir(dir);
}

static void
add_segments(bool alike)
{
    char          line[512];
    int           key, id, attached;
    unsigned      mode, uid;
    unsigned long bytes;
    FILE         *f = fopen("/proc/sysvipc/shm", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%d %d %o %lu %*d %*d %d %u", &key, &id, &mode, &bytes, &attached, &uid)
            == 6)
            ADD("segment %d key %#x mode %o size %lu owner %u attached %d", alike ? 0 : id,
                alike ? key != 0 : (unsigned)key, mode, bytes, uid, attached);
    if (f != NULL)
        fclose(f);
}

/* Adds what is mapped where the caller watches: the contents, and who else would see them
   change. */
static void
add_watched(const char *line, uintptr_t from, uintptr_t to)
{
    const uintptr_t start = (uintptr_t)watched, end = start + watched_length;
    uintptr_t       at = from > start ? from : start;
    unsigned        sum = 0;

    if (watched == NULL || to <= start || from >= end)
        return;
    if (strchr(line, ' ')[1] == 'r')
        for (; at < to && at < end; at++)
            sum = sum * 31 + (unsigned char)watched[at - start];
    ADD("watched %.4s %s sum %x", strchr(line, ' ') + 1,
        strstr(line, "/SYSV") != NULL || strstr(line, "/dev/shm/") != NULL ? "shared" : "memory",
        sum);
}

static void
add_mappings(bool all)
{
    char      line[1024];
    uintptr_t from, to;
    uint64_t  others = 0;
    FILE     *f = fopen("/proc/self/maps", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) != 2)
            continue;
        add_watched(line, from, to);
        if (strstr(line, "/dev/shm/") != NULL || strstr(line, "/SYSV") != NULL)
            ADD("mapping %.4s of %" PRIu64, strchr(line, ' ') + 1, (uint64_t)(to - from));
        else if (strchr(line, '[') == NULL && to - from != (uintptr_t)sysconf(_SC_PAGESIZE))
            others += to - from; /* this leaves out the heap, and the page that the library keeps
                                    for good */
    }
    if (f != NULL)
        fclose(f);
    if (all)
        ADD("other mappings %" PRIu64, others);
}

long
snapshot_locked(void)
{
    char  line[256];
    long  kib = -1;
    FILE *f = fopen("/proc/self/status", "re");

    while (f != NULL && kib < 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmLck: %ld", &kib);
    if (f != NULL)
        fclose(f);
    return kib;
}

static void
add_own(bool all)
{
    const int next = dup(0); /* the lowest free descriptor, which changes if one more is open */

    close(next);
    ADD("next descriptor %d", next);
    ADD("locked %ld", snapshot_locked());
    add_mappings(all);
}

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

void
snapshot(char text[SNAPSHOT_MAX], unsigned what)
{
    size_t i, used = 0;

    count = 0;
    if (what & SNAPSHOT_NAMES)
        add_entries(what & SNAPSHOT_ALIKE, !(what & SNAPSHOT_NO_LOCKS));
    if (what & SNAPSHOT_SEGMENTS)
        add_segments(what & SNAPSHOT_ALIKE);
    if (what & SNAPSHOT_OWN)
        add_own(what & SNAPSHOT_MEMORY);
    qsort(lines, count, sizeof *lines, compare);
    *text = '\0';
    for (i = 0; i < count && used < SNAPSHOT_MAX - sizeof *lines; i++)
        used += (size_t)snprintf(text + used, SNAPSHOT_MAX - used, "%s\n", lines[i]);
}

/* The lines are sorted. */
const char *
snapshot_missing(const char *one, const char *other)
{
    static char line[256];
    size_t      length;
    int         order;

    while (*one != '\0') {
        length = strcspn(one, "\n") + 1;
        snprintf(line, sizeof line, "%.*s", (int)length - 1, one);
        do {
            order = strncmp(one, other, length);
            if (order >= 0)
                other += strcspn(other, "\n") + (*other != '\0');
        } while (order > 0 && *other != '\0');
        if (order != 0)
            return line;
        one += length;
    }
    return "";
}

void
snapshot_watch(const void *start, size_t length)
{
    watched = start;
    watched_length = length;
}
