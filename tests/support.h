/* SPDX-License-Identifier: BSD-2-Clause */
/* What the suites share: a world of their own, both backends, and checks of what must not be left
   behind. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "shmx.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>

#define NOBODY 65534

/* Tests of both backends are loop tests from 0 to BACKENDS, and _i selects the backend. */
#define BACKENDS 2
extern const unsigned    backend_flag[BACKENDS];
extern const char *const backend_prefix[BACKENDS]; /* "posix:" and "sysv:" */

#define ok(call) ck_assert_int_eq((call), 0)

/* The call must return err and leave nothing behind: no name, segment, descriptor or mapping. */
#define fails(call, err) (mark(), assert_fails((call), (err), #call, __FILE__, __LINE__))

void mark(void);
void assert_fails(int64_t result, int err, const char *call, const char *file, int line);

/* A helper of the tests, which is another process: "peer" with its arguments. */
struct peer {
    pid_t pid;
    int   in;  /* closing it lets a waiting peer go on */
    int   out; /* what the peer prints */
};
struct peer peer_start(const char *const argv[]);
void        peer_await(struct peer *peer, const char *line);
int         peer_finish(struct peer *peer); /* returns its exit status, or -signal if it was
                                               killed */
int peer_run(const char *const argv[]);

/* Waits for a child of check_fork or fork, which must have exited with 0. */
void join(pid_t pid);

/*
 * Ends the test as skipped, in whichever of its processes this is, but not from another pid
 * namespace. If a suite skips a test and none fails, it exits with 77, because not all of it was
 * run.
 */
_Noreturn void skip(const char *why);

/* The test needs other users. It is skipped in a user namespace that does not map them. */
void need_users(void);

/* Becomes another user for the rest of this (forked) test. The test needs users. */
void become_nobody(void);

/* Mounts another empty tmpfs with these options at /dev/shm for this test. */
void mount_dev_shm(const char *options);
void write_text(const char *path, const char *text);

/* Returns whether this runs in valgrind, which cannot do what, and says so. The test is skipped
   then. */
bool valgrind_lacks(const char *what);
/* How often to try what only a race could break: valgrind shows the same in fewer rounds. */
int rounds(int n);

/* Returns how many kilobytes this process has locked in RAM. */
long locked_kib(void);

/* Returns whether the kernel shows what this process locks in RAM, and says so if not.
   AddressSanitizer turns mlock(2) into nothing, and valgrind has locked memory of its own. */
bool shows_locked_memory(void);

/* Returns the size of a huge page in bytes, or 0 if the kernel has none. */
size_t huge_page(void);

/* Returns whether this kernel makes no huge pages of shared memory here, and says so. Huge pages of
   more than 4 MiB are more than a test should take. */
bool lacks_huge_pages(void);

/*
 * Runs body(arg) in a child while the setting of the machine has that value, and restores the value
 * that it had, whatever happens to the child. Other copies of the test wait for their turn. The
 * test is skipped if root may not change settings, as in a user namespace.
 */
void with_sysctl(const char *path, const char *value, void (*body)(void *arg), void *arg);

/*
 * Adds a case in which each test has a world of its own: an empty /dev/shm and an IPC namespace
 * without segments. The test must leave it without names and segments, and with the descriptors and
 * mappings that it began with.
 */
TCase *add_case(Suite *suite, const char *name);

/* Leaves for new mount and IPC namespaces. Returns 0, or -1 with errno set. */
int leave_for_private_namespaces(void);

/* Runs the suite and returns the exit status for main. That is 77 if there can be no world for the
   tests, or if a test was skipped and none failed. */
int suite_main(Suite *suite);

#endif
