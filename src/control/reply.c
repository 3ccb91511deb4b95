#include "control/reply.h"

#include <stdarg.h>
#include <string.h>

#include "control/session_int.h"

enum { LINE_MAX_BYTES = 1 << 20 };

/* What is said again of a command must not end the line. */
static void keep_on_line(struct text_out *o, size_t begin)
{
    for (size_t i = begin; i < o->len; i++)
        if (o->s[i] == '\r' || o->s[i] == '\n')
            o->s[i] = ' ';
}

static void add_line(struct text_out *o, int code, char separator, const char *fmt, va_list args)
    PRINTF_LIKE(4, 0);
static void add_line(struct text_out *o, int code, char separator, const char *fmt, va_list args)
{
    size_t begin = o->len;
    out_printf(o, "%03d%c", code, separator);
    out_vprintf(o, fmt, args);
    keep_on_line(o, begin);
    out_str(o, "\r\n");
}

static void line(struct session *s, int code, char separator, const char *fmt, va_list args)
    PRINTF_LIKE(4, 0);
static void line(struct session *s, int code, char separator, const char *fmt, va_list args)
{
    struct text_out o = text_out(LINE_MAX_BYTES);
    add_line(&o, code, separator, fmt, args);
    session_say(s, &o);
    out_free(&o);
}

void out_reply_mid(struct text_out *o, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_line(o, code, '-', fmt, args);
    va_end(args);
}

void reply_end(struct session *s, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(s, code, ' ', fmt, args);
    va_end(args);
}

void reply_mid(struct session *s, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(s, code, '-', fmt, args);
    va_end(args);
}

void reply_ok(struct session *s)
{
    reply_end(s, 250, "OK");
}

void out_reply_value(struct text_out *o, int code, const char *key, const char *value)
{
    bool data = strpbrk(value, "\r\n") != NULL;
    out_printf(o, "%03d%c%s=", code, data ? '+' : '-', key);
    if (!data)
        out_str(o, value);
    out_str(o, "\r\n");
    if (data)
        out_data(o, value);
}

/* control-spec 2.4, CmdData. 2.1: "Tor [...] MUST NOT generate LF instead of CRLF", whatever DATA
 * has. */
void out_data(struct text_out *o, const char *data)
{
    while (*data) {
        size_t len = strcspn(data, "\n");
        bool has_cr = len > 0 && data[len - 1] == '\r';
        if (*data == '.')
            out_char(o, '.');
        out_add(o, data, has_cr && data[len] ? len - 1 : len);
        out_str(o, "\r\n");
        data += len + (data[len] == '\n');
    }
    out_str(o, ".\r\n");
}

static void escape(struct text_out *o, unsigned char c)
{
    static const char named[] = "\t\n\r", letters[] = "tnr";
    const char *at = c ? strchr(named, c) : NULL;
    if (at)
        out_printf(o, "\\%c", letters[at - named]);
    else if (c == '\\' || c == '"' || c == '\'')
        out_printf(o, "\\%c", c);
    else if (c < ' ' || c >= 127)
        out_printf(o, "\\%03o", c);
    else
        out_char(o, (char)c);
}

void out_escaped(struct text_out *o, const char *text)
{
    if (!text) {
        out_str(o, "(null)");
        return;
    }
    out_char(o, '"');
    for (; *text; text++)
        escape(o, (unsigned char)*text);
    out_char(o, '"');
}
