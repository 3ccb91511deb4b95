/* Circuits of the pool that somebody asked for by name: over a path that was given, longer than
 * they were, kept apart from the pool. */
#include <stdlib.h>

#include "client/exits_int.h"
#include "path/restrict.h"

/* C tor, connection_ap_handshake_rewrite_and_attach(): "If StrictNodes is not set, then .exit
 * overrides ExcludeNodes but not ExcludeExitNodes." */
const struct router *exits_named(const struct exits *x, const char *name, bool *excluded)
{
    const struct path_config *path = x->config.path;
    const struct router *r = x->nd ? netdir_by_name(x->nd, text_of(name)) : NULL;
    *excluded = r && ((path->strict_nodes && nodeset_has(path->exclude, r)) ||
                      nodeset_has(path->exclude_exit, r));
    return r;
}

err_t exits_build(struct exits *x, struct netdir *nd, const struct router *const *path, size_t n,
                  enum circuit_purpose purpose, struct exit_circ **out)
{
    const struct leg_means means = exits_means(x, nd);
    struct exit_circ *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct exit_circ){.x = x, .state = EXIT_BUILDING, .since_us = x->env->mono_us};
    err_t e = leg_launch_over(&means, path, n, purpose, &exits_leg_ops, c, &c->leg);
    if (e != OK) {
        free(c);
        return e;
    }
    exits_add(x, c);
    if (purpose == CIRCUIT_CONTROLLER)
        exit_circ_set_state(c, EXIT_APART);
    *out = c;
    return OK;
}

err_t exits_build_any(struct exits *x, struct exit_circ **out)
{
    const struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS};
    if (!x->nd || exits_fail_too_often(x) || guards_lack_md(x->guards, x->nd))
        return ERR_STATE;
    return exits_launch(x, &req, CIRCUIT_GENERAL, out);
}

/* C tor, circuit_find_to_cannibalize(): it is nobody's and has carried nothing, is as long as such
 * circuits are, and R and all that options keep out may come behind its hops. */
static bool may_go_on_to(const struct exit_circ *c, const struct router *r, bool stable)
{
    const struct path_config *path = c->x->config.path;
    unsigned flags = CIRCUIT_NEED_CAPACITY | (stable ? CIRCUIT_NEED_UPTIME : 0u);
    if (c->state != EXIT_READY || c->set || c->bucket || !leg_is_open(c->leg) ||
        c->leg->n_hops != PATH_USUAL_HOPS || exit_circ_is_internal(c) ||
        (c->leg->oc->plan.flags & flags) != flags)
        return false;
    for (size_t i = 0; i < c->leg->n_hops; i++)
        if (router_related(c->x->nd, path, c->leg->hop[i], r) ||
            nodeset_has(path->exclude, c->leg->hop[i]))
            return false;
    return true;
}

static struct exit_circ *find_to_go_on(const struct exits *x, const struct router *r, bool stable)
{
    struct exit_circ *c, *best = NULL;
    DL_FOREACH (x->circs, c) {
        bool better = !best || (!stable && best->leg->oc->plan.flags & CIRCUIT_NEED_UPTIME);
        if (better && may_go_on_to(c, r, stable))
            best = c;
    }
    return best;
}

static err_t go_on_to(struct exit_circ *c, const struct router *r)
{
    const struct leg_means means = exits_means(c->x, c->x->nd);
    struct ocirc *oc = c->leg->oc;
    circuits_tell_cannibalized(oc, oc->begun_us);
    oc->begun_us = c->x->env->mono_us; /* "Reset the start date of this circ" */
    exit_circ_set_state(c, EXIT_BUILDING);
    return leg_extend(c->leg, &means, &r, 1);
}

err_t exits_launch_to(struct exits *x, const struct router *r, bool stable, struct exit_circ **out)
{
    /* route_len_for_purpose(): "a router that someone else might have chosen, so add an extra hop"
     */
    const struct path_hop hops[] = {
        {.kind = HOP_GUARD},
        {.kind = HOP_MIDDLE},
        {.kind = HOP_MIDDLE},
        {.kind = HOP_EXIT, .relay = r},
    };
    const struct path_request req = {
        .hops = hops, .n_hops = sizeof hops / sizeof hops[0], .stable = stable};
    *out = find_to_go_on(x, r, stable);
    return *out ? go_on_to(*out, r) : exits_launch(x, &req, CIRCUIT_GENERAL, out);
}

err_t exit_circ_extend(struct exit_circ *c, struct netdir *nd, const struct router *const *more,
                       size_t n)
{
    const struct leg_means means = exits_means(c->x, nd);
    if (c->set) /* all of its legs end where they are */
        return ERR_STATE;
    pathbias_ignore(&c->leg->guard);
    return leg_extend(c->leg, &means, more, n);
}

static void set_apart(struct exit_circ *c)
{
    bool has_carried = c->state == EXIT_IN_USE || c->state == EXIT_RETIRED;
    uint64_t since_us = c->since_us;
    exit_circ_set_state(c, has_carried ? EXIT_APART_DIRTY : EXIT_APART);
    if (has_carried)
        c->since_us = since_us; /* it is no cleaner for it */
}

void exit_circ_set_purpose(struct exit_circ *c, enum circuit_purpose purpose)
{
    struct ocirc *oc = c->leg->oc;
    bool is_pools = c->state == EXIT_BUILDING || c->state == EXIT_READY ||
                    c->state == EXIT_IN_USE || c->state == EXIT_RETIRED;
    if (oc->purpose == purpose || leg_is_closed(c->leg) || c->set || c->state == EXIT_PROBED)
        return;
    circuits_set_purpose(oc, purpose);
    if (purpose == CIRCUIT_CONTROLLER)
        set_apart(c);
    else if (!is_pools)
        exit_circ_join_pool(c);
}

void exit_circ_close(struct exit_circ *c, uint8_t reason)
{
    exit_circ_finish(c, reason);
}

uint64_t exit_circ_id(const struct exit_circ *c)
{
    return c->leg->oc->id;
}
