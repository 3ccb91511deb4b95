#include "net/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAP_FROM = 64 << 10,
    PARTS_AT_A_TIME = 64,
    NAME_SIZE = 96,
    OPEN_MODE = 0600,
    ASIDE_MAX = 100
};

struct files {
    int dir_fd;
    char *dir; /* for messages */
    struct log *log;
    int told; /* errno of what could not be written last, 0 once something could */
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
    *f = (struct files){.dir_fd = gift_fd, .dir = name, .log = log};
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

struct log *files_log(const struct files *f)
{
    return f->log;
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

static void unmap(struct text t)
{
    (void)munmap((void *)(uintptr_t)t.s, t.len);
}

/* Whatever fails of this (an old kernel, a disk that cannot be read), reading tells. The pages are
 * fetched now: an error of the disk is one of this call, not a signal later on. */
static bool map(int fd, size_t len, struct blob *out)
{
    void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return false;
    if (madvise(at, len, MADV_POPULATE_READ) != 0) {
        (void)munmap(at, len);
        return false;
    }
    *out = (struct blob){{at, len}, unmap};
    return true;
}

static err_t read_whole(struct files *f, int fd, const char *name, size_t size, struct blob *out)
{
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return ERR_NOMEM;
    ssize_t got = read_all(fd, bytes, size);
    if (got < 0) {
        free(bytes);
        return complain(f, "read", name);
    }
    *out = blob_of(bytes, (size_t)got);
    return OK;
}

static err_t load_fd(struct files *f, int fd, const char *name, struct blob *out)
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
    if (st.st_size >= MAP_FROM && map(fd, (size_t)st.st_size, out))
        return OK;
    return read_whole(f, fd, name, (size_t)st.st_size, out);
}

err_t files_load(struct files *f, const char *name, struct blob *out)
{
    *out = (struct blob){{NULL, 0}, NULL};
    int fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : complain(f, "read", name);
    err_t e = load_fd(f, fd, name, out);
    close(fd);
    return e;
}

/* Takes LEN bytes off the front of the N parts at *IOV. */
static void skip_written(struct iovec **iov, size_t *n, size_t len)
{
    while (*n && len >= (*iov)->iov_len) {
        len -= (*iov)->iov_len;
        (*iov)++;
        (*n)--;
    }
    if (*n) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + len;
        (*iov)->iov_len -= len;
    }
}

static bool write_some(int fd, struct iovec *iov, size_t n)
{
    skip_written(&iov, &n, 0); /* parts may be empty */
    while (n) {
        ssize_t written = writev(fd, iov, (int)n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        skip_written(&iov, &n, (size_t)written);
    }
    return true;
}

static bool write_all(int fd, const struct text *parts, size_t n)
{
    struct iovec iov[PARTS_AT_A_TIME];
    for (size_t done = 0, m; done < n; done += m) {
        m = n - done < PARTS_AT_A_TIME ? n - done : PARTS_AT_A_TIME;
        for (size_t i = 0; i < m; i++)
            iov[i] = (struct iovec){(void *)(uintptr_t)parts[done + i].s, parts[done + i].len};
        if (!write_some(fd, iov, m))
            return false;
    }
    return true;
}

/* Once for all files that the same disk has no room for. */
static err_t complain_of_writing(struct files *f, const char *what, const char *name)
{
    if (f->told == errno) {
        log_info(f->log, "Still could not %s \"%s/%s\"", what, f->dir, name);
        return ERR_IO;
    }
    f->told = errno;
    return complain(f, what, name);
}

/* Closes FD; errno tells of the first failure. */
static bool finish(int fd, bool good)
{
    int error = errno;
    if (close(fd) != 0 && good)
        return false;
    errno = error;
    return good;
}

static err_t remove_file(struct files *f, const char *name)
{
    if (unlinkat(f->dir_fd, name, 0) != 0)
        return errno == ENOENT ? OK : complain(f, "remove", name);
    (void)fsync(f->dir_fd);
    return OK;
}

static bool is_empty(const struct text *parts, size_t n)
{
    while (n && !parts[n - 1].len)
        n--;
    return !n;
}

err_t files_replace(struct files *f, const char *name, const struct text *parts, size_t n)
{
    char aside[NAME_SIZE];
    if (is_empty(parts, n))
        return remove_file(f, name);
    snprintf(aside, sizeof aside, "%s.tmp", name);
    int fd = openat(f->dir_fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, OPEN_MODE);
    if (fd < 0)
        return complain_of_writing(f, "write", name);
    if (!finish(fd, write_all(fd, parts, n) && fsync(fd) == 0) ||
        renameat(f->dir_fd, aside, f->dir_fd, name) != 0) {
        err_t e = complain_of_writing(f, "write", name);
        (void)unlinkat(f->dir_fd, aside, 0);
        return e;
    }
    (void)fsync(f->dir_fd);
    f->told = 0;
    return OK;
}

/* All of the parts, or nothing. */
static bool append_all(int fd, const struct text *parts, size_t n)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    if (write_all(fd, parts, n))
        return true;
    int error = errno;
    int rc = ftruncate(fd, st.st_size);
    (void)rc; /* what is left of it is an entry that is torn */
    errno = error;
    return false;
}

err_t files_append(struct files *f, const char *name, const struct text *parts, size_t n)
{
    int fd = openat(f->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, OPEN_MODE);
    if (fd < 0 || !finish(fd, append_all(fd, parts, n)))
        return complain_of_writing(f, "append to", name);
    f->told = 0;
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
