/* SPDX-License-Identifier: BSD-2-Clause */
#include "random.h"

#include "failure.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int
random_fill(void *buf, size_t size)
{
    while (getrandom(buf, size, 0) != (ssize_t)size)
        if (errno != EINTR) /* only before the system has gathered any */
            return failure();
    return 0;
}
