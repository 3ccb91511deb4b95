#include "net/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 96, OPEN_MODE = 0600, ASIDE_MAX = 100 };

struct files {
    int dir_fd;
    char *dir; /* for messages */
    struct log *log;
};

err_t files_open(int gift_fd, const char *dir, struct log *log, struct files **out)
{
    struct files *f = calloc(1, sizeof *f);
    char *name = strdup(dir);
    if (!f || !name) {
        close(gift_fd);
        free(f);
        free(name);
        return ERR_NOMEM;
    }
    *f = (struct files){gift_fd, name, log};
    *out = f;
    return OK;
}

void files_close(struct files *f)
{
    if (!f)
        return;
    close(f->dir_fd);
    free(f->dir);
    free(f);
}

const char *files_dir(const struct files *f)
{
    return f->dir;
}

int files_fd(const struct files *f)
{
    return f->dir_fd;
}

static err_t complain(struct files *f, const char *what, const char *name)
{
    int error = errno;
    log_warn(f->log, "Could not %s \"%s/%s\": %s.%s", what, f->dir, name, strerror(error),
             error == ENOSPC || error == EDQUOT ? " Free some disk space; until then nothing is "
                                                  "kept for the next start."
                                                : "");
    return ERR_IO;
}

/* Up to LEN bytes, fewer only at the end of the file; -1 on error. */
static ssize_t read_all(int fd, uint8_t *to, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, to + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static err_t load_fd(struct files *f, int fd, const char *name, uint8_t **out, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return complain(f, "read", name);
    if (!S_ISREG(st.st_mode)) {
        log_warn(f->log, "\"%s/%s\" is not a file: it is not read", f->dir, name);
        return ERR_IO;
    }
    if (st.st_size > FILES_LOAD_MAX) {
        log_warn(f->log, "\"%s/%s\" is too large, with %lld MB: no more than %d MB are read",
                 f->dir, name, (long long)(st.st_size >> 20), FILES_LOAD_MAX >> 20);
        return ERR_LIMIT;
    }
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return ERR_NOMEM;
    ssize_t got = read_all(fd, bytes, (size_t)st.st_size);
    if (got < 0) {
        free(bytes);
        return complain(f, "read", name);
    }
    *out = bytes;
    *len = (size_t)got;
    return OK;
}

err_t files_load(struct files *f, const char *name, uint8_t **out, size_t *len)
{
    int fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : complain(f, "read", name);
    err_t e = load_fd(f, fd, name, out, len);
    close(fd);
    return e;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Writes, syncs and closes FD; errno tells of the first failure. */
static bool finish(int fd, const void *bytes, size_t len)
{
    bool good = write_all(fd, bytes, len) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && good)
        return false;
    errno = error;
    return good;
}

err_t files_replace(struct files *f, const char *name, const void *bytes, size_t len)
{
    char aside[NAME_SIZE];
    snprintf(aside, sizeof aside, "%s.tmp", name);
    int fd = openat(f->dir_fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, OPEN_MODE);
    if (fd < 0)
        return complain(f, "write", name);
    if (!finish(fd, bytes, len) || renameat(f->dir_fd, aside, f->dir_fd, name) != 0) {
        err_t e = complain(f, "write", name);
        (void)unlinkat(f->dir_fd, aside, 0);
        return e;
    }
    (void)fsync(f->dir_fd);
    return OK;
}

err_t files_append(struct files *f, const char *name, const void *bytes, size_t len)
{
    int fd = openat(f->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, OPEN_MODE);
    if (fd < 0 || !finish(fd, bytes, len))
        return complain(f, "append to", name);
    return OK;
}

/* The name for NAME aside that no other file has; false if there are too many. */
static bool unused_name(struct files *f, const char *name, char out[NAME_SIZE])
{
    struct stat st;
    snprintf(out, NAME_SIZE, "%s.damaged", name);
    for (int n = 1; fstatat(f->dir_fd, out, &st, AT_SYMLINK_NOFOLLOW) == 0; n++) {
        if (n == ASIDE_MAX)
            return false;
        snprintf(out, NAME_SIZE, "%s.damaged.%d", name, n);
    }
    return true;
}

err_t files_set_aside(struct files *f, const char *name, enum files_aside how)
{
    char aside[NAME_SIZE];
    snprintf(aside, sizeof aside, "%s.damaged", name);
    if (how == ASIDE_BESIDE_OLDER && !unused_name(f, name, aside)) {
        log_warn(f->log, "\"%s/%s\" is not set aside: there are %d damaged ones already", f->dir,
                 name, ASIDE_MAX);
        return ERR_LIMIT;
    }
    if (renameat(f->dir_fd, name, f->dir_fd, aside) != 0)
        return errno == ENOENT ? ERR_NOT_FOUND : complain(f, "set aside", name);
    log_warn(f->log, "\"%s/%s\" is kept as \"%s\"", f->dir, name, aside);
    return OK;
}
