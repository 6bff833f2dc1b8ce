/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

/* Times creating, opening and attaching, for all contenders. */
void bench_cycles(int rounds);

/* Compares shmx_read and shmx_write with memcpy, pread and pwrite. */
void bench_copies(int rounds);

/* Times creating and filling segments of 2 MiB to 1 GiB in several ways, and touching them in a
   second process. */
void bench_fills(int rounds);

/* Does the same without huge pages, in a memory control group, and with memory in pieces. */
void bench_shortage(int rounds);

/* Times opening and listing beside no other segments, and beside up to 10,000. */
void bench_crowds(int rounds);

/* Times 8 and 64 processes that open one segment at the same time. */
void bench_races(int rounds);

/* Times a message from one process to another and back. */
void bench_messages(int rounds);

#endif
