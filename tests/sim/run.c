/* One scenario from its beginning to its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/faults.h"
#include "sim/plain_tls.h"
#include "sim/sim.h"

enum {
    RECOVERY_S = 3600, /* all troubles over: the client works again */
    STEPS_MOST = 4000000,
    PROBE_PORT = 80,
    BASE_PORT = 5000,
    POST_S = 1
};

/* ---- the network ---- */

static void shape_plan(struct sim *s)
{
    for (size_t i = s->plan.n_authorities; i < s->plan.n_nodes; i++) {
        struct plan_node *n = &s->plan.node[i];
        if (s->sc->same_subnet && (i - s->plan.n_authorities) % 2 == 1) {
            n->or_port.ip = s->plan.node[i - 1].or_port.ip;
            n->or_port.ip.b[3]++;
        }
        if (s->sc->families)
            n->family = (unsigned)((i - s->plan.n_authorities) / 2 + 1);
    }
}

static bool make_network(struct sim *s)
{
    const struct scenario *sc = s->sc;
    char why[PLAN_WHY_MAX] = "";
    struct plan_wish wish = {.authorities = sc->authorities,
                             .relays = sc->relays,
                             .exits = sc->exits,
                             .exit_policy = sc->exit_policy,
                             .params = sc->params,
                             .protos = sc->protos,
                             .interval_s = sc->interval_s,
                             .base_port = BASE_PORT};
    if (plan_make(&wish, &s->plan, why) != OK) {
        sim_breach(s, "scenario", "no such network: %s", why);
        return false;
    }
    shape_plan(s);
    lists_make(s);
    for (size_t i = 0; i < SIM_APPS; i++) {
        const uint8_t ip[4] = {127, 200, (uint8_t)(i / 250), (uint8_t)(i % 250 + 1)};
        snprintf(s->host_name[i], sizeof s->host_name[i], "a%zu.sim", i);
        s->host[i] = (struct node_host){.name = s->host_name[i], .to = {.ip = ip_v4(ip)}};
    }
    struct testnet_config config = {.plan = &s->plan,
                                    .ids = keys_identities(s->plan.n_nodes),
                                    .hosts = s->host,
                                    .n_hosts = SIM_APPS,
                                    .republish = true};
    wire_rates_begin(s);
    sim_enter_net(s);
    err_t e = testnet_new(&s->net_env, &config, &sim_node_world, s, &s->net);
    if (e == OK)
        e = faults_attach(s->net);
    sim_leave(s);
    if (e != OK)
        sim_breach(s, "scenario", "no network: %s", err_text(e));
    return e == OK;
}

static void net_log(void *arg, enum log_level level, const char *line)
{
    struct sim *s = arg;
    if (s->trace)
        printf("%12.6f    network [%s] %s\n", (double)s->now_us / 1e6, log_level_name(level), line);
}

/* ---- troubles ---- */

static void set_fault(struct sim *s, size_t node, unsigned fault, uint32_t n)
{
    struct faults *f = faults_of(testnet_node(s->net, node));
    f->n[fault] = n;
    f->seen[fault] = 0;
}

/* A scenario that nothing came of proves nothing. */
static void check_acted(struct sim *s, unsigned fault, size_t first, size_t n)
{
    uint32_t seen = 0;
    for (size_t i = first; i < first + n; i++)
        seen += faults_of(testnet_node(s->net, i))->seen[fault];
    if (s->sc->must_act && !seen)
        sim_breach(s, "acted", "no node had an occasion for %s", fault_name((enum fault)fault));
}

static void set_faults(struct sim *s, unsigned fault, uint32_t n)
{
    for (size_t i = 0; i < testnet_nodes(s->net); i++)
        set_fault(s, i, fault, n);
}

static void stop_node(struct sim *s, const struct trouble *t, bool stop)
{
    sim_enter_net(s);
    if (stop)
        node_stop(testnet_node(s->net, t->node));
    else
        node_start(testnet_node(s->net, t->node));
    sim_leave(s);
}

static void stop_guards(struct sim *s, bool stop)
{
    for (size_t i = 0; i < s->plan.n_nodes; i++)
        if (s->plan.node[i].role == PLAN_GUARD)
            stop_node(s, &(struct trouble){.node = i}, stop);
}

/* All but the last N guards; if N is 0, all. */
static uint32_t silent_nodes(const struct sim *s, size_t n)
{
    uint32_t nodes = 0;
    for (size_t i = s->plan.n_nodes; i-- > 0;) {
        bool spared = n && s->plan.node[i].role == PLAN_GUARD;
        n -= spared;
        nodes |= (uint32_t)!spared << i;
    }
    return nodes;
}

static void start_again(struct sim *s, void *arg, uint64_t client)
{
    (void)arg;
    host_start(s, (size_t)client);
}

/* A client that stands still wakes for a timer of its, which may have had a minute to go. */
enum { LEAP_JUMP_S = 200 };

static void leap(struct sim *s, struct sim_client *c, int64_t us)
{
    c->wall_off_us += us;
    c->mono_off_us += (uint64_t)us;
    if (us >= LEAP_JUMP_S * (int64_t)SIM_SECOND)
        c->jumped_us = s->now_us;
}

static void begin_trouble(struct sim *s, struct trouble *t, size_t i)
{
    struct sim_client *c = &s->client[t->client];
    switch (t->kind) {
    case TROUBLE_CUT:
    case TROUBLE_FLIP:
    case TROUBLE_DROP:
    case TROUBLE_TWICE:
    case TROUBLE_SWAP:
        s->trouble_on[i] = true;
        break;
    case TROUBLE_STOP:
        stop_node(s, t, true);
        break;
    case TROUBLE_DESTROY:
        sim_enter_net(s);
        node_destroy_circuits(testnet_node(s->net, t->node), (uint8_t)t->n);
        sim_leave(s);
        break;
    case TROUBLE_FAULT:
        s->may_stall = s->lies = true;
        set_fault(s, t->node, t->fault, (uint32_t)t->n);
        break;
    case TROUBLE_DIRECTORY: /* or what else all nodes do */
        c->files_may_be_bad = true;
        s->lies = s->lies || s->sc->must_act;
        s->may_stall = s->may_stall || s->lies;
        set_faults(s, t->fault, (uint32_t)t->n);
        break;
    case TROUBLE_CLOCK:
        c->wall_off_us += t->n * (int64_t)SIM_SECOND;
        break;
    case TROUBLE_LEAP:
        leap(s, c, t->n);
        break;
    case TROUBLE_MEMORY:
        memory.fail_in = (uint64_t)t->n;
        memory.fail_n = t->m;
        break;
    case TROUBLE_RESTART:
    case TROUBLE_KILL:
        if (!c->client)
            break;
        host_stop(s, t->client, t->kind == TROUBLE_KILL);
        sim_after(s, SIM_SECOND, start_again, NULL, t->client);
        break;
    case TROUBLE_NETWORK:
        s->net_down = true;
        wire_cut_all(s);
        break;
    case TROUBLE_SILENCE:
        s->silent = silent_nodes(s, (size_t)t->n);
        break;
    case TROUBLE_GUARDS:
        stop_guards(s, true);
        break;
    case TROUBLE_OPTIONS:
        host_set_lists(s, t->client, true);
        break;
    case TROUBLE_PORTS:
        if (c->client && s->sc->ports_seed)
            ports_reload(c, t->m);
        break;
    case TROUBLE_DISABLED:
        host_disable(s, t->client, true);
        break;
    case TROUBLE_NEWNYM:
        if (!c->client)
            break;
        sim_enter_client(c);
        client_new_identity(c->client);
        c->vanguards = 0; /* others are chosen */
        sim_leave(s);
        break;
    }
}

static void end_trouble(struct sim *s, struct trouble *t, size_t i)
{
    s->trouble_on[i] = false;
    switch (t->kind) {
    case TROUBLE_STOP:
        stop_node(s, t, false);
        break;
    case TROUBLE_GUARDS:
        stop_guards(s, false);
        break;
    case TROUBLE_OPTIONS:
        host_set_lists(s, t->client, s->sc->lists_always);
        break;
    case TROUBLE_DISABLED:
        host_disable(s, t->client, false);
        break;
    case TROUBLE_FAULT:
        check_acted(s, t->fault, t->node, 1);
        set_fault(s, t->node, t->fault, 0);
        break;
    case TROUBLE_DIRECTORY:
        check_acted(s, t->fault, 0, testnet_nodes(s->net));
        set_faults(s, t->fault, 0);
        break;
    case TROUBLE_CLOCK:
        s->client[t->client].wall_off_us -= t->n * (int64_t)SIM_SECOND;
        break;
    case TROUBLE_MEMORY:
        memory.fail_in = memory.fail_n = 0;
        break;
    case TROUBLE_NETWORK:
        s->net_down = false;
        break;
    case TROUBLE_SILENCE:
        s->silent = 0;
        break;
    default:
        break;
    }
}

static void trouble_begins(struct sim *s, void *arg, uint64_t i)
{
    struct trouble *t = arg;
    sim_note(s, "trouble %u begins: %s", (unsigned)i, trouble_name(t->kind));
    begin_trouble(s, t, (size_t)i);
}

static void trouble_ends(struct sim *s, void *arg, uint64_t i)
{
    struct trouble *t = arg;
    sim_note(s, "trouble %u is over: %s", (unsigned)i, trouble_name(t->kind));
    end_trouble(s, t, (size_t)i);
}

static void plan_troubles(struct sim *s)
{
    memcpy(s->trouble, s->sc->trouble, sizeof s->trouble);
    for (size_t i = 0; i < s->sc->n_troubles; i++) {
        struct trouble *t = &s->trouble[i];
        uint64_t until = t->until_us > t->at_us ? t->until_us : t->at_us + 1;
        sim_at(s, t->at_us, trouble_begins, t, i);
        sim_at(s, until, trouble_ends, t, i);
        if (until > s->calm_us)
            s->calm_us = until;
    }
}

/* ---- does it work again? ---- */

static void probe(struct sim *s, void *arg, uint64_t client);

static void probe_over(struct sim *s, void *arg, uint64_t client)
{
    const struct app *a = arg;
    if (a->state != APP_OVER) {
        sim_after(s, SIM_SECOND, probe_over, arg, client);
        return;
    }
    if (a->served) {
        sim_note(s, "client %u works", (unsigned)client);
        s->works[client] = true;
        return;
    }
    if (s->now_us > s->calm_us + RECOVERY_S * SIM_SECOND)
        sim_breach(s, "recovery", "client %u does not work %u s after the last trouble",
                   (unsigned)client, RECOVERY_S);
    else
        sim_after(s, 15 * SIM_SECOND, probe, NULL, client);
}

static void probe(struct sim *s, void *arg, uint64_t client)
{
    const struct app_plan plan = {.kind = APP_ECHO, .up = 600, .port = PROBE_PORT};
    (void)arg;
    struct app *a = app_add(s, (size_t)client, &plan, s->now_us);
    if (!a) {
        sim_breach(s, "recovery", "client %u serves no probe", (unsigned)client);
        return;
    }
    a->probe = true;
    sim_after(s, SIM_SECOND, probe_over, a, client);
}

static bool is_done(const struct sim *s)
{
    if (s->now_us < s->sc->lasts_us || s->now_us < s->calm_us)
        return false;
    for (size_t i = 0; i < s->sc->clients; i++)
        if (!s->works[i])
            return false;
    for (size_t i = 0; i < s->n_apps; i++)
        if (s->app[i].state != APP_OVER)
            return false;
    return meet_is_over(s);
}

/* ---- all ---- */

static void start_client(struct sim *s, void *arg, uint64_t client)
{
    (void)arg;
    host_start(s, (size_t)client);
}

static void prepare(struct sim *s)
{
    const struct scenario *sc = s->sc;
    struct rng rng = {sc->seed ^ UINT64_C(0x5eed5eed5eed)};
    s->rng.state = rng_next(&rng);
    s->net_rng.state = rng_next(&rng);
    s->net_log = (struct log){.least = LOG_INFO, .unsafe = true, .sink = net_log, .arg = s};
    s->net_env = (struct env){.random = rng_fill, .random_arg = &s->net_rng};
    s->net_env.log = s->trace ? &s->net_log : NULL;
    for (size_t i = 0; i < SIM_CLIENTS; i++) {
        struct sim_client *c = &s->client[i];
        c->sim = s;
        c->id = i;
        c->rng.state = rng_next(&rng);
        c->env = (struct env){.random = rng_fill, .random_arg = &c->rng, .log = &c->log};
        c->lists_on = sc->lists_always;
    }
    plan_troubles(s);
    for (size_t i = 0; i < sc->clients; i++)
        sim_at(s, i * 1000 + 1, start_client, NULL, i);
    for (size_t i = 0; i < sc->n_apps; i++)
        app_add(s, i % sc->clients, &sc->app[i], sc->app[i].at_us);
    meet_begin(s);
    uint64_t calm = s->calm_us > sc->lasts_us ? s->calm_us : sc->lasts_us;
    for (size_t i = 0; i < sc->clients; i++)
        sim_at(s, calm + POST_S * SIM_SECOND, probe, NULL, i);
}

/* Whoever asked before the last trouble was over, or after it, was connected soon after that. */
static void check_soon(struct sim *s)
{
    for (size_t i = 0; i < s->sc->n_apps && !s->failed; i++) {
        const struct app *a = &s->app[i];
        uint64_t from_us = a->opened_us > s->calm_us ? a->opened_us : s->calm_us;
        if (a->connected_us > from_us + s->sc->soon_us)
            sim_breach(s, "soon", "app %zu was connected %llu ms after it could have been", i,
                       (unsigned long long)((a->connected_us - from_us) / SIM_MS));
    }
}

static void clear(struct sim *s)
{
    memory.fail_in = 0;
    meet_free(s);
    for (size_t i = 0; i < s->sc->clients; i++) {
        host_stop(s, i, false);
        host_free_files(&s->client[i]);
    }
    sim_enter_net(s);
    testnet_free(s->net);
    sim_leave(s);
    s->net = NULL;
    wire_rates_end(s);
    wire_free_all(s);
    server_free_all(s);
    free(s->heap);
}

void sim_run(const struct scenario *sc, bool trace, struct sim_result *out)
{
    keys_identities(1); /* they stay */
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    memory = (struct memory){0};
    plain_tls_reset();
    watch_reset();
    oracle_reset();
    keys_reset();
    s->sc = sc;
    s->trace = trace;
    s->hash = sc->seed;
    sim_now = s;
    prepare(s);
    if (make_network(s)) {
        while (!is_done(s) && s->steps < STEPS_MOST && sim_step(s))
            continue;
        if (!s->failed && !is_done(s))
            sim_breach(s, "no-hang",
                       s->steps < STEPS_MOST ? "nothing is left to happen" : "it goes on and on");
    }
    if (!s->failed && sc->says && !s->said)
        sim_breach(s, "reaction", "no client said: %s", sc->says);
    for (size_t i = 0; sc->all_served && !s->failed && i < s->n_apps; i++)
        if (!s->app[i].served)
            sim_breach(s, "served", "app %zu got no tunnel", i);
    if (sc->soon_us)
        check_soon(s);
    clear(s);
    if (!s->failed) /* after a breach all may be */
        watch_end(s);
    sim_now = NULL;
    if (memory.live)
        sim_breach(s, "nothing-left", "%lld allocations were not freed", (long long)memory.live);
    *out = (struct sim_result){.good = !s->failed,
                               .hash = s->hash,
                               .steps = s->steps,
                               .virtual_us = s->now_us,
                               .circuits = s->circuits,
                               .exits_seen = s->exits_seen,
                               .memory_failed = memory.failed};
    memcpy(out->invariant, s->invariant, sizeof out->invariant);
    memcpy(out->why, s->why, sizeof out->why);
    for (size_t i = 0; i < s->n_apps; i++) {
        out->apps++;
        out->served += s->app[i].served;
    }
    memory.live = 0;
    free(s);
}
