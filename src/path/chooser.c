#include "path/chooser.h"

#include <stdlib.h>
#include <string.h>

#include "base/ratelim.h"
#include "dir/backoff.h"
#include "dir/weight.h"
#include "path/restrict.h"

enum {
    TROUBLES_MAX = 256, /* as many as the public network has fallbacks and authorities */
    NOBODY_EVERY_S = 60,
    GUARD_DRAWS = 8,        /* among the first guards, until one is drawn that is not slow */
    GUARDS_AGAIN_MS = 1000, /* guards.h: "pause a moment and pick again" */
};

/* A server that failed us lately. */
struct trouble {
    struct rsa_id rsa;
    struct backoff wait;
};

struct chooser {
    struct env *env;
    struct guards *guards;
    const struct path_config *cfg; /* NULL before chooser_configure() */
    bool testing;
    struct netdir *nd; /* what the guards were last updated by */
    struct trouble troubles[TROUBLES_MAX];
    size_t n_troubles;
    struct ratelim nobody; /* to say that there is nobody */
};

/* One chooser_for_documents(). */
struct asking {
    struct chooser *c;
    const struct dir_wish *wish;
    struct dir_choice *out;
    uint64_t *again_us;
    bool authorities; /* nobody but them */
    bool all_slow;    /* the first guards, at the moment */
};

struct chooser *chooser_new(struct env *env, struct guards *guards)
{
    struct chooser *c = calloc(1, sizeof *c);
    if (c)
        *c = (struct chooser){.env = env, .guards = guards};
    return c;
}

void chooser_free(struct chooser *c)
{
    if (!c)
        return;
    netdir_unref(&c->nd);
    free(c);
}

static void update_guards(struct chooser *c)
{
    if (c->cfg && c->nd && guards_update(c->guards, c->nd, c->cfg) != OK)
        log_warn(c->env->log, "Out of memory while updating the entry guards");
}

void chooser_configure(struct chooser *c, const struct path_config *cfg, bool testing)
{
    c->cfg = cfg;
    c->testing = testing;
    update_guards(c);
}

void chooser_know(struct chooser *c, struct netdir *nd)
{
    if (!nd || nd == c->nd)
        return;
    netdir_unref(&c->nd);
    c->nd = netdir_ref(nd);
    update_guards(c);
}

/* ---- who failed ---- */

static struct trouble *find_trouble(struct chooser *c, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < c->n_troubles; i++)
        if (rsa_id_equal(&c->troubles[i].rsa, rsa))
            return &c->troubles[i];
    return NULL;
}

/* The record of RSA; when all are taken, the one that is over first makes room. */
static struct trouble *make_trouble(struct chooser *c, const struct rsa_id *rsa)
{
    struct trouble *t = find_trouble(c, rsa);
    if (t)
        return t;
    if (c->n_troubles < TROUBLES_MAX) {
        t = &c->troubles[c->n_troubles++];
    } else {
        t = &c->troubles[0];
        for (size_t i = 1; i < c->n_troubles; i++)
            if (c->troubles[i].wait.not_before_us < t->wait.not_before_us)
                t = &c->troubles[i];
    }
    *t = (struct trouble){.rsa = *rsa};
    return t;
}

void chooser_judge(struct chooser *c, const struct rsa_id *rsa, bool good)
{
    struct trouble *t = find_trouble(c, rsa);
    if (!good)
        backoff_fail_server(&make_trouble(c, rsa)->wait, c->env, c->testing);
    else if (t)
        *t = c->troubles[--c->n_troubles];
}

void chooser_forgive(struct chooser *c)
{
    c->n_troubles = 0;
}

static void again(struct asking *a, uint64_t at_us)
{
    if (at_us < *a->again_us)
        *a->again_us = at_us;
}

static bool is_due(struct asking *a, const struct rsa_id *rsa)
{
    const struct trouble *t = find_trouble(a->c, rsa);
    if (!t || backoff_due(&t->wait, a->c->env))
        return true;
    again(a, t->wait.not_before_us);
    return false;
}

/* ---- relays of the consensus ---- */

static bool describe(const struct chooser *c, const struct router *r, struct dir_choice *out)
{
    *out = (struct dir_choice){.reach = reach_at(path_first_hop_addr(c->cfg, r)),
                               .rsa = r->rsa,
                               .has_ed = r->has_md,
                               .ed = r->ed,
                               .is_authority = router_is(r, ROUTER_AUTHORITY)};
    return out->reach.addr.ip.family != IP_NONE;
}

static bool take_relay(struct asking *a, const struct router *r)
{
    return describe(a->c, r, a->out);
}

static bool is_slow(const struct dir_wish *wish, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < wish->n_slow; i++)
        if (rsa_id_equal(&wish->slow[i], rsa))
            return true;
    return false;
}

/* One of the first guards that is not slow at the moment. While all of them are the answer is to
 * wait, not to go to guards further down, or to others: else whoever slows a client down at will
 * could have it show itself to one relay after another. */
static err_t draw_guard(struct asking *a, const struct guard_restriction *rst,
                        const struct router **out)
{
    struct chooser *c = a->c;
    enum guard_use use;
    for (unsigned i = 0; i < GUARD_DRAWS; i++) {
        TRY(guards_pick(c->guards, c->nd, GUARD_FOR_DIR, rst, out, &use));
        if (!is_slow(a->wish, &(*out)->rsa))
            return OK;
        guards_dropped(c->guards, &(*out)->rsa);
    }
    a->all_slow = true;
    return ERR_STATE;
}

static bool take_guard(struct asking *a)
{
    struct chooser *c = a->c;
    struct rsa_id avoid[TROUBLES_MAX];
    struct guard_restriction rst = {.avoid = avoid};
    const struct router *r;
    for (size_t i = 0; i < c->n_troubles; i++) {
        const struct trouble *t = &c->troubles[i];
        if (backoff_due(&t->wait, c->env))
            continue;
        avoid[rst.n_avoid++] = t->rsa;
        if (guards_is_up(c->guards, &t->rsa))
            again(a, t->wait.not_before_us);
    }
    err_t e = draw_guard(a, &rst, &r);
    if (e == ERR_STATE)
        again(a, c->env->mono_us + GUARDS_AGAIN_MS * US_PER_MS);
    return e == OK && take_relay(a, r);
}

/* UseEntryGuards 0: any directory cache, excluded ones (ANY) if nothing else is left and
 * StrictNodes does not forbid it (tor(1): "StrictNodes 0 tells Tor that it is okay to use an
 * excluded node when it is necessary to [...] download directory information"). */
static bool cache_fits(struct asking *a, const struct router *r, bool any)
{
    const struct path_config *cfg = a->c->cfg;
    return router_is(r, ROUTER_RUNNING | ROUTER_VALID) && router_is_dircache(r) &&
           path_first_hop_addr(cfg, r).ip.family != IP_NONE &&
           (any || !nodeset_has(cfg->exclude, r)) && is_due(a, &r->rsa);
}

static bool take_cache(struct asking *a)
{
    const struct netdir *nd = a->c->nd;
    const struct router **list = calloc(netdir_n(nd) + 1, sizeof *list);
    size_t n = 0;
    if (!list)
        return false;
    for (int any = 0; any <= !a->c->cfg->strict_nodes && !n; any++)
        for (size_t i = 0; i < netdir_n(nd); i++)
            if (cache_fits(a, netdir_at(nd, i), any))
                list[n++] = netdir_at(nd, i);
    struct weights w;
    weights_init(&w, netdir_consensus(nd), WEIGHT_FOR_DIR);
    const struct router *r = weights_choose(&w, a->c->env, list, n);
    free(list);
    return r && take_relay(a, r);
}

/* ---- authorities and fallbacks ---- */

/* The server's row as the consensus would list it, as far as it is known. */
static struct router row_of(const struct dir_server *s)
{
    struct router r = {.rsa = s->rsa, .orport = s->orport};
    memcpy(r.v4, s->ip.b, sizeof r.v4);
    memcpy(r.nickname, s->nickname, sizeof r.nickname);
    if (s->or6.ip.family == IP_V6) {
        memcpy(r.v6, s->or6.ip.b, sizeof r.v6);
        r.orport6 = s->or6.port;
    }
    return r;
}

static bool is_busy(const struct dir_wish *wish, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < wish->n_busy; i++)
        if (rsa_id_equal(&wish->busy[i], rsa))
            return true;
    return false;
}

/* ExcludeNodes names it, by what its line says or by what the consensus says of it. */
static bool is_excluded(const struct chooser *c, const struct router *row)
{
    const struct router *listed = c->nd ? netdir_by_rsa(c->nd, &row->rsa) : NULL;
    return nodeset_has(c->cfg->exclude, row) || (listed && nodeset_has(c->cfg->exclude, listed));
}

static bool server_fits(struct asking *a, const struct dir_server *s, bool any)
{
    struct router row = row_of(s);
    return !s->is_bridge && (s->is_authority || !a->authorities) &&
           path_first_hop_addr(a->c->cfg, &row).ip.family != IP_NONE &&
           (any || !is_excluded(a->c, &row)) && !is_busy(a->wish, &s->rsa) && is_due(a, &s->rsa);
}

/* C tor, dirserver_choose_by_weight(): among fallbacks an authority weighs
 * DirAuthorityFallbackRate. */
static uint64_t server_weight(const struct asking *a, const struct dir_server *s)
{
    double w = s->weight;
    if (s->is_authority && !a->authorities)
        w *= a->c->cfg->authority_rate;
    return (uint64_t)((w > 1e6 ? 1e6 : w) * 1000);
}

static bool take_server(struct asking *a, const struct dir_server *s)
{
    struct router row = row_of(s);
    *a->out = (struct dir_choice){.reach = reach_at(path_first_hop_addr(a->c->cfg, &row)),
                                  .rsa = s->rsa,
                                  .has_ed = s->has_ed,
                                  .ed = s->ed,
                                  .is_authority = s->is_authority};
    return true;
}

static bool draw(struct asking *a, const struct dir_server *const *list, size_t n)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += server_weight(a, list[i]);
    if (!total)
        return n && take_server(a, list[env_random_below(a->c->env, n)]);
    uint64_t at = env_random_below(a->c->env, total);
    for (size_t i = 0; i < n; i++) {
        uint64_t w = server_weight(a, list[i]);
        if (at < w)
            return take_server(a, list[i]);
        at -= w;
    }
    return false;
}

static bool take_any_server(struct asking *a, bool authorities)
{
    a->authorities = authorities;
    const struct dir_servers *servers = a->wish->servers;
    const struct dir_server *list[DIR_SERVERS_MAX];
    size_t n = 0;
    /* C tor, RETRY_WITHOUT_EXCLUDE: not while the others are busy only. */
    bool may_any = !a->c->cfg->strict_nodes && !a->wish->n_busy;
    for (int any = 0; any <= may_any && !n; any++)
        for (size_t i = 0; i < servers->n; i++)
            if (server_fits(a, &servers->list[i], any))
                list[n++] = &servers->list[i];
    return draw(a, list, n);
}

/* ---- whom to ask ---- */

/* Who served what led to this wish, if it still may be asked. */
static bool take_wanted(struct asking *a)
{
    const struct dir_servers *servers = a->wish->servers;
    const struct rsa_id *rsa = a->wish->rather;
    if (!rsa)
        return false;
    for (size_t i = 0; i < servers->n; i++)
        if (rsa_id_equal(&servers->list[i].rsa, rsa) && server_fits(a, &servers->list[i], false))
            return take_server(a, &servers->list[i]);
    const struct router *r = a->c->nd ? netdir_by_rsa(a->c->nd, rsa) : NULL;
    return r && a->c->cfg->use_entry_guards && guards_is_up(a->c->guards, rsa) && is_due(a, rsa) &&
           !is_slow(a->wish, rsa) && take_relay(a, r);
}

/* C tor, directory_get_from_dirserver(): an authority if one is preferred; a directory guard (any
 * cache without guards); else the list of fallbacks, authorities among them. */
static bool take(struct asking *a)
{
    if (a->wish->authority && take_any_server(a, true))
        return true;
    a->authorities = false;
    if (take_wanted(a))
        return true;
    if (a->c->nd && (a->c->cfg->use_entry_guards ? take_guard(a) : take_cache(a)))
        return true;
    return !a->all_slow && take_any_server(a, false);
}

static void tell_nobody(struct chooser *c, enum dir_kind kind)
{
    static const int purposes[] = {/* C tor: DIR_PURPOSE_FETCH_... */
                                   [DIR_WANT_CONSENSUS] = 14,
                                   [DIR_WANT_CERTS] = 15,
                                   [DIR_WANT_MICRODESCS] = 19};
    unsigned suppressed;
    if (!ratelim_pass(&c->nobody, c->env, NOBODY_EVERY_S, &suppressed))
        return;
    log_notice(c->env->log,
               "While fetching directory info, no running dirservers known. Will try again later. "
               "(purpose %d)",
               purposes[kind]);
}

bool chooser_for_documents(struct chooser *c, const struct dir_wish *wish, struct dir_choice *out,
                           uint64_t *again_us)
{
    struct asking a = {.c = c, .wish = wish, .out = out, .again_us = again_us};
    chooser_know(c, wish->known);
    if (take(&a))
        return true;
    if (!wish->n_busy)
        tell_nobody(c, wish->kind);
    return false;
}

size_t chooser_first_hops(const struct chooser *c, struct dir_choice *out, size_t most)
{
    const struct router *first[UINT8_MAX];
    size_t n = 0, known = 0;
    if (c->nd && c->cfg && c->cfg->use_entry_guards)
        known = guards_first(c->guards, c->nd, first, most < UINT8_MAX ? most : UINT8_MAX);
    for (size_t i = 0; i < known; i++)
        n += describe(c, first[i], &out[n]);
    return n;
}
