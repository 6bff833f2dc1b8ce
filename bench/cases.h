/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

/* Creating, opening, attaching: all contenders. */
void bench_cycles(int rounds);

/* shmx_read and shmx_write against memcpy, pread and pwrite. */
void bench_copies(int rounds);

/* Creating 2 MiB to 1 GiB and filling it, in several ways; and a second process that touches it. */
void bench_fills(int rounds);

/* The same where memory is in pieces, in a memory control group, and without huge pages. */
void bench_shortage(int rounds);

/* Opening and listing beside none and 10,000 other segments. */
void bench_crowds(int rounds);

/* 8 and 64 processes that open one segment at once. */
void bench_races(int rounds);

/* A message from one process to another and back. */
void bench_messages(int rounds);

#endif
