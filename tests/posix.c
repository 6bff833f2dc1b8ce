/* SPDX-License-Identifier: BSD-2-Clause */
/* What only the POSIX backend can do, and sharing with programs that call shm_open. */
#include "support.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

static struct shmx *
created(const char *name, unsigned flags)
{
    struct shmx *seg = NULL;

    ok(shmx_create(name, SIZE, 0600, SHMX_POSIX | flags, &seg));
    return seg;
}

START_TEST(plain_program_opens_ours)
{
    struct shmx *seg = created("/ours", 0);
    char         c;

    ck_assert_int_eq(peer_run((const char *[]){ "peer", "plain-posix", "/ours", NULL }), 0);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'P');
    ok(shm_unlink("/ours"));
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(seg);
}
END_TEST

START_TEST(we_open_a_plain_programs)
{
    struct shmx *seg = NULL;
    void        *addr = NULL;
    int          fd = shm_open("/theirs", O_CREAT | O_EXCL | O_RDWR, 0600);

    ck_assert_int_ge(fd, 0);
    ok(shmx_open("/theirs", 0, &seg)); /* it has no size yet */
    ck_assert_int_eq(shmx_size(seg), 0);
    fails(shmx_attach(seg, 0, &addr), -ENODATA);
    fails(shmx_pin(seg), -ENODATA);
    ok(ftruncate(fd, SIZE));
    ck_assert_int_eq(shmx_size(seg), SIZE);
    ok(shmx_attach(seg, 0, &addr));
    strcpy(addr, "both");
    addr = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_str_eq(addr, "both");
    munmap(addr, SIZE);
    close(fd);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    ck_assert_int_eq(shm_open("/theirs", O_RDWR, 0), -1);
}
END_TEST

START_TEST(descriptor)
{
    struct shmx *seg = created("/d", 0), *sysv = NULL;
    struct stat  st;
    int          fd = shmx_fd(seg);

    ok(fstat(fd, &st));
    ck_assert_int_eq(st.st_size, SIZE);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ok(shmx_create(NULL, SIZE, 0600, SHMX_SYSV, &sysv));
    fails(shmx_fd(sysv), -ENOTSUP);
    fails(shmx_resize(sysv, 1), -ENOTSUP);
    ok(shmx_destroy(sysv));
    shmx_close(sysv);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(nothing_survives_exec)
{
    struct shmx *seg = created("/x", 0), *more = NULL;
    pid_t        pid;

    ok(shmx_open("/x", SHMX_RDONLY, &more));
    pid = check_fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "! ls -l /proc/self/fd | grep -q /dev/shm", NULL);
        _exit(1);
    }
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    shmx_close(more);
}
END_TEST

START_TEST(open_fd_asks_for_the_owner)
{
    struct shmx *seg = NULL;
    int          theirs;

    need_users();
    ok(seteuid(NOBODY));
    theirs = memfd_create("theirs", 0);
    ok(seteuid(0));
    fails(shmx_open_fd(theirs, SHMX_OWNED, &seg), -EPERM);
    ok(shmx_open_fd(theirs, 0, &seg));
    shmx_close(seg);
    close(theirs);
}
END_TEST

/* An object of hugetlbfs has huge pages, even if its pool is empty. */
START_TEST(open_fd_of_huge_pages)
{
    struct shmx     *seg = NULL;
    struct shmx_stat st;
    int              fd = memfd_create("huge", MFD_HUGETLB);

    if (fd < 0) /* this kernel has no hugetlbfs */
        return;
    ok(shmx_open_fd(fd, 0, &seg));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_ne(st.state & SHMX_IS_HUGE, 0);
    ck_assert_uint_gt(st.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
    ok(ftruncate(fd, (off_t)st.page_size));
    fails(shmx_write(seg, "x", 1, 0), -ENOTSUP);
    shmx_close(seg);
    close(fd);
}
END_TEST

START_TEST(open_fd_takes_shared_memory_only)
{
    struct shmx *seg = NULL;
    int          fds[2], file = open("/etc/passwd", O_RDONLY), mem = memfd_create("m", 0), path;

    ok(pipe(fds));
    fails(shmx_open_fd(-1, 0, &seg), -EBADF);
    fails(shmx_open_fd(fds[0], 0, &seg), -EINVAL);
    fails(shmx_open_fd(file, 0, &seg), -EINVAL);
    path = open("/dev/shm", O_RDONLY | O_DIRECTORY);
    fails(shmx_open_fd(path, 0, &seg), -EINVAL);
    close(path);
    path = open("/proc/self/fd/0", O_PATH);
    fails(shmx_open_fd(path, 0, &seg), -EINVAL);
    close(path);
    ok(close(open("/dev/shm/w", O_CREAT | O_RDWR, 0600)));
    path = open("/dev/shm/w", O_PATH);
    fails(shmx_open_fd(path, 0, &seg), -EBADF);
    close(path);
    path = open("/dev/shm/w", O_WRONLY);
    fails(shmx_open_fd(path, 0, &seg), -EACCES);
    close(path);
    unlink("/dev/shm/w");

    ok(ftruncate(mem, SIZE));
    ok(shmx_open_fd(mem, 0, &seg));
    close(mem);
    ck_assert_ptr_null(shmx_name(seg));
    ck_assert_int_eq(shmx_size(seg), SIZE);
    ck_assert_int_eq(shmx_write(seg, "m", 1, SIZE - 1), 1);
    fails(shmx_publish(seg, "/memfd"), -EXDEV);
    shmx_close(seg);
    close(fds[0]);
    close(fds[1]);
    close(file);
}
END_TEST

/* The handle has not searched for the name, so it does not know the name. To remove the name, it
   searches for it. */
START_TEST(open_fd_does_not_know_the_name)
{
    struct shmx     *seg = created("/known", 0), *again = NULL;
    struct shmx_stat st;

    ok(shmx_open_fd(shmx_fd(seg), SHMX_OWNED, &again));
    ck_assert_ptr_null(shmx_name(again));
    ok(shmx_stat(again, &st));
    ck_assert_uint_eq(st.state, 0);
    fails(shmx_publish(again, "/other"), -EINVAL);
    ok(shmx_destroy(again));
    ck_assert_int_eq(access("/dev/shm/known", F_OK), -1);
    fails(shmx_destroy(again), -ENOENT);
    fails(shmx_destroy(seg), -ENOENT);
    shmx_close(again);
    shmx_close(seg);
}
END_TEST

START_TEST(open_fd_narrows)
{
    struct shmx *seg = created("/wide", 0), *narrow = NULL, *copy = NULL;
    void        *addr;

    ok(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &narrow));
    ck_assert_int_eq(fcntl(shmx_fd(narrow), F_GETFL) & O_ACCMODE, O_RDONLY);
    ok(shmx_attach(narrow, 0, &addr));
    ck_assert_int_eq(mprotect(addr, 1, PROT_READ | PROT_WRITE), -1);
    ok(shmx_open_fd(shmx_fd(narrow), 0, &copy)); /* the new handle may do what the descriptor may
                                                    do */
    fails(shmx_write(copy, "x", 1, 0), -EACCES);
    shmx_close(copy);
    shmx_close(narrow);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

static void
send_fd(int socket, int fd)
{
    char                          byte = 0;
    struct iovec                  iov = { &byte, 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = { 0 };
    struct msghdr                 message = {
                        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
}

static int
receive_fd(int socket)
{
    char                          byte;
    struct iovec                  iov = { &byte, 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr                 message = {
                        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    int fd;

    ck_assert_int_eq(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

START_TEST(anonymous_is_handed_over_read_only)
{
    struct shmx *seg = NULL, *narrow = NULL, *other = NULL;
    int          sockets[2], fd;
    void        *addr;
    pid_t        pid;
    char         text[8], self[32];

    ok(shmx_create(NULL, SIZE, 0600, SHMX_POSIX, &seg));
    ck_assert_ptr_null(shmx_name(seg));
    ok(shmx_resize(seg, 2 * SIZE));
    ck_assert_int_eq(shmx_write(seg, "handed", 7, 2 * SIZE - 7), 7);
    ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
    ok(shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &narrow));
    pid = check_fork();
    if (pid == 0) {
        fd = receive_fd(sockets[1]);
        shmx_close(seg);
        shmx_close(narrow);
        become_nobody();
        ok(shmx_open_fd(fd, 0, &other));
        ck_assert_int_eq(shmx_size(other), 2 * SIZE);
        ck_assert_int_eq(shmx_read(other, text, 7, 2 * SIZE - 7), 7);
        ck_assert_str_eq(text, "handed");
        fails(shmx_write(other, "x", 1, 0), -EACCES);
        fails(shmx_resize(other, 1), -EACCES);
        fails(shmx_chmod(other, 0666), -EPERM);
        ok(shmx_attach(other, 0, &addr));
        ck_assert_int_eq(mprotect(addr, 1, PROT_READ | PROT_WRITE), -1);
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
        ck_assert_int_eq(open(self, O_RDWR), -1);
        ck_assert_int_eq(ftruncate(fd, 0), -1);
        ck_assert_int_eq(fallocate(fd, 0, 0, 1), -1);
        ck_assert_ptr_eq(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
        _exit(0);
    }
    send_fd(sockets[0], shmx_fd(narrow));
    join(pid);
    close(sockets[0]);
    close(sockets[1]);
    shmx_close(narrow);
    shmx_close(seg);
}
END_TEST

/* All holders of an ephemeral segment are gone, but a plain program has the segment open or mapped.
   The segment stays dead, and it stays where it is as long as it is in use. */
START_TEST(dead_in_its_tracks_stays_dead)
{
    struct shmx *seg = NULL;
    int          fd = open("/dev/shm/dead", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    void        *addr;

    ok(fchmod(fd, 01600));
    ok(ftruncate(fd, SIZE));
    fails(shmx_open("/dead", 0, &seg), -ENOENT);
    fails(shmx_create("/dead", SIZE, 0600, backend_flag[_i], &seg), -EEXIST);
    addr = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    fails(shmx_open("/dead", SHMX_RDONLY, &seg), -ENOENT);
    fails(shmx_create("/dead", SIZE, 0600, backend_flag[_i], &seg), -EEXIST);
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ok(access("/dev/shm/dead", F_OK));
    munmap(addr, SIZE);
    if (_i == 0) {
        ck_assert_int_eq(shmx_open("/dead", 0, &seg), -ENOENT);
        ck_assert_int_eq(access("/dev/shm/dead", F_OK), -1);
    }
    ok(shmx_create("/dead", SIZE, 0600, backend_flag[_i], &seg));
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(orphans_in_foreign_use_are_spared)
{
    int   fd = shm_open("/foreign", O_CREAT | O_RDWR, 0600);
    void *addr;

    ok(ftruncate(fd, SIZE));
    addr = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL)); /* it is still mapped */
    ok(access("/dev/shm/foreign", F_OK));
    munmap(addr, SIZE);
    ok(shmx_collect(SHMX_ORPHANS, NULL, NULL, NULL));
    ck_assert_int_eq(access("/dev/shm/foreign", F_OK), -1);
}
END_TEST

START_TEST(locked_out)
{
    struct shmx *seg = created("/busy", 0), *other = NULL;
    struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int          fd = open("/dev/shm/busy", O_RDWR | O_CLOEXEC);

    shmx_close(seg);
    ok(fcntl(fd, F_OFD_SETLK, &all)); /* a program that locks to infinity */
    ck_assert_int_eq(shmx_open("/busy", 0, &other), -EBUSY);
    close(fd);
    ok(shmx_open("/busy", 0, &other));
    ok(shmx_destroy(other));
    shmx_close(other);
}
END_TEST

/* Another process has a lease on the segment, and gives it up when the kernel asks for it. */
START_TEST(leases_are_over_in_a_moment)
{
    struct shmx *seg = created("/leased", 0);
    int          gate[2], fd, caught;
    char         c;
    sigset_t     asked;
    pid_t        pid;

    shmx_close(seg);
    ok(pipe(gate));
    pid = check_fork();
    if (pid == 0) {
        sigemptyset(&asked);
        sigaddset(&asked, SIGIO);
        ok(sigprocmask(SIG_BLOCK, &asked, NULL));
        fd = open("/dev/shm/leased", O_RDWR | O_CLOEXEC);
        ok(fcntl(fd, F_SETLEASE, F_WRLCK));
        ck_assert_int_eq(write(gate[1], "", 1), 1);
        ok(sigwait(&asked, &caught));
        ok(fcntl(fd, F_SETLEASE, F_UNLCK));
        _exit(0);
    }
    ck_assert_int_eq(read(gate[0], &c, 1), 1);
    ok(shmx_open("/leased", 0, &seg));
    join(pid);
    ok(shmx_destroy(seg));
    shmx_close(seg);
    close(gate[0]);
    close(gate[1]);
}
END_TEST

static void
on_alarm(int signal)
{
    (void)signal;
}

/* Whatever somebody has locked there, and with whichever kind of lock. */
START_TEST(resizing_waits_for_nobody)
{
    struct flock all = { .l_type = F_WRLCK,
                         .l_len = (off_t)1 << 62 }; /* as far as the locks of holders */
    struct shmx *seg = created("/turns", 0);
    int          fd = open("/dev/shm/turns", O_RDWR | O_CLOEXEC), gate[2];
    char         c;
    pid_t        pid;

    ok(pipe(gate));
    pid = check_fork();
    if (pid == 0) {
        close(gate[0]);
        ok(fcntl(fd, F_SETLK, &all));
        ok(flock(fd, LOCK_EX));
        ck_assert_int_eq(write(gate[1], "l", 1), 1);
        pause();
    }
    close(gate[1]);
    ck_assert_int_eq(read(gate[0], &c, 1), 1);
    ok(shmx_resize(seg, 2 * SIZE));
    ck_assert_int_eq(shmx_size(seg), 2 * SIZE);
    ok(shmx_resize(seg, 5));
    ck_assert_int_eq(shmx_size(seg), 5);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(gate[0]);
    close(fd);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* A segment whose size cannot be had is not one that ends there. */
START_TEST(lost_descriptors_are_noticed)
{
    struct shmx *seg = created("/lost", 0);
    int          fd = shmx_fd(seg), copy = dup(fd);
    char         c;

    ok(close(fd)); /* which is a mistake of the program */
    ck_assert_int_eq(shmx_write(seg, "x", 1, 0), -EBADF);
    ck_assert_int_eq(shmx_read(seg, &c, 1, 0), -EBADF);
    ck_assert_int_eq(dup2(copy, fd), fd);
    close(copy);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(bad_buffers_are_noticed)
{
    struct shmx *seg = created("/x", 0);
    void        *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (!valgrind_lacks("silence about bad buffers")) {
        fails(shmx_read(seg, none, 10, 0), -EFAULT);
        fails(shmx_write(seg, none, 10, 0), -EFAULT);
    }
    munmap(none, 4096);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

/* Others have removed the name, and the kernel lets nobody name the object again. */
START_TEST(unlinked_is_not_published)
{
    struct shmx *seg = created("/gone", 0), *other = NULL;

    ok(shm_unlink("/gone"));
    ok(shmx_open_fd(shmx_fd(seg), 0, &other));
    ck_assert_ptr_null(shmx_name(other));
    fails(shmx_publish(other, "/again"), -ENOENT);
    shmx_close(other);
    shmx_close(seg);
}
END_TEST

/* The timer of a profiler interrupts fallocate again and again, but the call must come to an
   end. */
START_TEST(reservation_survives_signals)
{
    const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
    struct shmx           *seg = NULL;
    struct shmx_stat       st;

    ck_assert(signal(SIGALRM, on_alarm) != SIG_ERR);
    ok(setitimer(ITIMER_REAL, &often, NULL));
    ck_assert_int_eq(shmx_create("/big", 256 << 20, 0600, SHMX_POSIX, &seg), 0);
    ok(setitimer(ITIMER_REAL, &never, NULL));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.resident, 256 << 20);
    ok(shmx_destroy(seg));
    shmx_close(seg);
}
END_TEST

START_TEST(growth_is_reserved_unless_sparse)
{
    struct shmx     *seg = created("/full", 0), *sparse = created("/sparse", SHMX_SPARSE);
    struct shmx     *foreign = NULL;
    struct shmx_stat st;

    ok(shmx_resize(seg, 1 << 20));
    ok(shmx_stat(seg, &st));
    ck_assert_uint_eq(st.resident, 1 << 20);
    ok(shmx_resize(sparse, 1 << 20));
    ok(shmx_stat(sparse, &st));
    ck_assert_uint_eq(st.resident, 0);
    ok(shmx_open("/sparse", 0, &foreign)); /* the other handle sees that the segment is sparse */
    ok(shmx_resize(foreign, 2 << 20));
    ok(shmx_stat(foreign, &st));
    ck_assert_uint_eq(st.resident, 0);
    shmx_close(foreign);
    ok(shmx_destroy(seg));
    ok(shmx_destroy(sparse));
    shmx_close(seg);
    shmx_close(sparse);
}
END_TEST

START_TEST(file_size_limit)
{
    const struct rlimit little = { 4096, 4096 };
    struct shmx        *seg = NULL, *small = NULL;

    ok(shmx_create("/small", 100, 0600, SHMX_POSIX, &small));
    signal(SIGXFSZ, SIG_IGN);
    ok(setrlimit(RLIMIT_FSIZE, &little));
    fails(shmx_create("/x", SIZE, 0600, SHMX_POSIX, &seg), -EFBIG);
    fails(shmx_create("/x", SIZE, 0600, SHMX_POSIX | SHMX_SPARSE, &seg), -EFBIG);
    fails(shmx_resize(small, SIZE), -EFBIG);
    ok(shmx_destroy(small));
    shmx_close(small);
}
END_TEST

START_TEST(seals_are_respected)
{
    int          mem = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    struct shmx *seg = NULL;
    void        *addr = NULL;

    ok(ftruncate(mem, SIZE));
    ok(fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK));
    ok(shmx_open_fd(mem, 0, &seg));
    fails(shmx_attach(seg, 0, &addr), -EPERM);
    fails(shmx_write(seg, "x", 1, 0), -EPERM);
    fails(shmx_resize(seg, 2 * SIZE), -EPERM);
    fails(shmx_resize(seg, SIZE / 2), -EPERM);
    ok(shmx_attach(seg, SHMX_RDONLY, &addr));
    shmx_close(seg);
    close(mem);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("posix");
    TCase *tc = add_case(suite, "posix");

    tcase_add_test(tc, plain_program_opens_ours);
    tcase_add_test(tc, we_open_a_plain_programs);
    tcase_add_test(tc, descriptor);
    tcase_add_test(tc, nothing_survives_exec);
    tcase_add_test(tc, open_fd_takes_shared_memory_only);
    tcase_add_test(tc, open_fd_asks_for_the_owner);
    tcase_add_test(tc, open_fd_of_huge_pages);
    tcase_add_test(tc, open_fd_does_not_know_the_name);
    tcase_add_test(tc, open_fd_narrows);
    tcase_add_test(tc, anonymous_is_handed_over_read_only);
    tcase_add_loop_test(tc, dead_in_its_tracks_stays_dead, 0, BACKENDS);
    tcase_add_test(tc, orphans_in_foreign_use_are_spared);
    tcase_add_test(tc, locked_out);
    tcase_add_test(tc, leases_are_over_in_a_moment);
    tcase_add_test(tc, reservation_survives_signals);
    tcase_add_test(tc, resizing_waits_for_nobody);
    tcase_add_test(tc, lost_descriptors_are_noticed);
    tcase_add_test(tc, bad_buffers_are_noticed);
    tcase_add_test(tc, unlinked_is_not_published);
    tcase_add_test(tc, growth_is_reserved_unless_sparse);
    tcase_add_test(tc, file_size_limit);
    tcase_add_test(tc, seals_are_respected);
    return suite_main(suite);
}
