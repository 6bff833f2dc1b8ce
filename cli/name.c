/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in arguments, patterns and JSON. The library knows what the names mean. */
#include "cli.h"

#include <fnmatch.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX "hex="

/* Returns what follows "posix:" or "sysv:", or NULL. */
static char *
after_backend(const char *text)
{
    if (strncmp(text, "posix:", 6) == 0)
        return (char *)text + 6;
    return strncmp(text, "sysv:", 5) == 0 ? (char *)text + 5 : NULL;
}

static int
digit_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char       *found = c == '\0' ? NULL : strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits) % 16;
}

/* Returns the byte that two hexadecimal digits stand for. -1 means that they are not digits, or
   that no name has that byte. */
static int
byte_of(const char *digits)
{
    const int high = digit_of(digits[0]), low = high < 0 ? -1 : digit_of(digits[1]);
    const int byte = high * 16 + low;

    return low < 0 || byte == '/' ? -1 : byte > 0 ? byte : -1;
}

/* Any other text is left to the library, which refuses it. */
char *
name_argument(char *text)
{
    char  *form = after_backend(text);
    size_t i, count;

    if (form == NULL || strncmp(form, HEX, strlen(HEX)) != 0)
        return text;
    count = strlen(form + strlen(HEX)) / 2;
    for (i = 0; i < count; i++)
        if (byte_of(form + strlen(HEX) + 2 * i) < 0)
            return text;
    if (count == 0 || strlen(form + strlen(HEX)) != 2 * count)
        return text;
    *form++ = '/';
    for (i = 0; i < count; i++)
        form[i] = (char)byte_of(form + strlen(HEX) - 1 + 2 * i);
    form[count] = '\0';
    return text;
}

void
print_hex_name(const char *name)
{
    const char *entry = strchr(name, '/');

    printf("%.*s" HEX, (int)(entry - name), name);
    while (*++entry != '\0')
        printf("%02x", (unsigned)(unsigned char)*entry);
}

void
print_json_name(const char *name)
{
    const char *entry = strchr(name, '/');

    /* To a script, a newline would make two lines of one name, and the second line would be another
       name. */
    if (entry == NULL || (is_utf8(name) && strchr(name, '\n') == NULL)) {
        print_json_string(name);
        return;
    }
    putchar('"');
    print_hex_name(name);
    putchar('"');
}

/* A pattern that names the backend is compared with the whole text, any other with what follows the
   slash. So "p*" does not match every "posix:". */
static bool
matches(const char *pattern, const char *name)
{
    const char *entry = strchr(name, '/');

    if (after_backend(pattern) != NULL)
        return fnmatch(pattern, name, 0) == 0;
    return entry != NULL && fnmatch(pattern + strspn(pattern, "/"), entry + 1, 0) == 0;
}

/* The patterns are compared byte by byte. Names need not be text of any locale, and cron(8) has
   another locale than people. */
bool
patterns_match(const struct patterns *patterns, const char *name)
{
    static locale_t bytes;
    locale_t        before;
    size_t          i;
    bool            found = patterns->count == 0;

    if (bytes == NULL)
        bytes = must(newlocale(LC_ALL_MASK, "C", NULL));
    before = uselocale(bytes);
    for (i = 0; !found && i < patterns->count; i++)
        found = matches(patterns->items[i], name);
    uselocale(before);
    return found;
}
