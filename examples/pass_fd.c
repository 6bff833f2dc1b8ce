/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes a segment without a name over a socket, as Wayland clients do. Because there is no name,
 * nobody has to clean up. The receiver gets a descriptor that can only read, and hand_over.c shows
 * that another user cannot make more of it.
 *
 *     cc -o pass_fd pass_fd.c $(pkg-config --cflags --libs libshmx)
 *     ./pass_fd give SOCKET "some text" &  ./pass_fd take SOCKET
 */
#include <shmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    char           room[CMSG_SPACE(sizeof(int))];
};

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
check(const char *what, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "pass_fd: %s: %s\n", what, shmx_strerror(r));
    exit(1);
}

static void
send_fd(int socket, int fd)
{
    char          byte = 'f';
    struct iovec  iov = { .iov_base = &byte, .iov_len = 1 };
    union control control;
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    memset(&control, 0, sizeof control);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1)
        fail("sendmsg");
}

static int
receive_fd(int socket)
{
    char          byte;
    struct iovec  iov = { .iov_base = &byte, .iov_len = 1 };
    union control control;
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *header;
    int             fd;

    if (recvmsg(socket, &message, 0) != 1)
        fail("recvmsg");
    header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        fail("no descriptor came");
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void
give(int listener, const char *text)
{
    struct shmx *seg, *narrow;
    int          peer;

    check("create", shmx_create(NULL, 4096, 0600, SHMX_POSIX, &seg));
    check("write", (int)shmx_write(seg, text, strlen(text), 0));
    check("resize", shmx_resize(seg, strlen(text)));
    check("narrow", shmx_open_fd(shmx_fd(seg), SHMX_RDONLY, &narrow));
    peer = accept(listener, NULL, NULL);
    if (peer < 0)
        fail("accept");
    send_fd(peer, shmx_fd(narrow));
    printf("gave %lld bytes\n", (long long)shmx_size(seg));
    close(peer);
    shmx_close(narrow);
    shmx_close(seg);
}

static void
take(int socket)
{
    struct shmx *seg;
    void        *addr;
    int          fd = receive_fd(socket);

    check("open_fd", shmx_open_fd(fd, 0, &seg));
    close(fd);
    check("attach", shmx_attach(seg, 0, &addr));
    printf("took %lld bytes: %.*s\n", (long long)shmx_size(seg), (int)shmx_size(seg),
           (const char *)addr);
    printf("writing: %s\n", shmx_strerror((int)shmx_write(seg, "x", 1, 0)));
    shmx_close(seg);
}

int
main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int          giving = argc == 4 && strcmp(argv[1], "give") == 0;
    int                s, tries = 0;

    if ((!giving && (argc != 3 || strcmp(argv[1], "take") != 0))
        || strlen(argv[2]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: pass_fd give SOCKET TEXT, or pass_fd take SOCKET\n");
        return 2;
    }
    strcpy(address.sun_path, argv[2]);
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (giving) {
        if (bind(s, (struct sockaddr *)&address, sizeof address) < 0 || listen(s, 1) < 0)
            fail(argv[2]);
        give(s, argv[3]);
        unlink(argv[2]);
        return 0;
    }
    while (connect(s, (struct sockaddr *)&address, sizeof address) < 0) {
        if (++tries == 100)
            fail(argv[2]);
        usleep(50000);
    }
    take(s);
    return 0;
}
