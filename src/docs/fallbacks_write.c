/* Lists of fallbacks as text and as JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/encode.h"
#include "docs/fallbacks.h"
#include "docs/json_int.h"

enum { LINE_MAX_LEN = 512, TEXT_MAX = 16 << 20 };

PRINTF_LIKE(2, 3) static bool add(struct buf *b, const char *fmt, ...)
{
    char line[LINE_MAX_LEN];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return n >= 0 && (size_t)n < sizeof line && buf_add(b, line, (size_t)n) == OK;
}

static bool add_text(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s)) == OK;
}

static bool write_header(struct buf *b, const struct fallbacks *f)
{
    bool ok = true;
    for (size_t i = 0; ok && i < f->n_headers; i++)
        ok = add_text(b, "/* ") && add_text(b, f->headers[i].name) && add_text(b, "=") &&
             add_text(b, f->headers[i].value) && add_text(b, " */\n");
    return ok && add(b, "/* ===== */\n// %zu fallback directories\n/* ===== */\n\n", f->n);
}

static bool write_entry(struct buf *b, const struct fallback *e)
{
    char address[IP_TEXT_MAX], hex[HEX_SIZE(20)], six[IPPORT_TEXT_MAX];
    const struct dir_server *s = &e->server;
    bool ok = add(b, "\"%s", ip_text(&s->ip, address)) &&
              (!s->dirport || add(b, ":%u", s->dirport)) &&
              add(b, " orport=%u id=%s\"\n", s->orport, hex_upper(s->rsa.b, 20, hex));
    if (ok && s->or6.ip.family != IP_NONE)
        ok = add(b, "\" ipv6=%s\"\n", ipport_text(&s->or6, six));
    if (ok && s->weight != 1.0)
        ok = add(b, "\" weight=%g\"\n", s->weight);
    if (ok && e->has_nickname)
        ok = add(b, "/* nickname=%s */\n", s->nickname);
    if (ok && e->has_extrainfo)
        ok = add(b, "/* extrainfo=%d */\n", e->extrainfo);
    return ok && add(b, "/* ===== */\n,\n");
}

char *fallbacks_write(const struct fallbacks *f)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    bool ok = write_header(&b, f);
    for (size_t i = 0; ok && i < f->n; i++)
        ok = write_entry(&b, &f->list[i]);
    char *out = ok ? text_dup((struct text){(const char *)buf_at(&b), b.len}) : NULL;
    buf_free(&b);
    return out;
}

/* ---- JSON ---- */

static json_t *headers_json(const struct fallbacks *f)
{
    json_t *out = json_object();
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < f->n_headers; i++) {
        json_t *name = json_text(text_of(f->headers[i].name));
        ok = name &&
             json_give(out, json_string_value(name), json_text(text_of(f->headers[i].value)));
        json_decref(name);
    }
    return json_done(out, ok);
}

static json_t *entry_json(const struct fallback *e)
{
    char address[IP_TEXT_MAX], hex[HEX_SIZE(20)], six[IPPORT_TEXT_MAX];
    const struct dir_server *s = &e->server;
    json_t *out = json_object();
    bool ok = json_give(out, "address", json_string(ip_text(&s->ip, address))) &&
              json_give(out, "or-port", json_integer(s->orport)) &&
              (!s->dirport || json_give(out, "dir-port", json_integer(s->dirport))) &&
              json_give(out, "fingerprint", json_string(hex_upper(s->rsa.b, 20, hex)));
    if (ok && s->or6.ip.family != IP_NONE)
        ok = json_give(out, "ipv6", json_string(ipport_text(&s->or6, six)));
    if (ok && e->has_nickname)
        ok = json_give(out, "nickname", json_string(s->nickname));
    if (ok && e->has_extrainfo)
        ok = json_give(out, "extrainfo", json_boolean(e->extrainfo));
    return json_done(out, ok && json_give(out, "line", json_integer(e->line)));
}

static json_t *problem_json(const struct fallback_problem *p)
{
    json_t *out = json_object();
    bool ok = json_give(out, "line", json_integer(p->line)) &&
              json_give(out, "severity", json_string(p->warning ? "warning" : "error")) &&
              json_give(out, "text", json_text(text_of(p->text)));
    return json_done(out, ok);
}

json_t *fallbacks_json(const struct fallbacks *f)
{
    json_t *out = json_object(), *list = json_array(), *problems = json_array();
    bool ok = list && problems;
    for (size_t i = 0; ok && i < f->n; i++)
        ok = json_array_append_new(list, entry_json(&f->list[i])) == 0;
    for (size_t i = 0; ok && i < f->n_problems; i++)
        ok = json_array_append_new(problems, problem_json(&f->problems[i])) == 0;
    ok = json_give(out, "headers", headers_json(f)) && ok;
    ok = json_give(out, "fallbacks", list) && ok;
    ok = json_give(out, "problems", problems) && ok;
    return json_done(out, ok);
}
