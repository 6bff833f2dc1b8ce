/* SPDX-License-Identifier: BSD-2-Clause */
/* What shmx doctor tells about huge pages. */
#include "cli.h"
#include "doctor.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HUGE "/sys/kernel/mm/transparent_hugepage/"

/* Makes a huge page for a moment, which leaves no trace. */
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
        found(FINE, "huge pages", value,
              "they need no setting, because of MADV_COLLAPSE: POSIX segments of at least this "
              "size get "
              "huge pages, and System V segments get them with --huge");
    } else if (r == -ENOTSUP) {
        found(NOTE, "huge pages", "none",
              "the kernel is older than Linux 6.1, has no huge pages, or denies them (see below); "
              "large segments take longer to fill");
    } else {
        found(NOTE, "huge pages", value, shmx_strerror(r));
    }
}

/* The file lists all choices, and the current one is in brackets. */
static void
read_choice(const char *path, char choice[32])
{
    char text[128];

    if (!read_line(path, text, sizeof text) || sscanf(text, "%*[^[][%31[a-z_]", choice) != 1)
        strcpy(choice, "unknown");
}

/* Tells whether the kernel makes huge pages when memory is touched, without being asked. */
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
    found(FINE, "huge pages at the first touch", value,
          "what the kernel does with memory that is not reserved (shmem_enabled); deny also "
          "forbids --huge");
}

void
check_huge_pages(void)
{
    char     value[64];
    uint64_t pages;

    try_huge_page();
    check_huge_at_first_touch();
    if (read_number("/proc/sys/vm/nr_hugepages", &pages)) {
        snprintf(value, sizeof value, "%" PRIu64 " pages", pages);
        found(FINE, "hugetlb pool", value, "System V segments with --huge take these pages first");
    }
}
