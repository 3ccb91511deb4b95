#include "client/exits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "crypto/encode.h"

enum {
    TICK_MS = 1000,
    CLEAN_PER_PORT = 2,  /* circuits kept ready for each predicted port */
    MOST_CLEAN = 12,     /* ready or being built, in all */
    PREDICTED_MAX = 16,  /* ports */
    PREDICTED_S = 3600,  /* how long a port that was used is predicted */
    IDLE_LEAST_S = 1800, /* a clean circuit is kept this long, and up to twice as long */
    FAILURES_FREE =
        5, /* in a row, before the waits grow: one dead relay in the consensus is common */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MOST_MS = 10000,
};

struct exit_circ {
    struct exits *x;
    struct ocirc *oc;
    struct netdir *nd; /* holds the relays below */
    const struct relay *hop[PATH_LEN];
    enum guard_use guard_use;
    bool relaxed; /* no path had all the flags wanted */
    bool slow;    /* past the build timeout: goes on for its time only */
    bool retired; /* no new tunnels */
    /* Set by the first tunnel, or by the one that it is built for. */
    bool claimed;
    struct isolation isolation;
    char host[TUNNEL_HOST_MAX + 1];
    uint16_t port;
    bool mixed_hosts, mixed_ports; /* has carried streams to others than these, too */
    uint64_t dirty_us;             /* when the first stream went on; 0: clean */
    uint64_t busy_us;              /* when it was last seen with a stream */
    uint64_t idle_end_us;
    struct timer slow_timer;
    struct exit_circ *prev, *next;
};

struct predicted {
    uint16_t port;
    uint64_t until_us;
};

struct exits {
    struct env *env;
    struct linkpool *pool;
    struct guards *guards;
    struct cbt *cbt;
    struct exits_config config;
    const struct exits_ops *ops;
    void *arg;
    struct netdir *nd;
    struct exit_circ *circs;
    struct predicted predicted[PREDICTED_MAX];
    size_t n_predicted;
    unsigned failures; /* in a row */
    uint64_t retry_us; /* not before, after failures */
    uint64_t last_launch_us;
    char why_not[PATH_WHY_MAX];
    struct timer tick, retry;
};

/* ---- one circuit ---- */

static void circ_drop(struct exit_circ *c)
{
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

static bool is_building(const struct exit_circ *c)
{
    return c->oc->state == OCIRC_WAITING || c->oc->state == OCIRC_BUILDING;
}

static bool is_unused(const struct exit_circ *c)
{
    return !c->oc->streams || streams_open_count(c->oc->streams) == 0;
}

static void on_begin(void *arg, struct ocirc *oc)
{
    struct exit_circ *c = arg;
    (void)oc;
    cbt_network_live(c->x->cbt);
    env_arm_ms(c->x->env, &c->slow_timer, cbt_timeout_ms(c->x->cbt, PATH_LEN));
    c->x->ops->began(c->x->arg);
}

static void became_slow(void *arg)
{
    struct exit_circ *c = arg;
    c->slow = true;
    cbt_timed_out(c->x->cbt, c->oc->circ && circ_hops(c->oc->circ) > 0);
    c->x->ops->changed(c->x->arg); /* who waited for this one needs another */
}

static void on_hop(void *arg, struct ocirc *oc, unsigned hops)
{
    struct exit_circ *c = arg;
    (void)oc;
    cbt_network_live(c->x->cbt);
    if (hops == PATH_LEN)
        cbt_built(c->x->cbt, (c->x->env->mono_us - c->oc->begun_us) / US_PER_MS, !c->slow);
}

static void log_path(const struct exit_circ *c)
{
    char path[256];
    log_info(c->x->env->log, "Circuit %u is open through %s", c->oc->id,
             ocirc_path_text(c->oc, path, sizeof path));
}

/* While build times are learnt circuits make room for others soon (path-spec 2.4.2,
 * cbtlearntimeout), else the most that may be open end the learning. */
static uint64_t idle_s(const struct exits *x)
{
    if (cbt_wants_circuits(x->cbt))
        return cbt_learn_idle_s(x->cbt);
    return IDLE_LEAST_S + env_random_below(x->env, IDLE_LEAST_S);
}

static void on_open(void *arg, struct ocirc *oc)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    env_disarm(x->env, &c->slow_timer);
    guards_succeeded(x->guards, guard_of(c));
    x->failures = 0;
    x->retry_us = 0;
    log_path(c);
    if (c->slow ||
        (c->guard_use == GUARD_USABLE_IF_NO_BETTER && !guards_may_use(x->guards, guard_of(c)))) {
        ocirc_close(oc, OK, DESTROY_FINISHED);
        return;
    }
    c->idle_end_us = x->env->mono_us + idle_s(x) * US_PER_SEC;
    x->ops->opened(x->arg);
    x->ops->changed(x->arg);
    if (c->claimed && !c->dirty_us) /* whom it was built for is gone */
        c->claimed = false;
}

static void back_off(struct exits *x)
{
    uint64_t ms = BACKOFF_FIRST_MS;
    for (unsigned i = FAILURES_FREE; i < x->failures && ms < BACKOFF_MOST_MS; i++)
        ms *= 2;
    x->failures++;
    x->retry_us = x->env->mono_us + ms * US_PER_MS;
    env_arm_ms(x->env, &x->retry, ms);
}

static void retry_due(void *arg)
{
    struct exits *x = arg;
    x->ops->changed(x->arg);
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
    log_info(x->env->log, "Circuit %u through %s could not be built: %s", c->oc->id,
             ocirc_path_text(c->oc, path, sizeof path),
             end->circ.link_ended ? end->circ.link.text
                                  : circ_end_text(&end->circ, text, sizeof text));
}

static void on_ended(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    struct exit_circ *c = arg;
    struct exits *x = c->x;
    (void)oc;
    bool failed = end->during != OCIRC_OPEN && end->circ.why != OK;
    if (failed)
        judge_failure(c, end);
    else if (end->during != OCIRC_OPEN)
        guards_dropped(x->guards, guard_of(c));
    circ_drop(c);
    if (failed)
        back_off(x);
    else
        x->ops->changed(x->arg);
}

static const struct ocirc_ops ocirc_ops = {
    .on_begin = on_begin,
    .on_hop = on_hop,
    .on_open = on_open,
    .on_ended = on_ended,
};

/* ---- launching ---- */

static struct circ_hop_target hop_target(const struct relay *r)
{
    return (struct circ_hop_target){
        .rsa = r->rsa,
        .ed = r->ed,
        .has_ed = true,
        .ntor_key = r->ntor,
        .v4 = relay_orport(r),
        .v6 = relay_orport6(r),
        .ntor_v3 = relay_can(r, PROTO_RELAY_4),
    };
}

static struct ocirc_plan plan_for(const struct exits *x, const struct path_pick *pick)
{
    const struct relay *first = pick->hop[0];
    struct ocirc_plan plan = {
        .first = {.addr = path_first_hop_addr(x->config.path, first),
                  .rsa = first->rsa,
                  .ed = first->ed,
                  .has_rsa = true,
                  .has_ed = true},
        .n_hops = pick->n,
        .timeout_ms = cbt_close_ms(x->cbt, PATH_LEN),
        .allow_internal = x->config.allow_internal,
    };
    for (size_t i = 0; i < pick->n; i++)
        plan.hops[i] = hop_target(pick->hop[i]);
    return plan;
}

static struct exit_circ *launch(struct exits *x, const struct path_request *req)
{
    struct path_pick pick;
    err_t e = path_pick(x->nd, x->config.path, x->guards, req, x->env, &pick);
    if (e != OK) {
        log_info(x->env->log, "No path for a circuit: %s", pick.why);
        snprintf(x->why_not, sizeof x->why_not, "%s", pick.why);
        return NULL;
    }
    struct exit_circ *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct exit_circ){
        .x = x, .nd = netdir_ref(x->nd), .guard_use = pick.guard_use, .relaxed = pick.relaxed};
    memcpy(c->hop, pick.hop, sizeof c->hop);
    timer_init(&c->slow_timer, became_slow, c);
    struct ocirc_plan plan = plan_for(x, &pick);
    x->last_launch_us = x->env->mono_us;
    c->oc = ocirc_new(x->env, x->pool, x->ops->next_circuit_id(x->arg), &plan, &ocirc_ops, c);
    if (!c->oc) {
        netdir_unref(&c->nd);
        free(c);
        return NULL;
    }
    DL_APPEND(x->circs, c);
    if (c->oc->state == OCIRC_CLOSED) /* before its news come: who launches in a loop must stop */
        back_off(x);
    return c;
}

static bool may_launch(const struct exits *x)
{
    const struct exit_circ *c;
    size_t pending = 0;
    /* guard-spec 4.12: "when we are missing descriptors for our first NUM_USABLE_PRIMARY_GUARDS
     * primary guards, we don't build circuits": else whoever withholds one moves us to another. */
    if (!x->nd || guards_lack_md(x->guards, x->nd))
        return false;
    DL_FOREACH (x->circs, c)
        pending += is_building(c) && !c->slow;
    return pending < x->config.max_pending && x->env->mono_us >= x->retry_us;
}

/* ---- matching ---- */

static bool same_isolation(const struct exit_circ *c, const struct tunnel_request *req)
{
    const struct isolation *a = &c->isolation, *b = &req->isolation;
    if (a->session != b->session || a->protocol != b->protocol || !ip_equal(&a->client, &b->client))
        return false;
    if (a->has_auth != b->has_auth || memcmp(a->auth, b->auth, sizeof a->auth) != 0)
        return false;
    /* Listeners of one session group may differ in these two: who asks to be alone with a
     * destination cannot join a circuit that has seen others already. */
    if (b->by_dest_port && c->mixed_ports)
        return false;
    if ((a->by_dest_port || b->by_dest_port) && c->port != req->port)
        return false;
    if (b->by_dest_addr && c->mixed_hosts)
        return false;
    return !(a->by_dest_addr || b->by_dest_addr) || strcmp(c->host, req->host) == 0;
}

static struct path_request path_request_for(const struct exit_need *need)
{
    enum tunnel_kind kind = need->request->kind;
    bool authority = kind == TUNNEL_DIR_AUTHORITY, dir = kind == TUNNEL_DIR || authority;
    return (struct path_request){
        .kind = dir ? PATH_INTERNAL : PATH_EXIT,
        .dir_cache = dir,
        .dir_authority = authority,
        .family = need->request->ip.family,
        .port = need->request->kind == TUNNEL_CONNECT ? need->request->port : 0,
        .avoid_exit = need->failed,
        .n_avoid_exit = need->n_failed,
    };
}

/* tor(1), KeepAliveIsolateSOCKSAuth: such a circuit may be closed once it "is idle for more than
 * MaxCircuitDirtiness seconds"; any other takes no stream that long after its first. */
static bool is_too_dirty(const struct exit_circ *c)
{
    const struct exits *x = c->x;
    bool kept = c->isolation.keep_alive && c->isolation.has_auth;
    uint64_t since_us = kept ? c->busy_us : c->dirty_us;
    return c->dirty_us && x->env->mono_us - since_us >= x->config.max_dirtiness_ms * US_PER_MS;
}

static bool exit_fits(const struct exit_circ *c, struct path_request req)
{
    req.relaxed = c->relaxed;
    return path_exit_fits(c->nd, c->x->config.path, &req, c->hop[PATH_LEN - 1]);
}

/* Whether tunnels with NEED's wishes may go onto C, now or once it is open. */
static bool fits(const struct exit_circ *c, const struct exit_need *need)
{
    if (c->retired || c->slow || c->oc->state == OCIRC_CLOSED || c->oc->id == need->avoid_circuit)
        return false;
    if (is_too_dirty(c))
        return false;
    if (c->claimed && !same_isolation(c, need->request))
        return false;
    return exit_fits(c, path_request_for(need));
}

/* A circuit that others use already comes first: the fewer circuits carry a user's streams, the
 * fewer exits see them. Among circuits in use the youngest. */
static bool better(const struct exit_circ *a, const struct exit_circ *b)
{
    if (!a)
        return false;
    if (!b)
        return true;
    if (!a->dirty_us != !b->dirty_us)
        return a->dirty_us != 0;
    return a->dirty_us > b->dirty_us;
}

/* Another stream goes onto C, which is in use: it may have wishes that those before had not. */
static void join(struct exit_circ *c, const struct tunnel_request *req)
{
    c->mixed_ports |= c->port != req->port;
    c->mixed_hosts |= strcmp(c->host, req->host) != 0;
    c->isolation.by_dest_port |= req->isolation.by_dest_port;
    c->isolation.by_dest_addr |= req->isolation.by_dest_addr;
}

static void claim(struct exit_circ *c, const struct exit_need *need)
{
    c->claimed = true;
    c->isolation = need->request->isolation;
    c->port = need->request->port;
    snprintf(c->host, sizeof c->host, "%s", need->request->host);
}

/* Whether any relay would do, guards aside: else waiting is of no use. */
static bool exit_exists(const struct exits *x, const struct exit_need *need)
{
    struct path_request req = path_request_for(need);
    for (size_t i = 0; i < netdir_n(x->nd); i++)
        if (path_exit_fits(x->nd, x->config.path, &req, netdir_at(x->nd, i)))
            return true;
    return false;
}

static void build_for(struct exits *x, const struct exit_need *need, const char **why_not)
{
    struct path_request req = path_request_for(need);
    if (!may_launch(x))
        return;
    struct exit_circ *c = launch(x, &req);
    if (c)
        claim(c, need);
    else if (!exit_exists(x, need))
        *why_not = x->why_not;
    else
        back_off(x); /* no guard for now */
}

struct exit_circ *exits_find(struct exits *x, const struct exit_need *need, const char **why_not)
{
    struct exit_circ *c, *open = NULL, *building = NULL;
    *why_not = NULL;
    DL_FOREACH (x->circs, c) {
        if (!fits(c, need))
            continue;
        if (c->oc->state == OCIRC_OPEN)
            open = better(open, c) ? open : c;
        else
            building = better(building, c) ? building : c;
    }
    if (open)
        return open;
    if (building && !building->claimed)
        claim(building, need);
    if (!building)
        build_for(x, need, why_not);
    return NULL;
}

static void predict(struct exits *x, uint16_t port)
{
    size_t i = 0, oldest = 0;
    uint64_t until = x->env->mono_us + PREDICTED_S * (uint64_t)US_PER_SEC;
    for (; i < x->n_predicted && x->predicted[i].port != port; i++)
        if (x->predicted[i].until_us < x->predicted[oldest].until_us)
            oldest = i;
    if (i == PREDICTED_MAX)
        i = oldest;
    if (i == x->n_predicted)
        x->n_predicted++;
    x->predicted[i] = (struct predicted){port, until};
}

void exits_use(struct exit_circ *c, const struct exit_need *need)
{
    struct exits *x = c->x;
    if (need->request->kind == TUNNEL_CONNECT)
        predict(x, need->request->port);
    c->busy_us = x->env->mono_us;
    if (c->dirty_us) {
        join(c, need->request);
        return;
    }
    claim(c, need);
    c->dirty_us = x->env->mono_us;
    env_arm_ms(x->env, &x->tick, 0); /* one clean circuit less: see to another */
}

/* ---- ahead of need ---- */

static size_t clean_for(const struct exits *x, uint16_t port, size_t *all)
{
    const struct exit_circ *c;
    size_t n = 0;
    const struct path_request req = {.kind = PATH_EXIT, .port = port};
    *all = 0;
    DL_FOREACH (x->circs, c) {
        if (c->claimed || c->retired || c->slow || c->oc->state == OCIRC_CLOSED)
            continue;
        ++*all;
        n += exit_fits(c, req);
    }
    return n;
}

static void build_ahead(struct exits *x)
{
    uint16_t ports[PREDICTED_MAX];
    size_t n = 0, all;
    for (size_t i = 0; i < x->n_predicted; i++)
        if (x->predicted[i].until_us > x->env->mono_us)
            ports[n++] = x->predicted[i].port;
    for (size_t i = 0; i < n; i++) {
        const struct path_request req = {
            .kind = PATH_EXIT, .port = ports[i], .predicted = ports, .n_predicted = n};
        while (may_launch(x) && clean_for(x, ports[i], &all) < CLEAN_PER_PORT && all < MOST_CLEAN)
            if (!launch(x, &req))
                break; /* no exit for this port perhaps: the next look will see */
    }
}

/* While build times are being learnt, circuits are built for their time alone. */
static void build_to_learn(struct exits *x)
{
    const struct path_request req = {.kind = PATH_EXIT};
    size_t n = 0;
    struct exit_circ *c;
    if (!cbt_wants_circuits(x->cbt) || !may_launch(x) ||
        x->env->mono_us - x->last_launch_us < cbt_test_interval_s(x->cbt) * (uint64_t)US_PER_SEC)
        return;
    DL_COUNT(x->circs, c, n);
    if (n < cbt_max_open(x->cbt))
        (void)launch(x, &req);
}

/* ---- the end of their days ---- */

static bool has_served(const struct exit_circ *c)
{
    const struct exits *x = c->x;
    if (c->oc->state != OCIRC_OPEN || !is_unused(c))
        return false;
    if (c->retired)
        return true;
    return c->dirty_us ? is_too_dirty(c) : x->env->mono_us >= c->idle_end_us;
}

static void tick(void *arg)
{
    struct exits *x = arg;
    struct exit_circ *c;
    env_arm_ms(x->env, &x->tick, TICK_MS);
    DL_FOREACH (x->circs, c) {
        if (!is_unused(c))
            c->busy_us = x->env->mono_us;
        if (has_served(c))
            ocirc_close(c->oc, OK, DESTROY_FINISHED);
    }
    if (!x->nd)
        return;
    /* Tunnels that asked while none could be launched (no network known, too many pending) and
     * whom no circuit's news will wake: before circuits are built on suspicion. */
    x->ops->changed(x->arg);
    build_ahead(x);
    build_to_learn(x);
}

void exits_retire(struct exit_circ *c)
{
    c->retired = true;
}

void exits_retire_dirty(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (c->dirty_us)
            c->retired = true;
}

/* As C tor when the clock jumped (circuit_note_clock_jumped): circuits that are not dirty end at
 * once, also those being built. */
void exits_retire_all(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c) {
        c->retired = true;
        env_disarm(x->env, &c->slow_timer);
        if (!c->dirty_us)
            ocirc_close(c->oc, OK, DESTROY_FINISHED);
    }
    x->failures = 0;
    x->retry_us = 0;
    env_arm_ms(x->env, &x->tick, 0);
}

/* ---- the pool ---- */

struct exits *exits_new(struct env *env, struct linkpool *pool, struct guards *guards,
                        struct cbt *cbt, const struct exits_config *config,
                        const struct exits_ops *ops, void *arg)
{
    struct exits *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    *x = (struct exits){.env = env,
                        .pool = pool,
                        .guards = guards,
                        .cbt = cbt,
                        .config = *config,
                        .ops = ops,
                        .arg = arg};
    timer_init(&x->tick, tick, x);
    timer_init(&x->retry, retry_due, x);
    predict(x, 80); /* as tor does: the first request is likely to be for a page */
    predict(x, 443);
    return x;
}

void exits_free(struct exits *x)
{
    if (!x)
        return;
    while (x->circs)
        circ_drop(x->circs);
    env_disarm(x->env, &x->tick);
    env_disarm(x->env, &x->retry);
    netdir_unref(&x->nd);
    free(x);
}

/* A circuit that new options forbid carries no new tunnel. */
static void retire_forbidden(struct exits *x)
{
    struct exit_circ *c;
    DL_FOREACH (x->circs, c)
        if (!path_allowed(x->config.path, c->hop, PATH_LEN, true))
            c->retired = true;
}

void exits_set_config(struct exits *x, const struct exits_config *config)
{
    x->config = *config;
    retire_forbidden(x);
}

void exits_set_netdir(struct exits *x, struct netdir *nd)
{
    netdir_unref(&x->nd);
    x->nd = nd ? netdir_ref(nd) : NULL;
    env_arm_ms(x->env, &x->tick, 0);
}

struct streams *exit_circ_streams(const struct exit_circ *c)
{
    return c->oc->streams;
}

const struct rsa_id *exit_circ_exit(const struct exit_circ *c)
{
    return &c->hop[PATH_LEN - 1]->rsa;
}

uint32_t exit_circ_id(const struct exit_circ *c)
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
    if (is_building(c))
        return c->slow ? "too slow" : "being built";
    if (c->oc->state == OCIRC_CLOSED)
        return "closed";
    return !c->dirty_us ? "clean" : c->retired ? "retired" : "in use";
}

void exits_describe(const struct exits *x, void (*fn)(void *arg, const char *line), void *arg)
{
    const struct exit_circ *c;
    char path[256], line[400];
    DL_FOREACH (x->circs, c) {
        snprintf(line, sizeof line, "Circuit %u (%s, %zu streams): %s", c->oc->id, state_name(c),
                 c->oc->streams ? streams_open_count(c->oc->streams) : 0,
                 ocirc_path_text(c->oc, path, sizeof path));
        fn(arg, line);
    }
}
