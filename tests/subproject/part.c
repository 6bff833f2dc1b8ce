/* SPDX-License-Identifier: BSD-2-Clause */
int part_of_the_parent(void);

int
part_of_the_parent(void)
{
    return 1;
}
