/* Circuits ahead of need, and how long they stay: what is launched when nobody asked, and when
 * circuits end that have served. An onlooker sees both, so both go by C tor's looks: once a second
 * for what is missing, once a NewCircuitPeriod for what is over. */
#include <stdio.h>

#include "cell/reason.h"
#include "client/exits_int.h"

/* ---- ports that are predicted ---- */

static uint64_t prediction_us(const struct exits *x)
{
    return x->predict_s * (uint64_t)US_PER_SEC;
}

static void forget_old_ports(struct exits *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < x->n_predicted; i++)
        if (x->env->mono_us - x->predicted[i].used_us <= prediction_us(x))
            x->predicted[kept++] = x->predicted[i];
    x->n_predicted = kept;
}

/* The place for PORT: its own, a free one, or that of the port that was not used for longest. */
static struct predicted *place_for(struct exits *x, uint16_t port)
{
    struct predicted *oldest = &x->predicted[0];
    for (size_t i = 0; i < x->n_predicted; i++) {
        if (x->predicted[i].port == port)
            return &x->predicted[i];
        if (x->predicted[i].used_us < oldest->used_us)
            oldest = &x->predicted[i];
    }
    return x->n_predicted < PREDICTED_MAX ? &x->predicted[x->n_predicted++] : oldest;
}

void exits_predict(struct exits *x, uint16_t port)
{
    forget_old_ports(x);
    if (!x->n_predicted) /* add_predicted_port: "re-randomize predicted ports lifetime" */
        x->predict_s = habits_predict_s(&x->habits, x->env);
    *place_for(x, port) = (struct predicted){port, x->env->mono_us};
    x->predicted_us = x->env->mono_us;
}

static uint32_t prediction_left_s(const struct exits *x)
{
    uint64_t gone_s = (x->env->mono_us - x->predicted_us) / US_PER_SEC;
    return gone_s < x->predict_s ? (uint32_t)(x->predict_s - gone_s) : 0;
}

/* While build times are learnt, circuits make room for others soon (path-spec 2.4.2,
 * cbtlearntimeout): the most that may be open would end the learning otherwise. */
uint32_t exits_idle_s(const struct exits *x)
{
    if (cbt_wants_circuits(x->cbt))
        return cbt_learn_idle_s(x->cbt);
    return habits_circuit_idle_s(x->env, prediction_left_s(x));
}

/* ---- launching ---- */

static bool is_clean(const struct exit_circ *c)
{
    return (c->state == EXIT_BUILDING || c->state == EXIT_READY) && !leg_is_closed(c->leg);
}

/* Clean circuits that end well for PORT; *ALL counts every clean one. At the start those that
 * tunnels wait for count as used: they will be. */
static size_t clean_for(const struct exits *x, uint16_t port, size_t *all)
{
    const struct exit_circ *c;
    size_t n = 0;
    const struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = port};
    *all = 0;
    DL_FOREACH (x->circs, c) {
        if (!is_clean(c) || (!x->stood && c->bucket))
            continue;
        ++*all;
        n += exit_circ_ends_well(c, req);
    }
    return n;
}

/* Whether a predicted port lacks a circuit, and one was launched for it. */
static bool build_predicted(struct exits *x)
{
    uint16_t ports[PREDICTED_MAX];
    struct exit_circ *c;
    size_t n = x->n_predicted, all;
    for (size_t i = 0; i < n; i++)
        ports[i] = x->predicted[i].port;
    for (size_t i = 0; i < n; i++) {
        const struct path_request req = {.hops = path_to_exit,
                                         .n_hops = PATH_USUAL_HOPS,
                                         .port = ports[i],
                                         .predicted = ports,
                                         .n_predicted = n};
        if (clean_for(x, ports[i], &all) < HABITS_CLEAN_PER_PORT && all < HABITS_CLEAN_MOST &&
            exits_launch(x, &req, &c) == OK)
            return true; /* a port that no exit allows holds back no other */
    }
    return false;
}

/* While build times are being learnt, circuits are built for their time alone. */
static void build_to_learn(struct exits *x)
{
    const struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS};
    struct exit_circ *c;
    size_t all;
    uint64_t since_s = (x->env->mono_us - x->last_launch_us) / US_PER_SEC;
    (void)clean_for(x, 0, &all);
    if (cbt_wants_circuits(x->cbt) && since_s > cbt_test_interval_s(x->cbt) &&
        all < cbt_max_open(x->cbt))
        (void)!exits_launch(x, &req, &c);
}

static bool may_build_ahead(const struct exits *x)
{
    return !x->config.no_predicted && !x->dormant && exits_may_launch(x);
}

/* circuit_predict_and_launch_new: one circuit a look. */
static void build_ahead(struct exits *x)
{
    forget_old_ports(x);
    if (may_build_ahead(x) && !build_predicted(x) && exits_may_launch(x))
        build_to_learn(x);
}

void exits_build_at_once(struct exits *x)
{
    while (!x->stood && may_build_ahead(x) && build_predicted(x))
        ;
}

bool exits_expects_streams(const struct exits *x)
{
    for (size_t i = 0; i < x->n_predicted; i++)
        if (x->env->mono_us - x->predicted[i].used_us <= prediction_us(x))
            return true;
    return false;
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
        leg_reconsider(c->leg);
}

void exits_look(void *arg)
{
    struct exits *x = arg;
    struct exit_circ *c;
    env_arm_ms(x->env, &x->look, HABITS_LOOK_MS);
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
    exits_build_at_once(x);
    build_ahead(x);
}

/* ---- the end of their days ---- */

static bool has_served(const struct exit_circ *c)
{
    uint64_t age_us = c->x->env->mono_us - c->leg->oc->begun_us;
    if (!leg_is_open(c->leg) || !exit_circ_is_unused(c))
        return false;
    if (c->state == EXIT_READY)
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
            leg_close(c->leg, OK, DESTROY_FINISHED);
}
