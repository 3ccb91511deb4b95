/* Circuits of the pool that conflux joins to sets (proposal 329), as C tor's conflux_pool.c has
 * them: some are linked ahead of need, and a tunnel takes a set before it takes a circuit. A set is
 * one exit_circ, that nobody finds before it is linked. Its legs begin at different guards, have
 * different relays between, and end at one exit. */
#include <stdlib.h>

#include "cell/reason.h"
#include "client/exits_int.h"
#include "stream/carrier_conflux.h"

enum { LEGS_MOST = 8 }; /* of a set of ours, whatever the consensus says */

struct exit_leg {
    struct exit_set *set;
    struct leg *leg;
    struct conflux_member *member; /* NULL: the set waits for it no more */
    struct exit_leg *prev, *next;
};

struct exit_set {
    struct exit_circ *circ;
    struct carrier *carrier; /* its streams own it */
    uint8_t nonce[CONFLUX_NONCE_LEN];
    struct exit_leg *legs;
    unsigned launched;
    uint32_t rank; /* at random: which of several sets a tunnel takes */
    bool linked;
};

static const struct leg_ops set_leg_ops;

/* ---- the legs of a set ---- */

size_t exit_set_legs(const struct exit_set *s)
{
    const struct exit_leg *l;
    size_t n = 0;
    DL_FOREACH (s->legs, l)
        n++;
    return n;
}

void exit_set_each(struct exit_set *s, void (*fn)(struct leg *l))
{
    struct exit_leg *l, *next;
    DL_FOREACH_SAFE (s->legs, l, next)
        fn(l->leg);
}

void exit_set_shut(struct exit_set *s, err_t why, uint8_t reason)
{
    struct exit_leg *l;
    DL_FOREACH (s->legs, l)
        leg_close(l->leg, why, reason);
}

bool exit_set_has(const struct exit_set *s, uint64_t circuit)
{
    const struct exit_leg *l;
    DL_FOREACH (s->legs, l)
        if (l->leg->oc->id == circuit)
            return true;
    return false;
}

bool exit_set_before(const struct exit_set *a, const struct exit_set *b)
{
    return a->rank < b->rank;
}

static void forget(struct exit_leg *l)
{
    DL_DELETE(l->set->legs, l);
    free(l);
}

/* What the carrier had of them went with the streams. */
void exit_set_free(struct exit_set *s)
{
    while (s->legs) {
        struct exit_leg *l = s->legs;
        l->leg->oc->conflux = NULL;
        leg_free(l->leg);
        forget(l);
    }
    free(s);
}

/* ---- launching ---- */

/* The path of one more leg: what the others' may not share, and where all of them end. */
struct leg_wish {
    struct path_hop hops[PATH_USUAL_HOPS];
    struct rsa_id guards[LEGS_MOST], middles[LEGS_MOST];
    struct path_request req;
};

/* False: where they end is gone. */
static bool wish_for(const struct exit_set *s, const uint16_t *ports, size_t n,
                     struct leg_wish *wish)
{
    const struct exit_leg *l;
    *wish =
        (struct leg_wish){.hops = {{.kind = HOP_GUARD}, {.kind = HOP_MIDDLE}, {.kind = HOP_EXIT}}};
    /* As C tor: CIRCLAUNCH_NEED_UPTIME, whatever they will carry. */
    wish->req = (struct path_request){.hops = wish->hops,
                                      .n_hops = PATH_USUAL_HOPS,
                                      .predicted = ports,
                                      .n_predicted = n,
                                      .stable = true,
                                      .conflux = true,
                                      .leg_guards = wish->guards,
                                      .leg_middles = wish->middles};
    DL_FOREACH (s->legs, l) {
        wish->guards[wish->req.n_legs] = l->leg->hop[0]->rsa;
        wish->middles[wish->req.n_legs++] = l->leg->hop[1]->rsa;
    }
    if (!s->legs)
        return true;
    wish->hops[PATH_USUAL_HOPS - 1].relay =
        netdir_by_rsa(s->circ->x->nd, &leg_last(s->legs->leg)->rsa);
    wish->req.n_predicted = 0;
    return wish->hops[PATH_USUAL_HOPS - 1].relay != NULL;
}

static err_t launch(struct exit_leg *l, const struct leg_wish *wish)
{
    struct exit_set *s = l->set;
    struct leg_means means = exits_means(s->circ->x, s->circ->x->nd);
    struct path_pick pick;
    means.conflux_nonce = s->nonce;
    TRY(conflux_member_new(s->carrier, &l->member));
    err_t e =
        leg_launch(&means, &wish->req, CIRCUIT_CONFLUX_UNLINKED, &set_leg_ops, l, &pick, &l->leg);
    if (e != OK) {
        conflux_member_drop(l->member);
        return e;
    }
    /* C tor, pathbias_should_count(): a hostile exit could have us blame our guards. */
    pathbias_ignore(&l->leg->guard);
    l->leg->oc->conflux = l->member;
    return OK;
}

static bool launch_leg(struct exit_set *s, const uint16_t *ports, size_t n)
{
    const struct exits *x = s->circ->x;
    struct leg_wish wish;
    if (!x->nd || !x->conflux.on || exit_set_legs(s) >= LEGS_MOST ||
        s->launched >= x->conflux.legs + x->conflux.leg_retries)
        return false;
    s->launched++;
    struct exit_leg *l = wish_for(s, ports, n, &wish) ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return false;
    l->set = s;
    if (launch(l, &wish) != OK) {
        free(l);
        return false;
    }
    DL_APPEND(s->legs, l);
    return true;
}

/* ---- what becomes of them ---- */

/* One of its legs speaks for the set. */
static void lead(struct exit_set *s)
{
    struct exit_circ *c = s->circ;
    c->leg = s->legs->leg;
    c->rides[PATH_USUAL_HOPS - 1].ride.circuit = c->leg->oc->id;
    c->rides[PATH_USUAL_HOPS - 1].ride.exit = &leg_last(c->leg)->rsa;
}

static void on_joined(void *arg)
{
    struct exit_set *s = arg;
    struct exit_circ *c = s->circ;
    struct exit_leg *l;
    DL_FOREACH (s->legs, l)
        if (l->member && conflux_member_is_joined(l->member) &&
            l->leg->oc->purpose == CIRCUIT_CONFLUX_UNLINKED)
            circuits_set_purpose(l->leg->oc, CIRCUIT_CONFLUX_LINKED);
    if (s->linked || c->state != EXIT_UNLINKED)
        return;
    s->linked = true;
    exit_circ_set_state(c, EXIT_READY);
    exit_circ_set_free(c);
    exit_circ_offer(c);
}

/* A leg is gone: the set goes with it, lives on, or gets another in its place as long as it is not
 * linked (C tor, unlinked_circuit_closed()). */
static void lost_one(struct exit_set *s)
{
    struct exits *x = s->circ->x;
    if (!s->legs) {
        exit_circ_drop(s->circ);
        x->ops->changed(x->arg, NULL);
        return;
    }
    lead(s);
    if (conflux_carrier_is_over(s->carrier))
        exit_set_shut(s, OK, DESTROY_FINISHED);
    else if (s->circ->state == EXIT_UNLINKED && !launch_leg(s, NULL, 0))
        conflux_carrier_settle(s->carrier);
}

/* L is no leg of the set any more, and its circuit on its own. */
static struct leg *take_out(struct exit_leg *l)
{
    struct leg *leg = l->leg;
    leg->oc->conflux = NULL;
    if (l->member)
        conflux_member_drop(l->member);
    forget(l);
    return leg;
}

/* C tor, circuit_build_times_mark_circ_as_measurement_only(): it goes on for its time alone, and so
 * is no leg any more. */
static void on_slow(void *arg)
{
    struct exit_leg *l = arg;
    struct exit_set *s = l->set;
    struct exits *x = s->circ->x;
    struct exit_circ *c = s->linked ? NULL : calloc(1, sizeof *c);
    if (!c) {
        leg_close(l->leg, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
        return;
    }
    *c = (struct exit_circ){.x = x, .state = EXIT_SLOW, .since_us = x->env->mono_us};
    c->leg = take_out(l);
    c->leg->ops = &exits_leg_ops;
    c->leg->arg = c;
    circuits_set_purpose(c->leg->oc, CIRCUIT_MEASURE_TIMEOUT);
    c->leg->oc->plan.conflux_nonce = NULL;
    exits_add(x, c);
    lost_one(s);
}

static void on_open(void *arg)
{
    struct exit_leg *l = arg;
    struct exits *x = l->set->circ->x;
    struct circ *circ = l->leg->oc->circ;
    if (l->leg->state == LEG_GUARD_WAIT)
        return;
    if (circ_stream_sendmes(circ, circ_hops(circ))) { /* no congestion control, no conflux */
        log_info(x->env->log, "Circuit %u of a conflux set is without congestion control",
                 (unsigned)l->leg->oc->id);
        leg_close(l->leg, ERR_CIRC_PROTO, DESTROY_PROTOCOL);
        return;
    }
    if (conflux_member_link(l->member, circ, cbt_timeout_ms(x->cbt, CBT_HOPS) * US_PER_MS) != OK)
        leg_close(l->leg, ERR_CIRC_PROTO, DESTROY_INTERNAL);
}

static void on_end(void *arg, const struct ocirc_end *end, bool failed)
{
    struct exit_leg *l = arg;
    struct exit_set *s = l->set;
    (void)end, (void)failed;
    leg_free(take_out(l));
    lost_one(s);
}

static const struct leg_ops set_leg_ops = {
    .on_slow = on_slow,
    .on_open = on_open,
    .on_end = on_end,
};

/* ---- sets ahead of need ---- */

static struct exit_circ *set_new(struct exits *x)
{
    struct conflux_config config = {
        .ux = x->conflux.ux,
        .held_most = x->conflux.held_most,
        .legs_most = LEGS_MOST,
    };
    struct exit_circ *c = calloc(1, sizeof *c);
    struct exit_set *s = c ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        free(c);
        return NULL;
    }
    env_random(x->env, s->nonce, sizeof s->nonce);
    env_random(x->env, &s->rank, sizeof s->rank);
    memcpy(config.nonce, s->nonce, sizeof config.nonce);
    *c = (struct exit_circ){.x = x, .set = s, .state = EXIT_UNLINKED, .since_us = x->env->mono_us};
    s->circ = c;
    s->carrier = carrier_of_conflux(x->env, &config, on_joined, s);
    return c;
}

static void set_give_up(struct exit_circ *c, struct streams *streams)
{
    streams_free(streams);
    exit_set_free(c->set);
    free(c);
}

/* As C tor's launch_new_set(): false if not all of its legs could be begun; those that were go on.
 */
static bool launch_set(struct exits *x, const uint16_t *ports, size_t n)
{
    struct exit_circ *c = set_new(x);
    struct streams *streams = c ? streams_new(x->env, c->set->carrier) : NULL;
    unsigned begun = 0;
    while (streams && begun < x->conflux.legs && launch_leg(c->set, ports, n))
        begun++;
    if (!begun) {
        if (c)
            set_give_up(c, streams);
        return false;
    }
    c->leg = c->set->legs->leg;
    exit_circ_set_ride(c, PATH_USUAL_HOPS, streams);
    exits_add(x, c);
    return begun == x->conflux.legs;
}

void exits_count_conflux(struct exits *x)
{
    size_t all = 0, those = 0;
    for (size_t i = 0; x->nd && i < netdir_n(x->nd); i++) {
        const struct router *r = netdir_at(x->nd, i);
        bool exit = router_is(r, ROUTER_EXIT) && !router_is(r, ROUTER_BADEXIT);
        all += exit;
        those += exit && router_can(r, PROTO_CONFLUX_1);
    }
    x->conflux_exits = all ? (unsigned)(those * 10000 / all) : 0;
    /* So few that they round to none are some. */
    if (those && !x->conflux_exits)
        x->conflux_exits = 1;
}

/* conflux_params_get_max_prebuilt() */
static unsigned wanted(const struct exits *x)
{
    if (!x->conflux_exits)
        return 0;
    return x->conflux_exits < x->conflux.low_exit_threshold ? 1 : x->conflux.max_prebuilt;
}

void exits_build_sets(struct exits *x, const uint16_t *ports, size_t n)
{
    const struct exit_circ *c;
    unsigned linked = 0, there = 0;
    if (!x->conflux.on)
        return;
    DL_FOREACH (x->circs, c) {
        linked += c->set && c->set->linked;
        there += c->set && (c->state == EXIT_UNLINKED || (c->state == EXIT_READY && !c->bucket));
    }
    if (linked >= x->conflux.max_linked)
        return;
    for (unsigned i = there; i < wanted(x) && launch_set(x, ports, n); i++)
        ;
}
