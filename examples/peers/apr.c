/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conversation of ours.c with the Apache Portable Runtime. A reference is the path of a file.
 * Debian's APR makes a POSIX object for it, whose name is "ShM." and two hashes of the path. The
 * object begins with its size.
 *
 *     cc -o apr apr.c $(pkg-config --cflags --libs apr-1)
 */
#include <apr_general.h>
#include <apr_shm.h>
#include <stdio.h>
#include <string.h>

static apr_pool_t *pool;
static apr_shm_t  *shm;

static apr_status_t
obey(const char *command, const char *argument)
{
    if (strcmp(command, "create") == 0)
        return apr_shm_create(&shm, 4096, argument, pool);
    if (strcmp(command, "open") == 0)
        return apr_shm_attach(&shm, argument, pool);
    if (strcmp(command, "destroy") == 0)
        return apr_shm_remove(argument, pool);
    if (strcmp(command, "write") == 0)
        strcpy(apr_shm_baseaddr_get(shm), argument);
    return strcmp(command, "close") == 0 ? apr_shm_detach(shm) : APR_SUCCESS;
}

int
main(void)
{
    char         line[256], reference[256] = "", *argument;
    apr_status_t r;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        argument = line + strcspn(line, " ");
        if (*argument != '\0')
            *argument++ = '\0';
        if (strcmp(line, "create") == 0 || strcmp(line, "open") == 0)
            strcpy(reference, argument);
        r = obey(line, strcmp(line, "destroy") == 0 ? reference : argument);
        puts(r != APR_SUCCESS            ? "no"
             : strcmp(line, "read") == 0 ? (char *)apr_shm_baseaddr_get(shm)
                                         : "ok");
        fflush(stdout);
    }
    _Exit(0); /* otherwise the pool destroys what it has made */
}
