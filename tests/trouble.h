/* SPDX-License-Identifier: BSD-2-Clause */
/* Trouble on purpose: a child that is suspended, killed or deceived at exactly one system call, a
   clock that is stepped; and what there is afterwards. */
#ifndef TESTS_TROUBLE_H
#define TESTS_TROUBLE_H

#include <stdbool.h>
#include <sys/types.h>

/* A child, process 1 of another pid namespace if so, that runs body(arg) and has come to where that
   calls traced_begin(). */
pid_t traced_start(bool elsewhere, int (*body)(int), int arg);
void  traced_begin(void);

/* Let it go on to its next system call: true. False: body has ended, and returned *result. */
bool traced_next(pid_t pid, int *result);

/* To its system call number n from there, counted from 0. */
bool traced_stop_at(pid_t pid, int n, int *result);

/* From the beginning of a system call to its end. */
void traced_finish_call(pid_t pid);

/* What it left is as its end leaves it: the handles of body are not closed. */
void traced_let_go(pid_t pid);
void traced_kill(pid_t pid);

/* Collect while the clock of this process says now, an hour later, an hour earlier, later again. */
void collect_at_odd_times(unsigned flags);

/* Collect until nothing is under way and so many System V segments are left, which must come. */
void collect_all(int expected_segments);

/* A segment of 10,000 bytes and mode 0666 with that text in it, to whatever leads to it. */
void make_segment(const char *name, unsigned flags, const char *text);
void assert_leads_to(const char *name, const char *text);

bool has_entry(const char *entry);

/* Whether somebody is just removing an entry. */
bool is_removing(void);

/* The path of an entry of the library's own, or NULL. */
const char *hidden_entry(void);

/* How many System V segments there are. */
int count_segments(void);

#endif
