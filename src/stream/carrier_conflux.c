#include "stream/carrier_conflux.h"

#include <stdlib.h>

#include "base/hash.h"
#include "cell/reason.h"

struct conflux_carrier {
    struct carrier carrier;
    struct env *env;
    struct conflux state;
    struct conflux_member *members;
    void (*on_joined)(void *arg);
    void *arg;
    bool left;           /* by its streams */
    bool closed;         /* over, and its circuits are closed */
    bool told;           /* its streams, of the end */
    struct circ_end end; /* why, once it is over */
};

struct conflux_member {
    struct conflux_carrier *carrier;
    struct conflux_leg *leg;
    struct circ *circ; /* NULL before it is linked */
    unsigned hop;
    uint64_t timeout_us;
    struct conflux_member *prev, *next;
};

static struct conflux_carrier *of(struct carrier *c)
{
    return (struct conflux_carrier *)c;
}

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

static const struct conflux_ops ops = {may_send, rtt_us, in_flight};

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

/* If the set is over since the last look, it is for what END tells. */
static void look(struct conflux_carrier *c, const struct circ_end *end)
{
    if (c->closed || !conflux_is_over(&c->state))
        return;
    c->closed = true;
    c->end = *end;
    close_all(c);
}

/* It is over by our own doing, or because of what came. */
static err_t fail(struct conflux_carrier *c, err_t why, const char *text)
{
    const struct circ_end end = {
        .why = why, .reason = err_class(why) == ERRC_CIRCUIT ? DESTROY_PROTOCOL : DESTROY_INTERNAL};
    conflux_end(&c->state, text);
    look(c, &end);
    return why;
}

/* M's circuit tells us nothing more. */
static void let_go(struct conflux_member *m)
{
    if (!m->circ)
        return;
    circ_set_user(m->circ, NULL, NULL);
    circ_set_control(m->circ, NULL, NULL);
}

static void member_free(struct conflux_member *m)
{
    DL_DELETE(m->carrier->members, m);
    free(m);
}

/* M's circuit is no more, for what END tells. */
static void lose(struct conflux_member *m, const struct circ_end *end)
{
    struct conflux_carrier *c = m->carrier;
    if (m->leg && !conflux_is_over(&c->state))
        conflux_remove(&c->state, m->leg);
    m->leg = NULL;
    m->circ = NULL;
    look(c, end);
}

/* ---- down ---- */

/* The leg that CMD goes over next, SWITCH said if that was due. NULL: none now, or no more. */
static struct conflux_member *turn(struct conflux_carrier *c, uint8_t cmd)
{
    bool over = conflux_is_over(&c->state), switch_due;
    struct conflux_leg *leg = over ? NULL : conflux_choose(&c->state, cmd == RELAY_DATA);
    uint8_t body[RELAY_DATA_MAX];
    struct relay_conflux_switch said;
    struct wr w = wr_over(body, sizeof body);
    if (!leg)
        return NULL;
    struct conflux_member *m = leg->owner;
    err_t e = conflux_turn_to(&c->state, leg, &switch_due, &said.seqno);
    if (e == OK && switch_due)
        e = relay_conflux_switch_encode(&w, &said);
    if (e == OK && switch_due)
        e = circ_send(m->circ, m->hop, RELAY_CONFLUX_SWITCH, 0, body, w.len);
    if (e != OK)
        (void)!fail(c, e, "SWITCH could not be sent");
    return e == OK ? m : NULL;
}

static err_t put(struct conflux_carrier *c, struct conflux_member *m, const struct relay_msg *msg)
{
    err_t e = circ_send(m->circ, m->hop, msg->cmd, msg->stream_id, msg->data, msg->len);
    if (e == OK)
        conflux_sent(&c->state, m->leg);
    else if (circ_state(m->circ) == CIRC_CLOSED)
        return fail(c, e, "a message could not be sent");
    return e;
}

static err_t send(struct carrier *carrier, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                  size_t len)
{
    struct conflux_carrier *c = of(carrier);
    if (!(relay_rule(cmd)->traits & RELAY_MULTIPLEXED)) /* BEGIN_DIR above all */
        return ERR_ARG;
    struct conflux_member *m = turn(c, cmd);
    return m ? put(c, m, &(struct relay_msg){cmd, stream_id, data, len}) : ERR_STATE;
}

static err_t send_data(struct carrier *carrier, uint16_t stream_id, const uint8_t *data,
                       size_t *len)
{
    struct conflux_carrier *c = of(carrier);
    struct conflux_member *m = turn(c, RELAY_DATA);
    if (!m)
        return conflux_is_over(&c->state) ? ERR_STATE : ERR_FULL;
    size_t max = circ_data_max(m->circ, m->hop);
    *len = *len < max ? *len : max;
    return put(c, m, &(struct relay_msg){RELAY_DATA, stream_id, data, *len});
}

static bool may_begin(const struct carrier *carrier)
{
    const struct conflux_carrier *c = (const struct conflux_carrier *)carrier;
    const struct conflux_member *m;
    DL_FOREACH (c->members, m)
        if (conflux_member_is_joined(m) && circ_may_begin(m->circ))
            return true;
    return false;
}

static bool is_open(const struct carrier *carrier)
{
    const struct conflux_carrier *c = (const struct conflux_carrier *)carrier;
    return !c->left && !conflux_is_over(&c->state) && conflux_count(&c->state, CONFLUX_JOINED) > 0;
}

static bool own_sendmes(const struct carrier *carrier)
{
    (void)carrier; /* conflux goes with congestion control alone */
    return false;
}

/* What is still to come may come over any leg. */
static uint64_t max_rtt_us(const struct carrier *carrier)
{
    const struct conflux_carrier *c = (const struct conflux_carrier *)carrier;
    const struct conflux_member *m;
    struct circ_congestion cc;
    uint64_t us = 0;
    DL_FOREACH (c->members, m)
        if (m->circ && circ_congestion(m->circ, m->hop, &cc) && cc.max_rtt_us > us)
            us = cc.max_rtt_us;
    return us;
}

static void serve(struct carrier *carrier)
{
    (void)carrier;
}

static void leave(struct carrier *carrier)
{
    struct conflux_carrier *c = of(carrier);
    struct conflux_member *m;
    c->left = c->closed = true;
    conflux_end(&c->state, "it was left");
    DL_FOREACH (c->members, m) {
        let_go(m);
        m->circ = NULL;
    }
}

static void conflux_carrier_free(struct carrier *carrier)
{
    struct conflux_carrier *c = of(carrier);
    while (c->members)
        member_free(c->members);
    conflux_clear(&c->state);
    free(c);
}

static const struct carrier_kind conflux_kind = {
    .send = send,
    .send_data = send_data,
    .may_begin = may_begin,
    .is_open = is_open,
    .own_sendmes = own_sendmes,
    .max_rtt_us = max_rtt_us,
    .serve = serve,
    .leave = leave,
    .free = conflux_carrier_free,
};

/* ---- up ---- */

static err_t hand_out(struct conflux_carrier *c, const struct relay_msg *msg)
{
    err_t e = c->carrier.user->on_msg(c->carrier.user_arg, msg);
    return err_class(e) >= ERRC_CIRCUIT ? fail(c, e, "its streams broke the protocol") : OK;
}

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct conflux_member *m = arg;
    struct conflux_carrier *c = m->carrier;
    struct relay_msg next;
    bool its_turn;
    if (conflux_is_over(&c->state))
        return ERR_STATE; /* it closes with the others */
    if (hop != m->hop || !(relay_rule(msg->cmd)->traits & RELAY_MULTIPLEXED))
        return ERR_CIRC_PROTO;
    err_t e = conflux_got(&c->state, m->leg, msg, &its_turn);
    if (e == OK && its_turn)
        e = hand_out(c, msg);
    /* What was handed out may have ended it all. */
    while (e == OK && its_turn && is_open(&c->carrier) && conflux_next(&c->state, &next))
        e = hand_out(c, &next);
    look(c, &broken);
    return e;
}

static void on_writable(void *arg)
{
    const struct conflux_carrier *c = ((struct conflux_member *)arg)->carrier;
    if (is_open(&c->carrier))
        c->carrier.user->on_writable(c->carrier.user_arg);
}

static void on_end(void *arg, const struct circ_end *end)
{
    struct conflux_member *m = arg;
    struct conflux_carrier *c = m->carrier;
    lose(m, end);
    if (conflux_is_over(&c->state) && !c->told) {
        c->told = true;
        c->carrier.user->on_end(c->carrier.user_arg, &c->end);
    } else if (is_open(&c->carrier)) { /* it may have been this leg alone that DATA waited for */
        c->carrier.user->on_writable(c->carrier.user_arg);
    }
}

static const struct circ_user_ops user_ops = {
    .on_msg = on_msg,
    .on_writable = on_writable,
    .on_end = on_end,
};

static err_t on_linked(struct conflux_member *m, const struct relay_msg *msg)
{
    struct conflux_carrier *c = m->carrier;
    struct relay_conflux_link answer;
    if (relay_conflux_link_decode(rd_over(msg->data, msg->len), &answer) != OK)
        return ERR_CIRC_PROTO;
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
    look(c, &broken);
    return e;
}

/* ---- legs ---- */

struct carrier *carrier_of_conflux(struct env *env, const struct conflux_config *config,
                                   void (*on_joined)(void *arg), void *arg)
{
    struct conflux_carrier *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->carrier.kind = &conflux_kind;
    c->env = env;
    c->on_joined = on_joined;
    c->arg = arg;
    conflux_init(&c->state, config, &ops);
    return &c->carrier;
}

err_t conflux_member_new(struct carrier *carrier, struct conflux_member **out)
{
    struct conflux_carrier *c = of(carrier);
    if (c->left || conflux_is_over(&c->state))
        return ERR_STATE;
    struct conflux_member *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->carrier = c;
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
    circ_set_user(circ, &user_ops, m);
    circ_set_control(circ, on_control, m);
    conflux_ask(&c->state, m->leg, c->env->mono_us, &said);
    err_t e = relay_conflux_link_encode(&w, &said);
    if (e == OK)
        e = circ_send(circ, m->hop, RELAY_CONFLUX_LINK, 0, body, w.len);
    if (e != OK)
        circ_close(circ, e, DESTROY_INTERNAL);
    return e;
}

void conflux_member_drop(struct conflux_member *m)
{
    let_go(m);
    lose(m, &given_up);
    member_free(m);
}

void conflux_carrier_settle(struct carrier *carrier)
{
    struct conflux_carrier *c = of(carrier);
    if (!conflux_is_over(&c->state) && conflux_settle(&c->state))
        c->on_joined(c->arg);
}

bool conflux_carrier_is_over(const struct carrier *carrier)
{
    return conflux_is_over(&((const struct conflux_carrier *)carrier)->state);
}

bool conflux_member_is_joined(const struct conflux_member *m)
{
    return m->leg && m->leg->state == CONFLUX_JOINED;
}

uint64_t conflux_member_rtt_us(const struct conflux_member *m)
{
    return m->leg ? m->leg->rtt_us : 0;
}
