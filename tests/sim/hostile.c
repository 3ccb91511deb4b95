/* Hostile peers: what has brought Tor clients down or led them astray, each as a scenario named
 * after its published id (docs/hostile-peers.md). The peers misbehave from the first second on for
 * two minutes; then the client must work again, and all along every invariant must hold. */
#include <stdio.h>
#include <string.h>

#include "faults/faults.h"
#include "sim/sim.h"

enum { DIFF_INTERVAL_S = 400, FAULTS_AT_ONCE = 3, MISBEHAVE_S = 120, NONE = FAULTS };

#define BYTES_DOWN UINT64_C(300000)

struct hostile {
    const char *id;
    unsigned fault[FAULTS_AT_ONCE]; /* all nodes do it; NONE: no more */
    enum app_kind kind;
    const char *says; /* in the client's log: it noticed, and did no more than it must */
    void (*more)(struct scenario *sc);
};

static void add_trouble(struct scenario *sc, struct trouble t)
{
    sc->trouble[sc->n_troubles++] = t;
}

/* Sends fail and peers go while everything is busy, so that whatever closes, closes inside a call
 * of its own. */
static void cut_under_load(struct scenario *sc)
{
    for (size_t i = 0; i < 8; i++) {
        sc->app[sc->n_apps++] = (struct app_plan){.kind = APP_ECHO,
                                                  .at_us = 200 * SIM_MS + i * 10 * SIM_MS,
                                                  .up = 200000,
                                                  .port = 80,
                                                  .isolation = (unsigned)i % 3,
                                                  .close_in_callback = i % 2 == 0};
        add_trouble(sc, (struct trouble){.kind = TROUBLE_CUT,
                                         .at_us = (i + 1) * 300 * SIM_MS,
                                         .until_us = (i + 2) * 300 * SIM_MS,
                                         .n = (int64_t)(i * 7919 % 40000),
                                         .client_links = true});
    }
}

/* Ends while streams are open, again and again. */
static void end_in_the_midst(struct scenario *sc)
{
    for (size_t i = 0; i < 6; i++) {
        sc->app[sc->n_apps++] = (struct app_plan){.kind = APP_TALK,
                                                  .at_us = i * 4 * SIM_SECOND + 100 * SIM_MS,
                                                  .up = 100000,
                                                  .down = 2000000,
                                                  .port = 80};
        add_trouble(sc, (struct trouble){.kind = i % 2 ? TROUBLE_KILL : TROUBLE_RESTART,
                                         .at_us = (i * 4 + 2) * SIM_SECOND + i * 77 * SIM_MS});
    }
}

/* Exits that come back after DESTROY of everything, with little room on the wire. */
static void squeeze(struct scenario *sc)
{
    sc->wire_cap = 4096;
    for (size_t i = 0; i < 4; i++)
        add_trouble(sc, (struct trouble){.kind = TROUBLE_DESTROY,
                                         .at_us = (i + 2) * SIM_SECOND,
                                         .node = sc->authorities + 2 * i,
                                         .n = 1});
}

/* Relays in families and in shared /16s: the oracle looks at every circuit. */
static void relatives(struct scenario *sc)
{
    sc->relays = 12;
    sc->families = sc->same_subnet = sc->distinct_subnets = true;
    for (size_t i = 0; i < 12; i++)
        sc->app[sc->n_apps++] = (struct app_plan){.kind = APP_ECHO,
                                                  .at_us = 200 * SIM_MS + i * SIM_SECOND,
                                                  .up = 1000,
                                                  .port = 80,
                                                  .isolation = (unsigned)i + 1};
}

/* A consensus is believed until there is the next one: soon. */
static void soon_another(struct scenario *sc)
{
    sc->interval_s = 600;
}

/* Liars whose turn comes with the second consensus: the first is fetched of honest servers. */
static void diffs_soon(struct scenario *sc)
{
    sc->interval_s = DIFF_INTERVAL_S;
    sc->lasts_us = 4 * DIFF_INTERVAL_S * SIM_SECOND;
    for (size_t i = 0; i < sc->n_troubles; i++) {
        sc->trouble[i].at_us = 20 * SIM_SECOND;
        sc->trouble[i].until_us = 3 * DIFF_INTERVAL_S * SIM_SECOND;
    }
}

/* Enough for SENDMEs to come. */
static void upload(struct scenario *sc)
{
    for (size_t i = 0; i < sc->n_apps; i++)
        sc->app[i].up = 60000;
}

/* As many bytes as two XOFFs stand for, so that only the second one's coming too soon is wrong. */
static void upload_twice_500_kb(struct scenario *sc)
{
    for (size_t i = 0; i < sc->n_apps; i++)
        sc->app[i].up = 1000000;
    for (size_t i = 0; i < sc->n_troubles; i++)
        sc->trouble[i].n = 600;
}

/* More XONs at 500 kB than that many bytes account for. */
static void flood_of_xon(struct scenario *sc)
{
    upload_twice_500_kb(sc);
    for (size_t i = 0; i < sc->n_troubles; i++)
        sc->trouble[i].n = 20;
}

/* Relays without CGO, whose messages have no SENDMEs for streams. */
static void of_old(struct scenario *sc)
{
    upload(sc);
    sc->protos = "Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 "
                 "Relay=2-4";
}

/* Downloads by sets of two circuits, which take turns. */
static void by_conflux(struct scenario *sc)
{
    sc->conflux = true;
    sc->jitter_us = 4000;
    sc->bytes_per_ms = 500;
    for (size_t i = 0; i < sc->n_apps; i++)
        sc->app[i].down = 1000000;
}

static void by_conflux_upload(struct scenario *sc)
{
    by_conflux(sc);
    upload(sc);
}

/* An exit that floods us with what is out of turn. */
static void little_held(struct scenario *sc)
{
    by_conflux(sc);
    sc->params = "cfx_max_oooq_bytes=20000";
    for (size_t i = 0; i < sc->n_troubles; i++)
        sc->trouble[i].n = 5;
}

/* Long after it has asked, and while it goes on without. */
static void unanswered(struct scenario *sc)
{
    by_conflux(sc);
    sc->app[sc->n_apps++] = (struct app_plan){
        .kind = APP_TALK, .at_us = 90 * SIM_SECOND, .up = 1000, .down = 1000, .port = 80};
}

#define F(a)                  \
    {                         \
        FAULT_##a, NONE, NONE \
    }
#define F2(a, b)                   \
    {                              \
        FAULT_##a, FAULT_##b, NONE \
    }
#define NO_FAULT         \
    {                    \
        NONE, NONE, NONE \
    }

static const struct hostile hostiles[] = {
    {"TROVE-2026-003", F(CIRC_LONG_REPLY), APP_TALK, "EXTENDED2 from hop 1, length 67", NULL},
    {"TROVE-2026-006", F(LINK_CERTS_LATE), APP_TALK,
     "AUTH_CHALLENGE cell (command 130) before CERTS", NULL},
    {"TROVE-2026-008", F(CIRC_CONFLUX), APP_TALK, "CONFLUX_LINKED from hop 3, length 50", NULL},
    {"TROVE-2026-004", F(CONFLUX_LINKED_OTHER), APP_TALK, "CONFLUX_LINKED from hop 3, length 50",
     by_conflux},
    {"TROVE-2026-010", F(CONFLUX_FLOOD), APP_TALK,
     "conflux set is over: too much came before its turn", little_held},
    {"conflux-linked-twice", F(CONFLUX_LINKED_TWICE), APP_TALK,
     "CONFLUX_LINKED from hop 3, length 50", by_conflux},
    {"conflux-linked-loses", F(CONFLUX_LINKED_LOSES), APP_TALK,
     "conflux set is over: a new leg would lose messages", by_conflux},
    {"conflux-linked-counts", F(CONFLUX_LINKED_COUNTS), APP_TALK,
     "conflux set is over: the other side counts messages that were not sent", by_conflux},
    {"conflux-link-back", F(CONFLUX_LINK_BACK), APP_TALK, "CONFLUX_LINK from hop 3, length 50",
     by_conflux},
    {"conflux-no-linked", F(CONFLUX_NO_LINKED), APP_TALK, "CONFLUX_LINK is not answered",
     unanswered},
    {"conflux-switches", F(CONFLUX_SWITCHES), APP_TALK, "CONFLUX_SWITCH from hop 3, length 4",
     by_conflux},
    {"conflux-switch-far", F(CONFLUX_SWITCH_FAR), APP_TALK,
     "conflux set is over: a message is lost", by_conflux},
    {"conflux-switch-lost", F(CONFLUX_SWITCH_LOST), APP_TALK,
     "conflux set is over: a message came twice", by_conflux},
    {"conflux-xoff-early", F(STREAM_XOFF), APP_TALK, "XOFF from hop 3, length 1", by_conflux},
    {"conflux-xon-early", F(STREAM_XON), APP_TALK, "XON from hop 3, length 5", by_conflux},
    {"conflux-wrong-tag", F(CIRC_SENDME_WRONG_TAG), APP_TALK, "SENDME from hop 3, length 19",
     by_conflux_upload},
    {"conflux-flood", F(CIRC_FLOOD), APP_TALK, "DROP from hop 3", by_conflux},
    {"TROVE-2026-009", F(CIRC_FLOOD), APP_TALK, "DROP from hop 3", squeeze},
    {"TROVE-2026-011-end", F(STREAM_END_EMPTY), APP_TALK, "END from hop 3, length 0", NULL},
    {"TROVE-2026-011-truncated", F(CIRC_TRUNCATED_EMPTY), APP_TALK,
     "TRUNCATED from hop 1, length 0", NULL},
    {"TROVE-2026-016", NO_FAULT, APP_TALK, NULL, end_in_the_midst},
    {"TROVE-2026-017", NO_FAULT, APP_TALK, "TCP failed during use", cut_under_load},
    {"TROVE-2026-018", F(STREAM_RESOLVE_XOFF), APP_RESOLVE, "XOFF from hop 3, length 1", NULL},
    {"cc-increment", F(NTOR3_CC_INC), APP_TALK, "EXTENDED2 from hop 2", NULL},
    {"cc-sendme-early", F(CIRC_SENDME_EARLY), APP_TALK, "SENDME from hop 3, length 19", NULL},
    {"cc-sendme-wrong-tag", F(CIRC_SENDME_WRONG_TAG), APP_TALK, "SENDME from hop 3, length 19",
     upload},
    {"cc-sendme-v0", F(CIRC_SENDME_V0), APP_TALK, "SENDME from hop 3, length 0", upload},
    {"cc-sendme-stream", F(SENDME_CC_STREAM), APP_TALK, "SENDME from hop 3, length 0", of_old},
    {"xoff-early", F(STREAM_XOFF), APP_TALK, "XOFF from hop 3, length 1", NULL},
    {"xon-early", F(STREAM_XON), APP_TALK, "XON from hop 3, length 5", NULL},
    {"xoff-unknown", F(STREAM_XOFF_UNKNOWN), APP_TALK, "XOFF from hop 3, length 1", NULL},
    {"xoff-twice", F(STREAM_XOFF_TWICE), APP_TALK, "XOFF from hop 3, length 1",
     upload_twice_500_kb},
    {"xon-flood", F(STREAM_XON_FLOOD), APP_TALK, "XON from hop 3, length 5", flood_of_xon},
    {"TROVE-2026-019", F(DIR_BAD_DIGEST_ALG), APP_TALK, "0 good signatures of known authorities",
     NULL},
    {"TROVE-2026-021", F(DIR_ZLIB_CUT), APP_TALK, "message ends too early", NULL},
    {"TROVE-2026-022", F2(DIR_BOMB, DIR_CONCATENATED), APP_TALK, "expands beyond all bounds", NULL},
    {"TROVE-2026-24", F(DIR_BAD_UTF8), APP_TALK, "can't be read", NULL},
    {"TROVE-2024-003", NO_FAULT, APP_TALK, NULL, relatives},
    {"bug-41171", F(STREAM_END_INTERNAL), APP_TALK, NULL, NULL},
    {"bug-41264", F(DIR_WRONG_MICRODESC), APP_TALK, "that were not asked for", NULL},
    {"bug-41276", F(DIR_EVIL_ADDRESS), APP_TALK, NULL, soon_another},
    {"liar-stale", F(DIR_OLD), APP_TALK, "Our clock is", NULL},
    {"liar-strangers", F(DIR_STRANGERS), APP_TALK, "of unknown authorities", NULL},
    {"liar-drip", F(DIR_DRIP), APP_TALK, NULL, NULL},
    {"liar-nothing", F(DIR_404), APP_TALK, "answers with status 404", NULL},
    {"liar-busy", F(DIR_503), APP_TALK, "answers with status 503", NULL},
    {"liar-redirect", F(DIR_REDIRECT), APP_TALK, "answers with status 302", NULL},
    {"liar-date", F(DIR_YEARS_OFF), APP_TALK, "Our clock is 3650 d 0 h behind", NULL},
    {"liar-garbage", F2(DIR_GARBAGE, DIR_MISNAMED), APP_TALK, "No answer from directory", NULL},
    {"liar-diff-wrong", F(DIR_DIFF_WRONG), APP_TALK, "diff of the consensus", diffs_soon},
    {"liar-diff-chain", F(DIR_DIFF_CHAIN), APP_TALK, "diff of the consensus", diffs_soon},
    {"liar-never-newer", F(DIR_ALWAYS_304), APP_TALK, "answers with status 304", diffs_soon},
};

static void fill(const struct hostile *h, struct scenario *sc)
{
    *sc = (struct scenario){.seed = 20,
                            .authorities = 3,
                            .relays = 8,
                            .exits = 3,
                            .clients = 1,
                            .delay_us = 5000,
                            .wire_cap = 64 * 1024,
                            .lasts_us = MISBEHAVE_S * SIM_SECOND,
                            .says = h->says,
                            .must_act = true};
    snprintf(sc->name, sizeof sc->name, "%s", h->id);
    for (size_t i = 0; i < 3; i++)
        sc->app[sc->n_apps++] = (struct app_plan){.kind = h->kind,
                                                  .at_us = 100 * SIM_MS + i * 20 * SIM_SECOND,
                                                  .up = h->kind == APP_RESOLVE ? 0 : 1000,
                                                  .down = BYTES_DOWN,
                                                  .port = 80};
    for (size_t i = 0; i < FAULTS_AT_ONCE && h->fault[i] != NONE; i++)
        add_trouble(sc, (struct trouble){.kind = TROUBLE_DIRECTORY,
                                         .at_us = 1,
                                         .until_us = MISBEHAVE_S * SIM_SECOND,
                                         .fault = h->fault[i],
                                         .n = 1});
    if (h->more)
        h->more(sc);
}

const char *scenario_hostile_name(size_t i)
{
    return i < sizeof hostiles / sizeof hostiles[0] ? hostiles[i].id : NULL;
}

bool scenario_hostile(const char *name, struct scenario *out)
{
    for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++)
        if (strcmp(hostiles[i].id, name) == 0) {
            fill(&hostiles[i], out);
            return true;
        }
    return false;
}
