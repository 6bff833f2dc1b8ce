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
      "make a segment of shared memory; without NAME an anonymous one",
      "  --backend posix|sysv   where (default: what NAME says, else posix)\n"
      "  --mode MODE            permissions, octal (default: 600)\n"
      "  --from FILE            fill it before anybody can see it; -: standard input. The size of\n"
      "                         FILE is that of the segment, unless SIZE is given\n"
      "  --huge                 in huge pages, as far as there are any, on System V as well\n"
      "  --sparse               do not reserve the memory: pages come when they are touched\n"
      "  --ephemeral            it goes with its last holder: COMMAND, and who else opens it\n",
      run_create },
    { "hold", "NAME -- COMMAND...", "keep a segment open while COMMAND runs", NULL, run_hold },
    { "wait", "NAME", "wait until there is a segment of that name",
      "  --timeout SECONDS      at most so long (default: for ever)\n", run_wait },
    { "ls", "", "list all segments, who owns them, how large they are, and how many hold them",
      "  -J, --json             for programs: one array, sizes in bytes, unknown is null\n"
      "  -b, --bytes            sizes in bytes\n"
      "  -o, --output LIST      these columns, separated by commas; +LIST: these, too\n"
      "  -r, --raw              columns separated by one blank, nothing aligned\n"
      "  -0, --zero             names exactly as they are, each with a zero byte at its end\n"
      "  -P, --numeric-perms    permissions in octal\n"
      "  -s, --sort COLUMN      sort by name, size, resident, age or holders\n"
      "      --backend WHICH    only posix or sysv\n"
      "      --noheadings       without the first line and the total\n"
      "      --watch [SECONDS]  again and again, in place (default: every 2 seconds)\n",
      run_ls },
    { "stat", "NAME...", "tell all about segments, and which processes hold them",
      "  -J, --json             for programs: one array, with the processes of each\n", run_stat },
    { "read", "NAME", "print what is in a segment (dump it to standard output)",
      "  --offset SIZE          from there on (default: 0)\n"
      "  --count SIZE           so many bytes (default: to the end)\n",
      run_read },
    { "write", "NAME", "copy standard input into a segment",
      "  --offset SIZE          from there on (default: 0)\n", run_write },
    { "copy", "NAME NEW-NAME", "make a segment with the contents of another",
      "  --backend posix|sysv   of the new one (default: what NEW-NAME says, else posix)\n",
      run_copy },
    { "resize", "NAME SIZE", "grow or shrink a POSIX segment", NULL, run_resize },
    { "chmod", "MODE NAME...", "set permissions, octal", NULL, run_chmod },
    { "chown", "OWNER[:GROUP] NAME...", "change owner and group", NULL, run_chown },
    { "pin", "NAME [-- COMMAND...]", "lock a segment in RAM; a POSIX one while COMMAND runs", NULL,
      run_pin },
    { "unpin", "NAME...", "let System V segments be swapped out again", NULL, run_unpin },
    { "rm", "NAME... | --match GLOB...", "remove (delete, unlink) segments",
      "  --match GLOB           all of your own that match; of others, those that nobody uses\n",
      run_rm },
    { "gc", "[--match GLOB...]",
      "clean up: remove leftovers of dead processes, never what is in use",
      "  -n, --dry-run          only say what would be removed\n"
      "      --orphans          persistent segments that nobody holds (leaked ones), too\n"
      "      --match GLOB       only names that match: 'psm_*', 'sysv:*'\n"
      "      --older AGE        only what nobody has touched for so long: 90, 15m, 2h, 7d\n"
      "      --foreign          names of all other IPC namespaces, and not of dead ones alone\n"
      "  -J, --json             for programs: one array\n",
      run_gc },
    { "doctor", "", "check limits and settings: why sharing memory does not work here",
      "  -J, --json             for programs: one array\n", run_doctor },
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
           "A SIZE may end in K, M, G, T (powers of 1024). See shmx(1).\n");
}

static int
print_overview(void)
{
    size_t i;

    printf("usage: shmx COMMAND [ARGUMENT]...\nShared memory, POSIX and System V.\n\n");
    for (i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    printf(
        "\n'shmx COMMAND --help' tells more, and so does shmx(1). 'shmx --version' tells which.\n");
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
    ignore_broken_pipes();
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
