/* Scenarios with a name: each is a function that fills one in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/faults.h"
#include "sim/sim.h"

/* A network in which nothing goes wrong, and nothing is done. */
static void plain(struct scenario *sc)
{
    sc->seed = 1;
    sc->authorities = 3;
    sc->relays = 8;
    sc->exits = 2;
    sc->clients = 1;
    sc->delay_us = 5000;
    sc->wire_cap = 64 * 1024;
    sc->lasts_us = SIM_SECOND;
}

static void add_app(struct scenario *sc, enum app_kind kind, uint64_t up, uint64_t down)
{
    sc->app[sc->n_apps++] =
        (struct app_plan){.kind = kind, .at_us = 100 * SIM_MS, .up = up, .down = down, .port = 80};
}

static void bootstrap(struct scenario *sc)
{
    plain(sc);
}

static void download(struct scenario *sc)
{
    plain(sc);
    add_app(sc, APP_TALK, 100, 1000000);
}

/* All relays carry 100 kB a second, and may carry 1 MB at once at first. */
static void slow_relays(struct scenario *sc)
{
    plain(sc);
    sc->relay_rate = 100000;
    sc->relay_burst = 1000000;
    add_app(sc, APP_TALK, 100, 3000000);
    add_app(sc, APP_TALK, 1000000, 1);
}

static void upload(struct scenario *sc)
{
    plain(sc);
    add_app(sc, APP_TALK, 1000000, 1);
}

/* Downloads over sets of two circuits, by which time there are some. */
static void conflux(struct scenario *sc)
{
    plain(sc);
    sc->conflux = true;
    sc->exits = 3;
    sc->jitter_us = 4000;
    sc->bytes_per_ms = 500;
    for (uint64_t i = 1; i <= 3; i++) {
        add_app(sc, APP_TALK, 100, 1000000);
        sc->app[sc->n_apps - 1].at_us = i * 6 * SIM_SECOND;
    }
}

static void conflux_up(struct scenario *sc)
{
    conflux(sc);
    for (size_t i = 0; i < sc->n_apps; i++)
        sc->app[i] = (struct app_plan){
            .kind = APP_ECHO, .at_us = sc->app[i].at_us, .up = 400000, .port = 80};
}

/* A relay that carries legs stops in the middle: what went over it ends, and others follow. */
static void conflux_guard_dies(struct scenario *sc)
{
    conflux(sc);
    for (size_t i = 0; i < 4; i++)
        sc->trouble[sc->n_troubles++] =
            (struct trouble){.kind = TROUBLE_STOP,
                             .node = sc->authorities + i,
                             .at_us = (6 + i * 3) * SIM_SECOND + 500 * SIM_MS,
                             .until_us = (8 + i * 3) * SIM_SECOND};
}

/* Links of the client that break while messages are under way on both legs. */
static void conflux_cut(struct scenario *sc)
{
    conflux(sc);
    for (size_t i = 0; i < 6; i++)
        sc->trouble[sc->n_troubles++] = (struct trouble){.kind = TROUBLE_CUT,
                                                         .at_us = (6 + i * 2) * SIM_SECOND,
                                                         .until_us = (8 + i * 2) * SIM_SECOND,
                                                         .n = 100000 + 70000 * (int64_t)i,
                                                         .client_links = true,
                                                         .to_client = true};
}

/* Both ways, to who reads slowly, by windows of streams. */
static void windows(struct scenario *sc)
{
    plain(sc);
    sc->params = "cc_alg=0";
    add_app(sc, APP_ECHO, 700000, 0);
    sc->app[0].read_us = 20 * SIM_MS;
    sc->app[0].read_piece = 20000;
}

static void restart(struct scenario *sc)
{
    download(sc);
    for (uint64_t i = 1; i <= 4; i++) {
        sc->trouble[sc->n_troubles++] =
            (struct trouble){.kind = TROUBLE_RESTART, .at_us = i * 5 * SIM_SECOND};
        add_app(sc, APP_ECHO, 1000, 0);
        sc->app[sc->n_apps - 1].at_us = (i * 5 + 2) * SIM_SECOND;
    }
}

/* What a start costs where nothing but the way takes time: a page is asked for at once. */
enum { WAY_MS = 50, RELAY_PAIRS = 38 };

static void add_page(struct scenario *sc, uint64_t at_us, unsigned ways)
{
    add_app(sc, APP_ECHO, 600, 0);
    sc->app[sc->n_apps - 1].at_us = at_us;
    sc->app[sc->n_apps - 1].ways = ways;
}

static void cold_page(struct scenario *sc)
{
    plain(sc);
    sc->delay_us = WAY_MS * SIM_MS;
    sc->clients = 2;
    for (unsigned i = 0; i < sc->clients; i++)
        add_page(sc, (i + 1) * SIM_MS, 57);
}

/* Before, so many circuits were built that relays have links to each other: there are few of them,
 * so that no pair is left out by chance. */
static void warm_page(struct scenario *sc)
{
    plain(sc);
    sc->relays = 4;
    sc->exits = 1;
    sc->delay_us = WAY_MS * SIM_MS;
    for (unsigned i = 0; i < RELAY_PAIRS; i++) {
        add_app(sc, APP_ECHO, 600, 0);
        sc->app[i].at_us = 10 * SIM_SECOND;
        sc->app[i].isolation = i + 1;
    }
    sc->trouble[sc->n_troubles++] =
        (struct trouble){.kind = TROUBLE_RESTART, .at_us = 60 * SIM_SECOND};
    add_page(sc, 61 * SIM_SECOND + SIM_MS, 31);
}

/* While build times are learnt circuits that nobody uses end after three minutes, and others are
 * built ahead: internal ones go on by the same few relays. */
static void ahead(struct scenario *sc)
{
    plain(sc);
    sc->relays = 12;
    sc->exits = 3;
    sc->lasts_us = 1500 * SIM_SECOND;
    for (uint64_t s = 2; s < 1500; s += 300) {
        add_app(sc, APP_ECHO, 1000, 0);
        sc->app[sc->n_apps - 1].at_us = s * SIM_SECOND;
    }
}

/* The machine sleeps for an hour, and later its clock is set; each time somebody wants something
 * soon before and soon after. The evening's stream goes on. */
static void sleeps(struct scenario *sc)
{
    plain(sc);
    sc->lasts_us = 60 * SIM_SECOND;
    add_app(sc, APP_ECHO, 40000, 0);
    sc->app[0].piece = 400;
    sc->app[0].pause_us = 200 * SIM_MS;
    for (uint64_t s = 10; s <= 30; s += 10) {
        add_app(sc, APP_ECHO, 1000, 0);
        sc->app[sc->n_apps - 1].at_us = (s - 2) * SIM_SECOND;
        add_app(sc, APP_ECHO, 1000, 0);
        sc->app[sc->n_apps - 1].at_us = s * SIM_SECOND + SIM_MS;
    }
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_LEAP, .at_us = 10 * SIM_SECOND, .n = 3600 * (int64_t)SIM_SECOND};
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_CLOCK, .at_us = 20 * SIM_SECOND, .until_us = 30 * SIM_SECOND, .n = 120};
}

/* The clock goes back by forty days, so that no consensus is in time, and options change meanwhile.
 * What the network is like is still known, and relays that ask for more SENDMEs than by default are
 * not taken for liars. */
static void out_of_time(struct scenario *sc)
{
    plain(sc);
    sc->params = "cc_sendme_inc=1 cc_cwnd_init=31 cc_cwnd_min=31";
    sc->all_served = sc->must_act = true;
    sc->lasts_us = 120 * SIM_SECOND;
    sc->trouble[sc->n_troubles++] = (struct trouble){.kind = TROUBLE_CLOCK,
                                                     .at_us = 5 * SIM_SECOND,
                                                     .until_us = 60 * SIM_SECOND,
                                                     .n = -40 * 24 * 3600};
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_PORTS, .at_us = 6 * SIM_SECOND, .until_us = 7 * SIM_SECOND};
    add_app(sc, APP_ECHO, 1000, 0);
    sc->app[0].at_us = 70 * SIM_SECOND;
}

/* Packets are lost for half a minute, in mid-download and with requests that come meanwhile and
 * soon after; nothing tells the client. */
static void silence(struct scenario *sc)
{
    plain(sc);
    sc->lasts_us = 60 * SIM_SECOND;
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_SILENCE, .at_us = 10 * SIM_SECOND, .until_us = 40 * SIM_SECOND};
    add_app(sc, APP_ECHO, 40000, 0);
    sc->app[0].piece = 400;
    sc->app[0].pause_us = 200 * SIM_MS;
    for (uint64_t s = 11; s <= 41; s += 6) {
        add_app(sc, APP_ECHO, 1000, 0);
        sc->app[sc->n_apps - 1].at_us = s * SIM_SECOND;
    }
    sc->soon_us = 5 * SIM_SECOND;
    sc->all_served = true;
}

/* A network that lets nothing through to any guard but one, which is not the first of this seed. */
static void blocked_guards(struct scenario *sc)
{
    plain(sc);
    sc->lasts_us = 200 * SIM_SECOND;
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_SILENCE, .at_us = 10 * SIM_SECOND, .until_us = 200 * SIM_SECOND, .n = 1};
    add_app(sc, APP_ECHO, 1000, 0);
    sc->app[0].at_us = 20 * SIM_SECOND;
    add_app(sc, APP_ECHO, 1000, 0);
    sc->app[1].at_us = 120 * SIM_SECOND;
    sc->all_served = true;
}

/* The consensus is here, and then there is no network for some minutes. */
static void away(struct scenario *sc)
{
    plain(sc);
    sc->delay_us = 50000;
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_NETWORK, .at_us = 650 * SIM_MS, .until_us = 300 * SIM_SECOND};
}

/* The user says whom not to dial, and all guards are away for a minute. */
static void picky(struct scenario *sc, enum lists lists, bool fallback)
{
    download(sc);
    sc->lists = lists;
    sc->lists_seed = 5;
    sc->lists_always = true;
    sc->fallback = fallback;
    sc->interval_s = 20;
    sc->lasts_us = 240 * SIM_SECOND;
    sc->trouble[sc->n_troubles++] = (struct trouble){
        .kind = TROUBLE_GUARDS, .at_us = 30 * SIM_SECOND, .until_us = 90 * SIM_SECOND};
}

static void entry_nodes(struct scenario *sc)
{
    picky(sc, LISTS_ENTRY, false);
}

static void strict_nodes(struct scenario *sc)
{
    picky(sc, LISTS_STRICT, true);
}

static void firewall(struct scenario *sc)
{
    picky(sc, LISTS_FIREWALL, true);
}

/* Two authorities of three and some guards send a byte a second; nobody waits for them. */
static void slow_directory(struct scenario *sc)
{
    plain(sc);
    sc->clients = 2;
    sc->lasts_us = 40 * SIM_SECOND;
    sc->all_served = true;
    sc->says = "is slow";
    static const size_t nodes[] = {0, 1, 3, 4, 5, 6};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
        sc->trouble[sc->n_troubles++] = (struct trouble){.kind = TROUBLE_FAULT,
                                                         .node = nodes[i],
                                                         .until_us = 40 * SIM_SECOND,
                                                         .fault = FAULT_DIR_DRIP,
                                                         .n = 1};
    add_app(sc, APP_ECHO, 1000, 0);
    add_app(sc, APP_ECHO, 1000, 0);
}

enum { NEWS_S = 400 };

static void news(struct scenario *sc)
{
    plain(sc);
    sc->interval_s = NEWS_S;
    sc->lasts_us = 8 * NEWS_S * SIM_SECOND;
    sc->all_served = true;
    add_app(sc, APP_ECHO, 1000, 0);
    add_app(sc, APP_ECHO, 1000, 0);
    sc->app[1].at_us = 7 * NEWS_S * SIM_SECOND;
}

/* All servers lie about what has changed, in one way and then in another; the whole they have. */
static void lying_diffs(struct scenario *sc)
{
    static const unsigned lies[] = {FAULT_DIR_DIFF_WRONG, FAULT_DIR_DIFF_CHAIN};
    news(sc);
    sc->must_act = true;
    sc->fresh_s = 1;
    sc->says = "The diff of the consensus";
    for (uint64_t i = 0; i < 2; i++)
        sc->trouble[sc->n_troubles++] =
            (struct trouble){.kind = TROUBLE_DIRECTORY,
                             .at_us = (20 + i * 4 * NEWS_S) * SIM_SECOND,
                             .until_us = (i + 1) * 4 * NEWS_S * SIM_SECOND,
                             .fault = lies[i],
                             .n = 1};
}

/* Whoever is no authority says that there is nothing newer, for ever: all guards, too. */
static void no_news(struct scenario *sc)
{
    news(sc);
    sc->fresh_s = NEWS_S;
    sc->says = "answers with status 304";
    for (size_t i = sc->authorities; i < sc->authorities + sc->relays; i++)
        sc->trouble[sc->n_troubles++] = (struct trouble){.kind = TROUBLE_FAULT,
                                                         .node = i,
                                                         .at_us = 20 * SIM_SECOND,
                                                         .until_us = sc->lasts_us,
                                                         .fault = FAULT_DIR_ALWAYS_304,
                                                         .n = 1};
}

/* At the start all servers have a consensus that somebody changed after it was signed. */
static void forged(struct scenario *sc)
{
    plain(sc);
    sc->all_served = sc->must_act = true;
    sc->lasts_us = 60 * SIM_SECOND;
    sc->says = "0 good signatures of known authorities";
    sc->trouble[sc->n_troubles++] = (struct trouble){.kind = TROUBLE_DIRECTORY,
                                                     .at_us = 1,
                                                     .until_us = 30 * SIM_SECOND,
                                                     .fault = FAULT_DIR_FORGED,
                                                     .n = 1};
    add_app(sc, APP_ECHO, 1000, 0);
}

void scenario_memory(uint64_t n, struct scenario *out)
{
    *out = (struct scenario){.seed = 0};
    download(out);
    snprintf(out->name, sizeof out->name, "memory-%llu", (unsigned long long)n);
    out->app[0].down = 20000;
    out->watched = n % 2;
    out->steered = !out->watched;
    out->conflux = n / 3 % 2; /* every other one, whether each number is tried or each third */
    if (out->conflux) {
        add_app(out, APP_ECHO, 200000, 0);
        out->app[1].at_us = 4 * SIM_SECOND;
    }
    out->trouble[out->n_troubles++] =
        (struct trouble){.kind = TROUBLE_MEMORY, .until_us = SIM_SECOND, .n = (int64_t)n, .m = 1};
}

/* More than any window holds, both ways at once. */
static void rendezvous(struct scenario *sc)
{
    plain(sc);
    sc->clients = 2;
    sc->meet_bytes = 600000;
}

static const struct {
    const char *name;
    void (*fill)(struct scenario *sc);
} named[] = {
    {"bootstrap", bootstrap},
    {"download", download},
    {"upload", upload},
    {"slow-relays", slow_relays},
    {"conflux", conflux},
    {"conflux-up", conflux_up},
    {"conflux-guard-dies", conflux_guard_dies},
    {"conflux-cut", conflux_cut},
    {"windows", windows},
    {"restart", restart},
    {"cold-page", cold_page},
    {"warm-page", warm_page},
    {"ahead", ahead},
    {"sleeps", sleeps},
    {"out-of-time", out_of_time},
    {"entry-nodes", entry_nodes},
    {"strict-nodes", strict_nodes},
    {"firewall", firewall},
    {"away", away},
    {"silence", silence},
    {"blocked-guards", blocked_guards},
    {"slow-directory", slow_directory},
    {"lying-diffs", lying_diffs},
    {"no-news", no_news},
    {"forged", forged},
    {"rendezvous", rendezvous},
};

const char *scenario_name(size_t i)
{
    return i < sizeof named / sizeof named[0] ? named[i].name : NULL;
}

bool scenario_named(const char *name, struct scenario *out)
{
    if (strncmp(name, "memory-", 7) == 0) {
        scenario_memory(strtoull(name + 7, NULL, 10), out);
        return true;
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(named[i].name, name) == 0) {
            *out = (struct scenario){.seed = 0};
            snprintf(out->name, sizeof out->name, "%s", name);
            named[i].fill(out);
            return true;
        }
    return false;
}
