/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link by which a name leads to a System V segment: a symbolic link whose target says in plain
 * text where the segment is,
 *
 *     sysv:key=0x7a1c51a3 size=4096 ipc=4026531839
 *     sysv:key=0x51a3 size=4096 ipc=4026531839 raw
 *     sysv:id=98310 size=4096 ipc=4026531839 pid=812 pidns=4026531836
 *
 * with the size in bytes and the IPC namespace; whether the key was given to the library, and is
 * not random; and for an id, since ids are recycled, the segment's creator. A link by id has the
 * time of the segment's last change, as the kernel tells it, for its own time of modification.
 * Anybody can write a link. So what the link says is compared with what the kernel says, and its
 * owner with the segment's owner and creator.
 */
#ifndef SHMX_LINK_H
#define SHMX_LINK_H

#include "../directory.h"
#include "shmx.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LINK_TEXT_MAX 160

struct link {
    bool          by_key; /* else by id */
    bool          raw;    /* by key: one that was given */
    int           number; /* the key or the id */
    uint64_t      size;
    unsigned long ipc;        /* the namespace in which it means something; 0: unknown */
    uint64_t      pid, pidns; /* by id: shm_cpid, and the namespace that counts it so */
    /* Not in the text, but of the link: */
    time_t          time, next; /* by id: shm_ctime; and what it is about to be, or the same */
    uid_t           owner;
    nlink_t         names;
    struct timespec changed;
};

enum link_verdict {
    LINK_LIVE,   /* leads to its segment */
    LINK_GONE,   /* leads nowhere: the segment is gone, or was never the link's */
    LINK_UNKNOWN /* nobody here can tell: the segment is of another IPC namespace, or of a user who
                    is not mapped, or secret, or was changed since the link was made */
};

/* A link, where it leads, and what is there. */
struct lead {
    struct link       link;
    char              text[LINK_TEXT_MAX];
    enum link_verdict verdict;
    int               error; /* else: -ENOENT, or why nobody can tell */
    struct shmx_stat  st;    /* LINK_LIVE: of the segment */
};

/* A link to that segment, by its key if it has one. 0 or -errno. */
int shmx_link_describe(const struct shmx_stat *st, unsigned long ipc, struct link *link);

void shmx_link_format(const struct link *link, char text[LINK_TEXT_MAX]);

/* Whether that is an error of reading that every entry can have which is no link of ours. */
bool shmx_link_is_absent(int error);

/* 0, or -ELOOP: no text of shmx_link_format; then *link is undefined. */
int shmx_link_parse(const char *text, struct link *link);

/* The link at the entry. -ENOENT: none there; -ELOOP: a symbolic link, but not ours. */
int shmx_link_read(const char *entry, struct link *link, char text[LINK_TEXT_MAX]);

/* The id of the segment, or -ENOENT, or another error; -EXDEV: of another IPC namespace. */
int shmx_link_locate(const struct link *link);

/* Whether what shmx_link_locate gave may be so because the segment is in another IPC namespace. */
bool shmx_link_is_foreign(const struct link *link, int id);

/* Compare with what the kernel says of the id (or error) that shmx_link_locate gave: fills in
   verdict, error and st. True: the segment was changed, and its link may be about to follow. */
bool shmx_link_judge(struct lead *lead, int id);

/* All of that. 0, or an error of shmx_link_read. */
int shmx_link_follow(const char *entry, struct lead *lead);

/* Whether that segment, as the kernel describes it, is the one that the link means. */
bool shmx_link_matches(const struct link *link, const struct shmx_stat *st);

/* Remove the entry if it is the link with that text; before that the segment of that id, if it is
   not negative. */
int shmx_link_remove(const char *entry, const char *text, int id);

/* A descriptor of the link with that text, to be closed; -ENOENT: the entry is another one. What is
   changed through it is that link, whatever becomes of the entry. */
int shmx_link_open(const char *entry, const char *text);

/* Give the link by id these times. */
int shmx_link_set_time(int fd, time_t time, time_t next);

/* Give the link to another owner. */
int shmx_link_chown(int fd, uid_t uid, gid_t gid);

#endif
