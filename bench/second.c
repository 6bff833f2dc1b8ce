/* SPDX-License-Identifier: BSD-2-Clause */
#include "fills.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int second;

pid_t
second_start(void)
{
    struct order order;
    int          line[2];
    pid_t        pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
        bench_fail("socketpair");
    second = line[0];
    pid = fork();
    if (pid != 0) {
        close(line[1]);
        return pid;
    }
    close(line[0]);
    while (read(line[1], &order, sizeof order) == sizeof order) {
        bench_span = order.span;
        order.run(order.arg);
        if (write(line[1], "", 1) != 1)
            break;
    }
    _exit(0);
}

void
second_run(void *order)
{
    char c;

    if (write(second, order, sizeof(struct order)) != sizeof(struct order)
        || read(second, &c, 1) != 1)
        bench_fail("the second process");
}

void
second_end(void)
{
    close(second);
    wait(NULL);
}
