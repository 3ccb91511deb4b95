#include "app/forge/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_TO_ALL = 0644, OWN = 0600, OWN_DIR = 0700, CHUNK = 65536 };

static err_t fail(char *why, const char *what, const char *path)
{
    int error = errno;
    snprintf(why, FORGE_FILES_WHY, "cannot %s %.300s: %s%s", what, path, strerror(error),
             error == ENOSPC || error == EDQUOT ? "; free some space" : "");
    return error == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

/* ---- reading ---- */

static err_t read_fd(int fd, const char *path, struct docw *out, char *why)
{
    char chunk[CHUNK];
    size_t start = out->len;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(why, "read", path);
        if (n == 0)
            break;
        docw_add(out, (struct text){chunk, (size_t)n});
        if (out->len - start > FORGE_READ_MAX) {
            snprintf(why, FORGE_FILES_WHY, "%.300s is larger than %d MB: not read", path,
                     FORGE_READ_MAX >> 20);
            return ERR_LIMIT;
        }
    }
    if (out->err != OK)
        snprintf(why, FORGE_FILES_WHY, "out of memory");
    return out->err;
}

err_t forge_file_read(const char *path, struct docw *out, char why[FORGE_FILES_WHY])
{
    if (strcmp(path, "-") == 0)
        return read_fd(STDIN_FILENO, "standard input", out, why);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, "read", path);
    err_t err = read_fd(fd, path, out, why);
    close(fd);
    return err;
}

/* ---- writing ---- */

/* Every folder in PATH but for what stands behind its last slash. */
static err_t make_folders(char *path, char *why)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, OWN_DIR) != 0 && errno != EEXIST) {
            (void)fail(why, "make the folder", path);
            return ERR_IO;
        }
        *slash = '/';
    }
    return OK;
}

static bool write_all(int fd, struct text bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.s, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = (struct text){bytes.s + n, bytes.len - (size_t)n};
    }
    return true;
}

/* Closes FD, whatever happens. */
static bool finish(int fd, struct text bytes)
{
    bool good = write_all(fd, bytes);
    int error = errno;
    if (close(fd) == 0)
        errno = error;
    else
        good = false;
    return good;
}

/* Whoever presses Ctrl-C finds no half-written file: signals wait for the end of this one. */
static void hold_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, before);
}

static bool write_aside(const char *path, bool secret, struct text bytes)
{
    char aside[FORGE_PATH_MAX + 16];
    snprintf(aside, sizeof aside, "%s.tmp", path);
    (void)unlink(aside);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? OWN : OPEN_TO_ALL);
    if (fd < 0)
        return false;
    if (finish(fd, bytes) && rename(aside, path) == 0)
        return true;
    int error = errno;
    (void)unlink(aside);
    errno = error;
    return false;
}

err_t forge_file_write(const char *folder, const char *name, bool secret, struct text bytes,
                       char why[FORGE_FILES_WHY])
{
    char path[FORGE_PATH_MAX];
    sigset_t before;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        snprintf(why, FORGE_FILES_WHY, "the name of the folder %.200s... is too long", folder);
        return ERR_IO;
    }
    TRY(make_folders(path, why));
    hold_signals(&before);
    bool ok = write_aside(path, secret, bytes);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    if (!ok)
        (void)fail(why, "write", path);
    return ok ? OK : ERR_IO;
}
