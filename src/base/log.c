#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 2048 };

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "notice", "warn", "err"};
    return names[level];
}

/* Peers and files choose parts of a message: keep one message to one line of printable text. */
static void make_printable(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
}

void log_line(const struct log *log, enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    make_printable(line);
    log->sink(log->arg, level, line);
}

const char *log_safe(const struct log *log, const char *text)
{
    return log && log->unsafe ? text : "[scrubbed]";
}
