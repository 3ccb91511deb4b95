/* Lanes of the modes that anybody could measure with: dir (documents of the relay's own directory)
 * and http (a download through the relay and an exit). They are here to be held against echo2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_stream.h"
#include "measure/stock_int.h"

enum {
    DIR_STREAMS = 4,          /* at a time and circuit: documents are small, and the way is long */
    STREAM_SENDME_EVERY = 50, /* tor-spec 7.4 */
    HTTP_FIRST = 64 * 1024,
    HTTP_MOST = 256 << 20,
    REQUEST_MAX = 300,
};

struct plain_stream {
    uint16_t id; /* 0: none */
    bool open;
    unsigned since_sendme; /* DATA that came */
    uint64_t got, begun_us;
};

struct plain {
    struct lane *lane;
    struct circ *circ;
    struct plain_stream stream[DIR_STREAMS];
    unsigned n_streams;
    uint16_t last_id;
    unsigned failed; /* streams, one after the other */
    uint64_t want;   /* http: bytes, in one request */
};

static struct plain *plain_of(const struct lane *ln)
{
    return ln->flow;
}

static enum meas_mode mode_of(const struct lane *ln)
{
    return ln->s->config.told.mode;
}

/* ---- streams ---- */

static unsigned last_hop(const struct lane *ln)
{
    return mode_of(ln) == MEAS_HTTP ? 2 : 1;
}

static err_t begin_stream(struct plain *p, struct plain_stream *st)
{
    const struct lane *ln = p->lane;
    uint8_t body[RELAY_DATA_MAX];
    char host[IP_TEXT_MAX];
    struct wr w = wr_over(body, sizeof body);
    *st = (struct plain_stream){.id = ++p->last_id ? p->last_id : ++p->last_id,
                                .begun_us = ln->s->env->mono_us};
    if (mode_of(ln) == MEAS_DIR)
        return circ_send(p->circ, 1, RELAY_BEGIN_DIR, st->id, NULL, 0);
    const struct ipport *to = &ln->s->config.server;
    const struct relay_begin m = {.host = text_of(ip_text(&to->ip, host)), .port = to->port};
    TRY(relay_begin_encode(&w, &m));
    return circ_send(p->circ, 2, RELAY_BEGIN, st->id, body, w.len);
}

static err_t ask(struct plain *p, struct plain_stream *st)
{
    char request[REQUEST_MAX];
    int len;
    if (mode_of(p->lane) == MEAS_DIR)
        len = snprintf(request, sizeof request,
                       "GET /tor/status-vote/current/consensus HTTP/1.0\r\n\r\n");
    else
        len = snprintf(request, sizeof request, "GET /%llu HTTP/1.0\r\nRange: bytes=0-%llu\r\n\r\n",
                       (unsigned long long)p->want, (unsigned long long)p->want - 1);
    st->open = true;
    return circ_send(p->circ, last_hop(p->lane), RELAY_DATA, st->id, (const uint8_t *)request,
                     (size_t)len);
}

/* As sbws: twice as much, until it takes as long as it needs to tell something. */
static void grow(struct plain *p, const struct plain_stream *st)
{
    enum { ENOUGH_US = 5 * 1000 * 1000 };
    if (p->lane->s->env->mono_us - st->begun_us < ENOUGH_US && st->got && p->want < HTTP_MOST)
        p->want *= 2;
}

static void fill(struct plain *p)
{
    struct lane *ln = p->lane;
    for (unsigned i = 0; i < p->n_streams && stock_allows(ln->s, ln, false); i++)
        if (!p->stream[i].id && begin_stream(p, &p->stream[i]) != OK)
            return; /* the circuit has ended, and says so */
}

static void stream_over(struct plain *p, struct plain_stream *st)
{
    enum { FAILED_MOST = 20 };
    p->failed = st->got ? 0 : p->failed + 1;
    grow(p, st);
    st->id = 0;
    if (p->failed > FAILED_MOST)
        lane_fails(p->lane, MEAS_REFUSED, "streams end before anything has come");
    else
        fill(p);
}

static err_t took_data(struct plain *p, struct plain_stream *st, size_t len)
{
    st->got += len;
    if (!circ_stream_sendmes(p->circ, last_hop(p->lane)) ||
        ++st->since_sendme < STREAM_SENDME_EVERY)
        return OK;
    st->since_sendme = 0;
    return circ_send(p->circ, last_hop(p->lane), RELAY_SENDME, st->id, NULL, 0);
}

static struct plain_stream *find(struct plain *p, uint16_t id)
{
    for (unsigned i = 0; i < p->n_streams; i++)
        if (p->stream[i].id == id)
            return &p->stream[i];
    return NULL;
}

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct plain *p = arg;
    struct plain_stream *st = find(p, m->stream_id);
    (void)hop;
    p->lane->back++;
    stock_paid(p->lane->s, 1);
    if (!st)
        return ERR_CIRC_PROTO;
    if (m->cmd == RELAY_CONNECTED && !st->open)
        return ask(p, st);
    if (m->cmd == RELAY_DATA && st->open)
        return took_data(p, st, m->len);
    if (m->cmd == RELAY_END)
        stream_over(p, st);
    return OK; /* XON, XOFF and stream SENDMEs: what we send is too little for them */
}

static void on_writable(void *arg)
{
    (void)arg;
}

/* ---- the circuit ---- */

static void user_on_end(void *arg, const struct circ_end *end)
{
    (void)arg, (void)end;
}

static const struct circ_user_ops user_ops = {on_msg, on_writable, user_on_end};

static void on_open(void *arg)
{
    struct plain *p = arg;
    struct lane *ln = p->lane;
    if (circ_hops(p->circ) == last_hop(ln))
        lane_is_ready(ln);
    else if (circ_build(p->circ, &ln->s->config.next, 1) != OK)
        lane_fails(ln, MEAS_RESOURCES, "no way on from the relay");
}

static void on_end(void *arg, const struct circ_end *end)
{
    struct plain *p = arg;
    lane_circ_ended(p->lane, end);
}

static const struct circ_ops circ_ops = {.on_open = on_open, .on_end = on_end};

static void pump_streams(struct lane *ln)
{
    fill(plain_of(ln));
}

/* ---- life ---- */

static err_t open(struct lane *ln)
{
    struct stock *s = ln->s;
    struct plain *p = calloc(1, sizeof *p);
    const struct circ_config config = circ_config_defaults();
    if (!p)
        return ERR_NOMEM;
    ln->flow = p;
    p->lane = ln;
    p->n_streams = mode_of(ln) == MEAS_DIR ? DIR_STREAMS : 1;
    p->want = HTTP_FIRST;
    p->circ = circ_new(s->env, ln->link, &config, &circ_ops, p);
    if (!p->circ)
        return ERR_NOMEM;
    circ_set_user(p->circ, &user_ops, p);
    return circ_build_fast(p->circ);
}

static void close(struct lane *ln)
{
    struct plain *p = plain_of(ln);
    if (!p)
        return;
    if (p->circ)
        circ_close(p->circ, OK, DESTROY_NONE);
}

static void lane_free(struct lane *ln)
{
    struct plain *p = plain_of(ln);
    if (!p)
        return;
    circ_free(p->circ);
    free(p);
    ln->flow = NULL;
}

const struct lane_kind lane_dir = {
    .open = open, .pump = pump_streams, .close = close, .free = lane_free};
const struct lane_kind lane_http = {
    .needs_next = true, .open = open, .pump = pump_streams, .close = close, .free = lane_free};
