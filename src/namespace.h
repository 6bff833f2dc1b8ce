/* SPDX-License-Identifier: BSD-2-Clause */
/* Which namespace this process is in: ids and pids mean something only inside one. */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

/* The number of the "ipc" or "pid" namespace; 0 where there is no /proc. 0, or a negative errno. */
int namespace_number(const char *type, unsigned long *number);

#endif
