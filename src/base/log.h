/* Log: leveled lines to a sink that the program sets.
 *
 * Levels and their names are tor's. A message says what happened, where, and what to do; it is one
 * line without a newline. Nothing that tells who talks to whom is logged unless SafeLogging is off:
 * addresses, host names and ports of applications go through log_safe(). Identities of relays and
 * addresses from the consensus may be logged. */
#ifndef TUNIC_BASE_LOG_H
#define TUNIC_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARN, LOG_ERR };

/* What a line is about, by tor's names (tor(1), Log). It follows from the file that writes it. */
enum log_domain {
    LD_GENERAL,
    LD_CRYPTO,
    LD_NET,
    LD_CONFIG,
    LD_FS,
    LD_PROTOCOL,
    LD_MM,
    LD_HTTP,
    LD_APP,
    LD_CONTROL,
    LD_CIRC,
    LD_REND,
    LD_BUG,
    LD_DIR,
    LD_DIRSERV,
    LD_OR,
    LD_EDGE,
    LD_ACCT,
    LD_HIST,
    LD_HANDSHAKE,
    LD_HEARTBEAT,
    LD_CHANNEL,
    LD_SCHED,
    LD_GUARD,
    LD_CONSDIFF,
    LD_DOS,
    LD_PROCESS,
    LD_PT,
    LD_BTRACK,
    LD_MESG,
    LOG_DOMAINS
};

/* "NET" */
const char *log_domain_name(enum log_domain domain);

/* The lines that are shown: for each level a set of domains, a bit each. */
struct log_filter {
    uint32_t domains[LOG_ERR + 1];
};
enum { LOG_ALL_DOMAINS = (1 << LOG_DOMAINS) - 1 };
void log_filter_add(struct log_filter *f, enum log_level least, enum log_level most,
                    uint32_t domains);
bool log_filter_passes(const struct log_filter *f, enum log_level level, enum log_domain domain);
/* The lowest level of which anything is shown; LOG_ERR if nothing is. */
enum log_level log_filter_least(const struct log_filter *f);

struct log {
    enum log_level least; /* messages below this level are not even formatted */
    bool unsafe;          /* SafeLogging 0: sensitive text is shown */
    bool warn_protocol;   /* ProtocolWarnings: what others do against the protocol is a warning */
    void (*sink)(void *arg, enum log_level level, const char *line);
    /* Called in place of SINK if the domain is wanted too; or NULL. */
    void (*domain_sink)(void *arg, enum log_level level, enum log_domain domain, const char *line);
    void *arg;
};

/* "debug", "info", "notice", "warn", "err" */
const char *log_level_name(enum log_level level);

void log_line(const struct log *log, enum log_level level, const char *file, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* TEXT, or "[scrubbed]" while SafeLogging is on. */
const char *log_safe(const struct log *log, const char *text);

/* LOG is a struct log * and may be NULL. Arguments are not evaluated below the least level. */
#define LOG_AT(log, level, ...)                              \
    do {                                                     \
        if ((log) && (level) >= (log)->least)                \
            log_line((log), (level), __FILE__, __VA_ARGS__); \
    } while (0)
/* A peer broke the protocol: a warning if the user wants to know, else for who looks closer. */
#define log_protocol(log, ...) LOG_AT(log, (log)->warn_protocol ? LOG_WARN : LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...)    LOG_AT(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...)     LOG_AT(log, LOG_INFO, __VA_ARGS__)
#define log_notice(log, ...)   LOG_AT(log, LOG_NOTICE, __VA_ARGS__)
#define log_warn(log, ...)     LOG_AT(log, LOG_WARN, __VA_ARGS__)
#define log_err(log, ...)      LOG_AT(log, LOG_ERR, __VA_ARGS__)

#endif
