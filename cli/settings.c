/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the settings of the kernel. */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
read_line(const char *path, char *text, size_t room)
{
    FILE *f = fopen(path, "re");
    bool  read = f != NULL && fgets(text, (int)room, f) != NULL;

    if (f != NULL)
        fclose(f);
    if (read)
        text[strcspn(text, "\n")] = '\0';
    return read;
}

bool
read_number(const char *path, uint64_t *value)
{
    char text[64];

    if (!read_line(path, text, sizeof text))
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}
