/* TRUNCATE and DESTROY (tor-spec 5.4). */
#include <string.h>

#include "cell/reason.h"
#include "check/pcirc.h"
#include "check/sections.h"

enum { QUIET_MS = 200, UNKNOWN_REASON = 200 };

/* ---- TRUNCATE ---- */

/* TRUNCATE to the first hop, and TRUNCATED awaited; its reason. */
static uint8_t truncate(struct pcirc *c)
{
    const uint8_t reason[1] = {DESTROY_NONE};
    struct pmsg m;
    pcirc_send(c, 1, RELAY_TRUNCATE, 0, reason, sizeof reason);
    if (!pcirc_await(c, RELAY_TRUNCATED, 0, &m))
        return 0;
    TRIAL_EXPECT(c->p->t, m.hop == 1, "another relay than the first answers");
    TRIAL_EXPECT(c->p->t, m.len == 1, "TRUNCATED holds %zu bytes, not a reason", m.len);
    if (!trial_goes_on(c->p->t))
        return 0;
    uint8_t told = m.data[0];
    pcirc_cut(c, 1);
    return told;
}

static void truncate_answers(struct trial *t)
{
    (void)truncate(pcirc_two_hops(t));
}

static void truncate_reason(struct trial *t)
{
    uint8_t reason = truncate(pcirc_two_hops(t));
    TRIAL_EXPECT(t, reason == DESTROY_REQUESTED, "the reason is %s and not REQUESTED",
                 destroy_reason_name(reason));
}

static void truncate_keeps(struct trial *t)
{
    struct pcirc *c = pcirc_two_hops(t);
    (void)truncate(c);
    pcirc_await_alive(c);
}

static void truncate_extends(struct trial *t)
{
    struct pcirc *c = pcirc_two_hops(t);
    struct check_next next;
    (void)truncate(c);
    if (!pcirc_find_next(t, &next))
        return;
    pcirc_extend(c, &next);
    pcirc_await_alive(c);
}

static void truncate_at_end(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    (void)truncate(c);
    pcirc_await_alive(c);
}

/* ---- DESTROY from the client ---- */

static void destroy(struct pcirc *c, uint8_t reason)
{
    if (c)
        probe_cell(c->p, c->id, CELL_DESTROY, &reason, 1);
}

/* Another circuit is made under the id of C. */
static void id_is_free(struct pcirc *c)
{
    const uint8_t x[FAST_SKIN_LEN] = {7};
    struct probe_cell cell;
    if (!c)
        return;
    probe_cell(c->p, c->id, CELL_CREATE_FAST, x, sizeof x);
    if (probe_await(c->p, CELL_CREATED_FAST, &cell))
        TRIAL_EXPECT(c->p->t, cell.circ_id == c->id, "CREATED_FAST came for another circuit");
}

static void frees_id(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    destroy(c, DESTROY_NONE);
    id_is_free(c);
}

static void unknown_reason(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    destroy(c, UNKNOWN_REASON);
    id_is_free(c);
}

/* The circuit has a stream open, which ends without a word. */
static void says_no_more(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    (void)pcirc_begin_dir(c);
    destroy(c, DESTROY_NONE);
    if (!c)
        return;
    probe_await_alive(c->p);
    probe_await_silence(c->p, QUIET_MS);
}

/* Cells that were on their way when the client destroyed the circuit. */
static void ignores_data(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_begin_dir(c);
    destroy(c, DESTROY_NONE);
    pcirc_send(c, 1, RELAY_DATA, id, "GET /", 5);
    if (c)
        probe_await_alive(c->p);
}

static void ignores_second(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    destroy(c, DESTROY_NONE);
    destroy(c, DESTROY_NONE);
    if (c)
        probe_await_alive(c->p);
}

static void spares_others(struct trial *t)
{
    struct pcirc *one = pcirc_fast(t);
    struct pcirc *two = one ? pcirc_fast_on(one->p) : NULL;
    destroy(one, DESTROY_NONE);
    pcirc_await_alive(two);
}

/* The next relay has not noticed anything of the circuit that went over the same connection. */
static void spares_next(struct trial *t)
{
    struct pcirc *one = pcirc_two_hops(t);
    struct pcirc *two = one ? pcirc_fast_on(one->p) : NULL;
    struct check_next next;
    if (!pcirc_find_next(t, &next))
        return;
    pcirc_extend(two, &next);
    destroy(one, DESTROY_NONE);
    pcirc_await_alive(two);
}

/* ---- DESTROY from the next relay ---- */

/* The next relay refuses EXTEND2, which is malformed; what the client hears. */
static uint8_t next_ends(struct trial *t)
{
    const uint8_t malformed[RELAY_DATA_MAX] = {200};
    struct pcirc *c = pcirc_two_hops(t);
    pcirc_send_early(c, 2, RELAY_EXTEND2, malformed, sizeof malformed);
    return pcirc_await_cut(c);
}

static void tells_of_next(struct trial *t)
{
    (void)next_ends(t);
}

static void hides_why(struct trial *t)
{
    uint8_t reason = next_ends(t);
    TRIAL_EXPECT(t, reason == DESTROY_DESTROYED, "the reason is %s and not DESTROYED",
                 destroy_reason_name(reason));
}

static const struct check_case cases[] = {
    {"destroy/truncate", CHECK_MUST, "tor-spec 5.4", "answers TRUNCATE with TRUNCATED",
     truncate_answers, NEEDS_NEXT},
    {"destroy/truncate-reason", CHECK_SHOULD, "tor-spec 5.4", "says REQUESTED in TRUNCATED",
     truncate_reason, NEEDS_NEXT},
    {"destroy/truncate-keeps", CHECK_MUST, "tor-spec 5.4",
     "keeps what is left of the circuit after TRUNCATE", truncate_keeps, NEEDS_NEXT},
    {"destroy/truncate-extend", CHECK_SHOULD, "tor-spec 5.4",
     "extends a circuit anew after TRUNCATE", truncate_extends, NEEDS_NEXT},
    {"destroy/truncate-end", CHECK_SHOULD, "tor-spec 5.4",
     "answers TRUNCATE though the circuit ends there", truncate_at_end, NEEDS_NOTHING},
    {"destroy/frees-id", CHECK_MUST, "tor-spec 5.4",
     "ends the circuit when DESTROY comes: its id is free", frees_id, NEEDS_NOTHING},
    {"destroy/unknown-reason", CHECK_MUST, "tor-spec 5.4",
     "accepts DESTROY with a reason that it does not know", unknown_reason, NEEDS_NOTHING},
    {"destroy/no-more", CHECK_MUST, "tor-spec 5.4",
     "sends nothing for a circuit that was destroyed, not even for its streams", says_no_more,
     NEEDS_NOTHING},
    {"destroy/data", CHECK_MUST, "tor-spec 5.4", "ignores cells of a circuit that was destroyed",
     ignores_data, NEEDS_NOTHING},
    {"destroy/second", CHECK_MUST, "tor-spec 5.4", "ignores a second DESTROY", ignores_second,
     NEEDS_NOTHING},
    {"destroy/others", CHECK_MUST, "tor-spec 5.4", "leaves other circuits of the connection alone",
     spares_others, NEEDS_NOTHING},
    {"destroy/next-others", CHECK_MUST, "tor-spec 5.4",
     "leaves circuits alone that share the connection to the next relay", spares_next, NEEDS_NEXT},
    {"destroy/from-next", CHECK_MUST, "tor-spec 5.4",
     "tells the client by DESTROY or TRUNCATED that the next relay has ended the circuit",
     tells_of_next, NEEDS_NEXT},
    {"destroy/hides-reason", CHECK_SHOULD, "tor-spec 5.4",
     "says DESTROYED then, and not what the next relay said", hides_why, NEEDS_NEXT},
};
const struct check_section check_destroy = {"destroy", "TRUNCATE and DESTROY", cases,
                                            sizeof cases / sizeof *cases};
