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

/* A subcommand. argv[0] is "shmx NAME". */
struct command {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;   /* one line, no full stop */
    const char *options;   /* lines for --help, or NULL */
    int (*run)(int argc, char **argv);
};

/* What is going on now, for messages. */
extern const struct command *current;

/* message.c: one line on standard error, of printable characters only. All return what is to be the
   exit status: note OK, complain and complain_text FAILED, wrong_use WRONG. */
int note(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
int complain(const char *name, int error);
int complain_text(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
int wrong_use(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether all that was printed got out; else complains. The exit status. */
int finish_output(void);
/* What is allocated; ends the program if that is NULL. */
void *must(void *allocated);
/* Room for one more item in an array of count, which is full at every power of two. */
void *grown(void *items, size_t count, size_t size);

/* main.c */
/* getopt_long, where --help prints the help and wrong options end the program. The letters begin
   with a colon. */
int next_option(int argc, char **argv, const char *letters, const struct option *options);
/* So many arguments from optind on, else WRONG; max -1: any number. */
int check_arguments(int argc, int min, int max);
/* A command without options but --help: that, and check_arguments. */
int parse_arguments(int argc, char **argv, int min, int max);

/* text.c: the whole text, or false. Numbers are decimal, or hexadecimal after 0x. */
bool parse_size(const char *text, uint64_t *size);
bool parse_mode(const char *text, mode_t *mode);
bool parse_age(const char *text, int64_t *seconds);
bool parse_owner(char *text, uid_t *uid, gid_t *gid);
bool parse_backend(const char *text, unsigned *flags);
void format_size(uint64_t size, bool bytes, char *text, size_t room);
void format_age(int64_t seconds, char *text, size_t room);

/* visible.c: of texts that anybody may have written. */
/* As printable characters of the locale and escapes of C; with blanks escaped as well, or not. To
   be freed. */
char *visible(const char *text, bool blanks);
/* How many columns of a terminal that takes. */
size_t columns_of(const char *shown);
bool   is_utf8(const char *text);
/* As a string of JSON, in ASCII. What is no UTF-8 becomes U+FFFD. */
void print_json_string(const char *text);

/* name.c: names in arguments, patterns and JSON. */
/* An argument that is a NAME. "posix:hex=6162" becomes "posix:/ab", in place. */
char *name_argument(char *text);
/* The text of a name that fits into a line and into JSON: itself, or that form. */
void print_json_name(const char *name);
/* Whether any of the patterns matches; none: everything does. */
struct patterns {
    char *const *items;
    size_t       count;
};
bool patterns_match(const struct patterns *patterns, const char *name);

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
/* SIGPIPE becomes an error like a full disk. */
void ignore_broken_pipes(void);
/* End by SIGPIPE, unless the caller of the command ignores that. */
void leave_by_broken_pipe(void);
/* Signals that end a process only set this, from now on; leave_if_interrupted then ends as they
   would have. */
extern volatile int interrupted;
void                catch_interrupts(void);
void                leave_if_interrupted(void);

/* contents.c: where a segment has contents. What was never written has no memory, and reading it
   would give it some, for good. */
struct contents {
    struct shmx *seg;
    void        *addr; /* System V: attached here; NULL: not to be told from holes */
    uint64_t     size;
};
int contents_begin(struct contents *contents, struct shmx *seg);
/* The next range with contents from offset on; false: there is none. */
bool contents_next(const struct contents *contents, uint64_t offset, uint64_t *from, uint64_t *to);
/* Whether the segment shrank since. */
bool contents_shrank(const struct contents *contents);

/* fill.c: making a segment of contents that come from elsewhere. */
struct source {
    const char     *name;
    int             fd;     /* read(2) from it, or */
    struct contents copied; /* from another segment */
    bool            whole;  /* it is an error if the file has become shorter */
    enum { FILLED, TOO_LARGE, SHRANK } trouble;
    struct progress progress;
};
struct creation {
    const char *name; /* NULL: anonymous */
    uint64_t    size;
    mode_t      mode;
    unsigned    flags;
};
/* A status; *seg is set if it is OK. */
int make_filled(const struct creation *c, struct source *source, const char *verb,
                struct shmx **seg);
/* How many bytes are to come from a file, from where it stands; 0: unknown. */
uint64_t input_size(int fd);
/* No more at a time. */
#define CHUNK ((size_t)1 << 20)

/* change.c: open for writing if that is allowed, else for reading. */
int open_any(const char *name, struct shmx **seg);

/* explain.c: why a segment of that size could not be made or grown. FAILED. */
int explain_creation(const struct creation *c, int error);

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
