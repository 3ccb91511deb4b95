/* Directory requests over one-hop circuits that the test plays. */
#include "client/dirfetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/fakecircs.h"
#include "client/ocirc.h"
#include "stream/stream.h"
#include "support/netgen.h"
#include "support/test.h"

enum { MOST = 16 };

/* ---- the manager ---- */

static struct {
    struct dir_request queue[MOST];
    unsigned queued, taken;
    struct {
        unsigned replies, failures, sent, bodies;
        size_t received;
        int status;
        size_t body_len;
        err_t why;
    } of[MOST]; /* by request id */
} net;

bool dirmgr_next(struct dirmgr *d, struct dir_request *out)
{
    (void)d;
    if (net.taken == net.queued)
        return false;
    *out = net.queue[net.taken++];
    return true;
}

void dirmgr_sent(struct dirmgr *d, uint32_t id)
{
    (void)d;
    net.of[id].sent++;
}

void dirmgr_received(struct dirmgr *d, uint32_t id, size_t n)
{
    (void)d;
    net.of[id].received += n;
}

void dirmgr_body_began(struct dirmgr *d, uint32_t id)
{
    (void)d;
    net.of[id].bodies++;
}

void dirmgr_reply(struct dirmgr *d, uint32_t id, int status, struct text body, int64_t date_s)
{
    (void)d, (void)date_s;
    net.of[id].replies++;
    net.of[id].status = status;
    net.of[id].body_len = body.len;
}

static struct netdir *known; /* what the manager knows of the network */

struct netdir *dirmgr_known(const struct dirmgr *d)
{
    (void)d;
    return known;
}

void dirmgr_failed(struct dirmgr *d, uint32_t id, err_t why)
{
    (void)d;
    net.of[id].failures++;
    net.of[id].why = why;
}

/* ---- circuits and streams ---- */

struct stream {
    const struct stream_ops *ops;
    void *arg;
    bool closed;
    size_t room, written, consumed;
    char head[64];
};

struct streams {
    struct ocirc *oc; /* NULL once freed */
};

static struct {
    struct streams set[MOST];
    unsigned sets;
    bool oom; /* for the next set */
    struct stream stream[MOST];
    unsigned n;
    size_t room; /* of the next streams */
    err_t open_err;
} streams;

struct carrier *ocirc_carrier(const struct ocirc *oc, unsigned hop)
{
    (void)hop;
    ck_assert_int_eq(oc->state, OCIRC_OPEN);
    return (struct carrier *)(uintptr_t)oc;
}

struct streams *streams_new(struct env *env, struct carrier *gift_carrier)
{
    (void)env;
    if (streams.oom)
        return NULL;
    ck_assert_uint_lt(streams.sets, MOST);
    streams.set[streams.sets].oc = (struct ocirc *)(void *)gift_carrier;
    return &streams.set[streams.sets++];
}

void streams_free(struct streams *set)
{
    if (set)
        set->oc = NULL;
}

static bool streams_ride_on(const struct ocirc *oc)
{
    for (unsigned i = 0; i < streams.sets; i++)
        if (streams.set[i].oc == oc)
            return true;
    return false;
}

bool ocirc_end_blames_first_hop(const struct ocirc_end *end)
{
    return end->circ.why != OK && end->circ.why != ERR_NOMEM;
}

err_t stream_open(struct streams *set, const struct stream_request *req,
                  const struct stream_ops *ops, void *arg, struct stream **out)
{
    ck_assert_ptr_nonnull(set->oc);
    if (streams.open_err != OK)
        return streams.open_err;
    ck_assert_int_eq(req->kind, STREAM_BEGIN_DIR);
    ck_assert_uint_lt(streams.n, MOST);
    *out = &streams.stream[streams.n++];
    **out = (struct stream){.ops = ops, .arg = arg, .room = streams.room};
    return OK;
}

void stream_close(struct stream *s, uint8_t reason)
{
    (void)reason;
    ck_assert(!s->closed);
    s->closed = true;
}

size_t stream_write(struct stream *s, const uint8_t *bytes, size_t len)
{
    size_t n = len < s->room ? len : s->room;
    for (size_t i = 0; i < n && s->written + i + 1 < sizeof s->head; i++)
        s->head[s->written + i] = (char)bytes[i];
    s->room -= n;
    s->written += n;
    return n;
}

void stream_consumed(struct stream *s, size_t len)
{
    ck_assert(!s->closed);
    s->consumed += len;
}

/* ---- the client ---- */

struct fixture {
    struct env *env;
    struct dirfetch *f;
    struct events *events;
    struct circuits *circuits;
    struct ostreams *streams;
    unsigned reached, unreached, dropped;
    struct event_listener listener;
    char story[400]; /* "C1 LAUNCHED, S1 NEW": circuits and streams */
    struct event_stream last;
};

static void reached(void *arg, const struct rsa_id *relay, enum dirfetch_reach reach)
{
    struct fixture *f = arg;
    (void)relay;
    f->reached += reach == DIRFETCH_REACHED;
    f->unreached += reach == DIRFETCH_UNREACHED;
    f->dropped += reach == DIRFETCH_DROPPED;
}

static uint64_t build_timeout_ms(void *arg)
{
    (void)arg;
    return 4321;
}

static uint64_t max_dirtiness_ms(void *arg)
{
    (void)arg;
    return 600000;
}

static const struct dirfetch_ops ops = {
    .reached = reached, .build_timeout_ms = build_timeout_ms, .max_dirtiness_ms = max_dirtiness_ms};

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->story);
    bool circuit = e->kind == EVENT_CIRCUIT;
    snprintf(f->story + len, sizeof f->story - len, "%s%c%llu %s", len ? ", " : "",
             circuit ? 'C' : 'S', (unsigned long long)(circuit ? e->circuit.id : e->stream.id),
             event_name(e));
    if (!circuit)
        f->last = e->stream;
}

static void listen(struct fixture *f)
{
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    events_listen(f->events, &f->listener, EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_STREAM));
}

static void setup(struct fixture *f)
{
    memset(&net, 0, sizeof net);
    memset(&circs, 0, sizeof circs);
    memset(&streams, 0, sizeof streams);
    streams.room = SIZE_MAX;
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->circuits = circuits_new(f->env, NULL, f->events);
    f->streams = ostreams_new(f->events);
    f->f = dirfetch_new(f->circuits, f->streams, NULL, &ops, f);
    ck_assert_ptr_nonnull(f->f);
}

/* Every request has had exactly one answer, unless the dirfetch was freed with it. */
static void teardown(struct fixture *f)
{
    for (unsigned i = 0; i < net.taken; i++)
        ck_assert_uint_le(net.of[i].replies + net.of[i].failures, 1);
    dirfetch_free(f->f);
    ck_assert_uint_eq(circs.alive, 0);
    ck_assert_uint_eq(circuits_count(f->circuits), 0);
    ostreams_free(f->streams);
    circuits_free(f->circuits);
    events_free(f->events);
    test_env_free(f->env);
}

/* Wants one more document of relay SERVER; its id counts up from 0. */
static void want(struct fixture *f, uint8_t server)
{
    struct dir_request *r = &net.queue[net.queued];
    *r = (struct dir_request){.id = net.queued++,
                              .to.rsa = r->to.rsa,
                              .body_cap = 100000,
                              .stall_ms = 30000,
                              .floor_bytes_s = r->floor_bytes_s};
    r->to.rsa.b[0] = server;
    r->to.reach.addr = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, server}), 9001};
    snprintf(r->path, sizeof r->path, "/tor/status-vote/current/consensus-microdesc");
    snprintf(r->host, sizeof r->host, "127.0.0.%u", server);
    dirfetch_run(f->f);
}

static void open_circ(struct ocirc *oc)
{
    oc->state = OCIRC_OPEN;
    oc->ops->on_open(oc->arg, oc);
}

static void feed(unsigned i, const char *text)
{
    struct stream *s = &streams.stream[i];
    s->ops->on_data(s->arg, (const uint8_t *)text, strlen(text));
}

static void end_stream(unsigned i, err_t why, bool remote, uint8_t reason)
{
    struct stream *s = &streams.stream[i];
    struct stream_end end = {.why = why, .remote = remote, .reason = reason};
    s->ops->on_end(s->arg, &end);
}

static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Encoding: identity\r\n\r\nhello";

/* ---- tests ---- */

START_TEST(test_fetch_asks_once_the_circuit_is_open)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    ck_assert_uint_eq(circs.n, 1);
    ck_assert_uint_eq(streams.n, 0);
    ck_assert(circs.oc[0]->plan.fast); /* its onion key is not known */
    ck_assert_uint_eq(circs.oc[0]->plan.n_hops, 1);
    ck_assert_uint_eq(circs.oc[0]->plan.timeout_ms, 4321);
    ck_assert(circs.oc[0]->plan.first.has_rsa);
    open_circ(circs.oc[0]);
    ck_assert_uint_eq(f.reached, 1);
    ck_assert_uint_eq(net.of[0].sent, 1);
    ck_assert_int_eq(strncmp(streams.stream[0].head, "GET /tor/status-vote/", 21), 0);
    feed(0, answer);
    ck_assert_uint_eq(net.of[0].bodies, 1);
    ck_assert_uint_eq(net.of[0].replies, 0); /* without a length the end of the stream counts */
    ck_assert_uint_eq(streams.stream[0].consumed, sizeof answer - 1);
    end_stream(0, OK, true, END_DONE);
    ck_assert_uint_eq(net.of[0].replies, 1);
    ck_assert_int_eq(net.of[0].status, 200);
    ck_assert_uint_eq(net.of[0].body_len, 5);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_tells_of_requests_as_streams)
{
    const struct ip none = {0};
    struct fixture f;
    setup(&f);
    listen(&f);
    want(&f, 1);
    want(&f, 1);
    open_circ(circs.oc[0]);
    for (int i = 0; i < 2; i++)
        streams.stream[i].ops->on_connected(streams.stream[i].arg, &none, 0);
    feed(0, answer);
    end_stream(0, OK, true, END_DONE);
    dirfetch_cancel(f.f, 1);
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.story, "S1 NEW, C1 LAUNCHED, S2 NEW, C1 BUILT, S1 SENTCONNECT, "
                              "S2 SENTCONNECT, S1 SUCCEEDED, S2 SUCCEEDED, S1 CLOSED, S2 CLOSED");
    ck_assert_uint_eq(f.last.circuit, 1);
    ck_assert_int_eq(f.last.purpose, STREAM_DIR_FETCH);
    ck_assert_str_eq(f.last.host, "127.0.0.1");
    ck_assert_uint_eq(f.last.port, 9001);
    ck_assert(f.last.has_relay && f.last.relay.b[0] == 1);
    f.story[0] = 0;
    want(&f, 2);
    ocirc_close(circs.oc[1], ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
    test_env_advance_ms(f.env, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.story, "S3 NEW, C2 LAUNCHED, C2 FAILED, S3 FAILED");
    ck_assert_int_eq(f.last.why, ERR_CIRC_TIMEOUT);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_ends_with_the_length_that_was_said)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    ck_assert_uint_eq(net.of[0].replies, 1);
    ck_assert(streams.stream[0].closed);
    teardown(&f);
}
END_TEST

/* As C tor: CREATE_FAST to a relay whose onion key is not known, though the consensus lists it. */
START_TEST(test_fetch_uses_ntor_where_the_key_is_known)
{
    struct netgen_relay relays[] = {netgen_relay(1), netgen_relay(2)};
    struct netgen g = {.relays = relays, .n = 2};
    struct fixture f;
    setup(&f);
    relays[0].no_md = true;
    memset(relays[0].rsa, 1, sizeof relays[0].rsa); /* it stays the first */
    memset(relays[1].rsa, 2, sizeof relays[1].rsa);
    known = netgen_make(&g);
    for (unsigned i = 0; i < 2; i++) {
        memset(net.queue[net.queued].to.rsa.b, (int)i + 1, 20);
        want(&f, (uint8_t)(i + 1));
        ck_assert(circs.oc[i]->plan.fast == (i == 0));
        ck_assert_str_eq(circs.oc[i]->plan.nickname[0], relays[i].nick);
    }
    ck_assert_mem_eq(&circs.oc[1]->plan.hops[0].ntor_key, relays[1].ed, 32);
    netdir_unref(&known);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_shares_a_circuit_with_one_server)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 1);
    want(&f, 2);
    ck_assert_uint_eq(circs.n, 2);
    open_circ(circs.oc[0]);
    ck_assert_uint_eq(streams.n, 2);
    want(&f, 1); /* at once, on the open one */
    ck_assert_uint_eq(streams.n, 3);
    ck_assert_uint_eq(circs.n, 2);
    feed(1, answer);
    end_stream(1, OK, true, END_DONE);
    ck_assert_uint_eq(net.of[1].replies, 1);
    ck_assert_uint_eq(net.of[0].replies + net.of[3].replies, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_reaches_a_relay_that_moved_anew)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    struct dir_request *r = &net.queue[net.queued];
    *r = net.queue[0];
    r->id = net.queued++;
    r->to.reach.addr.port++;
    dirfetch_run(f.f);
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_uint_eq(circs.oc[1]->plan.first.reach.addr.port, 9002);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_sends_a_long_head_in_pieces)
{
    struct fixture f;
    setup(&f);
    streams.room = 10;
    want(&f, 1);
    open_circ(circs.oc[0]);
    struct stream *s = &streams.stream[0];
    ck_assert_uint_eq(net.of[0].sent, 0);
    s->room = SIZE_MAX;
    s->ops->on_writable(s->arg);
    ck_assert_uint_eq(net.of[0].sent, 1);
    s->ops->on_writable(s->arg);
    ck_assert_uint_eq(net.of[0].sent, 1);
    ck_assert_int_eq(strncmp(s->head, "GET /tor/status-vote/", 21), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_circuit_fails_before_it_opens)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 1);
    ocirc_close(circs.oc[0], ERR_LINK_CONNECT, DESTROY_CONNECTFAILED);
    test_env_advance_ms(f.env, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(net.of[i].failures, 1);
        ck_assert_int_eq(net.of[i].why, ERR_LINK_CONNECT);
    }
    ck_assert_uint_eq(f.unreached, 1);
    ck_assert_uint_eq(circs.alive, 0);
    want(&f, 1); /* a new one */
    ck_assert_uint_eq(circs.n, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_circuit_that_the_relay_refuses)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    ocirc_close(circs.oc[0], OK, DESTROY_RESOURCELIMIT);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_ne(net.of[0].why, OK);
    ck_assert_uint_eq(f.dropped, 1);
    ck_assert_uint_eq(f.unreached, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_circuit_dies_under_its_streams)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, "HTTP/1.0 200 OK\r\n\r\nhal");
    end_stream(0, ERR_LINK_CLOSED, false, END_DESTROY); /* as the set does when its circuit goes */
    end_stream(1, ERR_LINK_CLOSED, false, END_DESTROY);
    ocirc_close(circs.oc[0], ERR_LINK_CLOSED, DESTROY_CHANNEL_CLOSED);
    test_env_advance_ms(f.env, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(net.of[i].failures, 1);
        ck_assert_uint_eq(net.of[i].replies, 0); /* half a document is none */
        ck_assert_int_eq(net.of[i].why, ERR_LINK_CLOSED);
    }
    ck_assert_uint_eq(f.unreached, 0); /* it had been there */
    ck_assert_uint_eq(circs.alive, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_circuit_dead_at_birth)
{
    struct fixture f;
    setup(&f);
    circs.stillborn = true;
    want(&f, 1);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_uint_eq(f.dropped, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_out_of_memory_fails_the_request)
{
    struct fixture f;
    setup(&f);
    circs.oom = true;
    want(&f, 1);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_eq(net.of[0].why, ERR_NOMEM);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_without_memory_for_streams_fails_the_request_and_takes_another_circuit)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    streams.oom = true;
    open_circ(circs.oc[0]);
    ck_assert_uint_eq(f.reached, 1); /* it stood */
    streams.oom = false;
    want(&f, 1);
    ck_assert_uint_eq(circs.n, 2);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_eq(net.of[0].why, ERR_NOMEM);
    ck_assert_uint_eq(f.reached, 1);
    open_circ(circs.oc[1]);
    ck_assert_uint_eq(streams.n, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_stream_that_does_not_open_fails_the_request)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    streams.open_err = ERR_LIMIT;
    open_circ(circs.oc[0]);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_eq(net.of[0].why, ERR_LIMIT);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_stream_refused_fails_the_request)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    end_stream(0, OK, true, END_NOTDIRECTORY);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_uint_eq(net.of[0].replies, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_truncated_head_fails_the_request)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, "HTTP/1.0 20");
    end_stream(0, OK, true, END_DONE);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_eq(net.of[0].why, ERR_TRUNCATED);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_malformed_head_closes_the_stream)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert(streams.stream[0].closed);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_body_over_its_cap_closes_the_stream)
{
    struct fixture f;
    static char flood[1000];
    memset(flood, 'x', sizeof flood - 1);
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, "HTTP/1.0 200 OK\r\n\r\n");
    for (int i = 0; i < 200 && !streams.stream[0].closed; i++)
        feed(0, flood);
    ck_assert(streams.stream[0].closed);
    ck_assert_uint_eq(net.of[0].failures, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_without_progress_times_out)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    test_env_advance_ms(f.env, 60000); /* until the circuit is open its own deadlines hold */
    ck_assert_uint_eq(net.of[0].failures, 0);
    open_circ(circs.oc[0]);
    test_env_advance_ms(f.env, 29000);
    feed(0, "HTTP/1.0 200 OK\r\n");
    test_env_advance_ms(f.env, 29999);
    ck_assert_uint_eq(net.of[0].failures, 0);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(net.of[0].failures, 1);
    ck_assert_int_eq(net.of[0].why, ERR_STREAM_TIMEOUT);
    ck_assert(streams.stream[0].closed);
    teardown(&f);
}
END_TEST

/* However regularly it comes. */
START_TEST(test_fetch_that_hardly_comes_times_out)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    net.queue[1].floor_bytes_s = 100;
    want(&f, 2);
    for (unsigned i = 0; i < 2; i++) {
        open_circ(circs.oc[i]);
        feed(i, "HTTP/1.0 200 OK\r\nContent-Encoding: identity\r\n\r\n");
    }
    size_t head = net.of[0].received;
    ck_assert_uint_gt(head, 40);
    for (int s = 0; s < 29; s++) {
        test_env_advance_ms(f.env, 1000);
        feed(0, "x");
        feed(1, "x");
    }
    ck_assert_uint_eq(net.of[1].received, head + 29);
    ck_assert_uint_eq(net.of[1].failures, 0);
    test_env_advance_ms(f.env, 1900);
    ck_assert_uint_eq(net.of[1].failures, 1);
    ck_assert_int_eq(net.of[1].why, ERR_STREAM_TIMEOUT);
    ck_assert(streams.stream[1].closed);
    ck_assert_uint_eq(net.of[0].failures, 0); /* no floor was said */
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_cancelled_is_over_without_a_word)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 2);
    open_circ(circs.oc[0]);
    feed(0, "HTTP/1.0 200 OK\r\n\r\nhalf");
    dirfetch_cancel(f.f, 0);
    ck_assert(streams.stream[0].closed);
    dirfetch_cancel(f.f, 1); /* its circuit is not open yet */
    open_circ(circs.oc[1]);
    ck_assert_uint_eq(streams.n, 1);
    dirfetch_cancel(f.f, 7); /* nobody knows it */
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(net.of[i].replies + net.of[i].failures, 0);
    want(&f, 1); /* on the same circuit */
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_uint_eq(streams.n, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_keeps_a_circuit_for_its_dirtiness)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    feed(0, answer);
    end_stream(0, OK, true, END_DONE);
    test_env_advance_ms(f.env, 599000);
    dirfetch_expire(f.f);
    test_env_advance_ms(f.env, 0);
    want(&f, 1); /* it is still there, and busy again */
    ck_assert_uint_eq(circs.n, 1);
    test_env_advance_ms(f.env, 1000);
    dirfetch_expire(f.f);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 1); /* not under a request */
    want(&f, 1);
    ck_assert_uint_eq(circs.n, 2); /* but it takes no more */
    feed(1, answer);
    end_stream(1, OK, true, END_DONE);
    dirfetch_expire(f.f);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 1); /* the second */
    ck_assert_ptr_null(circs.oc[0]);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_closes_a_circuit_that_nobody_wants_any_more)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    open_circ(circs.oc[0]);
    dirfetch_expire(f.f); /* a request is under way */
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 1);
    streams.open_err = ERR_FULL;
    want(&f, 2);
    open_circ(circs.oc[1]); /* its stream does not open: it was never used */
    dirfetch_expire(f.f);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_retires_circuits_but_not_requests)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 2);
    open_circ(circs.oc[0]);
    open_circ(circs.oc[1]);
    feed(0, answer);
    end_stream(0, OK, true, END_DONE);
    dirfetch_retire_all(f.f);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 1); /* the one at rest is closed */
    want(&f, 2);
    ck_assert_uint_eq(circs.n, 3); /* and the busy one takes no more */
    feed(1, answer);
    end_stream(1, OK, true, END_DONE);
    ck_assert_uint_eq(net.of[1].replies, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_fetch_end_tells_nobody)
{
    struct fixture f;
    setup(&f);
    want(&f, 1);
    want(&f, 2);
    open_circ(circs.oc[0]);
    dirfetch_free(f.f);
    f.f = NULL;
    test_env_advance_ms(f.env, 60000);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(net.of[i].replies + net.of[i].failures, 0);
    teardown(&f);
}
END_TEST

TESTS("client/dirfetch", test_fetch_asks_once_the_circuit_is_open,
      test_fetch_tells_of_requests_as_streams, test_fetch_ends_with_the_length_that_was_said,
      test_fetch_uses_ntor_where_the_key_is_known, test_fetch_shares_a_circuit_with_one_server,
      test_fetch_reaches_a_relay_that_moved_anew, test_fetch_sends_a_long_head_in_pieces,
      test_fetch_circuit_fails_before_it_opens, test_fetch_circuit_that_the_relay_refuses,
      test_fetch_circuit_dies_under_its_streams, test_fetch_circuit_dead_at_birth,
      test_fetch_out_of_memory_fails_the_request,
      test_fetch_without_memory_for_streams_fails_the_request_and_takes_another_circuit,
      test_fetch_stream_that_does_not_open_fails_the_request,
      test_fetch_stream_refused_fails_the_request, test_fetch_truncated_head_fails_the_request,
      test_fetch_malformed_head_closes_the_stream, test_fetch_body_over_its_cap_closes_the_stream,
      test_fetch_without_progress_times_out, test_fetch_that_hardly_comes_times_out,
      test_fetch_cancelled_is_over_without_a_word, test_fetch_keeps_a_circuit_for_its_dirtiness,
      test_fetch_closes_a_circuit_that_nobody_wants_any_more,
      test_fetch_retires_circuits_but_not_requests, test_fetch_end_tells_nobody)
