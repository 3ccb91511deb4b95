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
        .data_left = s->kind == STREAM_RESOLVE ? 0 : (uint16_t)s->deliver,
        .sendmes_left = (uint8_t)((STREAMWINDOW_START - s->package) / STREAMWINDOW_INCREMENT),
        .connected_due = s->state == STREAM_CONNECTING,
        .resolved_due = s->state == STREAM_RESOLVING,
    };
    half_add(&s->set->halves, &h);
}

/* C tor's client gives no other reason than MISC, whatever it was: the exit need not know. */
static void send_end(struct stream *s)
{
    uint8_t data[1];
    struct relay_end m = {.reason = END_MISC};
    struct wr w = wr_over(data, sizeof data);
    if (!s->set->circ || s->answered || relay_end_encode(&w, &m) != OK)
        return;
    remember_half(s);
    if (circ_send(s->set->circ, s->set->hop, RELAY_END, s->id, data, w.len) != OK)
        return; /* then the circuit closes, and all of its streams with it */
}

void stream_close(struct stream *s, uint8_t reason)
{
    if (s->state == STREAM_DEAD)
        return;
    log_debug(s->set->env->log, "stream %u closed by us: %s", (unsigned)s->id,
              end_reason_name(reason));
    send_end(s);
    streams_drop(s);
}

/* Ends S because the exit says that it went to ADDR, where it may not. */
static void end_for_address(struct stream *s, const struct ip *addr)
{
    struct stream_end end = {.why = ERR_STREAM_PROTO, .reason = END_TORPROTOCOL, .exit_saw = *addr};
    send_end(s);
    stream_finish(s, &end);
}

static err_t on_end(struct stream *s, const struct relay_msg *msg)
{
    struct relay_end m;
    if (relay_end_decode(rd_over(msg->data, msg->len), &m) != OK)
        return ERR_CIRC_PROTO;
    /* Either may mean that a cell was tagged on its way, and the exit complains. */
    if (s->state != STREAM_OPEN && (m.reason == END_TORPROTOCOL || m.reason == END_DESTROY))
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

/* False for what is of no use: unknown types, internal addresses, names with odd bytes. */
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
        if (a->value.len == 0 || a->value.len >= sizeof out->name)
            return false;
        for (size_t i = 0; i < a->value.len; i++) {
            if (a->value.s[i] <= ' ' || a->value.s[i] > '~')
                return false;
        }
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

/* As C tor: only while little is waiting to be taken. */
static void consider_sendme(struct stream *s)
{
    struct streams *set = s->set;
    if (s->state != STREAM_OPEN || !set->circ || !circ_stream_sendmes(set->circ, set->hop))
        return;
    while (s->backlog <= STREAM_BACKLOG_LOW &&
           s->deliver <= STREAMWINDOW_START - STREAMWINDOW_INCREMENT) {
        s->deliver += STREAMWINDOW_INCREMENT;
        if (circ_send(set->circ, set->hop, RELAY_SENDME, s->id, NULL, 0) != OK)
            return;
    }
}

static err_t on_data(struct stream *s, const struct relay_msg *msg)
{
    if (s->deliver == 0)
        return ERR_CIRC_WINDOW;
    s->deliver--;
    s->backlog += msg->len;
    if (msg->len)
        CALL(s, on_data, msg->data, msg->len);
    consider_sendme(s);
    return OK;
}

void stream_consumed(struct stream *s, size_t len)
{
    s->backlog -= len < s->backlog ? len : s->backlog;
    consider_sendme(s);
}

/* ---- data from us ---- */

static err_t on_sendme(struct stream *s, const struct relay_msg *msg)
{
    (void)msg;
    if (s->package + STREAMWINDOW_INCREMENT > STREAMWINDOW_START)
        return ERR_CIRC_SENDME;
    s->package += STREAMWINDOW_INCREMENT;
    if (s->wants_turn) {
        streams_want_turn(s);
        streams_run_turns(s->set);
    }
    return OK;
}

/* Sends one cell's worth; 0 if it has to wait. */
static size_t write_cell(struct stream *s, const uint8_t *bytes, size_t len)
{
    struct streams *set = s->set;
    size_t max = circ_data_max(set->circ, set->hop);
    size_t n = len < max ? len : max;
    err_t err = circ_send(set->circ, set->hop, RELAY_DATA, s->id, bytes, n);
    set->blocked = err == ERR_FULL;
    if (err != OK)
        return 0;
    s->package--;
    return n;
}

size_t stream_write(struct stream *s, const uint8_t *bytes, size_t len)
{
    struct streams *set = s->set;
    if (s->state != STREAM_CONNECTING && s->state != STREAM_OPEN)
        return 0;
    if (!set->circ || circ_state(set->circ) == CIRC_CLOSED)
        return 0;
    bool in_turn = s->turn_left > 0;
    size_t done = 0;
    while (done < len && s->package > 0 && streams_may_write(s)) {
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

void stream_take_turn(struct stream *s)
{
    s->turn_left = STREAM_TURN_CELLS;
    s->wants_turn = false;
    s->set->calling++;
    if (s->ops->on_writable)
        s->ops->on_writable(s->arg);
    s->set->calling--;
    s->turn_left = 0;
}

/* ---- dispatch ---- */

enum {
    IN_CONNECTING = 1 << STREAM_CONNECTING,
    IN_RESOLVING = 1 << STREAM_RESOLVING,
    IN_OPEN = 1 << STREAM_OPEN,
};

/* In which state a message may come. Anything else closes the circuit. An exit sends no SENDME
 * before CONNECTED, whatever optimistic data it got. */
static const struct {
    uint8_t states;
    err_t (*handle)(struct stream *s, const struct relay_msg *msg);
} takes[] = {
    [RELAY_DATA] = {IN_OPEN, on_data},
    [RELAY_END] = {IN_CONNECTING | IN_RESOLVING | IN_OPEN, on_end},
    [RELAY_CONNECTED] = {IN_CONNECTING, on_connected},
    [RELAY_SENDME] = {IN_OPEN, on_sendme},
    [RELAY_RESOLVED] = {IN_RESOLVING, on_resolved},
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
