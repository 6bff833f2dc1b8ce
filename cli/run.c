/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a command while a segment is held, and ending on signals. A signal that was ignored when
   the program was started, as nohup(1) does, stays ignored. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int interrupted;

static volatile pid_t child;

static struct sigaction pipes_before = { .sa_handler = SIG_DFL };

void
ignore_broken_pipes(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    sigaction(SIGPIPE, &ignore, &pipes_before);
}

void
leave_by_broken_pipe(void)
{
    sigaction(SIGPIPE, &pipes_before, NULL);
    raise(SIGPIPE);
}

static void
on_interrupt(int signal)
{
    interrupted = signal;
}

/* Installs the handler, unless the signal is ignored. */
static void
handle(int signal, const struct sigaction *action)
{
    struct sigaction before;

    if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(signal, action, NULL);
}

/* Without SA_RESTART, the signal interrupts a read that waits. */
void
catch_interrupts(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };

    handle(SIGINT, &action);
    handle(SIGTERM, &action);
    handle(SIGHUP, &action);
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

/* A signal from the terminal also goes to the command itself. Any other signal is meant for the
   command. */
static void
pass_on(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code != SI_KERNEL || (signal != SIGINT && signal != SIGQUIT && signal != SIGWINCH))
        kill(child, signal);
}

/* These are not passed on: signals that stop and continue a job, that tell of a child, or that tell
   of a fault in this program. */
static bool
is_passed_on(int signal)
{
    static const int others[] = { SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD,
                                  SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,  SIGPIPE };
    size_t           i;

    for (i = 0; i < sizeof others / sizeof *others; i++)
        if (signal == others[i])
            return false;
    return true;
}

static void
pass_on_signals(void)
{
    struct sigaction action = { .sa_sigaction = pass_on, .sa_flags = SA_RESTART | SA_SIGINFO };
    int              signal;

    for (signal = 1; signal <= SIGRTMAX; signal++)
        if (is_passed_on(signal))
            handle(signal, &action);
}

/* Is called in the child. */
static void
become(char **command, const sigset_t *mask)
{
    int error;

    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    error = errno; /* complaining may change errno */
    complain_text(command[0], "%s", strerror(error));
    _exit(error == ENOENT ? 127 : 126);
}

static int
wait_for_child(const char *name)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return complain_text(name, "%s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Signals are blocked until it is clear to which process they go. */
int
run_command(char **command)
{
    struct sigaction ordinary = { .sa_handler = SIG_DFL }, child_before;
    sigset_t         all, before;

    fflush(stdout);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    sigaction(SIGPIPE, &pipes_before, NULL);
    sigaction(SIGCHLD, &ordinary, &child_before); /* an ignored child has no status */
    child = fork();
    if (child == 0) {
        sigaction(SIGCHLD, &child_before, NULL);
        become(command, &before);
    }
    if (child > 0)
        pass_on_signals();
    sigprocmask(SIG_SETMASK, &before, NULL);
    return child < 0 ? complain_text(command[0], "%s", strerror(errno))
                     : wait_for_child(command[0]);
}
