/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a command while a segment is held, and being interrupted. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int interrupted;

static volatile pid_t child;

static void
on_interrupt(int signal)
{
    interrupted = signal;
}

/* Without SA_RESTART: a read that waits returns. */
void
catch_interrupts(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

void
leave_if_interrupted(void)
{
    if (interrupted == 0)
        return;
    signal(interrupted, SIG_DFL);
    raise(interrupted);
}

int
split_command(int argc, char **argv, char ***command)
{
    int i;

    *command = NULL;
    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            if (i + 1 < argc)
                *command = argv + i + 1;
            return i;
        }
    return argc;
}

static void
pass_on(int signal)
{
    if (child > 0)
        kill(child, signal);
}

int
run_command(char **command)
{
    struct sigaction pass = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
    int              status;

    signal(SIGPIPE, SIG_DFL);
    child = fork();
    if (child < 0)
        return complain_text(command[0], "%s", strerror(errno));
    if (child == 0) {
        execvp(command[0], command);
        complain_text(command[0], "%s", strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    /* The terminal tells both of us; what others send to us is meant for the command. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    sigaction(SIGTERM, &pass, NULL);
    sigaction(SIGHUP, &pass, NULL);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return complain_text(command[0], "%s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
