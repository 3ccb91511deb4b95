/* Messages that end at a relay, and what it does about them. */
#include "cell/reason.h"
#include "cell/relay_flow.h"
#include "cell/relay_pad.h"
#include "cell/relay_stream.h"
#include "testnet/node_int.h"

/* A SENDME about the circuit, for the last cell that came. */
static void send_sendme(struct rcirc *c)
{
    struct relay_sendme m = {
        .version = 1, .tag_len = (uint8_t)c->layer->kind->tag_len, .tag = c->layer->got_tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_sendme_encode(&w, &m) == OK)
        rcirc_send(c, RELAY_SENDME, 0, body, w.len);
}

/* Accounts for DATA where it comes in, before it is put in order. */
static void count_data(struct rcirc *c)
{
    bool sendme_due = false;
    if (rwindow_got(&c->window, &sendme_due) != OK)
        rcirc_broken(c, "DATA beyond the circuit's window");
    else if (sendme_due)
        send_sendme(c);
}

static void on_data(struct rcirc *c, const struct relay_msg *m)
{
    struct target *t = target_find(c, m->stream_id);
    if (t) /* without T it has ended, and the client doesn't know yet */
        target_data(t, m->data, m->len);
}

/* More than tor's cellq_high would wait for the link if the window alone said how many. */
static bool is_blocked(const struct rcirc *c)
{
    return rcirc_is_full(c) && rwindow_room(&c->window) >= c->node->config.flow.cc.cellq_high;
}

static void on_sendme(struct rcirc *c, const struct relay_msg *m)
{
    struct target *t = m->stream_id ? target_find(c, m->stream_id) : NULL;
    if (m->stream_id) {
        if (t)
            target_flow_heard(t, m);
    } else if (rwindow_sendme(&c->window, c->node->env, c->layer->kind, rd_over(m->data, m->len),
                              is_blocked(c)) != OK) {
        /* proposal 289: a circuit whose SENDME does not match is torn down. */
        rcirc_broken(c, "a SENDME that is not due, or with the wrong tag");
    } else {
        rcirc_wake_streams(c);
    }
}

static void on_flow(struct rcirc *c, const struct relay_msg *m)
{
    struct target *t = target_find(c, m->stream_id);
    if (t)
        target_flow_heard(t, m);
}

static void on_end(struct rcirc *c, uint16_t id)
{
    struct target *t = target_find(c, id);
    if (t)
        target_close(t);
}

void rcirc_resolve(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_resolve ask;
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    struct relay_resolved said = {.n = 1};
    if (relay_resolve_decode(rd_over(m->data, m->len), &ask) != OK)
        return; /* as tor: nothing is said to nonsense */
    said.a[0] = resolve_answer(c->node, ask.host);
    if (relay_resolved_encode(&w, &said) == OK)
        rcirc_send(c, RELAY_RESOLVED, m->stream_id, data, w.len);
}

static void on_msg(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    switch (m->cmd) {
    case RELAY_DATA:
        on_data(c, m);
        break;
    case RELAY_SENDME:
        on_sendme(c, m);
        break;
    case RELAY_BEGIN:
        target_begin(c, m);
        break;
    case RELAY_BEGIN_DIR:
        target_begin_dir(c, m->stream_id);
        break;
    case RELAY_RESOLVE:
        rcirc_resolve(c, m);
        break;
    case RELAY_END:
        on_end(c, m->stream_id);
        break;
    case RELAY_EXTEND2:
        rcirc_extend(c, chan_cmd, m);
        break;
    case RELAY_TRUNCATE:
        rcirc_truncated(c, DESTROY_REQUESTED);
        break;
    case RELAY_ESTABLISH_RENDEZVOUS:
        rcirc_rend_establish(c, m);
        break;
    case RELAY_RENDEZVOUS1:
        rcirc_rend_meet(c, m);
        break;
    case RELAY_XON:
    case RELAY_XOFF:
        on_flow(c, m);
        break;
    case RELAY_CONFLUX_LINK:
    case RELAY_CONFLUX_LINKED_ACK:
    case RELAY_CONFLUX_SWITCH:
        rset_on_msg(c, m);
        break;
    case RELAY_PADDING_NEGOTIATE:
        rcirc_pad_negotiate(c, m);
        break;
    case RELAY_DROP:
        rcirc_pad_came(c);
        break;
    default: /* what this relay does not do */
        break;
    }
}

void rcirc_act(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    switch (rcirc_judge(c, m)) {
    case JUDGED_FINE:
        if (m->cmd != RELAY_DROP)
            rcirc_pad_received(c);
        on_msg(c, chan_cmd, m);
        break;
    case JUDGED_BREACH:
        rcirc_broken(c, "a relay message that has no place here");
        break;
    case JUDGED_DROP:
        break;
    }
}

/* Where its turn comes from. */
static void in_turn(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    const struct relay_rule *rule = relay_rule(m->cmd);
    if (m->cmd == RELAY_DATA)
        count_data(c);
    if (c->over)
        return;
    if (c->set && rule && rule->traits & RELAY_MULTIPLEXED)
        rset_got(c, chan_cmd, m);
    else
        rcirc_act(c, chan_cmd, m);
}

void rcirc_recognized(struct rcirc *c, uint8_t chan_cmd, const uint8_t *body)
{
    struct relay_msg m;
    if (relay_msg_decode(c->layer->kind->format, body, &m) != OK) {
        rcirc_broken(c, "a relay message that cannot be read");
        return;
    }
    rcirc_trace_message(c, &m);
    if (m.cmd == RELAY_MEAS_ECHO && rmeas_framed(c, body))
        return;
    switch (misdeed_message_in(c, chan_cmd, &m)) {
    case JUDGED_FINE:
        in_turn(c, chan_cmd, &m);
        break;
    case JUDGED_BREACH:
        rcirc_broken(c, "a relay message that has no place here");
        break;
    case JUDGED_DROP:
        break;
    }
}
