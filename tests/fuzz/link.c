/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever somebody writes into a link, it is accepted exactly if this library could have written
 * it. What this library writes is read back as it was.
 */
#include "fuzz.h"

#include "../../src/sysv/link.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define DECIMAL "(0|[1-9][0-9]*)"

/* Gives the number that was captured. Returns false if it is above the maximum. */
static bool
fits(const char *text, const regmatch_t *match, int base, uintmax_t max, uintmax_t *value)
{
    errno = 0;
    *value = strtoumax(text + match->rm_so, NULL, base);
    return errno == 0 && *value <= max;
}

/* Parses the text by the grammar of link.h. */
static bool
describes(const char *text, struct link *link)
{
    static struct pattern by_key = { .text = "^sysv:key=0x([1-9a-f][0-9a-f]*) size=" DECIMAL
                                             " ipc=" DECIMAL "( raw)?$" };
    static struct pattern by_id = { .text = "^sysv:id=" DECIMAL " size=" DECIMAL " ipc=" DECIMAL
                                            " pid=" DECIMAL " pidns=" DECIMAL "$" };
    regmatch_t            match[6];
    uintmax_t             number, size, ipc, pid = 0, pidns = 0;

    *link = (struct link){ .by_key = fuzz_matches(&by_key, text, 6, match) };
    if (!link->by_key && !fuzz_matches(&by_id, text, 6, match))
        return false;
    if (!fits(text, &match[1], link->by_key ? 16 : 10, link->by_key ? UINT_MAX : INT_MAX, &number)
        || !fits(text, &match[2], 10, INT64_MAX, &size)
        || !fits(text, &match[3], 10, ULONG_MAX, &ipc))
        return false;
    if (!link->by_key
        && (!fits(text, &match[4], 10, INT_MAX, &pid)
            || !fits(text, &match[5], 10, UINT32_MAX, &pidns)))
        return false;
    link->raw = link->by_key && match[4].rm_so >= 0;
    link->number = (int)(unsigned)number;
    link->size = size;
    link->ipc = (unsigned long)ipc;
    link->pid = pid;
    link->pidns = pidns;
    return true;
}

static bool
same(const struct link *a, const struct link *b)
{
    return a->by_key == b->by_key && a->raw == b->raw && a->number == b->number
           && a->size == b->size && a->ipc == b->ipc && a->pid == b->pid && a->pidns == b->pidns;
}

static void
check_text(const uint8_t *data, size_t size)
{
    char        text[LINK_TEXT_MAX] = { 0 };
    struct link read = { 0 }, expected;
    bool        ours;
    int         r;

    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    ours = describes(text, &expected);
    r = shmx_link_parse(text, &read);
    must(r == (ours ? 0 : -ELOOP));
    must(!ours || same(&read, &expected));
}

/* Takes the input as the fields of a link. */
static void
check_fields(const uint8_t *data, size_t size)
{
    char        text[LINK_TEXT_MAX];
    struct link written = { 0 }, read;

    if (size < 1 + sizeof written.number + 3 * sizeof(uint64_t))
        return;
    written.by_key = data[0] & 1;
    written.raw = written.by_key && (data[0] & 2);
    memcpy(&written.number, data + 1, sizeof written.number);
    data += 1 + sizeof written.number;
    memcpy(&written.size, data, 8);
    written.size &= INT64_MAX;
    memcpy(&written.ipc, data + 8, sizeof written.ipc);
    if (!written.by_key) {
        memcpy(&written.pid, data + 16, 4);
        memcpy(&written.pidns, data + 20, 4);
        written.number &= INT_MAX;
        written.pid &= INT_MAX;
    } else if (written.number == 0) {
        written.number = 1;
    }
    shmx_link_format(&written, text);
    must(strlen(text) < LINK_TEXT_MAX - 1);
    must(shmx_link_parse(text, &read) == 0 && same(&read, &written));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_text(data, size);
    check_fields(data, size);
    return 0;
}
