#include "app/measure/resultsdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/resultsfile.h"
#include "measure/results.h"

enum { DAY_S = 24 * 3600 };

struct resultsdir {
    struct files *folder;
    int fd;                      /* today's file; -1: none is open */
    char name[RESULTS_NAME_MAX]; /* of that */
};

static err_t complain(const struct resultsdir *r, const char *what)
{
    log_warn(files_log(r->folder), "Results in %s: cannot %s: %s", files_dir(r->folder), what,
             strerror(errno));
    return ERR_IO;
}

void resultsdir_close(struct resultsdir *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    files_close(r->folder);
    free(r);
}

err_t resultsdir_open(const char *path, struct log *log, struct resultsdir **out)
{
    struct resultsdir *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->fd = -1;
    err_t e = mkdir(path, 0755) == 0 || errno == EEXIST ? OK : ERR_IO;
    if (e == OK)
        e = resultsfile_folder(path, log, &r->folder);
    if (e == OK) {
        *out = r;
        return OK;
    }
    if (e != ERR_NOMEM)
        log_warn(log, "Results in %s: cannot open the folder: %s", path, strerror(errno));
    free(r);
    return e == ERR_NOMEM ? e : ERR_IO;
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

/* It may have been compressed, or removed, meanwhile. */
static bool is_there(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static err_t use_file(struct resultsdir *r, int64_t now_s)
{
    char name[RESULTS_NAME_MAX];
    (void)results_file(now_s, name);
    if (r->fd >= 0 && strcmp(name, r->name) == 0 && is_there(r->fd))
        return OK;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = openat(files_fd(r->folder), name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (r->fd < 0)
        return complain(r, "open today's file");
    memcpy(r->name, name, sizeof name);
    (void)!fsync(files_fd(r->folder)); /* the name, too */
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

struct reading {
    resultsdir_line_fn *fn;
    void *arg;
};

static err_t read_line(void *arg, struct text line)
{
    const struct reading *r = arg;
    r->fn(r->arg, line);
    return OK;
}

err_t resultsdir_each(struct resultsdir *r, int64_t now_s, unsigned days, resultsdir_line_fn *fn,
                      void *arg)
{
    struct reading reading = {fn, arg};
    int64_t oldest_s = now_s - now_s % DAY_S - ((int64_t)days - 1) * DAY_S;
    return resultsfile_each(r->folder, oldest_s, read_line, &reading);
}
