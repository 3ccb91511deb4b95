/* One stream: its messages, its windows, its end. */
#include "stream/stream.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "stream/stream_int.h"

/* Callbacks are counted so that a set freed inside one stays until they are done. */
#define CALL(s, callback, ...)                         \
    do {                                               \
        struct streams *set_ = (s)->set;               \
        set_->calling++;                               \
        if ((s)->ops->callback)                        \
            (s)->ops->callback((s)->arg, __VA_ARGS__); \
        set_->calling--;                               \
    } while (0)

/* ---- ends ---- */

void stream_finish(struct stream *s, const struct stream_end *end)
{
    struct stream_end told = *end;
    told.connected = s->state == STREAM_OPEN;
    streams_drop(s);
    CALL(s, on_end, &told);
}

/* From here on the other side may send what was under way, and no more. */
static void remember_half(struct stream *s)
{
    struct half h = {
        .id = s->id,
        .connected_due = s->state == STREAM_CONNECTING,
        .resolved_due = s->state == STREAM_RESOLVING,
    };
    const struct carrier *c = s->set->carrier;
    if (s->kind != STREAM_RESOLVE)
        h.rest = stream_flow_rest(&s->flow, s->set->env->mono_us, c->kind->max_rtt_us(c));
    half_add(&s->set->halves, &h);
}

/* END goes out with REASON; what may still come is remembered. */
static void send_end(struct stream *s, uint8_t reason)
{
    uint8_t data[1];
    /* C tor's client gives no other reason than MISC, whatever it was: the exit need not know. Its
     * service says what it is. */
    struct relay_end m = {.reason = s->kind == STREAM_ACCEPTED ? reason : END_MISC};
    struct wr w = wr_over(data, sizeof data);
    if (!streams_is_open(s->set) || s->answered || relay_end_encode(&w, &m) != OK)
        return;
    remember_half(s);
    if (streams_send(s->set, RELAY_END, s->id, data, w.len) != OK)
        return; /* the circuit closes then, with all of its streams */
}

void stream_close(struct stream *s, uint8_t reason)
{
    if (s->state == STREAM_DEAD)
        return;
    log_debug(s->set->env->log, "stream %u closed by us: %s", (unsigned)s->id,
              end_reason_name(reason));
    send_end(s, reason);
    streams_drop(s);
}

/* Ends S because the exit says that it went to ADDR, where it may not. */
static void end_for_address(struct stream *s, const struct ip *addr)
{
    struct stream_end end = {.why = ERR_STREAM_PROTO, .reason = END_TORPROTOCOL, .exit_saw = *addr};
    send_end(s, END_TORPROTOCOL);
    stream_finish(s, &end);
}

static err_t on_end(struct stream *s, const struct relay_msg *msg)
{
    struct relay_end m;
    err_t err = relay_end_decode(rd_over(msg->data, msg->len), &m);
    /* Either reason may be the exit's complaint about a cell that was tagged on its way. */
    bool was_tagged = (s->state == STREAM_CONNECTING || s->state == STREAM_RESOLVING) &&
                      (m.reason == END_TORPROTOCOL || m.reason == END_DESTROY);
    if (err != OK || was_tagged)
        return ERR_CIRC_PROTO;
    struct stream_end end = {
        .why = OK, .reason = m.reason, .remote = true, .exit_saw = m.ip, .ttl_s = m.ttl_s};
    stream_finish(s, &end);
    return OK;
}

/* ---- CONNECTED, RESOLVED ---- */

static bool address_ok(const struct streams *set, const struct ip *ip)
{
    return !ip_is_unspecified(ip) && (set->allow_internal || !ip_is_internal(ip));
}

static bool connected_ok(const struct stream *s, const struct ip *ip)
{
    if (s->kind == STREAM_BEGIN_DIR || ip->family == IP_NONE)
        return true;
    return address_ok(s->set, ip) && (ip->family == IP_V4 ? s->v4_ok : s->v6_ok);
}

static err_t on_connected(struct stream *s, const struct relay_msg *msg)
{
    struct relay_connected m;
    if (relay_connected_decode(rd_over(msg->data, msg->len), &m) != OK)
        return ERR_CIRC_PROTO;
    if (!connected_ok(s, &m.ip)) {
        log_protocol(s->set->env->log, "an exit claims to have connected to an internal address");
        end_for_address(s, &m.ip);
        return OK;
    }
    s->state = STREAM_OPEN;
    CALL(s, on_connected, &m.ip, m.ttl_s);
    return OK;
}

/* False for what is of no use: unknown types, internal addresses. */
static bool read_answer(const struct streams *set, const struct relay_answer *a,
                        struct stream_answer *out)
{
    memset(out, 0, sizeof *out);
    out->ttl_s = a->ttl_s;
    switch (a->type) {
    case ANSWER_IPV4:
    case ANSWER_IPV6:
        out->kind = ANSWER_IP;
        out->ip = a->ip;
        return address_ok(set, &a->ip);
    case ANSWER_HOST:
        out->kind = ANSWER_NAME;
        memcpy(out->name, a->value.s, a->value.len);
        return true;
    default:
        return false;
    }
}

/* An error counts only if there is no answer, a lasting one over a transient one. */
static struct stream_answer error_answer(const struct relay_resolved *m)
{
    struct stream_answer error = {.kind = ANSWER_ERROR};
    bool lasting = false;
    for (size_t i = 0; i < m->n && !lasting; i++) {
        if (m->a[i].type != ANSWER_ERROR && m->a[i].type != ANSWER_ERROR_TRANSIENT)
            continue;
        error.kind = m->a[i].type;
        error.ttl_s = m->a[i].ttl_s;
        lasting = error.kind == ANSWER_ERROR;
    }
    return error;
}

static err_t on_resolved(struct stream *s, const struct relay_msg *msg)
{
    struct relay_resolved m;
    struct stream_answer answers[STREAM_MAX_ANSWERS];
    size_t n = 0;
    /* tor-spec 6.4: RESOLVED is the whole answer, no END follows or is due. */
    struct stream_end end = {.why = OK, .reason = END_DONE, .remote = true};
    struct stream_end fault = {.why = ERR_STREAM_PROTO, .reason = END_TORPROTOCOL};
    if (relay_resolved_decode(rd_over(msg->data, msg->len), &m) != OK) {
        /* A bad name may come from any name server: it costs the look-up, as in C tor. */
        stream_finish(s, &fault);
        return OK;
    }
    for (size_t i = 0; i < m.n && n < STREAM_MAX_ANSWERS; i++)
        n += read_answer(s->set, &m.a[i], &answers[n]);
    if (n == 0)
        answers[n++] = error_answer(&m);
    s->answered = true;
    CALL(s, on_resolved, answers, n);
    if (s->state != STREAM_DEAD)
        stream_finish(s, &end);
    return OK;
}

/* ---- data to us ---- */

/* XON or XOFF: our word (OURS) or theirs. */
static void tell_flow(struct stream *s, bool ours, uint8_t cmd)
{
    if (cmd == RELAY_SENDME)
        return;
    log_info(s->set->env->log, "stream %u: %s %s, with %zu bytes waiting here", (unsigned)s->id,
             relay_cmd_name(cmd), ours ? "sent" : "received", s->flow.backlog);
    CALL(s, on_flow, ours, cmd);
}

/* Nobody sends a SENDME before CONNECTED, whatever optimistic data there was. */
static void send_flow(struct stream *s)
{
    struct xonxoff_msg msg;
    while (s->state == STREAM_OPEN && streams_is_open(s->set) && stream_flow_due(&s->flow, &msg)) {
        if (streams_send(s->set, msg.cmd, s->id, msg.body, msg.len) != OK)
            return;
        tell_flow(s, true, msg.cmd);
    }
}

static err_t on_data(struct stream *s, const struct relay_msg *msg)
{
    TRY(stream_flow_received(&s->flow, msg->len, s->set->env->mono_us));
    if (msg->len)
        CALL(s, on_data, msg->data, msg->len);
    send_flow(s);
    return OK;
}

void stream_consumed(struct stream *s, size_t len)
{
    stream_flow_consumed(&s->flow, len, s->set->env->mono_us);
    send_flow(s);
}

void stream_say_connected(struct stream *s)
{
    if (s->state != STREAM_ASKED)
        return;
    s->state = STREAM_OPEN;
    if (!streams_is_open(s->set) || streams_send(s->set, RELAY_CONNECTED, s->id, NULL, 0) != OK)
        return; /* the carrier's end tells of it */
    send_flow(s);
}

/* ---- data from us ---- */

static err_t on_flow(struct stream *s, const struct relay_msg *msg)
{
    TRY(stream_flow_on_msg(&s->flow, msg, s->set->env->mono_us));
    tell_flow(s, false, msg->cmd);
    if (s->state != STREAM_DEAD && s->wants_turn) {
        streams_want_turn(s);
        streams_run_turns(s->set);
    }
    return OK;
}

/* Sends one cell's worth; 0 if it has to wait. */
static size_t write_cell(struct stream *s, const uint8_t *bytes, size_t len)
{
    struct streams *set = s->set;
    err_t err = set->carrier->kind->send_data(set->carrier, s->id, bytes, &len);
    set->blocked = err == ERR_FULL;
    if (err != OK)
        return 0;
    stream_flow_sent(&s->flow, len);
    return len;
}

size_t stream_write(struct stream *s, const uint8_t *bytes, size_t len)
{
    if ((s->state != STREAM_CONNECTING && s->state != STREAM_OPEN) || !streams_is_open(s->set))
        return 0;
    bool in_turn = s->turn_left > 0;
    size_t done = 0;
    uint64_t now_us = s->set->env->mono_us;
    while (done < len && stream_flow_may_send(&s->flow, now_us) && streams_may_write(s)) {
        size_t n = write_cell(s, bytes + done, len - done);
        if (n == 0)
            break;
        done += n;
        if (in_turn && --s->turn_left == 0)
            break;
    }
    if (done < len)
        streams_want_turn(s);
    return done;
}

/* ---- dispatch ---- */

enum {
    IN_CONNECTING = 1 << STREAM_CONNECTING,
    IN_RESOLVING = 1 << STREAM_RESOLVING,
    IN_ASKED = 1 << STREAM_ASKED,
    IN_OPEN = 1 << STREAM_OPEN,
};

/* The states in which a message may come. Anything else closes the circuit. An exit sends no SENDME
 * before CONNECTED, whatever optimistic data it got; XOFF it may. */
static const struct {
    uint8_t states;
    err_t (*handle)(struct stream *s, const struct relay_msg *msg);
} takes[] = {
    [RELAY_DATA] = {IN_ASKED | IN_OPEN, on_data},
    [RELAY_END] = {IN_CONNECTING | IN_RESOLVING | IN_ASKED | IN_OPEN, on_end},
    [RELAY_CONNECTED] = {IN_CONNECTING, on_connected},
    [RELAY_SENDME] = {IN_OPEN, on_flow},
    [RELAY_RESOLVED] = {IN_RESOLVING, on_resolved},
    [RELAY_XOFF] = {IN_CONNECTING | IN_OPEN, on_flow},
    [RELAY_XON] = {IN_CONNECTING | IN_OPEN, on_flow},
};

err_t stream_on_msg(struct stream *s, const struct relay_msg *msg)
{
    if (msg->cmd >= sizeof takes / sizeof takes[0] || !(takes[msg->cmd].states >> s->state & 1))
        return ERR_CIRC_PROTO;
    return takes[msg->cmd].handle(s, msg);
}

uint16_t stream_id(const struct stream *s)
{
    return s->id;
}

bool stream_is_connected(const struct stream *s)
{
    return s->state == STREAM_OPEN;
}
