#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text text_of(const char *cstr)
{
    return (struct text){cstr, strlen(cstr)};
}

bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool text_is_nocase(struct text a, const char *cstr)
{
    return a.len == strlen(cstr) && strncasecmp(a.s, cstr, a.len) == 0;
}

bool text_is_alnum(struct text a)
{
    for (size_t i = 0; i < a.len; i++) {
        char c = a.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return a.len > 0;
}

bool text_starts(struct text a, const char *prefix)
{
    if (!a.len || a.s[0] != *prefix)
        return !*prefix;
    size_t len = strlen(prefix);
    return a.len >= len && memcmp(a.s, prefix, len) == 0;
}

static void skip(struct text *t, size_t len)
{
    if (len) /* t->s may be NULL */
        t->s += len;
    t->len -= len;
}

bool text_split(struct text *rest, char sep, struct text *part)
{
    if (!rest->len)
        return false;
    const char *at = memchr(rest->s, sep, rest->len);
    *part = (struct text){rest->s, at ? (size_t)(at - rest->s) : rest->len};
    skip(rest, part->len + (at ? 1 : 0));
    return true;
}

bool text_line(struct text *rest, struct text *line)
{
    if (!text_split(rest, '\n', line))
        return false;
    if (line->len && line->s[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool text_token(struct text *rest, struct text *token)
{
    while (rest->len && is_blank(rest->s[0]))
        skip(rest, 1);
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->s[len]))
        len++;
    *token = (struct text){rest->s, len};
    skip(rest, len);
    return len > 0;
}

struct text text_strip(struct text t)
{
    while (t.len && is_blank(t.s[0]))
        skip(&t, 1);
    while (t.len && is_blank(t.s[t.len - 1]))
        t.len--;
    return t;
}

err_t text_to_u64(struct text t, uint64_t most, uint64_t *out)
{
    uint64_t x = 0;
    if (!t.len)
        return ERR_MALFORMED;
    for (size_t i = 0; i < t.len; i++) {
        if (t.s[i] < '0' || t.s[i] > '9')
            return ERR_MALFORMED;
        uint64_t digit = (uint64_t)(t.s[i] - '0');
        if (x > (most - digit) / 10 || digit > most)
            return ERR_LIMIT;
        x = x * 10 + digit;
    }
    *out = x;
    return OK;
}

err_t text_u64(const char *cstr, uint64_t most, uint64_t *out)
{
    return text_to_u64(text_of(cstr), most, out);
}

char *text_dup(struct text t)
{
    char *copy = malloc(t.len + 1);
    if (!copy)
        return NULL;
    if (t.len)
        memcpy(copy, t.s, t.len);
    copy[t.len] = 0;
    return copy;
}

const char *text_duration(int64_t seconds, char out[TEXT_DURATION_MAX])
{
    unsigned long long s = seconds > 0 ? (unsigned long long)seconds : 0;
    if (s < 120)
        snprintf(out, TEXT_DURATION_MAX, "%llu s", s);
    else if (s < 2 * 3600)
        snprintf(out, TEXT_DURATION_MAX, "%llu min", s / 60);
    else if (s < 48 * 3600)
        snprintf(out, TEXT_DURATION_MAX, "%llu h %llu min", s / 3600, s / 60 % 60);
    else
        snprintf(out, TEXT_DURATION_MAX, "%llu d %llu h", s / 86400, s / 3600 % 24);
    return out;
}

char *text_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *out = len < 0 ? NULL : malloc((size_t)len + 1);
    if (!out)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(out, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return out;
}
