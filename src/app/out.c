#include "app/out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t PRINTF_LIKE(2, 3) fail(struct out *o, const char *fmt, ...)
{
    int errno_ = errno;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(o->why, sizeof o->why, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof o->why)
        snprintf(o->why + n, sizeof o->why - (size_t)n, ": %s%s", strerror(errno_),
                 errno_ == ENOSPC || errno_ == EDQUOT ? "; make room, or choose another place"
                 : errno_ == EFBIG                    ? " (a limit on the size of files, ulimit -f)"
                                                      : "");
    return ERR_IO;
}

/* Where a link leads, so that it is not the link that is replaced. */
static err_t follow(struct out *o, const char *output)
{
    char real[PATH_MAX];
    const char *path = realpath(output, real) ? real : output;
    int n = snprintf(o->path, sizeof o->path, "%s", path);
    errno = ENAMETOOLONG;
    return n < 0 || (size_t)n >= sizeof o->path - 64 ? fail(o, "%.200s", output) : OK;
}

err_t out_open(struct out *o, const char *output)
{
    struct stat st;
    *o = (struct out){.fd = -1};
    if (!output || strcmp(output, "-") == 0) {
        o->in_place = true;
        o->to_terminal = isatty(STDOUT_FILENO);
        return OK;
    }
    size_t len = strlen(output);
    bool slash = len && output[len - 1] == '/';
    if (slash && mkdir(output, 0777) != 0 && errno != EEXIST)
        return fail(o, "cannot make the folder %.200s", output);
    bool there = stat(output, &st) == 0;
    o->to_folder = there && S_ISDIR(st.st_mode);
    o->in_place = there && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode);
    if (slash && !o->to_folder)
        return fail(o, "%.200s is no folder", output);
    return follow(o, output);
}

/* Makes the file beside PATH that will be PATH. A device or a pipe is written itself, if it was
 * named by the user; what somebody put into a folder under a document's name is replaced. */
static err_t begin(struct out *o, const char *path)
{
    const char *base = strrchr(path, '/');
    int folder = base ? (int)(base + 1 - path) : 0;
    o->temporary[0] = 0;
    if (o->in_place) {
        o->fd = open(path, O_WRONLY | O_CLOEXEC);
        return o->fd >= 0 ? OK : fail(o, "cannot write to %.200s", path);
    }
    int n = snprintf(o->temporary, sizeof o->temporary, "%.*s.tunic-XXXXXX", folder, path);
    if (n >= 0 && (size_t)n < sizeof o->temporary)
        o->fd = mkostemp(o->temporary, O_CLOEXEC);
    else
        errno = ENAMETOOLONG;
    if (o->fd < 0) {
        o->temporary[0] = 0;
        return fail(o, "cannot make a file beside %.200s", path);
    }
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(o->fd, 0666 & ~mask) == 0 ? OK : fail(o, "%.200s", path);
}

static err_t write_all(struct out *o, int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(o, "cannot write %s%.200s", o->path[0] ? "" : "to standard output",
                        o->path);
        at += n;
        len -= (size_t)n;
    }
    return OK;
}

static err_t write_shown(struct out *o, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    char text[4 * 256];
    while (len) {
        size_t n = 0;
        for (; len && n + 5 < sizeof text; b++, len--) {
            if (*b == '\n' || *b == '\t' || (*b >= ' ' && *b <= '~'))
                text[n++] = (char)*b;
            else
                n += (size_t)snprintf(text + n, sizeof text - n, "\\x%02x", *b);
        }
        TRY(write_all(o, STDOUT_FILENO, text, n));
    }
    return OK;
}

static void sync_folder(const char *path)
{
    char folder[OUT_PATH_MAX];
    const char *base = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", base ? (int)(base + 1 - path) : 1, base ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
}

/* The open file becomes PATH. */
static err_t commit(struct out *o, const char *path)
{
    int fd = o->fd;
    bool is_file = o->temporary[0];
    if (is_file && fsync(fd) != 0)
        return fail(o, "cannot write %.200s", path);
    o->fd = -1;
    if (close(fd) != 0)
        return fail(o, "cannot write %.200s", path);
    if (is_file && rename(o->temporary, path) != 0)
        return fail(o, "cannot rename to %.200s", path);
    o->temporary[0] = 0;
    return OK;
}

err_t out_write(struct out *o, const void *bytes, size_t len)
{
    if (o->to_terminal)
        return write_shown(o, bytes, len);
    if (!o->path[0])
        return write_all(o, STDOUT_FILENO, bytes, len);
    if (o->fd < 0)
        TRY(begin(o, o->path));
    return write_all(o, o->fd, bytes, len);
}

err_t out_file(struct out *o, const char *name, struct text head, struct text text)
{
    char path[OUT_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", o->path, name);
    errno = ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof path)
        return fail(o, "%.200s", o->path);
    err_t e = begin(o, path);
    if (e == OK)
        e = write_all(o, o->fd, head.s, head.len);
    if (e == OK)
        e = write_all(o, o->fd, text.s, text.len);
    if (e == OK)
        e = commit(o, path);
    if (e != OK)
        out_close(o);
    return e;
}

err_t out_finish(struct out *o)
{
    char folder[OUT_PATH_MAX + 2];
    if (o->to_folder) {
        snprintf(folder, sizeof folder, "%s/", o->path);
        sync_folder(folder);
        return OK;
    }
    if (o->fd < 0)
        return OK;
    TRY(commit(o, o->path));
    sync_folder(o->path);
    return OK;
}

void out_close(struct out *o)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
    if (o->temporary[0])
        unlink(o->temporary);
    o->temporary[0] = 0;
}
