/* SPDX-License-Identifier: BSD-2-Clause */
/* Names on both backends: how segments are made, found, published and removed. */
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 10000

static struct shmx *
created(int i, const char *name)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, backend_flag[i], &seg));
    return seg;
}

static bool
has_name(const struct shmx *seg, int i, const char *entry)
{
    char text[300];

    snprintf(text, sizeof text, "%s/%s", backend_prefix[i], entry);
    return strcmp(shmx_name(seg), text) == 0;
}

START_TEST(create_is_exclusive)
{
    struct shmx *seg = created(_i, "/frames"), *other = NULL;

    fails(shmx_create("/frames", SIZE, 0600, SHMX_POSIX, &other), -EEXIST);
    fails(shmx_create("frames", SIZE, 0600, SHMX_SYSV, &other), -EEXIST);
    fails(shmx_create("posix:/frames", SIZE, 0600, 0, &other), -EEXIST);
    fails(shmx_create("sysv:/frames", SIZE, 0600, 0, &other), -EEXIST);
    ck_assert_ptr_null(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(open_finds_the_backend)
{
    struct shmx *seg = created(_i, "/frames"), *other = NULL;

    ck_assert(has_name(seg, _i, "frames"));
    ok(shmx_open("frames", 0, &other));
    ck_assert(has_name(other, _i, "frames"));
    shmx_close(other);
    ok(shmx_open(shmx_name(seg), 0, &other));
    shmx_close(other);
    ok(shmx_open("/frames", SHMX_OWNED, &other));
    shmx_close(other);
    fails(shmx_open(_i == 0 ? "sysv:/frames" : "posix:/frames", 0, &other), -ENOENT);
    ok(shmx_remove("/frames"));
    shmx_close(seg);
}
END_TEST

START_TEST(prefix_chooses_the_backend)
{
    char         name[32];
    struct shmx *seg;

    snprintf(name, sizeof name, "%s/frames", backend_prefix[_i]);
    ok(shmx_create(name, SIZE, 0600, 0, &seg));
    ck_assert_str_eq(shmx_name(seg), name);
    fails(shmx_create(name, SIZE, 0600, backend_flag[1 - _i], &seg), -EINVAL);
    fails(shmx_remove(_i == 0 ? "sysv:/frames" : "posix:/frames"), -ENOENT);
    ok(shmx_remove(name));
    shmx_close(seg);
}
END_TEST

START_TEST(posix_is_the_default)
{
    struct shmx *seg;

    ok(shmx_create("/frames", SIZE, 0600, 0, &seg));
    ck_assert_str_eq(shmx_name(seg), "posix:/frames");
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(bad_names)
{
    static const char *const bad[] = {
        "", "/", "//", ".", "/.", "..", "/..", "a/b", "/a/", "//a/b", "a//", ".shmx-x", "/.shmx-",
        /* a text with a prefix has one of the forms, or is refused */
        "posix:", "posix:/", "posix://", "posix:frames", "posix:key=1", "posix:id=1", "posix:a/b",
        "posix:/..", "posix:/.shmx-x", "sysv:", "sysv:/", "sysv:frames", "sysv:/a/b",
        "sysv:posix:/a", "sysv:key", "sysv:key=", "sysv:key=0", "sysv:key=0x", "sysv:key=0x0",
        "sysv:key=1x", "sysv:key=-1", "sysv:key= 1", "sysv:key=1 ", "sysv:key=0X1",
        "sysv:key=0x100000000", "sysv:id=", "sysv:id=-1", "sysv:id=12x", "sysv:id=a",
        "sysv:id=2147483648", "sysv:id=99999999999999999999999"
    };
    struct shmx     *seg = NULL, *anonymous;
    struct shmx_stat st;
    char             name[300];
    size_t           k;

    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &anonymous));
    for (k = 0; k <= sizeof bad / sizeof *bad; k++) {
        const int   error = k < sizeof bad / sizeof *bad ? -EINVAL : -ENAMETOOLONG;
        const char *text = error == -EINVAL ? bad[k] : memset(name, 'n', 256);

        name[256] = '\0';
        fails(shmx_create(text, SIZE, 0600, backend_flag[_i], &seg), error);
        fails(shmx_open_or_create(text, SIZE, 0600, backend_flag[_i], NULL, NULL, &seg), error);
        fails(shmx_open(text, 0, &seg), error);
        fails(shmx_publish(anonymous, text), error);
        fails(shmx_stat_name(text, &st), error);
        fails(shmx_remove(text), error);
    }
    ok(shmx_destroy(anonymous));
    shmx_close(anonymous);
    fails(shmx_open(NULL, 0, &seg), -EINVAL);
    fails(shmx_stat_name(NULL, &st), -EINVAL);
    fails(shmx_remove(NULL), -EINVAL);
    fails(shmx_create("sysv:id=0", SIZE, 0600, 0, &seg), -EINVAL);
    ck_assert_ptr_null(seg);
}
END_TEST

START_TEST(odd_names_are_names)
{
    char              longest[256];
    const char *const odd[] = { "x",       "...",           "a b\n\t", "\xff\xfe",
                                "key=1",   "id=1",          "C:",      "posix",
                                "POSIX:x", "sysv",          "/posix:", "/posix:frames",
                                "/sysv:",  "/sysv:key=0x1", longest };
    struct shmx      *seg, *other;
    size_t            k;

    memset(longest, 'n', 255);
    longest[255] = '\0';
    for (k = 0; k < sizeof odd / sizeof *odd; k++) {
        ok(shmx_create(odd[k], SIZE, 0600, backend_flag[_i], &seg));
        ck_assert(has_name(seg, _i, odd[k] + (*odd[k] == '/')));
        ok(shmx_open(shmx_name(seg), 0, &other));
        ok(shmx_destroy(other));
        shmx_close(other);
        shmx_close(seg);
    }
}
END_TEST

START_TEST(slashes_in_front_are_one)
{
    static const char *const same[] = { "a", "/a", "//a", "/////a" };
    char                     name[32];
    struct shmx             *seg, *other = NULL;
    struct shmx_stat         st;
    size_t                   k;

    for (k = 0; k < sizeof same / sizeof *same; k++) {
        ok(shmx_create(same[k], SIZE, 0600, backend_flag[_i], &seg));
        ck_assert(has_name(seg, _i, "a"));
        fails(shmx_create("/a", SIZE, 0600, backend_flag[_i], &other), -EEXIST);
        snprintf(name, sizeof name, "%s%s", backend_prefix[_i], k == 0 ? "///a" : same[k]);
        ok(shmx_open(name, 0, &other));
        ck_assert(has_name(other, _i, "a"));
        shmx_close(other);
        ok(shmx_stat_name(same[k], &st));
        ok(shmx_remove(same[k]));
        shmx_close(seg);
    }
}
END_TEST

static int
never_run(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size, (void)arg;
    ck_abort_msg("initialised");
    return 0;
}

START_TEST(bad_arguments)
{
    struct shmx   *seg = NULL;
    const unsigned flag = backend_flag[_i];

    fails(shmx_create("/x", 0, 0600, flag, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE_MAX, 0600, flag, &seg), -EINVAL);
    fails(shmx_create("/x", sizeof(void *) < 8 ? SIZE_MAX : PTRDIFF_MAX, 0600, flag | SHMX_SPARSE,
                      &seg),
          -EINVAL);
    fails(shmx_create("/x", SIZE, 01600, flag, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 04000, flag, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 0600, flag | SHMX_RDONLY, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 0600, flag | 0x80000000u, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 0600, SHMX_POSIX | SHMX_SYSV, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 0400, flag | SHMX_EPHEMERAL, &seg), -EINVAL);
    fails(shmx_create("sysv:key=0x77", SIZE, 0600, SHMX_POSIX, &seg), -EINVAL);
    fails(shmx_create("sysv:key=0x77", SIZE, 0600, SHMX_EPHEMERAL, &seg), -EINVAL);
    fails(shmx_create("/x", SIZE, 0600, flag, NULL), -EINVAL);
    fails(shmx_open("/x", SHMX_PRIVATE, &seg), -EINVAL);
    fails(shmx_open("/x", 0, NULL), -EINVAL);
    fails(shmx_open_or_create("/x", 0, 0600, flag, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create("/x", SIZE, 0600, flag | SHMX_RDONLY, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create("posix:/x", SIZE, 0600, SHMX_SYSV, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create(NULL, SIZE, 0600, flag, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create("sysv:key=0x77", SIZE, 0600, 0, never_run, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create("sysv:id=77", SIZE, 0600, 0, never_run, NULL, &seg), -EINVAL);
    fails(shmx_open_or_create("sysv:id=77", SIZE, 0600, 0, NULL, NULL, &seg), -EINVAL);
    fails(shmx_open_fd(0, SHMX_EXEC, &seg), -EINVAL);
    fails(shmx_list(0, NULL, NULL), -EINVAL);
    fails(
        shmx_list(SHMX_HUGE, (int (*)(const char *, const struct shmx_stat *, void *))abort, NULL),
        -EINVAL);
    fails(shmx_collect(SHMX_HUGE, NULL, NULL, NULL), -EINVAL);
    ck_assert_ptr_null(seg);
}
END_TEST

START_TEST(null_handles)
{
    struct shmx_stat st;
    void            *addr;
    char             c = 0;

    fails(shmx_publish(NULL, "/x"), -EINVAL);
    fails(shmx_destroy(NULL), -EINVAL);
    fails(shmx_attach(NULL, 0, &addr), -EINVAL);
    fails(shmx_attach_range(NULL, 0, 0, 0, &addr), -EINVAL);
    fails(shmx_detach(NULL, &c), -EINVAL);
    fails(shmx_size(NULL), -EINVAL);
    fails(shmx_resize(NULL, 1), -EINVAL);
    fails(shmx_stat(NULL, &st), -EINVAL);
    fails(shmx_stat_name("/x", NULL), -EINVAL);
    fails(shmx_chmod(NULL, 0600), -EINVAL);
    fails(shmx_chown(NULL, 0, 0), -EINVAL);
    fails(shmx_pin(NULL), -EINVAL);
    fails(shmx_unpin(NULL), -EINVAL);
    fails(shmx_fd(NULL), -EINVAL);
    fails(shmx_read(NULL, &c, 1, 0), -EINVAL);
    fails(shmx_write(NULL, &c, 1, 0), -EINVAL);
    ck_assert_ptr_null(shmx_name(NULL));
    errno = 0;
    ck_assert_ptr_null(shmx_stream(NULL, "r"));
    ck_assert_int_eq(errno, EINVAL);
    errno = 17;
    shmx_close(NULL);
    ck_assert_int_eq(errno, 17);
}
END_TEST

START_TEST(missing)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    char             name[32];

    snprintf(name, sizeof name, "%s/missing", backend_prefix[_i]);
    fails(shmx_open("/missing", 0, &seg), -ENOENT);
    fails(shmx_open(name, 0, &seg), -ENOENT);
    fails(shmx_remove("/missing"), -ENOENT);
    fails(shmx_remove(name), -ENOENT);
    fails(shmx_stat_name("/missing", &st), -ENOENT);
    fails(shmx_stat_name(name, &st), -ENOENT);
    fails(shmx_open("sysv:key=0x7f001122", 0, &seg), -ENOENT);
    fails(shmx_remove("sysv:key=0x7f001122"), -ENOENT);
    fails(shmx_open("sysv:id=1147483647", 0, &seg), -ENOENT);
    fails(shmx_remove("sysv:id=1147483647"), -ENOENT);
    ck_assert_ptr_null(seg);
}
END_TEST

START_TEST(mode_is_exact)
{
    static const mode_t modes[] = { 0600, 0666, 0777, 0640, 0444, 0400, 0200, 0000 };
    struct shmx        *seg;
    struct shmx_stat    st;
    void               *addr;
    size_t              k;

    umask(077);
    for (k = 0; k < sizeof modes / sizeof *modes; k++) {
        ok(shmx_create("/m", SIZE, modes[k], backend_flag[_i], &seg));
        ok(shmx_stat(seg, &st));
        ck_assert_uint_eq(st.mode, modes[k]);
        ok(shmx_attach(seg, 0, &addr));
        memset(addr, 1, SIZE);
        ok(shmx_detach(seg, addr));
        ok(shmx_chmod(seg, 0606));
        ok(shmx_stat(seg, &st));
        ck_assert_uint_eq(st.mode, 0606);
        fails(shmx_chmod(seg, 01606), -EINVAL);
        ok(shmx_destroy(seg));
        shmx_close(seg);
    }
}
END_TEST

START_TEST(mode_is_exact_for_an_ordinary_user)
{
    if (_i == 1 && valgrind_lacks("attaching without a right"))
        return;
    become_nobody();
    mode_is_exact_fn(_i);
}
END_TEST

START_TEST(owner_changes_and_the_link_goes_along)
{
    struct shmx     *seg = created(_i, "/given");
    struct shmx_stat st;
    struct stat      entry;

    need_users();
    ok(shmx_chown(seg, NOBODY, (gid_t)-1));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.uid, NOBODY);
    ck_assert_uint_eq(st.gid, 0);
    ok(shmx_chown(seg, (uid_t)-1, NOBODY));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.uid, NOBODY);
    ck_assert_uint_eq(st.gid, NOBODY);
    ck_assert_int_eq(lstat("/dev/shm/given", &entry), 0);
    ck_assert_uint_eq(entry.st_uid, NOBODY);
    ok(shmx_chown(seg, 1, 1)); /* from an owner who is not the creator to another one */
    shmx_close(seg);
    ok(shmx_open("/given", 0, &seg));
    ok(shmx_chown(seg, NOBODY, NOBODY));
    become_nobody();
    ok(shmx_remove("/given"));
    shmx_close(seg);
}
END_TEST

START_TEST(destroy_frees_the_name)
{
    struct shmx *old = created(_i, "/frames"), *other = NULL, *fresh = NULL;
    void        *addr, *there;

    ok(shmx_open("/frames", 0, &other));
    ok(shmx_attach(old, 0, &addr));
    strcpy(addr, "old");
    ok(shmx_destroy(old));
    fails(shmx_destroy(old), -ENOENT);
    fails(shmx_destroy(other), -ENOENT);
    fails(shmx_open("/frames", 0, &fresh), -ENOENT);
    fails(shmx_remove("/frames"), -ENOENT);
    fails(shmx_publish(old, "/again"), -ENOENT);
    fresh = created(1 - _i, "/frames");
    fails(shmx_destroy(other), -ENOENT); /* the segment of the stranger stays */
    ok(shmx_attach(other, 0, &there));
    ck_assert_str_eq(there, "old");
    strcpy(addr, "still shared");
    ck_assert_str_eq(there, "still shared");
    shmx_close(old);
    shmx_close(other);
    ok(shmx_destroy(fresh));
    shmx_close(fresh);
}
END_TEST

START_TEST(remove_by_name_while_attached)
{
    struct shmx *seg = created(_i, "/frames");
    void        *addr;

    ok(shmx_attach(seg, 0, &addr));
    ok(shmx_remove("/frames"));
    memset(addr, 3, SIZE);
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(seg);
}
END_TEST

START_TEST(publish_names_the_anonymous)
{
    struct shmx *seg = NULL, *other = NULL, *named = created(_i, "/taken");
    char         wrong[32];
    void        *addr;

    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &seg));
    ok(shmx_attach(seg, 0, &addr));
    strcpy(addr, "first");
    fails(shmx_publish(seg, NULL), -EINVAL);
    fails(shmx_publish(seg, "sysv:key=0x99"), -EINVAL);
    fails(shmx_publish(seg, "a/b"), -EINVAL);
    snprintf(wrong, sizeof wrong, "%s/p", backend_prefix[1 - _i]);
    fails(shmx_publish(seg, wrong), -EINVAL);
    fails(shmx_publish(seg, "/taken"), -EEXIST);
    ok(shmx_publish(seg, "/p"));
    ck_assert(has_name(seg, _i, "p"));
    fails(shmx_publish(seg, "/q"), -EINVAL);
    ok(shmx_open("/p", SHMX_RDONLY, &other));
    ok(shmx_attach(other, 0, &addr));
    ck_assert_str_eq(addr, "first");
    shmx_close(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmx_destroy(named));
    shmx_close(named);
}
END_TEST

START_TEST(anonymous_is_destroyed_once)
{
    struct shmx *seg;

    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i], &seg));
    ok(shmx_destroy(seg));
    fails(shmx_destroy(seg), -ENOENT);
    fails(shmx_publish(seg, "/late"), -ENOENT);
    shmx_close(seg);
}
END_TEST

static int
init_count(void *addr, size_t size, void *arg)
{
    size_t k;

    ck_assert_uint_eq(size, SIZE);
    for (k = 0; k < size; k++)
        ck_assert_int_eq(((char *)addr)[k], 0);
    strcpy(addr, "made");
    ++*(int *)arg;
    return 0;
}

static int
init_fail(void *addr, size_t size, void *arg)
{
    (void)addr, (void)size;
    return *(int *)arg;
}

START_TEST(open_or_create_tells_which)
{
    struct shmx   *seg = NULL, *other = NULL;
    const unsigned flag = backend_flag[_i];
    int            count = 0;
    void          *addr;

    ck_assert_int_eq(shmx_open_or_create("/o", SIZE, 0640, flag, init_count, &count, &seg), 1);
    ck_assert_int_eq(shmx_open_or_create("/o", SIZE, 0600, flag, init_count, &count, &other), 0);
    ck_assert_int_eq(count, 1);
    ok(shmx_attach(other, 0, &addr));
    ck_assert_str_eq(addr, "made");
    shmx_close(other);
    ck_assert_int_eq(shmx_open_or_create("o", SIZE / 2, 0600, flag, NULL, NULL, &other), 0);
    ck_assert_int_eq(shmx_size(other), SIZE);
    shmx_close(other);
    ck_assert_int_eq(shmx_open_or_create("o", 1, 0600, SHMX_OWNED, NULL, NULL, &other), 0);
    shmx_close(other);
    other = NULL;
    fails(shmx_open_or_create("/o", SIZE + 1, 0600, flag, NULL, NULL, &other), -ERANGE);
    fails(shmx_open_or_create("/o", SIZE + 1, 0600, flag, init_count, &count, &other), -ERANGE);
    ck_assert_int_eq(shmx_size(seg), SIZE);
    fails(shmx_open_or_create(_i == 0 ? "sysv:/o" : "posix:/o", 1, 0600, 0, NULL, NULL, &other),
          -EEXIST);
    ck_assert_ptr_null(other);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ck_assert_int_eq(shmx_open_or_create("/o", SIZE, 0640, flag, NULL, NULL, &seg), 1);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(failing_initialiser_leaves_nothing)
{
    struct shmx *seg = NULL;
    int          error = -EPROTO;

    fails(shmx_open_or_create("/o", SIZE, 0600, backend_flag[_i], init_fail, &error, &seg),
          -EPROTO);
    error = 5;
    fails(shmx_open_or_create("/o", SIZE, 0600, backend_flag[_i], init_fail, &error, &seg),
          -ECANCELED);
    ck_assert_ptr_null(seg);
}
END_TEST

struct seen {
    const char      *name;
    int              times;
    struct shmx_stat st;
};

static int
look_for(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    if (strcmp(name, seen->name) == 0) {
        seen->times++;
        seen->st = *st;
    }
    return 0;
}

static int
stop_at_once(const char *name, const struct shmx_stat *st, void *arg)
{
    (void)name, (void)st;
    ++*(int *)arg;
    return 42;
}

/* Compares all members. A comparison of bytes would fail because of the padding behind lpid. */
static void
assert_same(const struct shmx_stat *a, const struct shmx_stat *b)
{
    ck_assert_mem_eq(a, b, offsetof(struct shmx_stat, lpid) + sizeof a->lpid);
    ck_assert_mem_eq(&a->atime, &b->atime, sizeof *a - offsetof(struct shmx_stat, atime));
}

START_TEST(list_shows_each_once)
{
    struct shmx     *seg = created(_i, "/listed"), *more = created(1 - _i, "/more");
    struct seen      seen = { .name = shmx_name(seg) };
    struct shmx_stat st;
    int              calls = 0;

    ok(shmx_list(0, look_for, &seen));
    ck_assert_int_eq(seen.times, 1);
    ok(shmx_stat(seg, &st));
    if (_i == 1) { /* nobody looks at the pages of a System V segment there */
        ck_assert_uint_eq(seen.st.page_size, 0);
        st.page_size = 0;
    }
    assert_same(&st, &seen.st);
    ok(shmx_list(backend_flag[_i], look_for, &seen));
    ck_assert_int_eq(seen.times, 2);
    ok(shmx_list(backend_flag[1 - _i], look_for, &seen));
    ck_assert_int_eq(seen.times, 2);
    ck_assert_int_eq(shmx_list(0, stop_at_once, &calls), 42);
    ck_assert_int_eq(calls, 1);
    ok(shmx_destroy(seg));
    ok(shmx_destroy(more));
    shmx_close(seg);
    shmx_close(more);
}
END_TEST

START_TEST(stat_says_what_it_is)
{
    const unsigned   going = _i == 1 ? SHMX_IS_DESTROYED : 0; /* it goes with its last attachment */
    struct shmx     *seg = created(_i, "/s");
    struct shmx_stat st;

    memset(&st, 0xff, sizeof st);
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.backend, backend_flag[_i]);
    ck_assert_uint_eq(st.state, 0);
    ck_assert_uint_eq(st.size, SIZE);
    ck_assert_uint_eq(st.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
    ck_assert_int_eq(st.holders, 1);
    ck_assert_uint_eq(st.uid, geteuid());
    ck_assert_uint_eq(st.cuid, geteuid());
    ck_assert_int_gt(st.ctime.tv_sec, 0);
    ck_assert_uint_eq(st.spare[7], 0);
    fails(shmx_stat(seg, NULL), -EINVAL);
    ok(shmx_destroy(seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, SHMX_IS_NAMELESS | going);
    shmx_close(seg);
    ok(shmx_create(NULL, SIZE, 0600, backend_flag[_i] | SHMX_EPHEMERAL, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, SHMX_IS_NAMELESS | SHMX_IS_EPHEMERAL | going);
    shmx_close(seg);
    ok(shmx_create("/e", SIZE, 0600, backend_flag[_i] | SHMX_EPHEMERAL, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, SHMX_IS_EPHEMERAL | going);
    shmx_close(seg);
}
END_TEST

START_TEST(words_for_errors)
{
    ck_assert_ptr_nonnull(strstr(shmx_strerror(-ENOSPC), "kernel.shmmni"));
    ck_assert_str_eq(shmx_strerror(ENOSPC), shmx_strerror(-ENOSPC));
    ck_assert_str_eq(shmx_strerror(0), "success");
    ck_assert_str_eq(shmx_strerror(123456), "unknown error");
    ck_assert_str_eq(shmx_strerror(INT32_MIN), "unknown error");
    ck_assert_str_eq(shmx_version(), "1.0.0");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("contract: names");
    TCase *tc = add_case(suite, "names");

    tcase_add_loop_test(tc, create_is_exclusive, 0, BACKENDS);
    tcase_add_loop_test(tc, open_finds_the_backend, 0, BACKENDS);
    tcase_add_loop_test(tc, prefix_chooses_the_backend, 0, BACKENDS);
    tcase_add_test(tc, posix_is_the_default);
    tcase_add_loop_test(tc, bad_names, 0, BACKENDS);
    tcase_add_loop_test(tc, odd_names_are_names, 0, BACKENDS);
    tcase_add_loop_test(tc, slashes_in_front_are_one, 0, BACKENDS);
    tcase_add_loop_test(tc, bad_arguments, 0, BACKENDS);
    tcase_add_test(tc, null_handles);
    tcase_add_loop_test(tc, missing, 0, BACKENDS);
    tcase_add_loop_test(tc, mode_is_exact, 0, BACKENDS);
    tcase_add_loop_test(tc, mode_is_exact_for_an_ordinary_user, 0, BACKENDS);
    tcase_add_loop_test(tc, owner_changes_and_the_link_goes_along, 0, BACKENDS);
    tcase_add_loop_test(tc, destroy_frees_the_name, 0, BACKENDS);
    tcase_add_loop_test(tc, remove_by_name_while_attached, 0, BACKENDS);
    tcase_add_loop_test(tc, publish_names_the_anonymous, 0, BACKENDS);
    tcase_add_loop_test(tc, anonymous_is_destroyed_once, 0, BACKENDS);
    tcase_add_loop_test(tc, open_or_create_tells_which, 0, BACKENDS);
    tcase_add_loop_test(tc, failing_initialiser_leaves_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, list_shows_each_once, 0, BACKENDS);
    tcase_add_loop_test(tc, stat_says_what_it_is, 0, BACKENDS);
    tcase_add_test(tc, words_for_errors);
    return suite_main(suite);
}
