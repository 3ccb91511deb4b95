/* The circuits of a conflux set at the client: linked one by one, and closed together. */
#include "stream/carrier_conflux_int.h"

#include <stdlib.h>

#include "cell/reason.h"

/* C tor has no time-out for a LINK that nobody answers: its leg lasts until it has been idle for
 * half an hour, and all that time the set counts as one ahead of need. An answer that comes after
 * the build timeout closes the circuit, there as here; but if it was the lack of one that did at
 * that moment, an exit could read our build timeout off it. So this is the same for all. */
enum { UNANSWERED_MS = 60 * 1000 };

/* ---- what the set asks of its circuits ---- */

static bool may_send(const struct conflux_leg *leg)
{
    const struct conflux_member *m = leg->owner;
    return circ_may_send(m->circ, m->hop);
}

static uint64_t rtt_us(const struct conflux_leg *leg)
{
    const struct conflux_member *m = leg->owner;
    return circ_rtt_us(m->circ, m->hop);
}

static bool in_flight(const struct conflux_leg *leg)
{
    const struct conflux_member *m = leg->owner;
    return circ_awaits_sendme(m->circ, m->hop);
}

const struct conflux_ops conflux_legs_ops = {may_send, rtt_us, in_flight};

/* ---- the end ---- */

static const struct circ_end broken = {.why = ERR_CIRC_PROTO, .reason = DESTROY_PROTOCOL};
static const struct circ_end given_up = {.why = OK, .reason = DESTROY_FINISHED};

/* The set is over: so are its circuits, which tells its streams in a moment. */
static void close_all(struct conflux_carrier *c)
{
    struct conflux_member *m;
    log_info(c->env->log, "A conflux set is over: %s.", c->state.why);
    DL_FOREACH (c->members, m)
        if (m->circ)
            circ_close(m->circ, c->end.why, DESTROY_FINISHED);
}

void conflux_legs_look(struct conflux_carrier *c, const struct circ_end *end)
{
    if (c->closed || !conflux_is_over(&c->state))
        return;
    c->closed = true;
    c->end = *end;
    close_all(c);
}

void conflux_legs_look_broken(struct conflux_carrier *c)
{
    conflux_legs_look(c, &broken);
}

err_t conflux_legs_fail(struct conflux_carrier *c, err_t why, const char *text)
{
    const struct circ_end end = {
        .why = why, .reason = err_class(why) == ERRC_CIRCUIT ? DESTROY_PROTOCOL : DESTROY_INTERNAL};
    conflux_end(&c->state, text);
    conflux_legs_look(c, &end);
    return why;
}

/* M's circuit tells us nothing more. */
static void let_go(struct conflux_member *m)
{
    env_disarm(m->carrier->env, &m->unanswered);
    if (!m->circ)
        return;
    circ_set_user(m->circ, NULL, NULL);
    circ_set_control(m->circ, NULL, NULL);
}

static void member_free(struct conflux_member *m)
{
    env_disarm(m->carrier->env, &m->unanswered);
    DL_DELETE(m->carrier->members, m);
    free(m);
}

void conflux_legs_lose(struct conflux_member *m, const struct circ_end *end)
{
    struct conflux_carrier *c = m->carrier;
    if (m->leg && !conflux_is_over(&c->state))
        conflux_remove(&c->state, m->leg);
    env_disarm(c->env, &m->unanswered);
    m->leg = NULL;
    m->circ = NULL;
    conflux_legs_look(c, end);
}

void conflux_legs_leave(struct conflux_carrier *c)
{
    struct conflux_member *m;
    DL_FOREACH (c->members, m) {
        let_go(m);
        m->circ = NULL;
    }
}

void conflux_legs_free(struct conflux_carrier *c)
{
    while (c->members)
        member_free(c->members);
}

/* ---- what comes of them ---- */

static err_t on_linked(struct conflux_member *m, const struct relay_msg *msg)
{
    struct conflux_carrier *c = m->carrier;
    struct relay_conflux_link answer;
    if (relay_conflux_link_decode(rd_over(msg->data, msg->len), &answer) != OK)
        return ERR_CIRC_PROTO;
    env_disarm(c->env, &m->unanswered);
    TRY(conflux_linked(&c->state, m->leg, &answer, c->env->mono_us, m->timeout_us));
    TRY(circ_send(m->circ, m->hop, RELAY_CONFLUX_LINKED_ACK, 0, NULL, 0));
    if (m->leg->state == CONFLUX_JOINED)
        c->on_joined(c->arg);
    return OK;
}

static err_t on_switch(struct conflux_member *m, const struct relay_msg *msg)
{
    struct relay_conflux_switch said;
    if (relay_conflux_switch_decode(rd_over(msg->data, msg->len), &said) != OK)
        return ERR_CIRC_PROTO;
    return conflux_switched(&m->carrier->state, m->leg, &said);
}

/* From any other hop, and all else that has no stream, is against the protocol. */
static err_t on_control(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct conflux_member *m = arg;
    struct conflux_carrier *c = m->carrier;
    err_t e = ERR_CIRC_PROTO;
    if (conflux_is_over(&c->state))
        return ERR_STATE;
    if (hop == m->hop && msg->cmd == RELAY_CONFLUX_LINKED)
        e = on_linked(m, msg);
    else if (hop == m->hop && msg->cmd == RELAY_CONFLUX_SWITCH)
        e = on_switch(m, msg);
    conflux_legs_look(c, &broken);
    return e;
}

/* ---- legs ---- */

static void unanswered(void *arg)
{
    struct conflux_member *m = arg;
    log_info(m->carrier->env->log, "CONFLUX_LINK is not answered.");
    circ_close(m->circ, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
}

err_t conflux_member_new(struct carrier *carrier, struct conflux_member **out)
{
    struct conflux_carrier *c = (struct conflux_carrier *)carrier;
    if (c->left || conflux_is_over(&c->state))
        return ERR_STATE;
    struct conflux_member *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->carrier = c;
    timer_init(&m->unanswered, unanswered, m);
    DL_APPEND(c->members, m);
    err_t e = conflux_expect(&c->state, m, &m->leg);
    if (e == OK)
        *out = m;
    else
        member_free(m);
    return e;
}

err_t conflux_member_link(struct conflux_member *m, struct circ *circ, uint64_t timeout_us)
{
    struct conflux_carrier *c = m->carrier;
    struct relay_conflux_link said;
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    m->circ = circ;
    m->hop = circ_hops(circ);
    m->timeout_us = timeout_us;
    circ_set_user(circ, c->user_ops, m);
    circ_set_control(circ, on_control, m);
    conflux_ask(&c->state, m->leg, c->env->mono_us, &said);
    err_t e = relay_conflux_link_encode(&w, &said);
    if (e == OK)
        e = circ_send(circ, m->hop, RELAY_CONFLUX_LINK, 0, body, w.len);
    if (e == OK)
        env_arm_ms(c->env, &m->unanswered, UNANSWERED_MS);
    else
        circ_close(circ, e, DESTROY_INTERNAL);
    return e;
}

void conflux_member_drop(struct conflux_member *m)
{
    let_go(m);
    conflux_legs_lose(m, &given_up);
    member_free(m);
}

void conflux_carrier_settle(struct carrier *carrier)
{
    struct conflux_carrier *c = (struct conflux_carrier *)carrier;
    if (!conflux_is_over(&c->state) && conflux_settle(&c->state))
        c->on_joined(c->arg);
}

bool conflux_member_is_joined(const struct conflux_member *m)
{
    return m->leg && m->leg->state == CONFLUX_JOINED;
}

uint64_t conflux_member_rtt_us(const struct conflux_member *m)
{
    return m->leg ? m->leg->rtt_us : 0;
}
