/* Receiving: cells into relay messages, and what becomes of each. */
#include "base/rd.h"
#include "cell/relay_extend.h"
#include "circuit/circ_int.h"

static err_t to_user(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    if (!c->user)
        return ERR_CIRC_PROTO;
    err_t err = c->user->on_msg(c->user_arg, hop, msg);
    return err_class(err) >= ERRC_CIRCUIT ? err : OK;
}

static err_t to_control(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    if (!c->control)
        return ERR_CIRC_PROTO;
    err_t err = c->control(c->control_arg, hop, msg);
    return err_class(err) >= ERRC_CIRCUIT ? err : OK;
}

static err_t count_data(struct circ *c, unsigned hop)
{
    struct flow *flow = c->onion.hop[hop - 1].flow;
    bool due;
    TRY(flow->kind->received(flow, &due));
    return due ? circ_send_sendme(c, hop) : OK;
}

static err_t on_data(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    TRY(count_data(c, hop));
    return to_user(c, hop, msg);
}

static bool in_slow_start(const struct circ *c, unsigned hop)
{
    struct circ_congestion cc;
    return circ_congestion(c, hop, &cc) && cc.in_slow_start;
}

/* That the link is full within a wake-up, before anything was written, is no congestion: several
 * SENDMEs may come at once, and what they let go is more than it takes at a time. */
static bool waits_for_peer(const struct circ *c)
{
    return c->blocked & BLOCKED_BY_LINK && link_is_stuck(&c->lc);
}

static err_t on_sendme(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    if (msg->stream_id)
        return to_user(c, hop, msg);
    bool starting = in_slow_start(c, hop);
    TRY(hop_sendme_received(&c->onion.hop[hop - 1], c->env, c->config.sendme_version,
                            rd_over(msg->data, msg->len), waits_for_peer(c)));
    if (starting && !in_slow_start(c, hop) && c->ops->on_steady)
        c->ops->on_steady(c->arg);
    circ_unblock(c, BLOCKED_BY_FLOW);
    return OK;
}

/* XON and XOFF are words of congestion control; with windows nobody has a use for them. */
static err_t on_stream_flow(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    return circ_stream_sendmes(c, hop) ? ERR_CIRC_PROTO : to_user(c, hop, msg);
}

static err_t on_extended2(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    (void)hop;
    return circ_on_extended2(c, msg);
}

/* A client has no use for what is left of a truncated circuit. */
static err_t on_truncated(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    (void)hop;
    struct relay_truncated m;
    if (relay_truncated_decode(rd_over(msg->data, msg->len), &m) != OK)
        return ERR_CIRC_PROTO;
    link_circ_close(&c->lc, true, DESTROY_NONE);
    circ_close_remote(c, m.reason);
    return OK;
}

enum {
    IN_BUILDING = 1 << CIRC_BUILDING,
    IN_OPEN = 1 << CIRC_OPEN,
    IN_BOTH = IN_BUILDING | IN_OPEN
};

/* What a circuit takes, and in which state. Lengths, stream ids, receivers and hops are in the cell
 * layer's table. All else closes the circuit. */
static const struct {
    uint8_t states;
    err_t (*handle)(struct circ *c, unsigned hop, const struct relay_msg *msg);
} takes[] = {
    [RELAY_BEGIN] = {IN_OPEN, to_user},
    [RELAY_DATA] = {IN_BOTH, on_data},
    [RELAY_END] = {IN_BOTH, to_user},
    [RELAY_CONNECTED] = {IN_BOTH, to_user},
    [RELAY_SENDME] = {IN_BOTH, on_sendme},
    [RELAY_TRUNCATED] = {IN_BOTH, on_truncated},
    [RELAY_DROP] = {IN_BOTH, circ_on_padding},
    [RELAY_RESOLVED] = {IN_BOTH, to_user},
    [RELAY_XOFF] = {IN_BOTH, on_stream_flow},
    [RELAY_XON] = {IN_BOTH, on_stream_flow},
    [RELAY_EXTENDED2] = {IN_BUILDING, on_extended2},
    [RELAY_CONFLUX_LINKED] = {IN_OPEN, to_control},
    [RELAY_CONFLUX_SWITCH] = {IN_OPEN, to_control},
    [RELAY_INTRODUCE2] = {IN_OPEN, to_control},
    [RELAY_RENDEZVOUS2] = {IN_OPEN, to_control},
    [RELAY_INTRO_ESTABLISHED] = {IN_OPEN, to_control},
    [RELAY_RENDEZVOUS_ESTABLISHED] = {IN_OPEN, to_control},
    [RELAY_INTRODUCE_ACK] = {IN_OPEN, to_control},
    [RELAY_PADDING_NEGOTIATED] = {IN_BOTH, circ_on_padding},
};

static err_t dispatch(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    /* A stream's answer may come from the hop the stream was opened at, the last one or not. */
    bool may_be_last = hop == c->onion.n || (msg->stream_id && (c->stream_hops >> hop & 1));
    if (relay_msg_check(msg, c->we, may_be_last) != OK)
        return ERR_CIRC_PROTO;
    if (msg->cmd >= sizeof takes / sizeof takes[0] || !(takes[msg->cmd].states >> c->state & 1))
        return ERR_CIRC_PROTO;
    if (msg->cmd != RELAY_DROP)
        circ_pad_received(c);
    return takes[msg->cmd].handle(c, hop, msg);
}

static err_t on_relay(struct circ *c, uint8_t *body)
{
    unsigned hop;
    struct relay_msg msg;
    c->counts.cells_in++;
    /* tor-spec 6.1: a cell that no hop recognizes: "the circuit is [...] closed" */
    TRY(onion_open(&c->onion, CELL_RELAY, body, &hop));
    if (relay_msg_decode(onion_layer(&c->onion, hop)->kind->format, body, &msg) != OK)
        return ERR_CIRC_PROTO;
    c->counts.data_in += msg.len;
    if (c->tap && c->tap(c->tap_arg, false, hop, &msg))
        return msg.cmd == RELAY_DATA ? count_data(c, hop) : OK;
    err_t err = dispatch(c, hop, &msg);
    if (err != OK)
        log_info(c->env->log, "circuit %u: %s from hop %u, length %zu, stream %u: %s",
                 (unsigned)c->id, relay_cmd_name(msg.cmd), hop, msg.len, (unsigned)msg.stream_id,
                 err_text(err));
    return err;
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct circ *c = arg;
    err_t err;
    if (cmd == CELL_RELAY)
        err = on_relay(c, body);
    else if (cmd == CELL_CREATED2 || cmd == CELL_CREATED_FAST)
        err = circ_on_created(c, cmd, body);
    else /* tor-spec 5.6: RELAY_EARLY towards the client is forbidden too */
        err = ERR_CIRC_PROTO;
    if (err == OK)
        return;
    if (err_class(err) == ERRC_CIRCUIT)
        log_protocol(c->env->log, "Circuit %u: %s cell against the protocol: %s. Closing it.",
                     (unsigned)c->id, chan_cmd_name(cmd), err_text(err));
    circ_fail(c, err);
}

static void on_destroy(void *arg, uint8_t reason)
{
    circ_close_remote(arg, reason);
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    struct circ *c = arg;
    c->end.link_ended = true;
    c->end.link = *end;
    c->link = NULL;
    circ_mark_closed(c, end->why, DESTROY_CHANNEL_CLOSED);
}

static void on_link_writable(void *arg)
{
    circ_unblock(arg, BLOCKED_BY_LINK);
}

const struct link_circ_ops circ_link_ops = {
    .on_cell = on_cell,
    .on_destroy = on_destroy,
    .on_link_closed = on_link_closed,
    .on_writable = on_link_writable,
};
