/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the command share. */
#ifndef CLI_H
#define CLI_H

#include "shmx.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* Exit statuses. */
#define OK     0
#define FAILED 1
#define WRONG  2

/* A subcommand. argv[0] is "shmx NAME", for messages. */
struct command {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;   /* one line, no full stop */
    const char *options;   /* lines for --help, or NULL */
    int (*run)(int argc, char **argv);
};

/* What is going on now, for messages. */
extern const struct command *current;

/* main.c: one line on standard error. Both return what is to be the exit status. */
int complain(const char *name, int error);
int complain_text(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
int wrong_use(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* getopt_long, where --help prints the help and wrong options end the program. */
int next_option(int argc, char **argv, const char *letters, const struct option *options);
/* Exactly so many arguments from optind on, else WRONG; max -1: any number. */
int check_arguments(int argc, int min, int max);
/* Whether all that was printed got out; else complains. The exit status. */
int finish_output(void);

/* text.c: the whole text, or false. */
bool parse_size(const char *text, uint64_t *size);
bool parse_mode(const char *text, mode_t *mode);
bool parse_owner(char *text, uid_t *uid, gid_t *gid);
bool parse_backend(const char *text, unsigned *flags);
void format_size(uint64_t size, bool bytes, char *text, size_t room);
void format_age(int64_t seconds, char *text, size_t room);
/* With odd bytes escaped, as vis(3) does; to be freed. Ends the program if there is no memory. */
char *visible(const char *text);
void *must(void *allocated);

/* progress.c: a line on a terminal, once something takes its time. */
struct progress {
    const char *verb;
    uint64_t    total; /* 0: unknown */
    uint64_t    done;
    double      start, shown; /* seconds */
};
void progress_begin(struct progress *p, const char *verb, uint64_t total);
void progress_add(struct progress *p, uint64_t bytes);
void progress_end(struct progress *p);

/* run.c */
/* argc up to the first "--"; *command is what stands behind it, or NULL. */
int split_command(int argc, char **argv, char ***command);
/* Run it and wait: its exit status, 128 + the signal that ended it, 126 or 127. */
int run_command(char **command);
/* SIGINT and SIGTERM only set this, from now on; leave_if_interrupted then ends as they would have.
 */
extern volatile int interrupted;
void                catch_interrupts(void);
void                leave_if_interrupted(void);

/* users.c: who has which segment mapped or open, as far as /proc lets the caller see. */
struct user {
    bool     sysv;
    uint64_t dev, ino; /* POSIX; System V: ino is the id */
    pid_t    pid;
};
struct users {
    struct user *items;
    size_t       count;
};
void   users_find(struct users *users);
size_t users_count(const struct users *users, const struct shmx_stat *st);
bool   users_match(const struct user *user, const struct shmx_stat *st);
/* The command's name of the process, or "?". */
void process_name(pid_t pid, char *name, size_t room);

/* The subcommands. */
int run_create(int argc, char **argv);
int run_hold(int argc, char **argv);
int run_wait(int argc, char **argv);
int run_ls(int argc, char **argv);
int run_stat(int argc, char **argv);
int run_read(int argc, char **argv);
int run_write(int argc, char **argv);
int run_copy(int argc, char **argv);
int run_resize(int argc, char **argv);
int run_chmod(int argc, char **argv);
int run_chown(int argc, char **argv);
int run_pin(int argc, char **argv);
int run_unpin(int argc, char **argv);
int run_rm(int argc, char **argv);
int run_gc(int argc, char **argv);
int run_doctor(int argc, char **argv);

#endif
