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

/* Whether something is left then, whoever is to blame: it takes back what was made, or says of what
   is there that it is not. */
bool faults_excuse(const struct fault_kind *kind, int error);

const char *faults_name(const struct fault_kind *kind);

/* Prints what is left out, and why. */
void faults_explain(void);

#endif
