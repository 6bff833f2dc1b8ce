/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

/* logind.c: whether logind removes a user's segments at the last logout; value says what is set. */
bool logind_removes_ipc(char *value, size_t room);

#endif
