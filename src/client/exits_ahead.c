/* Circuits ahead of need, and how long they stay: what is launched when nobody asked, and when
 * circuits end that have served. An onlooker sees both, so both go by C tor's looks: once a second
 * for what is missing, once a NewCircuitPeriod for what is over. */
#include "cell/reason.h"
#include "client/exits_int.h"
#include "path/restrict.h"

/* ---- what is expected ---- */

/* rep_hist_note_used_resolve(): a look-up is taken for a connection to port 80. */
enum { RESOLVE_PORT = 80 };

void exits_asked(struct exits *x, const struct tunnel_request *req)
{
    if (tunnel_request_is_dir(req))
        predict_asked_internal(&x->predict, &x->habits);
    else
        predict_asked(&x->predict, &x->habits,
                      req->kind == TUNNEL_CONNECT ? req->port : RESOLVE_PORT);
}

bool exits_expects_streams(const struct exits *x)
{
    return predict_any(&x->predict);
}

/* While build times are learnt, circuits make room for others soon (path-spec 2.4.2,
 * cbtlearntimeout): the most that may be open would end the learning otherwise. */
uint32_t exits_idle_s(const struct exits *x)
{
    if (cbt_wants_circuits(x->cbt))
        return cbt_learn_idle_s(x->cbt);
    return habits_circuit_idle_s(x->env, predict_left_s(&x->predict));
}

/* ---- what there is ---- */

/* circuit_is_available_for_use() */
static bool is_clean(const struct exit_circ *c)
{
    return (c->state == EXIT_BUILDING || c->state == EXIT_READY || c->state == EXIT_INTERNAL) &&
           !c->set && !leg_is_closed(c->leg);
}

struct clean {
    size_t all, internal, stable_internal;
};

static struct clean count_clean(const struct exits *x)
{
    const struct exit_circ *c;
    struct clean n = {0};
    DL_FOREACH (x->circs, c) {
        bool internal = exit_circ_is_internal(c);
        if (!is_clean(c))
            continue;
        n.all++;
        n.internal += internal;
        n.stable_internal += internal && c->leg->oc->plan.flags & CIRCUIT_NEED_UPTIME;
    }
    return n;
}

static bool may_handle(const struct exit_circ *c)
{
    bool linked = c->set && c->state == EXIT_READY && !leg_is_closed(c->leg);
    return (is_clean(c) || linked) && !c->bucket && !exit_circ_is_internal(c);
}

/* circuit_stream_is_being_handled(): of those that are nobody's, enough end well for PORT. Of a set
 * each leg counts. */
static bool is_handled(const struct exits *x, uint16_t port)
{
    const struct exit_circ *c;
    const struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = port};
    unsigned n = 0;
    DL_FOREACH (x->circs, c)
        if (may_handle(c) && exit_circ_ends_well(c, req))
            n += c->set ? (unsigned)exit_set_legs(c->set) : 1;
    return n >= HABITS_CLEAN_PER_PORT;
}

/* ---- launching ---- */

/* The last hop of a path to any exit may serve none of PORTS, if nobody does. */
static bool serves_one(const struct exit_circ *c, const uint16_t *ports, size_t n)
{
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS};
    for (size_t i = 0; i < n; i++) {
        req.port = ports[i];
        if (exit_circ_ends_well(c, req))
            return true;
    }
    return false;
}

/* A circuit to an exit that serves one or more of PORTS. */
static bool launch_exit(struct exits *x, const uint16_t *ports, size_t n)
{
    struct path_request req = {
        .hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .predicted = ports, .n_predicted = n};
    struct exit_circ *c;
    for (size_t i = 0; i < n; i++)
        req.stable |= port_is_long_lived(x->config.path, ports[i]);
    if (exits_launch(x, &req, CIRCUIT_GENERAL, &c) != OK)
        return false;
    if (!serves_one(c, ports, n))
        predict_forget(&x->predict, ports, n);
    return true;
}

/* Whether a port is expected that too few circuits could serve. */
static bool wants_exit(struct exits *x, uint16_t ports[PREDICT_PORTS_MOST], size_t *n)
{
    size_t kept = 0;
    *n = predict_ports(&x->predict, ports);
    for (size_t i = 0; i < *n; i++)
        if (!is_handled(x, ports[i]))
            ports[kept++] = ports[i];
    *n = kept;
    return kept > 0;
}

/* needs_hs_client_circuits() */
static bool wants_internal(struct exits *x, const struct clean *there, bool *stable)
{
    return predict_internal(&x->predict, stable) &&
           (there->stable_internal < HABITS_STABLE_INTERNAL || there->internal < HABITS_INTERNAL);
}

/* What onion services will go on from: a guard, one of the few second hops that all such circuits
 * share, any relay. */
static void launch_internal(struct exits *x, bool stable)
{
    const struct path_hop hops[PATH_USUAL_HOPS] = {
        {.kind = HOP_GUARD},
        vanguards_hop(x->vanguards, x->nd, x->config.path),
        {.kind = HOP_INTERNAL},
    };
    const struct path_request req = {.hops = hops, .n_hops = PATH_USUAL_HOPS, .stable = stable};
    struct exit_circ *c;
    (void)!exits_launch(x, &req, CIRCUIT_HS_VANGUARDS, &c);
}

/* needs_circuits_for_build(): while build times are being learnt, circuits are built for their time
 * alone. */
static bool wants_time(const struct exits *x, const struct clean *there)
{
    uint64_t since_s = habits_counted_s(x->env, circuits_launched_us(x->circuits));
    return cbt_wants_circuits(x->cbt) && since_s > cbt_test_interval_s(x->cbt) &&
           there->all < cbt_max_open(x->cbt);
}

static void launch_for_time(struct exits *x)
{
    const struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS};
    struct exit_circ *c;
    (void)!exits_launch(x, &req, CIRCUIT_GENERAL, &c);
}

static bool may_build_ahead(const struct exits *x)
{
    return !x->config.no_predicted && !x->dormant && exits_may_launch(x) &&
           count_clean(x).all < HABITS_CLEAN_MOST;
}

/* conflux_predict_new(): they are apart from other circuits, and all of them at once. */
static void build_sets(struct exits *x)
{
    uint16_t ports[PREDICT_PORTS_MOST];
    size_t n;
    if (x->config.no_predicted || x->dormant || !exits_may_launch(x) || !predict_any(&x->predict))
        return;
    (void)wants_exit(x, ports, &n);
    exits_build_sets(x, ports, n);
}

/* circuit_predict_and_launch_new(): one circuit a look, whatever comes of it. */
static void build_ahead(struct exits *x)
{
    uint16_t ports[PREDICT_PORTS_MOST];
    size_t n;
    bool stable;
    const struct clean there = count_clean(x);
    build_sets(x);
    if (!may_build_ahead(x))
        return;
    if (wants_exit(x, ports, &n))
        (void)launch_exit(x, ports, n);
    else if (wants_internal(x, &there, &stable))
        launch_internal(x, stable);
    else if (wants_time(x, &there))
        launch_for_time(x);
}

void exits_set_dormant(struct exits *x, bool dormant)
{
    x->dormant = dormant;
}

/* guard-spec 4.9: "whenever it's possible that a <waiting_for_better_guard> circuit might be ready"
 */
static void reconsider_waiting(struct exits *x)
{
    struct exit_circ *c, *next;
    DL_FOREACH_SAFE (x->circs, c, next)
        if (c->set)
            exit_set_each(c->set, leg_reconsider);
        else
            leg_reconsider(c->leg);
}

void exits_look(void *arg)
{
    struct exits *x = arg;
    struct exit_circ *c;
    env_arm_coarse_us(x->env, &x->look, HABITS_LOOK_US);
    x->paused = false;
    x->pathless = 0;
    reconsider_waiting(x);
    DL_FOREACH (x->circs, c)
        if (!exit_circ_is_unused(c))
            c->busy_us = x->env->mono_us;
    if (!x->nd)
        return;
    /* Tunnels that asked while none could be launched (no network known, too many pending, one that
     * failed) and whom no circuit's news will wake: before circuits are built on suspicion. */
    x->ops->changed(x->arg, NULL);
    build_ahead(x);
}

/* ---- the end of their days ---- */

static bool has_served(const struct exit_circ *c)
{
    uint64_t age_us = c->x->env->mono_us - c->leg->oc->begun_us;
    if (!leg_is_open(c->leg) || !exit_circ_is_unused(c))
        return false;
    if (c->state == EXIT_READY || c->state == EXIT_INTERNAL || c->state == EXIT_UNLINKED)
        return age_us > c->idle_s * (uint64_t)US_PER_SEC;
    return c->state == EXIT_RETIRED || exit_circ_is_too_dirty(c);
}

/* circuit_expire_old_circs_as_needed: failures are counted by the same periods. */
void exits_expire(struct exits *x)
{
    struct exit_circ *c;
    x->failures_before = x->failures;
    x->failures = 0;
    DL_FOREACH (x->circs, c)
        if (has_served(c))
            exit_circ_finish(c, DESTROY_FINISHED);
}
