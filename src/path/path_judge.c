/* The judge of each hop: may this relay be it? */
#include "path/path_int.h"
#include "path/restrict.h"

static bool id_in(const struct rsa_id *list, size_t n, const struct router *r)
{
    for (size_t i = 0; i < n; i++)
        if (rsa_id_equal(&list[i], &r->rsa))
            return true;
    return false;
}

/* ---- what each kind of hop asks for ---- */

/* tor(1): "any node listed in both ExitNodes and ExcludeNodes is treated as excluded" */
static bool exit_configured(const struct path_config *cfg, const struct router *r)
{
    return !nodeset_has(cfg->exclude, r) && !nodeset_has(cfg->exclude_exit, r) &&
           (nodeset_is_empty(cfg->exit) || nodeset_has(cfg->exit, r));
}

/* Whether R is not excluded, and in SET if that is given. */
static enum path_stop configured(const struct path_config *cfg, const struct nodeset *set,
                                 const struct router *r)
{
    bool good = !nodeset_has(cfg->exclude, r) && (nodeset_is_empty(set) || nodeset_has(set, r));
    return good ? STOP_NOT : STOP_CONFIG;
}

static enum path_stop judge_first(const struct path_search *s, const struct router *r)
{
    if (path_first_hop_addr(s->cfg, r).ip.family == IP_NONE)
        return STOP_UNREACHABLE;
    return configured(s->cfg, s->cfg->entry, r);
}

static enum path_stop judge_middle(const struct path_search *s, const struct router *r)
{
    return configured(s->cfg, s->cfg->middle, r);
}

static enum path_stop judge_vanguard(const struct path_search *s, const struct router *r)
{
    const struct path_hop *hop = &s->req->hops[s->at];
    if (!hop->layer)
        return judge_middle(s, r);
    for (size_t i = 0; i < hop->n_layer; i++)
        if (rsa_id_equal(&hop->layer[i]->rsa, &r->rsa))
            return configured(s->cfg, NULL, r);
    return STOP_POLICY;
}

/* C tor, node_handles_some_port() */
static bool allows_some(const struct path_request *req, const struct router *r)
{
    for (size_t i = 0; i < req->n_predicted; i++)
        if (exit_allows(r, req->family, req->predicted[i]))
            return true;
    return req->n_predicted == 0;
}

static enum path_stop judge_exit(const struct path_search *s, const struct router *r)
{
    if (!exit_allows(r, s->req->family, s->req->port) || (!s->any_port && !allows_some(s->req, r)))
        return STOP_POLICY;
    if (s->req->conflux && !router_can(r, PROTO_CONFLUX_1))
        return STOP_POLICY;
    return exit_configured(s->cfg, r) ? STOP_NOT : STOP_CONFIG;
}

/* C tor, router_can_choose_node(): one that is MiddleOnly is no onion service's introduction or
 * rendezvous point. It is no exit, directory or guard either, but that its other flags say. */
static enum path_stop judge_internal(const struct path_search *s, const struct router *r)
{
    return router_is(r, ROUTER_MIDDLEONLY) ? STOP_UNUSABLE : configured(s->cfg, NULL, r);
}

static enum path_stop judge_directory(const struct path_search *s, const struct router *r)
{
    return router_is_dircache(r) ? configured(s->cfg, NULL, r) : STOP_POLICY;
}

static enum path_stop judge_authority(const struct path_search *s, const struct router *r)
{
    return router_is(r, ROUTER_AUTHORITY) ? judge_directory(s, r) : STOP_POLICY;
}

static enum path_stop (*const judges[])(const struct path_search *s, const struct router *r) = {
    [HOP_GUARD] = judge_first,         [HOP_MIDDLE] = judge_middle,
    [HOP_VANGUARD] = judge_vanguard,   [HOP_EXIT] = judge_exit,
    [HOP_INTERNAL] = judge_internal,   [HOP_DIRECTORY] = judge_directory,
    [HOP_AUTHORITY] = judge_authority,
};

/* ---- what all are asked ---- */

static bool is_last(const struct path_search *s)
{
    return s->at + 1 == s->req->n_hops;
}

static enum hop_kind last_kind(const struct path_request *req)
{
    return req->hops[req->n_hops - 1].kind;
}

bool path_has_vanguards(const struct path_request *req)
{
    for (size_t i = 0; i < req->n_hops; i++)
        if (req->hops[i].kind == HOP_VANGUARD)
            return true;
    return false;
}

/* As in C tor, build_vanguard_middle_exclude_list(): nobody is there twice. Families and networks
 * do not count, for a layer is too small for that; nor does the guard behind four hops, or else who
 * sees the last ones would learn which relay never is among them. */
static bool is_there_already(const struct path_search *s, const struct router *r)
{
    for (size_t i = s->at > 3; i < s->req->n_hops; i++)
        if (s->hop[i] && rsa_id_equal(&s->hop[i]->rsa, &r->rsa))
            return true;
    return false;
}

static bool is_related(const struct path_search *s, const struct router *r)
{
    if (path_has_vanguards(s->req))
        return s->at > 0 && is_there_already(s, r);
    for (size_t i = 0; i < s->req->n_hops; i++)
        if (s->hop[i] && router_related(s->nd, s->cfg, r, s->hop[i]))
            return true;
    return false;
}

bool path_wants_stable(const struct path_config *cfg, const struct path_request *req)
{
    return req->stable ||
           (last_kind(req) == HOP_EXIT && req->port && port_is_long_lived(cfg, req->port));
}

/* path-spec 2.2: "For 'fast' circuits, we only choose nodes with the Fast flag." */
static unsigned wanted_flags(const struct path_search *s)
{
    unsigned flags = ROUTER_FAST;
    /* C tor, choose_good_middle_server(): MiddleNodes are who is running of them */
    bool named = s->req->hops[s->at].kind == HOP_MIDDLE && !nodeset_is_empty(s->cfg->middle);
    if (s->relax || named)
        return 0;
    if (path_wants_stable(s->cfg, s->req))
        flags |= ROUTER_STABLE;
    /* C tor, choose_good_entry_server(): CRN_NEED_GUARD, unless nobody has it */
    return s->req->hops[s->at].kind == HOP_GUARD ? flags | ROUTER_GUARD : flags;
}

/* Another leg of the conflux set goes through R at this place. */
static bool is_taken(const struct path_search *s, const struct router *r)
{
    const struct path_request *req = s->req;
    if (is_last(s))
        return false;
    return id_in(s->at ? req->leg_middles : req->leg_guards, req->n_legs, r);
}

enum path_stop path_judge(const struct path_search *s, const struct router *r)
{
    const struct path_request *req = s->req;
    if (!router_usable(r))
        return STOP_UNUSABLE;
    enum path_stop stop = judges[req->hops[s->at].kind](s, r);
    if (stop != STOP_NOT)
        return stop;
    if (id_in(req->avoid, req->n_avoid, r) || is_taken(s, r) ||
        (is_last(s) && id_in(req->avoid_exit, req->n_avoid_exit, r)))
        return STOP_AVOIDED;
    if ((is_last(s) && id_in(s->failed_last, s->n_failed_last, r)) || is_related(s, r))
        return STOP_RELATED;
    return router_is(r, wanted_flags(s)) ? STOP_NOT : STOP_FLAGS;
}

/* ---- circuits that are there already ---- */

bool path_exit_fits(const struct netdir *nd, const struct path_config *cfg,
                    const struct path_request *req, const struct router *exit)
{
    const struct router *given = req->hops[req->n_hops - 1].relay;
    if (given)
        return rsa_id_equal(&given->rsa, &exit->rsa);
    const struct router *now = netdir_by_rsa(nd, &exit->rsa);
    /* circuit_is_acceptable(): "need_uptime && !build_state->need_uptime" */
    if (req->unstable && path_wants_stable(cfg, req))
        return false;
    /* Fast is no need in a circuit that is there already. */
    const struct path_search s = {.nd = nd,
                                  .cfg = cfg,
                                  .req = req,
                                  .at = req->n_hops - 1,
                                  .relax = req->relaxed || !path_wants_stable(cfg, req),
                                  .any_port = true};
    return now && path_judge(&s, now) == STOP_NOT;
}

static bool may_be_together(const struct netdir *nd, const struct path_config *cfg,
                            const struct router *const *hops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (router_related(nd, cfg, hops[i], hops[j]))
                return false;
    return true;
}

bool path_allowed(const struct netdir *nd, const struct path_config *cfg,
                  const struct router *const *hops, size_t n, bool exits)
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
