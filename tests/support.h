/* SPDX-License-Identifier: BSD-2-Clause */
/* What the suites share: a world of their own, both backends, and what must not be left behind. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "shmx.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>

#define NOBODY 65534

/* Tests over both backends are loop tests from 0 to BACKENDS; _i selects. */
#define BACKENDS 2
extern const unsigned    backend_flag[BACKENDS];
extern const char *const backend_prefix[BACKENDS]; /* "posix:", "sysv:" */

#define ok(call) ck_assert_int_eq((call), 0)

/* A call that must return err and leave nothing behind: no name, segment, descriptor, mapping. */
#define fails(call, err) (mark(), assert_fails((call), (err), #call, __FILE__, __LINE__))

void mark(void);
void assert_fails(int64_t result, int err, const char *call, const char *file, int line);

/* A helper program of the tests, as another process: "peer", with its arguments. */
struct peer {
    pid_t pid;
    int   in;  /* closing it lets a waiting peer go on */
    int   out; /* what it prints */
};
struct peer peer_start(const char *const argv[]);
void        peer_await(struct peer *peer, const char *line);
int         peer_finish(struct peer *peer); /* its exit status, -signal if killed */
int         peer_run(const char *const argv[]);

/* Wait for a child of check_fork or fork, which must have exited with 0. */
void join(pid_t pid);

/*
 * End the test as skipped, in whichever of its processes this is; but not from another pid
 * namespace. Of a suite that does this nothing has failed, and yet it exits with 77: not all of it
 * was run.
 */
_Noreturn void skip(const char *why);

/* The test needs other users. In a user namespace into which they are not mapped it is skipped. */
void need_users(void);

/* Become another user for the rest of this (forked) test, which needs users. */
void become_nobody(void);

/* Another empty /dev/shm for this test, a tmpfs with such mount options. */
void mount_dev_shm(const char *options);
void write_text(const char *path, const char *text);

/* Whether this is valgrind's machine, which does not do what; says so. Then a test is skipped. */
bool valgrind_lacks(const char *what);
/* How often to try what only a race could break: valgrind shows the same in fewer rounds. */
int rounds(int n);

/* Kilobytes that this process has locked in RAM. */
long locked_kib(void);

/* Whether the kernel shows what this process locks in RAM: AddressSanitizer makes mlock(2) nothing,
   and valgrind has locked memory of its own. Says so if not. */
bool shows_locked_memory(void);

/* Bytes of a huge page; 0: the kernel has none. */
size_t huge_page(void);

/* Whether this kernel does not make them of shared memory here; says so. Larger ones than of 4 MiB
   are more than a test should take. */
bool lacks_huge_pages(void);

/*
 * Run body(arg) in a child while the system-wide setting has that value, and put back what it was,
 * whatever becomes of the child. Other copies of the test wait for their turn. The test is skipped
 * for a root who may not change settings, as that of a user namespace.
 */
void with_sysctl(const char *path, const char *value, void (*body)(void *arg), void *arg);

/*
 * A case in which each test has a world of its own, an empty /dev/shm and an IPC namespace without
 * segments, and must leave it so: without names and segments, and with the descriptors and mappings
 * that it began with.
 */
TCase *add_case(Suite *suite, const char *name);

/* Leave for mount and IPC namespaces of one's own. 0, or -1 with errno. */
int leave_for_private_namespaces(void);

/* Runs the suite: the exit status of main. 77 where there can be no world of one's own, or where a
   test was skipped and none failed. */
int suite_main(Suite *suite);

#endif
