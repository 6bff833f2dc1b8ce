/* SPDX-License-Identifier: BSD-2-Clause */
/* The parsers, from inside: text to reference, text of a link. */
#include "../src/name.h"
#include "../src/sysv/link.h"
#include "support.h"

#include <limits.h>
#include <string.h>

START_TEST(references)
{
    static const struct {
        const char         *text;
        int                 result;
        enum reference_kind kind;
        unsigned            backend;
        const char         *entry;
        int                 number;
    } cases[] = {
        { NULL, 0, REFERENCE_ANONYMOUS, 0, NULL, 0 },
        { "a", 0, REFERENCE_NAME, 0, "a", 0 },
        { "/a", 0, REFERENCE_NAME, 0, "a", 0 },
        { "posix:/a", 0, REFERENCE_NAME, SHMX_POSIX, "a", 0 },
        { "sysv:/a", 0, REFERENCE_NAME, SHMX_SYSV, "a", 0 },
        { "/posix:", 0, REFERENCE_NAME, 0, "posix:", 0 },
        { "posix:a", 0, REFERENCE_NAME, 0, "posix:a", 0 },
        { "/sysv:key=1", 0, REFERENCE_NAME, 0, "sysv:key=1", 0 },
        { "sysv:key=1", 0, REFERENCE_KEY, SHMX_SYSV, NULL, 1 },
        { "sysv:key=0xFFFFFFFF", 0, REFERENCE_KEY, SHMX_SYSV, NULL, -1 },
        { "sysv:key=4294967295", 0, REFERENCE_KEY, SHMX_SYSV, NULL, -1 },
        { "sysv:key=4294967296", -EINVAL, REFERENCE_ANONYMOUS, 0, NULL, 0 },
        { "sysv:key=0", -EINVAL, REFERENCE_ANONYMOUS, 0, NULL, 0 },
        { "sysv:key=", 0, REFERENCE_NAME, 0, "sysv:key=", 0 },
        { "sysv:key=-1", 0, REFERENCE_NAME, 0, "sysv:key=-1", 0 },
        { "sysv:key= 1", 0, REFERENCE_NAME, 0, "sysv:key= 1", 0 },
        { "sysv:id=0", 0, REFERENCE_ID, SHMX_SYSV, NULL, 0 },
        { "sysv:id=2147483647", 0, REFERENCE_ID, SHMX_SYSV, NULL, INT_MAX },
        { "sysv:id=0x10", 0, REFERENCE_ID, SHMX_SYSV, NULL, 16 },
        { "sysv:id=2147483648", -EINVAL, REFERENCE_ANONYMOUS, 0, NULL, 0 },
        { "", -EINVAL, REFERENCE_ANONYMOUS, 0, NULL, 0 },
        { "a/b", -EINVAL, REFERENCE_ANONYMOUS, 0, NULL, 0 },
    };
    struct reference ref;
    size_t           k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_int_eq(reference_parse(cases[k].text, &ref), cases[k].result);
        if (cases[k].result < 0)
            continue;
        ck_assert_int_eq(ref.kind, cases[k].kind);
        ck_assert_uint_eq(ref.backend, cases[k].backend);
        ck_assert_int_eq(ref.number, cases[k].number);
        ck_assert_pstr_eq(ref.entry, cases[k].entry);
    }
}
END_TEST

START_TEST(link_texts)
{
    static const char *const good[] = {
        "sysv:key=0x51a3 size=4096 ipc=4026531839",
        "sysv:key=0xffffffff size=18446744073709551615 ipc=0",
        "sysv:id=0 size=1 ipc=1 pid=0 pidns=0",
        "sysv:id=98310 size=4096 ipc=4026531839 pid=812 pidns=4026531836",
    };
    static const char *const bad[] = {
        "",
        "sysv:",
        "/etc/passwd",
        "sysv:key=0x0 size=1 ipc=1",
        "sysv:key=0x1 size=-1 ipc=1",
        "sysv:key=0x1 size=1 ipc=1 ",
        "sysv:key=0x1 size=1 ipc=1 pid=1 pidns=1",
        "sysv:key=0x1 size=18446744073709551616 ipc=1",
        "sysv:key=0x100000000 size=1 ipc=1",
        "sysv:id=-1 size=1 ipc=1 pid=1 pidns=1",
        "sysv:id=1 size=1 ipc=1",
        "sysv:id=4294967296 size=1 ipc=1 pid=1 pidns=1",
    };
    char        text[LINK_TEXT_MAX];
    struct link link;
    size_t      k;

    for (k = 0; k < sizeof good / sizeof *good; k++) {
        ok(link_parse(good[k], &link));
        link_format(&link, text);
        ck_assert_str_eq(text, good[k]);
    }
    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        ck_assert_msg(link_parse(bad[k], &link) == -ELOOP, "accepted: %s", bad[k]);
}
END_TEST

START_TEST(longest_link_fits)
{
    struct link link = { .number = INT_MAX,
                         .size = UINT64_MAX,
                         .ipc = ULONG_MAX,
                         .pid = LONG_MIN,
                         .pidns = ULONG_MAX },
                back;
    char text[LINK_TEXT_MAX];

    link_format(&link, text);
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    ok(link_parse(text, &back));
    ck_assert_int_eq(back.pid, LONG_MIN);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("unit");
    TCase *tc = add_case(suite, "parsers");

    tcase_add_test(tc, references);
    tcase_add_test(tc, link_texts);
    tcase_add_test(tc, longest_link_fits);
    return suite_main(suite);
}
