/* Padding of the link and its negotiation (padding-spec 2, tor-spec 7.2). */
#include "check/pcirc.h"
#include "check/sections.h"

/* C tor heeds the low one of the timeouts asked for, but pads no sooner than by its consensus'
 * range. */
enum {
    LOW_MS = 1500, /* nf_ito_low and nf_ito_high, if the consensus does not say otherwise */
    HIGH_MS = 9500,
    LATE_MS = 2000, /* what a relay may take in addition */
    EARLY_MS = 100  /* how rough its clock may be */
};

static void negotiate(struct probe *p, enum chan_padding_cmd command, uint16_t ms)
{
    struct chan_padding_negotiate m = {.command = (uint8_t)command};
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    if (command == CHAN_PADDING_START)
        m.ito_low_ms = m.ito_high_ms = ms;
    if (p && chan_padding_negotiate_encode(&w, &m) == OK)
        probe_cell(p, 0, CELL_PADDING_NEGOTIATE, body, w.len);
}

/* ---- what is taken ---- */

static void at_any_time(struct trial *t)
{
    struct probe *p = probe_link(t);
    probe_await_alive(p);
    negotiate(p, CHAN_PADDING_STOP, 0);
    negotiate(p, CHAN_PADDING_START, 0);
    probe_await_alive(p);
}

static void is_dropped(struct probe *p, uint8_t version, uint8_t command)
{
    const uint8_t body[] = {version, command, 0x10, 0, 0x20, 0};
    probe_cell(p, 0, CELL_PADDING_NEGOTIATE, body, sizeof body);
    probe_await_alive(p);
}

static void unknown_version(struct trial *t)
{
    is_dropped(probe_link(t), 1, CHAN_PADDING_STOP);
}

static void unknown_command(struct trial *t)
{
    is_dropped(probe_link(t), 0, 77);
}

static void link_4(struct trial *t)
{
    static const uint16_t versions[] = {4};
    is_dropped(probe_link_by(t, versions, 1), 0, CHAN_PADDING_STOP);
}

/* ---- what becomes of it ---- */

/* A link that carries a circuit of two hops; from here on it shows padding. */
static struct probe *multihop(struct trial *t)
{
    struct check_next next;
    if (!pcirc_find_next(t, &next))
        return NULL;
    struct probe *p = probe_link(t);
    struct pcirc *c = pcirc_ntor_on(p);
    pcirc_extend(c, &next);
    pcirc_send(c, 1, RELAY_DROP, 0, NULL, 0);
    if (p)
        p->shows_padding = true;
    return p;
}

/* PADDING, and how long it took. */
static uint32_t await_padding(struct probe *p)
{
    struct probe_cell cell;
    if (!p || !trial_goes_on(p->t))
        return 0;
    uint64_t from_us = p->t->run->env->mono_us;
    trial_awaits(p->t, "PADDING");
    err_t e = probe_poll(p, HIGH_MS + LATE_MS, &cell);
    TRIAL_EXPECT(p->t, e == OK && cell.cmd == CELL_PADDING, "no PADDING came within %u ms",
                 (unsigned)HIGH_MS + LATE_MS);
    return (uint32_t)((p->t->run->env->mono_us - from_us) / US_PER_MS);
}

static void pads(struct trial *t)
{
    struct probe *p = multihop(t);
    negotiate(p, CHAN_PADDING_START, LOW_MS);
    (void)await_padding(p);
}

static void keeps_timeouts(struct trial *t)
{
    struct probe *p = multihop(t);
    negotiate(p, CHAN_PADDING_START, HIGH_MS);
    uint32_t ms = await_padding(p);
    TRIAL_EXPECT(t, ms + EARLY_MS >= HIGH_MS, "PADDING came after %u ms, not %u", (unsigned)ms,
                 (unsigned)HIGH_MS);
}

/* PADDING comes over P, the later the more is proved: none has come over QUIET by then. */
static void only_first(struct probe *p, struct probe *quiet)
{
    struct probe_cell cell;
    negotiate(p, CHAN_PADDING_START, HIGH_MS);
    (void)await_padding(p);
    if (!quiet || !trial_goes_on(quiet->t))
        return;
    trial_awaits(quiet->t, "no PADDING on the other connection");
    TRIAL_EXPECT(quiet->t, probe_poll(quiet, 0, &cell) == ERR_MORE, "%s came there",
                 chan_cmd_name(cell.cmd));
}

static void stops(struct trial *t)
{
    struct probe *p = multihop(t), *quiet = multihop(t);
    negotiate(quiet, CHAN_PADDING_START, LOW_MS);
    negotiate(quiet, CHAN_PADDING_STOP, 0);
    only_first(p, quiet);
}

static void spares_directory(struct trial *t)
{
    struct probe *p = multihop(t), *quiet = probe_link(t);
    probe_await_alive(quiet);
    negotiate(quiet, CHAN_PADDING_START, LOW_MS);
    if (quiet)
        quiet->shows_padding = true;
    only_first(p, quiet);
}

static const struct check_case cases[] = {
    {"padding/any-time", CHECK_SHOULD, "padding-spec 2.5", "takes PADDING_NEGOTIATE at any time",
     at_any_time, NEEDS_NOTHING},
    {"padding/version", CHECK_MUST, "tor-spec 7.2",
     "ignores PADDING_NEGOTIATE of an unknown version", unknown_version, NEEDS_NOTHING},
    {"padding/command", CHECK_MUST, "tor-spec 7.2",
     "ignores PADDING_NEGOTIATE with an unknown command", unknown_command, NEEDS_NOTHING},
    {"padding/link-4", CHECK_SHOULD, "tor-spec 7.2",
     "ignores PADDING_NEGOTIATE under version 4 of the link protocol", link_4, NEEDS_NOTHING},
    {"padding/sent", CHECK_SHOULD, "padding-spec 2.2",
     "sends PADDING over a quiet link that carries a circuit of several hops", pads,
     NEEDS_KEY | NEEDS_NEXT},
    {"padding/timeouts", CHECK_SHOULD, "tor-spec 7.2",
     "sends no PADDING before the low timeout asked for", keeps_timeouts, NEEDS_KEY | NEEDS_NEXT},
    {"padding/stop", CHECK_SHOULD, "padding-spec 2.5", "sends no PADDING after STOP", stops,
     NEEDS_KEY | NEEDS_NEXT},
    {"padding/directory", CHECK_SHOULD, "padding-spec 2.2",
     "sends no PADDING over a link without circuits of several hops", spares_directory,
     NEEDS_KEY | NEEDS_NEXT},
};
const struct check_section check_padding = {"padding", "padding negotiation", cases,
                                            sizeof cases / sizeof *cases};
