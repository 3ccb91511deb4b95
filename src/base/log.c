#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "notice", "warn", "err"};
    return names[level];
}

const char *log_domain_name(enum log_domain domain)
{
    static const char *const names[LOG_DOMAINS] = {
        [LD_GENERAL] = "GENERAL",
        [LD_CRYPTO] = "CRYPTO",
        [LD_NET] = "NET",
        [LD_CONFIG] = "CONFIG",
        [LD_FS] = "FS",
        [LD_PROTOCOL] = "PROTOCOL",
        [LD_MM] = "MM",
        [LD_HTTP] = "HTTP",
        [LD_APP] = "APP",
        [LD_CONTROL] = "CONTROL",
        [LD_CIRC] = "CIRC",
        [LD_REND] = "REND",
        [LD_BUG] = "BUG",
        [LD_DIR] = "DIR",
        [LD_DIRSERV] = "DIRSERV",
        [LD_OR] = "OR",
        [LD_EDGE] = "EDGE",
        [LD_ACCT] = "ACCT",
        [LD_HIST] = "HIST",
        [LD_HANDSHAKE] = "HANDSHAKE",
        [LD_HEARTBEAT] = "HEARTBEAT",
        [LD_CHANNEL] = "CHANNEL",
        [LD_SCHED] = "SCHED",
        [LD_GUARD] = "GUARD",
        [LD_CONSDIFF] = "CONSDIFF",
        [LD_DOS] = "DOS",
        [LD_PROCESS] = "PROCESS",
        [LD_PT] = "PT",
        [LD_BTRACK] = "BTRACK",
        [LD_MESG] = "MESG",
    };
    return names[domain];
}

/* The domain of a source file, such as "src/net/conn.c". */
static enum log_domain domain_of(const char *file)
{
    /* The first that FILE begins with: what tor says of the same things. */
    static const struct {
        const char *prefix;
        enum log_domain domain;
    } rows[] = {
        {"src/base/", LD_GENERAL},
        {"src/crypto/", LD_CRYPTO},
        {"src/cell/", LD_PROTOCOL},
        {"src/link/handshake", LD_HANDSHAKE},
        {"src/link/", LD_OR},
        {"src/circuit/", LD_CIRC},
        {"src/stream/", LD_EDGE},
        {"src/dir/", LD_DIR},
        {"src/path/guards", LD_GUARD},
        {"src/path/", LD_CIRC},
        {"src/client/boot", LD_CONTROL},
        {"src/control/", LD_CONTROL},
        {"src/client/fetch", LD_DIR},
        {"src/client/dir", LD_DIR},
        {"src/client/", LD_CIRC},
        {"src/socks/", LD_APP},
        {"src/net/files", LD_FS},
        {"src/net/world", LD_FS},
        {"src/net/", LD_NET},
        {"src/conf/", LD_CONFIG},
        {"src/host/folder", LD_FS},
        {"src/host/heart", LD_HEARTBEAT},
        {"src/host/", LD_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(file, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return rows[i].domain;
    return LD_GENERAL;
}

void log_filter_add(struct log_filter *f, enum log_level least, enum log_level most,
                    uint32_t domains)
{
    for (int level = (int)least; level <= (int)most; level++)
        f->domains[level] |= domains;
}

bool log_filter_passes(const struct log_filter *f, enum log_level level, enum log_domain domain)
{
    return f->domains[level] >> domain & 1;
}

enum log_level log_filter_least(const struct log_filter *f)
{
    for (int level = LOG_DEBUG; level < LOG_ERR; level++)
        if (f->domains[level])
            return (enum log_level)level;
    return LOG_ERR;
}

/* Peers and files choose parts of a message: keep one message to one line of printable text. */
static void make_printable(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
}

void log_line(const struct log *log, enum log_level level, const char *file, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    make_printable(line);
    if (log->domain_sink)
        log->domain_sink(log->arg, level, domain_of(file), line);
    else
        log->sink(log->arg, level, line);
}

const char *log_safe(const struct log *log, const char *text)
{
    return log && log->unsafe ? text : "[scrubbed]";
}
