/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of users and groups for the command that is linked statically, with the interface of
 * libbsd. They come only from /etc/passwd and /etc/group. The functions of the C library would load
 * its plug-ins, which may be missing in a container, or of another version.
 */
#include <bsd/grp.h>
#include <bsd/pwd.h>
#include <stdio.h>
#include <string.h>

/* Finds the entry of that name or, if name is NULL, of that number. */
static struct passwd *
find_user(FILE *f, const char *name, uid_t uid)
{
    struct passwd *entry = NULL;

    while (f != NULL && (entry = fgetpwent(f)) != NULL)
        if (name != NULL ? strcmp(entry->pw_name, name) == 0 : entry->pw_uid == uid)
            break;
    if (f != NULL)
        fclose(f);
    return entry;
}

static struct group *
find_group(FILE *f, const char *name, gid_t gid)
{
    struct group *entry = NULL;

    while (f != NULL && (entry = fgetgrent(f)) != NULL)
        if (name != NULL ? strcmp(entry->gr_name, name) == 0 : entry->gr_gid == gid)
            break;
    if (f != NULL)
        fclose(f);
    return entry;
}

const char *
user_from_uid(uid_t uid, int nouser)
{
    static char    name[64];
    static uid_t   last = (uid_t)-1;
    struct passwd *entry;

    (void)nouser;
    if (uid == last)
        return name;
    entry = find_user(fopen("/etc/passwd", "re"), NULL, uid);
    if (entry != NULL)
        snprintf(name, sizeof name, "%s", entry->pw_name);
    else
        snprintf(name, sizeof name, "%u", (unsigned)uid);
    last = uid;
    return name;
}

const char *
group_from_gid(gid_t gid, int nogroup)
{
    static char   name[64];
    static gid_t  last = (gid_t)-1;
    struct group *entry;

    (void)nogroup;
    if (gid == last)
        return name;
    entry = find_group(fopen("/etc/group", "re"), NULL, gid);
    if (entry != NULL)
        snprintf(name, sizeof name, "%s", entry->gr_name);
    else
        snprintf(name, sizeof name, "%u", (unsigned)gid);
    last = gid;
    return name;
}

int
uid_from_user(const char *name, uid_t *uid)
{
    const struct passwd *entry = find_user(fopen("/etc/passwd", "re"), name, 0);

    if (entry == NULL)
        return -1;
    *uid = entry->pw_uid;
    return 0;
}

int
gid_from_group(const char *name, gid_t *gid)
{
    const struct group *entry = find_group(fopen("/etc/group", "re"), name, 0);

    if (entry == NULL)
        return -1;
    *gid = entry->gr_gid;
    return 0;
}
