/* SPDX-License-Identifier: BSD-2-Clause */
/* Trouble on purpose: a child that is suspended, killed or deceived at exactly one system call, a
   clock that is wrong, and functions to examine what is left. */
#ifndef TESTS_TROUBLE_H
#define TESTS_TROUBLE_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts a child that runs body(arg), as process 1 of another pid namespace if elsewhere is set.
   Returns when the child has called traced_begin(). */
pid_t traced_start(bool elsewhere, int (*body)(int), int arg);
void  traced_begin(void);

/* Lets the child go on to its next system call and returns true. Returns false if body has ended,
   and *result is what body returned. */
bool traced_next(pid_t pid, int *result);

/* Lets the child go on to its system call number n from there, counted from 0. */
bool traced_stop_at(pid_t pid, int n, int *result);

/* Lets the child go on from the beginning of a system call to its end. */
void traced_finish_call(pid_t pid);

/* After both, everything is as the end of the process leaves it. Handles of body are not closed. */
void traced_let_go(pid_t pid);
void traced_kill(pid_t pid);

/* Collects while the clock of this process is right, an hour ahead, an hour behind, and ahead
   again. */
void collect_at_odd_times(unsigned flags);

/* Collects until nothing is under way and that many System V segments are left. */
void collect_all(int expected_segments);

/* make_segment makes a segment of 10,000 bytes and mode 0666 with that text. assert_leads_to checks
   that a name leads to one. */
void make_segment(const char *name, unsigned flags, const char *text);
void assert_leads_to(const char *name, const char *text);

bool has_entry(const char *entry);

/* Returns whether somebody is just removing an entry. */
bool is_removing(void);

/* Returns the path of a hidden entry of the library, or NULL. */
const char *hidden_entry(void);

/* Returns how many System V segments there are. */
int count_segments(void);

#endif
