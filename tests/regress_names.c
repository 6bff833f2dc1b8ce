/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that were once left behind, given twice, or taken for something else. */
#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 10000

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static struct shmx *
created(int i, const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, backend_flag[i] | flags, &seg));
    return seg;
}

/* Returns a handle that does not know under which name the segment is or will be found. */
static struct shmx *
another(int i, struct shmx *seg)
{
    struct shmx     *other = NULL;
    struct shmx_stat st;
    char             text[32];

    if (i == 0) {
        ok(shmx_open_fd(shmx_fd(seg), 0, &other));
        return other;
    }
    ok(shmx_stat(seg, &st));
    snprintf(text, sizeof text, "sysv:id=%d", st.id);
    ok(shmx_open(text, 0, &other));
    return other;
}

static bool
is_there(const char *name)
{
    char        path[300];
    struct stat st;

    snprintf(path, sizeof path, "/dev/shm%s", name);
    return lstat(path, &st) == 0;
}

static void
assert_destroyed(int i, struct shmx *seg)
{
    struct shmx *fresh;

    ok(shmx_destroy(seg));
    ck_assert(!is_there("/n"));
    ck_assert_int_eq(shmx_destroy(seg), -ENOENT);
    fresh = created(1 - i, "/n", 0);
    ck_assert_int_eq(shmx_destroy(seg), -ENOENT); /* and the segment of a stranger stays */
    ok(shmx_destroy(fresh));
    shmx_close(fresh);
}

START_TEST(destroyed_by_a_handle_that_did_not_publish)
{
    struct shmx *seg = created(_i, NULL, 0), *other = another(_i, seg);

    ok(shmx_publish(seg, "/n"));
    assert_destroyed(_i, other);
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(seg);
    shmx_close(other);
}
END_TEST

START_TEST(destroyed_by_the_parent_of_the_publisher)
{
    struct shmx *seg = created(_i, NULL, 0);
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(shmx_publish(seg, "/n"));
        _exit(0);
    }
    join(pid);
    ck_assert(is_there("/n"));
    assert_destroyed(_i, seg);
    shmx_close(seg);
}
END_TEST

START_TEST(destroyed_by_a_child_of_the_publisher)
{
    struct shmx *seg = created(_i, NULL, 0);
    int          gate[2];
    pid_t        pid;
    char         c;

    ok(pipe(gate));
    pid = check_fork();
    if (pid == 0) {
        ck_assert_int_eq(read(gate[0], &c, 1), 1);
        assert_destroyed(_i, seg);
        _exit(0);
    }
    ok(shmx_publish(seg, "/n"));
    ck_assert_int_eq(write(gate[1], "g", 1), 1);
    join(pid);
    close(gate[0]);
    close(gate[1]);
    ck_assert(!is_there("/n"));
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(seg);
}
END_TEST

START_TEST(destroyed_by_a_handle_on_the_raw_key)
{
    struct shmx *seg = NULL, *other = NULL;

    ok(shmx_create("sysv:key=0x5a5a0001", SIZE, 0600, 0, &seg));
    ok(shmx_open("sysv:key=0x5a5a0001", 0, &other));
    ok(shmx_publish(seg, "/n"));
    assert_destroyed(1, other);
    shmx_close(seg);
    shmx_close(other);
}
END_TEST

/* No more descriptors can be had until the limit is restored. */
static struct rlimit
leave_descriptors(rlim_t count)
{
    struct rlimit limit, little;
    int           first = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(first);
    ok(getrlimit(RLIMIT_NOFILE, &limit));
    little = limit;
    little.rlim_cur = (rlim_t)first + count;
    ok(setrlimit(RLIMIT_NOFILE, &little));
    return limit;
}

START_TEST(destroy_without_descriptors_changes_nothing)
{
    struct shmx  *seg = created(_i, "/n", 0), *other, *again = NULL;
    struct rlimit limit;
    int           r;

    if (valgrind_lacks("the limit for descriptors")) {
        ok(shmx_destroy(seg));
        shmx_close(seg);
        return;
    }
    limit = leave_descriptors(_i == 0); /* one for the handle */
    other = another(_i, seg);
    r = shmx_destroy(other);
    ok(setrlimit(RLIMIT_NOFILE, &limit));
    ck_assert_int_eq(r, -EMFILE);
    ck_assert(is_there("/n"));
    ok(shmx_open("/n", 0, &again));
    shmx_close(again);
    assert_destroyed(_i, other);
    shmx_close(other);
    shmx_close(seg);
}
END_TEST

START_TEST(destroy_in_an_unreadable_directory_changes_nothing)
{
    struct shmx *seg, *other, *again = NULL;
    pid_t        pid;

    mount_dev_shm("mode=1733");
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        seg = created(_i, "/n", 0);
        other = another(_i, seg);
        ck_assert_int_eq(shmx_destroy(other), -EACCES);
        ok(shmx_open("/n", 0, &again));
        ok(shmx_destroy(again)); /* this handle knows its name */
        ck_assert(!is_there("/n"));
        shmx_close(seg);
        shmx_close(other);
        shmx_close(again);
        _exit(0);
    }
    join(pid);
    ok(umount("/dev/shm"));
}
END_TEST

START_TEST(published_once)
{
    struct shmx *seg = created(_i, NULL, 0), *other = another(_i, seg);
    pid_t        pid;

    ok(shmx_publish(seg, "/n"));
    fails(shmx_publish(other, "/second"), -EINVAL);
    pid = check_fork();
    if (pid == 0) {
        fails(shmx_publish(other, "/second"), -EINVAL);
        _exit(0);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    shmx_close(other);
}
END_TEST

START_TEST(published_once_among_relatives)
{
    struct shmx *seg = created(_i, NULL, 0);
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(shmx_publish(seg, "/n"));
        _exit(0);
    }
    join(pid);
    fails(shmx_publish(seg, "/second"), -EINVAL);
    ok(shmx_remove("/n"));
    shmx_close(seg);
}
END_TEST

START_TEST(ephemeral_name_goes_with_whoever_closes_last)
{
    struct shmx *seg = created(_i, NULL, SHMX_EPHEMERAL), *other = another(_i, seg);

    ok(shmx_publish(seg, "/n"));
    shmx_close(seg);
    ck_assert(is_there("/n"));
    shmx_close(other);
    ck_assert(!is_there("/n"));
}
END_TEST

START_TEST(ephemeral_name_of_a_child_goes_with_the_parent)
{
    struct shmx *seg = created(_i, NULL, SHMX_EPHEMERAL);
    pid_t        pid = check_fork();

    if (pid == 0) {
        ok(shmx_publish(seg, "/n"));
        shmx_close(seg);
        _exit(0);
    }
    join(pid);
    ck_assert(is_there("/n"));
    shmx_close(seg);
    ck_assert(!is_there("/n"));
}
END_TEST

START_TEST(malformed_names_are_refused)
{
    static const char *const bad[] = {
        "posix:",      "sysv:",       "posix:n",       "sysv:n",        "posix:key=1",
        "posix:id=1",  "sysv:id=",    "sysv:id=-1",    "sysv:id=12x",   "sysv:id= 1",
        "sysv:id=+1",  "sysv:id=0x",  "sysv:id=1/",    "sysv:key=",     "sysv:key=0x",
        "sysv:key=1x", "sysv:key=-1", "sysv:key=0x1g", "sysv:key=0x-1", "sysv:key=1 ",
        "sysv:key",    "posix://",    "sysv:///",      "posix://a/b",   "//",
        "//.shmx-x",   "///..",       "posix:posix:n", "sysv:posix:/n", "posix:\n"
    };
    struct shmx     *seg = NULL, *anonymous = created(_i, NULL, 0);
    struct shmx_stat st;
    size_t           k;

    for (k = 0; k < COUNT_OF(bad); k++) {
        fails(shmx_create(bad[k], SIZE, 0600, backend_flag[_i], &seg), -EINVAL);
        fails(shmx_create(bad[k], SIZE, 0600, 0, &seg), -EINVAL);
        fails(shmx_open(bad[k], 0, &seg), -EINVAL);
        fails(shmx_open_or_create(bad[k], SIZE, 0600, 0, NULL, NULL, &seg), -EINVAL);
        fails(shmx_publish(anonymous, bad[k]), -EINVAL);
        fails(shmx_remove(bad[k]), -EINVAL);
        fails(shmx_stat_name(bad[k], &st), -EINVAL);
    }
    ok(shmx_destroy(anonymous));
    shmx_close(anonymous);
}
END_TEST

START_TEST(other_colons_are_part_of_a_name)
{
    static const char *const good[] = { "key=1",      "C:",     "/posix:", "/sysv:key=1",
                                        "//sysv:id=", "posix",  "sysv",    "Posix:",
                                        "xsysv:",     "posix;", " sysv:" };
    size_t                   k;

    for (k = 0; k < COUNT_OF(good); k++) {
        struct shmx *seg = created(_i, good[k], 0), *other = NULL;

        ok(shmx_open(shmx_name(seg), 0, &other));
        shmx_close(other);
        ok(shmx_remove(good[k]));
        shmx_close(seg);
    }
}
END_TEST

START_TEST(slashes_in_front_are_one)
{
    struct shmx *seg = created(_i, "//frames", 0), *other = NULL;
    char         name[32], doubled[32];

    snprintf(name, sizeof name, "%s/frames", backend_prefix[_i]);
    snprintf(doubled, sizeof doubled, "%s///frames", backend_prefix[_i]);
    ck_assert_str_eq(shmx_name(seg), name);
    ck_assert(is_there("/frames"));
    fails(shmx_create("frames", SIZE, 0600, backend_flag[_i], &other), -EEXIST);
    ck_assert_int_eq(shmx_open_or_create("///frames", 1, 0600, 0, NULL, NULL, &other), 0);
    shmx_close(other);
    ok(shmx_open(doubled, 0, &other));
    ck_assert_str_eq(shmx_name(other), name);
    shmx_close(other);
    ok(shmx_remove("//////////frames"));
    shmx_close(seg);
    seg = created(_i, NULL, 0);
    ok(shmx_publish(seg, "//late"));
    ok(shmx_remove("/late"));
    shmx_close(seg);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("regressions: names");
    TCase *tc = add_case(suite, "destroy");

    tcase_add_loop_test(tc, destroyed_by_a_handle_that_did_not_publish, 0, BACKENDS);
    tcase_add_loop_test(tc, destroyed_by_the_parent_of_the_publisher, 0, BACKENDS);
    tcase_add_loop_test(tc, destroyed_by_a_child_of_the_publisher, 0, BACKENDS);
    tcase_add_test(tc, destroyed_by_a_handle_on_the_raw_key);
    tcase_add_loop_test(tc, destroy_without_descriptors_changes_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, destroy_in_an_unreadable_directory_changes_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, published_once, 0, BACKENDS);
    tcase_add_loop_test(tc, published_once_among_relatives, 0, BACKENDS);
    tcase_add_loop_test(tc, ephemeral_name_goes_with_whoever_closes_last, 0, BACKENDS);
    tcase_add_loop_test(tc, ephemeral_name_of_a_child_goes_with_the_parent, 0, BACKENDS);

    tc = add_case(suite, "text");
    tcase_add_loop_test(tc, malformed_names_are_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, other_colons_are_part_of_a_name, 0, BACKENDS);
    tcase_add_loop_test(tc, slashes_in_front_are_one, 0, BACKENDS);
    return suite_main(suite);
}
