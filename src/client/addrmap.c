#include "client/addrmap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "crypto/encode.h"

enum {
    REWRITES_MOST = 16,
    VIRTUAL_TRIES = 1000, /* tor's: enough unless the network is nearly full */
    VIRTUAL_RANDOM = 10,  /* bytes of a virtual host name */
    VIRTUAL_KINDS = ADDRMAP_HOST + 1,
};

#define VIRTUAL_SUFFIX ".virtual"

struct entry {
    char *from; /* the key */
    char *to;
    enum addrmap_source source;
    int64_t expires_s;
    bool from_wild, to_wild; /* "*." stood before them */
    struct stand_in *virtual;
    UT_hash_handle hh;
};

/* The virtual addresses that stand for one host. */
struct stand_in {
    char *host;
    struct entry *of[VIRTUAL_KINDS];
    UT_hash_handle hh;
};

struct addrmap {
    struct env *env;
    addrmap_told_fn *told;
    void *arg;
    struct ip_net net[2]; /* by enum addrmap_virtual */
    struct entry *entries;
    struct stand_in *stand_ins;
};

/* ---- names ---- */

/* As it is looked for: lower case, no brackets. Cut if it is too long for any host. */
static void normal(const char *text, char out[TUNNEL_HOST_MAX + 1])
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

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len >= n && strcasecmp(text + len - n, end) == 0;
}

/* ---- entries ---- */

static struct entry *find(const struct addrmap *m, const char *host)
{
    struct entry *e;
    HASH_FIND_STR(m->entries, host, e);
    return e && e->expires_s && e->expires_s <= env_wall_s(m->env) ? NULL : e;
}

static void forget_stand_in(struct addrmap *m, struct entry *e)
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

static void forget(struct addrmap *m, struct entry *e)
{
    forget_stand_in(m, e);
    HASH_DEL(m->entries, e);
    free(e->from);
    free(e->to);
    free(e);
}

/* FROM and TO are normal. ERR_LIMIT, ERR_NOMEM. */
static err_t add(struct addrmap *m, const char *from, const char *to, enum addrmap_source source,
                 struct entry **out)
{
    struct entry *e;
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
static void drop(struct addrmap *m, const char *from)
{
    struct entry *e;
    HASH_FIND_STR(m->entries, from, e);
    if (e)
        forget(m, e);
}

static void tell(const struct addrmap *m, const struct entry *e)
{
    char from[TUNNEL_HOST_MAX + 3];
    snprintf(from, sizeof from, is_v6(e->from) ? "[%s]" : "%s", e->from);
    m->told(m->arg, from, e->to, e->expires_s);
}

/* ---- what is said ---- */

static bool take_wildcard(const char **text)
{
    bool wild = strncmp(*text, "*.", 2) == 0;
    *text += wild ? 2 : 0;
    return wild;
}

/* The words are addressmap_register_auto()'s. */
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
    struct entry *e;
    TRY(check(from, from_wild, to, to_wild, why));
    normal(from, key);
    normal(to, value);
    drop(m, key);
    if (strcmp(key, value) == 0 && from_wild == to_wild)
        return OK;
    *why = "there are too many mappings";
    TRY(add(m, key, value, source, &e));
    e->from_wild = from_wild;
    e->to_wild = to_wild;
    tell(m, e);
    return OK;
}

void addrmap_track_exit(struct addrmap *m, const char *from, const char *to, int64_t expires_s)
{
    struct entry *e;
    if (find(m, from))
        return;
    drop(m, from); /* one that has expired */
    if (add(m, from, to, ADDRMAP_EXIT, &e) != OK)
        return;
    e->expires_s = expires_s;
    tell(m, e);
}

bool addrmap_renew(struct addrmap *m, const char *host, int64_t expires_s)
{
    struct entry *e = find(m, host);
    if (e && e->source == ADDRMAP_EXIT)
        e->expires_s = expires_s;
    return e != NULL;
}

/* ---- virtual addresses ---- */

static struct ip random_of(struct addrmap *m, const struct ip_net *net)
{
    struct ip ip = net->ip;
    uint8_t bytes[sizeof ip.b];
    env_random(m->env, bytes, sizeof bytes);
    for (unsigned bit = net->bits; bit < 8 * ip_len(&ip); bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        ip.b[bit / 8] = (uint8_t)((ip.b[bit / 8] & ~mask) | (bytes[bit / 8] & mask));
    }
    return ip;
}

static void random_host(struct addrmap *m, char out[TUNNEL_HOST_MAX + 1])
{
    uint8_t bytes[VIRTUAL_RANDOM];
    char name[BASE32_SIZE(sizeof bytes)];
    env_random(m->env, bytes, sizeof bytes);
    snprintf(out, TUNNEL_HOST_MAX + 1, "%s" VIRTUAL_SUFFIX,
             base32_lower(bytes, sizeof bytes, name));
}

/* One that stands for nothing yet; false: none was found. */
static bool find_free(struct addrmap *m, enum addrmap_virtual kind, char out[TUNNEL_HOST_MAX + 1])
{
    for (int i = 0; i < VIRTUAL_TRIES; i++) {
        if (kind == ADDRMAP_HOST) {
            random_host(m, out);
        } else {
            struct ip ip = random_of(m, &m->net[kind]);
            /* Who sees .0 or .255 may take it for a network's, or all of it. */
            if (kind == ADDRMAP_IPV4 && (ip.b[3] == 0 || ip.b[3] == 255))
                continue;
            ip_text(&ip, out);
        }
        if (!find(m, out))
            return true;
    }
    log_warn(m->env->log, "Ran out of virtual addresses!");
    return false;
}

static struct stand_in *stand_in_for(struct addrmap *m, const char *host)
{
    struct stand_in *v;
    HASH_FIND_STR(m->stand_ins, host, v);
    if (v || !(v = calloc(1, sizeof *v)))
        return v;
    v->host = text_dup(text_of(host));
    if (v->host)
        HASH_ADD_KEYPTR(hh, m->stand_ins, v->host, strlen(v->host), v);
    if (HASH_ADDED(v, hh))
        return v;
    free(v->host);
    free(v);
    return NULL;
}

static bool is_empty(const struct stand_in *v)
{
    for (int i = 0; i < VIRTUAL_KINDS; i++)
        if (v->of[i])
            return false;
    return true;
}

const char *addrmap_virtual(struct addrmap *m, enum addrmap_virtual kind, const char *to)
{
    char host[TUNNEL_HOST_MAX + 1], value[TUNNEL_HOST_MAX + 1];
    normal(to, value);
    struct stand_in *v = stand_in_for(m, value);
    if (!v)
        return NULL;
    if (v->of[kind])
        return v->of[kind]->from;
    struct entry *e = NULL;
    bool found = find_free(m, kind, host);
    if (found)
        drop(m, host); /* what has expired */
    if (found && add(m, host, value, ADDRMAP_VIRTUAL, &e) == OK) {
        v->of[kind] = e;
        e->virtual = v;
        tell(m, e);
        return e->from;
    }
    if (is_empty(v)) {
        HASH_DEL(m->stand_ins, v);
        free(v->host);
        free(v);
    }
    return NULL;
}

bool addrmap_is_virtual(const struct addrmap *m, const char *host)
{
    struct ip ip;
    if (ends_in(host, VIRTUAL_SUFFIX))
        return true;
    return ip_parse(host, true, &ip) == OK &&
           (ip_net_has(&m->net[ADDRMAP_IPV4], &ip) || ip_net_has(&m->net[ADDRMAP_IPV6], &ip));
}

static bool same_net(const struct ip_net *a, const struct ip_net *b)
{
    return ip_equal(&a->ip, &b->ip) && a->bits == b->bits;
}

void addrmap_set_networks(struct addrmap *m, const struct ip_net *v4, const struct ip_net *v6)
{
    if (!same_net(&m->net[ADDRMAP_IPV4], v4) || !same_net(&m->net[ADDRMAP_IPV6], v6))
        addrmap_clear(m, ADDRMAP_VIRTUAL);
    m->net[ADDRMAP_IPV4] = *v4;
    m->net[ADDRMAP_IPV6] = *v6;
}

/* ---- what stands for what ---- */

/* The wildcard that HOST ends in; *DOT: where that end begins. */
static const struct entry *find_wild(const struct addrmap *m, char *host, char **dot)
{
    for (char *c = strchr(host, '.'); c; c = strchr(c + 1, '.')) {
        const struct entry *e = find(m, c + 1);
        *dot = c;
        if (e && e->from_wild)
            return e;
    }
    return NULL;
}

/* One step; NULL: HOST stands for itself. */
static const struct entry *rewrite_once(const struct addrmap *m, char host[TUNNEL_HOST_MAX + 1],
                                        unsigned sources)
{
    const struct entry *e = find(m, host);
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
    normal(host, key);
    snprintf(shown, sizeof shown, "%s", key);
    for (int i = 0; i < REWRITES_MOST; i++) {
        bool was_exit = ends_in(key, ".exit");
        const struct entry *e = rewrite_once(m, key, sources);
        if (e && !was_exit && !*exit_source && ends_in(key, ".exit"))
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
    struct entry *e, *next;
    HASH_ITER (hh, m->entries, e, next)
        if (e->source & sources)
            forget(m, e);
}

void addrmap_clear_exit(struct addrmap *m, const char *suffix)
{
    struct entry *e, *next;
    HASH_ITER (hh, m->entries, e, next)
        if (e->source == ADDRMAP_EXIT && ends_in(e->to, suffix))
            forget(m, e);
}

void addrmap_each(struct addrmap *m, unsigned sources,
                  void (*fn)(void *arg, const char *from, const char *to, int64_t expires_s),
                  void *arg)
{
    char from[TUNNEL_HOST_MAX + 3], to[TUNNEL_HOST_MAX + 3];
    struct entry *e, *next;
    HASH_ITER (hh, m->entries, e, next) {
        if (!(e->source & sources) || !find(m, e->from))
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
