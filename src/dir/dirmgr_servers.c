#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/dirmgr_int.h"

/* C tor's schedule: a random delay between the base and three times the last one. */
uint64_t backoff_fail(struct dirmgr *d, struct backoff *b)
{
    const uint64_t base_ms = d->o.testing ? 250 : 1000, cap_ms = d->o.testing ? 4000 : 600000;
    uint64_t high = base_ms;
    for (unsigned i = 0; i <= b->fails && high < cap_ms; i++)
        high *= 3;
    if (high > cap_ms)
        high = cap_ms;
    if (b->fails < 1000)
        b->fails++;
    uint64_t delay_ms = base_ms + env_random_below(d->env, high - base_ms + 1);
    b->not_before_us = d->env->mono_us + delay_ms * US_PER_MS;
    return delay_ms;
}

void backoff_ok(struct backoff *b)
{
    *b = (struct backoff){0};
}

bool backoff_due(const struct dirmgr *d, const struct backoff *b)
{
    return d->env->mono_us >= b->not_before_us;
}

static struct dm_server *find_server(const struct dirmgr *d, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (rsa_id_equal(&d->servers[i].s.rsa, rsa))
            return &d->servers[i];
    return NULL;
}

static struct dm_trouble *find_trouble(struct dirmgr *d, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < d->n_troubles; i++)
        if (rsa_id_equal(&d->troubles[i].rsa, rsa))
            return &d->troubles[i];
    return NULL;
}

/* The record of RSA; when all are taken, the one that is over first makes room. */
static struct dm_trouble *make_trouble(struct dirmgr *d, const struct rsa_id *rsa)
{
    struct dm_trouble *t = find_trouble(d, rsa);
    if (t)
        return t;
    if (d->n_troubles < RELAY_TROUBLES_MAX) {
        t = &d->troubles[d->n_troubles++];
    } else {
        t = &d->troubles[0];
        for (size_t i = 1; i < d->n_troubles; i++)
            if (d->troubles[i].wait.not_before_us < t->wait.not_before_us)
                t = &d->troubles[i];
    }
    *t = (struct dm_trouble){.rsa = *rsa};
    return t;
}

void server_failed(struct dirmgr *d, const struct rsa_id *rsa)
{
    struct dm_server *s = find_server(d, rsa);
    backoff_fail(d, s ? &s->wait : &make_trouble(d, rsa)->wait);
}

void server_worked(struct dirmgr *d, const struct rsa_id *rsa)
{
    struct dm_server *s = find_server(d, rsa);
    struct dm_trouble *t = find_trouble(d, rsa);
    if (s)
        backoff_ok(&s->wait);
    if (t)
        backoff_ok(&t->wait);
}

void servers_forgive(struct dirmgr *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        backoff_ok(&d->servers[i].wait);
    d->n_troubles = 0;
}

const char *server_name(const struct dirmgr *d, const struct rsa_id *rsa, char out[64])
{
    char hex[HEX_SIZE(sizeof rsa->b)];
    const struct dm_server *s = find_server(d, rsa);
    const struct relay *r = d->newest ? netdir_by_rsa(d->newest, rsa) : NULL;
    const char *nickname = s && s->s.nickname[0] ? s->s.nickname : r ? r->nickname : "";
    (void)snprintf(out, 64, "$%s%s%.19s", hex_upper(rsa->b, sizeof rsa->b, hex),
                   *nickname ? "~" : "", nickname);
    return out;
}

/* Addresses in the order in which they are to be tried; false if none is allowed. */
static bool set_addresses(const struct dirmgr *d, struct ipport v4, struct ipport v6,
                          struct dir_request *out)
{
    const struct ipport none = {{IP_NONE, {0}}, 0};
    bool use4 = v4.port && v4.ip.family == IP_V4 && !d->o.no_ipv4;
    bool use6 = v6.port && v6.ip.family == IP_V6 && !d->o.no_ipv6;
    if (!use4)
        v4 = none;
    if (!use6)
        v6 = none;
    bool six_first = use6 && (d->o.prefer_ipv6 || !use4);
    out->addrs[0] = six_first ? v6 : v4;
    out->addrs[1] = six_first ? v4 : v6;
    if (use4 || use6)
        ipport_text(&out->addrs[0], out->host);
    return use4 || use6;
}

static bool fill_server(const struct dirmgr *d, const struct dir_server *s, struct dir_request *out)
{
    out->rsa = s->rsa;
    out->has_ed = s->has_ed;
    out->ed = s->ed;
    out->is_authority = s->is_authority;
    return set_addresses(d, (struct ipport){s->ip, s->orport}, s->or6, out);
}

static bool fill_relay(const struct dirmgr *d, const struct relay *r, struct dir_request *out)
{
    out->rsa = r->rsa;
    out->has_ed = out->has_ntor = r->has_md;
    out->ed = r->ed;
    out->ntor = r->ntor;
    out->is_authority = relay_is(r, RELAY_AUTHORITY);
    return set_addresses(d, relay_orport(r), relay_orport6(r), out);
}

static bool is_busy(const struct dirmgr *d, enum dir_kind kind, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (d->requests[i].id && d->requests[i].kind == kind &&
            rsa_id_equal(&d->requests[i].rsa, rsa))
            return true;
    return false;
}

bool has_fallbacks(const struct dirmgr *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (!d->servers[i].s.is_authority && !d->servers[i].s.is_bridge)
            return true;
    return false;
}

/* Whether the I-th server may be asked now, and with what weight. */
static bool server_fits(struct dirmgr *d, size_t i, enum dir_kind kind, bool authority,
                        uint64_t *weight)
{
    struct dm_server *s = &d->servers[i];
    struct dir_request probe;
    if (s->s.is_bridge || s->s.is_authority != authority || is_busy(d, kind, &s->s.rsa) ||
        !fill_server(d, &s->s, &probe))
        return false;
    if (!backoff_due(d, &s->wait)) {
        dm_note_wake(d, s->wait.not_before_us);
        return false;
    }
    double w = s->s.weight > 1e6 ? 1e6 : s->s.weight;
    *weight = (uint64_t)(w * 1000) + 1;
    return true;
}

bool pick_server(struct dirmgr *d, enum dir_kind kind, bool authority, struct dir_request *out)
{
    uint64_t total = 0, w;
    for (size_t i = 0; i < d->n_servers; i++)
        if (server_fits(d, i, kind, authority, &w))
            total += w;
    if (!total)
        return false;
    uint64_t at = env_random_below(d->env, total);
    for (size_t i = 0; i < d->n_servers; i++) {
        if (!server_fits(d, i, kind, authority, &w))
            continue;
        if (at < w)
            return fill_server(d, &d->servers[i].s, out);
        at -= w;
    }
    return false;
}

static bool cache_fits(struct dirmgr *d, const struct relay *r, uint64_t *weight)
{
    struct dir_request probe;
    if (!relay_is(r, RELAY_RUNNING | RELAY_VALID) || !relay_is_dircache(r) ||
        !fill_relay(d, r, &probe))
        return false;
    struct dm_trouble *t = find_trouble(d, &r->rsa);
    if (!t) {
        struct dm_server *s = find_server(d, &r->rsa);
        if (s && !backoff_due(d, &s->wait))
            return false;
    } else if (!backoff_due(d, &t->wait)) {
        dm_note_wake(d, t->wait.not_before_us);
        return false;
    }
    *weight = (uint64_t)r->bandwidth + 1;
    return true;
}

static bool pick_any_cache(struct dirmgr *d, struct dir_request *out)
{
    uint64_t total = 0, w;
    size_t n = netdir_n(d->newest);
    for (size_t i = 0; i < n; i++)
        if (cache_fits(d, netdir_at(d->newest, i), &w))
            total += w;
    if (!total)
        return false;
    uint64_t at = env_random_below(d->env, total);
    for (size_t i = 0; i < n; i++) {
        const struct relay *r = netdir_at(d->newest, i);
        if (!cache_fits(d, r, &w))
            continue;
        if (at < w)
            return fill_relay(d, r, out);
        at -= w;
    }
    return false;
}

static bool pick_guard(struct dirmgr *d, struct dir_request *out)
{
    struct rsa_id except[RELAY_TROUBLES_MAX], chosen;
    size_t n = 0;
    if (!d->ops.choose_cache)
        return false;
    for (size_t i = 0; i < d->n_troubles; i++)
        if (!backoff_due(d, &d->troubles[i].wait))
            except[n++] = d->troubles[i].rsa;
    if (!d->ops.choose_cache(d->arg, d->newest, except, n, &chosen))
        return false;
    const struct relay *r = netdir_by_rsa(d->newest, &chosen);
    return r && fill_relay(d, r, out);
}

bool pick_cache(struct dirmgr *d, enum dir_kind kind, struct dir_request *out)
{
    (void)kind;
    return d->newest && (pick_guard(d, out) || pick_any_cache(d, out));
}

bool pick_named(struct dirmgr *d, const struct rsa_id *rsa, struct dir_request *out)
{
    const struct dm_server *s = find_server(d, rsa);
    const struct relay *r = d->newest ? netdir_by_rsa(d->newest, rsa) : NULL;
    if (s)
        return backoff_due(d, &s->wait) && fill_server(d, &s->s, out);
    return r && !find_trouble(d, rsa) && fill_relay(d, r, out);
}
