/* Sending: relay messages into cells, and what may be in the way. */
#include "base/wr.h"
#include "circuit/circ_int.h"
#include "circuit/vegas.h"

static uint8_t chan_cmd_for(const struct circ *c, unsigned hop, uint8_t cmd)
{
    /* As C tor, so as not to stand out: RELAY_EARLY for EXTEND2 and for all that goes beyond the
     * first hop, while there are some left. */
    return c->early_left > 0 && (cmd == RELAY_EXTEND2 || hop > 1) ? CELL_RELAY_EARLY : CELL_RELAY;
}

static err_t block(struct circ *c, unsigned by)
{
    c->blocked |= by;
    return ERR_FULL;
}

void circ_unblock(struct circ *c, unsigned by)
{
    if (!(c->blocked & by) || c->state == CIRC_CLOSED)
        return;
    c->blocked = 0; /* what else is in the way will say so */
    if (c->user && c->user->on_writable)
        c->user->on_writable(c->user_arg);
}

/* Whether MSG may go to H at all. */
static err_t check(struct circ *c, const struct hop *h, const struct relay_msg *msg)
{
    bool data = msg->cmd == RELAY_DATA;
    size_t max = data ? hop_data_max(h) : relay_data_max(h->layer->kind->format, msg->cmd);
    if (msg->len > max)
        return ERR_LIMIT;
    /* tor-spec 5.6: EXTEND2 "MUST" come in RELAY_EARLY */
    if (msg->cmd == RELAY_EXTEND2 && c->early_left == 0)
        return ERR_LIMIT;
    return data && !flow_may_send(h->flow) ? block(c, BLOCKED_BY_FLOW) : OK;
}

static uint8_t *cell(struct circ *c, uint8_t chan_cmd, uint8_t cmd)
{
    if (cmd == RELAY_DATA)
        return link_cell(&c->lc, chan_cmd, LINK_DATA);
    return link_cell(&c->lc, chan_cmd, LINK_URGENT);
}

/* The link has no room for a message. */
static err_t refuse(struct circ *c, uint8_t cmd)
{
    if (cmd == RELAY_DATA)
        return block(c, BLOCKED_BY_LINK);
    circ_close(c, ERR_FULL, DESTROY_RESOURCELIMIT);
    return ERR_FULL;
}

static err_t seal(struct circ *c, unsigned hop, uint8_t chan_cmd, const struct relay_msg *msg,
                  uint8_t *body)
{
    size_t random_at;
    TRY(relay_msg_encode(onion_layer(&c->onion, hop)->kind->format, msg, body, &random_at));
    /* tor-spec 6.1: padding is "random bytes" behind four zero bytes */
    env_padding(c->env, body + random_at, CELL_BODY_LEN - random_at);
    return onion_seal(&c->onion, hop, chan_cmd, body);
}

static err_t sent(struct circ *c, unsigned hop, uint8_t chan_cmd, const struct relay_msg *msg)
{
    /* First what can fail: a cell that counts as not sent must not go out. */
    if (msg->cmd == RELAY_DATA)
        TRY(hop_data_sent(&c->onion.hop[hop - 1], c->env, msg->len));
    link_cell_commit(&c->lc);
    c->early_left -= chan_cmd == CELL_RELAY_EARLY;
    c->counts.early_out += chan_cmd == CELL_RELAY_EARLY;
    c->counts.cells_out++;
    c->counts.data_out += msg->len;
    if (msg->stream_id)
        c->stream_hops |= 1u << hop;
    circ_pad_sent(c, msg->cmd);
    return OK;
}

err_t circ_send(struct circ *c, unsigned hop, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                size_t len)
{
    struct relay_msg msg = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (c->state == CIRC_CLOSED)
        return ERR_STATE;
    if (hop < 1 || hop > c->onion.n)
        return ERR_ARG;
    TRY(check(c, &c->onion.hop[hop - 1], &msg));
    uint8_t chan_cmd = chan_cmd_for(c, hop, cmd);
    uint8_t *body = cell(c, chan_cmd, cmd);
    if (!body)
        return refuse(c, cmd);
    if (c->tap)
        (void)c->tap(c->tap_arg, true, hop, &msg);
    err_t err = seal(c, hop, chan_cmd, &msg, body);
    if (err == OK)
        err = sent(c, hop, chan_cmd, &msg);
    if (err != OK)
        circ_fail(c, err);
    return err;
}

err_t circ_send_sendme(struct circ *c, unsigned hop)
{
    uint8_t body[3 + LAYER_TAG_MAX];
    struct wr w = wr_over(body, sizeof body);
    TRY(hop_sendme_encode(&c->onion.hop[hop - 1], c->config.sendme_version, &w));
    return circ_send(c, hop, RELAY_SENDME, 0, body, w.len);
}

/* ---- how much ---- */

size_t circ_message_max(const struct circ *c, unsigned hop, uint8_t cmd)
{
    if (hop < 1 || hop > c->onion.n)
        return 0;
    return relay_data_max(onion_layer(&c->onion, hop)->kind->format, cmd);
}

size_t circ_data_max(const struct circ *c, unsigned hop)
{
    return hop >= 1 && hop <= c->onion.n ? hop_data_max(&c->onion.hop[hop - 1]) : 0;
}

unsigned circ_window(const struct circ *c, unsigned hop)
{
    return hop >= 1 && hop <= c->onion.n ? c->onion.hop[hop - 1].flow->room : 0;
}

bool circ_stream_sendmes(const struct circ *c, unsigned hop)
{
    return hop >= 1 && hop <= c->onion.n && c->onion.hop[hop - 1].flow->kind->stream_sendmes;
}

bool circ_congestion(const struct circ *c, unsigned hop, struct circ_congestion *out)
{
    const struct flow *f = hop >= 1 && hop <= c->onion.n ? c->onion.hop[hop - 1].flow : NULL;
    const struct vegas *v = (const struct vegas *)f;
    if (!f || f->kind != &vegas_kind)
        return false;
    *out = (struct circ_congestion){.in_slow_start = v->in_slow_start,
                                    .cwnd = v->cwnd,
                                    .ewma_rtt_us = v->ewma_rtt_us,
                                    .min_rtt_us = v->min_rtt_us,
                                    .max_rtt_us = v->max_rtt_us};
    return true;
}

bool circ_may_send(struct circ *c, unsigned hop)
{
    if (c->state == CIRC_CLOSED || hop < 1 || hop > c->onion.n)
        return false;
    bool flow = flow_may_send(c->onion.hop[hop - 1].flow), both = flow && link_may_send(&c->lc);
    if (!both)
        (void)block(c, flow ? BLOCKED_BY_LINK : BLOCKED_BY_FLOW);
    return both;
}

bool circ_awaits_sendme(const struct circ *c, unsigned hop)
{
    return hop >= 1 && hop <= c->onion.n && tags_any(&c->onion.hop[hop - 1].tags);
}

uint64_t circ_rtt_us(const struct circ *c, unsigned hop)
{
    struct circ_congestion cc;
    return circ_congestion(c, hop, &cc) ? cc.ewma_rtt_us : 0;
}

bool circ_may_begin(const struct circ *c)
{
    return c->state != CIRC_CLOSED && link_may_begin(&c->lc);
}
