/* Tunnels over circuits and streams that the test plays, and one who listens. Inline. */
#ifndef TUNIC_TESTS_TUNNELWORLD_H
#define TUNIC_TESTS_TUNNELWORLD_H

#include "client/ocirc.h"
#include "client/tunnel.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cell/reason.h"
#include "client/tunnels.h"
#include "support/test.h"

enum { CIRCS = 64, LOG = 64 };

/* ---- circuits and streams ---- */

struct exit_circ {
    struct rsa_id exit;
    uint32_t id;
    bool retired;
    struct ride ride;
};

struct stream {
    const struct stream_ops *ops;
    void *arg;
    struct stream_request req;
    char target[TUNNEL_HOST_MAX + 16];
    struct exit_circ *circ;
    bool closed;
    uint8_t reason;
    size_t written, consumed;
    char first[16]; /* of what was written */
};

/* What the client has done, and how the layers below are to behave. */
/* Which circuit was told to have left a stream without an answer. */
static const struct ocirc *unanswered;

void ocirc_unanswered(const struct ocirc *oc, uint64_t since_us)
{
    (void)since_us;
    unanswered = oc;
}

bool ocirc_is_stalled(const struct ocirc *oc)
{
    (void)oc;
    return false;
}

static struct {
    struct exit_circ circs[CIRCS];
    uint32_t next_circ; /* exits_find() gives this one out, when it may */
    bool no_circuit;
    const char *why_not;
    struct exit_need need; /* of the last exits_find() */
    struct rsa_id failed[8];
    bool all_pending; /* exits_could_serve() says no */
    unsigned looks, finds, asked, uses, retires, told[RIDE_LEFT + 1];
    struct router exit; /* of the one that has a name, if it has one */
    const char *exit_name;
    bool exit_is_excluded;
    unsigned hop; /* that exit_circ_ride_at() was asked for */
    struct stream streams[LOG];
    unsigned n_streams;
    err_t open_err;
    bool nobody_to_blame; /* on the next rides */
    bool no_streams;      /* for the circuit closes */
    bool has_cap;         /* streams take no more than CAP in all */
    size_t cap;
} net;

static inline struct exit_circ *pick_circ(const struct exit_need *need)
{
    net.need = *need;
    memcpy(net.failed, need->failed, need->n_failed * sizeof net.failed[0]);
    if (net.no_circuit || net.why_not)
        return NULL;
    while (net.circs[net.next_circ].retired || net.next_circ + 1 == need->avoid_circuit)
        net.next_circ++;
    struct exit_circ *c = &net.circs[net.next_circ];
    c->id = net.next_circ + 1;
    c->exit.b[0] = (uint8_t)c->id;
    return c;
}

struct exit_circ *exits_find(struct exits *x, const struct exit_need *need, const char **why_not)
{
    (void)x;
    net.finds++;
    *why_not = net.why_not;
    return pick_circ(need);
}

struct exit_circ *exits_find_open(struct exits *x, const struct exit_need *need)
{
    (void)x;
    net.looks++;
    return pick_circ(need);
}

bool exits_could_serve(const struct exits *x)
{
    (void)x;
    return !net.all_pending;
}

void exits_asked(struct exits *x, const struct tunnel_request *req)
{
    (void)x, (void)req;
    net.asked++;
}

void exits_use(struct exit_circ *c, const struct exit_need *need)
{
    (void)c, (void)need;
    net.uses++;
}

static inline void retire(struct ride *r)
{
    struct exit_circ *c = (struct exit_circ *)(void *)r->streams;
    c->retired = true;
    net.retires++;
}

static inline void told_ride(struct ride *r, enum ride_news news)
{
    (void)r;
    net.told[news]++;
}

const struct router *exits_named(const struct exits *x, const char *name, bool *excluded)
{
    (void)x;
    *excluded = net.exit_is_excluded;
    return net.exit_name && strcasecmp(name, net.exit_name) == 0 ? &net.exit : NULL;
}

struct exit_circ *exits_by_id(const struct exits *x, uint64_t id)
{
    (void)x;
    return id && id <= CIRCS ? &net.circs[id - 1] : NULL;
}

struct ride *exit_circ_ride(struct exit_circ *c)
{
    c->ride = (struct ride){.streams = net.no_streams ? NULL : (struct streams *)(void *)c,
                            .circuit = c->id,
                            .exit = net.nobody_to_blame ? NULL : &c->exit,
                            .retire = retire,
                            .told = told_ride};
    return &c->ride;
}

struct ride *exit_circ_ride_at(struct exit_circ *c, unsigned hop)
{
    net.hop = hop;
    return exit_circ_ride(c);
}

err_t stream_open(struct streams *set, const struct stream_request *req,
                  const struct stream_ops *ops, void *arg, struct stream **out)
{
    err_t e = net.open_err;
    net.open_err = OK;
    if (e != OK)
        return e;
    ck_assert_uint_lt(net.n_streams, LOG);
    struct stream *s = &net.streams[net.n_streams++];
    *s = (struct stream){
        .ops = ops, .arg = arg, .req = *req, .circ = (struct exit_circ *)(void *)set};
    snprintf(s->target, sizeof s->target, "%s", req->target ? req->target : "");
    *out = s;
    return OK;
}

void stream_close(struct stream *s, uint8_t reason)
{
    ck_assert(!s->closed);
    s->closed = true;
    s->reason = reason;
}

size_t stream_write(struct stream *s, const uint8_t *bytes, size_t len)
{
    if (net.has_cap && len > net.cap - s->written)
        len = net.cap - s->written;
    for (size_t i = 0; i < len && s->written + i < sizeof s->first - 1; i++)
        s->first[s->written + i] = (char)bytes[i];
    s->written += len;
    return len;
}

void stream_consumed(struct stream *s, size_t len)
{
    s->consumed += len;
}

/* ---- the application ---- */

struct app {
    struct tunnel *t;
    unsigned begun, connected, resolved, writable, ended;
    size_t data;
    struct tunnel_end end;
    bool close_in_begun, close_in_connected, close_in_resolved, close_in_data;
};

static inline void app_close(struct app *a)
{
    tunnel_close(a->t, END_DONE);
    a->t = NULL;
}

static inline void on_begun(void *arg)
{
    struct app *a = arg;
    a->begun++;
    if (a->close_in_begun)
        app_close(a);
}

static inline void on_connected(void *arg, const struct ip *addr)
{
    struct app *a = arg;
    (void)addr;
    a->connected++;
    if (a->close_in_connected)
        app_close(a);
}

static inline void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct app *a = arg;
    (void)answers;
    a->resolved += (unsigned)n;
    if (a->close_in_resolved)
        app_close(a);
}

static inline void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct app *a = arg;
    (void)bytes;
    a->data += len;
    if (a->close_in_data)
        app_close(a);
}

static inline void on_writable(void *arg)
{
    struct app *a = arg;
    a->writable++;
}

static inline void on_end(void *arg, const struct tunnel_end *end)
{
    struct app *a = arg;
    a->ended++;
    a->end = *end;
    a->t = NULL;
}

static const struct tunnel_ops app_ops = {
    .on_begun = on_begun,
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

static inline struct tunnel_request request_to(const char *host)
{
    struct tunnel_request req = {
        .kind = TUNNEL_CONNECT, .port = 80, .ipv4_ok = true, .ipv6_ok = true};
    snprintf(req.host, sizeof req.host, "%s", host);
    return req;
}

struct fixture {
    struct env *env;
    struct events *events;
    struct circuits *circuits;
    struct ostreams *streams;
    struct addrmap *map;
    struct tunnels *ts;
    struct app app;
    struct event_listener listener;
    char story[600]; /* "NEW, SENTCONNECT 1, SUCCEEDED 1": with the circuit */
    struct event_stream last;
};

static const struct tunnels_config defaults = {
    .give_up_ms = 120000, .reject_internal = true, .dns_reject_internal = true};

static const struct ip_net virtual4 = {{IP_V4, {127, 192}}, 10},
                           virtual6 = {{IP_V6, {0xfe, 0x80}}, 10};

static inline void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->story);
    f->last = e->stream;
    len += (size_t)snprintf(f->story + len, sizeof f->story - len, "%s%s", len ? ", " : "",
                            event_name(e));
    if (e->stream.circuit && len < sizeof f->story)
        snprintf(f->story + len, sizeof f->story - len, " %llu",
                 (unsigned long long)e->stream.circuit);
}

static inline void mapped(void *arg, const char *from, const char *to, int64_t expires_s,
                          uint64_t stream)
{
    (void)arg, (void)from, (void)to, (void)expires_s, (void)stream;
}

static inline void none_is_left(void *arg, struct ostream *s)
{
    (void)arg;
    ck_abort_msg("stream %llu is left", (unsigned long long)s->id);
}

static inline void setup(struct fixture *f)
{
    memset(&net, 0, sizeof net);
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->circuits = circuits_new(f->env, NULL, f->events);
    f->streams = ostreams_new(f->events);
    f->map = addrmap_new(f->env, mapped, f);
    addrmap_set_networks(f->map, &virtual4, &virtual6);
    f->ts = tunnels_new(f->circuits, f->streams, NULL, f->map, &defaults);
    ck_assert_ptr_nonnull(f->ts);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    events_listen(f->events, &f->listener, EVENT_BIT(EVENT_STREAM));
}

static inline void teardown(struct fixture *f)
{
    tunnels_free(f->ts);
    addrmap_free(f->map);
    ostreams_each(f->streams, none_is_left, NULL);
    ostreams_free(f->streams);
    circuits_free(f->circuits);
    events_free(f->events);
    test_env_free(f->env);
}

static inline void open_request(struct fixture *f, const struct tunnel_request *req)
{
    f->app.ended = 0;
    f->app.t = tunnels_open(f->ts, req, &app_ops, &f->app);
    ck_assert_ptr_nonnull(f->app.t);
    ck_assert_uint_eq(f->app.ended, 0); /* never inside the call */
    test_env_advance_ms(f->env, 0);
}

static inline void open_to(struct fixture *f, const char *host)
{
    struct tunnel_request req = request_to(host);
    open_request(f, &req);
}

static inline struct stream *last_stream(void)
{
    ck_assert_uint_gt(net.n_streams, 0);
    return &net.streams[net.n_streams - 1];
}

static inline void connect_last(void)
{
    struct stream *s = last_stream();
    struct ip none = {0};
    s->ops->on_connected(s->arg, &none, 0);
}

static inline void end_last(uint8_t reason)
{
    struct stream *s = last_stream();
    struct stream_end end = {.reason = reason, .remote = true};
    s->ops->on_end(s->arg, &end);
}

static inline void circuit_ends_under_last(void)
{
    struct stream *s = last_stream();
    struct stream_end end = {
        .why = ERR_LINK_CLOSED, .reason = END_DESTROY, .circuit_ended = true, .circ.hops = 3};
    s->circ->retired = true;
    s->ops->on_end(s->arg, &end);
}

#endif
