#include "client/exits_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"

/* ---- one circuit ---- */

static void circ_drop(struct exit_circ *c)
{
    exit_circ_unlist(c);
    c->x->n_pending -= c->state == EXIT_BUILDING;
    DL_DELETE(c->x->circs, c);
    env_disarm(c->x->env, &c->slow_timer);
    ocirc_free(c->oc);
    netdir_unref(&c->nd);
    free(c);
}

static const struct rsa_id *guard_of(const struct exit_circ *c)
{
    return &c->hop[0]->rsa;
}

bool exit_circ_is_unused(const struct exit_circ *c)
{
    return !c->oc->streams || streams_open_count(c->oc->streams) == 0;
}

static void on_begin(void *arg, struct ocirc *oc)
{
    struct exit_circ *c = arg;
    (void)oc;
    cbt_network_live(c->x->cbt);
    env_arm_ms(c->x->env, &c->slow_timer, cbt_timeout_ms(c->x->cbt, (unsigned)c->n_hops));
    c->x->ops->began(c->x->arg);
}

static void became_slow(void *arg)
{
    struct exit_circ *c = arg;
    cbt_timed_out(c->x->cbt, c->oc->circ && circ_hops(c->oc->circ) > 0);
    if (c->state != EXIT_BUILDING)
        return;
    circuits_set_purpose(c->oc, CIRCUIT_MEASURE_TIMEOUT);
    /* Who waited for this one needs another, and may have its place. */
    exit_circ_tell(c);
    exit_circ_set_state(c, EXIT_SLOW);
    c->x->ops->changed(c->x->arg, NULL);
}

static void on_hop(void *arg, struct ocirc *oc, unsigned hops)
{
    struct exit_circ *c = arg;
    (void)oc;
    cbt_network_live(c->x->cbt);
    if (hops == CBT_HOPS)
        cbt_built(c->x->cbt, (c->x->env->mono_us - c->oc->begun_us) / US_PER_MS,
                  c->slow_timer.armed);
}

static void log_path(const struct exit_circ *c)
{
    char path[256];
    log_info(c->x->env->log, "Circuit %" PRIu64 " is open through %s", c->oc->id,
             ocirc_path_text(c->oc, path, sizeof path));
}

/* Those that it was built for have the first word. */
static void offer(struct exit_circ *c)
{
    struct exits *x = c->x;
    x->ops->opened(x->arg);
    if (c->state == EXIT_BUILDING)
        exit_circ_set_state(c, EXIT_READY);
    exit_circ_tell(c);
    if (c->state == EXIT_READY && c->bucket) /* whom it was built for is gone */
        exit_circ_set_free(c);
    x->ops->changed(x->arg, NULL);
}

static void on_open(void *arg, struct ocirc *oc)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    env_disarm(x->env, &c->slow_timer);
    guards_succeeded(x->guards, guard_of(c));
    x->failures = 0;
    x->failed_before = false;
    x->paused = false;
    log_path(c);
    bool guard_waits =
        c->guard_use == GUARD_USABLE_IF_NO_BETTER && !guards_may_use(x->guards, guard_of(c));
    circuits_tell(oc, guard_waits ? CIRCUIT_GUARD_WAIT : CIRCUIT_BUILT);
    if (c->state == EXIT_SLOW || guard_waits)
        ocirc_close(oc, OK, DESTROY_FINISHED);
    else
        offer(c);
}

void exits_pause(struct exits *x)
{
    x->paused = true;
}

/* Tells guards and timeouts what the failure says of them. */
static void judge_failure(struct exit_circ *c, const struct ocirc_end *end)
{
    struct exits *x = c->x;
    char text[160], path[256];
    if (ocirc_end_blames_first_hop(end))
        guards_failed(x->guards, guard_of(c));
    else
        guards_dropped(x->guards, guard_of(c));
    if (end->timed_out && end->during == OCIRC_BUILDING)
        cbt_closed(x->cbt, c->oc->begun_us);
    log_info(x->env->log, "Circuit %" PRIu64 " through %s could not be built: %s", c->oc->id,
             ocirc_path_text(c->oc, path, sizeof path),
             end->circ.link_ended ? end->circ.link.text
                                  : circ_end_text(&end->circ, text, sizeof text));
}

static void on_end(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    (void)oc;
    bool failed = end->during != OCIRC_OPEN && end->circ.why != OK;
    if (failed) {
        judge_failure(c, end);
        x->failures++; /* whom it was built for tries again at the next look */
    } else if (end->during != OCIRC_OPEN) {
        guards_dropped(x->guards, guard_of(c));
    }
    circ_drop(c);
    if (!failed)
        x->ops->changed(x->arg, NULL);
}

static const struct ocirc_ops ocirc_ops = {
    .on_begin = on_begin,
    .on_hop = on_hop,
    .on_open = on_open,
    .on_end = on_end,
};

/* ---- launching ---- */

/* C tor, should_include_ed25519_id_extend_cells() */
static bool names_ed(const struct exits *x)
{
    if (x->config.extend_by_ed != CONFIG_BY_CONSENSUS)
        return x->config.extend_by_ed == CONFIG_YES;
    return netdir_param(x->nd, "ExtendByEd25519ID", 0, 0, 1) != 0;
}

static struct circ_hop_target hop_target(const struct exits *x, const struct relay *r)
{
    return (struct circ_hop_target){
        .rsa = r->rsa,
        .ed = r->ed,
        .has_ed = true,
        .ntor_key = r->ntor,
        .v4 = relay_orport(r),
        .v6 = relay_orport6(r),
        .ntor_v3 = relay_can(r, PROTO_RELAY_4),
        .ed_unsaid = !names_ed(x),
    };
}

static unsigned flags_of(const struct path_request *req, const struct path_pick *pick)
{
    return CIRCUIT_NEED_CAPACITY | (pick->stable ? CIRCUIT_NEED_UPTIME : 0u) |
           (req->hops[req->n_hops - 1].kind != HOP_EXIT ? CIRCUIT_IS_INTERNAL : 0u);
}

static struct ocirc_plan plan_for(const struct exits *x, const struct path_request *req,
                                  const struct path_pick *pick)
{
    const struct relay *first = pick->hop[0];
    struct ocirc_plan plan = {
        .first = {.addr = path_first_hop_addr(x->config.path, first),
                  .rsa = first->rsa,
                  .ed = first->ed,
                  .has_rsa = true,
                  .has_ed = true},
        .n_hops = pick->n,
        .timeout_ms = cbt_close_ms(x->cbt, (unsigned)pick->n),
        .allow_internal = x->config.allow_internal,
        .flags = flags_of(req, pick),
    };
    for (size_t i = 0; i < pick->n; i++) {
        plan.hops[i] = hop_target(x, pick->hop[i]);
        memcpy(plan.nickname[i], pick->hop[i]->nickname, sizeof plan.nickname[i]);
    }
    return plan;
}

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

struct exit_circ *exits_launch(struct exits *x, const struct path_request *req)
{
    struct path_pick pick;
    x->why_not[0] = 0;
    x->guardless = false;
    err_t e = path_pick(x->nd, x->config.path, x->guards, req, x->env, &pick);
    if (e != OK) {
        log_info(x->env->log, "No path for a circuit: %s", pick.why);
        snprintf(x->why_not, sizeof x->why_not, "%s", pick.why);
        x->guardless = pick.no_guard;
        return NULL;
    }
    struct exit_circ *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct exit_circ){
        .x = x,
        .nd = netdir_ref(x->nd),
        .guard_use = pick.guard_use,
        .relaxed = pick.relaxed,
        .n_hops = pick.n,
        .state = EXIT_BUILDING,
        .since_us = x->env->mono_us,
        .idle_s = exits_idle_s(x),
    };
    memcpy(c->hop, pick.hop, sizeof c->hop);
    timer_init(&c->slow_timer, became_slow, c);
    struct ocirc_plan plan = plan_for(x, req, &pick);
    x->last_launch_us = x->env->mono_us;
    pace(x);
    c->oc = ocirc_new(x->circuits, &plan, &ocirc_ops, c);
    if (!c->oc) {
        netdir_unref(&c->nd);
        free(c);
        return NULL;
    }
    DL_APPEND(x->circs, c);
    x->n_pending++;
    exit_circ_set_free(c);
    if (c->oc->state == OCIRC_CLOSED) /* before its news come: who launches in a loop must stop */
        exits_pause(x);
    return c;
}

/* circuit_launch_by_extend_info: "too many failed circs in a row. don't try." */
static bool fails_too_often(const struct exits *x)
{
    return x->failed_before && x->failures > HABITS_FAILURES_MOST;
}

bool exits_may_launch(const struct exits *x)
{
    /* guard-spec 4.12: "when we are missing descriptors for our first NUM_USABLE_PRIMARY_GUARDS
     * primary guards, we don't build circuits": else whoever withholds one moves us to another. */
    return x->nd && x->n_pending < x->config.max_pending && !is_paced(x) && !x->paused &&
           !fails_too_often(x) && !guards_lack_md(x->guards, x->nd);
}

/* ---- their retirement ---- */

void exits_retire(struct exit_circ *c)
{
    exit_circ_set_state(c, EXIT_RETIRED);
}

void exits_retire_dirty(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (c->state == EXIT_IN_USE)
            exits_retire(c);
}

/* As C tor when the clock jumped (circuit_note_clock_jumped): circuits that are not dirty end at
 * once, also those being built. */
void exits_retire_all(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c) {
        bool is_dirty = c->state == EXIT_IN_USE || !exit_circ_is_unused(c);
        exits_retire(c);
        env_disarm(x->env, &c->slow_timer);
        if (!is_dirty)
            ocirc_close(c->oc, OK, DESTROY_FINISHED);
    }
    x->failures = 0;
    x->failed_before = false;
    env_arm_ms(x->env, &x->look, 0);
}

/* ---- the pool ---- */

struct exits *exits_new(struct circuits *circuits, struct guards *guards, struct cbt *cbt,
                        const struct exits_config *config, const struct exits_ops *ops, void *arg)
{
    struct exits *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    *x = (struct exits){.env = circuits_env(circuits),
                        .circuits = circuits,
                        .guards = guards,
                        .cbt = cbt,
                        .config = *config,
                        .ops = ops,
                        .arg = arg};
    x->habits = config->habits;
    timer_init(&x->look, exits_look, x);
    timer_init(&x->next, next_may_follow, x);
    exits_predict(x, HABITS_FIRST_PORT);
    return x;
}

void exits_free(struct exits *x)
{
    if (!x)
        return;
    while (x->circs)
        circ_drop(x->circs);
    env_disarm(x->env, &x->look);
    env_disarm(x->env, &x->next);
    netdir_unref(&x->nd);
    free(x);
}

void exits_stop(struct exits *x)
{
    struct exit_circ *c, *tmp;
    DL_FOREACH_SAFE (x->circs, c, tmp) {
        if (c->state == EXIT_BUILDING || c->state == EXIT_SLOW) /* its guard is not to blame */
            guards_dropped(x->guards, guard_of(c));
        circ_drop(c);
    }
    x->failures = 0;
    x->failed_before = false;
    netdir_unref(&x->nd);
    x->nd = NULL;
}

/* A circuit that new options forbid carries no new tunnel. */
static void retire_forbidden(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (!path_allowed(c->nd, x->config.path, c->hop, c->n_hops, true))
            exits_retire(c);
}

void exits_set_config(struct exits *x, const struct exits_config *config)
{
    x->config = *config;
    x->habits = config->habits;
    retire_forbidden(x);
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
    if (had_none)
        env_arm_ms(x->env, &x->look, 0);
}

struct streams *exit_circ_streams(const struct exit_circ *c)
{
    return c->oc->streams;
}

const struct rsa_id *exit_circ_exit(const struct exit_circ *c)
{
    return &c->hop[c->n_hops - 1]->rsa;
}

uint64_t exit_circ_id(const struct exit_circ *c)
{
    return c->oc->id;
}

size_t exits_open_count(const struct exits *x)
{
    const struct exit_circ *c;
    size_t n = 0;
    DL_FOREACH (x->circs, c)
        n += c->oc->state == OCIRC_OPEN;
    return n;
}

static const char *state_name(const struct exit_circ *c)
{
    static const char *const names[] = {
        [EXIT_BUILDING] = "being built", [EXIT_SLOW] = "too slow",   [EXIT_READY] = "clean",
        [EXIT_IN_USE] = "in use",        [EXIT_RETIRED] = "retired",
    };
    return c->oc->state == OCIRC_CLOSED ? "closed" : names[c->state];
}

void exits_describe(const struct exits *x, void (*fn)(void *arg, const char *line), void *arg)
{
    const struct exit_circ *c;
    char path[256], line[400];
    DL_FOREACH (x->circs, c) {
        snprintf(line, sizeof line, "Circuit %" PRIu64 " (%s, %zu streams): %s", c->oc->id,
                 state_name(c), c->oc->streams ? streams_open_count(c->oc->streams) : 0,
                 ocirc_path_text(c->oc, path, sizeof path));
        fn(arg, line);
    }
}
