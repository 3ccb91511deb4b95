#include "client/exits_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/flow_params.h"

void exits_pause(struct exits *x)
{
    x->paused = true;
}

/* ---- launching ---- */

/* On a fast network some hundred circuits would be begun at once, as others complete, and the work
 * of their handshakes, which is the relays' too, would hold up what circuits carry. So after
 * LAUNCHES_FREE of them one follows each LAUNCH_EVERY_MS. On the public network
 * MaxClientCircuitsPending is reached long before. */
enum { LAUNCHES_FREE = 32, LAUNCH_EVERY_MS = 8 };

static bool is_paced(const struct exits *x)
{
    return x->paced_us > x->env->mono_us + (LAUNCHES_FREE - 1) * LAUNCH_EVERY_MS * US_PER_MS;
}

static void pace(struct exits *x)
{
    if (x->paced_us < x->env->mono_us)
        x->paced_us = x->env->mono_us;
    x->paced_us += LAUNCH_EVERY_MS * US_PER_MS;
    if (is_paced(x) && !x->next.armed)
        env_arm_ms(x->env, &x->next, LAUNCH_EVERY_MS);
}

static void next_may_follow(void *arg)
{
    struct exits *x = arg;
    x->ops->changed(x->arg, NULL);
}

struct leg_means exits_means(const struct exits *x, struct netdir *nd)
{
    return (struct leg_means){
        .circuits = x->circuits,
        .guards = x->guards,
        .cbt = x->cbt,
        .nd = nd,
        .path = x->config.path,
        .extend_by_ed = x->config.extend_by_ed,
    };
}

static err_t launch_leg(struct exit_circ *c, const struct path_request *req,
                        enum circuit_purpose purpose)
{
    struct exits *x = c->x;
    struct path_pick pick;
    const struct leg_means means = exits_means(x, x->nd);
    err_t e = leg_launch(&means, req, purpose, &exits_leg_ops, c, &pick, &c->leg);
    snprintf(x->why_not, sizeof x->why_not, "%s", pick.why);
    if (e == ERR_NOT_FOUND)
        log_info(x->env->log, "No path for a circuit: %s", pick.why);
    return e == ERR_NOT_FOUND && pick.no_guard ? ERR_STATE : e;
}

void exits_add(struct exits *x, struct exit_circ *c)
{
    c->idle_s = exits_idle_s(x);
    exit_circ_init_probe(c);
    DL_APPEND(x->circs, c);
    if (c->state != EXIT_BUILDING)
        return;
    x->n_pending++;
    exit_circ_set_free(c);
}

err_t exits_launch(struct exits *x, const struct path_request *req, enum circuit_purpose purpose,
                   struct exit_circ **out)
{
    x->why_not[0] = 0;
    struct exit_circ *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct exit_circ){.x = x,
                            .state = purpose == CIRCUIT_GENERAL ? EXIT_BUILDING : EXIT_INTERNAL,
                            .since_us = x->env->mono_us};
    err_t e = launch_leg(c, req, purpose);
    if (e != OK) {
        free(c);
        return e;
    }
    pace(x);
    exits_add(x, c);
    if (leg_is_closed(c->leg)) /* before its news come: who launches in a loop must stop */
        exits_pause(x);
    *out = c;
    return OK;
}

/* circuit_launch_by_extend_info: "too many failed circs in a row. don't try." */
bool exits_fail_too_often(const struct exits *x)
{
    return x->failures_before > HABITS_FAILURES_MOST && x->failures > HABITS_FAILURES_MOST;
}

bool exits_may_launch(const struct exits *x)
{
    /* guard-spec 4.12: "when we are missing descriptors for our first NUM_USABLE_PRIMARY_GUARDS
     * primary guards, we don't build circuits": else whoever withholds one moves us to another. */
    return x->nd && !is_paced(x) && !x->paused && !exits_fail_too_often(x) &&
           !guards_lack_md(x->guards, x->nd);
}

/* MaxClientCircuitsPending is no bound for what is built ahead, as in C tor
 * (circuit_get_open_circ_or_launch()). */
bool exits_may_launch_for_tunnel(const struct exits *x)
{
    return exits_may_launch(x) && x->n_pending < x->config.max_pending;
}

/* ---- their retirement ---- */

void exits_retire_dirty(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (c->state == EXIT_IN_USE || c->state == EXIT_APART_DIRTY)
            exit_circ_retire(c);
}

/* As C tor when the clock jumped (circuit_note_clock_jumped): circuits that are not dirty end at
 * once, also those being built. */
void exits_retire_all(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c) {
        bool is_dirty =
            c->state == EXIT_IN_USE || c->state == EXIT_APART_DIRTY || !exit_circ_is_unused(c);
        exit_circ_retire(c);
        if (!is_dirty)
            exit_circ_shut(c, OK, DESTROY_FINISHED);
    }
    x->failures = x->failures_before = 0;
    env_arm_coarse_us(x->env, &x->look, 0);
}

void exits_leave_stalled(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (c->leg->state == LEG_BUILDING && ocirc_is_stalled(c->leg->oc))
            exit_circ_shut(c, OK, DESTROY_FINISHED);
}

void exits_network_back(struct exits *x)
{
    x->failures = x->failures_before = 0;
    if (x->nd)
        env_arm_coarse_us(x->env, &x->look, 0);
}

/* ---- the pool ---- */

struct exits *exits_new(struct circuits *circuits, struct guards *guards,
                        struct vanguards *vanguards, struct cbt *cbt,
                        const struct exits_config *config, const struct exits_ops *ops, void *arg)
{
    struct exits *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    *x = (struct exits){.env = circuits_env(circuits),
                        .circuits = circuits,
                        .guards = guards,
                        .vanguards = vanguards,
                        .cbt = cbt,
                        .config = *config,
                        .ops = ops,
                        .arg = arg};
    x->habits = config->habits;
    x->flow = flow_params_xonxoff(NULL);
    timer_init(&x->look, exits_look, x);
    timer_init(&x->next, next_may_follow, x);
    predict_init(&x->predict, x->env, &x->habits);
    return x;
}

void exits_free(struct exits *x)
{
    if (!x)
        return;
    while (x->circs)
        exit_circ_drop(x->circs);
    env_disarm(x->env, &x->look);
    env_disarm(x->env, &x->next);
    netdir_unref(&x->nd);
    free(x);
}

void exits_stop(struct exits *x)
{
    while (x->circs)
        exit_circ_drop(x->circs);
    x->failures = x->failures_before = 0;
    netdir_unref(&x->nd);
    x->nd = NULL;
}

/* A circuit that new options forbid carries no new tunnel. A path that was given was not chosen by
 * the old ones, either. */
static void retire_forbidden(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (!c->leg->is_given && !path_allowed(c->leg->nd, x->config.path, c->leg->hop,
                                               c->leg->n_hops, c->state != EXIT_INTERNAL))
            exit_circ_retire(c);
}

void exits_set_config(struct exits *x, const struct exits_config *config)
{
    x->config = *config;
    x->habits = config->habits;
    retire_forbidden(x);
}

void exits_set_conflux(struct exits *x, const struct conflux_policy *policy)
{
    x->conflux = *policy;
}

void exits_set_habits(struct exits *x, const struct habits *h)
{
    x->habits = *h;
}

void exits_set_netdir(struct exits *x, struct netdir *nd)
{
    bool had_none = !x->nd;
    netdir_unref(&x->nd);
    x->nd = nd ? netdir_ref(nd) : NULL;
    uint32_t half_ms = x->flow.half_ms;
    x->flow = flow_params_xonxoff(nd);
    x->flow.half_ms = half_ms;
    exits_count_conflux(x);
    if (had_none)
        env_arm_coarse_us(x->env, &x->look, 0);
}

struct exit_circ *exits_by_id(const struct exits *x, uint64_t id)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (c->leg->oc->id == id || (c->set && exit_set_has(c->set, id)))
            return c;
    return NULL;
}

struct ride *exit_circ_ride(struct exit_circ *c)
{
    return &c->rides[c->leg->n_hops - 1].ride;
}

size_t exits_open_count(const struct exits *x)
{
    const struct exit_circ *c;
    size_t n = 0;
    DL_FOREACH (x->circs, c)
        n += leg_is_open(c->leg);
    return n;
}

static const char *state_name(const struct exit_circ *c)
{
    static const char *const names[] = {
        [EXIT_BUILDING] = "being built",
        [EXIT_SLOW] = "too slow",
        [EXIT_READY] = "clean",
        [EXIT_IN_USE] = "in use",
        [EXIT_RETIRED] = "retired",
        [EXIT_APART] = "a controller's",
        [EXIT_APART_DIRTY] = "a controller's, in use",
        [EXIT_INTERNAL] = "internal",
        [EXIT_UNLINKED] = "not linked",
    };
    return leg_is_closed(c->leg) ? "closed" : names[c->state];
}

void exits_describe(const struct exits *x, void (*fn)(void *arg, const char *line), void *arg)
{
    const struct exit_circ *c;
    char path[256], line[400];
    DL_FOREACH (x->circs, c) {
        snprintf(line, sizeof line, "Circuit %" PRIu64 " (%s, %zu streams): %s", c->leg->oc->id,
                 state_name(c), exit_circ_streams(c),
                 ocirc_path_text(c->leg->oc, path, sizeof path));
        fn(arg, line);
    }
}
