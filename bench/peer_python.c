/* SPDX-License-Identifier: BSD-2-Clause */
/* Python's multiprocessing.shared_memory, in a process that waits for orders. Giving an order adds
   at most 0.1 ms to the time. */
#include "contender.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char program[] =
    "import sys\n"
    "from multiprocessing.shared_memory import SharedMemory\n"
    "print('ready', flush=True)\n"
    "for line in sys.stdin:\n"
    "    size, span = map(int, line.split())\n"
    "    shm = SharedMemory('" BENCH_NAME "-python', True, size)\n"
    "    shm.buf[0:span:4096] = bytes(b'\\1') * len(range(0, span, 4096))\n"
    "    shm.close()\n"
    "    shm.unlink()\n"
    "    print('done', flush=True)\n";

static FILE *python;

static bool
answers(const char *what)
{
    char line[64];

    return fgets(line, sizeof line, python) != NULL && strncmp(line, what, strlen(what)) == 0;
}

static void
create_cycle(size_t size)
{
    if (dprintf(fileno(python), "%zu %zu\n", size, bench_span) < 0 || !answers("done"))
        bench_fail("python3");
}

const struct contender *
python_posix(void)
{
    static const struct contender contender = {
        .name = "Python",
        .backend = "posix",
        .lacks = "whole when named, reserved, ephemeral, holders counted, read-only, growth",
        .create_cycle = create_cycle,
    };
    int line[2];

    if (python == NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) == 0) {
        if (fork() == 0) {
            dup2(line[1], 0);
            dup2(line[1], 1);
            execlp("python3", "python3", "-c", program, (char *)NULL);
            _exit(127);
        }
        close(line[1]);
        python = fdopen(line[0], "r");
        if (python != NULL && !answers("ready")) {
            fclose(python);
            python = NULL;
        }
    }
    return python == NULL ? NULL : &contender;
}
