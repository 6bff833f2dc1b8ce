/* SPDX-License-Identifier: BSD-2-Clause */
/* What only the System V backend can do, and sharing with programs that call shmget. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define SIZE 10000
#define KEY  0x5a0051a3
#define RAW  "sysv:key=0x5a0051a3"

static void
set_kernel(const char *name, const char *value)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    write_text(path, value);
}

START_TEST(by_key)
{
    struct shmx     *seg = NULL, *other = NULL;
    struct shmx_stat st;

    fails(shmx_open(RAW, 0, &seg), -ENOENT);
    ok(shmx_create(RAW, SIZE, 0640, 0, &seg)); /* the name already says the backend */
    ck_assert_str_eq(shmx_name(seg), RAW);
    fails(shmx_create(RAW, SIZE, 0640, SHMX_SYSV, &other), -EEXIST);
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.key, KEY);
    ck_assert_uint_eq(st.state, 0);
    ck_assert_uint_eq(st.mode, 0640);
    ok(shmx_open(RAW, 0, &other));
    ck_assert_int_eq(shmx_size(other), SIZE);
    shmx_close(other);
    ok(shmx_open("sysv:key=1509970339", 0, &other));
    ck_assert_str_eq(shmx_name(other), RAW);
    shmx_close(other);
    ck_assert_int_eq(shmx_open_or_create(RAW, SIZE, 0600, 0, NULL, NULL, &other), 0);
    shmx_close(other);
    fails(shmx_open_or_create(RAW, SIZE + 1, 0600, 0, NULL, NULL, &other), -ERANGE);
    ok(shmx_destroy(seg));
    fails(shmx_destroy(seg), -ENOENT);
    fails(shmx_open(RAW, 0, &other), -ENOENT);
    ok(shmx_open(shmx_name(seg), 0, &other)); /* now by its id, while somebody holds it */
    fails(shmx_destroy(other), -ENOENT);
    shmx_close(other);
    shmx_close(seg);
    ok(shmx_create("sysv:key=0xffffffff", SIZE, 0600, 0, &seg));
    ok(shmx_remove("sysv:key=0xffffffff"));
    shmx_close(seg);
}
END_TEST

START_TEST(by_id_0_too)
{
    struct shmx     *seg = NULL, *other = NULL;
    struct shmx_stat st;

    set_kernel("shm_next_id", "0");
    ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.id, 0);
    ck_assert_int_eq(st.key, 0);
    ck_assert_uint_eq(st.state, SHMX_IS_NAMELESS);
    ck_assert_str_eq(shmx_name(seg), "sysv:id=0");
    ok(shmx_open("sysv:id=0", 0, &other));
    shmx_close(other);
    ok(shmx_remove("sysv:id=0"));
    fails(shmx_remove("sysv:id=0"), -ENOENT);
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(seg);
    fails(shmx_open("sysv:id=0", 0, &other), -ENOENT);
}
END_TEST

START_TEST(plain_program_opens_ours)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    char             id[16], c;

    ok(shmx_create(RAW, SIZE, 0600, 0, &seg));
    ck_assert_int_eq(peer_run((const char *[]){ "peer", "plain-sysv", "0x5a0051a3", "0", NULL }),
                     0);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'P');
    ok(shmx_destroy(seg));
    shmx_close(seg);

    ok(shmx_create("/named", SIZE, 0600, SHMX_SYSV, &seg));
    ok(shmx_stat(seg, &st));
    snprintf(id, sizeof id, "%d", st.id);
    ck_assert_int_eq(peer_run((const char *[]){ "peer", "plain-sysv", "-1", id, NULL }), 0);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'P');
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(we_open_a_plain_programs)
{
    int              id = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);
    char            *theirs = shmat(id, NULL, 0), name[32];
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    void            *ours;

    strcpy(theirs, "plain");
    snprintf(name, sizeof name, "sysv:id=%d", id);
    ok(shmx_open(name, 0, &seg));
    ok(shmx_attach(seg, 0, &ours));
    ck_assert_str_eq(ours, "plain");
    shmx_close(seg);
    ok(shmx_open(RAW, SHMX_RDONLY, &seg));
    ok(shmx_attach(seg, 0, &ours));
    ck_assert_str_eq(ours, "plain");
    ok(shmx_stat(seg, &st));
    ck_assert_int_eq(st.holders, 3); /* theirs, the attachment of this process, and that of the
                                        handle */
    ok(shmdt(theirs));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ck_assert_int_eq(shmget(KEY, 0, 0), -1);
}
END_TEST

START_TEST(every_field_of_shmid_ds)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    struct shmid_ds  ds;
    void            *addr;

    ok(shmx_create("/fields", SIZE, 0641, SHMX_SYSV, &seg));
    ok(shmx_attach(seg, SHMX_RDONLY, &addr));
    ok(shmx_chown(seg, 11, 12));
    ok(shmx_stat(seg, &st));
    ok(shmctl(st.id, IPC_STAT, &ds));
    ck_assert_uint_eq(st.backend, SHMX_SYSV);
    ck_assert_uint_eq(st.size, ds.shm_segsz);
    ck_assert_int_eq(st.key, ds.shm_perm.__key);
    ck_assert_uint_eq(st.uid, 11);
    ck_assert_uint_eq(st.gid, 12);
    ck_assert_uint_eq(ds.shm_perm.uid, 11);
    ck_assert_uint_eq(ds.shm_perm.gid, 12);
    ck_assert_uint_eq(st.cuid, ds.shm_perm.cuid);
    ck_assert_uint_eq(st.cgid, ds.shm_perm.cgid);
    ck_assert_uint_eq(st.mode, 0641);
    ck_assert_uint_eq(ds.shm_perm.mode & 0777, 0641);
    ck_assert_int_eq(st.cpid, getpid());
    ck_assert_int_eq(st.lpid, ds.shm_lpid);
    ck_assert_int_eq(st.atime.tv_sec, ds.shm_atime);
    ck_assert_int_eq(st.dtime.tv_sec, ds.shm_dtime);
    ck_assert_int_eq(st.ctime.tv_sec, ds.shm_ctime);
    ck_assert_int_ge(st.atime.tv_sec, time(NULL) - 60);
    ck_assert_int_eq(st.holders, (int64_t)ds.shm_nattch);
    ck_assert_uint_eq(st.dev, 0);
    ck_assert_uint_eq(st.ino, 0);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(lock_and_unlock_in_ram)
{
    struct shmx    *seg = NULL;
    struct shmid_ds ds;
    int             id;

    ok(shmx_create(RAW, SIZE, 0600, 0, &seg));
    id = shmget(KEY, 0, 0);
    ok(shmx_pin(seg));
    ok(shmctl(id, IPC_STAT, &ds));
    ck_assert(ds.shm_perm.mode & SHM_LOCKED);
    ok(shmx_unpin(seg));
    ok(shmctl(id, IPC_STAT, &ds));
    ck_assert(!(ds.shm_perm.mode & SHM_LOCKED));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(sparse_is_not_accounted)
{
    struct shmx *seg = NULL;

    if (sizeof(void *) < 8 || valgrind_lacks("room for 16 TiB"))
        return;
    fails(shmx_create("/huge", (size_t)(UINT64_C(1) << 44), 0600, SHMX_SYSV, &seg), -ENOMEM);
    ok(shmx_create("/huge", (size_t)(UINT64_C(1) << 44), 0600, SHMX_SYSV | SHMX_SPARSE, &seg));
    ck_assert_int_eq(shmx_size(seg), (int64_t)1 << 44);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(key_collision_is_retried)
{
    struct shmx *one = NULL, *two = NULL;
    void        *a, *b;

    /* The segments have equal sizes and modes, but each of them has its own memory. */
    ok(shmx_create("/one", SIZE, 0600, SHMX_SYSV, &one));
    ok(shmx_create("/two", SIZE, 0600, SHMX_SYSV, &two));
    ok(shmx_attach(one, 0, &a));
    ok(shmx_attach(two, 0, &b));
    strcpy(a, "one");
    strcpy(b, "two");
    ck_assert_str_eq(a, "one");
    ok(shmx_destroy(one));
    ok(shmx_destroy(two));
    shmx_close(one);
    shmx_close(two);
}
END_TEST

START_TEST(raw_handles_are_published)
{
    struct shmx     *seg = NULL, *other = NULL;
    struct shmx_stat st;

    ok(shmx_create(RAW, SIZE, 0600, 0, &seg));
    ok(shmx_publish(seg, "/also"));
    ck_assert_str_eq(shmx_name(seg), "sysv:/also");
    ok(shmx_open("/also", 0, &other));
    ok(shmx_stat(other, &st));
    ck_assert_int_eq(st.key, KEY);
    ok(shmx_destroy(other));
    fails(shmx_open(RAW, 0, &seg), -ENOENT);
    shmx_close(other);
    shmx_close(seg);

    ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg));
    ok(shmx_open(shmx_name(seg), 0, &other));
    ok(shmx_publish(other, "/by-id"));
    shmx_close(other);
    shmx_close(seg);
    ok(shmx_open("/by-id", 0, &seg)); /* it is persistent, though nobody held it */
    ok(shmx_destroy(seg));
    fails(shmx_publish(seg, "/again"), -ENOENT);
    shmx_close(seg);
}
END_TEST

START_TEST(destroyed_elsewhere_is_not_published)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;

    ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &seg));
    ok(shmx_stat(seg, &st));
    ok(shmctl(st.id, IPC_RMID, NULL));
    fails(shmx_publish(seg, "/late"), -ENOENT);
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.state, SHMX_IS_NAMELESS | SHMX_IS_DESTROYED);
    shmx_close(seg);
}
END_TEST

struct seen {
    int  id, times;
    char name[32];
};

static int
look_for(const char *name, const struct shmx_stat *st, void *arg)
{
    struct seen *seen = arg;

    if (st->id == seen->id) {
        seen->times++;
        snprintf(seen->name, sizeof seen->name, "%s", name);
    }
    return 0;
}

START_TEST(foreign_segments_are_listed)
{
    int         keyed = shmget(KEY, SIZE, IPC_CREAT | 0600), id = shmget(IPC_PRIVATE, SIZE, 0000);
    struct seen seen = { .id = keyed };
    char        name[32];

    ok(shmx_list(0, look_for, &seen));
    ck_assert_int_eq(seen.times, 1);
    ck_assert_str_eq(seen.name, RAW);
    seen = (struct seen){ .id = id };
    ok(shmx_list(SHMX_SYSV, look_for, &seen));
    ck_assert_int_eq(seen.times, 1);
    snprintf(name, sizeof name, "sysv:id=%d", id);
    ck_assert_str_eq(seen.name, name);
    ok(shmx_remove(RAW));
    ok(shmx_remove(name));
}
END_TEST

static void
use_pool(void *arg)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    void            *addr;
    char             pages[32] = "";
    FILE            *f = fopen(arg, "re");

    ck_assert_ptr_nonnull(fgets(pages, sizeof pages, f));
    fclose(f);
    if (atoi(pages) < 2) { /* there is no memory in one piece for them */
        if (atoi(pages) == 0)
            fails(shmx_create("/pool", 10000, 0600, SHMX_SYSV | SHMX_HUGE_ONLY, &seg), -ENOTSUP);
        return;
    }
    ok(shmx_create("/pool", 3 << 20, 0600, SHMX_SYSV | SHMX_HUGE_ONLY, &seg));
    ok(shmx_attach_range(seg, (2 << 20) + 5, 10, 0, &addr));
    strcpy(addr, "second");
    ok(shmx_detach(seg, addr));
    ok(shmx_attach(seg, 0, &addr));
    ck_assert_str_eq((char *)addr + (2 << 20) + 5, "second");
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.size, 3 << 20);
    ck_assert_uint_ge(st.page_size, 1 << 20);
    ck_assert(st.state & SHMX_IS_HUGE);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}

START_TEST(hugetlb_pool)
{
    char path[] = "/proc/sys/vm/nr_hugepages";

    if (valgrind_lacks("SHM_HUGETLB"))
        return;
    with_sysctl(path, "4", use_pool, path);
}
END_TEST

static uint64_t
resident(const char *name)
{
    struct shmx_stat st;

    ok(shmx_stat_name(name, &st));
    return st.resident;
}

static void
use_transparent(void *arg)
{
    const unsigned   flags = backend_flag[*(int *)arg] | SHMX_HUGE_ONLY;
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    void            *addr;

    mount_dev_shm("size=1g,huge=advise");
    ok(shmx_create("/thp", 8 << 20, 0600, flags, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert(st.state & SHMX_IS_HUGE);
    ck_assert_uint_eq(st.size, 8 << 20);
    ck_assert_uint_gt(st.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
    ck_assert_uint_eq(resident("/thp"), 8 << 20);
    ok(shmx_attach(seg, 0, &addr));
    memset(addr, 1, 8 << 20);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(shmx_create("/thp", 8 << 20, 0600, flags | SHMX_SPARSE, &seg));
    ck_assert_uint_lt(resident("/thp"), 8 << 20);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ok(umount("/dev/shm"));
}

static void
lack_transparent(void *arg)
{
    const unsigned flags = backend_flag[*(int *)arg] | SHMX_HUGE_ONLY;
    struct shmx   *seg = NULL;

    fails(shmx_create("/thp", 8 << 20, 0600, flags, &seg), -ENOTSUP);
    fails(shmx_create("/thp", 8 << 20, 0600, flags | SHMX_SPARSE, &seg), -ENOTSUP);
}

START_TEST(transparent_huge_pages)
{
    const char *path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

    if (access(path, W_OK) < 0 || valgrind_lacks("MADV_HUGEPAGE"))
        return;
    with_sysctl(path, "advise", use_transparent, &_i);
    with_sysctl(path, "deny", lack_transparent, &_i);
}
END_TEST

START_TEST(huge_only_without_a_pool)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;

    if (_i == 1 && valgrind_lacks("SHM_HUGETLB"))
        return;
    ok(shmx_create("/maybe", SIZE, 0600, backend_flag[_i] | SHMX_HUGE, &seg)); /* it is too small */
    ok(shmx_stat(seg, &st));
    ck_assert(!(st.state & SHMX_IS_HUGE));
    ok(shmx_destroy(seg));
    shmx_close(seg);
    fails(shmx_create("/x", SIZE, 0600, backend_flag[_i] | SHMX_HUGE_ONLY, &seg), -ENOTSUP);
}
END_TEST

/* The link is one of another IPC namespace, and a segment of this one happens to have the key. */
START_TEST(removing_a_foreign_link_spares_what_is_here)
{
    struct shmid_ds ds;
    int             id = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);

    ck_assert_int_ge(id, 0);
    ok(symlink(RAW " size=1 ipc=1", "/dev/shm/foreign"));
    ok(shmx_remove("/foreign"));
    ck_assert_int_eq(unlink("/dev/shm/foreign"), -1);
    ok(shmctl(id, IPC_STAT, &ds));
    ck_assert(!(ds.shm_perm.mode & SHM_DEST));
    ok(shmctl(id, IPC_RMID, NULL));
}
END_TEST

/* The owner may remove what the owner may not read. */
START_TEST(removing_takes_no_right_to_read)
{
    pid_t pid;

    need_users();
    pid = check_fork();
    if (pid == 0) {
        become_nobody();
        ck_assert_int_ge(shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL), 0);
        ok(shmx_remove(RAW));
        ck_assert_int_eq(shmget(KEY, 0, 0), -1);
        _exit(0);
    }
    join(pid);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sysv");
    TCase *tc = add_case(suite, "sysv");

    tcase_add_test(tc, by_key);
    tcase_add_test(tc, by_id_0_too);
    tcase_add_test(tc, removing_takes_no_right_to_read);
    tcase_add_test(tc, plain_program_opens_ours);
    tcase_add_test(tc, we_open_a_plain_programs);
    tcase_add_test(tc, every_field_of_shmid_ds);
    tcase_add_test(tc, lock_and_unlock_in_ram);
    tcase_add_test(tc, sparse_is_not_accounted);
    tcase_add_test(tc, key_collision_is_retried);
    tcase_add_test(tc, raw_handles_are_published);
    tcase_add_test(tc, destroyed_elsewhere_is_not_published);
    tcase_add_test(tc, foreign_segments_are_listed);
    tcase_add_test(tc, removing_a_foreign_link_spares_what_is_here);
    tcase_add_test(tc, hugetlb_pool);
    tcase_add_loop_test(tc, transparent_huge_pages, 0, BACKENDS);
    tcase_add_loop_test(tc, huge_only_without_a_pool, 0, BACKENDS);
    return suite_main(suite);
}
