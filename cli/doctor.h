/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations that the parts of shmx doctor share. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* findings.c */
enum finding { FINE, NOTE, BREAKS };
/* Copies what and value, and keeps meaning, which may be NULL. */
void found(enum finding finding, const char *what, const char *value, const char *meaning);
/* Returns whether anything will break. In JSON, all findings are printed now. */
bool findings_end(void);

/* settings.c. These return false if the file cannot be read. A line is given without its newline.
 */
bool read_line(const char *path, char *text, size_t room);
bool read_number(const char *path, uint64_t *value);

/* huge.c */
void check_huge_pages(void);

/* logind.c. Returns whether logind removes the segments of a user at the last logout. value
   receives the setting. */
bool logind_removes_ipc(char *value, size_t room);

#endif
