/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmx.h - shared memory segments, POSIX and System V, through one handle.
 *
 *     cc prog.c $(pkg-config --cflags --libs libshmx)
 *
 * LIVES.  A segment is memory that unrelated processes share. Three things keep it alive:
 *
 *   the name         Other processes look the segment up by its name. shmx_create and shmx_publish
 *                    make the name, shmx_destroy and shmx_remove end it.
 *   the handle       A process uses a segment through a handle, a struct shmx. shmx_create,
 *                    shmx_open, shmx_open_wait, shmx_open_fd and shmx_open_or_create make the
 *                    handle, shmx_close ends it.
 *   the attachment   An attachment is a range of addresses at which a process sees the segment.
 *                    shmx_attach makes it, shmx_detach ends it. shmx_close ends the attachments of
 *                    its handle that are left.
 *
 * The memory exists as long as there is a name, a handle or an attachment. When the name is gone,
 * handles and attachments go on working, and a new segment can take the name. A System V segment
 * that was made without a name stays until somebody destroys it, because its id leads to it.
 *
 * NAMES.  Every name is an entry of /dev/shm, on both backends. The entry of a POSIX segment is a
 * regular file, which programs that use shm_open(3) can share. The entry of a System V segment is a
 * symbolic link, whose text says where the segment is. An entry appears in one step, when its
 * segment is complete. Every function that takes a name understands these forms:
 *
 *   "/frames", "frames"     A plain name. It has 1 to 255 bytes after the slash and no further
 *                           slash. It is not "." or "..", and it does not begin with ".shmx-",
 *                           which the library keeps for itself. Any number of leading slashes
 *                           counts as one.
 *   "posix:/frames"         The same name, of a segment of the POSIX backend.
 *   "sysv:/frames"          The same name, of a segment of the System V backend.
 *   "sysv:key=0x51a3"       A raw System V key, hexadecimal or decimal, not 0. It is for sharing
 *                           with programs that do not use this library. Such a segment is visible
 *                           as soon as shmget(2) has made it, before it is initialised.
 *   "sysv:id=98310"         A raw System V id, which can be opened and removed, but not created.
 *
 * A text that begins with "posix:" or "sysv:" and has none of these forms is refused with -EINVAL.
 * Any other text with a colon in it is a plain name.
 *
 * ERRORS.  Functions of type int, int64_t and ssize_t return a negative errno value when they fail.
 * A function that fails does not write to its outputs, and it removes what it has made. Each
 * function lists its errors. If the kernel returns an error that its own manual pages do not
 * mention, the library passes that error on. Two errors are common to all functions that take a
 * name: -EINVAL for a malformed name, and -ENAMETOOLONG for a name of more than 255 bytes. Every
 * function returns -EINVAL for a NULL pointer where NULL is not allowed, and for flags that the
 * function does not know.
 *
 * THREADS.  Any thread may call any function, and several threads may use one handle at the same
 * time. Only shmx_close must be the last use of its handle. No call waits because another thread
 * reads, writes, reserves, populates or sleeps through the same handle. (Threads that pin, unpin or
 * grow a pinned segment take turns. While the kernel brings in pages for one thread, the other
 * threads of the process cannot map anything. So the library has that done in pieces of 32 MiB.) No
 * function is a cancellation point, not even while it calls an initialiser or a visitor. A thread
 * that is cancelled inside a function finishes that function first, and one that is cancelled while
 * it waits goes on waiting. A thread with the asynchronous cancellation type must not call the
 * library. The library starts no threads, installs no signal handlers, prints nothing and reads no
 * environment variables.
 *
 * FORK.  A child inherits handles and attachments. The child may use and close them, and what it
 * closes stays open in the parent. Where holders are counted, parent and child are two holders on
 * the System V backend. On the POSIX backend they are one holder, which counts until both have
 * closed the handle or have ended. If another thread is inside a call on a handle at the moment of
 * fork(2), the child must not use that handle. If a program keeps an attachment from its children
 * (madvise(2), MADV_DONTFORK) and a child maps something else at those addresses, that child must
 * not close the handle. All descriptors are close-on-exec. execve(2) ends handles and attachments.
 *
 * NAMESPACES.  A System V id means something only in its IPC namespace. A thread that leaves that
 * namespace (unshare(2), setns(2)) can still read, write, detach and close through the handle, and
 * it can attach, except for pages of the hugetlb pool. All other functions return -ENOENT then, and
 * no function touches a segment of the new namespace. Where /proc is not mounted, the library can
 * neither tell namespaces apart nor count holders, and takes it for granted that a handle and a
 * link are of the namespace of the caller.
 */
#ifndef SHMX_H
#define SHMX_H

#include <sched.h> /* struct timespec, which time.h hides under -std=c99 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* A handle. Its contents are private to the library. */
struct shmx;

/* For create. SHMX_POSIX and SHMX_SYSV are also for list and collect. */
#define SHMX_POSIX     0x00000001u /* the POSIX backend, which is the default */
#define SHMX_SYSV      0x00000002u /* the System V backend */
#define SHMX_EPHEMERAL 0x00000004u /* the segment goes with its last holder, however that ends */
#define SHMX_SPARSE    0x00000008u /* no memory is reserved, and a later shortage raises SIGBUS */
#define SHMX_HUGE      0x00000010u /* huge pages as far as the machine has them */
#define SHMX_HUGE_ONLY 0x00000020u /* huge pages, or the call fails */
#define SHMX_SEALED    0x00000040u /* can neither shrink nor grow; for open_fd, too */

/* For open. SHMX_RDONLY also for attach. */
#define SHMX_RDONLY 0x00000100u /* read-only; mprotect(2) cannot widen a read-only handle */
#define SHMX_OWNED  0x00000200u /* only a segment that the effective user or root has made */

/* For attach. */
#define SHMX_PRIVATE  0x00001000u /* copy-on-write: changes stay in this process */
#define SHMX_EXEC     0x00002000u /* executable */
#define SHMX_POPULATE 0x00004000u /* bring every page in now; a shortage makes the call fail */
#define SHMX_FIXED    0x00008000u /* at exactly the address *addr, if nothing is mapped there */
#define SHMX_REPLACE  0x00010000u /* with SHMX_FIXED: replace what others have mapped there */
#define SHMX_ROUND    0x00020000u /* with SHMX_FIXED: round *addr down to a possible address */
#define SHMX_ROOM     0x00080000u /* longer than the segment, which may grow there (POSIX) */

/* For collect. */
#define SHMX_ORPHANS 0x00100000u /* also remove persistent segments that nobody holds */
#define SHMX_DRY_RUN 0x00200000u /* only report, and remove nothing */
#define SHMX_FOREIGN 0x00400000u /* also remove names of segments of other IPC namespaces */

/* For wait. */
#define SHMX_PEERS 0x01000000u /* end with -EPIPE when nobody else holds the segment */

/* Bits of shmx_stat.state. */
#define SHMX_IS_EPHEMERAL 0x1u  /* the segment was made with SHMX_EPHEMERAL */
#define SHMX_IS_NAMELESS  0x2u  /* no known name and no key leads to the segment */
#define SHMX_IS_PINNED    0x4u  /* kept in RAM: by this handle (POSIX), by anybody (System V) */
#define SHMX_IS_HUGE      0x8u  /* the segment begins with a huge page; compare page_size */
#define SHMX_IS_DEAD      0x10u /* of shmx_collect: nobody can use the segment any more */
#define SHMX_IS_DESTROYED 0x20u /* System V: the segment goes with its last attachment */
#define SHMX_IS_FOREIGN   0x40u /* a mere name: its segment is in another IPC namespace */

/* What shmx_stat, shmx_stat_name, shmx_list and shmx_collect tell about a segment. */
/* clang-format off */
struct shmx_stat {
    unsigned        backend;   /* SHMX_POSIX or SHMX_SYSV */
    unsigned        state;     /* SHMX_IS_* bits */
    uint64_t        size;      /* bytes, exactly as they were asked for */
    uint64_t        resident;  /* bytes of memory in use; 0 where unknown (shmx_stat does not know
                                  it of a System V segment, shmx_stat_name and shmx_list do) */
    uint64_t        page_size; /* bytes of the page with which the segment begins; 0 where unknown,
                                  because no page is there yet, or because nobody looks at it
                                  (shmx_stat_name and shmx_list: a System V segment, and a POSIX
                                  segment from 1 MiB on) */
    uint64_t        dev;       /* POSIX: device of the object; System V: 0 */
    uint64_t        ino;       /* POSIX: inode of the object; SHMX_IS_FOREIGN: number of the IPC
                                  namespace, as readlink(2) of /proc/PID/ns/ipc shows it; else 0 */
    int64_t         holders;   /* POSIX: processes that hold the segment through this library, as
                                  the kernel counts them; System V: attachments (nattch), of which
                                  one belongs to each handle, and each part of an attachment that
                                  the program has divided (mprotect(2) and the like) counts; -1
                                  where unknown */
    int             id;        /* System V: the id; POSIX: -1 */
    int             key;       /* System V: the key, 0 if there is none; POSIX: 0 */
    mode_t          mode;      /* permission bits, within 0777 */
    uid_t           uid;       /* owner */
    gid_t           gid;       /* group */
    uid_t           cuid;      /* System V: creator; POSIX: the owner */
    gid_t           cgid;      /* System V: group of the creator; POSIX: the group */
    pid_t           cpid;      /* System V: process that created the segment; POSIX: 0 */
    pid_t           lpid;      /* System V: process that last attached or detached; POSIX: 0 */
    struct timespec atime;     /* POSIX: last access; System V: last attach; zero where unknown */
    struct timespec dtime;     /* System V: last detach; POSIX: zero */
    struct timespec mtime;     /* POSIX: last write through a descriptor, or last change of the
                                  size; System V: zero */
    struct timespec ctime;     /* last change of owner, mode and the like; System V: or creation */
    uint64_t        spare[8];  /* zero */
};
/* clang-format on */

/*
 * shmx_create - make a new segment. It never opens an existing one.
 *
 *   name   See NAMES, but not "sysv:id=". NULL makes an anonymous segment. Another process gets at
 *          such a segment by its descriptor (POSIX, shmx_fd), by the text of shmx_name (System V),
 *          by inheriting it, or by a name that shmx_publish gives later.
 *   size   The number of bytes, at least 1. The maximum is what can be mapped: 128 TiB, or 2 GiB on
 *          32-bit machines. The size is kept exactly and not rounded.
 *   mode   The permission bits, within 0777. They are exact: the umask does not change them. The
 *          new handle can read and write, whatever the mode says.
 *   flags  0, or any of SHMX_POSIX, SHMX_SYSV, SHMX_EPHEMERAL, SHMX_SPARSE, SHMX_HUGE,
 *          SHMX_HUGE_ONLY and SHMX_SEALED.
 *   seg    Receives the handle, which the caller closes with shmx_close. Not NULL.
 *
 * The memory reads as zero. It is reserved, unless SHMX_SPARSE is given: if there is not enough of
 * it, this call fails, and no SIGBUS follows later (fallocate(2); System V segments are accounted
 * against the commit limit).
 *
 * Without SHMX_EPHEMERAL the segment stays until somebody destroys it, or until the machine is
 * restarted. With SHMX_EPHEMERAL it goes when the last process that holds it ends, even if that
 * process is killed. On System V the kernel sees to that, because the segment is marked with
 * IPC_RMID when it is made. On POSIX the last process to close its handle removes the name, if that
 * process belongs to the owner or to root and no other program has the object open. If the last
 * holder was killed, the name is removed by the next shmx_open or shmx_create of that name, or by
 * shmx_collect. The sticky bit in the mode of an object marks an ephemeral POSIX segment. An object
 * with that bit can be opened by name only while a process holds it through this library. The owner
 * of an ephemeral POSIX segment must be able to read and write it. So SHMX_EPHEMERAL needs a mode
 * that includes 0600, on both backends. It cannot be combined with a raw key.
 *
 * A segment that is large enough for a huge page is reserved in huge pages, as far as the kernel
 * has memory in one piece. On POSIX this is the default. On System V it takes SHMX_HUGE, which
 * tries pages of the hugetlb pool first. Neither privilege nor configuration is needed, but Linux
 * 6.1 is (madvise(2), MADV_COLLAPSE). The rest of the segment is in small pages: what does not fill
 * a huge page, and all that follows the first huge page that could not be had. (On System V, small
 * pages come when they are touched.) SHMX_HUGE_ONLY fails instead of taking small pages for what
 * fills a huge page. With SHMX_SPARSE, both flags take only the first huge page. If a segment
 * without pages is attached with SHMX_POPULATE, huge pages are brought in. shmx_stat tells what
 * kind of page the segment begins with.
 *
 * SHMX_SEALED makes an anonymous POSIX segment that nobody can shrink or grow (memfd_create(2),
 * F_SEAL_SHRINK and F_SEAL_GROW of fcntl(2)). The program hands the segment over by its descriptor,
 * and the receiver need not fear SIGBUS. The segment is not in /dev/shm, so the size of /dev/shm
 * does not limit it, and it can have no name. With SHMX_HUGE, its pages are of the hugetlb pool if
 * the pool has enough of them, the size is a multiple of such a page, and the segment is not
 * sparse. The maker can forbid writing, too, by the further seal F_SEAL_FUTURE_WRITE. If the mode
 * has no permission to execute, it never gets one (F_SEAL_EXEC, since Linux 6.3). SHMX_EXEC of
 * shmx_attach does not depend on that.
 *
 * If the name belongs to a dead segment, the new segment takes the name, provided that the caller
 * may remove the old entry. A segment is dead if its name is a link that leads nowhere, or if it is
 * ephemeral and no process has it open or mapped.
 *
 * Returns 0, or
 *   -EINVAL   The size is out of range or, on System V, above kernel.shmmax. The mode has bits
 *             outside 0777. The name and the flags contradict each other, as SHMX_SEALED
 *             contradicts any name. SHMX_EPHEMERAL is given with a mode without 0600, or with a raw
 *             key.
 *   -EEXIST   Something of that name or key exists already, on either backend.
 *   -ENOSPC   /dev/shm has no room or no inodes left, a quota on it is used up, or the limit
 *             kernel.shmmni or kernel.shmall is reached.
 *   -ENOMEM   There is not enough memory or address space, or (SHMX_HUGE_ONLY) not enough memory in
 *             one piece. Or the process locks its memory (mlockall(2)) and has reached its limit.
 *             Or (POSIX, where no file system limits the size) the machine has less memory.
 *   -EACCES   The caller may not write in /dev/shm. Or SHMX_SEALED is given with a mode that
 *             permits to execute, and the setting vm.memfd_noexec is 2.
 *   -EPERM    The caller may not make an entry in /dev/shm.
 *   -ENOTSUP  SHMX_HUGE_ONLY is given, and the kernel makes no huge pages, or the segment is
 *             smaller than one (System V: and the hugetlb pool has none). Or /dev/shm is not a
 *             tmpfs. Or the kernel has no System V shared memory.
 *   -ENOENT   There is no directory /dev/shm.
 *   -EROFS    /dev/shm is mounted read-only.
 *   -EFBIG    The size is above the RLIMIT_FSIZE of this process. (The kernel also sends SIGXFSZ.)
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 *   -EINTR    A signal interrupted the call before anything was made.
 */
int shmx_create(const char *name, size_t size, mode_t mode, unsigned flags, struct shmx **seg);

/*
 * shmx_open - open an existing segment, for reading and writing or only for reading.
 *
 *   name   See NAMES. Not NULL.
 *   flags  0, or any of SHMX_RDONLY and SHMX_OWNED. Every attachment of a handle with SHMX_RDONLY
 *          is read-only.
 *   seg    Receives the handle, which the caller closes with shmx_close. Not NULL.
 *
 * A segment that was created under a name is complete and initialised before it can be opened.
 * There are two exceptions: raw keys and ids, and objects of programs that call shm_open(3)
 * themselves. Those may be seen with size 0 for a moment. A name leads to a segment only if its
 * entry is a regular file or a link that this library has made. A link is not followed unless its
 * owner is the creator or the owner of the segment. It is not followed either if the user namespace
 * does not map its owner. A segment can be opened several times, which gives independent handles.
 *
 * Returns 0, or
 *   -ENOENT   There is nothing of that name, key or id. Or it leads to a dead segment. Or the
 *             segment is of the other backend than the name says.
 *   -EACCES   The permissions of the segment do not admit the caller.
 *   -EPERM    SHMX_OWNED is given, and the segment was made neither by the effective user nor by
 *             root. The same error is returned if the maker cannot be told, or if the entry has a
 *             second hard link. Or the object is immutable, and SHMX_RDONLY was not given.
 *   -EROFS    /dev/shm is mounted read-only, and SHMX_RDONLY was not given.
 *   -EXDEV    The name leads to a System V segment of another IPC namespace.
 *   -ELOOP    The entry is a symbolic link that this library has not made.
 *   -EISDIR, -ENODEV  The entry is a directory, or a FIFO, a socket or a device.
 *   -EBUSY    Another process is removing the object, keeps it locked, or runs it as a program.
 *   -ENOMEM   There is not enough memory or address space. Or the process locks its memory
 *             (mlockall(2)) and has reached its limit.
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 *   -ENOTSUP  The kernel has no System V shared memory.
 */
int shmx_open(const char *name, unsigned flags, struct shmx **seg);

/*
 * shmx_open_wait - open a segment as soon as it exists.
 *
 *   name, flags, seg  As for shmx_open.
 *   timeout           How long to wait at most, from now on. tv_sec is at least 0, and tv_nsec is
 *                     from 0 to 999999999. With zero, the function looks once. NULL waits for ever.
 *
 * The function waits while there is nothing of that name (-ENOENT of shmx_open), while the mode
 * does not admit the caller (-EACCES), and while something else keeps the name (-EBUSY). It also
 * waits while the segment has size 0, because a program that calls shm_open(3) itself gives the
 * object a size later. Any other error ends the wait. A signal ends the wait as well if a handler
 * for it runs, with or without SA_RESTART. The handler has to wait while the function looks for the
 * name, for up to a second if another process keeps the object locked. Times are those of
 * CLOCK_MONOTONIC, which nobody can set.
 *
 * The kernel tells when a name appears (inotify(7)). Every 0.1 seconds the function looks for the
 * name without being told, because /dev/shm may have been mounted meanwhile. It looks every 5
 * milliseconds where no event tells of the change: while it waits for a mode, for a raw key, and
 * where the limits of inotify are reached. If the function had to wait, the handle has one
 * descriptor more, until it is closed.
 *
 * Returns 0, or an error of shmx_open, or
 *   -ETIMEDOUT  The time is over, and there is nothing of that name. (If there is something that
 *               cannot be used, the error is -EACCES, -EBUSY or -ENODATA.)
 *   -EINTR      A signal interrupted the wait.
 *   -EINVAL     The timeout is out of range.
 *   -ENODATA    The time is over, and the segment has size 0.
 */
int shmx_open_wait(const char *name, unsigned flags, const struct timespec *timeout,
                   struct shmx **seg);

/*
 * shmx_open_or_create - open the segment of that name, or create and initialise it.
 *
 *   name, mode  As for shmx_create. The name is not NULL.
 *   size        The size of the new segment. An existing segment must be at least that large.
 *   flags       Those of shmx_create, which matter only if the segment is created, and SHMX_OWNED,
 *               which matters only if it is opened.
 *   init        Called with the new segment, before anybody else can see it. The whole segment is
 *               attached at addr for the duration of the call. arg is passed through. init returns
 *               0 for success. If init returns a negative errno value, shmx_open_or_create undoes
 *               everything and returns that value. (If init returns a positive value, it returns
 *               -ECANCELED.) init must not call shmx_open_or_create for the same name. It must
 *               return: longjmp(3) and exceptions must not leave it. NULL is allowed, and the
 *               segment is then zero.
 *   seg         Receives the handle, which the caller closes with shmx_close. Not NULL.
 *
 * A segment is initialised exactly once before it gets its name. If several processes of one user
 * call this function at the same time, one of them calls init, and the others wait for it, for at
 * most a minute. Processes of different users do not wait for each other. Each of them initialises
 * a segment of its own, the first one publishes its segment, and the others discard theirs and open
 * that one. The same happens if somebody has put something else in the place of the lock by which
 * the processes of one user wait.
 *
 * Returns 1 if it created the segment, and 0 if it opened the segment. It may also return the error
 * of init, an error of shmx_create or shmx_open (-EEXIST if the entry can neither be opened nor
 * replaced), or
 *   -ERANGE   The existing segment is smaller than size.
 *   -EINVAL   init is given together with a raw key, whose segment is visible before it is
 *             initialised.
 */
int shmx_open_or_create(const char *name, size_t size, mode_t mode, unsigned flags,
                        int (*init)(void *addr, size_t size, void *arg), void *arg,
                        struct shmx **seg);

/*
 * shmx_open_fd - make a handle from the descriptor of a shared memory object.
 *
 *   fd     A descriptor of an object of tmpfs or hugetlbfs, or of a memfd. It stays the caller's,
 *          who may close it as soon as this function returns.
 *   flags  0, or any of SHMX_RDONLY, SHMX_OWNED and SHMX_SEALED. SHMX_RDONLY makes a read-only
 *          handle from a descriptor that may also write. SHMX_SEALED accepts only an object that
 *          cannot shrink. No attachment of such an object raises SIGBUS, whatever the sender does.
 *          The exception is an object of hugetlbfs, which can lose pages to a sender who may write
 *          to it.
 *   seg    Receives the handle, which the caller closes with shmx_close. Not NULL.
 *
 * The handle may do what the descriptor may do. If the permissions of the object allow it, the
 * object is opened again, and this process counts as a holder. Otherwise the descriptor is
 * duplicated, and the process does not count. It does not count either if another program keeps a
 * write lock (fcntl(2)) on the byte of this process, far beyond the end of the object, for more
 * than 0.1 seconds. The handle does not know the name of the object in /dev/shm, if there is one.
 *
 * Returns 0, or
 *   -EBADF    fd is not open, or was opened with O_PATH.
 *   -EINVAL   fd is not of a shared memory object. Or fd was opened for writing with O_APPEND, and
 *             the object cannot be opened again.
 *   -EACCES   fd is write-only. Or SHMX_RDONLY is given, and the object cannot be opened again.
 *   -EPERM    SHMX_OWNED is given, and the owner is neither the effective user nor root. The same
 *             error is returned if the owner cannot be told, or if the object has a second hard
 *             link. Or SHMX_SEALED is given, and the object can shrink.
 *   -ENOENT   SHMX_RDONLY is given, and /proc is not there to open the object again.
 *   -ENOMEM   There is not enough memory or address space.
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 */
int shmx_open_fd(int fd, unsigned flags, struct shmx **seg);

/*
 * shmx_publish - give a name to an anonymous segment, in one step, if the name is free.
 *
 *   seg    A handle without a name. Its segment was made anonymous, or was opened by descriptor,
 *          raw key or raw id.
 *   name   A plain name, or a name with the prefix of the handle's backend. Not NULL.
 *
 * If two handles give the same segment a name at the same time, at least one of the calls fails. If
 * the process is killed during the call, the segment stays as it was.
 *
 * Returns 0, or
 *   -EINVAL   The segment already has a name, whichever handle gave it. Or the name is a raw key or
 *             a raw id, or has the prefix of the other backend.
 *   -EEXIST   The name is taken.
 *   -EBUSY    Another thread is publishing or destroying the segment through this handle.
 *   -ENOENT   The segment was destroyed, and the kernel does not give a destroyed object a name
 *             again. (A System V segment that was opened by its id after that is an ephemeral one,
 *             and can get a name.) Or (System V) the segment is of another IPC namespace.
 *   -EXDEV    The object is not in /dev/shm (a memfd).
 *   -EPERM    The segment belongs to another user.
 *   -EACCES, -ENOSPC, -EROFS, -ENOMEM  As for shmx_create.
 *   -EMFILE, -ENFILE  There are no descriptors left to search /dev/shm.
 */
int shmx_publish(struct shmx *seg, const char *name);

/*
 * shmx_destroy - remove the name of the segment, or its key, so that nobody finds it any more.
 *
 * The memory goes with its last handle and its last attachment. Until then all handles and
 * attachments, in every process, go on working. A System V segment can still be opened by its id,
 * and a POSIX segment by a descriptor. The function removes only the name of this very segment. If
 * the name leads to another segment by now, that one stays. (Users of this library take turns at
 * removing names. For that they lock the directory, flock(2), and wait for the lock for 0.3 seconds
 * at most. A program that does not take the lock, or that keeps it from others, can replace the
 * entry between the look and the removal.) If the handle does not know the name, because another
 * handle gave it, the function searches /dev/shm. If the object has several names by hard links,
 * one of them is removed. The function does what shm_unlink(3) and IPC_RMID of shmctl(2) do.
 *
 * Returns 0, or
 *   -ENOENT   The segment has no name any more, because somebody destroyed it before. Or (System V)
 *             the segment is of another IPC namespace.
 *   -EBUSY    Another thread is publishing or destroying the segment through this handle. Or
 *             something is mounted at the name.
 *   -EPERM    The caller may not remove the name, because /dev/shm is a sticky directory. Or the
 *             caller is not the owner or creator of the System V segment, nor root. Or the object
 *             is immutable (chattr(1)).
 *   -EACCES   The caller may not write in /dev/shm, or may not search it.
 *   -EROFS    /dev/shm is mounted read-only.
 *   -ENOMEM   There is not enough memory.
 *   -EMFILE, -ENFILE  There are no descriptors left to search /dev/shm.
 */
int shmx_destroy(struct shmx *seg);

/*
 * shmx_remove - destroy a segment by name, without a handle.
 *
 *   name   See NAMES. Not NULL.
 *
 * The caller needs no permission on the segment except the one to remove it. If the name is a link
 * that leads nowhere, or into another IPC namespace, only the name is removed.
 *
 * Returns 0, or an error of shmx_destroy, or -ELOOP, -EISDIR, -ENODEV or -ENOTSUP as for shmx_open,
 * or
 *   -EACCES   The System V segment that the name leads to cannot be examined, because its mode
 *             forbids that and /proc is not mounted.
 */
int shmx_remove(const char *name);

/*
 * shmx_close - end a handle and the attachments that were made through it.
 *
 *   seg    The handle, which must not be used any more. NULL is allowed and does nothing.
 *
 * The segment stays, unless it is ephemeral and this was its last holder. errno keeps its value.
 * Streams of shmx_stream must be closed before their handle.
 */
void shmx_close(struct shmx *seg);

/*
 * shmx_attach - map the whole segment, with the size that it has now.
 *
 *   flags  0, or any of SHMX_RDONLY, SHMX_PRIVATE, SHMX_EXEC, SHMX_POPULATE, SHMX_FIXED,
 *          SHMX_REPLACE and SHMX_ROUND.
 *   addr   Receives the address. With SHMX_FIXED, the caller also puts the wanted address there.
 *          Not NULL.
 *
 * An attachment of a read-only handle is read-only, even without SHMX_RDONLY. With SHMX_PRIVATE the
 * attachment is a private copy, which is writable even if the handle is read-only. On POSIX, each
 * page is copied when it is first written to (mmap(2), MAP_PRIVATE). On System V, everything is
 * copied at once, so later changes by others are not seen. The address is valid until shmx_detach
 * or shmx_close.
 *
 * A segment that is large enough for a huge page is attached where huge pages can be mapped: the
 * address, less the offset in the segment, is a multiple of their size. So the huge pages that one
 * process has made serve all processes. The exceptions are SHMX_FIXED with another address, and a
 * process that has no such addresses, no mapping (vm.max_map_count) or no descriptor left, or that
 * locks its memory and is near its limit.
 *
 * If the call fails, the memory of the segment and the mappings of the process are as they were,
 * also with SHMX_REPLACE and SHMX_POPULATE. (What SHMX_POPULATE has brought in when memory runs out
 * may stay: in a System V segment, through a read-only handle, in a segment that had no pages, and
 * in a segment for which a program has allocated memory beyond its end. While SHMX_FIXED is at
 * work, the mapping is there twice, and counts twice for the limits of the process.) SHMX_REPLACE
 * replaces other mappings as MAP_FIXED does. Use it only for addresses that the program has
 * reserved for itself with mmap(2). If an attachment of another handle is among the mappings that
 * are replaced, do not detach it, and do not close its handle before this attachment is detached.
 *
 * Returns 0, or
 *   -EINVAL   SHMX_FIXED is given with an address that is NULL or not aligned. Or SHMX_REPLACE or
 *             SHMX_ROUND is given without SHMX_FIXED.
 *   -EEXIST   SHMX_FIXED is given, and something is mapped in that range.
 *   -EBUSY    SHMX_REPLACE is given, and the range overlaps an attachment of the same handle, or a
 *             mapping that the library uses for the handle.
 *   -ENOENT   The segment is of another IPC namespace (System V, pages of the hugetlb pool).
 *   -ENODATA  The segment has size 0.
 *   -ENOMEM   There is not enough memory or address space, or the process has too many mappings. Or
 *             (SHMX_POPULATE, System V) there is no memory to fill the segment. Or the process
 *             locks its memory (mlockall(2)) and has reached its limit.
 *   -ENOSPC   SHMX_POPULATE is given, and /dev/shm is full.
 *   -EACCES   The handle does not allow it. Or the permissions of the segment do not (System V,
 *             pages of the hugetlb pool, where each attach asks for them).
 *   -EPERM    SHMX_EXEC is given, and /dev/shm is mounted noexec. Or a seal of the memfd forbids
 *             it.
 *   -ENOTSUP  SHMX_POPULATE is given, and Linux is older than 5.14.
 */
int shmx_attach(struct shmx *seg, unsigned flags, void **addr);

/*
 * shmx_attach_range - map a part of the segment.
 *
 *   offset  The position of the first byte. It need not be a multiple of the page size.
 *   length  The number of bytes. 0 means all bytes from offset to the end.
 *   flags, addr  As for shmx_attach, and SHMX_ROOM. *addr is the address of the byte at offset.
 *
 * With SHMX_ROOM the range may reach beyond the end of a POSIX segment. When any process grows the
 * segment (shmx_resize), the new bytes can be used at once, at the same address, in every such
 * attachment. Touching the range beyond the end raises SIGBUS. The part that was beyond the end
 * when the range was attached is left out of core dumps. Nobody is told of growth: keep the size in
 * a word of the segment, and wait for a change of that word (shmx_wait).
 *
 * Bytes outside the range may be mapped as well: the rest of the first and the last page, or on
 * System V the whole segment. With SHMX_FIXED, only the pages of the range take up addresses. The
 * attachments of one handle are independent, and several of them may show the same bytes.
 *
 * Returns 0, or an error of shmx_attach, or
 *   -ERANGE   The range is not within the segment or, with SHMX_ROOM, is above the largest size.
 *   -EINVAL   SHMX_ROOM is given together with SHMX_PRIVATE.
 *   -ENOTSUP  SHMX_FIXED without SHMX_PRIVATE is given for a part of a System V segment. Or
 *             SHMX_ROOM is given for a System V segment or an object of hugetlbfs.
 */
int shmx_attach_range(struct shmx *seg, uint64_t offset, size_t length, unsigned flags,
                      void **addr);

/*
 * shmx_detach - end one attachment.
 *
 *   addr   An address that shmx_attach or shmx_attach_range gave for this handle, and that has not
 *          been detached yet.
 *
 * Returns 0, or
 *   -EINVAL   addr is not such an address. No mapping was changed.
 *   -ENOMEM   The kernel has merged the mapping with its neighbours, and splitting it would exceed
 *             the limit of mappings (vm.max_map_count). The attachment stays.
 */
int shmx_detach(struct shmx *seg, void *addr);

/*
 * shmx_size - ask the kernel for the current size of the segment (fstat(2), IPC_STAT).
 *
 * The function never fails on a valid handle.
 *
 * Returns the number of bytes, which is 0 for the object of another program that has no size yet
 */
int64_t shmx_size(struct shmx *seg);

/*
 * shmx_resize - grow or shrink a POSIX segment.
 *
 *   size   The new number of bytes. 0 is allowed.
 *
 * The memory for growth is reserved in small pages, all of it or nothing. A sparse segment, which
 * has pages without memory, grows without a reservation. The new bytes read as zero, except for
 * bytes that programs have written past the end in the last page. Attachments do not change their
 * length (SHMX_ROOM of shmx_attach_range makes room for growth). Touching an attachment beyond the
 * end of a shrunk segment raises SIGBUS (ftruncate(2)). No lock is taken: if two processes resize
 * the segment at the same time, it gets one of the two sizes.
 *
 * Returns 0, or
 *   -ENOTSUP  The segment is a System V segment.
 *   -EINVAL   The size is too large to be mapped. Or the object is of hugetlbfs, and the size is
 *             not a multiple of its page size.
 *   -EACCES   The handle is read-only.
 *   -ENOSPC   /dev/shm has no room.
 *   -EPERM    A seal of the memfd forbids it, as of SHMX_SEALED.
 *   -EFBIG    The size is above the RLIMIT_FSIZE of this process.
 *   -ENOMEM   There is not enough memory. Or the segment is pinned, and the limit of locked memory
 *             is reached.
 */
int shmx_resize(struct shmx *seg, uint64_t size);

/*
 * shmx_wait - sleep as long as a word of the segment has a certain value.
 *
 *   word     A word in an attachment of this handle, which may be read-only but not SHMX_PRIVATE.
 *            It is aligned to 4 bytes. If it lies past the end of the segment, the function raises
 *            SIGBUS, as reading the word does (in the rest of the last page it raises nothing).
 *   value    The value that the caller has seen in the word. If the word has another value, there
 *            is nothing to wait for.
 *   flags    0, or SHMX_PEERS.
 *   timeout  How long to wait at most, from now on. tv_sec is at least 0, and tv_nsec is from 0 to
 *            999999999. With zero, the function looks once. NULL waits for ever.
 *
 * The function returns when the word has another value, or when shmx_wake wakes the caller. The
 * kernel compares the word and puts the caller to sleep in one step (futex(2)). So a process that
 * first changes the word and then calls shmx_wake cannot be missed. The function may also return
 * for no reason. Call it in a loop that reads the word with an atomic operation. Processes and
 * threads wait in the same way, on both backends, whatever the addresses of their attachments. The
 * segment holds nothing but what the program puts there.
 *
 * Before the caller goes to sleep, the function reads the word again and again for 16 microseconds.
 * If that was often in vain, the function does it only now and then. If the process had only one
 * processor when it waited for the first time, the function never does it.
 *
 * With SHMX_PEERS the wait also ends when nobody else holds the segment any more, at most 0.1
 * seconds later, however the others ended. If the caller is woken again and again, one of the next
 * calls returns -EPIPE, at most 0.1 seconds later as well. A stopped process still holds the
 * segment. On System V the others are all attachments that were not made through this handle,
 * whoever made them. If the program changes a part of an attachment of this handle (mprotect(2),
 * mlock(2), madvise(2)), the kernel divides the attachment, and all parts but one count as others.
 *
 * On POSIX the others are the other processes that hold the segment through this library. Each of
 * them counts until there is no copy of the descriptor of its handle any more, neither in a child
 * of fork(2) nor in a process that was given the descriptor (shmx_fd), nor on its way there. Such a
 * copy does not make a process a holder: a child of fork(2) must open the segment itself to count
 * as another holder, and to wait with SHMX_PEERS. If another program has locked the object
 * (fcntl(2)) as far as where this library has its locks, the function reads /proc/locks, several
 * times before it returns -EPIPE. That takes longer where the machine has thousands of locks.
 *
 * A signal ends the wait if a handler for it runs. If there is neither a timeout nor SHMX_PEERS,
 * only a handler that was installed without SA_RESTART (sigaction(2)) ends the wait. A signal does
 * not end the wait if it arrives just before the caller falls asleep, or while the function looks
 * for the others (SHMX_PEERS). To end the wait of another thread, change the word and wake the
 * thread. Cancelling a thread does not end its wait, because the thread might have taken the only
 * wake-up. Times are those of CLOCK_MONOTONIC, which nobody can set.
 *
 * Returns 0, or
 *   -ETIMEDOUT  The time is over.
 *   -EINTR      A signal interrupted the wait.
 *   -EPIPE      SHMX_PEERS is given, and nobody else holds the segment.
 *   -EINVAL     The word is not as described, or the timeout is out of range. Or the memory of the
 *               word went during the wait, which only a wait with SHMX_PEERS notices.
 *   -ENOTSUP    SHMX_PEERS is given, and (POSIX) this process does not hold the segment through
 *               this handle: see shmx_open_fd, or the parent has opened it. Or /proc is not
 *               mounted.
 *   -ENOENT     SHMX_PEERS is given, and (System V) the segment is of another IPC namespace.
 *   -EACCES     SHMX_PEERS is given, and (System V) as for shmx_stat.
 *   -ENOMEM     SHMX_PEERS is given, and there is not enough memory to look for the others.
 */
int shmx_wait(struct shmx *seg, const uint32_t *word, uint32_t value, unsigned flags,
              const struct timespec *timeout);

/*
 * shmx_wake - wake those who wait for a word of the segment.
 *
 *   word    As for shmx_wait.
 *   count   How many to wake at most, at least 1. INT_MAX wakes all.
 *
 * Change the word before the call, or those who wake find nothing new. Whoever is woken has not
 * read the word yet. Each call is a system call, even if nobody waits. A program can do without it
 * then: it keeps a bit that says whether anybody waits.
 *
 * Returns the number of those who slept and were woken, in all processes, or
 *   -EINVAL   count is out of range, or word is NULL, not aligned, or no address at all. The
 *             function does not check that the word is in an attachment. Elsewhere waking has no
 *             effect.
 */
int shmx_wake(struct shmx *seg, uint32_t *word, int count);

/*
 * shmx_stat - tell what the kernel knows about the segment.
 *
 *   st     Receives the facts. Not NULL.
 *
 * If the page with which the segment begins is there, the call looks at it, and it brings nothing
 * in. The kind of that page stands in /proc/PID/pagemap. A process that has changed its user may
 * not be allowed to read this file, and page_size is 0 then. On System V, the call looks through
 * the mapping that the handle reads and writes with. So page_size may be the wrong one if another
 * thread reads, writes or asks through the same handle at that moment.
 *
 * Returns 0, or
 *   -EACCES   (System V) The mode does not let the caller read the segment, and /proc is not
 *             mounted.
 *   -ENOENT   (System V) The segment is of another IPC namespace.
 *   -ENOMEM   There is not enough memory.
 */
int shmx_stat(struct shmx *seg, struct shmx_stat *st);

/*
 * shmx_stat_name - tell the same about a segment by its name, without opening or attaching it.
 *
 *   name   See NAMES. Not NULL.
 *   st     Receives the facts. Not NULL.
 *
 * The call leaves no trace: no count of holders, no time and no lpid changes. The caller needs no
 * permission on the segment.
 *
 * Returns 0, or -ENOENT, -ELOOP, -EISDIR, -ENODEV, -EXDEV, -ENOTSUP or -ENOMEM as for shmx_open, or
 *   -EACCES   (System V) As for shmx_stat. Or the caller may not search /dev/shm.
 */
int shmx_stat_name(const char *name, struct shmx_stat *st);

/*
 * shmx_chmod - set the permission bits, exactly.
 *
 *   mode   The permission bits, within 0777.
 *
 * Handles that are open already keep what they may do. The function does what fchmod(2) and IPC_SET
 * of shmctl(2) do.
 *
 * The link of a System V segment that is ephemeral, or that was published without a key, carries
 * the time at which the segment was last changed. This function and shmx_chown keep that time
 * right. If another program changes such a segment, or if the process is killed in the middle of
 * the change, the name of the segment cannot be opened any more.
 *
 * Returns 0, or
 *   -EINVAL   The mode has other bits. Or the segment is ephemeral, and the mode does not include
 *             0600.
 *   -EPERM    The caller is not the owner, nor root, nor (System V) the creator. Or the mode adds
 *             or removes permission to execute, and F_SEAL_EXEC of SHMX_SEALED forbids that.
 *   -EACCES   As for shmx_stat.
 *   -ENOENT   (System V) The segment is of another IPC namespace.
 *   -EROFS    /dev/shm is mounted read-only.
 *   -ENOMEM   There is not enough memory.
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 */
int shmx_chmod(struct shmx *seg, mode_t mode);

/*
 * shmx_chown - change the owner and the group.
 *
 *   uid    The new owner. (uid_t)-1 leaves the owner as it is.
 *   gid    The new group. (gid_t)-1 leaves the group as it is.
 *
 * The link of a named System V segment gets the same owner and group. The function does what
 * fchown(2) and IPC_SET of shmctl(2) do.
 *
 * Returns 0, or
 *   -EPERM    The caller may not do it. It takes privilege to give a segment away, or to give it a
 *             group that the caller is not in.
 *   -EINVAL   The user namespace does not map the user or the group.
 *   -EACCES   As for shmx_stat.
 *   -ENOENT   (System V) The segment is of another IPC namespace.
 *   -ENOSPC   The quota of the new owner on /dev/shm is used up.
 *   -EROFS    /dev/shm is mounted read-only.
 *   -ENOMEM   There is not enough memory.
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 */
int shmx_chown(struct shmx *seg, uid_t uid, gid_t gid);

/*
 * shmx_pin - keep the segment in RAM, out of swap.
 *
 * On POSIX the whole segment is brought in and locked (mlock(2)) as long as this handle is open. A
 * child does not inherit the lock. What shmx_resize adds through this handle is locked as well. On
 * System V (SHM_LOCK) the pages that have been touched stay in RAM until anybody unpins the
 * segment. Pinning a segment twice has the effect of pinning it once.
 *
 * Returns 0, or
 *   -EPERM    RLIMIT_MEMLOCK is 0 and the caller has no privilege. Or (System V) the caller is
 *             neither the owner nor the creator.
 *   -ENOMEM   RLIMIT_MEMLOCK is reached, or there is not enough memory.
 *   -ENODATA  (POSIX) The segment has size 0.
 *   -EAGAIN   (POSIX) A part of the segment could not be brought in.
 *   -ENOENT   (System V) The segment is of another IPC namespace.
 *   -EACCES   As for shmx_stat.
 */
int shmx_pin(struct shmx *seg);

/*
 * shmx_unpin - undo shmx_pin. It is no error if the segment is not pinned.
 *
 * Returns 0, or
 *   -EPERM    (System V) The caller is not the owner, nor the creator, nor privileged.
 *   -ENOENT, -EACCES, -ENOMEM  (System V) As for shmx_pin.
 */
int shmx_unpin(struct shmx *seg);

/*
 * shmx_name - give a text by which another process can open the segment.
 *
 * The text is of one of these forms: "posix:/frames", "sysv:/frames", "sysv:key=0x51a3",
 * "sysv:id=98310". It belongs to the handle and is valid until shmx_close.
 *
 * Returns the text, or NULL for a POSIX segment without a name and for a NULL handle
 */
const char *shmx_name(const struct shmx *seg);

/*
 * shmx_fd - give the descriptor of a POSIX segment.
 *
 * A program can pass the descriptor to another process (unix(7), SCM_RIGHTS) or to fstat(2). The
 * descriptor belongs to the handle, so the program must not close it.
 *
 * Returns the descriptor, or
 *   -ENOTSUP  The segment is a System V segment, which has no descriptor.
 */
int shmx_fd(const struct shmx *seg);

/*
 * shmx_read, shmx_write - copy bytes from and to the segment without attaching it, as pread(2) and
 * pwrite(2) do.
 *
 *   buf     The memory of the caller, count bytes. It may be NULL if count is 0.
 *   count   The number of bytes, at most SSIZE_MAX.
 *   offset  The position of the first byte in the segment.
 *
 * The functions never go past the end, and they never raise SIGBUS, even if another process shrinks
 * the segment during the call. (A write during which the segment shrinks may grow it again, up to
 * the end of the write.) The functions take no lock, and other processes may see a part of a write.
 * The number of bytes that they return is less than count only at the end of the segment. A read
 * that begins at or past the end returns 0. A call that fails may have copied some of the bytes.
 *
 * Return the number of bytes copied, or
 *   -EINVAL   count is above SSIZE_MAX.
 *   -ENOSPC   A write of at least one byte begins at or past the end. Or it needs a page that a
 *             sparse segment has not reserved, and /dev/shm is full.
 *   -EACCES   A write goes through a read-only handle.
 *   -EFAULT   (POSIX) buf is not memory of the caller. System V raises SIGSEGV.
 *   -EPERM    A seal of the memfd forbids a write.
 *   -ENOTSUP  A write goes to an object of hugetlbfs, which does not know write(2). Attach the
 *             object.
 *   -EFBIG    A write is above the RLIMIT_FSIZE of this process.
 *   -ENOMEM   There is not enough memory or address space. Or (System V) there are no huge pages
 *             for the range.
 *   -EIO      (POSIX) A page cannot be brought back from swap. An attachment raises SIGBUS in that
 *             case.
 */
ssize_t shmx_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t shmx_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/*
 * shmx_stream - make a stdio stream that reads and writes the segment, positioned at the start.
 *
 *   mode   "r" to read, or "r+" to read and write. A "b" is allowed and has no effect.
 *
 * fseeko(3) and ftello(3) work past 4 GiB. SEEK_END counts from the end that the segment has at the
 * time of the call. The stream never grows the segment: a write at the end fails with ENOSPC. The
 * stream has a buffer, and fflush(3) shows others what was written. Close the stream with fclose(3)
 * before closing the handle.
 *
 * Returns the stream, or NULL with errno set to
 *   EINVAL   The mode is another one.
 *   EACCES   The mode is "r+" and the handle is read-only.
 *   ENOMEM   There is not enough memory.
 */
FILE *shmx_stream(struct shmx *seg, const char *mode);

/*
 * shmx_list - visit every segment that the caller can see, once each.
 *
 * The segments of both backends are visited, with or without a name, whether or not this library
 * made them. An anonymous POSIX segment cannot be seen from outside and is not visited. A POSIX
 * object with several hard links is visited once for each of them.
 *
 * A name whose System V segment is in another IPC namespace is visited as well, with
 * SHMX_IS_FOREIGN in st->state. Nothing is known about such a segment but what its name says.
 *
 *   flags   0 for both backends, or SHMX_POSIX or SHMX_SYSV for one.
 *   visit   Called for each segment, with the text that shmx_name would give and the facts that
 *           shmx_stat would give. Both are valid only during the call. If visit returns other than
 *           0, the walk ends. visit must return: longjmp(3) and exceptions must not leave it. Not
 *           NULL.
 *   arg     Passed to visit.
 *
 * A segment that is made or removed during the walk may or may not be visited. No segment is opened
 * or attached. The counts of holders come from /proc/locks and /proc/sysvipc/shm. The kernel gives
 * /proc/locks in pieces, so that a holder may be missing from the count while other locks come and
 * go. If /proc/locks cannot be read, the counts of POSIX segments are -1.
 *
 * Returns 0, the value of visit, or
 *   -ENOMEM   There is not enough memory.
 *   -EMFILE, -ENFILE  The process or the system has no descriptors left.
 *   -EACCES   The caller may not read or search /dev/shm.
 *   -EINTR, -EIO  The kernel's table of System V segments cannot be read.
 */
int shmx_list(unsigned flags, int (*visit)(const char *name, const struct shmx_stat *st, void *arg),
              void    *arg);

/*
 * shmx_collect - remove what is provably dead.
 *
 * Dead are names that lead to nothing, ephemeral segments without a holder, and what creators have
 * left that were killed in the middle. What such creators leave are entries whose names begin with
 * ".shmx-": links, and regular files whose names go on with "lock-". choose and visit are called
 * for these entries, too. A POSIX segment is removed only if no process has it open or
 * mapped. The kernel tells that by granting a write lease (fcntl(2), F_SETLEASE), and only to the
 * owner and to root. If a program opens the segment at that moment, the kernel may send SIGURG to
 * this process, which ignores that signal by default. A segment is not even opened if anybody has a
 * file lock on it when the walk begins.
 *
 * That a removed POSIX object was not in use is certain: nobody can open it between the answer of
 * the kernel and the removal. But the removal goes by the name (unlink(2)). If a program that does
 * not use this library puts another object at that name in between, that object loses its name.
 * Users of this library take turns (flock(2) of /dev/shm), and wait for each other for at most 0.3
 * seconds. A System V segment cannot be locked. If a process attaches it between the last look and
 * the removal, the segment loses its name and its key, and goes with its last attachment
 * (IPC_RMID). In both cases those who use the memory keep it, but nobody else finds it any more.
 *
 *   flags   0 for both backends, or SHMX_POSIX or SHMX_SYSV for one, with any of SHMX_ORPHANS,
 *           SHMX_FOREIGN and SHMX_DRY_RUN. SHMX_ORPHANS also removes persistent segments that no
 *           process has open or attached. On POSIX the caller must be the owner or root and be able
 *           to read and write the segment, or nobody can tell. A System V segment that another
 *           program is just making, and has not attached yet, is taken for such a segment.
 *           SHMX_FOREIGN also removes names of System V segments of other IPC namespaces. Nobody
 *           here can tell whether such a segment is in use, so let choose decide. With SHMX_DRY_RUN
 *           nothing is removed.
 *   choose  Called for each segment that visit would be told of, before the segment is removed,
 *           with the arguments of visit. If choose returns 0, the segment stays, and visit is not
 *           told of it. A POSIX segment is locked during the call: nobody has it open, nobody can
 *           begin to hold it, and others who remove names wait. So choose must return soon, and it
 *           must not call the library. With SHMX_DRY_RUN only those others wait: the kernel has
 *           just said that nobody had the segment open, and anybody may open it again. NULL chooses
 *           all.
 *   visit   Called for each segment that was removed, or would be with SHMX_DRY_RUN. st->state has
 *           SHMX_IS_DEAD for a dead segment and SHMX_IS_FOREIGN for a name of another IPC
 *           namespace. visit is also called for each persistent segment that nobody holds, whether
 *           it was removed or not. For the rest visit is as in shmx_list. NULL is allowed.
 *   arg     Passed to choose and to visit.
 *
 * What the caller may not remove stays, and neither function is called for it. But a few obstacles
 * are known only when the kernel refuses: /dev/shm is append-only (chattr(1)), another object of
 * /dev/shm is mounted at the entry, or a security module forbids the removal. In these cases choose
 * is called, and visit is called with SHMX_DRY_RUN.
 *
 * Returns 0, the value of visit, or an error of shmx_list.
 */
int shmx_collect(unsigned flags,
                 int (*choose)(const char *name, const struct shmx_stat *st, void *arg),
                 int (*visit)(const char *name, const struct shmx_stat *st, void *arg), void *arg);

/*
 * shmx_strerror - describe an error of this library, in the words of shared memory.
 *
 *   error   A negative errno value that a function has returned. A positive errno value is allowed.
 *
 * Returns a constant string, never NULL. Unlike strerror(3), the function is safe in every thread.
 */
const char *shmx_strerror(int error);

/*
 * shmx_version - tell the version of the library that runs.
 *
 * Returns a constant string, such as "1.0.0".
 */
const char *shmx_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
