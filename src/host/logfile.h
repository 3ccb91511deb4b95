/* Where log lines go: tor's line format to terminal, files and syslog.
 *
 * "Nov 21 01:02:03.000 [notice] text". A struct logfile owns the open sinks; its log is what all of
 * the program writes to. Before the configuration is read, messages from notice up (warn with
 * --hush, none with --quiet) go to standard output. */
#ifndef TUNIC_HOST_LOGFILE_H
#define TUNIC_HOST_LOGFILE_H

#include <stdint.h>

#include "base/log.h"
#include "conf/options.h"

struct logfile;

/* wall_us() tells the time of a line; NULL: the system's clock. NULL out of memory. */
struct logfile *logfile_new(enum quiet quiet, int64_t (*wall_us)(void));
void logfile_free(struct logfile *f);
struct log *logfile_log(struct logfile *f);

/* Opens what the checked options ask for and closes what was open before; on failure the old sinks
 * stay. Files are opened anew, so this is also what SIGHUP calls. OLD (may be NULL) tells which
 * files TruncateLogFile must leave alone. ERR_IO. */
MUST_USE err_t logfile_open(struct logfile *f, const struct options *o, const struct options *old,
                            struct conf_err *e);

/* SIGUSR2: every sink shows everything, until the next logfile_open(). */
void logfile_debug(struct logfile *f);

/* One line as it is written, without a newline; for tests. The time is local. */
enum { LOGFILE_LINE_MAX = 4096 };
size_t logfile_format(char out[LOGFILE_LINE_MAX], int64_t wall_us, int granularity_ms,
                      enum log_level level, const char *text);

#endif
