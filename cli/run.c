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

/* By these signals a write would end the program. */
static const int        of_writes[] = { SIGPIPE, SIGXFSZ };
static struct sigaction writes_before[2];

void
ignore_signals_of_writes(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    size_t           i;

    for (i = 0; i < 2; i++)
        sigaction(of_writes[i], &ignore, &writes_before[i]);
}

static void
restore_signals_of_writes(void)
{
    size_t i;

    for (i = 0; i < 2; i++)
        sigaction(of_writes[i], &writes_before[i], NULL);
}

void
leave_by_broken_pipe(void)
{
    restore_signals_of_writes();
    raise(SIGPIPE);
}

static void
on_interrupt(int signal)
{
    interrupted = signal;
}

/* Installs the handler, unless the signal is ignored. Without SA_RESTART, the signal interrupts a
   read that waits. */
static void
handle(int signal, void (*handler)(int))
{
    struct sigaction before, action = { .sa_handler = handler };

    if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(signal, &action, NULL);
}

static void
handle_interrupts(void (*handler)(int))
{
    handle(SIGINT, handler);
    handle(SIGTERM, handler);
    handle(SIGHUP, handler);
}

void
catch_interrupts(void)
{
    handle_interrupts(on_interrupt);
}

void
stop_catching_interrupts(void)
{
    handle_interrupts(SIG_DFL);
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

/* These are not passed on: signals that stop and continue a job, that tell of a fault in this
   program, or that this program ignores. */
static bool
is_passed_on(int signal)
{
    static const int others[] = { SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT,
                                  SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS };
    struct sigaction action;
    size_t           i;

    for (i = 0; i < sizeof others / sizeof *others; i++)
        if (signal == others[i])
            return false;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

/* A signal from the terminal also goes to the command itself. Any other signal is meant for the
   command. */
static bool
is_from_terminal(const siginfo_t *info)
{
    return info->si_code == SI_KERNEL
           && (info->si_signo == SIGINT || info->si_signo == SIGQUIT || info->si_signo == SIGWINCH);
}

/* Is called in the child. */
static void
become(char **command, const sigset_t *mask)
{
    int error;

    restore_signals_of_writes();
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    error = errno; /* complaining may change errno */
    complain_text(command[0], "%s", strerror(error));
    _exit(error == ENOENT ? 127 : 126);
}

/* The signals, one of which is SIGCHLD, are blocked and taken one by one. So the child has not been
   waited for when a signal is passed on, and no other process can have its pid. */
static int
wait_for_child(pid_t child, const char *name, const sigset_t *signals)
{
    siginfo_t info;
    pid_t     ended;
    int       status;

    while ((ended = waitpid(child, &status, WNOHANG)) == 0)
        if (sigwaitinfo(signals, &info) > 0 && info.si_signo != SIGCHLD && !is_from_terminal(&info))
            kill(child, info.si_signo);
    if (ended < 0)
        return complain_text(name, "%s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The signals stay blocked after the command has ended, because they were meant for the command. */
int
run_command(char **command)
{
    struct sigaction ordinary = { .sa_handler = SIG_DFL }, child_before;
    sigset_t         signals, before;
    pid_t            child;
    int              signal;

    fflush(stdout);
    sigaction(SIGCHLD, &ordinary, &child_before); /* an ignored child has no status */
    sigemptyset(&signals);
    for (signal = 1; signal <= SIGRTMAX; signal++)
        if (is_passed_on(signal))
            sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, &before);
    child = fork();
    if (child == 0) {
        sigaction(SIGCHLD, &child_before, NULL);
        become(command, &before);
    }
    return child < 0 ? complain_text(command[0], "%s", strerror(errno))
                     : wait_for_child(child, command[0], &signals);
}
