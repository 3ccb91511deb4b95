#include "path/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path/guards.h"
#include "path/restrict.h"
#include "path/weight.h"

/* Exits that are tried before a path is given up: the first may leave no guard or no middle. */
enum { EXIT_TRIES_MAX = 8 };

/* One call of path_pick(). */
struct search {
    const struct netdir *nd;
    const struct path_config *cfg;
    struct guards *guards;
    const struct path_request *req;
    struct env *env;
    struct path_pick *out;
    const struct relay **list; /* candidates; room for every relay */
    size_t n;
    const struct relay *exit, *guard;
    struct rsa_id failed_exits[EXIT_TRIES_MAX]; /* no path led to them */
    size_t n_failed_exits;
    bool relax;    /* at this hop, flags are no longer asked for */
    bool hopeless; /* another exit would not help */
};

/* Why a relay is no candidate, in the order in which it is asked. The latest reason that stopped
 * any relay is the one worth telling. */
enum stop {
    STOP_UNUSABLE,
    STOP_POLICY,
    STOP_UNREACHABLE,
    STOP_CONFIG,
    STOP_AVOIDED,
    STOP_RELATED,
    STOP_FLAGS,
    STOP_NOT, /* a candidate */
};

void path_config_init(struct path_config *cfg)
{
    *cfg = (struct path_config){
        .enforce_distinct_subnets = true,
        .use_entry_guards = true,
        .ipv4 = true,
        .authority_rate = 0.1,
    };
}

static bool id_in(const struct rsa_id *list, size_t n, const struct relay *r)
{
    for (size_t i = 0; i < n; i++)
        if (rsa_id_equal(&list[i], &r->rsa))
            return true;
    return false;
}

static bool wants_stable(const struct path_config *cfg, const struct path_request *req)
{
    return req->stable ||
           (req->kind == PATH_EXIT && req->port && port_is_long_lived(cfg, req->port));
}

/* path-spec 2.2: "For 'fast' circuits, we only choose nodes with the Fast flag." */
static unsigned wanted_flags(const struct search *s)
{
    if (s->relax)
        return 0;
    return RELAY_FAST | (wants_stable(s->cfg, s->req) ? RELAY_STABLE : 0u);
}

/* tor(1): "any node listed in both ExitNodes and ExcludeNodes is treated as excluded" */
static bool exit_configured(const struct path_config *cfg, const struct relay *r)
{
    return !nodeset_has(cfg->exclude, r) && !nodeset_has(cfg->exclude_exit, r) &&
           (nodeset_is_empty(cfg->exit) || nodeset_has(cfg->exit, r));
}

static enum stop judge_exit(const struct search *s, const struct relay *r)
{
    const struct path_request *req = s->req;
    bool lets_out = req->kind == PATH_EXIT;
    if (!relay_usable(r))
        return STOP_UNUSABLE;
    if (lets_out && !exit_allows(r, req->family, req->port))
        return STOP_POLICY;
    if ((req->dir_cache && !relay_is_dircache(r)) ||
        (req->dir_authority && !relay_is(r, RELAY_AUTHORITY)))
        return STOP_POLICY;
    if (lets_out ? !exit_configured(s->cfg, r) : nodeset_has(s->cfg->exclude, r))
        return STOP_CONFIG;
    if (id_in(req->avoid, req->n_avoid, r) || id_in(req->avoid_exit, req->n_avoid_exit, r))
        return STOP_AVOIDED;
    if (id_in(s->failed_exits, s->n_failed_exits, r))
        return STOP_RELATED;
    return relay_is(r, wanted_flags(s)) ? STOP_NOT : STOP_FLAGS;
}

/* Without a guard set. */
static enum stop judge_first(const struct search *s, const struct relay *r)
{
    const struct path_config *cfg = s->cfg;
    if (!relay_usable(r))
        return STOP_UNUSABLE;
    if (path_first_hop_addr(cfg, r).ip.family == IP_NONE)
        return STOP_UNREACHABLE;
    if (nodeset_has(cfg->exclude, r) ||
        (!nodeset_is_empty(cfg->entry) && !nodeset_has(cfg->entry, r)))
        return STOP_CONFIG;
    if (id_in(s->req->avoid, s->req->n_avoid, r))
        return STOP_AVOIDED;
    if (relay_related(s->nd, cfg, r, s->exit))
        return STOP_RELATED;
    /* C tor, choose_good_entry_server(): CRN_NEED_GUARD, unless nobody has it */
    return relay_is(r, wanted_flags(s) | (s->relax ? 0u : RELAY_GUARD)) ? STOP_NOT : STOP_FLAGS;
}

static enum stop judge_middle(const struct search *s, const struct relay *r)
{
    const struct path_config *cfg = s->cfg;
    if (!relay_usable(r))
        return STOP_UNUSABLE;
    if (nodeset_has(cfg->exclude, r) ||
        (!nodeset_is_empty(cfg->middle) && !nodeset_has(cfg->middle, r)))
        return STOP_CONFIG;
    if (id_in(s->req->avoid, s->req->n_avoid, r))
        return STOP_AVOIDED;
    if (relay_related(s->nd, cfg, r, s->exit) || relay_related(s->nd, cfg, r, s->guard))
        return STOP_RELATED;
    return relay_is(r, wanted_flags(s)) ? STOP_NOT : STOP_FLAGS;
}

static enum stop collect_once(struct search *s,
                              enum stop (*judge)(const struct search *, const struct relay *))
{
    enum stop latest = STOP_UNUSABLE;
    s->n = 0;
    for (size_t i = 0; i < netdir_n(s->nd); i++) {
        const struct relay *r = netdir_at(s->nd, i);
        enum stop stop = judge(s, r);
        if (stop == STOP_NOT)
            s->list[s->n++] = r;
        else if (stop > latest)
            latest = stop;
    }
    return s->n ? STOP_NOT : latest;
}

/* Fills s->list; returns the latest stop that was met if it stays empty. If only flags are in the
 * way they are given up for this hop, as in tor: a slow path is better than none. */
static enum stop collect(struct search *s,
                         enum stop (*judge)(const struct search *, const struct relay *))
{
    s->relax = false;
    enum stop stop = collect_once(s, judge);
    if (stop != STOP_FLAGS)
        return stop;
    s->relax = s->out->relaxed = true;
    return collect_once(s, judge);
}

static const struct relay *choose(const struct search *s, enum weight_for position)
{
    struct weights w;
    weights_init(&w, netdir_consensus(s->nd), position);
    return weights_choose(&w, s->env, s->list, s->n);
}

static const char *family_text(enum ip_family family)
{
    return family == IP_V6 ? " over IPv6" : "";
}

static err_t no_exit(const struct search *s, enum stop stop)
{
    const struct path_request *req = s->req;
    char what[64];
    if (req->kind == PATH_INTERNAL)
        snprintf(what, sizeof what, "relay for the last hop");
    else if (req->port)
        snprintf(what, sizeof what, "exit relay that allows port %u%s", req->port,
                 family_text(req->family));
    else
        snprintf(what, sizeof what, "exit relay%s", family_text(req->family));
    char *why = s->out->why;
    if (stop == STOP_POLICY && req->kind == PATH_INTERNAL)
        snprintf(why, PATH_WHY_MAX, "no usable relay %s",
                 req->dir_authority ? "is an authority" : "answers directory requests");
    else if (stop == STOP_POLICY && req->port)
        snprintf(why, PATH_WHY_MAX, "no exit relay allows port %u%s", req->port,
                 family_text(req->family));
    else if (stop == STOP_POLICY)
        snprintf(why, PATH_WHY_MAX, "no relay lets connections out%s", family_text(req->family));
    else if (stop == STOP_CONFIG)
        snprintf(why, PATH_WHY_MAX,
                 "every %s is ruled out by ExitNodes, ExcludeExitNodes or ExcludeNodes", what);
    else if (stop == STOP_AVOIDED)
        snprintf(why, PATH_WHY_MAX, "every %s has failed already", what);
    else
        snprintf(why, PATH_WHY_MAX, "no relay in the consensus is usable as the last hop");
    return ERR_NOT_FOUND;
}

/* How many predicted ports R lets out. */
static size_t ports_covered(const struct path_request *req, const struct relay *r)
{
    size_t n = 0;
    for (size_t i = 0; i < req->n_predicted; i++)
        n += exit_allows(r, req->family, req->predicted[i]);
    return n;
}

/* path-spec 2.1.2: "we pick an exit node that will handle the most pending requests" */
static void keep_best_covering(struct search *s)
{
    size_t best = 0, kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t covers = ports_covered(s->req, s->list[i]);
        if (covers > best)
            best = covers;
    }
    for (size_t i = 0; i < s->n; i++)
        if (ports_covered(s->req, s->list[i]) == best)
            s->list[kept++] = s->list[i];
    s->n = kept;
}

/* An exit that was asked for by name: StrictNodes decides about ExcludeNodes, and ExitNodes has no
 * say (tor(1)). */
static err_t take_given_exit(struct search *s)
{
    const struct relay *r = s->req->exit;
    const char *problem = NULL;
    if (!relay_usable(r))
        problem = "is not usable now";
    else if (s->cfg->strict_nodes && nodeset_has(s->cfg->exclude, r))
        problem = "is excluded by ExcludeNodes and StrictNodes";
    else if (s->req->kind == PATH_EXIT && nodeset_has(s->cfg->exclude_exit, r))
        problem = "is excluded by ExcludeExitNodes";
    s->exit = r;
    if (!problem)
        return OK;
    snprintf(s->out->why, PATH_WHY_MAX, "the relay asked for as last hop, %s, %s", r->nickname,
             problem);
    return ERR_NOT_FOUND;
}

static err_t pick_exit(struct search *s)
{
    if (s->req->exit)
        return take_given_exit(s);
    enum stop stop = collect(s, judge_exit);
    if (stop != STOP_NOT) /* STOP_RELATED: the text of the last failure stands */
        return stop == STOP_RELATED ? ERR_NOT_FOUND : no_exit(s, stop);
    if (s->req->kind == PATH_EXIT && s->req->n_predicted)
        keep_best_covering(s);
    s->exit = choose(s, s->req->kind == PATH_EXIT ? WEIGHT_FOR_EXIT : WEIGHT_FOR_MIDDLE);
    return OK;
}

static err_t pick_first_unguarded(struct search *s)
{
    enum stop stop = collect(s, judge_first);
    if (stop == STOP_NOT) {
        s->guard = choose(s, WEIGHT_FOR_GUARD);
        return OK;
    }
    static const char *const words[] = {
        [STOP_UNUSABLE] = "no relay in the consensus is usable as the first hop",
        [STOP_UNREACHABLE] =
            "no relay can be reached under ClientUseIPv4, ClientUseIPv6 and ReachableAddresses",
        [STOP_CONFIG] = "every relay is ruled out as the first hop by EntryNodes or ExcludeNodes",
        [STOP_AVOIDED] = "every relay has failed already as the first hop",
        [STOP_RELATED] =
            "every possible first hop is in the last hop's family or network (try another exit)",
    };
    snprintf(s->out->why, PATH_WHY_MAX, "%s", words[stop]);
    return ERR_NOT_FOUND;
}

static err_t pick_guard(struct search *s)
{
    if (!s->guards || !s->cfg->use_entry_guards)
        return pick_first_unguarded(s);
    struct guard_restriction rst = {
        .exit = s->exit, .avoid = s->req->avoid, .n_avoid = s->req->n_avoid};
    err_t e = guards_pick(s->guards, s->nd, GUARD_FOR_TRAFFIC, &rst, &s->guard, &s->out->guard_use);
    s->hopeless = e != ERR_NOT_FOUND || !guards_n(s->guards);
    if (e == ERR_STATE)
        snprintf(s->out->why, PATH_WHY_MAX, "%s",
                 guards_n(s->guards) ? "all guards are down"
                                     : "there are no guards to choose from (EntryNodes, "
                                       "ExcludeNodes, or no relay with the Guard flag)");
    else if (e == ERR_NOT_FOUND)
        snprintf(s->out->why, PATH_WHY_MAX, "no guard fits the last hop");
    return e == ERR_STATE ? ERR_NOT_FOUND : e;
}

static err_t pick_middle(struct search *s)
{
    enum stop stop = collect(s, judge_middle);
    if (stop == STOP_NOT) {
        s->out->hop[1] = choose(s, WEIGHT_FOR_MIDDLE);
        return OK;
    }
    snprintf(s->out->why, PATH_WHY_MAX, "%s",
             stop == STOP_CONFIG
                 ? "every middle relay is ruled out by MiddleNodes or ExcludeNodes"
                 : "no middle relay is left besides the guard, the last hop and their families");
    return ERR_NOT_FOUND;
}

static err_t try_path(struct search *s)
{
    s->out->relaxed = false;
    s->hopeless = false;
    TRY(pick_exit(s));
    TRY(pick_guard(s));
    err_t e = pick_middle(s);
    if (e != OK) {
        if (s->guards)
            guards_dropped(s->guards, &s->guard->rsa);
        return e;
    }
    s->out->hop[0] = s->guard;
    s->out->hop[2] = s->exit;
    s->out->n = PATH_LEN;
    s->out->why[0] = 0;
    return OK;
}

err_t path_pick(const struct netdir *nd, const struct path_config *cfg, struct guards *guards,
                const struct path_request *req, struct env *env, struct path_pick *out)
{
    *out = (struct path_pick){.guard_use = GUARD_USABLE, .stable = wants_stable(cfg, req)};
    struct search s = {.nd = nd, .cfg = cfg, .guards = guards, .req = req, .env = env, .out = out};
    s.list = calloc(netdir_n(nd) + 1, sizeof *s.list);
    if (!s.list)
        return ERR_NOMEM;
    err_t e = ERR_NOT_FOUND;
    for (size_t i = 0; i < EXIT_TRIES_MAX && e == ERR_NOT_FOUND; i++) {
        s.exit = NULL;
        e = try_path(&s);
        if (!s.exit || req->exit || s.hopeless)
            break;
        s.failed_exits[s.n_failed_exits++] = s.exit->rsa;
    }
    free(s.list);
    out->no_guard = e != OK && s.hopeless;
    return e;
}

bool path_exit_fits(const struct netdir *nd, const struct path_config *cfg,
                    const struct path_request *req, const struct relay *exit)
{
    if (req->exit)
        return rsa_id_equal(&req->exit->rsa, &exit->rsa);
    const struct relay *now = netdir_by_rsa(nd, &exit->rsa);
    if (!now || !relay_usable(now))
        return false;
    /* Fast is no need in a circuit that is there already. */
    struct search s = {
        .nd = nd, .cfg = cfg, .req = req, .relax = req->relaxed || !wants_stable(cfg, req)};
    return judge_exit(&s, now) == STOP_NOT;
}

static bool may_be_together(const struct netdir *nd, const struct path_config *cfg,
                            const struct relay *const *hops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (relay_related(nd, cfg, hops[i], hops[j]))
                return false;
    return true;
}

bool path_allowed(const struct netdir *nd, const struct path_config *cfg,
                  const struct relay *const *hops, size_t n, bool exits)
{
    for (size_t i = 0; i < n; i++)
        if (nodeset_has(cfg->exclude, hops[i]))
            return false;
    if (n && (path_first_hop_addr(cfg, hops[0]).ip.family == IP_NONE ||
              (!nodeset_is_empty(cfg->entry) && !nodeset_has(cfg->entry, hops[0]))))
        return false;
    if (!may_be_together(nd, cfg, hops, n))
        return false;
    if (n > 2 && !nodeset_is_empty(cfg->middle))
        for (size_t i = 1; i + 1 < n; i++)
            if (!nodeset_has(cfg->middle, hops[i]))
                return false;
    return !exits || !n || exit_configured(cfg, hops[n - 1]);
}
