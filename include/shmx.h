/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmx.h - shared memory segments, POSIX and System V, through one handle.
 *
 *     cc prog.c $(pkg-config --cflags --libs libshmx)
 *
 * LIVES.  A segment is memory that unrelated processes share. It has three lives:
 *
 *   the name         what other processes look up; made by shmx_create or shmx_publish,
 *                    ended by shmx_destroy or shmx_remove
 *   the handle       this process's opening of the segment, a struct shmx; made by
 *                    shmx_create, shmx_open, shmx_open_fd, shmx_open_wait, shmx_open_or_create,
 *                    ended by shmx_close
 *   the attachment   a range of addresses; made by shmx_attach, ended by shmx_detach (or by
 *                    shmx_close, for those that are left)
 *
 * The memory exists as long as any of the three does. Once the name is gone, attachments go on
 * working and the name is free for a new, different segment.
 *
 * NAMES.  Every name is an entry of /dev/shm, whichever backend holds the memory: a regular file
 * for POSIX (plain shm_open(3) shares it), a symbolic link that says where the segment is for
 * System V. It appears atomically, when the segment is complete. Wherever a function takes a
 * name, these forms are understood:
 *
 *   "/frames", "frames"     that name. 1 to 255 bytes after the slash, no further slash, not "."
 *                           or "..", not beginning with ".shmx-" (kept for the library's use).
 *                           Any number of leading slashes is one
 *   "posix:/frames"         that name, and the segment is of the POSIX backend
 *   "sysv:/frames"          that name, and the segment is of the System V backend
 *   "sysv:key=0x51a3"       a raw System V key, hexadecimal or decimal, not 0; for sharing with
 *                           programs that know nothing of this library. Such a segment is visible
 *                           from shmget(2) on, before it is initialised: that is how keys work
 *   "sysv:id=98310"         a raw System V id, for opening and removing only
 *
 * Text that begins with "posix:" or "sysv:" and has none of these forms is -EINVAL. Any other text
 * with a colon in it is a plain name.
 *
 * ERRORS.  Functions of type int, int64_t and ssize_t return a negative errno value when they
 * fail. Their outputs are untouched then, and nothing that they made is left. Each function lists
 * its errors. An error of the kernel that the kernel's own manual pages do not mention is passed on
 * as it is. Two errors are common to all functions that take a name, and are not repeated: -EINVAL
 * (a malformed name) and -ENAMETOOLONG (more than 255 bytes). Every function returns -EINVAL for a
 * NULL pointer where NULL is not allowed, and for flag bits that it does not know.
 *
 * THREADS.  Every function may be called from any thread, and several threads may use one handle
 * at the same time; only shmx_close must be the last use of it. No call waits because another
 * thread reads, writes, reserves, populates or sleeps through the same handle. (Pinning, unpinning
 * and growing what is pinned take turns.) No function is a cancellation point, also not while it
 * calls an initialiser or a visitor: a thread that is cancelled inside a function finishes that
 * function first, and one that is cancelled while it waits for others goes on waiting. (Do not let
 * a thread with the asynchronous cancellation type call any.) The library starts no threads,
 * installs no signal handlers, prints nothing and reads no environment.
 *
 * FORK.  A child inherits the handles and the attachments and may use and close them. What a child
 * closes stays open in the parent. For the count of holders both are one process on the POSIX
 * backend and two on System V. If another thread is inside a call on a handle at the moment of
 * fork(2), the child must not use that handle. A program that keeps an attachment from its children
 * with madvise(2), MADV_DONTFORK, must not let them close the handle once they have mapped
 * something else there. All descriptors are close-on-exec; execve(2) ends handles and attachments.
 *
 * NAMESPACES.  A System V id means something only in its IPC namespace. When the thread that uses a
 * handle has left that namespace (unshare(2), setns(2)), the handle can still read, write, detach,
 * close, and (but for pages of the hugetlb pool) attach. Everything else is -ENOENT then, and no
 * segment of the new namespace is touched. Where /proc is not mounted, the library cannot tell
 * namespaces apart, nor count holders.
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

/* A handle. Opaque; always held by pointer. */
struct shmx;

/* For create (and, POSIX and SYSV, for list and collect). */
#define SHMX_POSIX     0x00000001u /* the POSIX backend; the default where the name does not say */
#define SHMX_SYSV      0x00000002u /* the System V backend */
#define SHMX_EPHEMERAL 0x00000004u /* goes when its last holder goes, however that dies */
#define SHMX_SPARSE    0x00000008u /* do not reserve memory; a later shortage is then a SIGBUS */
#define SHMX_HUGE      0x00000010u /* huge pages as far as the system has them */
#define SHMX_HUGE_ONLY 0x00000020u /* huge pages or failure */
#define SHMX_SEALED    0x00000040u /* can neither shrink nor grow; for open_fd, too */

/* For open. SHMX_RDONLY also for attach. */
#define SHMX_RDONLY 0x00000100u /* read-only; of a read-only handle mprotect(2) cannot widen it */
#define SHMX_OWNED  0x00000200u /* only a segment made by the effective user or by root */

/* For attach. */
#define SHMX_PRIVATE  0x00001000u /* copy-on-write: changes stay in this process */
#define SHMX_EXEC     0x00002000u /* executable */
#define SHMX_POPULATE 0x00004000u /* fault every page in now; shortage is an error of the call */
#define SHMX_FIXED    0x00008000u /* at *addr exactly, if nothing is mapped there */
#define SHMX_REPLACE  0x00010000u /* with SHMX_FIXED: replace what is mapped there by others */
#define SHMX_ROUND    0x00020000u /* with SHMX_FIXED: round *addr down to a possible address first */
#define SHMX_ROOM     0x00080000u /* longer than the segment, which may grow there (POSIX) */

/* For collect. */
#define SHMX_ORPHANS 0x00100000u /* remove persistent segments that nobody holds, too */
#define SHMX_DRY_RUN 0x00200000u /* report only, remove nothing */

/* For wait. */
#define SHMX_PEERS 0x00400000u /* end with -EPIPE when nobody else holds the segment */

/* Bits of shmx_stat.state. */
#define SHMX_IS_EPHEMERAL 0x1u  /* made with SHMX_EPHEMERAL */
#define SHMX_IS_NAMELESS  0x2u  /* anonymous or destroyed: no known name and no key leads to it */
#define SHMX_IS_PINNED    0x4u  /* kept in RAM: by this handle (POSIX), by anybody (System V) */
#define SHMX_IS_HUGE      0x8u  /* in huge pages, as far as can be seen without touching them */
#define SHMX_IS_DEAD      0x10u /* of shmx_collect: provably dead, not merely without a holder */
#define SHMX_IS_DESTROYED 0x20u /* System V: the segment goes with its last attachment */

/* What shmx_stat, shmx_list and shmx_collect tell of a segment. */
/* clang-format off */
struct shmx_stat {
    unsigned        backend;   /* SHMX_POSIX or SHMX_SYSV */
    unsigned        state;     /* SHMX_IS_* bits */
    uint64_t        size;      /* bytes, exactly as asked for */
    uint64_t        resident;  /* bytes of memory in use now; 0 where unknown (shmx_stat of a System V
                                  segment: shmx_stat_name and shmx_list tell it) */
    uint64_t        page_size; /* bytes of a page of it; SHMX_IS_HUGE: of a huge page */
    uint64_t        dev;       /* POSIX: device of the object; System V: 0 */
    uint64_t        ino;       /* POSIX: inode of the object; System V: 0 */
    int64_t         holders;   /* POSIX: processes that hold it through this library, counted by
                                  kernel locks; System V: attachments (nattch), of which each
                                  handle has one of its own; -1 where unknown */
    int             id;        /* System V id; POSIX: -1 */
    int             key;       /* System V key, 0 without one; POSIX: 0 */
    mode_t          mode;      /* permission bits, 0777 */
    uid_t           uid;       /* owner */
    gid_t           gid;       /* group */
    uid_t           cuid;      /* creator; POSIX does not record it: the owner */
    gid_t           cgid;      /* group of the creator, likewise */
    pid_t           cpid;      /* process that created it, 0 where unknown (POSIX: always) */
    pid_t           lpid;      /* process that last attached or detached, likewise */
    struct timespec atime;     /* last access; System V: last attach. Zero where unknown */
    struct timespec dtime;     /* System V: last detach */
    struct timespec mtime;     /* POSIX: last write through a descriptor or change of size */
    struct timespec ctime;     /* last change of owner, mode or the like; System V: or creation */
    uint64_t        spare[8];  /* zero */
};
/* clang-format on */

/*
 * shmx_create - make a new segment; never opens an existing one.
 *
 *   name   see NAMES, but not "sysv:id="; or NULL for an anonymous segment, which can be handed
 *          over by descriptor (POSIX, shmx_fd), by "sysv:id=" (see shmx_name), by inheritance, or
 *          named later with shmx_publish
 *   size   bytes, at least 1, at most what can be mapped (128 TiB; 2 GiB on 32-bit machines). It
 *          is kept exactly, not rounded
 *   mode   permission bits, of 0777; exact, the umask is not consulted. The handle made here may
 *          read and write whatever the mode
 *   flags  0 or of SHMX_POSIX, SHMX_SYSV, SHMX_EPHEMERAL, SHMX_SPARSE, SHMX_HUGE, SHMX_HUGE_ONLY,
 *          SHMX_SEALED
 *   seg    receives the handle, to be closed with shmx_close; not NULL
 *
 * The memory reads as zero. Unless SHMX_SPARSE is given it is reserved: a full /dev/shm is an
 * error here and no SIGBUS later (fallocate(2); System V accounts against the commit limit).
 *
 * The segment stays until it is destroyed, or until reboot, unless SHMX_EPHEMERAL is given: then
 * it goes when the last process that holds it goes, even killed. (System V: it is marked with
 * IPC_RMID at once. POSIX: the last to close removes the name, if that is the owner or root and no
 * other program has the object open. If the last holder was killed, the next open or create of
 * that name, or shmx_collect, removes it. The mark of such a segment is the sticky bit of its
 * object's mode. An object with that bit which nobody holds through this library can not be
 * opened by name.) An ephemeral POSIX segment's owner must be able to read and write it: a mode
 * without 0600 is -EINVAL with it, on both backends; so is a raw key.
 *
 * SHMX_HUGE takes pages of the hugetlb pool (System V), else transparent huge pages, else plain
 * ones; shmx_stat says what was got. SHMX_HUGE_ONLY fails instead.
 *
 * SHMX_SEALED makes an anonymous POSIX segment that nobody can shrink or grow (memfd_create(2),
 * F_SEAL_SHRINK and F_SEAL_GROW of fcntl(2)). It is handed over by its descriptor, and its
 * receiver need not fear SIGBUS. It is not in /dev/shm, whose size does not limit it, and can
 * have no name. With SHMX_HUGE, its pages are of the hugetlb pool if there is enough in it, size
 * is a multiple of such a page, and it is not sparse. Its maker can forbid writing as well, by a
 * further seal, F_SEAL_FUTURE_WRITE.
 *
 * An entry of the same name whose segment is dead is replaced if the caller may remove it: a link
 * that leads nowhere, or an ephemeral segment that no process has open or mapped.
 *
 * Returns 0, or
 *   -EINVAL   size out of range or, on System V, above kernel.shmmax; mode with other bits; a name
 *             and a flag that contradict each other, as SHMX_SEALED does any name; see also above
 *   -EEXIST   something of that name or key exists, of whichever backend
 *   -ENOSPC   no room: /dev/shm is full or out of inodes, a quota on it is used up, or
 *             kernel.shmmni or kernel.shmall is reached
 *   -ENOMEM   not enough memory or address space; or (SHMX_HUGE_ONLY, System V) the pool of huge
 *             pages is used up; or the process locks its memory (mlockall(2)) and its limit is
 *             reached
 *   -EACCES   no permission to write in /dev/shm
 *   -EPERM    no permission to make an entry in /dev/shm
 *   -ENOTSUP  SHMX_HUGE_ONLY, and there are no huge pages; or /dev/shm is not a tmpfs; or the
 *             kernel has no System V shared memory
 *   -ENOENT   there is no directory /dev/shm
 *   -EROFS    /dev/shm is mounted read-only
 *   -EFBIG    above this process's RLIMIT_FSIZE (the kernel sends SIGXFSZ with it)
 *   -EMFILE, -ENFILE  out of descriptors
 *   -EINTR    interrupted by a signal before anything was made
 */
int shmx_create(const char *name, size_t size, mode_t mode, unsigned flags, struct shmx **seg);

/*
 * shmx_open - open an existing segment, for reading and writing or only for reading.
 *
 *   name   see NAMES; not NULL
 *   flags  0 or of SHMX_RDONLY (every attachment will be read-only), SHMX_OWNED
 *   seg    receives the handle, to be closed with shmx_close; not NULL
 *
 * What is opened is complete and initialised, by virtue of how names are made; except for raw
 * keys and ids and for objects of programs that use shm_open(3) directly, which may be seen with
 * size 0 for a moment. Only a regular file or this library's own link is accepted at a name.
 * A link whose owner is neither the creator nor the owner of the segment it points to is not
 * followed, and neither is one whose owner the user namespace does not map. Several opens of one
 * segment give independent handles.
 *
 * Returns 0, or
 *   -ENOENT   nothing of that name, key or id; or what it led to is dead; or it is of the other
 *             backend than the name says
 *   -EACCES   the permissions of the segment do not admit the caller
 *   -EPERM    SHMX_OWNED, and the creator is neither the effective user nor root, or cannot be
 *             told, or there is a second hard link to what has the name
 *   -EROFS    /dev/shm is mounted read-only, and SHMX_RDONLY was not asked for
 *   -EXDEV    the name leads to a System V segment of another IPC namespace
 *   -ELOOP    a symbolic link of somebody else's stands at that name
 *   -EISDIR, -ENODEV   a directory, or a FIFO, socket or device stands at that name
 *   -EBUSY    another process is removing, keeps locked, or runs as a program what stands at that
 *             name
 *   -ENOMEM   not enough memory or address space; or the process locks its memory (mlockall(2)) and
 *             its limit is reached
 *   -EMFILE, -ENFILE   out of descriptors
 *   -ENOTSUP  the kernel has no System V shared memory
 */
int shmx_open(const char *name, unsigned flags, struct shmx **seg);

/*
 * shmx_open_wait - open a segment as soon as it is there.
 *
 *   name, flags, seg   as for shmx_open
 *   timeout   how long to wait at most, from now on; tv_sec at least 0, tv_nsec of 0 to 999999999.
 *             Zero: look once. NULL: wait for ever
 *
 * It waits while there is nothing of that name (-ENOENT of shmx_open), while the mode does not
 * admit the caller (-EACCES), while something else keeps the name (-EBUSY), and while the
 * segment has size 0, as the object of a program has that uses shm_open(3) directly and has not
 * come to ftruncate(2). Any other error ends the wait. So does a signal, if a handler for it
 * runs, whatever its SA_RESTART. The time is that of CLOCK_MONOTONIC, which nobody can set.
 *
 * The kernel tells when a name appears (inotify(7)). Every 0.1 seconds it is looked for all the
 * same, since /dev/shm may have been mounted meanwhile. Every 5 milliseconds it is looked for
 * where no event tells: for a mode that changes, for a raw key, and where the limits of inotify
 * are reached. A handle that had to be waited for has one more descriptor until it is closed.
 *
 * Returns 0, or an error of shmx_open, or
 *   -ETIMEDOUT  the time is over, and there is nothing of that name. (If there was something that
 *               cannot be used: -EACCES, -EBUSY or -ENODATA)
 *   -EINTR      interrupted by a signal
 *   -EINVAL     also: a timeout out of range
 *   -ENODATA    the time is over, and the segment has size 0
 */
int shmx_open_wait(const char *name, unsigned flags, const struct timespec *timeout,
                   struct shmx **seg);

/*
 * shmx_open_or_create - open the segment of that name, or create and initialise it.
 *
 *   name, mode   as for shmx_create; not NULL
 *   size   for the new segment; an existing one must be at least that large
 *   flags  those of shmx_create, used only if it creates; and SHMX_OWNED, for what it opens
 *   init   called with the whole new segment attached at addr for the duration of the call and arg
 *          passed through, before anyone else can see the segment. 0 is success; a negative errno
 *          value makes shmx_open_or_create undo everything and return it (a positive one:
 *          -ECANCELED). It must not call shmx_open_or_create for the same name. NULL for none: the
 *          segment is then zero
 *   seg    receives the handle, to be closed with shmx_close; not NULL
 *
 * What is published has been initialised exactly once. Among the processes of one user that race
 * here, one calls init, and the others wait for that one, but for a minute at most. Processes of
 * different users do not wait for each other: each initialises a segment of its own, the first
 * one publishes, and the others discard theirs and open that one. The same happens if somebody has
 * put something in the place of the lock that the processes of one user take. init must return; it
 * must not be left by longjmp(3) or an exception.
 *
 * Returns 1 if it created the segment, 0 if it opened it; the error of init; or an error of
 * shmx_create or of shmx_open (-EEXIST: what stands there can neither be opened nor replaced), or
 *   -ERANGE   the existing segment is smaller than size
 *   -EINVAL   also: init together with a raw key, which is visible before it is initialised
 */
int shmx_open_or_create(const char *name, size_t size, mode_t mode, unsigned flags,
                        int (*init)(void *addr, size_t size, void *arg), void *arg,
                        struct shmx **seg);

/*
 * shmx_open_fd - make a handle of the descriptor of a shared memory object.
 *
 *   fd     of an object of tmpfs or hugetlbfs or of a memfd; it stays the caller's and may be
 *          closed at once
 *   flags  0 or of SHMX_RDONLY (narrow a read-write descriptor), SHMX_OWNED, SHMX_SEALED (accept
 *          only what cannot shrink: then no attachment raises SIGBUS, whatever the sender does;
 *          but an object of hugetlbfs can lose pages to a sender who may write to it)
 *   seg    receives the handle, to be closed with shmx_close; not NULL
 *
 * The handle may do what the descriptor may. The object is opened anew where its permissions
 * allow that, and this process then counts as a holder; else the descriptor is duplicated, and it
 * does not. The handle does not know the object's name in /dev/shm, if there is one.
 *
 * Returns 0, or
 *   -EBADF    fd is not open, or is an O_PATH descriptor
 *   -EINVAL   fd is not of a shared memory object; or it was opened with O_APPEND, for writing, and
 *             the object cannot be opened anew
 *   -EACCES   fd is write-only; or SHMX_RDONLY was asked for and the object cannot be opened anew
 *   -EPERM    SHMX_OWNED, and the owner is neither the effective user nor root, or cannot be
 *             told, or the object has a second hard link; or SHMX_SEALED, and it can shrink
 *   -ENOENT   SHMX_RDONLY was asked for and /proc is not there to open the object anew
 *   -ENOMEM   not enough memory or address space
 *   -EMFILE, -ENFILE   out of descriptors
 */
int shmx_open_fd(int fd, unsigned flags, struct shmx **seg);

/*
 * shmx_publish - give a name to an anonymous segment, atomically and exclusively.
 *
 *   seg    a handle without a name: made anonymous, or opened by descriptor, raw key or raw id
 *   name   a plain name, or with the prefix of the handle's backend; no raw key or id
 *
 * If two handles give the same segment a name at the same time, one of the calls fails, or both do.
 * If the process is killed in the middle, the segment stays as it was.
 *
 * Returns 0, or
 *   -EINVAL   the segment has a name already, through whatever handle; a raw key or id; a prefix of
 *             the other backend
 *   -EEXIST   the name is taken
 *   -EBUSY    another thread is publishing or destroying through this handle just now
 *   -ENOENT   the segment was destroyed; or the kernel lets no destroyed object be named again; or
 *             (System V) it is of another IPC namespace
 *   -EXDEV    the object is not in /dev/shm (a memfd)
 *   -EPERM    the segment is another user's
 *   -EACCES, -ENOSPC, -EROFS, -ENOMEM   as for shmx_create
 *   -EMFILE, -ENFILE   out of descriptors for searching
 */
int shmx_publish(struct shmx *seg, const char *name);

/*
 * shmx_destroy - remove the segment's name (or key or id), so that nobody finds it any more.
 *
 * The memory goes with its last handle and attachment. Handles and attachments, here and
 * elsewhere, go on working. Until then, a System V segment can still be opened by its id, and a
 * POSIX one by descriptor. Only this very segment is touched: if its name leads to another one by
 * now, that is left alone. (Users of this library take turns at removing names. A program that
 * does without it can make another entry of that name just between the look and the removal.) A
 * handle that does not know the segment's name, since another handle gave it, searches /dev/shm.
 * Of several names by hard links one is removed. Like shm_unlink(3), and IPC_RMID of shmctl(2).
 *
 * Returns 0, or
 *   -ENOENT   it has no name any more: destroyed before, by whomever; or (System V) it is of
 *             another IPC namespace
 *   -EBUSY    another thread is publishing or destroying through this handle just now; or
 *             something is mounted at the name
 *   -EPERM    the caller is not allowed to remove it (/dev/shm is a sticky directory; System V:
 *             only owner, creator and root), or the object is immutable (chattr(1))
 *   -EACCES   no permission to write in /dev/shm, or to search it
 *   -EROFS    /dev/shm is mounted read-only
 *   -ENOMEM   not enough memory
 *   -EMFILE, -ENFILE   out of descriptors for searching
 */
int shmx_destroy(struct shmx *seg);

/*
 * shmx_remove - the same by name, without a handle; no permission on the segment itself is needed
 * beyond that of removing it.
 *
 *   name   see NAMES; not NULL. Of a link that leads nowhere, or into another IPC namespace, the
 *          name alone is removed
 *
 * Returns 0, or an error of shmx_destroy, or -ELOOP, -EISDIR, -ENODEV, -ENOTSUP as for
 * shmx_open, or
 *   -EACCES   also: the System V segment that the name leads to cannot be examined, since its
 *             mode forbids that and /proc is not there to ask instead
 */
int shmx_remove(const char *name);

/*
 * shmx_close - end a handle and the attachments made through it.
 *
 *   seg    the handle, not to be used any more; NULL is allowed and does nothing
 *
 * The segment stays, unless it is ephemeral and this was its last holder. errno is preserved.
 * Streams of shmx_stream must have been closed before.
 */
void shmx_close(struct shmx *seg);

/*
 * shmx_attach - map the whole segment, as large as it is now.
 *
 *   flags  0 or of SHMX_RDONLY, SHMX_PRIVATE, SHMX_EXEC, SHMX_POPULATE, SHMX_FIXED, SHMX_REPLACE,
 *          SHMX_ROUND
 *   addr   receives the address; with SHMX_FIXED it also says where. Not NULL
 *
 * An attachment of a read-only handle is read-only, asked for or not; but with SHMX_PRIVATE it is
 * a writable copy. On System V, SHMX_PRIVATE copies everything at once and later changes of
 * others are not seen; on POSIX a page is copied when it is first written to (mmap(2),
 * MAP_PRIVATE). The address is valid until shmx_detach or shmx_close.
 *
 * A failure leaves the memory of the segment and the mappings of the process as they were, also
 * with SHMX_REPLACE and SHMX_POPULATE. SHMX_REPLACE replaces other mappings as MAP_FIXED does: use
 * it on addresses that the program has reserved for itself with mmap(2). If there is an attachment
 * of another handle among them, do not detach that one, and do not close its handle before this
 * attachment is detached.
 *
 * Returns 0, or
 *   -EINVAL   SHMX_FIXED with an address that is not possible (alignment; NULL); SHMX_REPLACE or
 *             SHMX_ROUND without SHMX_FIXED
 *   -EEXIST   SHMX_FIXED, and something is mapped in that range
 *   -EBUSY    SHMX_REPLACE, and an attachment of the same handle is in that range, or what the
 *             library itself has mapped for the handle
 *   -ENOENT   (System V, hugetlb pool) the segment is of another IPC namespace
 *   -ENODATA  the segment has size 0
 *   -ENOMEM   not enough memory or address space, too many mappings, or (SHMX_POPULATE on System
 *             V) no memory to fill it; or the process locks its memory (mlockall(2)) and its limit
 *             is reached
 *   -ENOSPC   SHMX_POPULATE, and /dev/shm is full
 *   -EACCES   the handle does not allow it; or (System V, hugetlb pool) the permissions of the
 *             segment do not, which are asked for at each attach there
 *   -EPERM    SHMX_EXEC, and /dev/shm is mounted noexec; or a seal of a memfd forbids it
 *   -ENOTSUP  SHMX_POPULATE on Linux before 5.14
 */
int shmx_attach(struct shmx *seg, unsigned flags, void **addr);

/*
 * shmx_attach_range - map a part of the segment.
 *
 *   offset   of the first byte, any; it need not be a multiple of a page
 *   length   bytes from there on; 0 means to the end
 *   flags, addr   as for shmx_attach, and SHMX_ROOM. *addr is the address of the byte at offset
 *
 * With SHMX_ROOM the range may reach beyond the end of a POSIX segment, as far as addresses are
 * wanted. When any process grows the segment (shmx_resize), the new bytes are there, at the
 * same address as before, in every such attachment. Touching what is beyond the end is a
 * SIGBUS. What was beyond the end at the attach is left out of core dumps. Nobody is told of
 * growth: keep the size in a word of the segment, and wait for that (shmx_wait).
 *
 * The pages around the range may become visible with it (System V: the whole segment), but with
 * SHMX_FIXED no more addresses are taken than the pages of the range. Attachments of one handle
 * are independent, and may show the same bytes.
 *
 * Returns 0, or an error of shmx_attach, or
 *   -ERANGE   the range is not within the segment; SHMX_ROOM: or above the largest size
 *   -EINVAL   also: SHMX_ROOM with SHMX_PRIVATE
 *   -ENOTSUP  also: SHMX_FIXED on a part of a System V segment, without SHMX_PRIVATE; SHMX_ROOM on
 *             a System V segment or an object of hugetlbfs
 */
int shmx_attach_range(struct shmx *seg, uint64_t offset, size_t length, unsigned flags,
                      void **addr);

/*
 * shmx_detach - end one attachment.
 *
 *   addr   an address that an attach of this handle gave and that is not detached yet
 *
 * Returns 0, or
 *   -EINVAL   addr is no such address; nothing is unmapped
 *   -ENOMEM   the kernel had joined the mapping with its neighbours and would exceed its limit of
 *             mappings by splitting it (vm.max_map_count); the attachment stays
 */
int shmx_detach(struct shmx *seg, void *addr);

/*
 * shmx_size - ask the kernel for the size of the segment now (fstat(2), IPC_STAT). It never fails
 * on a valid handle.
 *
 * Returns bytes; 0 for a foreign POSIX object that has no size yet
 */
int64_t shmx_size(struct shmx *seg);

/*
 * shmx_resize - grow or shrink a POSIX segment.
 *
 *   size   the new number of bytes; 0 is allowed
 *
 * Growth is reserved, all or nothing, unless the segment is sparse (has pages that are not
 * allocated). It reads as zero, but for what programs have written past the end in the last page.
 * Existing attachments keep their extent (SHMX_ROOM of shmx_attach_range makes room for growth);
 * touching one beyond the end of a shrunk segment is a SIGBUS (ftruncate(2)). No lock is taken: if
 * two processes resize at once, one of the two sizes results.
 *
 * Returns 0, or
 *   -ENOTSUP  a System V segment
 *   -EINVAL   size cannot be mapped; or, of a hugetlbfs object, is no multiple of its page
 *   -EACCES   the handle is read-only
 *   -ENOSPC   no room in /dev/shm
 *   -EPERM    a seal of a memfd forbids it, as of SHMX_SEALED
 *   -EFBIG    above this process's RLIMIT_FSIZE
 *   -ENOMEM   not enough memory; or the segment is pinned and the limit of locked memory is reached
 */
int shmx_resize(struct shmx *seg, uint64_t size);

/*
 * shmx_wait - sleep as long as a word of the segment has a value.
 *
 *   word     in an attachment of this handle, also a read-only one, but not one of SHMX_PRIVATE;
 *            aligned to 4 bytes, and not past the end of the segment
 *   value    what the word is known to have been: with another one there is nothing to wait for
 *   flags    0 or SHMX_PEERS
 *   timeout  how long to wait at most, from now on; tv_sec at least 0, tv_nsec of 0 to 999999999.
 *            Zero: look once. NULL: wait for ever
 *
 * It returns when the word has another value, or when shmx_wake has woken it. Comparing and
 * falling asleep are one step (futex(2)): whoever first changes the word and then calls
 * shmx_wake is never missed. It may also return without any reason. So call it in a loop that
 * looks at the word, with an atomic operation. Processes and threads wait alike, on either
 * backend, whatever the addresses at which they have attached the segment. The segment holds
 * nothing but what the program puts there.
 *
 * Before it sleeps, it looks at the word again and again for 16 microseconds, but only now and
 * then if that was often in vain, and never if the process has only one processor.
 *
 * With SHMX_PEERS, the wait also ends when nobody else holds the segment any more, 0.1 seconds
 * later at most, however the others ended. A stopped process still holds it. Who else there is:
 * POSIX, another process that holds it through this library. A child of fork(2) that has not
 * opened the segment itself is no other process. System V: any attachment that was not made
 * through this handle, be it of another process, whatever it uses, of a child of fork(2), or of
 * another handle.
 *
 * A signal ends the wait if a handler for it runs; without a timeout and SHMX_PEERS, only one that
 * was installed without SA_RESTART (sigaction(2)). To end the wait of another thread, change the
 * word and wake it. Cancelling does not end it, since shmx_wait is no cancellation point: it might
 * have taken the only wake-up just then. The time is that of CLOCK_MONOTONIC, which nobody can set.
 *
 * Returns 0, or
 *   -ETIMEDOUT  the time is over
 *   -EINTR      interrupted by a signal
 *   -EPIPE      SHMX_PEERS, and nobody else holds the segment
 *   -EINVAL     word is not such a word; a timeout out of range
 *   -ENOTSUP    SHMX_PEERS, and this handle is no holder: see shmx_open_fd
 *   -ENOENT     SHMX_PEERS, and (System V) the segment is of another IPC namespace
 *   -EACCES     SHMX_PEERS, and (System V) as for shmx_stat
 *   -ENOMEM     SHMX_PEERS, and not enough memory to look for the others
 */
int shmx_wait(struct shmx *seg, const uint32_t *word, uint32_t value, unsigned flags,
              const struct timespec *timeout);

/*
 * shmx_wake - wake who waits for a word of the segment.
 *
 *   word    as for shmx_wait
 *   count   how many to wake at most, at least 1; INT_MAX for all
 *
 * Change the word first, or those who are woken find nothing new. Whoever is woken has not
 * looked at the word yet. Each call is a system call, also if nobody waits: shmx_wait(3) shows
 * how to do without it then.
 *
 * Returns how many slept and were woken, in whatever process; or
 *   -EINVAL   count is out of range; or word is not aligned, or no address at all. (Whether it is
 *             in an attachment is not looked at: elsewhere, waking has no effect)
 */
int shmx_wake(struct shmx *seg, uint32_t *word, int count);

/*
 * shmx_stat - tell what the kernel knows of the segment.
 *
 *   st     filled in; not NULL
 *
 * Returns 0, or
 *   -EACCES   (System V) the mode does not let the caller read the segment, and /proc is not there
 *             to ask instead
 *   -ENOENT   (System V) the segment is of another IPC namespace
 *   -ENOMEM   not enough memory
 */
int shmx_stat(struct shmx *seg, struct shmx_stat *st);

/*
 * shmx_stat_name - tell the same by name, without opening or attaching the segment: nobody's count
 * of holders, no times and no lpid change. No permission on the segment is needed.
 *
 *   name   see NAMES; not NULL
 *   st     filled in; not NULL
 *
 * Returns 0, or -ENOENT, -ELOOP, -EISDIR, -ENODEV, -EXDEV, -ENOTSUP, -ENOMEM as for shmx_open, or
 *   -EACCES   (System V) as for shmx_stat; or no permission to search /dev/shm
 */
int shmx_stat_name(const char *name, struct shmx_stat *st);

/*
 * shmx_chmod - set the permissions, exactly.
 *
 *   mode   permission bits, of 0777
 *
 * Handles already open keep what they may do. Like fchmod(2), and IPC_SET of shmctl(2). (The link
 * of an ephemeral System V segment, or of one that was published without a key, has the time of the
 * segment's last change. If anything but this function and shmx_chown changes such a segment, or
 * the process is killed in the middle of them, its name cannot be opened any more.)
 *
 * Returns 0, or
 *   -EINVAL   other bits; or an ephemeral segment, and not 0600 among them
 *   -EPERM    the caller is neither the owner (System V: or the creator) nor root
 *   -EACCES   as for shmx_stat
 *   -ENOENT   (System V) the segment is of another IPC namespace
 *   -EROFS    /dev/shm is mounted read-only
 *   -ENOMEM   not enough memory
 */
int shmx_chmod(struct shmx *seg, mode_t mode);

/*
 * shmx_chown - change owner and group.
 *
 *   uid    the new owner; (uid_t)-1 leaves it as it is
 *   gid    the new group; (gid_t)-1 leaves it as it is
 *
 * The link of a named System V segment goes along. Like fchown(2), and IPC_SET of shmctl(2).
 *
 * Returns 0, or
 *   -EPERM    the caller may not (giving away needs privilege; a group must be one's own)
 *   -EINVAL   an id that the user namespace does not map
 *   -EACCES   as for shmx_stat
 *   -ENOENT   (System V) the segment's name is gone or leads elsewhere by now, or the segment is of
 *             another IPC namespace
 *   -ENOSPC   a quota of the new owner on /dev/shm is used up
 *   -EROFS    /dev/shm is mounted read-only
 *   -ENOMEM   not enough memory
 *   -EMFILE, -ENFILE   out of descriptors
 */
int shmx_chown(struct shmx *seg, uid_t uid, gid_t gid);

/*
 * shmx_pin - keep the segment in RAM, out of swap. POSIX: mlock(2), brings it in and lasts as long
 * as this handle; not inherited by children. What shmx_resize of this handle adds is pinned as
 * well. System V: SHM_LOCK, keeps in what is touched, and lasts until anybody unpins. Pinning twice
 * is the same as once.
 *
 * Returns 0, or
 *   -EPERM    no privilege and RLIMIT_MEMLOCK is 0; System V: or neither owner nor creator
 *   -ENOMEM   RLIMIT_MEMLOCK is reached; or not enough memory
 *   -ENODATA  (POSIX) the segment has size 0
 *   -EAGAIN   (POSIX) part of it could not be brought in
 *   -ENOENT   (System V) the segment is of another IPC namespace
 *   -EACCES   as for shmx_stat
 */
int shmx_pin(struct shmx *seg);

/*
 * shmx_unpin - undo shmx_pin. Not pinned is no error.
 *
 * Returns 0, or
 *   -EPERM    (System V) neither owner, creator nor privileged
 *   -ENOENT, -EACCES, -ENOMEM   (System V) as for shmx_pin
 */
int shmx_unpin(struct shmx *seg);

/*
 * shmx_name - give a text by which another process can open the segment: "posix:/frames",
 * "sysv:/frames", "sysv:key=0x51a3", "sysv:id=98310". It belongs to the handle and is valid until
 * shmx_close.
 *
 * Returns the text; NULL for a POSIX segment without a name and for a NULL handle
 */
const char *shmx_name(const struct shmx *seg);

/*
 * shmx_fd - give the descriptor of a POSIX segment, to be passed to another process (unix(7),
 * SCM_RIGHTS) or to fstat(2). It belongs to the handle: do not close it.
 *
 * Returns it, or
 *   -ENOTSUP  a System V segment has none
 */
int shmx_fd(const struct shmx *seg);

/*
 * shmx_read, shmx_write - copy from and to the segment, like pread(2) and pwrite(2), without
 * attaching.
 *
 *   buf      count bytes; may be NULL if count is 0
 *   count    bytes, at most SSIZE_MAX
 *   offset   of the first byte in the segment
 *
 * They never go past the end and never raise SIGBUS, even if another process shrinks the segment
 * meanwhile. (A write that meets such a shrinking may grow the segment again, up to the end of the
 * write.) They are not atomic with respect to other writers, and take no lock.
 *
 * Return the number of bytes copied, which is less than count only at the end of the segment: a
 * read at or past the end returns 0. Part of the bytes may have been copied when they fail. Or
 *   -EINVAL   count above SSIZE_MAX
 *   -ENOSPC   a write of at least 1 byte at or past the end; or into an unreserved page of a
 *             sparse segment, and /dev/shm is full
 *   -EACCES   a write through a read-only handle
 *   -EFAULT   buf is not memory of the caller (POSIX only; System V raises SIGSEGV)
 *   -EPERM    a write, and a seal of a memfd forbids it
 *   -ENOTSUP  a write to an object of hugetlbfs, which knows no write(2): attach it
 *   -EFBIG    a write above this process's RLIMIT_FSIZE
 *   -ENOMEM   not enough memory or address space; or (System V) no huge pages for what is touched
 *   -EIO      (POSIX) a page cannot be brought back from swap (an attachment raises SIGBUS there)
 */
ssize_t shmx_read(struct shmx *seg, void *buf, size_t count, uint64_t offset);
ssize_t shmx_write(struct shmx *seg, const void *buf, size_t count, uint64_t offset);

/*
 * shmx_stream - make a stdio stream over shmx_read and shmx_write, positioned at the start.
 *
 *   mode   "r" (read) or "r+" (read and write); a "b" is allowed and means nothing
 *
 * fseeko(3) and ftello(3) work past 4 GiB, and from the end as of the time of the call. The stream
 * never grows the segment: a write at the end fails with ENOSPC. It is buffered: fflush(3) to let
 * others see what was written. Close it with fclose(3), before the handle.
 *
 * Returns the stream, or NULL with errno set to
 *   EINVAL   another mode
 *   EACCES   "r+" on a read-only handle
 *   ENOMEM   not enough memory
 */
FILE *shmx_stream(struct shmx *seg, const char *mode);

/*
 * shmx_list - visit every segment that the caller may see, once each: of both backends, named or
 * not, this library's or not. (An anonymous POSIX segment cannot be seen from outside.)
 *
 *   flags   0 for both backends, or of SHMX_POSIX, SHMX_SYSV
 *   visit   called with the text that shmx_name would give and what shmx_stat would; both are
 *           valid only during the call. A value other than 0 ends the walk. Not NULL
 *   arg     passed through
 *
 * What comes or goes during the walk may or may not be visited. No segment is opened or attached:
 * the counts of holders come from /proc/locks and /proc/sysvipc/shm, and are -1 where the former
 * cannot be read. The kernel tells them as of several moments, so while others come and go, one may
 * be missing. visit must return; it must not be left by longjmp(3) or an exception.
 *
 * Returns 0, the value of visit, or
 *   -ENOMEM   not enough memory
 *   -EMFILE, -ENFILE   out of descriptors
 *   -EACCES   /dev/shm cannot be read or searched
 *   -EINTR, -EIO   the kernel's table of System V segments cannot be read
 */
int shmx_list(unsigned flags, int (*visit)(const char *name, const struct shmx_stat *st, void *arg),
              void    *arg);

/*
 * shmx_collect - remove what is provably dead: names that lead to nothing, ephemeral segments
 * without a holder, what creators left that were killed in the middle. A POSIX segment is removed
 * only if the kernel says, by a write lease (fcntl(2), F_SETLEASE), that no process at all has it
 * open or mapped. So only its owner or root can have it collected, and a program that opens it at
 * that moment may make the kernel send SIGURG to this process, which ignores that by default. An
 * object on which anybody has a file lock, when the walk begins, is not even opened.
 *
 *   flags   0 for both backends, or of SHMX_POSIX, SHMX_SYSV; SHMX_ORPHANS (also remove persistent
 *           segments that no process has open or attached, if the caller is their owner or root:
 *           else nobody can tell); SHMX_DRY_RUN
 *   visit   called for each that was removed (SHMX_DRY_RUN: that would be), with SHMX_IS_DEAD in
 *           st->state for the dead ones; and for each persistent segment that nobody holds, removed
 *           or not. As for shmx_list; but may be NULL
 *   arg     passed through
 *
 * What the caller is not allowed to remove is left, and not visited.
 *
 * Returns 0, the value of visit, or an error of shmx_list
 */
int shmx_collect(unsigned flags,
                 int (*visit)(const char *name, const struct shmx_stat *st, void *arg), void *arg);

/*
 * shmx_strerror - give words for an error of this library, fit for shared memory.
 *
 *   error   a negative errno value, as returned (a positive one is taken as errno)
 *
 * Returns a constant string, never NULL. Unlike strerror(3) safe in every thread.
 */
const char *shmx_strerror(int error);

/*
 * shmx_version - tell the version of the library that runs.
 *
 * Returns a constant string, such as "1.0.0"
 */
const char *shmx_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
