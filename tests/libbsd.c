/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of libbsd that the library uses, for machines for which Debian does not have
   libbsd. */
#include <bsd/string.h>
#include <string.h>

size_t
strlcpy(char *to, const char *from, size_t room)
{
    const size_t length = strlen(from), fits = length < room ? length : room - 1;

    if (room > 0) {
        memcpy(to, from, fits);
        to[fits] = '\0';
    }
    return length;
}

size_t
strlcat(char *to, const char *from, size_t room)
{
    const size_t length = strnlen(to, room);

    return length + strlcpy(to + length, from, room - length);
}
