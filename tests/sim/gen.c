/* Scenarios of a seed. */
#include <stdio.h>
#include <string.h>

#include "faults/faults.h"
#include "sim/sim.h"

static const char *const policies[] = {
    NULL,
    NULL,
    "accept *:80,accept *:443,reject *:*",
    "reject *:25,accept *:*",
    "accept *:1-1024,reject *:*",
};
enum { POLICIES = sizeof policies / sizeof policies[0] };

/* What a consensus may say of flow control. Under the second one there are many SENDMEs, and many
 * of them due at once; under the third few; the fourth has windows go up and down. */
static const char *const flows[] = {
    NULL,
    "cc_sendme_inc=1 cc_cwnd_init=31 cc_cwnd_min=31",
    "cc_sendme_inc=254 cc_cwnd_init=31 cc_cwnd_min=31",
    "cc_cwnd_max=500 cc_vegas_gamma_exit=31 cc_vegas_delta_exit=62 cc_vegas_beta_exit=40 "
    "cc_vegas_alpha_exit=10 cc_cwnd_inc=31",
    "cc_alg=0",
    "cc_alg=0 circwindow=100",
};
enum { FLOWS = sizeof flows / sizeof flows[0] };

/* Ports that every policy lets out. */
static const uint16_t ports[] = {80, 443};

static uint64_t size(struct rng *r)
{
    switch (rng_below(r, 10)) {
    case 0:
        return 0;
    case 1:
        return rng_between(r, 1, 3);
    case 2:
        return rng_between(r, 497, 499); /* about what fits into a cell */
    case 3:
        return rng_between(r, 24900 - 600, 24900 + 600); /* a SENDME's worth */
    case 4:
        return rng_between(r, 200000, 320000); /* over a stream's window */
    case 5:
        return rng_one_in(r, 4) ? rng_between(r, 480000, 620000) : rng_between(r, 50000, 90000);
    default:
        return rng_between(r, 10, 20000);
    }
}

/* So slow that SIZE takes at most a minute. */
static void slow(struct rng *r, uint64_t size_, uint64_t *every_us, size_t *piece)
{
    uint64_t least = size_ / 600 + 1;
    *every_us = rng_between(r, 1, 100) * SIM_MS;
    *piece = (size_t)rng_between(r, least, least * 8 + 500);
}

static void random_app(struct rng *r, struct app_plan *a, uint64_t within_us)
{
    static const enum app_kind kinds[] = {APP_TALK, APP_TALK, APP_TALK,    APP_TALK,   APP_ECHO,
                                          APP_ECHO, APP_ECHO, APP_RESOLVE, APP_REFUSED};
    a->kind = kinds[rng_below(r, sizeof kinds / sizeof kinds[0])];
    a->at_us = rng_one_in(r, 4) ? 0 : rng_below(r, within_us);
    a->port = ports[rng_below(r, sizeof ports / sizeof ports[0])];
    a->isolation = rng_one_in(r, 2) ? (unsigned)rng_between(r, 1, 3) : 0;
    a->by_port = rng_one_in(r, 10);
    a->by_addr = rng_one_in(r, 12);
    a->up = size(r);
    a->down = size(r);
    if (a->kind == APP_ECHO && !a->up)
        a->up = 1;
    if (a->kind == APP_TALK && !a->up && !a->down)
        a->down = 1;
    if (rng_one_in(r, 4)) {
        a->piece = (size_t)rng_between(r, a->up / 60 + 1, a->up / 4 + 2);
        a->pause_us = rng_below(r, 300 * SIM_MS);
    }
    if (rng_one_in(r, 5))
        slow(r, a->kind == APP_ECHO ? a->up : a->down, &a->read_us, &a->read_piece);
    if (rng_one_in(r, 5))
        slow(r, a->up > a->down ? a->up : a->down, &a->server_us, &a->server_piece);
    uint64_t comes = a->kind == APP_ECHO ? a->up : a->down;
    if (rng_one_in(r, 6) && (comes || a->up))
        a->close_at = rng_between(r, 1, comes ? comes : a->up);
    else if (rng_one_in(r, 8) && comes) {
        a->server_close = rng_between(r, 1, comes);
        a->server_reset = rng_one_in(r, 3);
    }
    a->close_in_callback = rng_one_in(r, 2);
}

/* What a relay on the path may do wrong without making up bytes of its own. */
static const enum fault relay_faults[] = {
    FAULT_LINK_NO_VERSIONS,     FAULT_LINK_NO_CERTS,
    FAULT_LINK_CERTS_TWICE,     FAULT_LINK_CERT_EXPIRED,
    FAULT_LINK_CERT_WRONG_TLS,  FAULT_LINK_NO_NETINFO,
    FAULT_LINK_CLOCK,           FAULT_CIRC_DESTROY,
    FAULT_CIRC_SILENT,          FAULT_CIRC_BAD_AUTH,
    FAULT_CIRC_SHORT_REPLY,     FAULT_CIRC_CREATED_TWICE,
    FAULT_CIRC_TRUNCATED_EMPTY, FAULT_CIRC_SENDME_WRONG_TAG,
    FAULT_CIRC_BAD_DIGEST,      FAULT_CIRC_UNKNOWN_COMMAND,
    FAULT_CIRC_BAD_LENGTH,      FAULT_CIRC_NO_SENDME,
    FAULT_STREAM_END_EMPTY,     FAULT_STREAM_END_INTERNAL,
    FAULT_STREAM_SILENT,        FAULT_STREAM_CONNECTED_TWICE,
    FAULT_STREAM_WRONG_ID,      FAULT_STREAM_CONNECTED_SHORT,
};

static const enum fault directory_faults[] = {
    FAULT_DIR_SILENT,    FAULT_DIR_404,      FAULT_DIR_503,      FAULT_DIR_GARBAGE,
    FAULT_DIR_TRUNCATED, FAULT_DIR_ZLIB_CUT, FAULT_DIR_UNSIGNED, FAULT_DIR_BAD_DIGEST_ALG,
    FAULT_DIR_FORGED,    FAULT_DIR_OLD,      FAULT_DIR_FUTURE,   FAULT_DIR_WRONG_MICRODESC,
};

static void random_trouble(struct rng *r, const struct scenario *sc, struct trouble *t)
{
    static const enum trouble_kind kinds[] = {
        TROUBLE_CUT,       TROUBLE_CUT,     TROUBLE_STOP,    TROUBLE_FLIP,    TROUBLE_FLIP,
        TROUBLE_DROP,      TROUBLE_TWICE,   TROUBLE_SWAP,    TROUBLE_DESTROY, TROUBLE_DESTROY,
        TROUBLE_FAULT,     TROUBLE_CLOCK,   TROUBLE_LEAP,    TROUBLE_MEMORY,  TROUBLE_MEMORY,
        TROUBLE_MEMORY,    TROUBLE_RESTART, TROUBLE_KILL,    TROUBLE_NETWORK, TROUBLE_NEWNYM,
        TROUBLE_DIRECTORY, TROUBLE_GUARDS,  TROUBLE_OPTIONS, TROUBLE_SILENCE,
    };
    static const int64_t jumps_s[] = {-1,   1,     -30,   45,     3500,       -3500,
                                      7200, -7200, 86400, -86400, 40 * 86400, -40 * 86400};
    *t = (struct trouble){.kind = kinds[rng_below(r, sizeof kinds / sizeof kinds[0])]};
    t->at_us = rng_one_in(r, 3) ? rng_below(r, 2 * SIM_SECOND) : rng_below(r, sc->lasts_us);
    t->until_us = t->at_us + rng_between(r, 100, 60000) * SIM_MS;
    t->node = (size_t)rng_below(r, sc->authorities + sc->relays);
    t->client = (size_t)rng_below(r, sc->clients);
    t->client_links = !rng_one_in(r, 3);
    t->to_client = !rng_one_in(r, 3);
    t->n = (int64_t)rng_between(r, 1, 3);
    t->m = rng_next(r);
    switch (t->kind) {
    case TROUBLE_CUT:
        t->n = (int64_t)(rng_one_in(r, 2) ? rng_below(r, 6000) : rng_below(r, 400000));
        break;
    case TROUBLE_FLIP:
    case TROUBLE_DROP:
    case TROUBLE_TWICE:
    case TROUBLE_SWAP:
        t->n = (int64_t)(rng_one_in(r, 2) ? rng_between(r, 1, 12) : rng_between(r, 1, 600));
        break;
    case TROUBLE_DESTROY:
        t->n = (int64_t)rng_below(r, 13);
        break;
    case TROUBLE_FAULT:
        t->fault = relay_faults[rng_below(r, sizeof relay_faults / sizeof relay_faults[0])];
        break;
    case TROUBLE_DIRECTORY:
        t->fault =
            directory_faults[rng_below(r, sizeof directory_faults / sizeof directory_faults[0])];
        t->n = 1;
        break;
    case TROUBLE_SILENCE:
        t->n = (int64_t)(rng_one_in(r, 2) ? rng_between(r, 1, 2) : 0);
        break;
    case TROUBLE_CLOCK:
        t->n = jumps_s[rng_below(r, sizeof jumps_s / sizeof jumps_s[0])];
        break;
    case TROUBLE_LEAP:
        t->n = (int64_t)(rng_between(r, 1, 1000) * (rng_one_in(r, 2) ? SIM_SECOND : SIM_MS));
        break;
    case TROUBLE_MEMORY:
        t->n = (int64_t)(rng_one_in(r, 2) ? rng_between(r, 1, 300) : rng_between(r, 1, 6000));
        t->m = rng_one_in(r, 3) ? rng_between(r, 2, 20) : 1;
        if (rng_one_in(r, 3))
            t->at_us = 0; /* while it starts */
        break;
    default:
        break;
    }
}

/* Where relays are related, too few of them may be left for a path. The draws are apart from all
 * others. */
static void random_lists(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed ^ UINT64_C(0x115715)}, *r = &rng;
    out->fallback = rng_one_in(r, 3);
    if (out->same_subnet || out->families)
        return;
    out->lists = (enum lists)rng_below(r, LISTS_N);
    out->lists_seed = rng_next(r);
    out->lists_always = rng_one_in(r, 2);
}

static void add_reload(struct rng *r, struct scenario *out, enum trouble_kind kind)
{
    if (out->n_troubles == SCENARIO_TROUBLES)
        return;
    uint64_t at_us = rng_below(r, out->lasts_us);
    out->trouble[out->n_troubles++] =
        (struct trouble){.kind = kind,
                         .at_us = at_us,
                         .until_us = at_us + rng_between(r, 1, 20000) * SIM_MS,
                         .client = (size_t)rng_below(r, out->clients),
                         .m = rng_next(r)};
}

/* SocksPorts that come, go and change places while streams and circuits last; often with circuits
 * that are soon too dirty, sometimes with DisableNetwork on and off. */
static void random_ports(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed ^ UINT64_C(0x9050)}, *r = &rng;
    if (rng_one_in(r, 8))
        add_reload(r, out, TROUBLE_DISABLED);
    if (rng_one_in(r, 2))
        return;
    out->ports_seed = rng_next(r) | 1;
    out->dirtiness_s = rng_one_in(r, 2) ? 10 : 0;
    for (size_t i = rng_between(r, 3, 10); i > 0 && out->n_apps < SCENARIO_APPS; i--)
        out->app[out->n_apps++] = (struct app_plan){
            .kind = APP_ECHO, .up = 100, .port = 80, .at_us = rng_below(r, out->lasts_us)};
    for (size_t i = 0; i < out->n_apps; i++) {
        struct app_plan *a = &out->app[i];
        a->place = (unsigned)rng_between(r, 1, SIM_PORTS);
        a->early_us = rng_one_in(r, 2) ? rng_below(r, a->at_us + 1) : 0;
    }
    for (uint64_t i = rng_between(r, 1, 6); i > 0; i--)
        add_reload(r, out, TROUBLE_PORTS);
}

/* Congestion control as in the public network in every other one. */
static void random_flow(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed ^ UINT64_C(0xf109)}, *r = &rng;
    out->params = rng_one_in(r, 2) ? NULL : flows[rng_below(r, FLOWS)];
}

/* What an exit may do wrong to circuits that are joined. */
static const enum fault conflux_faults[] = {
    FAULT_CONFLUX_NO_LINKED,    FAULT_CONFLUX_LINKED_TWICE,  FAULT_CONFLUX_LINKED_OTHER,
    FAULT_CONFLUX_LINKED_LOSES, FAULT_CONFLUX_LINKED_COUNTS, FAULT_CONFLUX_LINK_BACK,
    FAULT_CONFLUX_SWITCHES,     FAULT_CONFLUX_SWITCH_FAR,    FAULT_CONFLUX_FLOOD,
    FAULT_CONFLUX_SWITCH_LOST,
};

/* Legs that are lost while both carry something, or exits that cheat. */
static void add_conflux_trouble(struct rng *r, struct scenario *out)
{
    struct trouble t = {.at_us = rng_below(r, out->lasts_us), .client_links = true};
    t.until_us = t.at_us + rng_between(r, 1, 20000) * SIM_MS;
    t.node = (size_t)rng_below(r, out->authorities + out->relays);
    t.to_client = rng_one_in(r, 2);
    switch (rng_below(r, 4)) {
    case 0:
        t.kind = TROUBLE_CUT;
        t.n = (int64_t)rng_below(r, 400000);
        break;
    case 1:
        t.kind = TROUBLE_DESTROY;
        t.n = (int64_t)rng_below(r, 13);
        break;
    case 2:
        t.kind = TROUBLE_STOP;
        break;
    default:
        t.kind = TROUBLE_FAULT;
        t.node = out->authorities + out->relays - 1 - (size_t)rng_below(r, out->exits);
        t.n = (int64_t)rng_between(r, 1, 20);
        t.fault = conflux_faults[rng_below(r, sizeof conflux_faults / sizeof conflux_faults[0])];
        break;
    }
    if (out->n_troubles < SCENARIO_TROUBLES)
        out->trouble[out->n_troubles++] = t;
}

/* Sets of circuits in every third one, mostly on wires whose delays differ, so that each leg is now
 * before the other and now behind; often with more to carry, when there are some. */
static void random_conflux(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed ^ UINT64_C(0xcf1c)}, *r = &rng;
    out->conflux = rng_one_in(r, 3);
    if (!out->conflux)
        return;
    if (!out->jitter_us && rng_one_in(r, 2))
        out->jitter_us = rng_below(r, 30000);
    if (!out->bytes_per_ms && rng_one_in(r, 2))
        out->bytes_per_ms = rng_between(r, 200, 2000);
    for (uint64_t i = rng_between(r, 0, 3); i > 0 && out->n_apps < SCENARIO_APPS; i--)
        out->app[out->n_apps++] = (struct app_plan){
            .kind = rng_one_in(r, 2) ? APP_TALK : APP_ECHO,
            .at_us = rng_below(r, out->lasts_us),
            .up = rng_one_in(r, 3) ? rng_between(r, 50000, 400000) : rng_between(r, 1, 1000),
            .down = rng_between(r, 1, 600000),
            .port = 80,
        };
    for (uint64_t i = rng_below(r, 3); i > 0; i--)
        add_conflux_trouble(r, out);
}

/* Relays that carry no more than so much, in every twelfth one. */
static void random_rate(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed ^ UINT64_C(0x4a7e)}, *r = &rng;
    if (rng_one_in(r, 12))
        out->relay_rate = rng_between(r, 200, 2000) * 1000;
}

void scenario_random(uint64_t seed, struct scenario *out)
{
    struct rng rng = {seed * UINT64_C(0xd1342543de82ef95) + 1}, *r = &rng;
    *out = (struct scenario){.seed = seed};
    snprintf(out->name, sizeof out->name, "%llu", (unsigned long long)seed);
    out->authorities = rng_one_in(r, 3) ? 3 : 1;
    out->relays = (unsigned)rng_between(r, 6, 11);
    out->exits = (unsigned)rng_between(r, 2, 3);
    out->clients = rng_one_in(r, 6) ? 2 : 1;
    out->exit_policy = policies[rng_below(r, POLICIES)];
    out->delay_us = rng_one_in(r, 4) ? 10 : rng_between(r, 100, 80000);
    out->jitter_us = rng_one_in(r, 2) ? 0 : rng_below(r, 20000);
    out->bytes_per_ms = rng_one_in(r, 3) ? rng_between(r, 200, 20000) : 0;
    out->wire_cap = (size_t)rng_between(r, 8, 256) * 1024;
    out->fragments = rng_one_in(r, 3) ? (unsigned)rng_between(r, 1, 20) : 0;
    out->same_subnet = rng_one_in(r, 3);
    out->families = rng_one_in(r, 3);
    out->distinct_subnets = rng_one_in(r, 2);
    if (out->same_subnet || out->families) /* room for three hops apart from each other */
        out->relays = (unsigned)rng_between(r, 9, 12);
    random_lists(seed, out);
    out->lasts_us = rng_between(r, 2, 40) * SIM_SECOND;
    out->n_apps = (size_t)rng_between(r, 1, 6);
    for (size_t i = 0; i < out->n_apps; i++)
        random_app(r, &out->app[i], out->lasts_us);
    out->n_troubles = rng_one_in(r, 3) ? 0 : (size_t)rng_between(r, 1, 3);
    for (size_t i = 0; i < out->n_troubles; i++)
        random_trouble(r, out, &out->trouble[i]);
    random_ports(seed, out);
    random_flow(seed, out);
    random_conflux(seed, out);
    random_rate(seed, out);
    out->steered = seed % 4 == 0;
    out->watched = seed % 4 == 2;
}

const char *trouble_name(enum trouble_kind kind)
{
    static const char *const names[] = {
        [TROUBLE_CUT] = "link cut",
        [TROUBLE_STOP] = "node stopped",
        [TROUBLE_FLIP] = "cell changed",
        [TROUBLE_DROP] = "cell lost",
        [TROUBLE_TWICE] = "cell doubled",
        [TROUBLE_SWAP] = "cells swapped",
        [TROUBLE_DESTROY] = "circuits destroyed",
        [TROUBLE_FAULT] = "node breaks a rule",
        [TROUBLE_CLOCK] = "clock jumps",
        [TROUBLE_LEAP] = "client stands still",
        [TROUBLE_MEMORY] = "allocation fails",
        [TROUBLE_RESTART] = "client restarts",
        [TROUBLE_KILL] = "client is killed",
        [TROUBLE_NETWORK] = "network down",
        [TROUBLE_SILENCE] = "packets lost",
        [TROUBLE_NEWNYM] = "new identity",
        [TROUBLE_DIRECTORY] = "directory lies",
        [TROUBLE_GUARDS] = "guards stopped",
        [TROUBLE_OPTIONS] = "new options",
        [TROUBLE_PORTS] = "new ports",
        [TROUBLE_DISABLED] = "network disabled",
    };
    return names[kind];
}

static void print_app(const struct app_plan *a, size_t i)
{
    static const char *const kinds[] = {"talk", "echo", "resolve", "refused"};
    printf("  app %zu: %s at %.3f s, %llu up, %llu down, port %u", i, kinds[a->kind],
           (double)a->at_us / 1e6, (unsigned long long)a->up, (unsigned long long)a->down, a->port);
    if (a->isolation)
        printf(", isolation %u", a->isolation);
    if (a->place)
        printf(", place %u", a->place);
    if (a->by_port || a->by_addr)
        printf(", by%s%s", a->by_port ? " port" : "", a->by_addr ? " address" : "");
    if (a->close_at)
        printf(", closes at %llu", (unsigned long long)a->close_at);
    if (a->server_close)
        printf(", server %s at %llu", a->server_reset ? "breaks" : "closes",
               (unsigned long long)a->server_close);
    if (a->read_us)
        printf(", reads slowly");
    if (a->server_us)
        printf(", slow server");
    printf("\n");
}

void scenario_print(const struct scenario *sc)
{
    printf("flow control: %s%s\n", sc->params ? sc->params : "as usual",
           sc->conflux ? ", conflux" : "");
    printf("scenario %s: %u authorities, %u relays, %u of them exits (%s), %u clients\n"
           "  delay %llu us, jitter %llu us, %llu bytes/ms, relays %llu bytes/s, cap %zu, "
           "fragments 1/%u%s%s%s\n",
           sc->name, sc->authorities, sc->relays, sc->exits,
           sc->exit_policy ? sc->exit_policy : "accept *:*", sc->clients,
           (unsigned long long)sc->delay_us, (unsigned long long)sc->jitter_us,
           (unsigned long long)sc->bytes_per_ms, (unsigned long long)sc->relay_rate, sc->wire_cap,
           sc->fragments, sc->same_subnet ? ", /16s in pairs" : "",
           sc->families ? ", families" : "",
           sc->distinct_subnets ? ", EnforceDistinctSubnets" : "");
    static const char *const lists[] = {"no node lists", "EntryNodes", "ExcludeNodes",
                                        "ExcludeNodes with StrictNodes", "ReachableAddresses"};
    printf("  %s of seed %llu%s%s\n", lists[sc->lists], (unsigned long long)sc->lists_seed,
           sc->lists_always ? " from the beginning" : "", sc->fallback ? ", a fallback" : "");
    for (size_t i = 0; i < sc->n_apps; i++)
        print_app(&sc->app[i], i);
    for (size_t i = 0; i < sc->n_troubles; i++) {
        const struct trouble *t = &sc->trouble[i];
        printf("  trouble %zu: %s at %.3f s until %.3f s, node %zu, client %zu, n %lld%s%s\n", i,
               trouble_name(t->kind), (double)t->at_us / 1e6, (double)t->until_us / 1e6, t->node,
               t->client, (long long)t->n,
               t->kind == TROUBLE_FAULT || t->kind == TROUBLE_DIRECTORY ? ", " : "",
               t->kind == TROUBLE_FAULT || t->kind == TROUBLE_DIRECTORY
                   ? fault_name((enum fault)t->fault)
                   : "");
    }
}
