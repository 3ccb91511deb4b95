/* Log lines: which levels go where. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/optlists.h"

enum { LOG_LINES_MAX = 256 };

static bool parse_level(struct text t, enum log_level *out)
{
    for (int level = LOG_DEBUG; level <= LOG_ERR; level++)
        if (text_is_nocase(t, log_level_name((enum log_level)level))) {
            *out = (enum log_level)level;
            return true;
        }
    return false;
}

/* "notice", "info-warn" */
static bool parse_range(struct text t, enum log_level *least, enum log_level *most)
{
    const char *dash = memchr(t.s, '-', t.len);
    *most = LOG_ERR;
    if (!dash)
        return parse_level(t, least);
    struct text low = {t.s, (size_t)(dash - t.s)}, high = {dash + 1, t.len - low.len - 1};
    return parse_level(low, least) && parse_level(high, most) && *least <= *most;
}

static bool parse_domain(struct text name, uint32_t *out)
{
    for (int i = 0; i < LOG_DOMAINS; i++)
        if (text_is_nocase(name, log_domain_name((enum log_domain)i))) {
            *out |= UINT32_C(1) << i;
            return true;
        }
    return false;
}

/* "general,~circ", "*" */
static bool parse_domains(struct text list, uint32_t *out)
{
    uint32_t with = 0, without = 0;
    while (list.len > 0) {
        const char *comma = memchr(list.s, ',', list.len);
        struct text name = {list.s, comma ? (size_t)(comma - list.s) : list.len};
        list.s += name.len + (comma != NULL);
        list.len -= name.len + (comma != NULL);
        name = text_strip(name);
        bool not = name.len > 0 && name.s[0] == '~';
        if (text_is(name, "*"))
            with = LOG_ALL_DOMAINS;
        else if (name.len > 0 && !parse_domain((struct text){name.s + not, name.len - not },
                                               not ? &without : &with))
            return false;
    }
    *out = (with || !without ? with : LOG_ALL_DOMAINS) & ~without;
    return true;
}

/* Takes "[general,~circ]" off the front of *T. */
static bool cut_domains(struct text *t, uint32_t *domains, bool *had)
{
    *domains = LOG_ALL_DOMAINS;
    if (t->len == 0 || t->s[0] != '[')
        return true;
    const char *close = memchr(t->s, ']', t->len);
    if (!close || !parse_domains((struct text){t->s + 1, (size_t)(close - t->s - 1)}, domains))
        return false;
    *had = true;
    t->len -= (size_t)(close + 1 - t->s);
    t->s = close + 1;
    *t = text_strip(*t);
    return true;
}

/* The levels at the front of *REST: [domains]range, several of them. */
static bool parse_levels(struct text *rest, struct log_filter *out)
{
    bool got = false;
    *rest = text_strip(*rest);
    for (;;) {
        struct text after = *rest, word;
        enum log_level least, most;
        uint32_t domains;
        bool had = false;
        if (!cut_domains(&after, &domains, &had))
            return false;
        if (!text_token(&after, &word) || !parse_range(word, &least, &most))
            return had ? false : got; /* a domain needs its level */
        log_filter_add(out, least, most, domains);
        got = true;
        *rest = text_strip(after);
    }
}

static err_t parse_dest(struct text rest, const char *home, struct log_dest *out, bool *ok)
{
    struct text word;
    *ok = true;
    if (!text_token(&rest, &word)) {
        out->to = LOG_TO_STDOUT;
        return OK;
    }
    struct text path = text_strip(rest);
    if (text_is_nocase(word, "file") && path.len > 0) {
        char *text = text_dup(path);
        out->to = LOG_TO_FILE;
        out->path = text ? path_expand(text, home) : NULL;
        free(text);
        return out->path ? OK : ERR_NOMEM;
    }
    *ok = path.len == 0;
    if (text_is_nocase(word, "stdout"))
        out->to = LOG_TO_STDOUT;
    else if (text_is_nocase(word, "stderr"))
        out->to = LOG_TO_STDERR;
    else if (text_is_nocase(word, "syslog"))
        out->to = LOG_TO_SYSLOG;
    else
        *ok = false;
    return OK;
}

static err_t parse_line(const struct conf_line *line, const char *home, struct log_dest *out,
                        struct conf_err *e)
{
    struct text rest = text_of(line->value);
    bool ok = false;
    if (!parse_levels(&rest, &out->show))
        return conf_fail(e, ERR_MALFORMED, "%s: Couldn't parse log levels in Log option 'Log %s'",
                         line->where, line->value);
    TRY(parse_dest(rest, home, out, &ok));
    if (!ok)
        return conf_fail(e, ERR_MALFORMED, "%s: Bad syntax on file Log option 'Log %s'",
                         line->where, line->value);
    return OK;
}

err_t logs_parse(const struct conf_line *lines, const char *home, struct log_dest **out, size_t *n,
                 struct conf_faults *faults)
{
    struct conf_err e;
    size_t count = 0, done = 0;
    for (const struct conf_line *l = lines; l; l = l->next)
        count++;
    if (count > LOG_LINES_MAX)
        return conf_faults_say(faults, ERR_LIMIT, "too many Log lines");
    struct log_dest *dests = calloc(count + 1, sizeof *dests);
    err_t err = dests ? OK : ERR_NOMEM;
    for (; err == OK && lines; lines = lines->next)
        err = conf_faults_add(faults, parse_line(lines, home, &dests[done++], &e), &e);
    *out = dests;
    *n = done;
    return err;
}

void logs_free(struct log_dest *logs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(logs[i].path);
    free(logs);
}
