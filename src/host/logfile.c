#include "host/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#undef LOG_DEBUG /* syslog's names are ours, too; see priority_of() */
#undef LOG_INFO
#undef LOG_NOTICE
#undef LOG_ERR

enum { FILE_MODE = 0640, IDENT_MAX = 64 };

struct sink {
    enum log_level least, most;
    enum log_to to;
    int fd; /* of a file: owned */
};

struct logfile {
    struct log log;
    int64_t (*wall_us)(void);
    int granularity_ms;
    struct sink *sinks;
    size_t n;
    char ident[IDENT_MAX]; /* syslog keeps the pointer */
    bool syslog_open;
};

static int64_t system_wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

size_t logfile_format(char out[LOGFILE_LINE_MAX], int64_t wall_us, int granularity_ms,
                      enum log_level level, const char *text)
{
    int64_t ms = wall_us / 1000;
    ms -= ms % (granularity_ms > 0 ? granularity_ms : 1000);
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char stamp[32] = "";
    if (localtime_r(&s, &tm))
        strftime(stamp, sizeof stamp, "%b %d %H:%M:%S", &tm);
    int len = snprintf(out, LOGFILE_LINE_MAX, "%s.%03d [%s] %s", stamp, (int)(ms % 1000),
                       log_level_name(level), text);
    if (len >= LOGFILE_LINE_MAX) {
        static const char cut[] = "[...truncated]";
        memcpy(out + LOGFILE_LINE_MAX - sizeof cut, cut, sizeof cut);
        len = LOGFILE_LINE_MAX - 1;
    }
    return (size_t)len;
}

static int priority_of(enum log_level level)
{
    static const int priorities[] = {7, 6, 5, 4, 3}; /* debug, info, notice, warning, err */
    return priorities[level];
}

/* A terminal or disk that takes no more loses the line: there is nobody to tell. */
static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void sink_line(void *arg, enum log_level level, const char *text)
{
    struct logfile *f = arg;
    char line[LOGFILE_LINE_MAX + 1];
    size_t len = logfile_format(line, f->wall_us(), f->granularity_ms, level, text);
    line[len++] = '\n';
    for (size_t i = 0; i < f->n; i++) {
        const struct sink *s = &f->sinks[i];
        if (level < s->least || level > s->most)
            continue;
        if (s->to == LOG_TO_SYSLOG)
            syslog(priority_of(level), "%s", text);
        else
            write_all(s->fd, line, len);
    }
}

static void set_least(struct logfile *f)
{
    f->log.least = LOG_ERR;
    for (size_t i = 0; i < f->n; i++)
        if (f->sinks[i].least < f->log.least)
            f->log.least = f->sinks[i].least;
}

static void sinks_free(struct sink *sinks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sinks[i].to == LOG_TO_FILE && sinks[i].fd >= 0)
            close(sinks[i].fd);
    free(sinks);
}

struct logfile *logfile_new(enum quiet quiet, int64_t (*wall_us)(void))
{
    struct logfile *f = calloc(1, sizeof *f);
    struct sink *first = calloc(1, sizeof *first);
    if (!f || !first) {
        free(f);
        free(first);
        return NULL;
    }
    *first = (struct sink){quiet == QUIET_HUSH ? LOG_WARN : LOG_NOTICE, LOG_ERR, LOG_TO_STDOUT,
                           STDOUT_FILENO};
    f->log = (struct log){.sink = sink_line, .arg = f};
    f->wall_us = wall_us ? wall_us : system_wall_us;
    f->granularity_ms = 1; /* tor writes milliseconds until it is configured */
    f->sinks = first;
    f->n = quiet == QUIET_SILENT ? 0 : 1;
    set_least(f);
    return f;
}

void logfile_free(struct logfile *f)
{
    if (!f)
        return;
    sinks_free(f->sinks, f->n);
    if (f->syslog_open)
        closelog();
    free(f);
}

struct log *logfile_log(struct logfile *f)
{
    return &f->log;
}

static bool had_file(const struct options *old, const char *path)
{
    for (size_t i = 0; old && i < old->is.n_logs; i++)
        if (old->is.logs[i].to == LOG_TO_FILE && strcmp(old->is.logs[i].path, path) == 0)
            return true;
    return false;
}

static err_t open_file(const struct log_dest *dest, bool truncate, struct sink *out,
                       struct conf_err *e)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (truncate ? O_TRUNC : 0);
    out->fd = open(dest->path, flags, FILE_MODE);
    if (out->fd < 0)
        return conf_fail(e, ERR_IO, "Couldn't open file for 'Log file %s': %s", dest->path,
                         strerror(errno));
    return OK;
}

static void announce(const struct logfile *f, const struct sink *s)
{
    char line[LOGFILE_LINE_MAX + 1];
    size_t len = logfile_format(line, f->wall_us(), f->granularity_ms, LOG_NOTICE,
                                "Tunic " TUNIC_VERSION " opening log file.");
    line[len++] = '\n';
    if (s->to == LOG_TO_FILE && s->least <= LOG_NOTICE && s->most >= LOG_NOTICE)
        write_all(s->fd, line, len);
}

static void open_syslog(struct logfile *f, const struct options *o)
{
    if (f->syslog_open)
        closelog();
    snprintf(f->ident, sizeof f->ident, "Tunic%s%s", o->syslog_identity_tag ? "-" : "",
             o->syslog_identity_tag ? o->syslog_identity_tag : "");
    openlog(f->ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
    f->syslog_open = true;
}

/* Opens all destinations that can be open; *N of them are. */
static err_t open_sinks(const struct logfile *f, const struct options *o, const struct options *old,
                        struct sink *sinks, size_t *n, struct conf_err *e)
{
    for (size_t i = 0; i < o->is.n_logs; i++) {
        const struct log_dest *d = &o->is.logs[i];
        struct sink s = {d->least, d->most, d->to, -1};
        bool terminal = d->to == LOG_TO_STDOUT || d->to == LOG_TO_STDERR;
        if (terminal && o->run_as_daemon) {
            log_warn(&f->log, "Can't log to %s with RunAsDaemon set; skipping it",
                     d->to == LOG_TO_STDOUT ? "stdout" : "stderr");
            continue;
        }
        if (terminal)
            s.fd = d->to == LOG_TO_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
        if (d->to == LOG_TO_FILE)
            TRY(open_file(d, o->truncate_log_file && !had_file(old, d->path), &s, e));
        sinks[(*n)++] = s;
    }
    return OK;
}

err_t logfile_open(struct logfile *f, const struct options *o, const struct options *old,
                   struct conf_err *e)
{
    struct sink *sinks = calloc(o->is.n_logs + 1, sizeof *sinks);
    size_t n = 0;
    if (!sinks)
        return conf_fail(e, ERR_NOMEM, "out of memory");
    err_t err = open_sinks(f, o, old, sinks, &n, e);
    if (err != OK) {
        sinks_free(sinks, n);
        return err;
    }
    for (size_t i = 0; i < n; i++)
        if (sinks[i].to == LOG_TO_SYSLOG)
            open_syslog(f, o);
    sinks_free(f->sinks, f->n);
    f->sinks = sinks;
    f->n = n;
    f->granularity_ms = o->is.log_granularity_ms;
    f->log.warn_protocol = o->protocol_warnings;
    f->log.unsafe = o->is.safe_logging != SAFELOG_ALL;
    set_least(f);
    for (size_t i = 0; i < n; i++)
        announce(f, &sinks[i]);
    return OK;
}

void logfile_debug(struct logfile *f)
{
    for (size_t i = 0; i < f->n; i++) {
        f->sinks[i].least = LOG_DEBUG;
        f->sinks[i].most = LOG_ERR;
    }
    set_least(f);
}
