/* SPDX-License-Identifier: BSD-2-Clause */
/* Declarations that the parts of the command share. */
#ifndef CLI_H
#define CLI_H

#include "shmx.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#define OK     0
#define FAILED 1
#define WRONG  2

/* A subcommand. argv[0] of run is its name. */
struct command {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;   /* one line without a full stop */
    const char *options;   /* lines for --help, or NULL */
    int (*run)(int argc, char **argv);
};

/* The subcommand that is running, for messages. */
extern const struct command *current;

/* message.c. These print one line of printable characters on standard error, and return the exit
   status: note returns OK, complain and complain_text return FAILED, and wrong_use returns
   WRONG. */
int note(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
int complain(const char *name, int error);
int complain_text(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
int wrong_use(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Complains if some of the output could not be written. Returns the exit status. */
int finish_output(void);
/* Returns what was allocated. If that is NULL, the program ends. */
void *must(void *allocated);
/* Makes room for one more item in an array of count items, which is full at every power of two. */
void *grown(void *items, size_t count, size_t size);

/* main.c */
/* Does what getopt_long(3) does. --help prints the help, and a wrong option ends the program.
   letters begins with a colon. */
int next_option(int argc, char **argv, const char *letters, const struct option *options);
/* Returns WRONG unless there are from min to max arguments from optind on. If max is -1, there may
   be any number of them. */
int check_arguments(int argc, int min, int max);
/* Parses the arguments of a subcommand that has no option but --help. */
int parse_arguments(int argc, char **argv, int min, int max);

/* text.c. The parsers take the whole text, or return false. Numbers are decimal, or hexadecimal
   after 0x. */
bool parse_size(const char *text, uint64_t *size);
bool parse_mode(const char *text, mode_t *mode);
bool parse_age(const char *text, int64_t *seconds);
bool parse_owner(char *text, uid_t *uid, gid_t *gid);
bool parse_backend(const char *text, unsigned *flags);
void format_size(uint64_t size, bool bytes, char *text, size_t room);
void format_age(int64_t seconds, char *text, size_t room);

/* visible.c, for texts that anybody may have written. */
/* Gives the text with printable characters of the locale and escapes of C. blanks tells whether
   blanks are escaped as well. The caller frees the result. */
char *visible(const char *text, bool blanks);
/* Returns how many columns of a terminal the text takes. */
size_t columns_of(const char *shown);
bool   is_utf8(const char *text);
/* Prints the text as a string of JSON, in ASCII. U+FFFD replaces what is not UTF-8. */
void print_json_string(const char *text);

/* name.c, for names in arguments, patterns and JSON. */
/* Takes an argument that is a NAME, and turns "posix:hex=6162" into "posix:/ab", in place. */
char *name_argument(char *text);
/* Prints a name that has a slash in the form with hex=. */
void print_hex_name(const char *name);
/* Prints the name in a form that fits into a line and into JSON: itself, or the form with hex=. */
void print_json_name(const char *name);
/* The name matches if one of the patterns matches it, or if there are no patterns. */
struct patterns {
    char *const *items;
    size_t       count;
};
bool patterns_match(const struct patterns *patterns, const char *name);

/* progress.c, for a line on a terminal about something that takes long. */
struct progress {
    const char *verb;
    uint64_t    total; /* 0 if unknown */
    uint64_t    done;
    double      start, shown; /* in seconds */
};
void progress_begin(struct progress *p, const char *verb, uint64_t total);
void progress_add(struct progress *p, uint64_t bytes);
void progress_end(struct progress *p);

/* run.c */
/* Returns the number of arguments before the first "--". *command is what follows it, or NULL. */
int split_command(int argc, char **argv, char ***command);
/* Runs the command and waits for it. Returns the exit status of the command, 128 plus the signal
   that ended it, 126 or 127. */
int run_command(char **command);
/* From now on, a broken pipe and the limit on the size of files are errors like a full disk. */
void ignore_signals_of_writes(void);
/* Ends the program by SIGPIPE, unless whoever started the program ignores that signal. */
void leave_by_broken_pipe(void);
/* Between these two, a signal that would end the program only sets interrupted to its number. */
extern volatile int interrupted;
void                catch_interrupts(void);
void                stop_catching_interrupts(void);

/* contents.c. Tells which parts of a segment have contents. A part that was never written to has no
   memory, and reading it would give it memory for good. */
struct contents {
    struct shmx *seg;
    void        *addr; /* System V: where the segment is attached; NULL if holes cannot be told */
    uint64_t     size;
};
int contents_begin(struct contents *contents, struct shmx *seg);
/* Gives the next range with contents from offset on. Returns false if there is none. */
bool contents_next(const struct contents *contents, uint64_t offset, uint64_t *from, uint64_t *to);
/* Returns whether the segment has shrunk since contents_begin. */
bool contents_shrank(const struct contents *contents);

/* fill.c, for making a segment whose contents come from elsewhere. */
struct source {
    const char     *name;
    int             fd;     /* read(2) gives the contents, or */
    struct contents copied; /* another segment does */
    bool            whole;  /* it is an error if the file has become shorter */
    int             error;  /* of a read that failed, or 0 */
    enum { FILLED, TOO_LARGE, SHRANK } trouble;
    struct progress progress;
};
struct creation {
    const char *name; /* NULL for an anonymous segment */
    uint64_t    size;
    mode_t      mode;
    unsigned    flags;
};
/* Returns an exit status. If it is OK, *seg is set. */
int make_filled(const struct creation *c, struct source *source, const char *verb,
                struct shmx **seg);
/* Returns how many bytes a file has from its current position on, or 0 if that is unknown. */
uint64_t input_size(int fd);
/* The largest number of bytes that are copied at a time. */
#define CHUNK ((size_t)1 << 20)

/* change.c. Opens the segment for writing if that is allowed, otherwise for reading. */
int open_any(const char *name, struct shmx **seg);

/* explain.c. Says why a segment of that size could not be made or grown. Returns FAILED. */
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
