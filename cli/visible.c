/* SPDX-License-Identifier: BSD-2-Clause */
/* Anybody can choose names. On a terminal and in JSON, names must be harmless, and it must be
   possible to tell them apart. */
#include "cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define SOFT_HYPHEN 0xad /* the C library calls it printable, but it is invisible */
#define UNKNOWN     0xfffd

/* Gives the next character of the locale, and returns how many bytes it has, or 0 if there is no
   valid character. */
static size_t
next_character(const char *text, wchar_t *c)
{
    mbstate_t state = { 0 };
    size_t    length = 1;

    *c = (unsigned char)*text;
    if ((unsigned char)*text >= 0x80) /* most are ASCII, which every locale contains */
        length = mbrtowc(c, text, strnlen(text, MB_LEN_MAX), &state);
    return length > MB_LEN_MAX ? 0 : length;
}

/* Returns false for a character that moves the cursor, changes the direction of writing, or cannot
   be seen. */
static bool
is_plain(wchar_t c)
{
    if (c >= L' ' && c <= L'~')
        return c != L'\\';
    return c > 0x7f && c != SOFT_HYPHEN && iswprint((wint_t)c) && !iswspace((wint_t)c)
           && wcwidth(c) > 0;
}

static char *
escape_byte(char *shown, char byte)
{
    static const char plain[] = "\\\n\t\r\a\b\v\f", letters[] = "\\ntrabvf";
    const char       *found = strchr(plain, byte);

    *shown++ = '\\';
    if (found != NULL) {
        *shown++ = letters[found - plain];
        return shown;
    }
    sprintf(shown, "%03o", (unsigned)(unsigned char)byte);
    return shown + 3;
}

char *
visible(const char *text, bool blanks)
{
    char   *start = must(malloc(strlen(text) * 4 + 1)), *shown = start;
    wchar_t c = 0;
    size_t  length;

    while (*text != '\0') {
        length = next_character(text, &c);
        if (length == 0 || !is_plain(c) || (blanks && c == L' ')) {
            shown = escape_byte(shown, *text++);
            continue;
        }
        memcpy(shown, text, length);
        shown += length;
        text += length;
    }
    *shown = '\0';
    return start;
}

size_t
columns_of(const char *shown)
{
    size_t  columns = 0, length;
    wchar_t c = 0;

    while (*shown != '\0') {
        length = next_character(shown, &c);
        columns += length == 0 || c < 0x80 ? 1 : (size_t)wcwidth(c);
        shown += length == 0 ? 1 : length;
    }
    return columns;
}

/* Gives the next character of UTF-8, whatever the locale is, and returns how many bytes it has, or
   0 if there is no valid character. */
static size_t
next_utf8(const char *text, uint32_t *c)
{
    static const struct {
        uint8_t  mask, mark;
        uint32_t least;
    } forms[] = {
        { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
    };
    const uint8_t *bytes = (const uint8_t *)text;
    size_t         length = 0, i;

    while (length < 4 && (bytes[0] & forms[length].mask) != forms[length].mark)
        length++;
    if (length == 4)
        return 0;
    *c = bytes[0] & (uint8_t)~forms[length].mask;
    for (i = 1; i <= length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (bytes[i] & 0x3f);
    }
    return *c < forms[length].least || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0
                                                                                      : length + 1;
}

bool
is_utf8(const char *text)
{
    uint32_t c;
    size_t   length = 1;

    while (*text != '\0' && (length = next_utf8(text, &c)) > 0)
        text += length;
    return length > 0;
}

static void
print_json_character(uint32_t c)
{
    if (c == '"' || c == '\\')
        printf("\\%c", (int)c);
    else if (c >= ' ' && c <= '~')
        putchar((int)c);
    else if (c < 0x10000)
        printf("\\u%04x", (unsigned)c);
    else /* a pair of surrogates */
        printf("\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)), (unsigned)(0xdc00 | (c & 0x3ff)));
}

void
print_json_string(const char *text)
{
    uint32_t c = 0;
    size_t   length;

    putchar('"');
    while (*text != '\0') {
        length = next_utf8(text, &c);
        print_json_character(length == 0 ? UNKNOWN : c);
        text += length == 0 ? 1 : length;
    }
    putchar('"');
}
