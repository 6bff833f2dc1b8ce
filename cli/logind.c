/* SPDX-License-Identifier: BSD-2-Clause */
/* What logind.conf(5) says about RemoveIPC. The first main file that exists counts, and then the
   drop-ins of all directories in the order of their names. A drop-in of an earlier directory hides
   one of the same name in a later directory. */
#include "doctor.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const directories[] = { "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                           "/usr/lib/systemd" };

#define DIRECTORIES (sizeof directories / sizeof *directories)

/* Removes the blanks around the text, in place. */
static char *
trim(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    for (length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--) {
    }
    text[length] = '\0';
    return text;
}

static void
read_file(const char *path, char *value, size_t room)
{
    char  line[256], *text, *equals;
    bool  login = false;
    FILE *f = fopen(path, "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        text = trim(line);
        equals = strchr(text, '=');
        if (*text == '[')
            login = strcmp(text, "[Login]") == 0;
        if (!login || equals == NULL)
            continue;
        *equals = '\0';
        if (strcmp(trim(text), "RemoveIPC") == 0)
            snprintf(value, room, "%s", trim(equals + 1));
    }
    if (f != NULL)
        fclose(f);
}

static const char *
base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* Compares the names, and then the positions of the directories in the list. */
static int
compare(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const int   order = strcmp(base_name(x), base_name(y));
    size_t      i;

    for (i = 0; order == 0 && i < DIRECTORIES; i++) {
        const size_t length = strlen(directories[i]);
        const bool   is_x = strncmp(x, directories[i], length) == 0 && x[length] == '/';
        const bool   is_y = strncmp(y, directories[i], length) == 0 && y[length] == '/';

        if (is_x != is_y)
            return is_x ? -1 : 1;
    }
    return order;
}

static void
read_drop_ins(char *value, size_t room)
{
    char   pattern[64];
    glob_t files = { 0 };
    size_t i;

    for (i = 0; i < DIRECTORIES; i++) {
        snprintf(pattern, sizeof pattern, "%s/logind.conf.d/*.conf", directories[i]);
        glob(pattern, i == 0 ? 0 : GLOB_APPEND, NULL, &files);
    }
    if (files.gl_pathc > 0)
        qsort(files.gl_pathv, files.gl_pathc, sizeof *files.gl_pathv, compare);
    for (i = 0; i < files.gl_pathc; i++)
        if (i == 0 || strcmp(base_name(files.gl_pathv[i]), base_name(files.gl_pathv[i - 1])) != 0)
            read_file(files.gl_pathv[i], value, room);
    globfree(&files);
}

bool
logind_removes_ipc(char *value, size_t room)
{
    static const char *const no[] = { "no", "n", "false", "f", "off", "0" };
    char                     path[64];
    size_t                   i;

    snprintf(value, room, "yes (default)");
    for (i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof path, "%s/logind.conf", directories[i]);
        if (access(path, F_OK) == 0)
            break;
    }
    if (i < DIRECTORIES)
        read_file(path, value, room);
    read_drop_ins(value, room);
    for (i = 0; i < sizeof no / sizeof *no; i++)
        if (strcasecmp(value, no[i]) == 0)
            return false;
    return true;
}
