/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world COMMAND...: runs a command where /dev/shm is empty and there is no System V segment, in
 * namespaces that vanish with it. Exits with the status of the command, or with 77 if there can be
 * no such namespaces.
 */
#include "support.h"

#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (leave_for_private_namespaces() < 0
        || mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=8g,mode=1777") < 0) {
        fprintf(stderr, "skipped: no private namespaces: %s\n", strerror(errno));
        return 77;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
