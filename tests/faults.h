/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways in which the system calls of the library can fail. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <linux/seccomp.h>
#include <stdbool.h>

struct fault_kind;

/* Returns what is known of the system call with its arguments, or NULL. */
const struct fault_kind *faults_find(const struct seccomp_data *call);

/* Returns the n-th error, counted from 0, with which the call can fail if that function makes it.
   Returns 0 if there are no more errors. */
int faults_error(const struct fault_kind *kind, const char *function, int n);

/* Returns what is to be excused when the call fails in that way, or 0. */
enum {
    FAULT_LEAVES = 1, /* the call undoes what was made, so something is left behind */
    FAULT_LIES = 2,   /* the call denies that something exists, or does not undo what was done */
    FAULT_LOCKS = 4   /* if the lock of an election cannot be used, each process goes ahead alone */
};
unsigned faults_excuse(const struct fault_kind *kind, int error);

/* Returns whether the call and other processes do not affect each other, so that it does not matter
   which of them comes first. */
bool faults_private(const struct fault_kind *kind);

/* The first returns whether these two calls lock the directory of names, and the second whether the
   call unlocks something. */
bool faults_locks_directory(const struct seccomp_data *opening, const struct seccomp_data *locking);
bool faults_unlocks(const struct seccomp_data *call);

const char *faults_name(const struct fault_kind *kind);

/* Prints what is left out, and why. */
void faults_explain(void);

#endif
