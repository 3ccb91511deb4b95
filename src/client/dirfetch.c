#include "client/dirfetch.h"

#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/hop_target.h"
#include "client/ocirc.h"
#include "stream/stream.h"

/* One request under way. */
struct dirfetch_request {
    struct dirfetch *f;
    uint32_t id, stall_ms, floor_bytes_s; /* of the struct dir_request */
    struct rsa_id to;
    struct server *server;
    struct stream *stream; /* NULL: the circuit is not open yet */
    struct ostream out;    /* as the outside knows it */
    char host[IP_TEXT_MAX];
    struct dirhttp *http;
    char *head; /* NULL: it has been sent. Many are under way at once, and each may be long */
    size_t head_len, head_sent;
    bool told_body;
    uint64_t sent_us; /* when the stream was opened */
    size_t received;
    struct timer timeout;
    struct dirfetch_request *prev, *next;
};

/* A one-hop circuit to a directory server, with the requests that use it. */
struct server {
    struct dirfetch *f;
    struct ocirc *oc;
    struct streams *streams; /* once it is open */
    struct rsa_id rsa;
    bool closing; /* takes no new request */
    struct dirfetch_request *requests;
    uint64_t dirty_us; /* when the first request went out; 0: none has */
    struct server *prev, *next;
};

struct dirfetch {
    struct env *env;
    struct circuits *circuits;
    struct ostreams *streams;
    struct dirmgr *mgr;
    const struct dirfetch_ops *ops;
    void *arg;
    struct server *servers;
};

struct dirfetch *dirfetch_new(struct circuits *circuits, struct ostreams *streams,
                              struct dirmgr *mgr, const struct dirfetch_ops *ops, void *arg)
{
    struct dirfetch *f = calloc(1, sizeof *f);
    if (f)
        *f = (struct dirfetch){.env = circuits_env(circuits),
                               .circuits = circuits,
                               .streams = streams,
                               .mgr = mgr,
                               .ops = ops,
                               .arg = arg};
    return f;
}

static void request_free(struct dirfetch_request *x)
{
    static const struct ostream_end no_use = {.reason = END_DONE};
    ostream_finish(&x->out, STREAM_CLOSED, &no_use);
    DL_DELETE(x->server->requests, x);
    env_disarm(x->f->env, &x->timeout);
    dirhttp_free(&x->http);
    free(x->head);
    free(x);
}

static void server_free(struct server *s)
{
    struct dirfetch_request *x, *tmp;
    DL_FOREACH_SAFE (s->requests, x, tmp)
        request_free(x);
    DL_DELETE(s->f->servers, s);
    streams_free(s->streams);
    ocirc_free(s->oc);
    free(s);
}

void dirfetch_free(struct dirfetch *f)
{
    if (!f)
        return;
    dirfetch_stop(f);
    free(f);
}

void dirfetch_stop(struct dirfetch *f)
{
    while (f->servers)
        server_free(f->servers);
}

/* ---- one request ---- */

/* Silence is borne for so long, and an answer that hardly comes no longer than that. */
static void arm_timeout(struct dirfetch_request *x)
{
    uint64_t stall_us = x->stall_ms * (uint64_t)US_PER_MS, now_us = x->f->env->mono_us;
    uint64_t silence_us = now_us + stall_us, whole_us = TIMER_NEVER;
    if (x->floor_bytes_s)
        whole_us = x->sent_us + stall_us + x->received * (uint64_t)US_PER_SEC / x->floor_bytes_s;
    timerq_arm(&x->f->env->timers, &x->timeout, silence_us < whole_us ? silence_us : whole_us);
}

/* The stream of X is over, for all that the outside knows; told once. */
static void tell_end(struct dirfetch_request *x, const struct ostream_end *end)
{
    ostream_finish(&x->out, x->out.succeeded ? STREAM_CLOSED : STREAM_FAILED, end);
}

static uint8_t reason_for(const struct dirfetch_request *x, err_t why)
{
    if (why == OK)
        return END_DONE;
    if (why == ERR_STREAM_TIMEOUT)
        return END_TIMEOUT;
    return x->out.circuit ? END_TORPROTOCOL : END_DESTROY;
}

static void finish(struct dirfetch_request *x, err_t why)
{
    const struct ostream_end over = {.why = why, .reason = reason_for(x, why)};
    tell_end(x, &over);
    struct dirhttp_reply reply;
    struct dirfetch *f = x->f;
    if (x->stream)
        stream_close(x->stream, END_DONE);
    if (why == OK)
        why = dirhttp_end(x->http, &reply);
    if (why == OK)
        dirmgr_reply(f->mgr, x->id, reply.status, reply.body, reply.date_s);
    else
        dirmgr_failed(f->mgr, x->id, why);
    request_free(x);
}

void dirfetch_cancel(struct dirfetch *f, uint32_t id)
{
    struct server *s;
    struct dirfetch_request *x;
    DL_FOREACH (f->servers, s)
        DL_FOREACH (s->requests, x)
            if (x->id == id) {
                if (x->stream)
                    stream_close(x->stream, END_DONE);
                request_free(x);
                return;
            }
}

void dirfetch_close_stream(struct dirfetch *f, uint64_t stream, uint8_t reason)
{
    const struct ostream_end closed = {.reason = reason};
    struct server *s;
    struct dirfetch_request *x;
    DL_FOREACH (f->servers, s)
        DL_FOREACH (s->requests, x)
            if (x->out.id == stream) {
                tell_end(x, &closed);
                finish(x, ERR_LINK_CLOSED);
                return;
            }
}

static void send_head(void *arg)
{
    struct dirfetch_request *x = arg;
    if (!x->head)
        return;
    size_t sent = stream_write(x->stream, (const uint8_t *)x->head + x->head_sent,
                               x->head_len - x->head_sent);
    x->head_sent += sent;
    x->out.written += sent;
    if (x->head_sent < x->head_len)
        return;
    free(x->head);
    x->head = NULL;
    dirmgr_sent(x->f->mgr, x->id);
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct dirfetch_request *x = arg;
    static const struct ip none; /* it is the relay itself */
    (void)addr, (void)ttl_s;
    ostream_succeed(&x->out, &none);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct dirfetch_request *x = arg;
    x->out.read += len;
    err_t e = dirhttp_feed(x->http, bytes, len);
    if (e != OK) {
        finish(x, e);
        return;
    }
    stream_consumed(x->stream, len);
    x->received += len;
    dirmgr_received(x->f->mgr, x->id, len);
    arm_timeout(x);
    if (!x->told_body && dirhttp_in_body(x->http)) {
        x->told_body = true;
        dirmgr_body_began(x->f->mgr, x->id);
    }
    if (dirhttp_complete(x->http))
        finish(x, OK);
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct dirfetch_request *x = arg;
    const struct ostream_end over = {.why = end->why, .reason = end->reason, .remote = end->remote};
    x->stream = NULL;
    tell_end(x, &over);
    bool orderly = end->remote && end->reason == END_DONE;
    finish(x, orderly ? OK : end->why != OK ? end->why : ERR_STREAM_PROTO);
}

static const struct stream_ops stream_ops = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_writable = send_head,
    .on_end = on_end,
};

static void timed_out(void *arg)
{
    finish(arg, ERR_STREAM_TIMEOUT);
}

static void open_stream(struct dirfetch_request *x)
{
    const struct stream_request req = {.kind = STREAM_BEGIN_DIR};
    err_t e = stream_open(x->server->streams, &req, &stream_ops, x, &x->stream);
    if (e != OK) {
        x->stream = NULL;
        finish(x, e);
        return;
    }
    x->out.circuit = x->server->oc->id;
    ostream_tell(&x->out, STREAM_SENTCONNECT);
    if (!x->server->dirty_us)
        x->server->dirty_us = x->f->env->mono_us;
    x->sent_us = x->f->env->mono_us;
    arm_timeout(x);
    send_head(x);
}

static err_t write_head(struct dirfetch_request *x, const struct dir_request *req)
{
    char head[DIRHTTP_REQUEST_MAX];
    const struct dirhttp_options options = {
        .host = req->host,
        .if_modified_since_s = req->if_modified_since_s,
        .diff_from = req->diff_from,
    };
    TRY(dirhttp_get(req->path, &options, head, &x->head_len));
    x->head = malloc(x->head_len);
    if (!x->head)
        return ERR_NOMEM;
    memcpy(x->head, head, x->head_len);
    return OK;
}

static err_t prepare(struct dirfetch_request *x, const struct dir_request *req)
{
    x->id = req->id;
    x->stall_ms = req->stall_ms;
    x->floor_bytes_s = req->floor_bytes_s;
    x->to = req->to.rsa;
    TRY(write_head(x, req));
    TRY(dirhttp_new(req->body_cap, false, &x->http));
    x->out = (struct ostream){.purpose = STREAM_DIR_FETCH,
                              .host = ip_text(&req->to.reach.addr.ip, x->host),
                              .port = req->to.reach.addr.port,
                              .relay = &x->to};
    return ostream_begin(x->f->streams, &x->out) ? OK : ERR_NOMEM;
}

/* ---- its server ---- */

static void server_open(void *arg, struct ocirc *oc)
{
    struct server *s = arg;
    struct dirfetch_request *x, *tmp;
    circuits_tell(oc, CIRCUIT_BUILT);
    s->f->ops->reached(s->f->arg, &s->rsa, DIRFETCH_REACHED);
    s->streams = streams_new(s->f->env, ocirc_carrier(oc, 1));
    if (!s->streams) {
        s->closing = true;
        ocirc_close(oc, ERR_NOMEM, DESTROY_RESOURCELIMIT);
        return;
    }
    DL_FOREACH_SAFE (s->requests, x, tmp)
        open_stream(x);
}

static void server_ended(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    struct server *s = arg;
    struct dirfetch_request *x, *tmp;
    (void)oc;
    if (end->during != OCIRC_OPEN)
        s->f->ops->reached(s->f->arg, &s->rsa,
                           ocirc_end_blames_first_hop(end) ? DIRFETCH_UNREACHED : DIRFETCH_DROPPED);
    err_t why = end->circ.why != OK ? end->circ.why : ERR_LINK_CLOSED;
    DL_FOREACH_SAFE (s->requests, x, tmp)
        if (!x->stream)
            finish(x, why);
    server_free(s);
}

static const struct ocirc_ops ocirc_ops = {
    .on_open = server_open,
    .on_end = server_ended,
};

static bool is_too_dirty(const struct server *s)
{
    uint64_t most_us = s->f->ops->max_dirtiness_ms(s->f->arg) * US_PER_MS;
    return s->dirty_us && s->f->env->mono_us - s->dirty_us >= most_us;
}

/* By the way it is reached, too: a relay that moved, or one of which no identity is known, is
 * another. */
static struct server *find_server(struct dirfetch *f, const struct dir_choice *to)
{
    struct server *s;
    DL_FOREACH (f->servers, s)
        if (!s->closing && !is_too_dirty(s) && s->oc->purpose == CIRCUIT_GENERAL &&
            s->oc->state != OCIRC_CLOSED && rsa_id_equal(&s->rsa, &to->rsa) &&
            reach_equal(&s->oc->plan.first.reach, &to->reach))
            return s;
    return NULL;
}

static struct ocirc_plan plan_for(struct dirfetch *f, const struct dir_choice *to)
{
    struct ocirc_plan plan = {
        .first = {.reach = to->reach,
                  .rsa = to->rsa,
                  .ed = to->ed,
                  .has_rsa = true,
                  .has_ed = to->has_ed},
        .n_hops = 1,
        .timeout_ms = f->ops->build_timeout_ms(f->arg),
        .flags = CIRCUIT_ONEHOP_TUNNEL | CIRCUIT_IS_INTERNAL | CIRCUIT_NEED_CAPACITY,
    };
    const struct netdir *nd = dirmgr_known(f->mgr);
    const struct router *r = nd ? netdir_by_rsa(nd, &to->rsa) : NULL;
    if (r)
        memcpy(plan.nickname[0], r->nickname, sizeof plan.nickname[0]);
    plan.fast = !r || !r->has_md; /* should_use_create_fast_for_circuit() */
    if (!plan.fast)
        plan.hops[0] = hop_target(nd, r, HOP_AT_THE_END, CONFIG_AUTO);
    return plan;
}

static struct server *new_server(struct dirfetch *f, const struct dir_request *req)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    struct ocirc_plan plan = plan_for(f, &req->to);
    s->f = f;
    s->rsa = req->to.rsa;
    s->oc = ocirc_new(f->circuits, &plan, &ocirc_ops, s);
    if (!s->oc) {
        free(s);
        return NULL;
    }
    DL_APPEND(f->servers, s);
    return s;
}

static err_t launch(struct dirfetch *f, const struct dir_request *req)
{
    struct dirfetch_request *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    x->f = f;
    timer_init(&x->timeout, timed_out, x);
    err_t e = prepare(x, req);
    struct server *s = find_server(f, &req->to);
    if (e == OK && !s)
        s = new_server(f, req);
    if (e != OK || !s) {
        const struct ostream_end over = {.why = ERR_NOMEM, .reason = END_RESOURCELIMIT};
        tell_end(x, &over);
        dirhttp_free(&x->http);
        free(x->head);
        free(x);
        return e != OK ? e : ERR_NOMEM;
    }
    x->server = s;
    DL_APPEND(s->requests, x);
    if (s->oc->state == OCIRC_OPEN)
        open_stream(x);
    return OK;
}

void dirfetch_expire(struct dirfetch *f)
{
    struct server *s;
    DL_FOREACH (f->servers, s)
        if (!s->requests && (s->closing || !s->dirty_us || is_too_dirty(s)))
            ocirc_close(s->oc, OK, DESTROY_FINISHED);
}

void dirfetch_retire_all(struct dirfetch *f)
{
    struct server *s;
    DL_FOREACH (f->servers, s) {
        s->closing = true;
        if (!s->requests)
            ocirc_close(s->oc, OK, DESTROY_FINISHED);
    }
}

void dirfetch_run(struct dirfetch *f)
{
    struct dir_request req;
    while (dirmgr_next(f->mgr, &req)) {
        err_t e = launch(f, &req);
        if (e != OK)
            dirmgr_failed(f->mgr, req.id, e);
    }
}
