#include "client/addrmap_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REWRITES_MOST = 16 };

/* ---- names ---- */

/* As it is looked for: lower case, no brackets. Cut if it is too long for any host. */
void addrmap_normal(const char *text, char out[TUNNEL_HOST_MAX + 1])
{
    size_t len = strlen(text);
    bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
    snprintf(out, TUNNEL_HOST_MAX + 1, "%.*s", (int)(brackets ? len - 2 : len), text + brackets);
    for (char *c = out; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

static bool is_v6(const char *host)
{
    struct ip ip;
    return ip_parse(host, false, &ip) == OK && ip.family == IP_V6;
}

bool addrmap_is_host(const char *text)
{
    struct ip ip;
    if (ip_parse(text, true, &ip) == OK)
        return true;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-' && *text != '.' && *text != '_')
            return false;
    return true;
}

bool addrmap_ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len >= n && strcasecmp(text + len - n, end) == 0;
}

/* ---- entries ---- */

struct addrmap_entry *addrmap_find(const struct addrmap *m, const char *host)
{
    struct addrmap_entry *e;
    HASH_FIND_STR(m->entries, host, e);
    return e && e->expires_s && e->expires_s <= env_wall_s(m->env) ? NULL : e;
}

/* E goes; harmless if it is no virtual address. */
static void forget_virtual(struct addrmap *m, struct addrmap_entry *e)
{
    struct stand_in *v = e->virtual;
    bool used = false;
    if (!v)
        return;
    for (int i = 0; i < VIRTUAL_KINDS; i++) {
        if (v->of[i] == e)
            v->of[i] = NULL;
        used |= v->of[i] != NULL;
    }
    if (used)
        return;
    HASH_DEL(m->stand_ins, v);
    free(v->host);
    free(v);
}

static void forget(struct addrmap *m, struct addrmap_entry *e)
{
    forget_virtual(m, e);
    HASH_DEL(m->entries, e);
    free(e->from);
    free(e->to);
    free(e);
}

/* FROM and TO are normal. ERR_LIMIT, ERR_NOMEM. */
err_t addrmap_add(struct addrmap *m, const char *from, const char *to, enum addrmap_source source,
                  struct addrmap_entry **out)
{
    struct addrmap_entry *e;
    if (HASH_COUNT(m->entries) >= ADDRMAP_MOST)
        return ERR_LIMIT;
    e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    e->source = source;
    e->from = text_dup(text_of(from));
    e->to = text_dup(text_of(to));
    if (e->from && e->to)
        HASH_ADD_KEYPTR(hh, m->entries, e->from, strlen(e->from), e);
    if (!HASH_ADDED(e, hh)) {
        free(e->from);
        free(e->to);
        free(e);
        return ERR_NOMEM;
    }
    *out = e;
    return OK;
}

/* FROM stands for nothing more. */
void addrmap_drop(struct addrmap *m, const char *from)
{
    struct addrmap_entry *e;
    HASH_FIND_STR(m->entries, from, e);
    if (e)
        forget(m, e);
}

void addrmap_tell(const struct addrmap *m, const struct addrmap_entry *e, uint64_t stream)
{
    char from[TUNNEL_HOST_MAX + 3];
    snprintf(from, sizeof from, is_v6(e->from) ? "[%s]" : "%s", e->from);
    m->told(m->arg, from, e->to, e->expires_s, stream);
}

/* ---- what is said ---- */

static bool take_wildcard(const char **text)
{
    bool wild = strncmp(*text, "*.", 2) == 0;
    *text += wild ? 2 : 0;
    return wild;
}

/* The words are those of tor's addressmap_register_auto(). */
static err_t check(const char *from, bool from_wild, const char *to, bool to_wild, const char **why)
{
    *why = NULL;
    if (strcmp(from, "*") == 0 || strcmp(to, "*") == 0)
        *why = "can't remap from or to *";
    else if (to_wild && !from_wild)
        *why = "can only use wildcard (i.e. '*.') if 'from' address uses wildcard also";
    else if (!addrmap_is_host(to))
        *why = "destination is invalid";
    return *why ? ERR_MALFORMED : OK;
}

err_t addrmap_set(struct addrmap *m, const char *from, const char *to, enum addrmap_source source,
                  const char **why)
{
    char key[TUNNEL_HOST_MAX + 1], value[TUNNEL_HOST_MAX + 1];
    bool from_wild = take_wildcard(&from), to_wild = take_wildcard(&to);
    struct addrmap_entry *e;
    TRY(check(from, from_wild, to, to_wild, why));
    addrmap_normal(from, key);
    addrmap_normal(to, value);
    addrmap_drop(m, key);
    if (strcmp(key, value) == 0 && from_wild == to_wild)
        return OK;
    *why = "there are too many mappings";
    TRY(addrmap_add(m, key, value, source, &e));
    e->from_wild = from_wild;
    e->to_wild = to_wild;
    addrmap_tell(m, e, 0);
    return OK;
}

void addrmap_track_exit(struct addrmap *m, const char *from, const char *to, int64_t expires_s,
                        uint64_t stream)
{
    struct addrmap_entry *e;
    if (addrmap_find(m, from))
        return;
    addrmap_drop(m, from); /* one that has expired */
    if (addrmap_add(m, from, to, ADDRMAP_EXIT, &e) != OK)
        return;
    e->expires_s = expires_s;
    addrmap_tell(m, e, stream);
}

bool addrmap_renew(struct addrmap *m, const char *host, int64_t expires_s)
{
    struct addrmap_entry *e = addrmap_find(m, host);
    if (e && e->source == ADDRMAP_EXIT)
        e->expires_s = expires_s;
    return e != NULL;
}

/* ---- what stands for what ---- */

/* The wildcard that HOST ends in; *DOT: where that end begins. */
static const struct addrmap_entry *find_wild(const struct addrmap *m, char *host, char **dot)
{
    for (char *c = strchr(host, '.'); c; c = strchr(c + 1, '.')) {
        const struct addrmap_entry *e = addrmap_find(m, c + 1);
        *dot = c;
        if (e && e->from_wild)
            return e;
    }
    return NULL;
}

/* One step; NULL: HOST stands for itself. */
static const struct addrmap_entry *rewrite_once(const struct addrmap *m,
                                                char host[TUNNEL_HOST_MAX + 1], unsigned sources)
{
    const struct addrmap_entry *e = addrmap_find(m, host);
    char *dot = NULL, next[2 * TUNNEL_HOST_MAX + 2];
    /* "*.example.com example.com", and it is that already */
    if (e && e->from_wild && !e->to_wild && strcmp(host, e->to) == 0)
        return NULL;
    if (!e)
        e = find_wild(m, host, &dot);
    if (!e || !(e->source & sources))
        return NULL;
    if (e->to_wild && dot)
        snprintf(next, sizeof next, "%.*s.%s", (int)(dot - host), host, e->to);
    else
        snprintf(next, sizeof next, "%s", e->to);
    snprintf(host, TUNNEL_HOST_MAX + 1, "%.*s", TUNNEL_HOST_MAX, next);
    return e;
}

bool addrmap_rewrite(struct addrmap *m, char host[TUNNEL_HOST_MAX + 1], unsigned sources,
                     enum addrmap_source *exit_source)
{
    char key[TUNNEL_HOST_MAX + 1], shown[TUNNEL_HOST_MAX + 1];
    *exit_source = 0;
    addrmap_normal(host, key);
    snprintf(shown, sizeof shown, "%s", key);
    for (int i = 0; i < REWRITES_MOST; i++) {
        bool was_exit = addrmap_ends_in(key, ".exit");
        const struct addrmap_entry *e = rewrite_once(m, key, sources);
        if (e && !was_exit && !*exit_source && addrmap_ends_in(key, ".exit"))
            *exit_source = e->source;
        if (e)
            continue;
        if (i > 0)
            snprintf(host, TUNNEL_HOST_MAX + 1, "%s", key);
        return i > 0;
    }
    log_warn(m->env->log, "Loop detected: we've rewritten \"%s\" 16 times! Using it as-is.",
             log_safe(m->env->log, shown));
    snprintf(host, TUNNEL_HOST_MAX + 1, "%s", key);
    return true;
}

/* ---- all of them ---- */

void addrmap_clear(struct addrmap *m, unsigned sources)
{
    struct addrmap_entry *e, *next;
    HASH_ITER (hh, m->entries, e, next)
        if (e->source & sources)
            forget(m, e);
}

void addrmap_clear_exit(struct addrmap *m, const char *suffix)
{
    struct addrmap_entry *e, *next;
    HASH_ITER (hh, m->entries, e, next)
        if (e->source == ADDRMAP_EXIT && addrmap_ends_in(e->to, suffix))
            forget(m, e);
}

void addrmap_each(struct addrmap *m, unsigned sources,
                  void (*fn)(void *arg, const char *from, const char *to, int64_t expires_s),
                  void *arg)
{
    char from[TUNNEL_HOST_MAX + 3], to[TUNNEL_HOST_MAX + 3];
    struct addrmap_entry *e, *next;
    HASH_ITER (hh, m->entries, e, next) {
        if (!(e->source & sources) || !addrmap_find(m, e->from))
            continue;
        snprintf(from, sizeof from,
                 e->from_wild     ? "*.%s"
                 : is_v6(e->from) ? "[%s]"
                                  : "%s",
                 e->from);
        snprintf(to, sizeof to, e->to_wild ? "*.%s" : "%s", e->to);
        fn(arg, from, to, e->expires_s);
    }
}

/* ---- life ---- */

struct addrmap *addrmap_new(struct env *env, addrmap_told_fn *told, void *arg)
{
    struct addrmap *m = calloc(1, sizeof *m);
    if (m)
        *m = (struct addrmap){.env = env, .told = told, .arg = arg};
    return m;
}

void addrmap_free(struct addrmap *m)
{
    if (!m)
        return;
    addrmap_clear(m, ADDRMAP_ALL);
    free(m);
}
