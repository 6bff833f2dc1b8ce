/* SPDX-License-Identifier: BSD-2-Clause */
/* Which namespace this process is in: ids and pids mean something only inside one. */
#ifndef SHMX_NAMESPACE_H
#define SHMX_NAMESPACE_H

/* The number of the "ipc" or "pid" namespace; 0 where /proc does not tell. */
unsigned long namespace_number(const char *type);

#endif
