#include "testnet/rset.h"

#include <stdlib.h>

#include "cell/reason.h"
#include "testnet/node_int.h"

enum {
    SETS_MOST = 1024,             /* of a node */
    LEGS_MOST = 8,                /* cfx_max_legs_set */
    HELD_MOST = 64 * 1024 * 1024, /* far above what two windows are */
};

static struct rcirc *circ_of(const struct conflux_leg *leg)
{
    return leg->owner;
}

/* ---- what a set asks of its circuits ---- */

static bool may_send(const struct conflux_leg *leg)
{
    const struct rcirc *c = circ_of(leg);
    return !c->over && !rcirc_is_full(c) && rwindow_room(&c->window);
}

static uint64_t rtt_us(const struct conflux_leg *leg)
{
    return rwindow_rtt_us(&circ_of(leg)->window);
}

static bool in_flight(const struct conflux_leg *leg)
{
    return rwindow_awaits_sendme(&circ_of(leg)->window);
}

static const struct conflux_ops ops = {may_send, rtt_us, in_flight};

/* ---- life ---- */

static struct rset *find(struct node *n, const uint8_t nonce[CONFLUX_NONCE_LEN])
{
    struct rset *s;
    DL_FOREACH (n->sets, s)
        if (memcmp(s->state.config.nonce, nonce, CONFLUX_NONCE_LEN) == 0)
            return s;
    return NULL;
}

static struct rset *set_new(struct node *n, const uint8_t nonce[CONFLUX_NONCE_LEN])
{
    /* As C tor: exits ask their clients for the least latency. */
    struct conflux_config config = {
        .ux = CONFLUX_UX_MIN_LATENCY, .held_most = HELD_MOST, .legs_most = LEGS_MOST};
    struct rset *s = n->n_sets < SETS_MOST ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    memcpy(config.nonce, nonce, sizeof config.nonce);
    s->node = n;
    conflux_init(&s->state, &config, &ops);
    DL_APPEND(n->sets, s);
    n->n_sets++;
    return s;
}

static void let_go(struct rset *s)
{
    s->over = true;
    DL_DELETE(s->node->sets, s);
    s->node->n_sets--;
    DL_APPEND(s->node->dead_sets, s);
    later_ask(s->node->env, &s->node->reap);
}

void rset_bury(struct rset *s)
{
    conflux_clear(&s->state);
    free(s);
}

/* All its circuits close with it. */
static void end(struct rset *s)
{
    struct conflux_leg *leg;
    if (s->over)
        return;
    log_info(s->node->env->log, "%s: a conflux set is over: %s", s->node->config.plan->nickname,
             s->state.why ? s->state.why : "it has no leg");
    let_go(s);
    DL_FOREACH (s->state.legs, leg)
        if (leg->owner)
            rcirc_close(circ_of(leg), DESTROY_FINISHED);
}

static struct rcirc *other_leg(const struct rset *s)
{
    struct conflux_leg *leg;
    DL_FOREACH (s->state.legs, leg)
        if (leg->owner)
            return circ_of(leg);
    return NULL;
}

static void move_home(struct rset *s, struct rcirc *to)
{
    struct rcirc *from = s->home;
    struct target *t;
    DL_FOREACH (from->streams, t)
        t->circ = to;
    DL_CONCAT(to->streams, from->streams);
    to->n_streams += from->n_streams;
    from->streams = NULL;
    from->n_streams = 0;
    s->home = to;
}

void rset_leave(struct rcirc *c)
{
    struct rset *s = c->set;
    struct conflux_leg *leg = c->leg;
    if (s->over)
        return;
    conflux_remove(&s->state, leg);
    c->leg = NULL;
    struct rcirc *to = other_leg(s);
    if (conflux_is_over(&s->state) || !to)
        end(s);
    else if (s->home == c)
        move_home(s, to);
    if (!s->over)
        rcirc_wake_streams(s->home);
}

/* ---- the set's own messages ---- */

/* A LINK has to come on a circuit of its own, which ends here and has carried nothing. */
static const char *why_no_link(const struct rcirc *c)
{
    if (!c->congestion_control)
        return "CONFLUX_LINK without congestion control";
    if (c->set)
        return "CONFLUX_LINK on a circuit that is linked";
    if (c->streams || c->next_state != NEXT_NONE || c->rend != REND_NONE)
        return "CONFLUX_LINK on a circuit that is in use";
    return NULL;
}

static void say_linked(struct rcirc *c, const struct relay_conflux_link *m)
{
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_conflux_link_encode(&w, m) == OK)
        rcirc_send(c, RELAY_CONFLUX_LINKED, 0, body, w.len);
}

static void on_link(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_conflux_link ask, answer;
    const char *why = why_no_link(c);
    if (!why && relay_conflux_link_decode(rd_over(m->data, m->len), &ask) != OK)
        why = "CONFLUX_LINK that cannot be read";
    if (why) {
        rcirc_broken(c, why);
        return;
    }
    struct rset *s = find(c->node, ask.nonce);
    if (!s)
        s = set_new(c->node, ask.nonce);
    if (!s || conflux_admit(&s->state, c, &ask, c->node->env->mono_us, &c->leg, &answer) != OK) {
        rcirc_refuse(c, DESTROY_RESOURCELIMIT);
        if (s && (!s->home || conflux_is_over(&s->state)))
            end(s);
        return;
    }
    c->set = s;
    if (!s->home)
        s->home = c;
    c->node->counts.conflux_links++;
    say_linked(c, &answer);
}

static void on_switch(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_conflux_switch ask;
    if (relay_conflux_switch_decode(rd_over(m->data, m->len), &ask) != OK ||
        conflux_switched(&c->set->state, c->leg, &ask) != OK)
        rcirc_broken(c, "CONFLUX_SWITCH that may not come");
}

static void on_linked_ack(struct rcirc *c)
{
    if (conflux_acked(c->leg, c->node->env->mono_us) != OK)
        rcirc_broken(c, "CONFLUX_LINKED_ACK that is not due");
    else
        rcirc_wake_streams(c); /* DATA has waited for it */
}

void rset_on_msg(struct rcirc *c, const struct relay_msg *m)
{
    if (m->cmd == RELAY_CONFLUX_LINK)
        on_link(c, m);
    else if (!c->set)
        rcirc_broken(c, "a conflux message on a circuit that is not linked");
    else if (m->cmd == RELAY_CONFLUX_SWITCH)
        on_switch(c, m);
    else
        on_linked_ack(c);
}

/* ---- numbered messages ---- */

void rset_got(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    struct rset *s = c->set;
    struct relay_msg next;
    bool its_turn;
    if (s->over)
        return;
    if (conflux_got(&s->state, c->leg, m, &its_turn) != OK) {
        rcirc_broken(c, "a message out of a conflux set's order");
        return;
    }
    if (its_turn)
        rcirc_act(s->home, chan_cmd, m);
    while (its_turn && !s->over && conflux_next(&s->state, &next))
        rcirc_act(s->home, CELL_RELAY, &next);
    if (conflux_is_over(&s->state))
        end(s);
}

struct rcirc *rset_next(const struct rcirc *c)
{
    struct conflux_leg *leg = c->set->over ? NULL : conflux_choose(&c->set->state, true);
    return leg ? circ_of(leg) : NULL;
}

static bool is_numbered(uint8_t cmd)
{
    const struct relay_rule *rule = relay_rule(cmd);
    return rule && rule->traits & RELAY_MULTIPLEXED;
}

/* DATA beyond any window is sent on purpose, and goes where the last went. */
static struct conflux_leg *choose(struct rset *s, uint8_t cmd)
{
    struct conflux_leg *leg = conflux_choose(&s->state, cmd == RELAY_DATA);
    return leg ? leg : conflux_choose(&s->state, false);
}

struct rcirc *rset_turn_to(struct rcirc *c, uint8_t cmd)
{
    struct rset *s = c->set;
    struct relay_conflux_switch m;
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    bool switch_due;
    if (!is_numbered(cmd))
        return c;
    struct conflux_leg *leg = s->over ? NULL : choose(s, cmd);
    if (!leg || conflux_turn_to(&s->state, leg, &switch_due, &m.seqno) != OK) {
        end(s);
        return NULL;
    }
    if (!switch_due)
        return circ_of(leg);
    c = circ_of(leg);
    c->node->counts.conflux_switches++;
    if (relay_conflux_switch_encode(&w, &m) == OK)
        rcirc_send(c, RELAY_CONFLUX_SWITCH, 0, body, w.len);
    return c->over ? NULL : c;
}

void rset_sent(struct rcirc *c, uint8_t cmd)
{
    if (is_numbered(cmd) && !c->set->over)
        conflux_sent(&c->set->state, c->leg);
}
