#include "path/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/weight.h"
#include "path/guards.h"
#include "path/path_int.h"
#include "path/restrict.h"

/* ---- candidates ---- */

static enum path_stop collect_once(struct path_search *s)
{
    enum path_stop latest = STOP_UNUSABLE;
    s->n = 0;
    for (size_t i = 0; i < netdir_n(s->nd); i++) {
        const struct router *r = netdir_at(s->nd, i);
        enum path_stop stop = path_judge(s, r);
        if (stop == STOP_NOT)
            s->list[s->n++] = r;
        else if (stop > latest)
            latest = stop;
    }
    return s->n ? STOP_NOT : latest;
}

/* The least that is asked of a relay is asked last. C tor, choose_good_exit_server_general(): an
 * exit that lets out no predicted port is better than one that is slow. If only flags are in the
 * way they are given up for this hop, as in tor: a slow path is better than none. */
static void ask(struct path_search *s, bool ports, bool flags)
{
    s->any_port = !ports;
    s->relax = !flags;
}

/* Fills s->list; returns the latest stop that was met if it stays empty. */
static enum path_stop collect(struct path_search *s)
{
    ask(s, true, true);
    enum path_stop stop = collect_once(s);
    if (stop != STOP_NOT && s->req->n_predicted) {
        ask(s, false, true);
        stop = collect_once(s);
    }
    if (stop != STOP_FLAGS)
        return stop;
    s->out->relaxed = true;
    ask(s, true, false);
    stop = collect_once(s);
    if (stop == STOP_NOT || !s->req->n_predicted)
        return stop;
    ask(s, false, false);
    return collect_once(s);
}

static enum weight_for position(const struct path_search *s)
{
    static const enum weight_for of[] = {
        [HOP_GUARD] = WEIGHT_FOR_GUARD,      [HOP_MIDDLE] = WEIGHT_FOR_MIDDLE,
        [HOP_EXIT] = WEIGHT_FOR_EXIT,        [HOP_INTERNAL] = WEIGHT_FOR_MIDDLE,
        [HOP_DIRECTORY] = WEIGHT_FOR_MIDDLE, [HOP_AUTHORITY] = WEIGHT_FOR_MIDDLE,
        [HOP_VANGUARD] = WEIGHT_FOR_MIDDLE,
    };
    return of[s->req->hops[s->at].kind];
}

/* A candidate without a look at all of them: relays are drawn from all that there are until one is
 * a candidate, which is as likely to be this one or that as if it had been drawn from candidates
 * alone. NULL: none in so many draws, so that it is better to look. */
static const struct router *draw(struct path_search *s)
{
    enum { DRAWS = 48 };
    ask(s, true, true);
    for (size_t i = 0; i < DRAWS; i++) {
        const struct router *r = netdir_draw(s->nd, position(s), s->env);
        if (!r)
            return NULL;
        if (path_judge(s, r) == STOP_NOT)
            return r;
    }
    return NULL;
}

static const struct router *choose(const struct path_search *s)
{
    struct weights w;
    /* proposal 292: a layer was weighted when it was chosen; each of it is as likely */
    if (s->req->hops[s->at].layer)
        return s->list[env_random_below(s->env, s->n)];
    weights_init(&w, netdir_consensus(s->nd), position(s));
    return weights_choose(&w, s->env, s->list, s->n);
}

/* ---- hops ---- */

static err_t look_for(struct path_search *s)
{
    if (!s->list)
        s->list = calloc(netdir_n(s->nd) + 1, sizeof *s->list);
    if (!s->list)
        return ERR_NOMEM;
    enum path_stop stop = collect(s);
    bool last = s->at + 1 == s->req->n_hops;
    if (stop != STOP_NOT) {
        if (!last || stop != STOP_RELATED) /* otherwise the last failure's text stands */
            path_say_why(s, stop);
        return ERR_NOT_FOUND;
    }
    s->hop[s->at] = choose(s);
    return OK;
}

static err_t pick_hop(struct path_search *s, size_t at)
{
    s->at = at;
    s->hop[at] = s->req->hops[at].layer ? NULL : draw(s);
    return s->hop[at] ? OK : look_for(s);
}

/* A last hop that was asked for by name: StrictNodes decides about ExcludeNodes, and ExitNodes has
 * no say (tor(1)). */
static err_t take_given(struct path_search *s, size_t at)
{
    const struct path_hop *hop = &s->req->hops[at];
    const struct router *r = hop->relay;
    const char *problem = NULL;
    if (!router_usable(r))
        problem = "is not usable now";
    else if (s->cfg->strict_nodes && nodeset_has(s->cfg->exclude, r))
        problem = "is excluded by ExcludeNodes and StrictNodes";
    else if (hop->kind == HOP_EXIT && nodeset_has(s->cfg->exclude_exit, r))
        problem = "is excluded by ExcludeExitNodes";
    s->hop[at] = r;
    if (!problem)
        return OK;
    snprintf(s->out->why, PATH_WHY_MAX, "the relay asked for as last hop, %s, %s", r->nickname,
             problem);
    return ERR_NOT_FOUND;
}

static const struct router *last_chosen(const struct path_search *s)
{
    return s->hop[s->req->n_hops - 1];
}

static err_t pick_guard(struct path_search *s)
{
    if (!s->guards || !s->cfg->use_entry_guards)
        return pick_hop(s, 0);
    /* C tor, guards_choose_guard(): with vanguards the guard may be the last hop, too */
    struct guard_restriction rst = {.exit = path_has_vanguards(s->req) ? NULL : last_chosen(s),
                                    .avoid = s->req->avoid,
                                    .n_avoid = s->req->n_avoid,
                                    .taken = s->req->leg_guards,
                                    .n_taken = s->req->n_legs};
    err_t e =
        guards_pick(s->guards, s->nd, GUARD_FOR_TRAFFIC, &rst, &s->hop[0], &s->out->guard_use);
    s->out->apart = rst.exit;
    s->hopeless = e != OK && (e != ERR_NOT_FOUND || !guards_n(s->guards));
    if (e == ERR_STATE)
        snprintf(s->out->why, PATH_WHY_MAX, "%s",
                 guards_n(s->guards) ? "all guards are down"
                                     : "there are no guards to choose from (EntryNodes, "
                                       "ExcludeNodes, or no relay with the Guard flag)");
    else if (e == ERR_NOT_FOUND)
        snprintf(s->out->why, PATH_WHY_MAX, "no guard fits the last hop");
    return e == ERR_STATE ? ERR_NOT_FOUND : e;
}

static err_t pick_between(struct path_search *s)
{
    err_t e = OK;
    for (size_t at = 1; at + 1 < s->req->n_hops && e == OK; at++)
        e = pick_hop(s, at);
    if (e != OK && s->guards)
        guards_dropped(s->guards, &s->hop[0]->rsa);
    return e;
}

static err_t try_path(struct path_search *s)
{
    size_t n = s->req->n_hops;
    s->out->relaxed = false;
    s->hopeless = false;
    memset(s->hop, 0, sizeof s->hop);
    if (s->req->hops[n - 1].relay)
        TRY(take_given(s, n - 1));
    else
        TRY(pick_hop(s, n - 1));
    TRY(pick_guard(s));
    TRY(pick_between(s));
    memcpy(s->out->hop, s->hop, sizeof s->hop);
    s->out->n = n;
    s->out->why[0] = 0;
    return OK;
}

err_t path_pick(const struct netdir *nd, const struct path_config *cfg, struct guards *guards,
                const struct path_request *req, struct env *env, struct path_pick *out)
{
    *out = (struct path_pick){.guard_use = GUARD_NONE};
    struct path_search s = {
        .nd = nd, .cfg = cfg, .guards = guards, .req = req, .env = env, .out = out};
    if (req->n_hops < 2 || req->n_hops > PATH_HOPS_MOST || req->hops[0].kind != HOP_GUARD)
        return ERR_ARG;
    out->stable = path_wants_stable(cfg, req);
    err_t e = ERR_NOT_FOUND;
    for (size_t i = 0; i < PATH_TRIES_MAX && e == ERR_NOT_FOUND; i++) {
        e = try_path(&s);
        if (!last_chosen(&s) || req->hops[req->n_hops - 1].relay || s.hopeless)
            break;
        s.failed_last[s.n_failed_last++] = last_chosen(&s)->rsa;
    }
    free(s.list);
    out->no_guard = e != OK && s.hopeless;
    return e;
}
