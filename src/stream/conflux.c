#include "stream/conflux.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "crypto/secret.h"

void conflux_init(struct conflux *c, const struct conflux_config *config,
                  const struct conflux_ops *ops)
{
    *c = (struct conflux){.config = *config, .ops = ops};
}

static void give_up_held(struct conflux *c, struct conflux_leg *leg)
{
    size_t bytes = leg->held.bytes;
    held_free(&leg->held);
    if (c->hoard && bytes)
        hoard_shrank(c->hoard, bytes);
}

void conflux_give_up_held(struct conflux *c)
{
    struct conflux_leg *leg;
    DL_FOREACH (c->legs, leg)
        give_up_held(c, leg);
}

static void leg_free(struct conflux *c, struct conflux_leg *leg)
{
    DL_DELETE(c->legs, leg);
    give_up_held(c, leg);
    free(leg);
}

void conflux_clear(struct conflux *c)
{
    while (c->legs)
        leg_free(c, c->legs);
    secret_wipe(c, sizeof *c);
}

void conflux_end(struct conflux *c, const char *why)
{
    if (!c->why)
        c->why = why;
}

/* The set is over, for WHY, with error E. */
static err_t fail(struct conflux *c, err_t e, const char *why)
{
    conflux_end(c, why);
    return e;
}

unsigned conflux_count(const struct conflux *c, enum conflux_leg_state state)
{
    const struct conflux_leg *leg;
    unsigned n = 0;
    DL_FOREACH (c->legs, leg)
        n += leg->state == state;
    return n;
}

size_t conflux_held(const struct conflux *c)
{
    const struct conflux_leg *leg;
    size_t n = 0;
    DL_FOREACH (c->legs, leg)
        n += leg->held.bytes;
    return n;
}

/* ---- legs ---- */

/* The number of the last message that was sent, over whichever leg. */
static uint64_t max_sent(const struct conflux *c)
{
    const struct conflux_leg *leg;
    uint64_t max = 0;
    DL_FOREACH (c->legs, leg)
        if (leg->state == CONFLUX_JOINED && leg->sent > max)
            max = leg->sent;
    return max;
}

static uint64_t max_got(const struct conflux *c)
{
    const struct conflux_leg *leg;
    uint64_t max = 0;
    DL_FOREACH (c->legs, leg)
        if (leg->state == CONFLUX_JOINED && leg->got > max)
            max = leg->got;
    return max;
}

err_t conflux_expect(struct conflux *c, void *owner, struct conflux_leg **leg)
{
    const struct conflux_leg *l;
    unsigned n = 0;
    DL_FOREACH (c->legs, l)
        n += l->state != CONFLUX_GONE;
    if (n >= c->config.legs_most)
        return ERR_LIMIT;
    *leg = calloc(1, sizeof **leg);
    if (!*leg)
        return ERR_NOMEM;
    (*leg)->owner = owner;
    (*leg)->held.tally = c->hoard ? &c->hoard->env->queues.tally : NULL;
    DL_APPEND(c->legs, *leg);
    return OK;
}

static void say_link(const struct conflux *c, struct relay_conflux_link *out)
{
    *out = (struct relay_conflux_link){.last_seqno_sent = max_sent(c),
                                       .last_seqno_recv = c->delivered,
                                       .desired_ux = c->config.ux};
    memcpy(out->nonce, c->config.nonce, sizeof out->nonce);
}

/* What the other side says of the numbers must fit: what it sent and we have not had would be lost,
 * and it cannot have had what was never sent. */
static err_t check_link(struct conflux *c, const struct relay_conflux_link *m)
{
    if (!secret_equal(m->nonce, c->config.nonce, sizeof m->nonce))
        return ERR_CIRC_PROTO; /* of another set: these two are not to be joined */
    if (m->last_seqno_sent > c->delivered)
        return fail(c, ERR_CIRC_PROTO, "a new leg would lose messages");
    if (m->last_seqno_recv > max_sent(c))
        return fail(c, ERR_CIRC_PROTO, "the other side counts messages that were not sent");
    return OK;
}

static enum conflux_alg alg_for(uint8_t ux)
{
    return ux == CONFLUX_UX_NONE || ux == CONFLUX_UX_HIGH_THROUGHPUT ? CONFLUX_LOWRTT
                                                                     : CONFLUX_MINRTT;
}

static void take_link(struct conflux *c, struct conflux_leg *leg,
                      const struct relay_conflux_link *m)
{
    leg->sent = m->last_seqno_recv;
    leg->got = m->last_seqno_sent;
    c->alg = alg_for(m->desired_ux);
}

static void measure(struct conflux_leg *leg, uint64_t now_us)
{
    uint64_t rtt_us = now_us - leg->asked_us;
    leg->rtt_us = rtt_us ? rtt_us : 1; /* a clock may stand still, but it was measured */
    leg->asked_us = 0;
}

bool conflux_settle(struct conflux *c)
{
    struct conflux_leg *leg;
    bool any = false;
    if (conflux_count(c, CONFLUX_EXPECTED) || conflux_count(c, CONFLUX_ASKED))
        return false;
    DL_FOREACH (c->legs, leg)
        if (leg->state == CONFLUX_LINKED) {
            leg->state = CONFLUX_JOINED;
            any = true;
        }
    return any;
}

void conflux_ask(struct conflux *c, struct conflux_leg *leg, uint64_t now_us,
                 struct relay_conflux_link *out)
{
    leg->state = CONFLUX_ASKED;
    leg->asked_us = now_us ? now_us : 1;
    say_link(c, out);
}

err_t conflux_linked(struct conflux *c, struct conflux_leg *leg, const struct relay_conflux_link *m,
                     uint64_t now_us, uint64_t timeout_us)
{
    if (leg->state != CONFLUX_ASKED)
        return ERR_CIRC_PROTO; /* a second one */
    TRY(check_link(c, m));
    if (now_us - leg->asked_us >= timeout_us)
        return ERR_CIRC_TIMEOUT;
    measure(leg, now_us);
    take_link(c, leg, m);
    leg->state = CONFLUX_LINKED;
    (void)conflux_settle(c);
    return OK;
}

err_t conflux_admit(struct conflux *c, void *owner, const struct relay_conflux_link *m,
                    uint64_t now_us, struct conflux_leg **leg, struct relay_conflux_link *out)
{
    TRY(check_link(c, m));
    TRY(conflux_expect(c, owner, leg));
    conflux_ask(c, *leg, now_us, out);
    take_link(c, *leg, m);
    (*leg)->state = CONFLUX_JOINED;
    return OK;
}

err_t conflux_acked(struct conflux_leg *leg, uint64_t now_us)
{
    if (leg->state != CONFLUX_JOINED || !leg->asked_us)
        return ERR_CIRC_PROTO;
    measure(leg, now_us);
    return OK;
}

/* Each leg keeps its order. So if every one of them has brought a later message than the next one,
 * that one was lost with a leg that has closed, or was never sent. */
static void check_for_hole(struct conflux *c)
{
    const struct conflux_leg *leg;
    bool held = false;
    DL_FOREACH (c->legs, leg) {
        uint64_t first = held_first(&leg->held);
        if (first == c->delivered + 1 || (leg->state == CONFLUX_JOINED && leg->got <= c->delivered))
            return;
        held |= first != 0;
    }
    if (held)
        conflux_end(c, "a message is lost");
}

/* What LEG brought may still wait for its turn, or be what conflux_next() has shown last. */
static void bury(struct conflux *c, struct conflux_leg *leg)
{
    leg->state = CONFLUX_GONE;
    leg->owner = NULL;
    if (!leg->held.first)
        leg_free(c, leg);
}

static const char *why_all(const struct conflux *c, const struct conflux_leg *leg, bool in_flight)
{
    if (!conflux_count(c, CONFLUX_JOINED))
        return "its last leg has closed";
    if (c->current == leg)
        return "the leg that it sent on has closed";
    if (in_flight)
        return "a leg has closed with data on its way";
    if (leg->sent > max_sent(c) || leg->got > max_got(c))
        return "a leg has closed that the last message went over";
    return NULL;
}

void conflux_remove(struct conflux *c, struct conflux_leg *leg)
{
    bool was_joined = leg->state == CONFLUX_JOINED;
    bool in_flight = was_joined && c->ops->in_flight(leg);
    leg->state = CONFLUX_GONE;
    const char *why = was_joined ? why_all(c, leg, in_flight) : NULL;
    if (why)
        conflux_end(c, why);
    if (c->current == leg) {
        c->current = NULL;
        c->switch_said = false;
    }
    bury(c, leg);
    check_for_hole(c);
}

/* ---- sending ---- */

static void refresh_rtts(struct conflux *c)
{
    struct conflux_leg *leg;
    DL_FOREACH (c->legs, leg) {
        uint64_t rtt_us = leg->state == CONFLUX_JOINED ? c->ops->rtt_us(leg) : 0;
        if (rtt_us)
            leg->rtt_us = rtt_us;
    }
}

/* The quickest leg, of those that MAY_SEND if that is wanted. One that was not measured is none. */
static struct conflux_leg *quickest(const struct conflux *c, bool may_send)
{
    struct conflux_leg *leg, *best = NULL;
    DL_FOREACH (c->legs, leg)
        if (leg->state == CONFLUX_JOINED && leg->rtt_us && (!best || leg->rtt_us < best->rtt_us) &&
            (!may_send || c->ops->may_send(leg)))
            best = leg;
    return best;
}

static struct conflux_leg *first_joined(const struct conflux *c)
{
    struct conflux_leg *leg;
    DL_FOREACH (c->legs, leg)
        if (leg->state == CONFLUX_JOINED)
            return leg;
    return NULL;
}

struct conflux_leg *conflux_choose(struct conflux *c, bool data)
{
    refresh_rtts(c);
    struct conflux_leg *leg = c->switch_said ? c->current : quickest(c, c->alg == CONFLUX_LOWRTT);
    if (leg && !c->ops->may_send(leg))
        leg = NULL;
    if (leg || data)
        return leg;
    /* Windows are for DATA alone: the rest goes over the leg that was sent on last, in order. */
    if (c->current)
        return c->current;
    leg = quickest(c, false);
    return leg ? leg : first_joined(c);
}

err_t conflux_turn_to(struct conflux *c, struct conflux_leg *leg, bool *switch_due, uint32_t *skip)
{
    const struct conflux_leg *before = c->current;
    c->current = leg;
    *switch_due = before && before != leg;
    if (!*switch_due)
        return OK;
    if (leg->sent > before->sent || before->sent - leg->sent >= UINT32_MAX)
        return fail(c, ERR_CIRC_PROTO, "the numbers of its legs do not fit");
    *skip = (uint32_t)(before->sent - leg->sent);
    leg->sent = before->sent;
    c->switch_said = true;
    return OK;
}

void conflux_sent(struct conflux *c, struct conflux_leg *leg)
{
    c->switch_said = false;
    leg->sent++;
}

/* ---- receiving ---- */

err_t conflux_switched(struct conflux *c, struct conflux_leg *leg,
                       const struct relay_conflux_switch *m)
{
    /* A message follows each SWITCH at once. Small numbers and zero are not against the protocol,
     * but one after the other would carry nothing but a signal. */
    if (leg->state != CONFLUX_JOINED || leg->switched)
        return ERR_CIRC_PROTO;
    if (m->seqno > UINT64_MAX - 1 - leg->got)
        return fail(c, ERR_CIRC_PROTO, "the numbers of its legs do not fit");
    leg->switched = true;
    leg->got += m->seqno;
    return OK;
}

err_t conflux_got(struct conflux *c, struct conflux_leg *leg, const struct relay_msg *msg,
                  bool *its_turn)
{
    *its_turn = false;
    if (leg->state != CONFLUX_JOINED || leg->got == UINT64_MAX)
        return ERR_CIRC_PROTO;
    leg->switched = false;
    leg->got++;
    if (leg->got <= c->delivered)
        return fail(c, ERR_CIRC_PROTO, "a message came twice");
    *its_turn = leg->got == c->delivered + 1;
    if (*its_turn) {
        c->delivered++;
        return OK;
    }
    if (held_cost(msg->len) > c->config.held_most ||
        conflux_held(c) > c->config.held_most - held_cost(msg->len))
        return fail(c, ERR_CIRC_WINDOW, "too much came before its turn");
    if (held_add(&leg->held, leg->got, msg) != OK)
        return fail(c, ERR_NOMEM, "no memory for what came before its turn");
    if (c->hoard)
        hoard_grew(c->hoard, held_cost(msg->len));
    check_for_hole(c);
    return c->why ? ERR_CIRC_PROTO : OK;
}

bool conflux_next(struct conflux *c, struct relay_msg *out)
{
    struct conflux_leg *leg, *next;
    DL_FOREACH_SAFE (c->legs, leg, next) {
        uint64_t first = held_first(&leg->held);
        if (first && first <= c->delivered) {
            conflux_end(c, "a message came twice");
            return false;
        }
        if (first == c->delivered + 1) {
            held_take(&leg->held, out);
            if (c->hoard)
                hoard_shrank(c->hoard, held_cost(out->len));
            c->delivered++;
            return true;
        }
        if (!first && leg->state == CONFLUX_GONE)
            leg_free(c, leg);
    }
    return false;
}
