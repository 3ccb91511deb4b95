#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 256 };

struct text_out text_out(size_t most)
{
    return (struct text_out){.most = most};
}

void out_free(struct text_out *o)
{
    free(o->s);
    *o = text_out(o->most);
}

/* Room for LEN bytes and a NUL, or NULL: the text has failed. */
static char *room(struct text_out *o, size_t len)
{
    if (o->err == OK && len > o->most - o->len)
        o->err = ERR_FULL;
    if (o->err != OK)
        return NULL;
    size_t size = o->size ? o->size : SMALLEST;
    while (size < o->len + len + 1)
        size *= 2;
    if (size != o->size) {
        char *more = realloc(o->s, size);
        if (!more) {
            o->err = ERR_NOMEM;
            return NULL;
        }
        o->s = more;
        o->size = size;
    }
    return o->s + o->len;
}

void out_add(struct text_out *o, const void *bytes, size_t len)
{
    char *at = room(o, len);
    if (!at)
        return;
    if (len)
        memcpy(at, bytes, len);
    at[len] = 0;
    o->len += len;
}

void out_str(struct text_out *o, const char *cstr)
{
    out_add(o, cstr, strlen(cstr));
}

void out_char(struct text_out *o, char c)
{
    out_add(o, &c, 1);
}

void out_printf(struct text_out *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    out_vprintf(o, fmt, args);
    va_end(args);
}

void out_vprintf(struct text_out *o, const char *fmt, va_list args)
{
    char small[256];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, fmt, args);
    if (len >= 0 && (size_t)len < sizeof small) {
        out_add(o, small, (size_t)len);
    } else if (len >= 0) {
        char *at = room(o, (size_t)len);
        if (at) {
            vsnprintf(at, (size_t)len + 1, fmt, again);
            o->len += (size_t)len;
        }
    }
    va_end(again);
}

void out_cut(struct text_out *o, size_t len)
{
    if (len < o->len) {
        o->len = len;
        o->s[len] = 0;
    }
}

const char *out_text(const struct text_out *o)
{
    return o->s ? o->s : "";
}

char *out_take(struct text_out *o)
{
    out_str(o, "");
    char *taken = o->err == OK ? o->s : NULL;
    if (!taken)
        free(o->s);
    *o = text_out(o->most);
    return taken;
}

err_t out_end(const struct text_out *o)
{
    return o->err;
}
