#include "app/measure/resultsdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/resultsfile.h"
#include "base/buf.h"
#include "measure/results.h"

enum { DAY_S = 24 * 3600, OWED_MOST = 4 << 20 };

struct resultsdir {
    struct files *folder;
    int fd;                      /* today's file; -1: none is open */
    char name[RESULTS_NAME_MAX]; /* of that */
    struct buf owed;             /* lines that could not be written */
};

static err_t complain(const struct resultsdir *r, const char *what)
{
    log_warn(files_log(r->folder), "Results in %s: cannot %s: %s", files_dir(r->folder), what,
             strerror(errno));
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
}

err_t resultsdir_open(const char *path, struct log *log, struct resultsdir **out)
{
    struct resultsdir *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->fd = -1;
    buf_init(&r->owed, OWED_MOST);
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

err_t resultsdir_lock(struct resultsdir *r)
{
    if (flock(files_fd(r->folder), LOCK_EX | LOCK_NB) == 0)
        return OK;
    if (errno == EWOULDBLOCK)
        log_err(files_log(r->folder),
                "Another coordinator keeps its results in %s: each needs a datadir of its own",
                files_dir(r->folder));
    else
        (void)complain(r, "lock the folder");
    return ERR_STATE;
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

/* It may have been compressed, or removed, or moved, meanwhile. */
static bool is_there(const struct resultsdir *r)
{
    struct stat ours, theirs;
    return fstat(r->fd, &ours) == 0 && fstatat(files_fd(r->folder), r->name, &theirs, 0) == 0 &&
           ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static err_t use_file(struct resultsdir *r, int64_t now_s)
{
    char name[RESULTS_NAME_MAX];
    (void)results_file(now_s, name);
    if (r->fd >= 0 && strcmp(name, r->name) == 0 && is_there(r))
        return OK;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = openat(files_fd(r->folder), name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (r->fd < 0)
        return complain(r, "open today's file");
    memcpy(r->name, name, sizeof name);
    if (fsync(files_fd(r->folder)) != 0) /* the name, too */
        return complain(r, "sync");
    return mend(r);
}

/* All of it, or nothing. */
static err_t put(const struct resultsdir *r, const void *bytes, size_t len)
{
    off_t before = lseek(r->fd, 0, SEEK_END);
    ssize_t n = write(r->fd, bytes, len);
    if (n == (ssize_t)len)
        return OK;
    errno = n < 0 ? errno : ENOSPC;
    err_t e = complain(r, "write");
    if (n > 0 && before >= 0)
        (void)!ftruncate(r->fd, before); /* no half a line */
    return e;
}

/* What there was no room for. */
static err_t put_owed(struct resultsdir *r)
{
    if (!r->owed.len)
        return OK;
    TRY(put(r, buf_at(&r->owed), r->owed.len));
    buf_drain(&r->owed, r->owed.len);
    log_notice(files_log(r->folder), "Results in %s: what had no room is written now",
               files_dir(r->folder));
    return OK;
}

err_t resultsdir_append(struct resultsdir *r, const char *line, bool synced, int64_t now_s)
{
    size_t len = strlen(line);
    err_t e = use_file(r, now_s);
    if (e == OK)
        e = put_owed(r);
    if (e == OK)
        e = put(r, line, len);
    if (e == OK && synced && fdatasync(r->fd) != 0)
        e = complain(r, "sync");
    /* A beginning that is not on disk never was; a result is not measured a second time. */
    if (e != OK && !synced && buf_add(&r->owed, line, len) != OK)
        log_warn(files_log(r->folder), "A result is lost: too many wait to be written");
    return e;
}

void resultsdir_close(struct resultsdir *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        (void)put_owed(r);
    buf_free(&r->owed);
    if (r->fd >= 0)
        close(r->fd);
    files_close(r->folder);
    free(r);
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
