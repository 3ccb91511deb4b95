#include "app/measure/resultsdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/results.h"

enum { PATH_SIZE = 4096, DAY_S = 24 * 3600 };

struct resultsdir {
    const struct log *log;
    char *path;
    int dir;                     /* the folder */
    int fd;                      /* today's file; -1: none is open */
    char name[RESULTS_NAME_MAX]; /* of that */
};

static err_t complain(const struct resultsdir *r, const char *what)
{
    log_warn(r->log, "Results in %s: cannot %s: %s", r->path, what, strerror(errno));
    return ERR_IO;
}

void resultsdir_close(struct resultsdir *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    if (r->dir >= 0)
        close(r->dir);
    free(r->path);
    free(r);
}

err_t resultsdir_open(const char *path, const struct log *log, struct resultsdir **out)
{
    struct resultsdir *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    *r = (struct resultsdir){.log = log, .path = strdup(path), .dir = -1, .fd = -1};
    if (!r->path) {
        resultsdir_close(r);
        return ERR_NOMEM;
    }
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        r->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->dir < 0) {
        err_t e = complain(r, "open the folder");
        resultsdir_close(r);
        return e;
    }
    *out = r;
    return OK;
}

/* ---- writing ---- */

/* A line that a crash has torn must not spoil the one that comes behind it. */
static err_t mend(const struct resultsdir *r)
{
    char last;
    off_t size = lseek(r->fd, 0, SEEK_END);
    if (size <= 0 || pread(r->fd, &last, 1, size - 1) != 1 || last == '\n')
        return OK;
    return write(r->fd, "\n", 1) == 1 ? OK : complain(r, "write");
}

static err_t use_file(struct resultsdir *r, int64_t now_s)
{
    char name[RESULTS_NAME_MAX];
    (void)results_file(now_s, name);
    if (r->fd >= 0 && strcmp(name, r->name) == 0)
        return OK;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = openat(r->dir, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (r->fd < 0)
        return complain(r, "open today's file");
    memcpy(r->name, name, sizeof name);
    (void)!fsync(r->dir); /* the name, too */
    return mend(r);
}

err_t resultsdir_append(struct resultsdir *r, const char *line, bool synced, int64_t now_s)
{
    size_t len = strlen(line);
    TRY(use_file(r, now_s));
    off_t before = lseek(r->fd, 0, SEEK_END);
    ssize_t n = write(r->fd, line, len);
    if (n != (ssize_t)len) {
        errno = n < 0 ? errno : ENOSPC;
        err_t e = complain(r, "write");
        if (n > 0 && before >= 0)
            (void)!ftruncate(r->fd, before); /* no half a line */
        return e;
    }
    return !synced || fdatasync(r->fd) == 0 ? OK : complain(r, "sync");
}

/* ---- reading ---- */

static int is_results(const struct dirent *d)
{
    int64_t day;
    return results_file_day(d->d_name, &day);
}

static void each_of_file(struct resultsdir *r, const char *name, resultsdir_line_fn *fn, void *arg)
{
    int fd = openat(r->dir, name, O_RDONLY | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    if (!f) {
        (void)complain(r, "read a file");
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((n = getline(&line, &size, f)) > 0) {
        size_t len = (size_t)n;
        len -= line[len - 1] == '\n' ? 1 : 0;
        if (len)
            fn(arg, (struct text){line, len});
    }
    free(line);
    fclose(f);
}

err_t resultsdir_each(struct resultsdir *r, int64_t now_s, unsigned days, resultsdir_line_fn *fn,
                      void *arg)
{
    struct dirent **names;
    int n = scandir(r->path, &names, is_results, alphasort); /* names sort as days do */
    if (n < 0)
        return complain(r, "list the folder");
    for (int i = 0; i < n; i++) {
        int64_t day = 0;
        if (results_file_day(names[i]->d_name, &day) && day > now_s - (int64_t)days * DAY_S)
            each_of_file(r, names[i]->d_name, fn, arg);
        free(names[i]);
    }
    free(names);
    return OK;
}
