/* Where log lines go: tor's line format to terminal, files and syslog.
 *
 * "Nov 21 01:02:03.000 [notice] text". A struct logfile owns the open sinks; its log is what all of
 * the program writes to. Before the configuration is read, messages from notice up (warn with
 * --hush, none with --quiet) go to standard output. */
#ifndef TUNIC_HOST_LOGFILE_H
#define TUNIC_HOST_LOGFILE_H

#include <stdint.h>

#include "base/env.h"
#include "base/log.h"
#include "conf/options.h"

struct logfile;

/* wall_us() tells the time of a line; NULL: the system's clock. NULL out of memory. */
struct logfile *logfile_new(enum quiet quiet, int64_t (*wall_us)(void));
void logfile_free(struct logfile *f);
struct log *logfile_log(struct logfile *f);

/* New destinations in two steps. The first opens what the checked options ask for, files anew;
 * lines go where they went. ERR_IO: nothing has changed. After OK, exactly one of the other two. */
MUST_USE err_t logfile_prepare(struct logfile *f, const struct options *o, struct conf_err *e);
/* Lines go there from now on. TRUNCATE: files that are there already are emptied, if
 * TruncateLogFile says so; otherwise they are appended to. */
void logfile_commit(struct logfile *f, const struct options *o, bool truncate);
/* Undoes the first step: files that it made are gone again. */
void logfile_roll_back(struct logfile *f);

/* A destination may take no more for a while (a pipe that nobody reads): lines wait then, up to a
 * bound; what is over that is lost, and said to be. ENV's timers try again; NULL: no more of that.
 */
void logfile_set_env(struct logfile *f, struct env *env);

/* FN hears of each line from LEAST up, too, whatever the options say of it; NULL: nobody does. It
 * may write lines itself, and hears of those as well. */
void logfile_tee(struct logfile *f, void (*fn)(void *arg, enum log_level level, const char *line),
                 void *arg, enum log_level least);

/* SIGUSR2: every sink shows everything, until the next logfile_commit(). */
void logfile_debug(struct logfile *f);

/* The descriptors, MOST at most, that errors are written to: for a signal handler that ends the
 * program. They change with each logfile_commit(). */
size_t logfile_fds(const struct logfile *f, int *fds, size_t most);

/* A log's sink: standard error, each line with its time. */
void logfile_to_stderr(void *arg, enum log_level level, const char *line);

/* One line as it is written, without a newline; for tests. The time is local. */
enum { LOGFILE_LINE_MAX = 4096 };
size_t logfile_format(char out[LOGFILE_LINE_MAX], int64_t wall_us, int granularity_ms,
                      enum log_level level, const char *text);

#endif
