/* SPDX-License-Identifier: BSD-2-Clause */
/* From text to values, and back. */
#include "cli.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <bsd/stdlib.h>
#define LIBBSD_OPENBSD_VIS /* of the two strnvis; we use neither */
#include <bsd/vis.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

void *
must(void *allocated)
{
    if (allocated == NULL) {
        fprintf(stderr, "shmx: out of memory\n");
        exit(FAILED);
    }
    return allocated;
}

bool
parse_size(const char *text, uint64_t *size)
{
    char        plain[32];
    size_t      digits = strspn(text, DIGITS), used = digits;
    const char *unit = text + digits;

    if (digits == 0 || digits > 20)
        return false;
    if (*unit != '\0' && strchr("kKmMgGtTpPeE", *unit) != NULL) {
        used++;
        unit++;
        if (*unit == 'i')
            unit++;
        if (unit[-1] == 'i' && *unit != 'B')
            return false;
    }
    if (*unit == 'B')
        unit++;
    if (*unit != '\0')
        return false;
    /* expand_number takes no "iB", lets junk pass, and tells of overflow by errno alone. */
    snprintf(plain, sizeof plain, "%.*s", (int)used, text);
    errno = 0;
    return expand_number(plain, size) == 0 && errno == 0;
}

bool
parse_mode(const char *text, mode_t *mode)
{
    unsigned long value;

    if (*text == '\0' || text[strspn(text, "01234567")] != '\0' || strlen(text) > 4)
        return false;
    value = strtoul(text, NULL, 8);
    if (value > 0777)
        return false;
    *mode = (mode_t)value;
    return true;
}

static bool
parse_id(const char *text, uint32_t *id)
{
    const char *error;
    long long   value = strtonum(text, 0, UINT32_MAX - 1, &error);

    if (error != NULL)
        return false;
    *id = (uint32_t)value;
    return true;
}

bool
parse_owner(char *text, uid_t *uid, gid_t *gid)
{
    char *group = strchr(text, ':');

    *uid = (uid_t)-1;
    *gid = (gid_t)-1;
    if (group != NULL)
        *group++ = '\0';
    if (*text != '\0' && uid_from_user(text, uid) < 0 && !parse_id(text, uid))
        return false;
    if (group != NULL && *group != '\0' && gid_from_group(group, gid) < 0 && !parse_id(group, gid))
        return false;
    return *uid != (uid_t)-1 || *gid != (gid_t)-1;
}

bool
parse_backend(const char *text, unsigned *flags)
{
    if (strcmp(text, "posix") == 0)
        *flags |= SHMX_POSIX;
    else if (strcmp(text, "sysv") == 0)
        *flags |= SHMX_SYSV;
    else
        return false;
    return true;
}

void
format_size(uint64_t size, bool bytes, char *text, size_t room)
{
    if (bytes || size > INT64_MAX)
        snprintf(text, room, "%" PRIu64, size);
    else
        humanize_number(text, room < 5 ? room : 5, (int64_t)size, "", HN_AUTOSCALE,
                        HN_DECIMAL | HN_NOSPACE | HN_B);
}

void
format_age(int64_t seconds, char *text, size_t room)
{
    static const struct {
        int64_t seconds;
        char    unit;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    size_t i = 0;

    if (seconds < 0)
        seconds = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    snprintf(text, room, "%" PRId64 "%c", seconds / units[i].seconds, units[i].unit);
}

char *
visible(const char *text)
{
    char *shown = must(malloc(strlen(text) * 4 + 1));

    strvis(shown, text, VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL);
    return shown;
}
