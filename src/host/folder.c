#include "host/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t owner_of(const char *owner, uid_t *uid, struct conf_err *e)
{
    *uid = geteuid();
    if (!owner)
        return OK;
    const struct passwd *pw = getpwnam(owner);
    if (!pw)
        return conf_fail(e, ERR_IO, "Unable to look up user \"%s\".", owner);
    *uid = pw->pw_uid;
    return OK;
}

static err_t check_open_dir(int fd, const char *dir, uid_t owner, bool group_readable,
                            const struct log *log, struct conf_err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return conf_fail(e, ERR_IO, "Directory %s: %s", dir, strerror(errno));
    if (st.st_uid != owner)
        return conf_fail(
            e, ERR_IO,
            "%s is not owned by this user (%d) but by user %d. Perhaps you are running "
            "Tunic as the wrong user?",
            dir, (int)owner, (int)st.st_uid);
    mode_t unwanted = group_readable ? 027 : 077, mode = st.st_mode & 07777;
    mode_t want = (mode & ~unwanted) | 0700 | (group_readable ? 050 : 0);
    if (mode == want)
        return OK;
    if (mode & unwanted)
        log_warn(log, "Fixing permissions on directory %s", dir);
    if (fchmod(fd, want) != 0)
        return conf_fail(e, ERR_IO, "Could not chmod directory %s: %s", dir, strerror(errno));
    return OK;
}

err_t folder_make_private(const char *dir, bool create, bool group_readable, const char *owner,
                          const struct log *log, struct conf_err *e)
{
    uid_t uid;
    struct conf_err inner;
    const char *verb = create ? "create" : "access";
    TRY(owner_of(owner, &uid, e));
    if (create && mkdir(dir, 0700) != 0 && errno != EEXIST)
        return conf_fail(e, ERR_IO, "Couldn't %s private data directory \"%s\": %s", verb, dir,
                         strerror(errno));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return conf_fail(e, ERR_IO, "Couldn't %s private data directory \"%s\": %s", verb, dir,
                         strerror(errno));
    err_t err = check_open_dir(fd, dir, uid, group_readable, log, &inner);
    close(fd);
    if (err == OK)
        return OK;
    log_warn(log, "%s", inner.text);
    return conf_fail(e, err, "Couldn't %s private data directory \"%s\": %s", verb, dir,
                     inner.text);
}

err_t folder_lock(const char *dir, int *fd, struct conf_err *e)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
        return conf_fail(e, ERR_ARG, "DataDirectory is too long.");
    *fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd < 0)
        return conf_fail(e, ERR_IO, "Couldn't open \"%s\" for locking: %s", path, strerror(errno));
    /* flock() is what Debian's tor uses on this file: the two must not share a folder either. */
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    int why = errno;
    close(*fd);
    *fd = -1;
    return conf_fail(e, why == EWOULDBLOCK ? ERR_STATE : ERR_IO, "Couldn't lock \"%s\": %s", path,
                     strerror(why));
}
