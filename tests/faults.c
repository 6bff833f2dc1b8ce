/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#define ERRORS 16

struct fault_kind {
    int         number;
    const char *name;
    bool (*is)(const __u64 args[6]); /* NULL for any arguments */
    int errors[ERRORS];
};

static bool
makes_file(const __u64 args[6])
{
    return (args[2] & O_TMPFILE) == O_TMPFILE;
}

static bool
opens_for_writing(const __u64 args[6])
{
    return (args[2] & O_ACCMODE) == O_RDWR;
}

static bool
is_of_descriptor(const __u64 args[6])
{
    return args[3] & AT_EMPTY_PATH;
}

static bool
makes_segment(const __u64 args[6])
{
    return args[2] & IPC_CREAT;
}

static bool
stats_segment(const __u64 args[6])
{
    return args[1] == IPC_STAT;
}

static bool
sets_segment(const __u64 args[6])
{
    return args[1] == IPC_SET;
}

static bool
locks_segment(const __u64 args[6])
{
    return args[1] == SHM_LOCK;
}

static bool
removes_segment(const __u64 args[6])
{
    return args[1] == IPC_RMID;
}

static bool
opens_directory(const __u64 args[6])
{
    return (args[2] & O_DIRECTORY) && (args[2] & O_TMPFILE) != O_TMPFILE;
}

static bool
wipes_in_child(const __u64 args[6])
{
    return args[2] == MADV_WIPEONFORK;
}

static bool
leaves_out_of_dumps(const __u64 args[6])
{
    return args[2] == MADV_DONTDUMP;
}

static bool
sets_signal(const __u64 args[6])
{
    return args[1] == F_SETSIG;
}

static bool
locks_bytes(const __u64 args[6])
{
    return args[1] == F_OFD_SETLK || args[1] == F_SETLEASE;
}

static bool
asks_for_bytes(const __u64 args[6])
{
    return args[1] == F_OFD_GETLK || args[1] == F_GETFL;
}

static bool
is_of_seals(const __u64 args[6])
{
    return args[1] == F_ADD_SEALS || args[1] == F_GET_SEALS;
}

static bool
waits(const __u64 args[6])
{
    return args[1] == FUTEX_WAIT_BITSET;
}

static bool
duplicates(const __u64 args[6])
{
    return args[1] == F_DUPFD_CLOEXEC;
}

static bool
tries_only(const __u64 args[6])
{
    return args[1] & LOCK_NB;
}

/* Newer kinds of machines have only these calls. */
#ifndef SYS_symlink
#define SYS_readlink SYS_readlinkat
#define SYS_symlink  SYS_symlinkat
#define SYS_unlink   SYS_unlinkat
#endif

#define CALL(name) SYS_##name, #name

/* clang-format off */
static const struct fault_kind kinds[] = {
    { CALL(openat), makes_file, { EACCES, EDQUOT, EINTR, EISDIR, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM, EROFS } },
    { CALL(openat), opens_directory, { EACCES, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM } },
    { CALL(openat), opens_for_writing, { EACCES, EAGAIN, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM, EPERM, EROFS, ETXTBSY } },
    { CALL(openat), NULL, { EACCES, EAGAIN, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM } },
    { CALL(fallocate), NULL, { EFBIG, EINTR, ENOSPC, EOPNOTSUPP, EPERM } },
    { CALL(ftruncate), NULL, { EFBIG, EINTR, EPERM } },
    { CALL(fstat), NULL, { ENOMEM } }, /* glibc calls this from 2.39 on, and newfstatat before
                                          that */
    { CALL(newfstatat), is_of_descriptor, { ENOMEM } },
    { CALL(newfstatat), NULL, { EACCES, ENOENT, ENOMEM } },
    { CALL(fstatfs), NULL, { EINTR, ENOMEM } },
    { CALL(fchmod), NULL, { ENOMEM, EPERM, EROFS } },
    { CALL(fchown), NULL, { EDQUOT, ENOMEM, EPERM, EROFS } },
    { CALL(fchownat), NULL, { EDQUOT, ENOMEM, EPERM, EROFS } },
    { CALL(linkat), NULL, { EACCES, EDQUOT, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV } },
    { CALL(symlink), NULL, { EACCES, EDQUOT, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS } },
    { CALL(renameat2), NULL, { EACCES, EDQUOT, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS } },
    { CALL(unlink), NULL, { EACCES, ENOENT, ENOMEM, EPERM, EROFS } },
    { CALL(readlink), NULL, { EACCES, EINVAL, ENOENT, ENOMEM } },
    { CALL(readlinkat), NULL, { EACCES, EINVAL, ENOENT, ENOMEM } },
    { CALL(utimensat), NULL, { EACCES, ENOENT, ENOMEM, EPERM, EROFS } },
    { CALL(getdents64), NULL, { ENOENT } },
    { CALL(getrandom), NULL, { EINTR } },
    { CALL(shmget), makes_segment, { EACCES, EEXIST, EINVAL, ENFILE, ENOMEM, ENOSPC, ENOSYS, EPERM } },
    { CALL(shmget), NULL, { EACCES, EINVAL, ENOENT, ENOSYS } },
    { CALL(shmat), NULL, { EACCES, EAGAIN, EIDRM, EINVAL, ENOMEM } },
    { CALL(shmdt), NULL, { EINVAL } },
    { CALL(shmctl), stats_segment, { EACCES, EIDRM, EINVAL } },
    { CALL(shmctl), sets_segment, { EIDRM, EINVAL, EPERM } },
    { CALL(shmctl), locks_segment, { EIDRM, EINVAL, ENOMEM, EPERM } },
    { CALL(shmctl), removes_segment, { EIDRM, EINVAL, EPERM } },
    { CALL(shmctl), NULL, { EIDRM, EINVAL, EPERM } },
    { CALL(mmap), NULL, { EACCES, EAGAIN, ENOMEM, EPERM } },
    { CALL(munmap), NULL, { ENOMEM } },
    { CALL(mprotect), NULL, { ENOMEM } },
    { CALL(mremap), NULL, { EAGAIN, ENOMEM } },
    { CALL(madvise), wipes_in_child, { EINVAL, ENOMEM } },
    { CALL(madvise), leaves_out_of_dumps, { 0 } },
    { CALL(madvise), NULL, { EACCES, EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM } },
    { CALL(mincore), NULL, { EAGAIN, ENOMEM } },
    { CALL(mlock), NULL, { EAGAIN, ENOMEM, EPERM } },
    { CALL(mlock2), NULL, { EAGAIN, ENOMEM, EPERM } },
    { CALL(munlock), NULL, { ENOMEM } },
    { CALL(faccessat2), NULL, { EACCES, ENOENT, ENOMEM, EROFS } },
    { CALL(fcntl), sets_signal, { 0 } },
    { CALL(fcntl), locks_bytes, { EACCES, EAGAIN, ENOLCK } },
    { CALL(fcntl), asks_for_bytes, { 0 } },
    { CALL(fcntl), is_of_seals, { 0 } },
    { CALL(fcntl), duplicates, { EMFILE } },
    { CALL(fcntl), NULL, { ENOLCK } },
    { CALL(flock), tries_only, { EINTR, ENOLCK, EWOULDBLOCK } },
    { CALL(flock), NULL, { EINTR, ENOLCK } },
    { CALL(pread64), NULL, { EINTR, EIO } },
    { CALL(pwrite64), NULL, { EDQUOT, EFBIG, EINTR, EIO, ENOSPC, EPERM } },
    { CALL(read), NULL, { EINTR, EIO } },
    { CALL(kill), NULL, { EPERM, ESRCH } },
    { CALL(clock_nanosleep), NULL, { EINTR } },
    { CALL(brk), NULL, { ENOMEM } },
    { CALL(futex), waits, { EINTR } },
    { CALL(futex), NULL, { 0 } },
    { CALL(inotify_init1), NULL, { EMFILE, ENFILE, ENOMEM } },
    { CALL(inotify_add_watch), NULL, { EACCES, ENOENT, ENOMEM, ENOSPC } },
    { CALL(ppoll), NULL, { EINTR, ENOMEM } },
    { CALL(memfd_create), NULL, { EMFILE, ENFILE, ENOMEM } },
    { CALL(sched_getaffinity), NULL, { EINVAL } },
    { CALL(capget), NULL, { 0 } },
    { CALL(close), NULL, { 0 } },
    { CALL(getpid), NULL, { 0 } },
    { CALL(geteuid), NULL, { 0 } },
    { CALL(lseek), NULL, { 0 } },
    { CALL(rt_sigprocmask), NULL, { 0 } }, /* glibc calls this for its random numbers from 2.41
                                              on */
    { CALL(sysinfo), NULL, { 0 } },
};

/* The faults that are not tried: certain errors of a call, each with a comma behind it, in one
   function or in all. */
static const struct {
    const char *call, *errors, *function, *reason;
} left_out[] = {
    { "every call", "EBADF, EFAULT, ENAMETOOLONG, ENOTDIR, EINVAL,", "", "a caller's fault; our arguments are right (where EINVAL says something else it is tried)" },
    { "every call", "EOVERFLOW,", "", "only of 32-bit programs without large files" },
    { "every call", "EIO,", "", "tmpfs has no disk under it (pread64, pwrite64: swap has, it is tried)" },
    { "every call but shm*", "ENOSYS,", "", "only of kernels that glibc does not run on" },
    { "capget, close, getpid, geteuid, lseek, rt_sigprocmask, sysinfo", "every error,", "", "cannot fail, or nothing hangs on it: a descriptor is gone even where its close fails" },
    { "openat", "ELOOP, ENXIO, ENODEV,", "", "say what stands at a name: the suites put it there" },
    { "openat", "EBUSY,", "", "of devices" },
    { "linkat", "EMLINK,", "", "an object has two links at most" },
    { "linkat", "EXDEV,", "shmx_create", "the object was made in the same directory" },
    { "linkat", "EXDEV,", "shmx_open_or_create", "the object was made in the same directory" },
    { "fcntl", "every error,", "", "of F_SETSIG, F_GETFL, F_OFD_GETLK, F_GET_SEALS and F_ADD_SEALS, which allocate nothing" },
    { "futex", "every error,", "shmx_wake", "it only looks who waits" },
    { "memfd_create", "EPERM,", "", "only of the hugetlb pool, and then another one is made" },
    { "renameat2", "EBUSY, EINVAL,", "", "of mount points; of file systems other than tmpfs" },
    { "mmap", "ENODEV, ENFILE, ETXTBSY,", "", "not of files of tmpfs" },
    { "madvise", "every error,", "", "of MADV_DONTDUMP: a wish, with which only dumps are smaller" },
    { "madvise", "EIO, EHWPOISON,", "", "not of the advice that we give; broken memory" },
    { "fcntl", "EACCES, EAGAIN,", "shmx_create", "nobody else has locks on an object that nobody else can open" },
    { "fcntl", "EACCES, EAGAIN,", "shmx_open_or_create", "nobody else has locks on an object that nobody else can open" },
    { "openat", "EAGAIN,", "shmx_open_fd", "nobody has a lease on what we have open" },
    { "openat", "EAGAIN,", "shmx_chown", "not of O_PATH" },
    { "openat", "EAGAIN,", "", "of a directory or in /proc" },
    { "fstat", "ENOMEM,", "shmx_stat", "of a descriptor: that allocates nothing" },
    { "fstat", "ENOMEM,", "shmx_size", "of a descriptor: that allocates nothing" },
    { "newfstatat", "ENOMEM,", "shmx_stat", "of a descriptor: that allocates nothing" },
    { "newfstatat", "ENOMEM,", "shmx_size", "of a descriptor: that allocates nothing" },
    { "mmap", "EACCES,", "shmx_pin", "the handle can read" },
    { "fallocate", "EFBIG,", "shmx_attach", "not beyond the end" },
    { "fallocate", "EFBIG,", "shmx_attach_range", "not beyond the end" },
    { "newfstatat", "EACCES,", "shmx_list", "of an entry: FUSE may be mounted there, and the entry is passed over" },
    { "readlink", "EACCES, ENOMEM,", "shmx_list", "of /proc: which IPC namespace this is; then names of segments that have no key are not told" },
    { "fstatfs", "EINTR, ENOMEM,", "shmx_list", "of /proc: that allocates nothing" },
    { "fstatfs", "EINTR, ENOMEM,", "shmx_collect", "of /proc: that allocates nothing" },
    { "fcntl", "EBUSY, EDEADLK, EPERM,", "", "not of locks of open file descriptions" },
};
/* clang-format on */

const struct fault_kind *
faults_find(const struct seccomp_data *call)
{
    size_t i;

    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].number == call->nr && (kinds[i].is == NULL || kinds[i].is(call->args)))
            return &kinds[i];
    return NULL;
}

static bool
is_left_out(const struct fault_kind *kind, const char *function, int error)
{
    char   name[32];
    size_t i;

    snprintf(name, sizeof name, "%s,", strerrorname_np(error));
    for (i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(left_out[i].call, kind->name) == 0
            && (*left_out[i].function == '\0' || strcmp(function, left_out[i].function) == 0)
            && strstr(left_out[i].errors, name) != NULL)
            return true;
    return false;
}

int
faults_error(const struct fault_kind *kind, const char *function, int n)
{
    const int *error;

    for (error = kind->errors; *error != 0; error++)
        if (!is_left_out(kind, function, *error) && n-- == 0)
            return *error;
    return 0;
}

/* Returns whether the call says that something does not exist. */
static bool
denies(const struct fault_kind *kind, int error)
{
    const int n = kind->number;

    if (n == SYS_shmget || kind->is == stats_segment)
        return error == ENOENT || error == EINVAL || error == EIDRM || error == ENOSYS;
    if (kind->is == removes_segment || kind->is == sets_segment || kind->is == locks_segment)
        return error == EINVAL || error == EIDRM;
    if (n == SYS_readlink || n == SYS_readlinkat)
        return error == ENOENT || error == EINVAL;
    if (n == SYS_newfstatat || n == SYS_openat || n == SYS_renameat2 || n == SYS_unlink
        || n == SYS_getdents64 || n == SYS_faccessat2)
        return error == ENOENT;
    return n == SYS_kill && error == ESRCH;
}

/* Returns whether the call undoes what was made, or belongs to making it once more. */
static bool
leaves(const struct fault_kind *kind, int error)
{
    if (kind->number == SYS_shmat) /* a new segment is gone already, and another one is made */
        return error == EINVAL || error == EIDRM;
    return kind->number == SYS_unlink || kind->number == SYS_brk || kind->is == removes_segment;
}

unsigned
faults_excuse(const struct fault_kind *kind, int error)
{
    const int n = kind->number;
    unsigned  excuse = 0;

    if (denies(kind, error) || n == SYS_munmap || n == SYS_shmdt)
        excuse |= FAULT_LIES;
    if (leaves(kind, error))
        excuse |= FAULT_LEAVES;
    if (n == SYS_flock || n == SYS_fstat || n == SYS_newfstatat || n == SYS_openat)
        excuse |= FAULT_LOCKS;
    return excuse;
}

bool
faults_private(const struct fault_kind *kind)
{
    static const int private[] = { SYS_brk,
                                   SYS_capget,
                                   SYS_close,
                                   SYS_fstatfs,
                                   SYS_geteuid,
                                   SYS_getpid,
                                   SYS_lseek,
                                   SYS_madvise,
                                   SYS_mmap,
                                   SYS_mprotect,
                                   SYS_munlock,
                                   SYS_read,
                                   SYS_rt_sigprocmask,
                                   SYS_sched_getaffinity };
    size_t i;

    for (i = 0; kind != NULL && i < sizeof private / sizeof *private; i++)
        if (kind->number == private[i])
            return true;
    return false;
}

/* The directory is opened in order to lock it, and for nothing else. */
bool
faults_locks_directory(const struct seccomp_data *opening, const struct seccomp_data *locking)
{
    return opening->nr == SYS_openat && opens_directory(opening->args) && locking->nr == SYS_flock
           && (locking->args[1] & LOCK_EX);
}

bool
faults_unlocks(const struct seccomp_data *call)
{
    return call->nr == SYS_flock && call->args[1] == LOCK_UN;
}

const char *
faults_name(const struct fault_kind *kind)
{
    return kind == NULL ? "an unknown system call" : kind->name;
}

void
faults_explain(void)
{
    size_t i;

    for (i = 0; i < sizeof left_out / sizeof *left_out; i++)
        printf("left out: %s %s%s%s: %s\n", left_out[i].call, left_out[i].errors,
               *left_out[i].function == '\0' ? "" : " in ", left_out[i].function,
               left_out[i].reason);
}
