/* SPDX-License-Identifier: BSD-2-Clause */
#include "namespace.h"

#include "failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not cached: unshare(2) and setns(2) change it. The link's text costs a third of its stat(2). */
int
namespace_number(const char *path, unsigned long *number)
{
    char        text[32];
    ssize_t     length;
    const char *digits;

    length = readlink(path, text, sizeof text - 1);
    if (length < 0 && errno != ENOENT)
        return failure();
    text[length < 0 ? 0 : length] = '\0';
    digits = strchr(text, '['); /* "ipc:[4026531839]" */
    *number = digits == NULL ? 0 : strtoul(digits + 1, NULL, 10);
    return 0;
}

static bool
is_mapped(uid_t user)
{
    unsigned first, count;
    bool     mapped = false;
    FILE    *f = fopen("/proc/self/uid_map", "re");

    if (f == NULL)
        return true;
    while (!mapped && fscanf(f, "%u %*u %u", &first, &count) == 2)
        mapped = user >= first && user - first < count;
    fclose(f);
    return mapped;
}

bool
namespace_trusts(uid_t owner)
{
    return owner == 0 || (owner == geteuid() && is_mapped(owner));
}
