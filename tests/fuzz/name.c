/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever text is given as a name, the parser finds in it what the grammar says. */
#include "fuzz.h"

#include "../../src/name.h"
#include "shmx.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* The grammar of shmx.h once more, in a way that differs from the parser as much as possible. */
static struct pattern raw = { .text = "^sysv:(key|id)=(0x[0-9a-fA-F]+|[0-9]+)$" };
static struct pattern prefixed = { .text = "^(posix|sysv):" };
static struct pattern named = { .text = "^(posix|sysv):/" };
static struct pattern impossible = { .text = "^$|^[.]$|^[.][.]$|/|^[.]shmx-" };

static void
check_number(const char *text, const struct reference *ref, int r)
{
    const bool  key = strstr(text, "key") != NULL;
    const char *digits = strchr(text, '=') + 1;
    uintmax_t   value = strtoumax(digits, NULL, digits[1] == 'x' ? 16 : 10);

    if (value > (key ? UINT_MAX : INT_MAX) || (key && value == 0)) {
        must(r == -EINVAL);
        return;
    }
    must(r == 0 && ref->backend == SHMX_SYSV);
    must(ref->kind == (key ? REFERENCE_KEY : REFERENCE_ID));
    must((unsigned)ref->number == value);
}

static void
check_name(const char *text, const struct reference *ref, int r)
{
    const char *entry = text;
    unsigned    backend = 0;

    if (fuzz_matches(&named, text, 0, NULL)) {
        backend = *text == 'p' ? SHMX_POSIX : SHMX_SYSV;
        entry = strchr(text, '/');
    } else if (fuzz_matches(&prefixed, text, 0, NULL)) {
        must(r == -EINVAL); /* there is a prefix, but the text has none of its forms */
        return;
    }
    while (*entry == '/')
        entry++;
    if (fuzz_matches(&impossible, entry, 0, NULL)) {
        must(r == -EINVAL);
    } else if (strlen(entry) > NAME_MAX) {
        must(r == -ENAMETOOLONG);
    } else {
        must(r == 0 && ref->kind == REFERENCE_NAME && ref->backend == backend);
        must(ref->entry == entry);
    }
}

/* Checks that what is printed is well-formed and means the same. */
static void
check_printed(struct reference *ref)
{
    char             text[NAME_TEXT_MAX];
    struct reference again;

    if (ref->backend == 0)
        ref->backend = SHMX_POSIX;
    shmx_reference_print(ref, text);
    must(shmx_reference_parse(text, &again) == 0);
    must(again.kind == ref->kind && again.backend == ref->backend && again.number == ref->number);
    must(ref->kind != REFERENCE_NAME || strcmp(again.entry, ref->entry) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *text = calloc(size + 1, 1);
    struct reference ref;
    int              r;

    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    r = shmx_reference_parse(text, &ref);
    if (fuzz_matches(&raw, text, 0, NULL))
        check_number(text, &ref, r);
    else
        check_name(text, &ref, r);
    if (r == 0)
        check_printed(&ref);
    free(text);
    return 0;
}
