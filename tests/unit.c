/* SPDX-License-Identifier: BSD-2-Clause */
/* From inside: the parsers, and what of the directory and of links only a race would show. */
#include "../src/directory.h"
#include "../src/name.h"
#include "../src/namespace.h"
#include "../src/sysv/link.h"
#include "support.h"

#include <limits.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
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
        const char         *printed;
    } cases[] = {
        { NULL, 0, REFERENCE_ANONYMOUS, 0, NULL, 0, NULL },
        { "a", 0, REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "/a", 0, REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "///a", 0, REFERENCE_NAME, 0, "a", 0, "posix:/a" },
        { "posix:/a", 0, REFERENCE_NAME, SHMX_POSIX, "a", 0, "posix:/a" },
        { "posix:///a", 0, REFERENCE_NAME, SHMX_POSIX, "a", 0, "posix:/a" },
        { "sysv:/a", 0, REFERENCE_NAME, SHMX_SYSV, "a", 0, "sysv:/a" },
        { "sysv:/key=1", 0, REFERENCE_NAME, SHMX_SYSV, "key=1", 0, "sysv:/key=1" },
        { "/posix:", 0, REFERENCE_NAME, 0, "posix:", 0, "posix:/posix:" },
        { "/sysv:key=1", 0, REFERENCE_NAME, 0, "sysv:key=1", 0, "posix:/sysv:key=1" },
        { "key=1", 0, REFERENCE_NAME, 0, "key=1", 0, "posix:/key=1" },
        { "C:", 0, REFERENCE_NAME, 0, "C:", 0, "posix:/C:" },
        { ".shmx", 0, REFERENCE_NAME, 0, ".shmx", 0, "posix:/.shmx" },
        { "sysv:key=1", 0, REFERENCE_KEY, SHMX_SYSV, NULL, 1, "sysv:key=0x1" },
        { "sysv:key=0x51a3", 0, REFERENCE_KEY, SHMX_SYSV, NULL, 0x51a3, "sysv:key=0x51a3" },
        { "sysv:key=010", 0, REFERENCE_KEY, SHMX_SYSV, NULL, 10, "sysv:key=0xa" },
        { "sysv:key=0xFFFFFFFF", 0, REFERENCE_KEY, SHMX_SYSV, NULL, -1, "sysv:key=0xffffffff" },
        { "sysv:key=4294967295", 0, REFERENCE_KEY, SHMX_SYSV, NULL, -1, "sysv:key=0xffffffff" },
        { "sysv:id=0", 0, REFERENCE_ID, SHMX_SYSV, NULL, 0, "sysv:id=0" },
        { "sysv:id=2147483647", 0, REFERENCE_ID, SHMX_SYSV, NULL, INT_MAX, "sysv:id=2147483647" },
        { "sysv:id=0x10", 0, REFERENCE_ID, SHMX_SYSV, NULL, 16, "sysv:id=16" },
    };
    static const char *const malformed[] = {
        "",
        "/",
        "a/b",
        "posix:",
        "posix:a",
        "posix:key=1",
        "sysv:",
        "sysv:a",
        "sysv:key=",
        "sysv:key=0",
        "sysv:key=0x",
        "sysv:key=-1",
        "sysv:key= 1",
        "sysv:key=1x",
        "sysv:key=4294967296",
        "sysv:key=99999999999999999999",
        "sysv:id=",
        "sysv:id=-1",
        "sysv:id=+1",
        "sysv:id=2147483648",
        ".shmx-",
        "//.shmx-x",
    };
    char             text[NAME_TEXT_MAX];
    struct reference ref;
    size_t           k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        ok(shmx_reference_parse(cases[k].text, &ref));
        ck_assert_int_eq(ref.kind, cases[k].kind);
        ck_assert_uint_eq(ref.backend, cases[k].backend);
        ck_assert_int_eq(ref.number, cases[k].number);
        ck_assert_pstr_eq(ref.entry, cases[k].entry);
        if (cases[k].printed != NULL) {
            shmx_reference_print(&ref, text);
            ck_assert_str_eq(text, cases[k].printed);
        }
    }
    for (k = 0; k < sizeof malformed / sizeof *malformed; k++)
        ck_assert_msg(shmx_reference_parse(malformed[k], &ref) == -EINVAL, "accepted: %s",
                      malformed[k]);
}
END_TEST

START_TEST(longest_reference_fits)
{
    char             entry[NAME_MAX + 2] = "", text[NAME_TEXT_MAX];
    struct reference ref, back;

    memset(entry, 'n', NAME_MAX + 1);
    ck_assert_int_eq(shmx_reference_parse(entry, &ref), -ENAMETOOLONG);
    entry[NAME_MAX] = '\0';
    ok(shmx_reference_parse(entry, &ref));
    shmx_reference_print(&ref, text);
    ok(shmx_reference_parse(text, &back));
    ck_assert_str_eq(back.entry, entry);
}
END_TEST

START_TEST(link_texts)
{
    static const char *const good[] = {
        "sysv:key=0x51a3 size=4096 ipc=4026531839",
        "sysv:key=0xffffffff size=18446744073709551615 ipc=0",
        "sysv:key=0x51a3 size=4096 ipc=4026531839 raw",
        "sysv:id=0 size=1 ipc=1 time=0 pid=0 pidns=0",
        "sysv:id=98310 size=4096 ipc=4026531839 time=1790000000 pid=812 pidns=4026531836",
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
        "sysv:key=0x1 size=1 ipc=1 time=1 pid=1 pidns=1",
        "sysv:key=0x1 size=18446744073709551616 ipc=1",
        "sysv:key=0x1 size=1 ipc=18446744073709551616",
        "sysv:key=0xA size=1 ipc=1",
        "sysv:key=0x100000000 size=1 ipc=1",
        "sysv:id=-1 size=1 ipc=1 time=1 pid=1 pidns=1",
        "sysv:id=1 size=1 ipc=1",
        "sysv:id=1 size=1 ipc=1 pid=1 pidns=1", /* of the first edition */
        "sysv:id=1 size=1 ipc=1 time=1 pid=1",
        "sysv:id=1 size=1 ipc=1 time=1 pid=1 pidns=1 raw",
        "sysv:id=1 size=1 ipc=1 time=-1 pid=1 pidns=1",
        "sysv:id=1 size=1 ipc=1 time=9223372036854775808 pid=1 pidns=1",
        "sysv:id=1 size=1 ipc=1 time=1 pid=2147483648 pidns=1",
        "sysv:id=1 size=1 ipc=1 time=1 pid=1 pidns=4294967296",
        "sysv:id=1 size=1 ipc=1 time=1 pid=1 pidns=1\n",
        "sysv:id=2147483648 size=1 ipc=1 time=1 pid=1 pidns=1",
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
    const struct link link = { .number = INT_MAX,
                               .size = UINT64_MAX,
                               .ipc = ULONG_MAX,
                               .time = INT64_MAX,
                               .pid = INT_MAX,
                               .pidns = UINT32_MAX };
    struct link       back;
    char              text[LINK_TEXT_MAX];

    shmx_link_format(&link, text);
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    ok(shmx_link_parse(text, &back));
    ck_assert_int_eq(back.time, INT64_MAX);
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

START_TEST(processes_are_told_apart)
{
    const uint64_t mine = process();
    pid_t          pid;

    ck_assert_uint_eq(mine & ((1u << PID_BITS) - 1), (uint64_t)getpid());
    ck_assert_uint_eq(process(), mine);
    pid = fork();
    if (pid == 0)
        _exit(process() != mine - (uint64_t)getppid() + (uint64_t)getpid());
    join(pid);
    ck_assert_uint_eq(process(), mine);
}
END_TEST

START_TEST(hidden_names)
{
    static const char *const bad[] = {
        "frames",
        ".shmx",
        ".shmx-",
        ".shmx-lock-0-0000000000000000",
        ".shmx-1-1-0-x1-",
        ".shmx-1-1-0-c-",
        ".shmx-1-1-0-c1",
        ".shmx-1-1-0",
        ".shmx-1-4194304-0-c1-",
        ".shmx-4294967296-1-0-c1-",
    };
    char          name[HIDDEN_MAX], other[HIDDEN_MAX];
    struct hidden hidden;
    size_t        k;

    ok(shmx_hidden_name(HIDDEN_LINK, 0x5a1, "a-b c", name));
    ok(shmx_hidden_name(HIDDEN_LINK, 0x5a1, "a-b c", other));
    ck_assert_str_ne(name, other);
    ck_assert(shmx_is_hidden(name));
    ck_assert(!shmx_is_hidden("frames"));
    ck_assert(!shmx_is_hidden(".shmx"));
    ck_assert(shmx_hidden_parse(name, &hidden));
    ck_assert_uint_eq(hidden.process, process());
    ck_assert_int_eq(hidden.kind, HIDDEN_LINK);
    ck_assert_uint_eq(hidden.meant, 0x5a1);
    ck_assert_str_eq(hidden.entry, "a-b c");
    for (k = 0; k < 4; k++) {
        ok(shmx_hidden_name((enum hidden_kind) "cpfl"[k], UINT64_MAX, "", name));
        ck_assert(shmx_hidden_parse(name, &hidden));
        ck_assert_int_eq(hidden.kind, "cpfl"[k]);
        ck_assert_uint_eq(hidden.meant, UINT64_MAX);
        ck_assert_str_eq(hidden.entry, "");
    }
    for (k = 0; k < sizeof bad / sizeof *bad; k++)
        ck_assert_msg(!shmx_hidden_parse(bad[k], &hidden), "accepted: %s", bad[k]);
}
END_TEST

/* Better none of the entry's name than half of it. */
START_TEST(hidden_names_of_long_ones)
{
    char          entry[NAME_MAX + 1] = "", name[HIDDEN_MAX];
    struct hidden hidden;
    size_t        k, whole = 0, none = 0;

    for (k = 0; k < NAME_MAX; k++) {
        entry[k] = 'n';
        ok(shmx_hidden_name(HIDDEN_LINK, 7, entry, name));
        ck_assert_uint_le(strlen(name), NAME_MAX);
        ck_assert(shmx_hidden_parse(name, &hidden));
        ck_assert_uint_eq(hidden.meant, 7);
        whole += strcmp(hidden.entry, entry) == 0;
        none += *hidden.entry == '\0';
        ck_assert_uint_eq(whole + none, k + 1);
        ck_assert(none > 0 || whole == k + 1); /* as long as there is room */
        ck_assert_uint_ge(strlen(name) + 3 + (none > 0 ? k : NAME_MAX), NAME_MAX);
    }
    ck_assert_uint_gt(whole, 200);
    ck_assert_uint_gt(none, 10);
}
END_TEST

/* Of processes that are there or not, here or elsewhere: of a dead one, what it was at is over. */
START_TEST(makers_live_or_not)
{
    const uint64_t space = process() >> PID_BITS;
    const pid_t    dead = dead_pid();
    const struct {
        uint64_t space;
        pid_t    pid;
        bool     in_use, is_mine;
    } cases[] = {
        { space, getpid(), true, true },
        { space, 1, true, false },
        { space, dead, false, false },
        /* nobody here can tell of pids of another namespace */
        { space + 1, getpid(), false, true },
        { 0, dead, false, true },
    };
    struct hidden hidden;
    size_t        k;

    for (k = 0; k < sizeof cases / sizeof *cases; k++) {
        hidden.process = cases[k].space << PID_BITS | (uint64_t)cases[k].pid;
        ck_assert(shmx_hidden_in_use(&hidden) == cases[k].in_use);
        ck_assert(shmx_hidden_is_by(&hidden, getpid()) == cases[k].is_mine);
    }
}
END_TEST

/* What to answer to "is it mine?"; and what happens meanwhile. */
struct answer {
    bool mine, name_taken;
    int  asked;
};

static bool
answer(const char *entry, const void *what)
{
    struct answer *answer = (struct answer *)what;

    answer->asked++;
    ck_assert_str_eq(entry, ".shmx-hidden");
    if (answer->name_taken)
        ok(symlink("another", "/dev/shm/entry"));
    return answer->mine;
}

static int
withdraw(bool mine, bool name_taken, int asked)
{
    struct answer question = { mine, name_taken, 0 };
    int           r = shmx_directory_withdraw("entry", ".shmx-hidden", answer, &question);

    ck_assert_int_eq(question.asked, asked);
    return r;
}

static bool
leads_to(const char *entry, const char *expected)
{
    char text[64] = "";

    return shmx_directory_readlink(entry, text, sizeof text) == 0 && strcmp(text, expected) == 0;
}

START_TEST(a_strangers_entry_goes_back)
{
    struct stat before, after;

    ck_assert_int_eq(withdraw(true, false, 0), -ENOENT); /* there is none */
    ok(shmx_directory_symlink("x", "entry"));
    ok(shmx_directory_stat("entry", &before));
    ck_assert_int_eq(withdraw(false, false, 1), -ENOENT);
    ok(shmx_directory_stat("entry", &after));
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_int_eq(shmx_directory_stat(".shmx-hidden", &after), -ENOENT);
    /* yet another one has taken its name: neither is lost */
    ck_assert_int_eq(withdraw(false, true, 1), -ENOENT);
    ck_assert(leads_to("entry", "another") && leads_to(".shmx-hidden", "x"));
    ok(shmx_directory_unlink(".shmx-hidden"));
    ok(withdraw(true, false, 1));
    ck_assert(leads_to(".shmx-hidden", "another"));
    ck_assert_int_eq(shmx_directory_stat("entry", &after), -ENOENT);
    ok(shmx_directory_unlink(".shmx-hidden"));
}
END_TEST

/* What the kernel and the link say, and what is to follow from it. */
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
    assert_judged(&link, other, LINK_GONE, -ENOENT); /* the key leads elsewhere by now */
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
    link.ipc++; /* all else fits: then it is the right one */
    ck_assert_int_eq(shmx_link_locate(&link), id);
    assert_judged(&link, id, LINK_LIVE, 0);
    link.size--; /* or what it means is elsewhere */
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
    link.pidns++; /* where nobody can tell which process that was */
    assert_judged(&link, id, LINK_LIVE, 0);
    link = good;
    link.time--; /* another one, or the same that was changed just now */
    lead.link = link;
    ck_assert(shmx_link_judge(&lead, id));
    ck_assert_int_eq(lead.verdict, LINK_GONE);
    link = good;
    link.ipc++;
    ck_assert_int_eq(shmx_link_locate(&link), -EXDEV);
    assert_judged(&link, -EXDEV, LINK_UNKNOWN, -EXDEV);
    ok(shmctl(id, IPC_RMID, NULL));
    ok(shmctl(other, IPC_RMID, NULL));
    assert_judged(&good, id, LINK_GONE, -ENOENT);
}
END_TEST

/* The owner of a link is that of the segment, or made it. */
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

/* A hidden link of that kind, to a segment that a process has made which is dead by now. *maker is
   0 for that process, or the one that the hidden name is to say. */
static int
leave_link(enum hidden_kind kind, int key, pid_t maker, unsigned meant, char entry[HIDDEN_MAX])
{
    struct link link = { .by_key = true, .number = key, .size = 5000, .ipc = ipc_namespace() };
    char        text[LINK_TEXT_MAX];
    pid_t       pid = fork();

    if (pid == 0)
        _exit(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600) < 0);
    join(pid);
    snprintf(entry, HIDDEN_MAX, ".shmx-%u-%d-0-%c%x-old", (unsigned)(process() >> PID_BITS),
             (int)(maker == 0 ? pid : maker), (char)kind, meant);
    shmx_link_format(&link, text);
    ok(shmx_directory_symlink(text, entry));
    return shmget(key, 0, 0);
}

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

static int
state_of(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)arg;
    ck_assert_int_eq(strncmp(name, "sysv:id=", 8), 0);
    return (int)st->state;
}

/* Collected, both are there or not. */
static void
assert_left(int id, const char *entry, unsigned flags, bool segment, bool link)
{
    ok(shmx_collect(flags, NULL, NULL));
    ck_assert(exists(id) == segment);
    ck_assert(is_there(entry) == link);
}

static void
clear(int id, const char *entry)
{
    shmctl(id, IPC_RMID, NULL);
    shmx_directory_unlink(entry);
}

/* What a creator leaves goes as a whole, if it was the creator. */
START_TEST(intents_are_collected_with_care)
{
    char  entry[HIDDEN_MAX];
    void *addr;
    int   id = leave_link(HIDDEN_CREATE, 0x81, getpid(), 0x81, entry);

    /* its maker lives and is between shmget and shmat */
    assert_left(id, entry, SHMX_ORPHANS, true, true);
    ck_assert_int_eq(shmx_list(SHMX_SYSV, state_of, NULL), SHMX_IS_NAMELESS);
    clear(id, entry);

    /* its maker is dead, and somebody is attached: a child that it had, say */
    id = leave_link(HIDDEN_CREATE, 0x82, 0, 0x82, entry);
    addr = shmat(id, NULL, 0);
    assert_left(id, entry, SHMX_ORPHANS, true, true);
    ok(shmdt(addr));
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    assert_left(id, entry, 0, false, false);

    /* the segment had the key before the intent was written: it is another process's */
    id = leave_link(HIDDEN_CREATE, 0x83, dead_pid(), 0x83, entry);
    assert_left(id, entry, 0, true, false);
    clear(id, entry);

    /* the process is one of another pid namespace: nobody can tell, and nobody is attached */
    id = leave_link(HIDDEN_CREATE, 0x84, 0, 0x84, entry);
    ok(shmx_directory_rename(entry, ".shmx-1-1-0-c84-"));
    assert_left(id, ".shmx-1-1-0-c84-", 0, false, false);
}
END_TEST

/* What was there before it was to get a name is there afterwards, attached or not. */
START_TEST(intents_of_publishers_leave_the_segment)
{
    char entry[HIDDEN_MAX];
    int  id = leave_link(HIDDEN_PUBLISH, 0x85, getpid(), 0x85, entry);

    assert_left(id, entry, 0, true, true);
    clear(id, entry);
    id = leave_link(HIDDEN_PUBLISH, 0x86, 0, 0x86, entry);
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    assert_left(id, entry, 0, true, false);
    clear(id, entry);
}
END_TEST

/* What somebody was about to destroy goes, if it is what was meant; else it gets its name back. */
START_TEST(withdrawn_links_are_collected_with_care)
{
    char entry[HIDDEN_MAX];
    int  id = leave_link(HIDDEN_LINK, 0x87, getpid(), 0x87, entry);

    assert_left(id, entry, 0, true, true);
    clear(id, entry);
    id = leave_link(HIDDEN_LINK, 0x88, dead_pid(), 0x88, entry);
    assert_left(id, entry, 0, false, false);

    id = leave_link(HIDDEN_LINK, 0x89, dead_pid(), 0x99, entry);
    assert_left(id, entry, SHMX_DRY_RUN, true, true);
    ok(shmx_directory_symlink("taken", "old"));
    assert_left(id, entry, 0, true, true);
    ok(shmx_directory_unlink("old"));
    assert_left(id, entry, 0, true, false);
    ok(shmx_remove("/old"));
    ck_assert(!exists(id));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("unit");
    TCase *tc = add_case(suite, "parsers");

    tcase_add_test(tc, references);
    tcase_add_test(tc, longest_reference_fits);
    tcase_add_test(tc, link_texts);
    tcase_add_test(tc, longest_link_fits);
    tcase_add_test(tc, hidden_names);
    tcase_add_test(tc, hidden_names_of_long_ones);
    tc = add_case(suite, "directory");
    tcase_add_test(tc, processes_are_told_apart);
    tcase_add_test(tc, makers_live_or_not);
    tcase_add_test(tc, a_strangers_entry_goes_back);
    tc = add_case(suite, "links");
    tcase_add_test(tc, links_by_key_are_judged);
    tcase_add_test(tc, links_by_id_are_judged);
    tcase_add_test(tc, links_of_creators_are_judged);
    tcase_add_test(tc, intents_are_collected_with_care);
    tcase_add_test(tc, intents_of_publishers_leave_the_segment);
    tcase_add_test(tc, withdrawn_links_are_collected_with_care);
    return suite_main(suite);
}
