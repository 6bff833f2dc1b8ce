/* SPDX-License-Identifier: BSD-2-Clause */
/* shmx: shared memory from the shell. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command commands[] = {
    { "create", "[NAME] SIZE [-- COMMAND...]", "make a segment; without NAME an anonymous one",
      "  --backend posix|sysv   where (default: what NAME says, else posix)\n"
      "  --mode MODE            permissions, octal (default: 600)\n"
      "  --from FILE            fill it before anybody can see it; -: standard input\n"
      "  --huge                 in huge pages, as far as there are any, on System V as well\n"
      "  --sparse               do not reserve the memory\n"
      "  --ephemeral            it goes with its last holder: COMMAND, and who else opens it\n",
      run_create },
    { "hold", "NAME -- COMMAND...", "keep a segment open while COMMAND runs", NULL, run_hold },
    { "wait", "NAME", "wait until there is a segment of that name",
      "  --timeout SECONDS      at most so long (default: for ever)\n", run_wait },
    { "ls", "", "show every segment of both backends",
      "  -J, --json             for programs: one array, sizes in bytes, unknown is null\n"
      "  -b, --bytes            sizes in bytes\n"
      "  -o, --output LIST      these columns, separated by commas; +LIST: these, too\n"
      "  -r, --raw              columns separated by one blank, nothing aligned\n"
      "  -P, --numeric-perms    permissions in octal\n"
      "  -s, --sort COLUMN      sort by name, size, resident, age or holders\n"
      "      --backend WHICH    only posix or sysv\n"
      "      --noheadings       without the first line\n"
      "      --time-format HOW  short, full or iso\n",
      run_ls },
    { "stat", "NAME...", "tell all about segments, and who holds them",
      "  -b, --bytes            sizes in bytes only\n", run_stat },
    { "read", "NAME", "copy a segment to standard output",
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
    { "pin", "NAME [-- COMMAND...]", "keep a segment in RAM; a POSIX one while COMMAND runs", NULL,
      run_pin },
    { "unpin", "NAME...", "let System V segments be swapped out again", NULL, run_unpin },
    { "rm", "NAME...", "remove segments", NULL, run_rm },
    { "gc", "", "remove what is dead: names of nothing, ephemeral segments without a holder",
      "  -n, --dry-run          only say what would be removed\n"
      "      --orphans          persistent segments that nobody holds, too\n",
      run_gc },
    { "doctor", "", "say whether the settings of this machine let sharing work", NULL, run_doctor },
};

#define COMMANDS (sizeof commands / sizeof *commands)

const struct command *current;

/* What the words of the library leave open, from the shell's side. */
static const char *
hint(int error)
{
    switch (-error) {
    case EEXIST:
        return " ('shmx rm' removes it)";
    case ENOSPC:
    case ENOMEM:
        return " ('shmx doctor' shows the limits, 'shmx gc' removes what is dead)";
    case EXDEV:
        return " ('nsenter --ipc' enters it)";
    default:
        return "";
    }
}

int
complain(const char *name, int error)
{
    return complain_text(name, "%s%s", shmx_strerror(error), hint(error));
}

int
complain_text(const char *name, const char *format, ...)
{
    char   *shown = visible(name);
    va_list args;

    fprintf(stderr, "shmx: %s: ", shown);
    free(shown);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    return FAILED;
}

int
wrong_use(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "shmx %s: ", current->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (see 'shmx %s --help')\n", current->name);
    return WRONG;
}

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

int
next_option(int argc, char **argv, const char *letters, const struct option *options)
{
    int option = getopt_long(argc, argv, letters, options, NULL);

    if (option == 'h') {
        print_help(current);
        exit(finish_output());
    }
    if (option == '?')
        exit(WRONG);
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
finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OK;
    return complain_text("standard output", "%s", strerror(errno));
}

int
main(int argc, char **argv)
{
    char   title[32];
    size_t i;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error like a full disk */
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
    for (i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            current = &commands[i];
            snprintf(title, sizeof title, "shmx %s", current->name);
            argv[1] = title;
            return current->run(argc - 1, argv + 1);
        }
    fprintf(stderr, "shmx: no command '%s' (see 'shmx --help')\n", argv[1]);
    return WRONG;
}
