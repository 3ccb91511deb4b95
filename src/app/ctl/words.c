#include "app/ctl/words.h"

#include <stdlib.h>
#include <string.h>

static bool is_key(struct text t)
{
    if (!t.len || t.s[0] < 'A' || t.s[0] > 'Z')
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (!((t.s[i] >= 'A' && t.s[i] <= 'Z') || (t.s[i] >= '0' && t.s[i] <= '9') ||
              t.s[i] == '_'))
            return false;
    return true;
}

static void skip(struct text *t, size_t n)
{
    t->s += n;
    t->len -= n;
}

/* How far a quoted string reaches whose opening quote is behind. */
static size_t quoted_len(struct text t)
{
    size_t n = 0;
    while (n < t.len && t.s[n] != '"')
        n += t.s[n] == '\\' && n + 1 < t.len ? 2 : 1;
    return n;
}

bool ctl_word(struct text *rest, struct ctl_word *out)
{
    size_t n = 0;
    while (rest->len && (rest->s[0] == ' ' || rest->s[0] == '\t'))
        skip(rest, 1);
    if (!rest->len)
        return false;
    *out = (struct ctl_word){.key = {rest->s, 0}};
    while (n < rest->len && !strchr(" =\"", rest->s[n]))
        n++;
    if (n < rest->len && rest->s[n] == '=' && is_key((struct text){rest->s, n})) {
        out->key.len = n;
        skip(rest, n + 1);
    }
    out->quoted = rest->len && rest->s[0] == '"';
    if (out->quoted)
        skip(rest, 1);
    const char *space = rest->len ? memchr(rest->s, ' ', rest->len) : NULL;
    n = out->quoted ? quoted_len(*rest) : space ? (size_t)(space - rest->s) : rest->len;
    out->value = (struct text){rest->s, n};
    skip(rest, n + (out->quoted && n < rest->len));
    return true;
}

struct text ctl_value_of(struct text line, const char *key)
{
    struct ctl_word w;
    while (ctl_word(&line, &w))
        if (w.key.len && text_is(w.key, key))
            return w.value;
    return (struct text){"", 0};
}

/* One character of a quoted string: how many bytes it takes there. */
static size_t unescape(struct text t, char *c)
{
    static const char names[] = "ntr", bytes[] = "\n\t\r";
    const char *name;
    *c = t.s[0];
    if (*c != '\\' || t.len < 2)
        return 1;
    *c = t.s[1];
    if ((name = memchr(names, *c, sizeof names - 1)))
        *c = bytes[name - names];
    if (*c < '0' || *c > '7')
        return 2;
    unsigned value = 0;
    size_t n = 1;
    for (; n < t.len && n < 4 && t.s[n] >= '0' && t.s[n] <= '7'; n++)
        value = 8 * value + (unsigned)(t.s[n] - '0');
    *c = (char)(unsigned char)value;
    return n;
}

void ctl_unquote(struct text quoted, char *out, size_t cap)
{
    size_t n = 0;
    while (quoted.len && n + 1 < cap)
        skip(&quoted, unescape(quoted, &out[n++]));
    out[n] = 0;
}

char *ctl_quote(struct text value)
{
    char *out = malloc(2 * value.len + 3);
    size_t n = 0;
    if (!out || memchr(value.s, '\n', value.len) || memchr(value.s, '\r', value.len)) {
        free(out);
        return NULL;
    }
    out[n++] = '"';
    for (size_t i = 0; i < value.len; i++) {
        if (value.s[i] == '"' || value.s[i] == '\\')
            out[n++] = '\\';
        out[n++] = value.s[i];
    }
    out[n++] = '"';
    out[n] = 0;
    return out;
}

void ctl_printable(struct text t, char *out, size_t cap)
{
    size_t n = 0;
    for (; n < t.len && n + 1 < cap; n++)
        out[n] = t.s[n] >= ' ' && t.s[n] <= '~' ? t.s[n] : '?';
    out[n] = 0;
}
