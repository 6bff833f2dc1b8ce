/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link by which a name leads to a System V segment: a symbolic link whose target says in plain
 * text where the segment is,
 *
 *     sysv:key=0x51a3 size=4096 ipc=4026531839
 *     sysv:id=98310 size=4096 ipc=4026531839 pid=812 pidns=4026531836
 *
 * with the size in bytes and the IPC namespace; and for an id, since ids are recycled, the creator.
 * Anybody can write a link, so what it says is compared with what the kernel says.
 */
#ifndef SHMX_LINK_H
#define SHMX_LINK_H

#include "../directory.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/shm.h>
#include <time.h>

#define LINK_TEXT_MAX 128

struct link {
    bool          by_key; /* else by id */
    int           number; /* the key or the id */
    uint64_t      size;
    unsigned long ipc; /* the namespace in which it means something */
    long          pid; /* by id: shm_cpid, and the namespace that counts it so */
    unsigned long pidns;
    /* Not in the text, but of the link: */
    uid_t           owner;
    struct timespec made, changed;
};

enum link_verdict {
    LINK_LIVE,    /* leads to its segment */
    LINK_GONE,    /* the segment does not exist any more */
    LINK_STRANGE, /* leads to a segment of people who did not make the link */
    LINK_HIDDEN,  /* there is one, and the caller may not examine it */
    LINK_ABROAD,  /* of another IPC namespace, or of nobody knows which */
};

void link_format(const struct link *link, char text[LINK_TEXT_MAX]);

/* 0, or -ELOOP: no text of link_format; then *link is left alone. */
int link_parse(const char *text, struct link *link);

/* The link at the entry. -ENOENT: none there; -ELOOP: a symbolic link, but not ours. */
int link_read(const char *entry, struct link *link, char text[LINK_TEXT_MAX]);

/* Take the link with that text away to a hidden entry; see directory_withdraw. */
int link_withdraw(const char *entry, const char *text, char hidden[DIRECTORY_HIDDEN_MAX]);

/* The same, and remove it. */
int link_remove(const char *entry, const char *text);

/* The id of the segment, or -ENOENT, or -EXDEV: of another IPC namespace, or another error. */
int link_locate(const struct link *link);

/* What the id, or error, that link_locate gave really is. ds is filled in if LIVE or STRANGE. */
enum link_verdict link_judge(const struct link *link, int id, struct shmid_ds *ds);

#endif
