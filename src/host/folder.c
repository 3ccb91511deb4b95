#include "host/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_PATH_MAX = 4096 };

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

/* As tor, links are not followed: whoever may write where a link lies would say whose folder is
 * given other rights and filled. */
static err_t open_dir(const char *dir, int *fd, struct conf_err *e)
{
    *fd = open(dir, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd >= 0)
        return OK;
    if (errno == ELOOP)
        return conf_fail(e, ERR_IO, "Directory %s is a symbolic link: name the folder itself", dir);
    return conf_fail(e, ERR_IO, "Directory %s cannot be read: %s", dir, strerror(errno));
}

static err_t check_owner(int fd, const char *dir, uid_t owner, struct stat *st, struct conf_err *e)
{
    if (fstat(fd, st) != 0)
        return conf_fail(e, ERR_IO, "Directory %s: %s", dir, strerror(errno));
    if (!S_ISDIR(st->st_mode))
        return conf_fail(e, ERR_IO, "%s is not a directory", dir);
    if (st->st_uid != owner)
        return conf_fail(
            e, ERR_IO,
            "%s is not owned by this user (%d) but by user %d. Perhaps you are running "
            "Tunic as the wrong user?",
            dir, (int)owner, (int)st->st_uid);
    return OK;
}

static err_t fix_mode(int fd, const char *dir, mode_t mode, bool group_readable,
                      const struct log *log, struct conf_err *e)
{
    mode_t unwanted = group_readable ? 027 : 077;
    mode_t want = (mode & ~unwanted) | 0700 | (group_readable ? 050 : 0);
    if (mode == want)
        return OK;
    if (mode & unwanted)
        log_warn(log, "Fixing permissions on directory %s", dir);
    if (fchmod(fd, want) != 0)
        return conf_fail(e, ERR_IO, "Could not chmod directory %s: %s", dir, strerror(errno));
    return OK;
}

static err_t open_private(const char *dir, bool group_readable, const char *owner,
                          const struct log *log, int *fd, struct conf_err *e)
{
    uid_t uid;
    struct stat st;
    TRY(owner_of(owner, &uid, e));
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return conf_fail(e, ERR_IO, "%s", strerror(errno));
    TRY(open_dir(dir, fd, e));
    err_t err = check_owner(*fd, dir, uid, &st, e);
    if (err == OK)
        err = fix_mode(*fd, dir, st.st_mode & 07777, group_readable, log, e);
    if (err != OK)
        close(*fd);
    return err;
}

static err_t fail(const char *dir, err_t err, const struct conf_err *why, struct conf_err *e)
{
    return conf_fail(e, err, "Couldn't create private data directory \"%s\": %.500s", dir,
                     why->text);
}

err_t folder_open(const char *dir, bool group_readable, const char *owner, const struct log *log,
                  int *fd, struct conf_err *e)
{
    struct conf_err why;
    err_t err = open_private(dir, group_readable, owner, log, fd, &why);
    if (err == OK)
        return OK;
    *fd = -1;
    return fail(dir, err, &why, e);
}

void folder_of(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash)
        slash[slash == out] = 0;
    else
        snprintf(out, size, ".");
}

/* DIR is not there: whether it can be made. */
static err_t check_parent(const char *dir, struct conf_err *e)
{
    char parent[FOLDER_PATH_MAX];
    folder_of(dir, parent, sizeof parent);
    if (access(parent, W_OK | X_OK) != 0)
        return conf_fail(e, ERR_IO, "%s", strerror(errno));
    return OK;
}

static err_t check_private(const char *dir, struct conf_err *e)
{
    struct stat st;
    int fd;
    if (lstat(dir, &st) != 0 && errno == ENOENT)
        return check_parent(dir, e);
    TRY(open_dir(dir, &fd, e));
    err_t err = check_owner(fd, dir, geteuid(), &st, e);
    close(fd);
    return err;
}

err_t folder_check(const char *dir, struct conf_err *e)
{
    struct conf_err why;
    err_t err = check_private(dir, &why);
    return err == OK ? OK : fail(dir, err, &why, e);
}

err_t folder_lock(int dir_fd, const char *dir, int *fd, struct conf_err *e)
{
    *fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return conf_fail(e, ERR_IO, "Couldn't open \"%s/lock\" for locking: %s", dir,
                         strerror(errno));
    /* flock() is what Debian's tor uses on this file: the two must not share a folder either. */
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    int why = errno;
    close(*fd);
    *fd = -1;
    return conf_fail(e, why == EWOULDBLOCK ? ERR_STATE : ERR_IO, "Couldn't lock \"%s/lock\": %s",
                     dir, strerror(why));
}
