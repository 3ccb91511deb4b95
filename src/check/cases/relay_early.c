/* RELAY_EARLY (tor-spec 5.6). */
#include "check/pcirc.h"
#include "check/sections.h"

enum { EARLY_MOST = 8 };

static void send_early(struct pcirc *c, unsigned n)
{
    while (c && n--)
        pcirc_send_early(c, 1, RELAY_DROP, "", 0);
}

static void eight(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    send_early(c, EARLY_MOST);
    pcirc_await_alive(c);
}

static void nine(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    send_early(c, EARLY_MOST + 1);
    (void)pcirc_await_destroy(c);
}

static void counts_apart(struct trial *t)
{
    struct pcirc *one = pcirc_fast(t);
    struct pcirc *two = one ? pcirc_fast_on(one->p) : NULL;
    send_early(one, EARLY_MOST);
    send_early(two, EARLY_MOST);
    pcirc_await_alive(one);
    pcirc_await_alive(two);
}

static void begin_dir_in_early(struct trial *t, struct probe_cell *answer)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    if (!c)
        return;
    c->by_early = true;
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    trial_awaits(t, "an answer");
    (void)probe_next(c->p, answer);
}

static void any_message(struct trial *t)
{
    struct probe_cell cell = {0};
    begin_dir_in_early(t, &cell);
    TRIAL_EXPECT(t, cell.cmd == CELL_RELAY || cell.cmd == CELL_RELAY_EARLY,
                 "what came is no relay cell");
}

static void never_inbound(struct trial *t)
{
    struct probe_cell cell = {0};
    begin_dir_in_early(t, &cell);
    TRIAL_EXPECT(t, cell.cmd != CELL_RELAY_EARLY, "the answer is in RELAY_EARLY");
}

/* ---- over two hops; EXTEND2 is what relays judge by the cell that it comes in ---- */

static const uint8_t malformed[RELAY_DATA_MAX] = {200};

static void passed_on(struct trial *t)
{
    struct pcirc *c = pcirc_two_hops(t);
    pcirc_send_early(c, 2, RELAY_EXTEND2, malformed, sizeof malformed);
    (void)pcirc_await_cut(c);
}

static void not_made(struct trial *t)
{
    struct pcirc *c = pcirc_two_hops(t);
    pcirc_send(c, 2, RELAY_EXTEND2, 0, malformed, sizeof malformed);
    pcirc_await_alive(c);
}

static const struct check_case cases[] = {
    {"relay-early/eight", CHECK_MUST, "tor-spec 5.6", "takes 8 RELAY_EARLY cells on a circuit",
     eight, NEEDS_NOTHING},
    {"relay-early/nine", CHECK_SHOULD, "tor-spec 5.6",
     "closes the circuit if more than 8 RELAY_EARLY cells come", nine, NEEDS_NOTHING},
    {"relay-early/counts", CHECK_MUST, "tor-spec 5.6", "counts the cells of each circuit apart",
     counts_apart, NEEDS_NOTHING},
    {"relay-early/any-message", CHECK_MUST, "tor-spec 5.6",
     "takes any message in RELAY_EARLY, not EXTEND2 only", any_message, NEEDS_NOTHING},
    {"relay-early/never-inbound", CHECK_MUST, "tor-spec 5.6",
     "answers in RELAY, never in RELAY_EARLY", never_inbound, NEEDS_NOTHING},
    {"relay-early/passed-on", CHECK_MUST, "tor-spec 5.6",
     "passes RELAY_EARLY on to the next relay as RELAY_EARLY", passed_on, NEEDS_NEXT},
    {"relay-early/not-made", CHECK_MUST, "tor-spec 5.6", "passes RELAY on as RELAY", not_made,
     NEEDS_NEXT},
};
const struct check_section check_relay_early = {"relay-early", "RELAY_EARLY", cases,
                                                sizeof cases / sizeof *cases};
