#include "stream/carrier_conflux_int.h"

#include <stdlib.h>

#include "cell/reason.h"

static struct conflux_carrier *of(struct carrier *c)
{
    return (struct conflux_carrier *)c;
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
        (void)!conflux_legs_fail(c, e, "SWITCH could not be sent");
    return e == OK ? m : NULL;
}

static err_t put(struct conflux_carrier *c, struct conflux_member *m, const struct relay_msg *msg)
{
    err_t e = circ_send(m->circ, m->hop, msg->cmd, msg->stream_id, msg->data, msg->len);
    if (e == OK)
        conflux_sent(&c->state, m->leg);
    else if (circ_state(m->circ) == CIRC_CLOSED)
        return conflux_legs_fail(c, e, "a message could not be sent");
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

static size_t held_most(const struct carrier *carrier)
{
    return ((const struct conflux_carrier *)carrier)->state.config.held_most;
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
    c->left = c->closed = true;
    conflux_end(&c->state, "it was left");
    conflux_legs_leave(c);
}

static void conflux_carrier_free(struct carrier *carrier)
{
    struct conflux_carrier *c = of(carrier);
    conflux_legs_free(c);
    conflux_clear(&c->state);
    hoard_free(&c->hoard);
    free(c);
}

static const struct carrier_kind conflux_kind = {
    .send = send,
    .send_data = send_data,
    .may_begin = may_begin,
    .is_open = is_open,
    .own_sendmes = own_sendmes,
    .held_most = held_most,
    .max_rtt_us = max_rtt_us,
    .serve = serve,
    .leave = leave,
    .free = conflux_carrier_free,
};

/* ---- up ---- */

static err_t hand_out(struct conflux_carrier *c, const struct relay_msg *msg)
{
    err_t e = c->carrier.user->on_msg(c->carrier.user_arg, msg);
    return err_class(e) >= ERRC_CIRCUIT ? conflux_legs_fail(c, e, "its streams broke the protocol")
                                        : OK;
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
    conflux_legs_look_broken(c);
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
    conflux_legs_lose(m, end);
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

/* ---- life ---- */

/* MaxMemInQueues is reached, and what waits here for its turn has waited longest. */
static void shed(void *arg)
{
    struct conflux_carrier *c = arg;
    const struct circ_end end = {.why = ERR_LIMIT, .reason = DESTROY_RESOURCELIMIT};
    conflux_end(&c->state, "queues hold too much, and what it holds has waited longest");
    conflux_give_up_held(&c->state);
    conflux_legs_look(c, &end);
}

struct carrier *carrier_of_conflux(struct env *env, const struct conflux_config *config,
                                   void (*on_joined)(void *arg), void *arg)
{
    struct conflux_carrier *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->carrier.kind = &conflux_kind;
    c->env = env;
    c->user_ops = &user_ops;
    c->on_joined = on_joined;
    c->arg = arg;
    hoard_init(&c->hoard, env, shed, c);
    conflux_init(&c->state, config, &conflux_legs_ops);
    c->state.hoard = &c->hoard;
    return &c->carrier;
}

bool conflux_carrier_is_over(const struct carrier *carrier)
{
    return conflux_is_over(&((const struct conflux_carrier *)carrier)->state);
}
