/* SPDX-License-Identifier: BSD-2-Clause */
/* From inside: the parsers, and what of the directory and of links only a race would show. */
#include "../src/directory.h"
#include "../src/name.h"
#include "../src/namespace.h"
#include "../src/sysv/link.h"
#include "support.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
                         .pid = LONG_MAX,
                         .pidns = ULONG_MAX },
                back;
    char text[LINK_TEXT_MAX];

    link_format(&link, text);
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    ok(link_parse(text, &back));
    ck_assert_int_eq(back.pid, LONG_MAX);
}
END_TEST

/* Answers of "is it mine?", one after the other. */
struct answers {
    bool next[2];
    int  asked;
};

static bool
answer(const char *entry, const void *what)
{
    struct answers *answers = (struct answers *)what;

    (void)entry;
    return answers->next[answers->asked++];
}

START_TEST(a_strangers_entry_goes_back)
{
    struct answers mine = { { true, true }, 0 }, stranger = { { true, false }, 0 },
                   never = { { false, false }, 0 };
    char        hidden[DIRECTORY_HIDDEN_MAX];
    struct stat before, after;

    ok(symlink("x", "/dev/shm/entry"));
    ok(lstat("/dev/shm/entry", &before));
    /* between the comparison and the renaming it became a stranger's */
    ck_assert_int_eq(directory_withdraw("entry", answer, &stranger, hidden), -ENOENT);
    ok(lstat("/dev/shm/entry", &after));
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    /* one that is a stranger's at once is not touched at all */
    ck_assert_int_eq(directory_withdraw("entry", answer, &never, hidden), -ENOENT);
    ck_assert_int_eq(never.asked, 1);
    ok(directory_withdraw("entry", answer, &mine, hidden));
    ck_assert_int_eq(lstat("/dev/shm/entry", &after), -1);
    ok(directory_unlink(hidden));
}
END_TEST

static unsigned long
here(const char *path)
{
    unsigned long number = 0;

    ok(namespace_number(path, &number));
    return number;
}

static pid_t
dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    join(pid);
    return pid;
}

START_TEST(abandoned_or_not)
{
    const unsigned long space = here(NAMESPACE_PID);
    const long          dead = dead_pid();
    struct timespec     now, old;
    char                name[DIRECTORY_HIDDEN_MAX];

    clock_gettime(CLOCK_REALTIME, &now);
    old = now;
    old.tv_sec -= 100;
    snprintf(name, sizeof name, ".shmx-%lu-%ld-0", space, (long)getpid());
    ck_assert(!directory_is_abandoned(name, now));
    ck_assert(
        directory_is_abandoned(name, old)); /* we were not there then: our pid was another's */
    snprintf(name, sizeof name, ".shmx-%lu-%ld-0", space, 1L);
    ck_assert(!directory_is_abandoned(name, now));
    snprintf(name, sizeof name, ".shmx-%lu-%ld-0", space, dead);
    ck_assert(directory_is_abandoned(name, now));
    /* pids of another namespace, or of an unknown one, are not judged: only time is */
    snprintf(name, sizeof name, ".shmx-%lu-%ld-0", space + 1, dead);
    ck_assert(!directory_is_abandoned(name, now));
    ck_assert(directory_is_abandoned(name, old));
    snprintf(name, sizeof name, ".shmx-0-%ld-0", dead);
    ck_assert(!directory_is_abandoned(name, now));
    ck_assert(directory_is_abandoned(name, old));
    ck_assert(!directory_is_abandoned(".shmx-lock-0000000000000000", old));
    ck_assert(!directory_is_abandoned(".shmx-", old));
}
END_TEST

/* What the kernel says is compared with every word of the link. */
START_TEST(links_are_judged)
{
    const int   id = shmget(0x77, 5000, IPC_CREAT | 0600);
    struct link link = {
        .by_key = true, .number = 0x77, .size = 5000, .ipc = here(NAMESPACE_IPC), .owner = geteuid()
    };
    struct shmid_ds ds;

    ck_assert_int_eq(link_locate(&link), id);
    ck_assert_int_eq(link_judge(&link, id, &ds), LINK_LIVE);
    link.size--;
    ck_assert_int_eq(link_judge(&link, id, &ds), LINK_GONE);
    link.size++;
    link.number++; /* the key leads elsewhere since it was looked up */
    ck_assert_int_eq(link_judge(&link, id, &ds), LINK_GONE);
    ck_assert_int_eq(link_locate(&link), -ENOENT);
    link.number--;
    link.owner++;
    ck_assert_int_eq(link_judge(&link, id, &ds), LINK_STRANGE);
    link.ipc++;
    ck_assert_int_eq(link_judge(&link, link_locate(&link), &ds), LINK_ABROAD);
    ok(shmctl(id, IPC_RMID, NULL));
}
END_TEST

/* An intent with a segment behind it, as a process of that pid that was killed would leave it. */
static int
leave_intent(int key, pid_t pid, char entry[DIRECTORY_HIDDEN_MAX])
{
    struct link link = { .by_key = true, .number = key, .size = 5000, .ipc = here(NAMESPACE_IPC) };
    char        text[LINK_TEXT_MAX], path[128];

    snprintf(entry, DIRECTORY_HIDDEN_MAX, ".shmx-%lu-%ld-%x", here(NAMESPACE_PID), (long)pid,
             (unsigned)key);
    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    link_format(&link, text);
    ok(symlink(text, path));
    return shmget(key, 5000, IPC_CREAT | 0600);
}

static bool
exists(int id)
{
    struct shmid_ds ds;

    return shmctl(id, IPC_STAT, &ds) == 0;
}

static int
state_of(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)arg;
    return (int)st->state;
}

START_TEST(intents_are_collected_with_care)
{
    char  entry[DIRECTORY_HIDDEN_MAX], path[128];
    int   id = leave_intent(0x81, getpid(), entry);
    void *addr;

    /* its maker lives and is between shmget and shmat */
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL));
    ck_assert(exists(id));
    ck_assert_int_eq(shmx_list(SHMX_SYSV, state_of, NULL), SHMX_IS_NAMELESS);
    ok(directory_unlink(entry));
    ok(shmctl(id, IPC_RMID, NULL));

    /* its maker is dead, and somebody is attached: a child that it had, say */
    id = leave_intent(0x82, dead_pid(), entry);
    addr = shmat(id, NULL, 0);
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL));
    ck_assert(exists(id));
    ok(shmdt(addr));
    ok(shmx_collect(SHMX_DRY_RUN, NULL, NULL));
    ck_assert(exists(id));
    ok(shmx_collect(0, NULL, NULL));
    ck_assert(!exists(id));

    /* the segment had the key before the intent was written: it is somebody else's */
    id = leave_intent(0x83, dead_pid(), entry);
    snprintf(path, sizeof path, "/dev/shm/%s", entry);
    ok(utimensat(AT_FDCWD, path,
                 (struct timespec[]){ { .tv_nsec = UTIME_NOW }, { .tv_sec = time(NULL) + 10 } },
                 AT_SYMLINK_NOFOLLOW));
    ok(shmx_collect(0, NULL, NULL));
    ck_assert(exists(id));
    ok(directory_unlink(entry));
    ok(shmctl(id, IPC_RMID, NULL));
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
    tc = add_case(suite, "directory");
    tcase_add_test(tc, a_strangers_entry_goes_back);
    tcase_add_test(tc, abandoned_or_not);
    tcase_add_test(tc, links_are_judged);
    tcase_add_test(tc, intents_are_collected_with_care);
    return suite_main(suite);
}
