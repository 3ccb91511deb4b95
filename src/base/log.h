/* Log: leveled lines to a sink that the program sets.
 *
 * Levels and their names are tor's. A message says what happened, where, and what to do; it is one
 * line without a newline. Nothing that tells who talks to whom is logged unless SafeLogging is off:
 * addresses, host names and ports of applications go through log_safe(). Identities of relays and
 * addresses from the consensus may be logged. */
#ifndef TUNIC_BASE_LOG_H
#define TUNIC_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARN, LOG_ERR };

struct log {
    enum log_level least; /* messages below this level are not even formatted */
    bool unsafe;          /* SafeLogging 0: sensitive text is shown */
    bool warn_protocol;   /* ProtocolWarnings: what others do against the protocol is a warning */
    void (*sink)(void *arg, enum log_level level, const char *line);
    void *arg;
};

/* "debug", "info", "notice", "warn", "err" */
const char *log_level_name(enum log_level level);

void log_line(const struct log *log, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* TEXT, or "[scrubbed]" while SafeLogging is on. */
const char *log_safe(const struct log *log, const char *text);

/* LOG is a struct log * and may be NULL. Arguments are not evaluated below the least level. */
#define LOG_AT(log, level, ...)                    \
    do {                                           \
        if ((log) && (level) >= (log)->least)      \
            log_line((log), (level), __VA_ARGS__); \
    } while (0)
/* A peer broke the protocol: a warning if the user wants to know, else for who looks closer. */
#define log_protocol(log, ...) LOG_AT(log, (log)->warn_protocol ? LOG_WARN : LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...)    LOG_AT(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...)     LOG_AT(log, LOG_INFO, __VA_ARGS__)
#define log_notice(log, ...)   LOG_AT(log, LOG_NOTICE, __VA_ARGS__)
#define log_warn(log, ...)     LOG_AT(log, LOG_WARN, __VA_ARGS__)
#define log_err(log, ...)      LOG_AT(log, LOG_ERR, __VA_ARGS__)

#endif
