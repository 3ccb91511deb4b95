#include "circuit/circ_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "cell/relay_extend.h"
#include "cell/relay_flow.h"

enum { RELAY_EARLY_MAX = 8 };

/* ---- closing ---- */

static void tell_gone(void *arg)
{
    struct circ *c = arg;
    if (c->user && c->user->on_end)
        c->user->on_end(c->user_arg, &c->end);
    c->ops->on_end(c->arg, &c->end); /* C may be freed now */
}

/* The circuit is off its link or gets off it here; nothing of it is used any more but c->end. */
static void mark_closed(struct circ *c, err_t why, uint8_t reason)
{
    c->state = CIRC_CLOSED;
    c->end.why = why;
    c->end.reason = reason;
    c->end.hops = c->built;
    circ_handshake_wipe(&c->handshake);
    char text[160];
    log_info(c->env->log, "circuit %u closed: %s", (unsigned)c->id,
             circ_end_text(&c->end, text, sizeof text));
    env_arm_ms(c->env, &c->gone, 0);
}

void circ_close(struct circ *c, err_t why, uint8_t reason)
{
    if (c->state == CIRC_CLOSED)
        return;
    /* tor-spec 5.4: "To prevent leaks, the client [...] SHOULD send NONE" */
    link_circ_close(&c->lc, true, DESTROY_NONE);
    mark_closed(c, why, reason);
}

void circ_fail(struct circ *c, err_t why)
{
    enum err_class class = err_class(why);
    circ_close(c, why, class == ERRC_CIRCUIT ? DESTROY_PROTOCOL : DESTROY_INTERNAL);
}

static void close_remote(struct circ *c, uint8_t reason)
{
    c->end.remote = true;
    mark_closed(c, OK, reason);
}

const char *circ_end_text(const struct circ_end *end, char *out, size_t size)
{
    if (end->link_ended)
        snprintf(out, size, "link ended: %s", end->link.text);
    else if (end->remote)
        snprintf(out, size, "hop %u: %s (%s)", end->hops, destroy_reason_name(end->reason),
                 destroy_reason_text(end->reason));
    else
        snprintf(out, size, "hop %u: %s (%s)", end->hops, destroy_reason_name(end->reason),
                 err_text(end->why));
    return out;
}

/* ---- sending ---- */

static uint8_t chan_cmd_for(const struct circ *c, unsigned hop, uint8_t cmd)
{
    /* As C tor, so as not to stand out: RELAY_EARLY for EXTEND2 and for all that goes beyond the
     * first hop, while there are some left. */
    return c->early_left > 0 && (cmd == RELAY_EXTEND2 || hop > 1) ? CELL_RELAY_EARLY : CELL_RELAY;
}

static err_t refuse(struct circ *c, uint8_t cmd)
{
    if (cmd == RELAY_DATA) {
        c->blocked = true;
        return ERR_FULL;
    }
    circ_close(c, ERR_FULL, DESTROY_RESOURCELIMIT);
    return ERR_FULL;
}

static err_t seal(struct circ *c, unsigned hop, uint8_t chan_cmd, const struct relay_msg *msg,
                  uint8_t *body)
{
    size_t random_at;
    TRY(relay_msg_encode(onion_layer(&c->onion, hop)->kind->format, msg, body, &random_at));
    /* tor-spec 6.1: padding is "random bytes" behind four zero bytes */
    env_random(c->env, body + random_at, CELL_BODY_LEN - random_at);
    return onion_seal(&c->onion, hop, chan_cmd, body);
}

err_t circ_send(struct circ *c, unsigned hop, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                size_t len)
{
    if (c->state == CIRC_CLOSED)
        return ERR_STATE;
    if (hop < 1 || hop > c->built)
        return ERR_ARG;
    const struct layer *layer = onion_layer(&c->onion, hop);
    struct window *window = &c->window[hop - 1];
    size_t max = relay_data_max(layer->kind->format, cmd);
    if (len > (cmd == RELAY_DATA ? window_data_max(window, max) : max))
        return ERR_LIMIT;
    if (cmd == RELAY_DATA && window->package == 0)
        return refuse(c, cmd);
    uint8_t chan_cmd = chan_cmd_for(c, hop, cmd);
    if (cmd == RELAY_EXTEND2 && chan_cmd != CELL_RELAY_EARLY)
        return ERR_LIMIT;
    uint8_t *body = link_cell(&c->lc, chan_cmd, cmd == RELAY_DATA ? LINK_DATA : LINK_URGENT);
    if (!body)
        return refuse(c, cmd);

    struct relay_msg msg = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (c->tap)
        (void)c->tap(c->tap_arg, true, hop, &msg);
    err_t err = seal(c, hop, chan_cmd, &msg, body);
    if (err == OK) {
        link_cell_commit(&c->lc);
        c->early_left -= chan_cmd == CELL_RELAY_EARLY;
        if (stream_id)
            c->stream_hops |= 1u << hop;
        if (cmd == RELAY_DATA)
            err = window_data_sent(window, c->env, len, max, layer->sent_tag, layer->kind->tag_len);
    }
    if (err != OK)
        circ_fail(c, err);
    return err;
}

static void writable(struct circ *c)
{
    if (!c->blocked || c->state == CIRC_CLOSED)
        return;
    c->blocked = false;
    if (c->user && c->user->on_writable)
        c->user->on_writable(c->user_arg);
}

/* ---- receiving ---- */

static err_t to_user(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    if (!c->user)
        return ERR_CIRC_PROTO;
    err_t err = c->user->on_msg(c->user_arg, hop, msg);
    return err_class(err) >= ERRC_CIRCUIT ? err : OK;
}

static err_t send_sendme(struct circ *c, unsigned hop)
{
    const struct layer *layer = onion_layer(&c->onion, hop);
    struct relay_sendme m = {
        .version = 1, .tag_len = (uint8_t)layer->kind->tag_len, .tag = layer->got_tag};
    uint8_t body[3 + LAYER_TAG_MAX];
    struct wr w = wr_over(body, sizeof body);
    TRY(relay_sendme_encode(&w, &m));
    return circ_send(c, hop, RELAY_SENDME, 0, body, w.len);
}

static err_t count_data(struct circ *c, unsigned hop)
{
    bool due;
    TRY(window_data_received(&c->window[hop - 1], &due));
    return due ? send_sendme(c, hop) : OK;
}

static err_t on_data(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    TRY(count_data(c, hop));
    return to_user(c, hop, msg);
}

static err_t on_sendme(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    if (msg->stream_id)
        return to_user(c, hop, msg);
    TRY(window_sendme_received(&c->window[hop - 1], msg->data, msg->len,
                               onion_layer(&c->onion, hop)->kind->tag_len));
    writable(c);
    return OK;
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
    close_remote(c, m.reason);
    return OK;
}

enum {
    IN_BUILDING = 1 << CIRC_BUILDING,
    IN_OPEN = 1 << CIRC_OPEN,
    IN_BOTH = IN_BUILDING | IN_OPEN
};

/* What a client's circuit takes, and in which state. Lengths, stream ids and hops are in the cell
 * layer's table. All else closes the circuit: we have no padding machine (DROP,
 * PADDING_NEGOTIATED), no congestion control (XOFF, XON), no conflux and no onion services yet. */
static const struct {
    uint8_t states;
    err_t (*handle)(struct circ *c, unsigned hop, const struct relay_msg *msg);
} takes[] = {
    [RELAY_BEGIN] = {IN_OPEN, to_user},    [RELAY_DATA] = {IN_BOTH, on_data},
    [RELAY_END] = {IN_BOTH, to_user},      [RELAY_CONNECTED] = {IN_BOTH, to_user},
    [RELAY_SENDME] = {IN_BOTH, on_sendme}, [RELAY_TRUNCATED] = {IN_BOTH, on_truncated},
    [RELAY_RESOLVED] = {IN_BOTH, to_user}, [RELAY_EXTENDED2] = {IN_BUILDING, on_extended2},
};

static err_t dispatch(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    /* A stream's answer may come from the hop the stream was opened at, the last one or not. */
    bool may_be_last = hop == c->built || (msg->stream_id && (c->stream_hops >> hop & 1));
    if (relay_msg_check(msg, c->we, may_be_last) != OK)
        return ERR_CIRC_PROTO;
    if (msg->cmd >= sizeof takes / sizeof takes[0] || !(takes[msg->cmd].states >> c->state & 1))
        return ERR_CIRC_PROTO;
    return takes[msg->cmd].handle(c, hop, msg);
}

static err_t on_relay(struct circ *c, uint8_t *body)
{
    unsigned hop;
    struct relay_msg msg;
    /* tor-spec 6.1: a cell that no hop recognizes: "the circuit is [...] closed" */
    TRY(onion_open(&c->onion, body, &hop));
    if (relay_msg_decode(onion_layer(&c->onion, hop)->kind->format, body, &msg) != OK)
        return ERR_CIRC_PROTO;
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
    close_remote(arg, reason);
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    struct circ *c = arg;
    c->end.link_ended = true;
    c->end.link = *end;
    c->link = NULL;
    mark_closed(c, end->why, DESTROY_CHANNEL_CLOSED);
}

static void on_link_writable(void *arg)
{
    writable(arg);
}

static const struct link_circ_ops link_ops = {
    .on_cell = on_cell,
    .on_destroy = on_destroy,
    .on_link_closed = on_link_closed,
    .on_writable = on_link_writable,
};

/* ---- life ---- */

struct circ *circ_new(struct env *env, struct link *l, const struct circ_ops *ops, void *arg)
{
    struct circ *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->env = env;
    c->ops = ops;
    c->arg = arg;
    c->created_us = env->mono_us;
    c->we = RELAY_TO_CLIENT;
    c->lc.ops = &link_ops;
    c->lc.arg = c;
    timer_init(&c->gone, tell_gone, c);
    if (link_circ_open(l, &c->lc) != OK) {
        free(c);
        return NULL;
    }
    c->link = l;
    c->id = c->lc.id;
    /* C tor starts with eight or seven, so that the number tells nothing about the circuit. */
    c->early_left = RELAY_EARLY_MAX - (unsigned)env_random_below(env, 2);
    return c;
}

void circ_free(struct circ *c)
{
    if (!c)
        return;
    if (c->state != CIRC_CLOSED)
        link_circ_close(&c->lc, true, DESTROY_NONE);
    env_disarm(c->env, &c->gone);
    circ_handshake_wipe(&c->handshake);
    onion_clear(&c->onion);
    free(c);
}

void circ_set_user(struct circ *c, const struct circ_user_ops *ops, void *arg)
{
    c->user = ops;
    c->user_arg = arg;
}

void circ_serve(struct circ *c)
{
    c->we = RELAY_TO_SERVICE;
}

void circ_set_tap(struct circ *c, circ_tap_fn *tap, void *arg)
{
    c->tap = tap;
    c->tap_arg = arg;
}

/* ---- what it is ---- */

enum circ_state circ_state(const struct circ *c)
{
    return c->state;
}

unsigned circ_hops(const struct circ *c)
{
    return c->built;
}

const struct circ_hop_target *circ_hop(const struct circ *c, unsigned n)
{
    return n >= 1 && n <= c->built ? &c->target[n - 1] : NULL;
}

struct link *circ_link(const struct circ *c)
{
    return c->link;
}

uint32_t circ_id(const struct circ *c)
{
    return c->id;
}

uint64_t circ_created_us(const struct circ *c)
{
    return c->created_us;
}

unsigned circ_window(const struct circ *c, unsigned hop)
{
    return hop >= 1 && hop <= c->built ? c->window[hop - 1].package : 0;
}

size_t circ_data_max(const struct circ *c, unsigned hop)
{
    if (hop < 1 || hop > c->built)
        return 0;
    size_t max = relay_data_max(onion_layer(&c->onion, hop)->kind->format, RELAY_DATA);
    return window_data_max(&c->window[hop - 1], max);
}

bool circ_may_begin(const struct circ *c)
{
    return c->state != CIRC_CLOSED && link_may_begin(&c->lc);
}

bool circ_stream_sendmes(const struct circ *c, unsigned hop)
{
    (void)c;
    (void)hop;
    return true;
}
