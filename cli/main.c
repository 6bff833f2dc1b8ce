/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx, the command for shared memory. */
#include "cli.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
    { "create", "[NAME] [SIZE] [-- COMMAND...]",
      "make a segment of shared memory, an anonymous one if there is no NAME",
      "  --backend posix|sysv   the backend (default: the one in NAME, or else posix)\n"
      "  --mode MODE            the permissions, in octal (default: 600)\n"
      "  --from FILE            fill the segment from FILE (- is standard input) before others "
      "can\n"
      "                         see it; without SIZE, the segment gets the size of FILE\n"
      "  --huge                 use huge pages as far as there are any, on System V as well\n"
      "  --sparse               do not reserve memory: pages are made when they are touched\n"
      "  --ephemeral            the segment goes with its last holder; it is held while COMMAND\n"
      "                         runs\n",
      run_create },
    { "hold", "NAME -- COMMAND...", "keep a segment open while COMMAND runs", NULL, run_hold },
    { "wait", "NAME", "wait until there is a segment of that name",
      "  --timeout SECONDS      wait no longer than this (default: for ever)\n", run_wait },
    { "ls", "", "list all segments with their owners, their sizes and the numbers of their holders",
      "  -J, --json             print a JSON array for programs: sizes in bytes, null if unknown\n"
      "  -b, --bytes            print sizes in bytes\n"
      "  -o, --output LIST      print these columns, separated by commas; +LIST adds columns\n"
      "  -r, --raw              separate columns by one blank, and align nothing\n"
      "  -0, --zero             print names exactly as they are, with a zero byte after each\n"
      "  -P, --numeric-perms    print permissions in octal\n"
      "  -s, --sort COLUMN      sort by name, size, resident, age or holders\n"
      "      --backend WHICH    list only posix or only sysv segments\n"
      "      --noheadings       print neither the headings nor the total\n"
      "      --watch [SECONDS]  print the list again and again (default: every 2 seconds)\n",
      run_ls },
    { "stat", "NAME...", "print all that is known about segments, and which processes hold them",
      "  -J, --json             print a JSON array for programs, with the processes of each "
      "segment\n",
      run_stat },
    { "read", "NAME", "print the contents of a segment (dump it to standard output)",
      "  --offset SIZE          begin at this byte (default: 0)\n"
      "  --count SIZE           print this many bytes (default: all up to the end)\n",
      run_read },
    { "write", "NAME", "copy standard input into a segment",
      "  --offset SIZE          begin at this byte (default: 0)\n", run_write },
    { "copy", "NAME NEW-NAME", "make a segment with the contents of another one",
      "  --backend posix|sysv   the new backend (default: the one in NEW-NAME, or else posix)\n",
      run_copy },
    { "resize", "NAME SIZE", "grow or shrink a POSIX segment", NULL, run_resize },
    { "chmod", "MODE NAME...", "set the permissions of segments, in octal", NULL, run_chmod },
    { "chown", "OWNER[:GROUP] NAME...", "change the owner and the group of segments", NULL,
      run_chown },
    { "pin", "NAME [-- COMMAND...]", "lock a segment in RAM, a POSIX segment while COMMAND runs",
      NULL, run_pin },
    { "unpin", "NAME...", "let System V segments be swapped out again", NULL, run_unpin },
    { "rm", "NAME... | --match GLOB...", "remove (delete, unlink) segments",
      "  --match GLOB           remove your segments that match, and unused ones of other users\n",
      run_rm },
    { "gc", "[--match GLOB...]",
      "clean up: remove what dead processes have left, and nothing that is in use",
      "  -n, --dry-run          only print what would be removed\n"
      "      --orphans          also remove persistent segments that nobody holds (leaked ones)\n"
      "      --match GLOB       remove only names that match, such as 'psm_*' or 'sysv:*'\n"
      "      --older AGE        remove only what nobody has used for this long: 90, 15m, 2h, 7d\n"
      "      --foreign          also remove names of segments of other IPC namespaces\n"
      "  -J, --json             print a JSON array for programs\n",
      run_gc },
    { "doctor", "", "check the limits and settings that can keep programs from sharing memory",
      "  -J, --json             print a JSON array for programs\n", run_doctor },
};

#define COMMANDS (sizeof commands / sizeof *commands)

const struct command *current;

static void
print_help(const struct command *command)
{
    printf("usage: shmx %s%s %s\n%s.\n", command->name,
           command->options != NULL ? " [OPTION]..." : "", command->arguments, command->summary);
    if (command->options != NULL)
        printf("\n%s", command->options);
    printf("\nA NAME is /frames, posix:/frames, sysv:/frames, sysv:key=0x51a3 or sysv:id=98310.\n"
           "A SIZE may end in K, M, G or T (powers of 1024). shmx(1) tells more.\n");
}

static int
print_overview(void)
{
    size_t i;

    printf("usage: shmx COMMAND [ARGUMENT]...\nShared memory, POSIX and System V.\n\n");
    for (i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    printf("\n'shmx COMMAND --help' and the manual page shmx(1) tell more. 'shmx --version' prints "
           "the "
           "version.\n");
    return finish_output();
}

/* The C library would print an unknown option without escaping it. */
static int
refuse_option(int option, char **argv, const struct option *options)
{
    const struct option *o = options;

    while (o->name != NULL && (optopt == 0 || o->val != optopt))
        o++;
    if (option == ':')
        wrong_use("'%s' needs a value", argv[optind - 1]);
    else if (optopt == 0 || o->name != NULL)
        wrong_use("wrong option '%s'", argv[optind - 1]);
    else
        wrong_use("wrong option '-%c'", optopt);
    return WRONG;
}

int
next_option(int argc, char **argv, const char *letters, const struct option *options)
{
    int option = getopt_long(argc, argv, letters, options, NULL);

    if (option == 'h') {
        print_help(current);
        exit(finish_output());
    }
    if (option == '?' || option == ':')
        exit(refuse_option(option, argv, options));
    return option;
}

int
check_arguments(int argc, int min, int max)
{
    const int count = argc - optind;

    if (count < min)
        return wrong_use("too few arguments");
    if (max >= 0 && count > max)
        return wrong_use("too many arguments");
    return OK;
}

int
parse_arguments(int argc, char **argv, int min, int max)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };

    next_option(argc, argv, ":h", options);
    return check_arguments(argc, min, max);
}

/* If descriptor 0, 1 or 2 is closed, the next segment that is opened would get its number, and
   messages would be written into the segment. Reading from these descriptors and writing to them
   fails, as if they were closed. */
static void
occupy_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static const struct command *
find_command(const char *name)
{
    size_t i;

    for (i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    occupy_standard_descriptors();
    setlocale(LC_ALL, "");
    ignore_signals_of_writes();
    opterr = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: shmx COMMAND [ARGUMENT]... (see 'shmx --help')\n");
        return WRONG;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_overview();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("shmx %s\n", shmx_version());
        return finish_output();
    }
    current = find_command(argv[1]);
    if (current != NULL)
        return current->run(argc - 1, argv + 1);
    complain_text(argv[1], "no such command (see 'shmx --help')");
    return WRONG;
}
