/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program does first that uses the library, on both backends. */
#include <shmx.h>
#include <stdio.h>
#include <string.h>

static int
use(unsigned backend)
{
    struct shmx *seg;
    void        *addr;
    char         text[6];
    int          r = shmx_create(NULL, 100, 0600, backend | SHMX_EPHEMERAL, &seg);

    if (r < 0)
        return r;
    r = shmx_attach(seg, 0, &addr);
    if (r == 0) {
        memcpy(addr, "hello", 6);
        r = shmx_read(seg, text, 6, 0) == 6 && strcmp(text, "hello") == 0 ? (int)shmx_size(seg)
                                                                          : -1;
    }
    shmx_close(seg);
    return r;
}

int
main(void)
{
    printf("%s %d %d\n", shmx_version(), use(SHMX_POSIX), use(SHMX_SYSV));
    return 0;
}
