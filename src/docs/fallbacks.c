#include "docs/fallbacks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "docs/docs_int.h"

enum { VALUE_MAX = 512, VERSION_LEAST = 2, VERSION_KNOWN = 4 };

struct parser {
    struct fallbacks *out;
    const char *at, *end;
    unsigned line;
    bool in_list; /* an entry has begun: comments are no longer the header's */
    /* The entry that is being read. */
    bool open, spoilt;
    struct fallback entry;
    char value[VALUE_MAX]; /* its strings in one */
    size_t len;
    err_t err;
};

static void *grown(void *list, size_t n, size_t size)
{
    return n & (n - 1) ? list : realloc(list, (n ? 2 * n : 1) * size);
}

PRINTF_LIKE(4, 5)
static void problem(struct parser *p, unsigned line, bool warning, const char *fmt, ...)
{
    struct fallbacks *f = p->out;
    va_list args;
    f->n_errors += !warning;
    if (f->n_problems >= FALLBACKS_PROBLEMS_MAX)
        return;
    struct fallback_problem *list = grown(f->problems, f->n_problems, sizeof *list);
    if (!list) {
        p->err = ERR_NOMEM;
        return;
    }
    f->problems = list;
    struct fallback_problem *one = &list[f->n_problems++];
    *one = (struct fallback_problem){.line = line, .warning = warning};
    va_start(args, fmt);
    (void)vsnprintf(one->text, sizeof one->text, fmt, args);
    va_end(args);
}

/* ---- one entry ---- */

static bool has_key(struct text word, const char *key)
{
    return text_starts(word, key);
}

/* No keyword twice; an unknown one is a warning. */
static bool check_words(struct parser *p)
{
    static const char *const keys[] = {"orport=", "id=", "ipv6=", "weight="};
    unsigned seen = 0;
    struct text rest = {p->value, p->len}, word;
    (void)text_token(&rest, &word); /* the address */
    while (text_token(&rest, &word)) {
        unsigned bit = 0;
        for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++)
            if (has_key(word, keys[i]))
                bit = 1u << i;
        if (!bit)
            problem(p, p->entry.line, true, "there is an unknown keyword in the entry");
        if (seen & bit) {
            problem(p, p->entry.line, false, "a keyword is there twice");
            return false;
        }
        seen |= bit;
    }
    return true;
}

static bool same_place(const struct ip *a, uint16_t a_port, const struct ip *b, uint16_t b_port)
{
    return a->family != IP_NONE && ip_equal(a, b) && a_port == b_port;
}

static bool check_unique(struct parser *p)
{
    const struct dir_server *s = &p->entry.server;
    for (size_t i = 0; i < p->out->n; i++) {
        const struct fallback *other = &p->out->list[i];
        const struct dir_server *o = &other->server;
        const char *what = NULL;
        if (rsa_id_equal(&s->rsa, &o->rsa))
            what = "id";
        else if (same_place(&s->ip, s->orport, &o->ip, o->orport))
            what = "address and ORPort";
        else if (same_place(&s->or6.ip, s->or6.port, &o->or6.ip, o->or6.port))
            what = "IPv6 address and port";
        if (what) {
            problem(p, p->entry.line, false, "its %s are those of the entry in line %u", what,
                    other->line);
            return false;
        }
    }
    return true;
}

static void warn_of(struct parser *p)
{
    const struct dir_server *s = &p->entry.server;
    if (ip_is_internal(&s->ip) || (s->or6.ip.family != IP_NONE && ip_is_internal(&s->or6.ip)))
        problem(p, p->entry.line, true, "its address cannot be reached through the public network");
    if (!p->entry.has_nickname)
        problem(p, p->entry.line, true, "it has no nickname");
}

static void end_entry(struct parser *p)
{
    char nickname[sizeof p->entry.server.nickname];
    const char *why = NULL;
    struct fallbacks *f = p->out;
    bool was_open = p->open;
    p->open = false;
    if (!was_open || p->spoilt)
        return;
    p->value[p->len] = 0;
    memcpy(nickname, p->entry.server.nickname, sizeof nickname);
    if (dir_server_parse_fallback(p->value, &p->entry.server, &why) != OK) {
        problem(p, p->entry.line, false, "%s", why ? why : "the entry is malformed");
        return;
    }
    memcpy(p->entry.server.nickname, nickname, sizeof nickname);
    if (!check_words(p) || !check_unique(p))
        return;
    warn_of(p);
    struct fallback *list = f->n >= FALLBACKS_MAX ? NULL : grown(f->list, f->n, sizeof *list);
    if (!list) {
        p->err = f->n >= FALLBACKS_MAX ? ERR_LIMIT : ERR_NOMEM;
        return;
    }
    f->list = list;
    list[f->n++] = p->entry;
}

static void take_string(struct parser *p, struct text t)
{
    bool continues = t.len && t.s[0] == ' ';
    if (p->open && !continues) {
        problem(p, p->line, false, "the comma before this entry is missing");
        end_entry(p);
    }
    if (!p->open) {
        p->open = p->in_list = true;
        p->spoilt = false;
        p->len = 0;
        p->entry = (struct fallback){.line = p->line};
    }
    if (t.len >= sizeof p->value - p->len) {
        problem(p, p->line, false, "the entry is too long");
        p->spoilt = true;
        return;
    }
    memcpy(p->value + p->len, t.s, t.len);
    p->len += t.len;
}

/* ---- comments ---- */

static void add_header(struct parser *p, struct text name, struct text value)
{
    struct fallbacks *f = p->out;
    if (f->n_headers >= FALLBACKS_HEADERS_MAX) {
        problem(p, p->line, true, "the header has too many fields");
        return;
    }
    struct fallback_header *list = grown(f->headers, f->n_headers, sizeof *list);
    if (!list) {
        p->err = ERR_NOMEM;
        return;
    }
    f->headers = list;
    list[f->n_headers].name = text_dup(name);
    list[f->n_headers].value = text_dup(value);
    f->n_headers++;
    if (!list[f->n_headers - 1].name || !list[f->n_headers - 1].value)
        p->err = ERR_NOMEM;
}

static void take_field(struct parser *p, struct text name, struct text value)
{
    struct fallback *e = &p->entry;
    if (!p->in_list) {
        add_header(p, name, value);
    } else if (p->open && text_is(name, "nickname")) {
        if (!nickname_valid(value)) {
            problem(p, p->line, true, "this is no nickname that a relay may have");
            return;
        }
        (void)snprintf(e->server.nickname, sizeof e->server.nickname, "%.*s", TEXT_ARG(value));
        e->has_nickname = true;
    } else if (p->open && text_is(name, "extrainfo")) {
        e->has_extrainfo = text_is(value, "0") || text_is(value, "1");
        e->extrainfo = text_is(value, "1");
        if (!e->has_extrainfo)
            problem(p, p->line, true, "extrainfo is neither 0 nor 1");
    }
}

static bool is_printable(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.s[i] < ' ' || t.s[i] > '~')
            return false;
    return true;
}

/* "name=value", one word; other comments are for people. */
static void take_comment(struct parser *p, struct text t)
{
    struct text name;
    t = text_strip(t);
    if (!t.len || !memchr(t.s, '=', t.len) || t.s[0] == '=' || memchr(t.s, ' ', t.len) ||
        !is_printable(t))
        return;
    if (text_split(&t, '=', &name))
        take_field(p, name, t);
}

/* ---- the text ---- */

/* Reads up to END_MARK, which is skipped; false: it does not come. *OUT is what stood before. */
static bool take_until(struct parser *p, const char *mark, struct text *out)
{
    size_t left = (size_t)(p->end - p->at);
    const char *found = memmem(p->at, left, mark, strlen(mark));
    *out = (struct text){p->at, found ? (size_t)(found - p->at) : left};
    p->at = found ? found + strlen(mark) : p->end;
    return found != NULL;
}

static void count_lines(struct parser *p, struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        p->line += t.s[i] == '\n';
}

static void take_block_comment(struct parser *p)
{
    struct text t;
    if (!take_until(p, "*/", &t))
        problem(p, p->line, false, "this comment does not end");
    else if (t.len && !memchr(t.s, '\n', t.len))
        take_comment(p, t);
    count_lines(p, t);
}

static void take_rest_of_line(struct parser *p)
{
    struct text t;
    if (take_until(p, "\n", &t))
        p->at--; /* the newline is counted where all are */
}

static void take_quoted(struct parser *p)
{
    struct text line = {p->at, (size_t)(p->end - p->at)}, t;
    const char *nl = memchr(line.s, '\n', line.len);
    line.len = nl ? (size_t)(nl - line.s) : line.len;
    if (!line.len || !memchr(line.s, '"', line.len)) {
        problem(p, p->line, false, "this string does not end");
        p->spoilt = p->open;
        p->at += line.len;
        return;
    }
    (void)take_until(p, "\"", &t);
    take_string(p, t);
    if (is_printable(t))
        return;
    problem(p, p->line, false, "this string has a character that does not belong into it");
    p->spoilt = true;
}

static bool at_pair(const struct parser *p, char second)
{
    return p->end - p->at >= 2 && p->at[0] == '/' && p->at[1] == second;
}

static void take_next(struct parser *p)
{
    char c = *p->at;
    if (at_pair(p, '*')) {
        p->at += 2;
        take_block_comment(p);
    } else if (at_pair(p, '/')) {
        take_rest_of_line(p);
    } else if (c == '"') {
        p->at++;
        take_quoted(p);
    } else if (c == ',') {
        p->at++;
        if (!p->open)
            problem(p, p->line, false, "there is no entry before this comma");
        end_entry(p);
    } else if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
        p->at++;
        p->line += c == '\n';
    } else {
        problem(p, p->line, false, "this is neither a string nor a comment");
        take_rest_of_line(p);
    }
}

static const char *header(const struct fallbacks *f, const char *name)
{
    for (size_t i = 0; i < f->n_headers; i++)
        if (strcmp(f->headers[i].name, name) == 0)
            return f->headers[i].value;
    return NULL;
}

static void check_headers(struct parser *p)
{
    const char *type = header(p->out, "type"), *version = header(p->out, "version");
    struct text rest = text_of(version ? version : ""), major;
    uint64_t n = 0;
    if (!type || strcmp(type, "fallback") != 0)
        problem(p, 1, false, "the header does not say type=fallback");
    if (!text_split(&rest, '.', &major) || text_to_u64(major, 1000, &n) != OK)
        problem(p, 1, false, "the header has no version that can be read");
    else if (n < VERSION_LEAST)
        problem(p, 1, false, "its version is older than 2.0.0");
    else if (n > VERSION_KNOWN)
        problem(p, 1, true, "its version is newer than those that are known");
}

static int by_line(const void *a, const void *b)
{
    const struct fallback_problem *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static void parse(struct parser *p)
{
    while (p->at < p->end && p->err == OK)
        take_next(p);
    if (p->open)
        problem(p, p->entry.line, true, "the comma behind the last entry is missing");
    end_entry(p);
    if (!p->in_list)
        problem(p, p->line, false, "there is no entry in the list");
    check_headers(p);
    if (p->out->n_problems)
        qsort(p->out->problems, p->out->n_problems, sizeof *p->out->problems, by_line);
}

err_t fallbacks_parse(struct text text, struct fallbacks *out)
{
    *out = (struct fallbacks){0};
    if (text.len > FALLBACKS_TEXT_MAX)
        return ERR_LIMIT;
    const char *at = text.len ? text.s : "";
    struct parser p = {.out = out, .at = at, .end = at + text.len, .line = 1};
    parse(&p);
    if (p.err != OK)
        fallbacks_free(out);
    return p.err;
}

void fallbacks_free(struct fallbacks *f)
{
    for (size_t i = 0; i < f->n_headers; i++) {
        free(f->headers[i].name);
        free(f->headers[i].value);
    }
    free(f->headers);
    free(f->list);
    free(f->problems);
    *f = (struct fallbacks){0};
}

err_t fallbacks_servers(const struct fallbacks *f, struct dir_servers *servers)
{
    for (size_t i = 0; i < f->n; i++)
        TRY(dir_servers_add(servers, &f->list[i].server));
    return OK;
}
