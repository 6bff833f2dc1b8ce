/* SPDX-License-Identifier: BSD-2-Clause */
#include "namespace.h"

#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int
namespace_number(const char *path, unsigned long *number)
{
    char        text[32];
    ssize_t     length = readlink(path, text, sizeof text - 1);
    const char *digits;

    if (length < 0 && errno != ENOENT)
        return failure();
    text[length < 0 ? 0 : length] = '\0';
    digits = strchr(text, '['); /* the text is like "ipc:[4026531839]" */
    *number = digits == NULL ? 0 : strtoul(digits + 1, NULL, 10);
    return 0;
}

/*
 * Returns a page that the kernel clears in every child, even in a child of a raw clone(2). Without
 * it a child could take the number of its parent for its own, because both may be process 1 of
 * their namespaces. Returns NULL where the kernel cannot do that.
 */
static _Atomic uint64_t *
page_of_this_process(void)
{
    static _Atomic(_Atomic uint64_t *) page;
    _Atomic uint64_t                  *known = atomic_load(&page), *fresh;

    if (known != NULL)
        return known;
    fresh = mmap(NULL, sizeof *fresh, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
        return NULL;
    if (madvise(fresh, sizeof *fresh, MADV_WIPEONFORK) == 0
        && atomic_compare_exchange_strong(&page, &known, fresh))
        return fresh;
    munmap(fresh, sizeof *fresh);
    return known; /* another thread has made it meanwhile */
}

int
shmx_process(uint64_t *number)
{
    _Atomic uint64_t *cached = page_of_this_process();
    unsigned long     space;
    int               r;

    *number = cached == NULL ? 0 : atomic_load(cached);
    if (*number != 0)
        return 0;
    r = namespace_number("/proc/self/ns/pid", &space);
    if (r < 0)
        return r;
    *number = (space & UINT32_MAX) << PID_BITS | (uint64_t)getpid();
    if (cached != NULL)
        atomic_store(cached, *number);
    return 0;
}

/* Each thread has an IPC namespace of its own, and unshare(2) changes it. So the number is not
   cached. */
int
shmx_ipc_namespace(unsigned long *number)
{
    return namespace_number("/proc/thread-self/ns/ipc", number);
}

/* The users or the groups of the user namespace. */
struct ids {
    const char  *overflow_path, *map_path;
    _Atomic long overflow; /* -1 until it has been read */
};

/* Returns the number that stands for all whom the user namespace does not map. */
static unsigned
overflow_of(struct ids *ids)
{
    unsigned id = 65534;
    FILE    *f;

    if (atomic_load(&ids->overflow) >= 0)
        return (unsigned)atomic_load(&ids->overflow);
    f = shmx_open_proc(ids->overflow_path);
    if (f == NULL)
        return id;
    if (fscanf(f, "%u", &id) == 1)
        atomic_store(&ids->overflow, (long)id);
    fclose(f);
    return id;
}

/* Returns whether the number means one certain user or group. The number of those who are not
   mapped does so only where all are mapped. */
static bool
is_one(struct ids *ids, unsigned id)
{
    unsigned long mapped = 0, count;
    FILE         *f;

    if (id == 0 || id != overflow_of(ids))
        return true;
    f = shmx_open_proc(ids->map_path);
    if (f == NULL)
        return false;
    while (fscanf(f, "%*u %*u %lu", &count) == 1)
        mapped += count;
    fclose(f);
    return mapped == UINT32_MAX;
}

bool
shmx_same_user(uid_t a, uid_t b)
{
    static struct ids users = { "/proc/sys/kernel/overflowuid", "/proc/self/uid_map", -1 };

    return a == b && is_one(&users, a);
}

bool
shmx_is_mapped_group(gid_t group)
{
    static struct ids groups = { "/proc/sys/kernel/overflowgid", "/proc/self/gid_map", -1 };

    return is_one(&groups, group);
}

bool
shmx_trusts(uid_t owner)
{
    return owner == 0 || shmx_same_user(owner, geteuid());
}

bool
shmx_has_capability(unsigned capability)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct   data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return syscall(SYS_capget, &header, data) == 0
           && (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

bool
shmx_rules_ipc_namespace(void)
{
    const int fd = open("/proc/thread-self/ns/ipc", O_RDONLY | O_CLOEXEC);
    /* The kernel allows this only for the caller's user namespace and those below it. */
    const int owner = fd < 0 ? -1 : ioctl(fd, NS_GET_USERNS);

    if (owner >= 0)
        close(owner);
    if (fd >= 0)
        close(fd);
    return owner >= 0;
}

FILE *
shmx_open_proc(const char *path)
{
    struct statfs fs;
    FILE         *f = NULL;
    int           fd;

    do
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return NULL;
    if (fstatfs(fd, &fs) < 0 || (uint32_t)fs.f_type != PROC_SUPER_MAGIC)
        errno = ENOENT;
    else
        f = fdopen(fd, "r");
    if (f == NULL)
        close(fd);
    return f;
}
