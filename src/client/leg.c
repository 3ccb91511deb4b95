#include "client/leg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/hop_target.h"

enum { LOOK_MS = 1000 }; /* so often C tor looks for circuits that are late */

/* ---- while it is built ---- */

static void on_begin(void *arg, struct ocirc *oc)
{
    struct leg *l = arg;
    cbt_network_heard(l->cbt, linkpool_heard_us(oc->pool));
    if (l->n_hops >= CBT_HOPS)
        env_arm_ms(l->env, &l->slow, cbt_timeout_ms(l->cbt, (unsigned)l->n_hops));
}

/* C tor, circuit_expire_building(): while there is no other, "we want to be more lenient with
 * timeouts": it is waited for as before, and looked at again. */
static void became_slow(void *arg)
{
    struct leg *l = arg;
    if (!l->is_late)
        cbt_timed_out(l->cbt, l->oc->circ && circ_hops(l->oc->circ) > 0);
    l->is_late = true;
    /* Without learning both times are one, and it just ends. */
    if (cbt_timeout_ms(l->cbt, (unsigned)l->n_hops) >= l->oc->plan.timeout_ms)
        return;
    if (circuits_any_open(l->oc->set))
        l->ops->on_slow(l->arg);
    else
        env_arm_ms(l->env, &l->slow, LOOK_MS);
}

static void on_hop(void *arg, struct ocirc *oc, unsigned hops)
{
    struct leg *l = arg;
    cbt_network_live(l->cbt);
    if (hops == 2 && !oc->open_us && !pathbias_attempted(l->guards, &l->guard))
        leg_close(l, ERR_NOT_FOUND, DESTROY_PROTOCOL);
    if (hops == CBT_HOPS && !oc->open_us)
        cbt_built(l->cbt, (l->env->mono_us - oc->begun_us) / US_PER_MS, !l->is_late);
}

static void set_open(struct leg *l)
{
    bool waits = l->guard.state == GUARD_CIRCUIT_WAITING;
    l->oc->waits_for_guard = waits;
    l->state = waits ? LEG_GUARD_WAIT : LEG_OPEN;
    circuits_tell(l->oc, waits ? CIRCUIT_GUARD_WAIT : CIRCUIT_BUILT);
    l->ops->on_open(l->arg);
}

static void on_open(void *arg, struct ocirc *oc)
{
    struct leg *l = arg;
    char path[256];
    env_disarm(l->env, &l->slow);
    log_info(l->env->log, "Circuit %" PRIu64 " is open through %s", oc->id,
             ocirc_path_text(oc, path, sizeof path));
    if (guard_circuit_built(l->guards, &l->guard, l->nd))
        set_open(l);
    else /* C tor: GUARD_USABLE_NEVER */
        leg_close(l, ERR_NOT_FOUND, DESTROY_INTERNAL);
}

void leg_reconsider(struct leg *l)
{
    /* While it is extended it is looked at when that is done. */
    if (l->state != LEG_GUARD_WAIT || l->oc->state != OCIRC_OPEN)
        return;
    if (guard_circuit_may_be_used(l->guards, &l->guard, l->nd))
        set_open(l);
    else if (guard_circuit_is_stale(l->guards, &l->guard))
        leg_close(l, OK, DESTROY_NONE);
}

/* ---- its end ---- */

/* Tells guards and timeouts what the failure says of them. Only what happened up to the first hop
 * counts against the guard: relays further on must not be able to drive us from guard to guard. */
static void judge_failure(struct leg *l, const struct ocirc_end *end)
{
    char text[160], path[256];
    if (ocirc_end_blames_first_hop(end))
        guard_circuit_failed(l->guards, &l->guard);
    if (end->timed_out && end->during == OCIRC_BUILDING && l->n_hops >= CBT_HOPS &&
        !cbt_wants_circuits(l->cbt)) { /* circuit_build_times_enough_to_compute() */
        cbt_network_heard(l->cbt, linkpool_heard_us(l->oc->pool));
        cbt_closed(l->cbt, l->oc->begun_us);
    }
    log_info(l->env->log, "Circuit %" PRIu64 " through %s could not be built: %s", l->oc->id,
             ocirc_path_text(l->oc, path, sizeof path),
             end->circ.link_ended ? end->circ.link.text
                                  : circ_end_text(&end->circ, text, sizeof text));
}

static void on_end(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    struct leg *l = arg;
    bool failed = end->during != OCIRC_OPEN && end->circ.why != OK;
    l->state = LEG_ENDED;
    env_disarm(l->env, &l->slow);
    if (end->timed_out)
        pathbias_timed_out(l->guards, &l->guard);
    pathbias_closed(l->guards, &l->guard, !end->circ.remote && !end->circ.link_ended);
    if (failed && !oc->open_us)
        judge_failure(l, end);
    guard_circuit_end(l->guards, &l->guard);
    l->ops->on_end(l->arg, end, failed);
}

static const struct ocirc_ops ocirc_ops = {
    .on_begin = on_begin,
    .on_hop = on_hop,
    .on_open = on_open,
    .on_end = on_end,
};

/* ---- launching ---- */

static unsigned flags_of(const struct path_request *req, const struct path_pick *pick)
{
    return CIRCUIT_NEED_CAPACITY | (pick->stable ? CIRCUIT_NEED_UPTIME : 0u) |
           (req->hops[req->n_hops - 1].kind != HOP_EXIT ? CIRCUIT_IS_INTERNAL : 0u);
}

/* Of the N hops those from ENDS on are, or may be, where streams end. */
static void plan_hops(struct ocirc_plan *plan, const struct leg_means *m,
                      const struct router *const *hops, size_t n, size_t ends)
{
    for (size_t i = 0; i < n; i++) {
        enum hop_place place = i < ends ? HOP_ON_THE_WAY : HOP_AT_THE_END;
        plan->hops[i] = hop_target(m->nd, hops[i], place, m->extend_by_ed);
        memcpy(plan->nickname[i], hops[i]->nickname, sizeof plan->nickname[i]);
    }
    plan->n_hops = n;
}

struct link_target leg_first_hop(const struct path_config *path, const struct router *r)
{
    return (struct link_target){.reach = reach_at(path_first_hop_addr(path, r)),
                                .rsa = r->rsa,
                                .ed = r->ed,
                                .has_rsa = true,
                                .has_ed = true};
}

/* As C tor, circuit_expire_building(): circuits of one hop or two last no longer than the build
 * timeout and a look, for their times teach nothing. */
static struct ocirc_plan plan_for(const struct leg_means *m, const struct path_pick *pick,
                                  size_t ends, enum circuit_purpose purpose, unsigned flags)
{
    size_t n = pick->n;
    struct ocirc_plan plan = {
        .first = leg_first_hop(m->path, pick->hop[0]),
        .timeout_ms = n < CBT_HOPS ? cbt_timeout_ms(m->cbt, (unsigned)n) + LOOK_MS
                                   : cbt_close_ms(m->cbt, (unsigned)n),
        .purpose = purpose,
        .flags = flags,
        .conflux_nonce = m->conflux_nonce,
    };
    plan_hops(&plan, m, pick->hop, n, ends);
    return plan;
}

/* NULL out of memory. */
static struct leg *leg_new(const struct leg_means *m, const struct path_pick *pick, size_t ends,
                           enum circuit_purpose purpose, unsigned flags, const struct leg_ops *ops,
                           void *arg)
{
    struct leg *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct leg){
        .nd = netdir_ref(m->nd),
        .n_hops = pick->n,
        .relaxed = pick->relaxed,
        .env = circuits_env(m->circuits),
        .guards = m->guards,
        .cbt = m->cbt,
        .ops = ops,
        .arg = arg,
    };
    memcpy(l->hop, pick->hop, sizeof l->hop);
    timer_init(&l->slow, became_slow, l);
    struct ocirc_plan plan = plan_for(m, pick, ends, purpose, flags);
    l->oc = ocirc_new(m->circuits, &plan, &ocirc_ops, l);
    if (l->oc) {
        guard_circuit_begin(l->guards, &l->guard, pick);
        return l;
    }
    netdir_unref(&l->nd);
    free(l);
    return NULL;
}

err_t leg_launch(const struct leg_means *means, const struct path_request *req,
                 enum circuit_purpose purpose, const struct leg_ops *ops, void *arg,
                 struct path_pick *pick, struct leg **out)
{
    err_t e =
        path_pick(means->nd, means->path, means->guards, req, circuits_env(means->circuits), pick);
    if (e == ERR_NOT_FOUND)
        circuits_tell_pathless(means->circuits, flags_of(req, pick));
    TRY(e);
    size_t ends = pick->n - (req->hops[req->n_hops - 1].kind != HOP_INTERNAL);
    *out = leg_new(means, pick, ends, purpose, flags_of(req, pick), ops, arg);
    if (*out)
        return OK;
    guards_dropped(means->guards, &pick->hop[0]->rsa);
    return ERR_NOMEM;
}

err_t leg_launch_over(const struct leg_means *means, const struct router *const *path, size_t n,
                      enum circuit_purpose purpose, const struct leg_ops *ops, void *arg,
                      struct leg **out)
{
    struct path_pick pick = {.n = n, .guard_use = GUARD_NONE};
    if (n > PATH_HOPS_MOST)
        return ERR_LIMIT;
    if (path_first_hop_addr(means->path, path[0]).ip.family == IP_NONE)
        return ERR_NOT_FOUND;
    memcpy(pick.hop, path, n * sizeof path[0]);
    /* As C tor has it of EXTENDCIRCUIT, every hop is one where streams may end. */
    *out = leg_new(means, &pick, 0, purpose, 0, ops, arg);
    if (!*out)
        return ERR_NOMEM;
    (*out)->is_given = true;
    return OK;
}

/* L's new hops are MEANS->nd's, which is another when a consensus has come meanwhile. */
static void hold_netdir(struct leg *l, struct netdir *nd)
{
    if (nd == l->nd)
        return;
    l->before[l->n_before++] = l->nd;
    l->nd = netdir_ref(nd);
}

err_t leg_extend(struct leg *l, const struct leg_means *means, const struct router *const *more,
                 size_t n)
{
    /* C tor, circuit_expire_building(): cannibalized_cutoff */
    struct ocirc_plan plan = {.timeout_ms = cbt_close_ms(l->cbt, CBT_HOPS) * 2 / 3 + LOOK_MS};
    bool was_open = leg_is_open(l);
    if (n > PATH_HOPS_MOST - l->n_hops)
        return ERR_LIMIT;
    plan_hops(&plan, means, more, n, 0);
    TRY(ocirc_extend(l->oc, &plan));
    hold_netdir(l, means->nd);
    memcpy(l->hop + l->n_hops, more, n * sizeof more[0]);
    l->n_hops += n;
    if (was_open)
        l->state = LEG_BUILDING;
    return OK;
}

void leg_free(struct leg *l)
{
    if (!l)
        return;
    guard_circuit_end(l->guards, &l->guard);
    env_disarm(l->env, &l->slow);
    ocirc_free(l->oc);
    while (l->n_before)
        netdir_unref(&l->before[--l->n_before]);
    netdir_unref(&l->nd);
    free(l);
}

void leg_close(struct leg *l, err_t why, uint8_t reason)
{
    env_disarm(l->env, &l->slow);
    ocirc_close(l->oc, why, reason);
}

bool leg_is_open(const struct leg *l)
{
    return l->oc->state == OCIRC_OPEN && l->state != LEG_GUARD_WAIT;
}

bool leg_is_closed(const struct leg *l)
{
    return l->oc->state == OCIRC_CLOSED;
}

const struct router *leg_last(const struct leg *l)
{
    return l->hop[l->n_hops - 1];
}
