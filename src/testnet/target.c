/* Streams that end at a relay: to a target on loopback, or to its own directory server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_stream.h"
#include "dirdoc/exitpolicy.h"
#include "testnet/node_int.h"

enum {
    /* What a target may have waiting: a stream window, and under congestion control, where the
     * client stops some time after XOFF, more. */
    OUT_CAP = 16 * 1024 * 1024,
    CONNECTED_TTL_S = 60,
};

struct target *target_find(const struct rcirc *c, uint16_t id)
{
    struct target *t;
    if (c->set)
        c = c->set->home;
    DL_FOREACH (c->streams, t) {
        if (t->id == id)
            return t;
    }
    return NULL;
}

/* ---- life ---- */

static struct target *target_new(struct rcirc *c, uint16_t id, enum target_kind kind)
{
    struct target *t = c->n_streams < RCIRC_STREAMS_MOST ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    *t = (struct target){.circ = c, .id = id, .kind = kind};
    target_flow_init(t);
    buf_init(&t->out, OUT_CAP);
    DL_APPEND(c->streams, t);
    c->n_streams++;
    c->node->counts.streams++;
    c->node->counts.streams_ever++;
    return t;
}

void target_close(struct target *t)
{
    struct rcirc *c = t->circ;
    struct node *n = c->node;
    if (t->over)
        return;
    t->over = true;
    env_disarm(n->env, &t->pace);
    if (t->dialled)
        n->ops->target_hangup(n->world, t);
    DL_DELETE(c->streams, t);
    c->n_streams--;
    n->counts.streams--;
    DL_APPEND(n->dead_targets, t);
    later_ask(n->env, &n->reap);
}

void target_bury(struct target *t)
{
    dirserv_free(t->dir);
    buf_free(&t->out);
    free(t);
}

/* IP with EXITPOLICY only: what the name turned out to be. */
static void send_end(struct rcirc *c, uint16_t id, uint8_t reason, const struct ip *ip)
{
    struct relay_end m = {.reason = reason, .has_ttl = ip != NULL, .ttl_s = CONNECTED_TTL_S};
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    if (ip)
        m.ip = *ip;
    if (relay_end_encode(&w, &m) == OK)
        rcirc_send(c, RELAY_END, id, data, w.len);
}

void target_end(struct target *t, uint8_t reason)
{
    if (t->over)
        return;
    send_end(t->circ, t->id, reason, NULL);
    target_close(t);
}

/* ---- BEGIN, BEGIN_DIR ---- */

static void send_connected(struct target *t)
{
    struct relay_connected m = {.has_ttl = true, .ttl_s = CONNECTED_TTL_S};
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    if (t->kind == TARGET_EXIT)
        m.ip = t->to.ip;
    t->open = true;
    if (relay_connected_encode(&w, &m) == OK)
        rcirc_send(t->circ, RELAY_CONNECTED, t->id, data, w.len);
}

/* Why M is refused, or 0; *TO is where it goes. */
static uint8_t judge(const struct rcirc *c, const struct relay_begin *m, struct ipport *to)
{
    static const uint8_t home[4] = {127, 0, 0, 1};
    err_t e = resolve_name(c->node, m->host, m->port, to);
    /* The world outside has the policy of 127.0.0.1 and no route. With "exit policy" instead, tor
     * takes an exit for one that breaks what it published, and uses it no more. */
    struct ipport asked = {e == ERR_ARG ? ip_v4(home) : to->ip, m->port};
    /* tor-spec 6.2: a circuit of one hop is no way out. */
    if (c->fast)
        return END_TORPROTOCOL;
    if (e == ERR_NOT_FOUND)
        return END_RESOLVEFAILED;
    if (!exitpolicy_allows(c->node->config.plan->policy, &asked))
        return END_EXITPOLICY;
    if (e != OK)
        return END_NOROUTE;
    if (to->ip.family == IP_V6 ? !(m->flags & BEGIN_IPV6_OK) : m->flags & BEGIN_IPV4_NOT_OK)
        return END_EXITPOLICY;
    return 0;
}

void target_begin(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_begin begin;
    struct ipport to = {.port = 0};
    if (target_find(c, m->stream_id)) /* as tor: the second one is dropped */
        return;
    if (relay_begin_decode(rd_over(m->data, m->len), &begin) != OK) {
        send_end(c, m->stream_id, END_TORPROTOCOL, NULL);
        return;
    }
    uint8_t why = judge(c, &begin, &to);
    struct target *t = why ? NULL : target_new(c, m->stream_id, TARGET_EXIT);
    if (!t) {
        const struct ip *ip = why == END_EXITPOLICY && to.ip.family != IP_NONE ? &to.ip : NULL;
        send_end(c, m->stream_id, why ? why : END_RESOURCELIMIT, ip);
        return;
    }
    t->to = to;
    t->dialled = true;
    c->node->ops->target_dial(c->node->world, t, &c->node->config.plan->or_port.ip, &to);
}

static void dir_has_output(void *arg)
{
    target_wake(arg);
}

void target_begin_dir(struct rcirc *c, uint16_t id)
{
    if (target_find(c, id))
        return;
    struct target *t = target_new(c, id, TARGET_DIR);
    if (t && !(t->dir = dirserv_new(&c->node->dir, &c->from, dir_has_output, t)))
        target_end(t, END_RESOURCELIMIT);
    else if (t)
        send_connected(t);
    else
        send_end(c, id, END_RESOURCELIMIT, NULL);
}

/* ---- from the client ---- */

static void to_dir(struct target *t, const uint8_t *data, size_t len)
{
    dirserv_feed(t->dir, data, len);
    target_flow_went(t, len);
    target_wake(t);
}

void target_data(struct target *t, const uint8_t *data, size_t len)
{
    struct rcirc *c = t->circ;
    if (!target_flow_came(t))
        return;
    if (t->kind == TARGET_DIR) {
        to_dir(t, data, len);
        return;
    }
    if (buf_add(&t->out, data, len) != OK) {
        target_end(t, END_RESOURCELIMIT);
        return;
    }
    if (t->open)
        c->node->ops->target_output(c->node->world, t);
}

/* ---- to the client ---- */

/* How many DATA messages the stream may send now. */
static unsigned may_send(struct target *t)
{
    unsigned room = rcirc_room(t->circ);
    return t->over ? 0 : misdeed_room(t, target_flow_room(t, room));
}

static void send_data(struct target *t, const uint8_t *data, size_t len)
{
    target_flow_sent(t, len);
    rcirc_send(t->circ, RELAY_DATA, t->id, data, len);
}

static void pump_dir(struct target *t)
{
    const uint8_t *bytes;
    size_t len;
    while (may_send(t) && (bytes = dirserv_out(t->dir, &len))) {
        size_t most = rcirc_data_max(t->circ);
        len = len < most ? len : most;
        send_data(t, bytes, len);
        dirserv_sent(t->dir, len);
    }
    if (!t->over && dirserv_done(t->dir))
        target_end(t, END_DONE);
}

void target_wake(struct target *t)
{
    struct node *n = t->circ->node;
    if (t->over)
        return;
    if (t->kind == TARGET_DIR) {
        pump_dir(t);
    } else if (t->paused && may_send(t)) {
        t->paused = false;
        n->ops->target_resume(n->world, t);
    }
}

/* ---- the world's side ---- */

void target_connected(struct target *t)
{
    if (t->over)
        return;
    send_connected(t);
    if (!t->over && t->out.len) /* what came before the connection was there */
        t->circ->node->ops->target_output(t->circ->node->world, t);
}

static uint8_t reason_of(int errno_)
{
    switch (errno_) {
    case ECONNREFUSED:
        return END_CONNECTREFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
        return END_NOROUTE;
    case ETIMEDOUT:
        return END_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return END_CONNRESET;
    default:
        return END_MISC;
    }
}

void target_failed(struct target *t, int errno_)
{
    target_end(t, reason_of(errno_));
}

uint8_t *target_in_room(struct target *t, size_t *room)
{
    unsigned cells = may_send(t);
    cells = cells < SCRATCH_CELLS ? cells : SCRATCH_CELLS;
    *room = cells * rcirc_data_max(t->circ);
    t->paused = !cells;
    return cells ? t->circ->node->scratch : NULL;
}

void target_in_done(struct target *t, size_t len)
{
    struct node *n = t->circ->node;
    const uint8_t *at = n->scratch;
    n->counts.client_in += len;
    rmeas_share_spend(n);
    while (len && !t->over) {
        size_t most = rcirc_data_max(t->circ);
        size_t part = len < most ? len : most;
        send_data(t, at, part);
        at += part;
        len -= part;
    }
}

void target_in_end(struct target *t)
{
    target_end(t, END_DONE);
}

const uint8_t *target_out(struct target *t, size_t *len)
{
    *len = t->out.len;
    return *len ? buf_at(&t->out) : NULL;
}

void target_sent(struct target *t, size_t len)
{
    struct node *n = t->circ->node;
    buf_drain(&t->out, len);
    n->counts.client_out += len;
    rmeas_share_spend(n);
    if (!t->over)
        target_flow_went(t, len);
}

void target_set_io(struct target *t, void *io)
{
    t->io = io;
}

void *target_io(const struct target *t)
{
    return t->io;
}
