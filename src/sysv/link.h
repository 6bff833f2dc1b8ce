/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link by which a name leads to a System V segment. It is a symbolic link whose target says in
 * plain text where the segment is.
 *
 *     sysv:key=0x7a1c51a3 size=4096 ipc=4026531839
 *     sysv:key=0x51a3 size=4096 ipc=4026531839 raw
 *     sysv:id=98310 size=4096 ipc=4026531839 pid=812 pidns=4026531836
 *
 * The text contains the size in bytes and the IPC namespace. The word raw tells that the key was
 * given to the library and is not random. Because ids are recycled, the text of an id also names
 * the creator of the segment, and the link's time of modification is the time at which the kernel
 * says that the segment was last changed. Anybody can write a link. So the text is compared with
 * what the kernel says, and the owner of the link with the owner and the creator of the segment.
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
    bool          by_key; /* by key, or else by id */
    bool          raw;    /* by key: the key was given to the library */
    int           number; /* the key or the id */
    uint64_t      size;
    unsigned long ipc;        /* the namespace of the key or id; 0 if unknown */
    uint64_t      pid, pidns; /* by id: shm_cpid, and the pid namespace of that pid */
    /* These are not in the text. They are attributes of the link itself. */
    time_t          time, next; /* by id: shm_ctime, and the same or what it is about to become */
    uid_t           owner;
    gid_t           group;
    nlink_t         names;
    struct timespec changed;
};

enum link_verdict {
    LINK_LIVE, /* the link leads to its segment */
    LINK_GONE, /* the segment is gone, or never belonged to the link */
    /* Nobody here can tell. The segment is in another IPC namespace, belongs to a user who is not
       mapped, cannot be examined, or was changed since the link was made. */
    LINK_UNKNOWN
};

/* A link, and what was found when it was followed. */
struct lead {
    struct link       link;
    char              text[LINK_TEXT_MAX];
    enum link_verdict verdict;
    int               error; /* if not LINK_LIVE: -ENOENT, or why nobody can tell */
    struct shmx_stat  st;    /* if LINK_LIVE: what the kernel says of the segment */
};

/* Describes a link to the segment, by its key if it has one. Returns 0 or a negative errno
   value. */
int shmx_link_describe(const struct shmx_stat *st, unsigned long ipc, struct link *link);

void shmx_link_format(const struct link *link, char text[LINK_TEXT_MAX]);

/* Returns whether an entry that is not a link of this library gives this error when it is read. */
bool shmx_link_is_absent(int error);

/* Parses what shmx_link_format has written. Returns 0, or -ELOOP for any other text. *link is
   undefined in that case. */
int shmx_link_parse(const char *text, struct link *link);

/* Reads the link at the entry. -ENOENT means that the entry is not a link, and -ELOOP that the
   library has not made it. */
int shmx_link_read(const char *entry, struct link *link, char text[LINK_TEXT_MAX]);

/* Returns the id of the segment, or a negative errno value. -ENOENT means that there is no segment,
   and -EXDEV that it is in another IPC namespace. */
int shmx_link_locate(const struct link *link);

/* Returns whether shmx_link_locate may have given this result because the segment is in another IPC
   namespace. */
bool shmx_link_is_foreign(const struct link *link, int id);

/* Compares the link with what the kernel says of the id that shmx_link_locate gave, which may also
   be an error. Fills in verdict, error and st. Returns true if the segment was changed and its link
   may be about to follow. */
bool shmx_link_judge(struct lead *lead, int id);

/* Reads, locates and judges. Returns 0 or an error of shmx_link_read. */
int shmx_link_follow(const char *entry, struct lead *lead);

/* Returns whether the link means the segment that st describes. */
bool shmx_link_matches(const struct link *link, const struct shmx_stat *st);

/* Removes the entry if it is the link with that text. If id is not negative, the segment of that id
   is removed first. */
int shmx_link_remove(const char *entry, const char *text, int id);

/* Opens the link with that text and returns the descriptor, which the caller closes. -ENOENT means
   that the entry is another one. Changes through the descriptor apply to that link, whatever
   becomes of the entry. */
int shmx_link_open(const char *entry, const char *text);

/* Gives a link by id these two times. */
int shmx_link_set_time(int fd, time_t time, time_t next);

int shmx_link_chown(int fd, uid_t uid, gid_t gid);

#endif
