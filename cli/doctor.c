/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx doctor, which checks whether the limits and settings of the machine let sharing work. */
#include "doctor.h"
#include "cli.h"
#include "table.h"

#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SMALL_DEV_SHM ((uint64_t)128 << 20) /* containers have 64 MiB */

static void
check_dev_shm(void)
{
    struct statfs fs;
    char          room[16], size[16], value[64];
    uint64_t      total, free_bytes;

    if (statfs("/dev/shm", &fs) < 0) {
        found(BREAKS, "/dev/shm", "missing",
              "neither POSIX segments nor names can be made: mount -t tmpfs -o mode=1777 tmpfs "
              "/dev/shm");
        return;
    }
    if (fs.f_type != TMPFS_MAGIC) {
        found(BREAKS, "/dev/shm", "not a tmpfs",
              "POSIX segments cannot be made: mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
        return;
    }
    total = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
    free_bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    format_size(total, false, size, sizeof size);
    format_size(free_bytes, false, room, sizeof room);
    snprintf(value, sizeof value, "%s, %s free", size, room);
    if (total > 0 && free_bytes == 0)
        found(BREAKS, "/dev/shm", value,
              "it is full, so POSIX segments cannot be made: 'shmx ls --sort size' shows who uses "
              "it");
    else if (total > 0 && total <= SMALL_DEV_SHM)
        found(
            NOTE, "/dev/shm", value,
            "it is small, as in a container: start the container with --shm-size, or use System V "
            "segments, which are not in /dev/shm");
    else
        found(FINE, "/dev/shm", value, "POSIX segments are kept here");
    if (fs.f_files > 0 && fs.f_ffree == 0)
        found(BREAKS, "/dev/shm inodes", "none left",
              "no segment of either backend can get a name");
    if (access("/dev/shm", W_OK) < 0)
        found(BREAKS, "/dev/shm", "not writable", "no segment can get a name: chmod 1777 /dev/shm");
}

struct usage {
    uint64_t segments, pages, foreign;
};

static int
add_usage(const char *name, const struct shmx_stat *st, void *arg)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct usage  *usage = arg;

    (void)name;
    if (st->state & SHMX_IS_FOREIGN) {
        usage->foreign++;
        return 0;
    }
    usage->segments++;
    usage->pages += (st->size + page - 1) / page;
    return 0;
}

static void
check_limit(const char *name, uint64_t used, const char *full, const char *meaning)
{
    char     path[64], what[32], value[64];
    uint64_t limit;

    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    snprintf(what, sizeof what, "kernel.%s", name);
    if (!read_number(path, &limit)) {
        found(BREAKS, what, "unknown",
              "this kernel has no System V shared memory, or /proc is not mounted");
        return;
    }
    snprintf(value, sizeof value, "%" PRIu64 ", %" PRIu64 " used", limit, used);
    found(used >= limit ? BREAKS : FINE, what, value, used >= limit ? full : meaning);
}

static void
check_sysv(const struct usage *usage)
{
    char     value[64];
    uint64_t limit;

    check_limit("shmmni", usage->segments,
                "no more System V segments can be made: use 'shmx gc', or raise this limit",
                "the largest number of System V segments");
    check_limit("shmall", usage->pages,
                "there is no room for more System V segments: use 'shmx gc', or raise this limit",
                "the largest number of pages in all System V segments together");
    if (read_number("/proc/sys/kernel/shmmax", &limit)) {
        format_size(limit, false, value, sizeof value);
        found(limit < ((uint64_t)64 << 20) ? BREAKS : FINE, "kernel.shmmax", value,
              limit < ((uint64_t)64 << 20)
                  ? "larger System V segments cannot be made: raise this limit"
                  : "the largest size of a System V segment");
    }
    if (read_number("/proc/sys/kernel/shm_rmid_forced", &limit))
        found(limit != 0 ? BREAKS : FINE, "kernel.shm_rmid_forced", limit != 0 ? "1" : "0",
              limit != 0
                  ? "every System V segment goes with its last attachment, even a persistent one"
                  : "persistent System V segments stay without an attachment");
}

static void
check_namespace(uint64_t foreign)
{
    char          value[64];
    const ssize_t length = readlink("/proc/self/ns/ipc", value, sizeof value - 1);

    value[length > 0 ? length : 0] = '\0';
    found(
        FINE, "IPC namespace", length > 0 ? value : "unknown",
        "System V segments are shared within this namespace, and POSIX segments with everybody who "
        "has this /dev/shm; a container has both for itself, unless it was started with --ipc=host "
        "or --ipc=container:NAME");
    if (foreign == 0)
        return;
    snprintf(value, sizeof value, "%" PRIu64, foreign);
    found(NOTE, "names of another IPC namespace", value,
          "/dev/shm is shared with that namespace, but its System V segments are not: share both, "
          "or use POSIX segments; "
          "if it is gone, 'shmx gc --foreign' removes the names");
}

static void
check_protection(void)
{
    uint64_t value;
    char     text[16];

    if (!read_number("/proc/sys/fs/protected_regular", &value))
        return;
    snprintf(text, sizeof text, "%" PRIu64, value);
    found(value != 0 ? NOTE : FINE, "fs.protected_regular", text,
          value != 0
              ? "shm_open(O_CREAT) on another user's object fails with EACCES, even as root; "
                "libshmx is not affected"
              : "programs may open another user's object with O_CREAT");
}

static void
check_memlock(void)
{
    struct rlimit limit;
    char          value[32] = "unlimited";

    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur != RLIM_INFINITY)
        format_size(limit.rlim_cur, false, value, sizeof value);
    found(limit.rlim_cur == 0 && geteuid() != 0 ? NOTE : FINE, "RLIMIT_MEMLOCK", value,
          "'shmx pin' can keep this much in RAM (ulimit -l); root can lock everything");
}

static void
check_logind(void)
{
    char value[64];

    if (access("/run/systemd/system", F_OK) < 0)
        found(FINE, "logind RemoveIPC", "systemd is not running", NULL);
    else if (!logind_removes_ipc(value, sizeof value))
        found(FINE, "logind RemoveIPC", value, "segments outlive the last logout of their owner");
    else
        found(
            NOTE, "logind RemoveIPC", value,
            "the segments of an ordinary user are removed at the last logout: set RemoveIPC=no in "
            "logind.conf, or run as a system user");
}

int
run_doctor(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'J' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    struct usage               usage = { 0 };
    bool                       breaks;
    int                        r;

    while (next_option(argc, argv, ":Jh", options) != -1)
        style.json = true;
    r = check_arguments(argc, 0, 0);
    if (r != OK)
        return r;
    style.colour = wants_colour();
    shmx_list(SHMX_SYSV, add_usage, &usage);
    check_dev_shm();
    check_sysv(&usage);
    check_namespace(usage.foreign);
    check_protection();
    check_huge_pages();
    check_memlock();
    check_logind();
    breaks = findings_end();
    r = finish_output();
    return r != OK ? r : breaks ? FAILED : OK;
}
