/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests from inside: links to System V segments, what they may contain, and what is left of
   them. */
#include "../src/directory.h"
#include "../src/hidden.h"
#include "../src/namespace.h"
#include "../src/sysv/link.h"
#include "support.h"

#include <limits.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(link_texts)
{
    static const char *const good[] = {
        "sysv:key=0x51a3 size=4096 ipc=4026531839",
        "sysv:key=0xffffffff size=9223372036854775807 ipc=0",
        "sysv:key=0x51a3 size=4096 ipc=4026531839 raw",
        "sysv:id=0 size=1 ipc=1 pid=0 pidns=0",
        "sysv:id=98310 size=4096 ipc=4026531839 pid=812 pidns=4026531836",
    };
    static const char *const bad[] = {
        "",
        "sysv:",
        "/etc/passwd",
        "sysv:key=0x0 size=1 ipc=1",
        "sysv:key=0x1 size=-1 ipc=1",
        "sysv:key=0x1 size=01 ipc=1",
        "sysv:key=0x1 size=1",
        "sysv:key=0x1 size=1 ipc=",
        "sysv:key=0x1 size=1 ipc=1 ",
        "sysv:key=0x1 size=1 ipc=1 raw ",
        "sysv:key=0x1 size=1 ipc=1raw",
        "sysv:key=0x1 size=1 ipc=1 pid=1 pidns=1",
        "sysv:key=0x1 size=9223372036854775808 ipc=1",
        "sysv:key=0x1 size=18446744073709551615 ipc=1",
        "sysv:key=0x1 size=18446744073709551616 ipc=1",
        "sysv:key=0x1 size=1 ipc=18446744073709551616",
        "sysv:key=0xA size=1 ipc=1",
        "sysv:key=0x100000000 size=1 ipc=1",
        "sysv:id=-1 size=1 ipc=1 pid=1 pidns=1",
        "sysv:id=1 size=1 ipc=1",
        "sysv:id=1 size=1 ipc=1 pid=1",
        "sysv:id=1 size=1 ipc=1 pid=1 pidns=1 raw",
        "sysv:id=1 size=1 ipc=1 pid=-1 pidns=1",
        "sysv:id=1 size=1 ipc=1 pid=2147483648 pidns=1",
        "sysv:id=1 size=1 ipc=1 pid=1 pidns=4294967296",
        "sysv:id=1 size=1 ipc=1 pid=1 pidns=1\n",
        "sysv:id=2147483648 size=1 ipc=1 pid=1 pidns=1",
    };
    char        text[LINK_TEXT_MAX];
    struct link link;
    size_t      k;

    for (k = 0; k < sizeof good / sizeof *good; k++) {
        ok(shmx_link_parse(good[k], &link));
        shmx_link_format(&link, text);
        ck_assert_str_eq(text, good[k]);
    }
    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        ck_assert_msg(shmx_link_parse(bad[k], &link) == -ELOOP, "accepted: %s", bad[k]);
}
END_TEST

START_TEST(longest_link_fits)
{
    const struct link link = {
        .number = INT_MAX, .size = INT64_MAX, .ipc = ULONG_MAX, .pid = INT_MAX, .pidns = UINT32_MAX
    };
    struct link back;
    char        text[LINK_TEXT_MAX];

    shmx_link_format(&link, text);
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    ok(shmx_link_parse(text, &back));
    ck_assert_uint_eq(back.pid, INT_MAX);
    ck_assert_uint_eq(back.pidns, UINT32_MAX);
}
END_TEST

static uint64_t
process(void)
{
    uint64_t number;

    ok(shmx_process(&number));
    return number;
}

static unsigned long
ipc_namespace(void)
{
    unsigned long number;

    ok(shmx_ipc_namespace(&number));
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

/* Compares the verdict on what the kernel and the link say. */
static void
assert_judged(const struct link *link, int id, enum link_verdict verdict, int error)
{
    struct lead lead = { .link = *link };

    ck_assert(!shmx_link_judge(&lead, id));
    ck_assert_int_eq(lead.verdict, verdict);
    if (verdict != LINK_LIVE)
        ck_assert_int_eq(lead.error, error);
    else
        ck_assert_int_eq(lead.st.id, id);
}

/* What the kernel says is compared with every word of the link. */
START_TEST(links_by_key_are_judged)
{
    const int   id = shmget(0x77, 5000, IPC_CREAT | 0600), other = shmget(0x78, 5000, IPC_CREAT);
    struct link link = {
        .by_key = true, .number = 0x77, .size = 5000, .ipc = ipc_namespace(), .owner = geteuid()
    };

    ck_assert_int_eq(shmx_link_locate(&link), id);
    assert_judged(&link, id, LINK_LIVE, 0);
    assert_judged(&link, other, LINK_GONE, -ENOENT); /* the key leads to another segment by now */
    assert_judged(&link, -ENOENT, LINK_GONE, -ENOENT);
    assert_judged(&link, -EACCES, LINK_UNKNOWN, -EACCES);
    link.size--;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    link.size++;
    link.number = 0x79;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    ck_assert_int_eq(shmx_link_locate(&link), -ENOENT);
    link.number = 0x77;
    link.owner++;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    link.owner--;
    link.ipc++; /* all else fits, so it is the right segment */
    ck_assert_int_eq(shmx_link_locate(&link), id);
    assert_judged(&link, id, LINK_LIVE, 0);
    link.raw = true; /* elsewhere, a key that somebody chose belongs to another segment */
    ck_assert_int_eq(shmx_link_locate(&link), -EXDEV);
    assert_judged(&link, -EXDEV, LINK_UNKNOWN, -EXDEV);
    link.size--;
    assert_judged(&link, id, LINK_UNKNOWN, -EXDEV);
    assert_judged(&link, -ENOENT, LINK_UNKNOWN, -EXDEV);
    ok(shmctl(id, IPC_RMID, NULL));
    ok(shmctl(other, IPC_RMID, NULL));
}
END_TEST

START_TEST(links_by_id_are_judged)
{
    const int        id = shmget(IPC_PRIVATE, 5000, 0600), other = shmget(IPC_PRIVATE, 5000, 0600);
    struct shmid_ds  ds;
    struct shmx_stat st;
    struct link      link, good;
    struct lead      lead;

    ok(shmctl(id, IPC_STAT, &ds));
    st = (struct shmx_stat){
        .id = id, .size = 5000, .cpid = getpid(), .ctime.tv_sec = ds.shm_ctime
    };
    ok(shmx_link_describe(&st, ipc_namespace(), &good));
    good.owner = geteuid();
    link = good;
    ck_assert(!link.by_key && link.number == id && link.pidns == process() >> PID_BITS);
    ck_assert_int_eq(shmx_link_locate(&link), id);
    assert_judged(&link, id, LINK_LIVE, 0);
    assert_judged(&link, other, LINK_GONE, -ENOENT);
    link.size++;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    link = good;
    link.owner++;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    link = good;
    link.pid++;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    link.pidns++; /* nobody can tell which process that was */
    assert_judged(&link, id, LINK_LIVE, 0);
    link = good;
    link.time--; /* another segment, or the same one after a change */
    lead.link = link;
    ck_assert(shmx_link_judge(&lead, id));
    ck_assert_int_eq(lead.verdict, LINK_UNKNOWN);
    ck_assert_int_eq(lead.error, -ENOENT);
    link.next = good.time; /* the time that was announced */
    assert_judged(&link, id, LINK_LIVE, 0);
    link.next++;
    lead.link = link;
    ck_assert(shmx_link_judge(&lead, id));
    link = good;
    link.ipc++;
    ck_assert_int_eq(shmx_link_locate(&link), -EXDEV);
    assert_judged(&link, -EXDEV, LINK_UNKNOWN, -EXDEV);
    ok(shmctl(id, IPC_RMID, NULL));
    ok(shmctl(other, IPC_RMID, NULL));
    assert_judged(&good, id, LINK_GONE, -ENOENT);
}
END_TEST

/* The owner of a link is the owner or the creator of its segment. */
START_TEST(links_of_creators_are_judged)
{
    struct link link = {
        .by_key = true, .number = 0x77, .size = 5000, .ipc = ipc_namespace(), .owner = geteuid()
    };
    struct shmid_ds ds = { .shm_perm = { .uid = 1, .mode = 0600 } };
    const int       id = shmget(0x77, 5000, IPC_CREAT | 0600);

    ok(shmctl(id, IPC_SET, &ds));
    assert_judged(&link, id, LINK_LIVE, 0);
    link.owner = 1;
    assert_judged(&link, id, LINK_LIVE, 0);
    link.owner = 2;
    assert_judged(&link, id, LINK_GONE, -ENOENT);
    ok(shmctl(id, IPC_RMID, NULL));
}
END_TEST

static bool
exists(int id)
{
    struct shmid_ds ds;

    return shmctl(id, IPC_STAT, &ds) == 0;
}

static bool
is_there(const char *entry)
{
    struct stat st;

    return shmx_directory_stat(entry, &st) == 0;
}

/* A link is removed only if it is the one that was meant, and its segment is removed only with
   it. */
START_TEST(links_are_removed_if_they_are_that)
{
    const int id = shmget(IPC_PRIVATE, 5000, 0600);

    ok(shmx_directory_symlink("that", "entry"));
    ck_assert_int_eq(shmx_link_remove("entry", "another", id), -ENOENT);
    ck_assert_int_eq(shmx_link_remove("no-entry", "that", id), -ENOENT);
    ck_assert(is_there("entry") && exists(id));
    ok(shmx_link_remove("entry", "that", -1));
    ck_assert(!is_there("entry") && exists(id));
    ok(shmx_directory_symlink("that", "entry"));
    ok(shmx_link_remove("entry", "that", id));
    ck_assert(!is_there("entry") && !exists(id));
    ok(shmx_directory_symlink("that", "entry"));
    ok(shmx_link_remove("entry", "that", id)); /* the segment is gone already */
    ck_assert(!is_there("entry"));
}
END_TEST

/* Leaves a hidden link of that kind to a segment whose maker is dead by now. The hidden name
   contains that maker if maker is 0, and otherwise maker. */
static int
leave_link(enum hidden_kind kind, int key, pid_t maker, char entry[HIDDEN_MAX])
{
    struct link link = { .by_key = true, .number = key, .size = 5000, .ipc = ipc_namespace() };
    char        text[LINK_TEXT_MAX];
    pid_t       pid = fork();

    if (pid == 0)
        _exit(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600) < 0);
    join(pid);
    snprintf(entry, HIDDEN_MAX, ".shmx-%u-%d-0-%c", (unsigned)(process() >> PID_BITS),
             (int)(maker == 0 ? pid : maker), (char)kind);
    shmx_link_format(&link, text);
    ok(shmx_directory_symlink(text, entry));
    return shmget(key, 0, 0);
}

static int
state_of(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)arg;
    ck_assert_int_eq(strncmp(name, "sysv:id=", 8), 0);
    return (int)st->state;
}

/* Collects, and checks whether the segment and the link exist. */
static void
assert_left(int id, const char *entry, unsigned flags, bool segment, bool link)
{
    ok(shmx_collect(flags, NULL, NULL, NULL));
    ck_assert(exists(id) == segment);
    ck_assert(is_there(entry) == link);
}

static void
clear(int id, const char *entry)
{
    shmctl(id, IPC_RMID, NULL);
    shmx_directory_unlink(entry);
}

/* What a creator has left is removed completely, provided that it was the creator. */
START_TEST(intents_are_collected_with_care)
{
    const char *const elsewhere = ".shmx-1-1-0-c";
    char              entry[HIDDEN_MAX], path[128];
    void             *addr;
    int               id = leave_link(HIDDEN_CREATE, 0x81, getpid(), entry);

    /* its maker is alive, between shmget and shmat */
    assert_left(id, entry, SHMX_ORPHANS, true, true);
    ck_assert_int_eq(shmx_list(SHMX_SYSV, state_of, NULL), SHMX_IS_NAMELESS);
    clear(id, entry);

    /* its maker is dead, but somebody is attached, for example a child of the maker */
    id = leave_link(HIDDEN_CREATE, 0x82, 0, entry);
    addr = shmat(id, NULL, 0);
    assert_left(id, entry, SHMX_ORPHANS, true, true);
    ok(shmdt(addr));
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    assert_left(id, entry, 0, false, false);

    /* the segment had the key before the intent was written, so it belongs to another process */
    id = leave_link(HIDDEN_CREATE, 0x83, dead_pid(), entry);
    assert_left(id, entry, 0, true, false);
    clear(id, entry);

    /* the maker is in another pid namespace, so nobody can tell, and nobody is attached */
    id = leave_link(HIDDEN_CREATE, 0x84, 0, entry);
    ok(shmx_directory_rename(entry, elsewhere));
    assert_left(id, elsewhere, 0, false, false);

    /* it has been published since, by a second name of the same link */
    id = leave_link(HIDDEN_CREATE, 0x85, 0, entry);
    snprintf(path, sizeof path, DIRECTORY "/%s", entry);
    ok(link(path, DIRECTORY "/published"));
    assert_left(id, entry, 0, true, false);
    ok(shmx_remove("/published"));
    ck_assert(!exists(id));
}
END_TEST

/* A segment that existed before it was to get a name still exists afterwards, attached or not. */
START_TEST(intents_of_publishers_leave_the_segment)
{
    char entry[HIDDEN_MAX];
    int  id = leave_link(HIDDEN_PUBLISH, 0x86, getpid(), entry);

    assert_left(id, entry, 0, true, true);
    clear(id, entry);
    id = leave_link(HIDDEN_PUBLISH, 0x87, 0, entry);
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    assert_left(id, entry, 0, true, false);
    clear(id, entry);
}
END_TEST

/* A process that collects has taken this intent away because it was unfinished, and was killed. */
START_TEST(collected_intents_go_on)
{
    char  entry[HIDDEN_MAX];
    void *addr;
    int   id = leave_link(HIDDEN_COLLECT, 0x89, getpid(), entry);

    assert_left(id, entry, 0, true, true);
    clear(id, entry);
    id = leave_link(HIDDEN_COLLECT, 0x8a, dead_pid(), entry);
    addr = shmat(id, NULL, 0);
    assert_left(id, entry, 0, true, true);
    ok(shmdt(addr));
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    assert_left(id, entry, 0, false, false);
}
END_TEST

/* The times of a link are read as they were written, and nothing else changes. */
START_TEST(links_have_two_times)
{
    static const struct {
        time_t time, next, read;
    } cases[] = { { 1000, 1000, 1000 },
                  { 1000, 1001, 1001 },
                  { 1000, 999999999, 999999999 },
                  { 1000, 999, 1000 }, /* a clock that was set back */
                  { 1000, 1000001000, 1000 } };
    static const char timed[] = "sysv:id=1 size=1 ipc=1 pid=1 pidns=1";
    struct link       link;
    char              text[LINK_TEXT_MAX];
    size_t            k;
    int               fd;

    ok(shmx_directory_symlink(timed, "timed"));
    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        fd = shmx_link_open("timed", timed);
        ck_assert_int_ge(fd, 0);
        ok(shmx_link_set_time(fd, cases[k].time, cases[k].next));
        close(fd);
        ok(shmx_link_read("timed", &link, text));
        ck_assert_int_eq(link.time, cases[k].time);
        ck_assert_int_eq(link.next, cases[k].read);
    }
    ok(shmx_link_remove("timed", text, -1));
}
END_TEST

/* A hidden entry that is not an intent concerns nobody. */
START_TEST(other_hidden_entries_are_left)
{
    char entry[HIDDEN_MAX];
    int  id = leave_link(HIDDEN_CREATE, 0x88, 0, entry);

    ok(shmx_directory_rename(entry, ".shmx-other"));
    assert_left(id, ".shmx-other", 0, true, true);
    clear(id, ".shmx-other");
    ok(shmx_directory_symlink("/etc/passwd", entry));
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ok(shmx_directory_unlink(entry));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("unit: links");
    TCase *tc = add_case(suite, "texts");

    tcase_add_test(tc, link_texts);
    tcase_add_test(tc, longest_link_fits);
    tc = add_case(suite, "segments");
    tcase_add_test(tc, links_by_key_are_judged);
    tcase_add_test(tc, links_by_id_are_judged);
    tcase_add_test(tc, links_of_creators_are_judged);
    tcase_add_test(tc, links_have_two_times);
    tcase_add_test(tc, links_are_removed_if_they_are_that);
    tcase_add_test(tc, intents_are_collected_with_care);
    tcase_add_test(tc, intents_of_publishers_leave_the_segment);
    tcase_add_test(tc, collected_intents_go_on);
    tcase_add_test(tc, other_hidden_entries_are_left);
    return suite_main(suite);
}
