/* SPDX-License-Identifier: BSD-2-Clause */
/* How the system calls of the library can fail. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <linux/seccomp.h>
#include <stdbool.h>

struct fault_kind;

/* What is known of the system call with those arguments; NULL: nothing. */
const struct fault_kind *faults_find(const struct seccomp_data *call);

/* The n-th error that it can fail with when that function makes it, from 0 on; 0: no more. */
int faults_error(const struct fault_kind *kind, const char *function, int n);

/* What is to be excused when it fails so, whoever is to blame; 0: nothing. */
enum {
    FAULT_LEAVES = 1, /* it takes back what was made, so that something is left */
    FAULT_LIES = 2,   /* it says of what is there that it is not, or does not undo what was done */
    FAULT_LOCKS = 4   /* whoever cannot use the lock of an election leaves it to others */
};
unsigned faults_excuse(const struct fault_kind *kind, int error);

/* Whether it makes no difference to anybody else if it has been made yet, nor to it what others do.
 */
bool faults_private(const struct fault_kind *kind);

/* Whether these two calls lock the directory of names; whether that one unlocks something. */
bool faults_locks_directory(const struct seccomp_data *opening, const struct seccomp_data *locking);
bool faults_unlocks(const struct seccomp_data *call);

const char *faults_name(const struct fault_kind *kind);

/* Prints what is left out, and why. */
void faults_explain(void);

#endif
