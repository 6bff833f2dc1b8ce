/* SPDX-License-Identifier: BSD-2-Clause */
/* replay DIRECTORY gives each file of a corpus to the fuzz target, where there is no libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>

static void
replay(const char *path)
{
    static uint8_t data[1 << 16];
    FILE          *f = fopen(path, "re");

    must(f != NULL);
    LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, f));
    fclose(f);
}

int
main(int argc, char **argv)
{
    char           path[PATH_MAX];
    struct dirent *d;
    int            count = 0;
    DIR           *dir = argc == 2 ? opendir(argv[1]) : NULL;

    must(dir != NULL);
    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], d->d_name);
        replay(path);
        count++;
    }
    closedir(dir);
    printf("replayed %d inputs\n", count);
    return count == 0;
}
