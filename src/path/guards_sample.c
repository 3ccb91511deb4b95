#include <stdlib.h>
#include <string.h>

#include "dir/weight.h"
#include "path/guards_int.h"

/* guard-spec 4.0: "They must have the flags: Stable, Fast, V2Dir, Guard." */
static bool router_may_guard(const struct router *r)
{
    return router_is(r,
                     ROUTER_GUARD | ROUTER_STABLE | ROUTER_FAST | ROUTER_VALID | ROUTER_RUNNING) &&
           router_is_dircache(r);
}

/* guard-spec 4.2 */
static bool passes_filter(const struct path_config *cfg, const struct router *r)
{
    return !nodeset_has(cfg->exclude, r) &&
           (nodeset_is_empty(cfg->entry) || nodeset_has(cfg->entry, r)) &&
           path_first_hop_addr(cfg, r).ip.family != IP_NONE;
}

static void read_params(struct guards *g, const struct netdir *nd)
{
    const struct path_config *cfg = g->cfg;
    struct guard_params *p = &g->params;
#define PARAM(name, fallback, least, most) netdir_param(nd, "guard-" name, fallback, least, most)
    p->lifetime_s = cfg->guard_lifetime_s >= SECONDS_PER_DAY
                        ? cfg->guard_lifetime_s
                        : (int64_t)SECONDS_PER_DAY * PARAM("lifetime-days", 120, 1, 3650);
    p->confirmed_lifetime_s =
        cfg->guard_lifetime_s >= SECONDS_PER_DAY
            ? cfg->guard_lifetime_s
            : (int64_t)SECONDS_PER_DAY * PARAM("confirmed-min-lifetime-days", 60, 1, 3650);
    p->unlisted_s =
        (int64_t)SECONDS_PER_DAY * PARAM("remove-unlisted-guards-after-days", 20, 1, 3650);
    p->max_sample = (size_t)PARAM("max-sample-size", 60, 1, GUARDS_MAX);
    p->max_percent = (size_t)PARAM("max-sample-threshold-percent", 20, 1, 100);
    p->min_filtered = (size_t)PARAM("min-filtered-sample-size", 20, 1, GUARDS_MAX);
    uint32_t primary =
        cfg->n_primary ? cfg->n_primary : (uint32_t)PARAM("n-primary-guards", 3, 1, INT32_MAX);
    p->n_primary = (uint8_t)(primary < UINT8_MAX ? primary : UINT8_MAX);
    p->n_use =
        cfg->n_guards ? cfg->n_guards : (size_t)PARAM("n-primary-guards-to-use", 1, 1, INT32_MAX);
    p->n_use_dir = cfg->n_dir_guards
                       ? cfg->n_dir_guards
                       : (size_t)PARAM("n-primary-dir-guards-to-use", 3, 1, INT32_MAX);
    p->likely_down_us =
        US_PER_SEC * (uint64_t)PARAM("internet-likely-down-interval", 600, 1, INT32_MAX);
    p->connect_timeout_us =
        US_PER_SEC * (uint64_t)PARAM("nonprimary-guard-connect-timeout", 15, 1, INT32_MAX);
    p->idle_timeout_us =
        US_PER_SEC * (uint64_t)PARAM("nonprimary-guard-idle-timeout", 600, 1, INT32_MAX);
    p->restricted_percent = (size_t)PARAM("meaningful-restriction-percent", 20, 1, 100);
    p->extreme_percent = (size_t)PARAM("extreme-restriction-percent", 1, 1, 100);
#undef PARAM
}

/* guard-spec 2.B: under a configuration that leaves few guards, a sample of its own is used; it
 * takes five per cent more or less to change it. */
static void choose_sample(struct guards *g, const struct netdir *nd)
{
    size_t guards = 0, passing = 0;
    for (size_t i = 0; i < netdir_n(nd); i++) {
        const struct router *r = netdir_at(nd, i);
        if (router_may_guard(r)) {
            guards++;
            passing += passes_filter(g->cfg, r);
        }
    }
    struct sample *normal = &g->samples[SAMPLE_DEFAULT];
    struct sample *restricted = &g->samples[SAMPLE_RESTRICTED];
    size_t slack = !g->chosen ? 100 : g->now == normal ? 95 : 105;
    /* C tor cuts the thresholds down to whole guards. */
    bool few = passing < guards * g->params.restricted_percent * slack / 10000;
    if (guards) {
        g->now = few ? restricted : normal;
        g->chosen = true;
    }
    if (passing * 100 < guards * g->params.extreme_percent && !g->warned_extreme) {
        g->warned_extreme = true;
        log_warn(g->env->log,
                 "Your configuration rules out all but %zu of %zu guards. That makes you stand "
                 "out from the rest of the world.",
                 passing, guards);
    }
}

/* guard-spec 4.10: "we update {IS_LISTED} and {FIRST_UNLISTED_AT}" */
static void update_listed(struct guards *g, struct sample *s, const struct netdir *nd)
{
    int64_t now_s = env_wall_s(g->env);
    for (size_t i = 0; i < s->n; i++) {
        struct guard *guard = &s->list[i];
        const struct router *r = netdir_by_rsa(nd, &guard->rsa);
        bool listed = r && router_may_guard(r);
        if (listed) {
            g->dirty |= !guard->listed || guard->unlisted_since_s;
            guard->unlisted_since_s = 0;
            memcpy(guard->nickname, r->nickname, sizeof guard->nickname);
        } else if (guard->listed || !guard->unlisted_since_s) {
            guard->unlisted_since_s = guard_backdate(g->env, now_s, g->params.unlisted_s / 5);
            g->dirty = true;
        }
        guard->listed = listed;
    }
}

/* guard-spec 4.1: "We remove an entry from {SAMPLED_GUARDS} if" it is unlisted for long, or too
 * old. A confirmed one is as old as its confirmation, which lies up to a tenth of a lifetime back:
 * it is used for 48 to 60 days (C tor since bug 41280; the specification's "and" would make it
 * 120). */
static bool is_obsolete(const struct guards *g, const struct guard *guard, int64_t now_s)
{
    const struct guard_params *p = &g->params;
    if (!guard->listed && guard->unlisted_since_s < now_s - p->unlisted_s)
        return true;
    if (guard->confirmed_idx >= 0)
        return guard->confirmed_on_s < now_s - p->confirmed_lifetime_s;
    return guard->sampled_on_s < now_s - p->lifetime_s;
}

/* A date that lies ahead was written while the clock was wrong, if it is right now: from now on it
 * is today's, lest the guard stays for as long more. */
static void pull_back(struct guards *g, int64_t *date_s, int64_t now_s)
{
    if (*date_s <= now_s)
        return;
    *date_s = now_s;
    g->dirty = true;
}

static void pull_dates_back(struct guards *g, struct sample *s)
{
    int64_t now_s = env_wall_s(g->env);
    for (size_t i = 0; i < s->n; i++) {
        pull_back(g, &s->list[i].sampled_on_s, now_s);
        pull_back(g, &s->list[i].confirmed_on_s, now_s);
        pull_back(g, &s->list[i].unlisted_since_s, now_s);
    }
}

void guards_drop_all(struct guards *g)
{
    for (size_t i = 0; i < g->now->n; i++)
        guard_tell(g, g->now, &g->now->list[i], GUARD_REMOVED);
    sample_clear(g->now);
    g->dirty = true;
}

static void prune(struct guards *g, struct sample *s)
{
    int64_t now_s = env_wall_s(g->env);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (is_obsolete(g, &s->list[i], now_s)) {
            guard_tell(g, s, &s->list[i], GUARD_REMOVED);
            guard_clear(&s->list[i]);
            g->dirty = true;
        } else {
            s->list[kept++] = s->list[i];
        }
    }
    s->n = kept;
}

static void filter(struct guards *g, struct sample *s, const struct netdir *nd)
{
    for (size_t i = 0; i < s->n; i++) {
        struct guard *guard = &s->list[i];
        const struct router *r = netdir_by_rsa(nd, &guard->rsa);
        guard->filtered = r && guard->listed && !guard->bias.disabled && passes_filter(g->cfg, r);
        if (guard->filtered) /* C tor, entry_guard_set_filtered_flags() */
            guard_consider_retry(g, guard);
    }
}

static size_t make_primary(struct sample *s, bool (*fits)(const struct guard *guard), size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n && n < room; i++) {
        struct guard *guard = &s->list[i];
        if (guard->primary || !guard->filtered || !fits(guard))
            continue;
        guard->primary = true;
        n++;
    }
    return n;
}

static bool is_confirmed(const struct guard *guard)
{
    return guard->confirmed_idx >= 0;
}

static bool was_primary(const struct guard *guard)
{
    return guard->was_primary;
}

static bool is_up(const struct guard *guard)
{
    return guard->reach != GUARD_NO;
}

/* guard-spec 4.4: confirmed guards, then those that were primary already, then others; "Once an
 * element has been added to {PRIMARY_GUARDS}, we do not remove it until it is replaced by some
 * element from {CONFIRMED_GUARDS}". Each kind in sample order, and so are all of them when one is
 * picked (proposal 310; C tor, entry_guards_update_primary()). */
size_t sample_set_primary(struct guards *g, struct sample *s)
{
    size_t room = g->params.n_primary;
    for (size_t i = 0; i < s->n; i++) {
        s->list[i].was_primary = s->list[i].primary;
        s->list[i].primary = false;
    }
    room -= make_primary(s, is_confirmed, room);
    room -= make_primary(s, was_primary, room);
    return room - make_primary(s, is_up, room);
}

static void sample_add(struct guards *g, struct sample *s, const struct router *r)
{
    struct guard *guard = &s->list[s->n++];
    *guard = (struct guard){
        .rsa = r->rsa, .listed = true, .confirmed_idx = -1, .filtered = passes_filter(g->cfg, r)};
    memcpy(guard->nickname, r->nickname, sizeof guard->nickname);
    /* "We set this value to a point in the past, using RAND(now, {GUARD_LIFETIME}/10)." */
    guard->sampled_on_s = guard_backdate(g->env, env_wall_s(g->env), g->params.lifetime_s / 10);
    guard->sampled_by = text_dup(TEXT_LIT("tunic-" TUNIC_VERSION)); /* NULL will do too */
    g->dirty = true;
    guard_tell(g, s, guard, GUARD_SAMPLED);
}

/* The relays that may still be sampled, in LIST; *GUARDS: how many may be in all. In the restricted
 * sample the filter comes first: it would hardly hold a usable guard otherwise. */
static size_t eligible(const struct guards *g, const struct sample *s, const struct netdir *nd,
                       const struct router **list, size_t *guards)
{
    size_t n = 0;
    *guards = 0;
    for (size_t i = 0; i < netdir_n(nd); i++) {
        const struct router *r = netdir_at(nd, i);
        if (!router_may_guard(r) ||
            (s == &g->samples[SAMPLE_RESTRICTED] && !passes_filter(g->cfg, r)))
            continue;
        ++*guards;
        if (!sample_find(s, &r->rsa))
            list[n++] = r;
    }
    return n;
}

/* guard-spec 4.1: not more than {MAX_SAMPLE_THRESHOLD} of the guards, nor {MAX_SAMPLE_SIZE}, "but
 * if the maximum would be smaller than {MIN_FILTERED_SAMPLE}, we set the maximum at" that. */
static size_t sample_most(const struct guard_params *p, size_t guards)
{
    size_t most = guards * p->max_percent / 100;
    if (most > p->max_sample)
        most = p->max_sample;
    return most < p->min_filtered ? p->min_filtered : most;
}

static size_t count_usable(const struct sample *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->list[i].filtered && s->list[i].reach != GUARD_NO;
    return n;
}

/* What an old consensus lists, or leaves out, says nothing about today's guards. */
static bool is_live(const struct guards *g, const struct netdir *nd)
{
    enum liveness live = consensus_liveness(netdir_consensus(nd), env_wall_s(g->env));
    return live == LIVE_FRESH || live == LIVE_VALID || live == LIVE_REASONABLY;
}

err_t sample_expand(struct guards *g, struct sample *s, const struct netdir *nd)
{
    size_t usable = count_usable(s), guards;
    if (usable >= g->params.min_filtered || !is_live(g, nd))
        return OK;
    const struct router **list = calloc(netdir_n(nd) + 1, sizeof *list);
    if (!list)
        return ERR_NOMEM;
    size_t n = eligible(g, s, nd, list, &guards);
    size_t most = sample_most(&g->params, guards);
    struct weights w;
    weights_init(&w, netdir_consensus(nd), WEIGHT_FOR_GUARD);
    while (usable < g->params.min_filtered && s->n < most && s->n < GUARDS_MAX && n) {
        const struct router *r = weights_choose(&w, g->env, list, n);
        sample_add(g, s, r);
        usable += s->list[s->n - 1].filtered;
        size_t at = 0;
        while (list[at] != r)
            at++;
        list[at] = list[--n];
    }
    free(list);
    return OK;
}

/* guard-spec 4.2: "Whenever we are going to sample from {USABLE_FILTERED_GUARDS}, and it contains
 * fewer than {MIN_FILTERED_SAMPLE} elements, we add new elements": here, if primary ones are
 * missing.
 */
static err_t fill_primary(struct guards *g, const struct netdir *nd)
{
    size_t missing = sample_set_primary(g, g->now);
    bool fresh = false;
    for (size_t i = 0; i < g->now->n; i++)
        fresh |= g->now->list[i].primary && !g->now->list[i].was_primary &&
                 !is_confirmed(&g->now->list[i]);
    if (!missing && !fresh)
        return OK;
    TRY(sample_expand(g, g->now, nd));
    sample_set_primary(g, g->now);
    return OK;
}

static void judge_loaded(struct guards *g)
{
    for (size_t i = 0; i < SAMPLE_N && g->unjudged; i++)
        for (size_t k = 0; k < g->samples[i].n; k++)
            pathbias_judge_loaded(g, &g->samples[i].list[k]);
    g->unjudged = false;
}

err_t guards_update(struct guards *g, const struct netdir *nd, const struct path_config *cfg)
{
    g->cfg = cfg;
    read_params(g, nd);
    pathbias_read_params(g, nd);
    judge_loaded(g);
    choose_sample(g, nd);
    for (size_t i = 0; i < SAMPLE_N; i++) {
        if (is_live(g, nd)) {
            pull_dates_back(g, &g->samples[i]);
            update_listed(g, &g->samples[i], nd);
            prune(g, &g->samples[i]);
        }
        filter(g, &g->samples[i], nd);
    }
    return fill_primary(g, nd);
}
