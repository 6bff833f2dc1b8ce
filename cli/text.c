/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsing and formatting values. */
#include "cli.h"

#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <bsd/stdlib.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses a number at the beginning of the text, and moves *text past it. */
static bool
take_number(const char **text, uint64_t *number)
{
    const bool hex = strncmp(*text, "0x", 2) == 0;
    char      *end;

    if (!isdigit((unsigned char)**text)) /* strtoull would accept blanks and signs */
        return false;
    errno = 0;
    *number = strtoull(*text, &end, hex ? 16 : 10); /* which skips 0x itself */
    if (errno != 0)
        return false;
    *text = end;
    return true;
}

/* The unit is K, KB or KiB, and so on up to E, or B, or missing. No file can be
   larger than INT64_MAX. */
bool
parse_size(const char *text, uint64_t *size)
{
    static const char letters[] = "kmgtpe";
    const char       *unit;
    uint64_t          number;
    unsigned          shift = 0;

    if (!take_number(&text, &number))
        return false;
    unit = *text == '\0' ? NULL : strchr(letters, tolower((unsigned char)*text));
    if (unit != NULL) {
        shift = 10 * (unsigned)(unit - letters + 1);
        text += text[1] == 'i' && text[2] == 'B' ? 2 : 1;
    }
    if (*text == 'B')
        text++;
    if (*text != '\0' || number > (uint64_t)INT64_MAX >> shift)
        return false;
    *size = number << shift;
    return true;
}

bool
parse_age(const char *text, int64_t *seconds)
{
    static const struct {
        char     letter;
        uint32_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    uint64_t number;
    size_t   i = 0;

    if (!take_number(&text, &number) || number > INT32_MAX)
        return false;
    while (i < 4 && *text != units[i].letter)
        i++;
    if (*text != '\0' && (*text != units[i].letter || text[1] != '\0'))
        return false;
    *seconds = (int64_t)number * (*text == '\0' ? 1 : units[i].seconds);
    return true;
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
    const unsigned backend = strcmp(text, "posix") == 0  ? SHMX_POSIX
                             : strcmp(text, "sysv") == 0 ? SHMX_SYSV
                                                         : 0;

    *flags = (*flags & ~(SHMX_POSIX | SHMX_SYSV)) | backend;
    return backend != 0;
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
