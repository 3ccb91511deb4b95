#include "host/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "host/logout.h"

#undef LOG_DEBUG /* syslog's names are ours, too; see priority_of() */
#undef LOG_INFO
#undef LOG_NOTICE
#undef LOG_ERR

enum {
    FILE_MODE = 0640,
    IDENT_MAX = 64,
    RETRY_MS = 100,      /* between two tries at a destination that took no more */
    LAST_WORD_MS = 1000, /* how long the program's end waits for it */
};

struct sink {
    struct log_filter show;
    enum log_to to;
    struct logout out; /* unless syslog */
    char *path;        /* of a file that was made for it and may have to go again; or NULL */
};

struct sinks {
    struct sink *list;
    size_t n;
};

struct logfile {
    struct log log;
    int64_t (*wall_us)(void);
    int granularity_ms;
    bool domains;                                                   /* LogMessageDomains */
    void (*tee)(void *arg, enum log_level level, const char *line); /* or NULL */
    void *tee_arg;
    enum log_level tee_least;
    struct sinks open;
    struct sinks coming;   /* between logfile_prepare() and what follows it */
    char ident[IDENT_MAX]; /* syslog keeps the pointer */
    bool syslog_open;
    struct env *env;    /* see logfile_set_env() */
    struct timer retry; /* armed: some destination has not taken all */
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

void logfile_to_stderr(void *arg, enum log_level level, const char *line)
{
    char text[LOGFILE_LINE_MAX];
    (void)arg;
    logfile_format(text, system_wall_us(), 1, level, line);
    fprintf(stderr, "%s\n", text);
}

static int priority_of(enum log_level level)
{
    static const int priorities[] = {7, 6, 5, 4, 3}; /* debug, info, notice, warning, err */
    return priorities[level];
}

/* ---- destinations that take no more for now ---- */

/* Lines that came while the queue was full: how many is said where they would stand. */
static void tell_lost(struct logfile *f, struct logout *out)
{
    char text[96], line[LOGFILE_LINE_MAX + 1];
    size_t lost = out->lost;
    if (!lost || buf_space(&out->queue) < LOGFILE_LINE_MAX)
        return;
    snprintf(text, sizeof text, "%zu line%s of this log %s lost: nobody was reading it.", lost,
             lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
    size_t len = logfile_format(line, f->wall_us(), f->granularity_ms, LOG_WARN, text);
    line[len++] = '\n';
    out->lost = 0;
    if (!logout_add(out, line, len))
        out->lost = lost;
}

/* True: all is written. */
static bool flush(struct logfile *f, struct logout *out)
{
    if (!logout_flush(out))
        return false;
    tell_lost(f, out);
    return logout_flush(out);
}

static void try_again_soon(struct logfile *f)
{
    if (f->env && !f->retry.armed)
        env_arm_ms(f->env, &f->retry, RETRY_MS);
}

static void write_line(struct logfile *f, struct logout *out, const char *line, size_t len)
{
    (void)flush(f, out);
    (void)logout_add(out, line, len);
    if (!flush(f, out))
        try_again_soon(f);
}

static void retry(void *arg)
{
    struct logfile *f = arg;
    for (size_t i = 0; i < f->open.n; i++)
        if (f->open.list[i].to != LOG_TO_SYSLOG && !flush(f, &f->open.list[i].out))
            try_again_soon(f);
}

void logfile_set_env(struct logfile *f, struct env *env)
{
    if (f->env)
        env_disarm(f->env, &f->retry);
    f->env = env;
    if (env)
        retry(f);
}

/* ---- lines ---- */

static void sink_line(void *arg, enum log_level level, enum log_domain domain, const char *text)
{
    struct logfile *f = arg;
    char line[LOGFILE_LINE_MAX + 1], tagged[LOGFILE_LINE_MAX];
    if (f->tee && level >= f->tee_least)
        f->tee(f->tee_arg, level, text);
    if (f->domains) {
        snprintf(tagged, sizeof tagged, "{%s} %s", log_domain_name(domain), text);
        text = tagged;
    }
    size_t len = logfile_format(line, f->wall_us(), f->granularity_ms, level, text);
    line[len++] = '\n';
    for (size_t i = 0; i < f->open.n; i++) {
        struct sink *s = &f->open.list[i];
        if (!log_filter_passes(&s->show, level, domain))
            continue;
        if (s->to == LOG_TO_SYSLOG)
            syslog(priority_of(level), "%s", text);
        else
            write_line(f, &s->out, line, len);
    }
}

static void set_least(struct logfile *f)
{
    f->log.least = f->tee ? f->tee_least : LOG_ERR;
    for (size_t i = 0; i < f->open.n; i++) {
        enum log_level least = log_filter_least(&f->open.list[i].show);
        if (least < f->log.least)
            f->log.least = least;
    }
}

void logfile_tee(struct logfile *f, void (*fn)(void *arg, enum log_level level, const char *line),
                 void *arg, enum log_level least)
{
    f->tee = fn;
    f->tee_arg = arg;
    f->tee_least = least;
    set_least(f);
}

static void sinks_close(struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->n; i++) {
        if (sinks->list[i].to != LOG_TO_SYSLOG)
            logout_close(&sinks->list[i].out);
        free(sinks->list[i].path);
    }
    free(sinks->list);
    *sinks = (struct sinks){NULL, 0};
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
    *first = (struct sink){.to = LOG_TO_STDOUT};
    log_filter_add(&first->show, quiet == QUIET_HUSH ? LOG_WARN : LOG_NOTICE, LOG_ERR,
                   LOG_ALL_DOMAINS);
    if (quiet != QUIET_SILENT)
        logout_init(&first->out, STDOUT_FILENO, false);
    timer_init(&f->retry, retry, f);
    f->log = (struct log){.domain_sink = sink_line, .arg = f};
    f->wall_us = wall_us ? wall_us : system_wall_us;
    f->granularity_ms = 1; /* tor writes milliseconds until it is configured */
    f->open = (struct sinks){first, quiet == QUIET_SILENT ? 0 : 1};
    set_least(f);
    return f;
}

void logfile_free(struct logfile *f)
{
    if (!f)
        return;
    logfile_set_env(f, NULL);
    for (size_t i = 0; i < f->open.n; i++)
        if (f->open.list[i].to != LOG_TO_SYSLOG)
            (void)logout_flush_ms(&f->open.list[i].out, LAST_WORD_MS);
    sinks_close(&f->coming);
    sinks_close(&f->open);
    if (f->syslog_open)
        closelog();
    free(f);
}

struct log *logfile_log(struct logfile *f)
{
    return &f->log;
}

/* Opens PATH to append; *MADE: it was not there. It may be a FIFO that nobody reads yet: it is
 * opened for both, then what is written waits for its reader. */
static int open_log(const char *path, bool *made)
{
    int flags = O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
    int fd = open(path, flags | O_WRONLY | O_EXCL, FILE_MODE);
    *made = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, flags | O_WRONLY, FILE_MODE);
    return fd < 0 && errno == ENXIO ? open(path, flags | O_RDWR, FILE_MODE) : fd;
}

static err_t open_file(const struct log_dest *dest, struct sink *out, struct conf_err *e)
{
    bool made;
    int fd = open_log(dest->path, &made);
    if (fd < 0)
        return conf_fail(e, ERR_IO, "Couldn't open file for 'Log file %s': %s", dest->path,
                         strerror(errno));
    logout_init(&out->out, fd, true);
    if (made)
        out->path = strdup(dest->path); /* NULL: then it stays, empty */
    return OK;
}

static void announce(struct logfile *f, struct sink *s)
{
    char line[LOGFILE_LINE_MAX + 1];
    size_t len = logfile_format(line, f->wall_us(), f->granularity_ms, LOG_NOTICE,
                                "Tunic " TUNIC_VERSION " opening log file.");
    line[len++] = '\n';
    if (s->to == LOG_TO_FILE && log_filter_passes(&s->show, LOG_NOTICE, LD_GENERAL))
        write_line(f, &s->out, line, len);
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

/* Opens all destinations that can be open. */
static err_t open_sinks(struct logfile *f, const struct options *o, struct conf_err *e)
{
    for (size_t i = 0; i < o->is.n_logs; i++) {
        const struct log_dest *d = &o->is.logs[i];
        struct sink s = {.show = d->show, .to = d->to};
        bool terminal = d->to == LOG_TO_STDOUT || d->to == LOG_TO_STDERR;
        if (terminal && o->run_as_daemon) {
            log_warn(&f->log, "Can't log to %s with RunAsDaemon set; skipping it",
                     d->to == LOG_TO_STDOUT ? "stdout" : "stderr");
            continue;
        }
        if (terminal)
            logout_init(&s.out, d->to == LOG_TO_STDOUT ? STDOUT_FILENO : STDERR_FILENO, false);
        if (d->to == LOG_TO_FILE)
            TRY(open_file(d, &s, e));
        f->coming.list[f->coming.n++] = s;
    }
    return OK;
}

err_t logfile_prepare(struct logfile *f, const struct options *o, struct conf_err *e)
{
    f->coming = (struct sinks){calloc(o->is.n_logs + 1, sizeof *f->coming.list), 0};
    if (!f->coming.list)
        return conf_fail(e, ERR_NOMEM, "out of memory");
    err_t err = open_sinks(f, o, e);
    if (err != OK)
        logfile_roll_back(f);
    return err;
}

static bool has_syslog(const struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->n; i++)
        if (sinks->list[i].to == LOG_TO_SYSLOG)
            return true;
    return false;
}

/* What stdout and stderr have not taken yet goes there before what comes. */
static void keep_queues(struct logfile *f)
{
    for (size_t i = 0; i < f->open.n; i++)
        for (size_t k = 0; k < f->coming.n; k++) {
            struct sink *old = &f->open.list[i], *new = &f->coming.list[k];
            bool terminal = old->to == LOG_TO_STDOUT || old->to == LOG_TO_STDERR;
            if (!terminal || old->to != new->to || !old->out.queue.len)
                continue;
            struct buf swap = new->out.queue;
            new->out.queue = old->out.queue;
            new->out.lost = old->out.lost;
            old->out.queue = swap;
        }
}

void logfile_commit(struct logfile *f, const struct options *o, bool truncate)
{
    if (has_syslog(&f->coming))
        open_syslog(f, o);
    keep_queues(f);
    sinks_close(&f->open);
    f->open = f->coming;
    f->coming = (struct sinks){NULL, 0};
    f->granularity_ms = o->is.log_granularity_ms;
    f->domains = o->log_message_domains;
    f->log.warn_protocol = o->protocol_warnings;
    f->log.unsafe = o->is.safe_logging != SAFELOG_ALL;
    set_least(f);
    for (size_t i = 0; i < f->open.n; i++) {
        struct sink *s = &f->open.list[i];
        if (s->to == LOG_TO_FILE && truncate && o->truncate_log_file &&
            ftruncate(s->out.fd, 0) != 0)
            log_info(&f->log, "A log that TruncateLogFile cannot empty is appended to");
        announce(f, s);
    }
}

void logfile_roll_back(struct logfile *f)
{
    for (size_t i = 0; i < f->coming.n; i++)
        if (f->coming.list[i].path)
            (void)unlink(f->coming.list[i].path);
    sinks_close(&f->coming);
}

void logfile_debug(struct logfile *f)
{
    for (size_t i = 0; i < f->open.n; i++)
        log_filter_add(&f->open.list[i].show, LOG_DEBUG, LOG_ERR, LOG_ALL_DOMAINS);
    set_least(f);
}

size_t logfile_fds(const struct logfile *f, int *fds, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < f->open.n && n < most; i++) {
        const struct sink *s = &f->open.list[i];
        if (s->to != LOG_TO_SYSLOG && log_filter_passes(&s->show, LOG_ERR, LD_GENERAL))
            fds[n++] = s->out.own_fd >= 0 ? s->out.own_fd : s->out.fd;
    }
    return n;
}
