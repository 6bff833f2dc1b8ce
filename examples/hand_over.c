/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands a buffer to another process, as a Wayland client does, but in a way that is safe for both
 * sides. The descriptor of a sealed segment goes over a socket to an unprivileged process. That
 * process can read the segment, and has no way to write to it. Nobody can shrink the segment, not
 * even its maker, so the receiver need not fear SIGBUS.
 *
 *     cc -o hand_over hand_over.c $(pkg-config --cflags --libs libshmx)
 *     ./hand_over         as root, so that the receiver can be nobody
 *
 * The receiver tries every way to write that the kernel offers to a process with a descriptor, and
 * prints what happened.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 1 << 20, NOBODY = 65534 };

static int breaches;

static void
check(const char *what, int64_t r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "hand_over: %s: %s\n", what, shmx_strerror((int)r));
    exit(1);
}

/* ---- the giving side ---- */

static void
send_fd(int socket, int fd)
{
    char          control[CMSG_SPACE(sizeof fd)] = { 0 }, byte = 0;
    struct iovec  data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    if (sendmsg(socket, &message, 0) != 1)
        check("sendmsg", -errno);
}

static void
give(int socket)
{
    struct shmx *seg, *narrow;
    void        *addr;
    char         answer;

    check("create", shmx_create(NULL, SIZE, 0600, SHMX_SEALED, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    strcpy((char *)addr + SIZE - 100, "for your eyes");
    if (shmx_resize(seg, PAGE) != -EPERM) /* the receiver relies on this */
        check("sealed", -EIO);
    /* The mode 0600 keeps other users from opening the object again, and this descriptor can only
       read. */
    check("open_fd", shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &narrow));
    send_fd(socket, shmx_fd(narrow));
    shmx_close(narrow);
    if (read(socket, &answer, 1) != 1)
        check("read", -EIO);
    /* The receiver also sees what is written from now on. */
    strcpy(addr, "later");
    if (write(socket, &answer, 1) != 1)
        check("write", -EIO);
    if (read(socket, &answer, 1) != 0 || strcmp(addr, "later") != 0)
        check("what we have", -EIO);
    shmx_close(seg);
}

/* ---- the receiving side ---- */

static void
attempt(const char *how, int succeeded)
{
    printf("%-40s %s\n", how, succeeded ? "WORKS" : strerror(errno));
    breaches += succeeded != 0;
}

static int
map(int fd, int prot, int flags)
{
    void *addr = mmap(NULL, PAGE, prot, flags, fd, 0);

    return addr != MAP_FAILED;
}

static void
attempt_descriptor(int fd)
{
    char         byte = 'x';
    struct iovec data = { &byte, 1 };
    int          zero = open("/dev/zero", O_RDONLY), ends[2];
    loff_t       at = 0;

    attempt("write", write(fd, &byte, 1) >= 0);
    attempt("pwrite", pwrite(fd, &byte, 1, 0) >= 0);
    attempt("pwritev2", pwritev2(fd, &data, 1, 0, 0) >= 0);
    attempt("sendfile to it", sendfile(fd, zero, NULL, 1) >= 0);
    attempt("copy_file_range to it", copy_file_range(fd, &at, fd, &at, 1, 0) >= 0);
    if (pipe(ends) == 0 && write(ends[1], &byte, 1) == 1)
        attempt("splice to it", splice(ends[0], NULL, fd, &at, 1, 0) >= 0);
    attempt("ftruncate", ftruncate(fd, 0) == 0);
    attempt("fallocate", fallocate(fd, 0, 0, (off_t)SIZE * 2) == 0);
    attempt("fallocate, a hole",
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0);
    attempt("fchmod", fchmod(fd, 0666) == 0);
    attempt("fchown", fchown(fd, NOBODY, NOBODY) == 0);
    attempt("futimens", futimens(fd, NULL) == 0);
    attempt("F_SETFL O_RDWR", fcntl(fd, F_SETFL, O_RDWR) == 0 && write(fd, &byte, 1) >= 0);
    attempt("F_ADD_SEALS", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    attempt("linkat, a name for it",
            linkat(fd, "", AT_FDCWD, "/dev/shm/breach", AT_EMPTY_PATH) == 0);
}

static void
attempt_anew(int fd)
{
    static const char *const ways[] = { "/proc/self/fd", "/proc/thread-self/fd", "/dev/fd" };
    char                     path[64];
    size_t                   k;

    for (k = 0; k < sizeof ways / sizeof *ways; k++) {
        snprintf(path, sizeof path, "%s/%d", ways[k], fd);
        attempt(path, open(path, O_RDWR) >= 0);
        attempt("  for writing only", open(path, O_WRONLY) >= 0);
        attempt("  truncated", truncate(path, 0) == 0);
        attempt("  chmod", chmod(path, 0666) == 0);
    }
    attempt("openat with O_PATH, and anew", openat(fd, "", O_RDWR) >= 0);
    attempt("mmap, shared and writable", map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
    attempt("mmap, validated", map(fd, PROT_WRITE, MAP_SHARED_VALIDATE));
}

static void
attempt_mapping(char *addr)
{
    char         byte = 'x';
    struct iovec from = { &byte, 1 }, to = { addr, 1 };
    int          memory = open("/proc/self/mem", O_RDWR);
    void        *moved;

    attempt("mprotect", mprotect(addr, PAGE, PROT_READ | PROT_WRITE) == 0);
    attempt("madvise MADV_REMOVE", madvise(addr, PAGE, MADV_REMOVE) == 0);
    attempt("process_vm_writev", process_vm_writev(getpid(), &from, 1, &to, 1, 0) >= 0);
    attempt("/proc/self/mem", memory >= 0 && pwrite(memory, &byte, 1, (off_t)(uintptr_t)addr) >= 0);
    attempt("read into it", read(open("/dev/zero", O_RDONLY), addr, 1) >= 0);
    moved = mremap(addr, 0, PAGE, MREMAP_MAYMOVE);
    attempt("mremap of a copy, mprotect",
            moved != MAP_FAILED && mprotect(moved, PAGE, PROT_WRITE) == 0);
}

static int
receive_fd(int socket)
{
    int           fd = -1;
    char          control[CMSG_SPACE(sizeof fd)], byte;
    struct iovec  data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && (c = CMSG_FIRSTHDR(&message)) != NULL)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static int
take(int socket)
{
    struct shmx *seg;
    void        *addr;
    int          fd = receive_fd(socket);
    char         byte = 0;

    /* SHMX_SEALED refuses an object that could be shrunk while this process looks at it. */
    check("open_fd", shmx_open_fd(fd, SHMX_RDONLY | SHMX_SEALED, &seg));
    check("attach", shmx_attach(seg, 0, &addr));
    printf("%-40s %s\n", "read", (char *)addr + SIZE - 100);
    if (write(socket, &byte, 1) != 1 || read(socket, &byte, 1) != 1)
        return 1;
    printf("%-40s %s\n", "read, of what was written later", (char *)addr);
    attempt("shmx_write", (errno = -(int)shmx_write(seg, "x", 1, 0)) <= 0);
    attempt("shmx_resize", (errno = -shmx_resize(seg, 0)) == 0);
    attempt("shmx_publish", (errno = -shmx_publish(seg, "/breach")) == 0);
    attempt_descriptor(fd);
    attempt_anew(fd);
    attempt_mapping(addr);
    if (strcmp(addr, "later") != 0)
        breaches++;
    printf("%d breaches\n", breaches);
    shmx_close(seg);
    return breaches > 0;
}

int
main(void)
{
    int   ends[2], status;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        check("socketpair", -errno);
    pid = fork();
    if (pid < 0)
        check("fork", -errno);
    if (pid == 0) {
        close(ends[0]);
        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
            check("setuid: this example wants root", -errno);
        exit(take(ends[1]));
    }
    close(ends[1]);
    give(ends[0]);
    close(ends[0]);
    return waitpid(pid, &status, 0) != pid || status != 0;
}
