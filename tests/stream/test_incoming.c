/* A service's side of streams: the far end of a circuit begins them. */
#include <string.h>

#include "stream/stream.h"

#include "support/fakenet.h"

enum { HOPS = 3, MOST = 4 };

/* One stream that was begun towards us. */
struct visit {
    struct stream *s;
    char host[64];
    uint16_t port;
    char got[64];
    size_t got_n;
    unsigned writable, ended;
    struct stream_end end;
};

struct service {
    struct env *env;
    struct link *l;
    struct circ *c;
    struct streams *set;
    struct visit visit[MOST];
    unsigned visits;
    unsigned closed;
    err_t why;
};

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct visit *v = arg;
    ck_assert_uint_le(v->got_n + len, sizeof v->got);
    memcpy(v->got + v->got_n, bytes, len);
    v->got_n += len;
    stream_consumed(v->s, len);
}

static void on_writable(void *arg)
{
    ((struct visit *)arg)->writable++;
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct visit *v = arg;
    v->ended++;
    v->end = *end;
}

static const struct stream_ops visit_ops = {
    .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

/* Port 80 is served at once, 81 when the test says so, 82 breaks the circuit off, and no other. */
static struct stream_verdict on_begin(void *arg, struct stream *s, const struct relay_begin *asked)
{
    struct service *w = arg;
    struct visit *v = &w->visit[w->visits++];
    ck_assert_uint_le(w->visits, MOST);
    *v = (struct visit){.s = s, .port = asked->port};
    memcpy(v->host, asked->host.s, asked->host.len);
    if (asked->port == 80)
        stream_say_connected(s);
    if (asked->port == 82)
        circ_close(w->c, OK, DESTROY_FINISHED);
    if (asked->port > 81)
        return (struct stream_verdict){.refusal = END_DONE};
    return (struct stream_verdict){.ops = &visit_ops, .arg = v};
}

static void on_circ_end(void *arg, const struct circ_end *end)
{
    struct service *w = arg;
    w->closed++;
    w->why = end->why;
}

static const struct circ_ops circ_ops = {.on_end = on_circ_end};

static struct service *service_new(bool accepts)
{
    struct service *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->l = fake_new(w->env);
    const struct circ_config config = circ_config_defaults();
    w->c = circ_new(w->env, w->l, &config, &circ_ops, w);
    fake_build(w->l, w->c, HOPS);
    w->l->client = true;
    w->set = streams_new(w->env, carrier_of_hop(w->c, HOPS));
    ck_assert_ptr_nonnull(w->set);
    const struct stream_acceptor acceptor = {.on_begin = on_begin, .arg = w};
    if (accepts)
        streams_accept(w->set, &acceptor);
    return w;
}

static void service_free(struct service *w)
{
    streams_free(w->set);
    circ_free(w->c);
    env_run_timers(w->env);
    fake_free(w->l);
    test_env_free(w->env);
    free(w);
}

/* The client behind the last relay says something. */
static void client_says(struct service *w, uint8_t cmd, uint16_t id, const char *data, size_t len)
{
    fake_send(w->l, HOPS, cmd, id, data, len);
    fake_pump(w->l);
}

static void client_begins(struct service *w, uint16_t id, const char *target)
{
    client_says(w, RELAY_BEGIN, id, target, strlen(target) + 1);
}

static void assert_closed(struct service *w, err_t why)
{
    env_run_timers(w->env);
    ck_assert_uint_eq(w->closed, 1);
    ck_assert_msg(w->why == why, "%s", err_name(w->why));
}

START_TEST(test_incoming_stream_is_accepted_and_carries_both_ways)
{
    struct service *w = service_new(true);
    client_begins(w, 7, ":80");
    ck_assert_uint_eq(w->visits, 1);
    ck_assert_uint_eq(w->visit[0].port, 80);
    ck_assert_str_eq(w->visit[0].host, "");
    ck_assert_uint_eq(fake_last(w->l, RELAY_CONNECTED)->len, 0);
    ck_assert_uint_eq(fake_last(w->l, RELAY_CONNECTED)->stream_id, 7);
    client_says(w, RELAY_DATA, 7, "hello", 5);
    ck_assert_uint_eq(w->visit[0].got_n, 5);
    ck_assert_mem_eq(w->visit[0].got, "hello", 5);
    ck_assert_uint_eq(stream_write(w->visit[0].s, (const uint8_t *)"world", 5), 5);
    fake_pump(w->l);
    ck_assert_mem_eq(fake_last(w->l, RELAY_DATA)->data, "world", 5);
    ck_assert_uint_eq(fake_last(w->l, RELAY_DATA)->stream_id, 7);
    w->l->data_room = 0;
    ck_assert_uint_eq(stream_write(w->visit[0].s, (const uint8_t *)"!", 1), 0);
    fake_writable(w->l, 6);
    ck_assert_uint_eq(w->visit[0].writable, 1);
    client_says(w, RELAY_END, 7, "\6", 1);
    ck_assert_uint_eq(w->visit[0].ended, 1);
    ck_assert(w->visit[0].end.remote && w->visit[0].end.connected);
    ck_assert_uint_eq(w->closed, 0);
    service_free(w);
}
END_TEST

/* Data may come before CONNECTED; what we write does not go out before it, nor does a SENDME. */
START_TEST(test_incoming_stream_waits_for_its_owner)
{
    struct service *w = service_new(true);
    client_begins(w, 9, "ignored.example:81");
    ck_assert_uint_eq(fake_count(w->l, RELAY_CONNECTED, 9), 0);
    for (unsigned i = 0; i < 60; i++)
        client_says(w, RELAY_DATA, 9, "x", 1);
    ck_assert_uint_eq(w->visit[0].got_n, 60);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, 9), 0);
    ck_assert_uint_eq(stream_write(w->visit[0].s, (const uint8_t *)"x", 1), 0);
    stream_say_connected(w->visit[0].s);
    stream_say_connected(w->visit[0].s);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_CONNECTED, 9), 1);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, 9), 1);
    ck_assert_uint_eq(stream_write(w->visit[0].s, (const uint8_t *)"x", 1), 1);
    service_free(w);
}
END_TEST

START_TEST(test_incoming_stream_is_refused_with_the_acceptors_reason)
{
    struct service *w = service_new(true);
    client_begins(w, 3, ":8333");
    const struct fake_msg *end = fake_last(w->l, RELAY_END);
    ck_assert_uint_eq(end->stream_id, 3);
    ck_assert_uint_eq(end->data[0], END_DONE);
    ck_assert_uint_eq(fake_count(w->l, RELAY_CONNECTED, 3), 0);
    ck_assert_uint_eq(streams_open_count(w->set), 0);
    client_says(w, RELAY_DATA, 3, "early", 5); /* was under way */
    client_begins(w, 3, ":80");                /* the client has seen our END */
    client_says(w, RELAY_DATA, 3, "again", 5);
    ck_assert_mem_eq(w->visit[1].got, "again", 5);
    ck_assert_uint_eq(w->visit[0].ended, 0);
    ck_assert_uint_eq(w->closed, 0);
    service_free(w);
}
END_TEST

START_TEST(test_incoming_stream_ends_with_its_owners_reason)
{
    struct service *w = service_new(true);
    client_begins(w, 3, ":80");
    stream_close(w->visit[0].s, END_CONNRESET);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_last(w->l, RELAY_END)->data[0], END_CONNRESET);
    client_says(w, RELAY_DATA, 3, "late", 4);
    ck_assert_uint_eq(w->visit[0].got_n, 0);
    client_says(w, RELAY_END, 3, "\6", 1);
    ck_assert_uint_eq(w->closed, 0);
    service_free(w);
}
END_TEST

START_TEST(test_incoming_acceptor_may_close_the_circuit)
{
    struct service *w = service_new(true);
    client_begins(w, 3, ":82");
    ck_assert_uint_eq(fake_count(w->l, RELAY_END, 3), 0);
    assert_closed(w, OK);
    service_free(w);
}
END_TEST

/* A set that accepts nothing, an id in use, and what only a client may be told. */
START_TEST(test_incoming_messages_against_the_protocol_close_the_circuit)
{
    static const struct {
        bool accepts, begun;
        uint8_t cmd;
        uint16_t id;
        const char *data;
        size_t len;
    } bad[] = {
        {false, false, RELAY_BEGIN, 5, ":80", 4},  {true, true, RELAY_BEGIN, 5, ":80", 4},
        {true, false, RELAY_BEGIN, 5, "80\0", 4},  {true, false, RELAY_DATA, 5, "x", 1},
        {true, true, RELAY_CONNECTED, 5, "", 0},   {true, false, RELAY_BEGIN_DIR, 5, "", 0},
        {true, false, RELAY_RESOLVE, 5, "a.b", 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct service *w = service_new(bad[i].accepts);
        if (bad[i].begun)
            client_begins(w, 5, ":80");
        client_says(w, bad[i].cmd, bad[i].id, bad[i].data, bad[i].len);
        assert_closed(w, ERR_CIRC_PROTO);
        if (bad[i].begun)
            ck_assert(w->visit[0].ended == 1 && w->visit[0].end.circuit_ended);
        service_free(w);
    }
}
END_TEST

TESTS("stream/incoming", test_incoming_stream_is_accepted_and_carries_both_ways,
      test_incoming_stream_waits_for_its_owner,
      test_incoming_stream_is_refused_with_the_acceptors_reason,
      test_incoming_stream_ends_with_its_owners_reason,
      test_incoming_acceptor_may_close_the_circuit,
      test_incoming_messages_against_the_protocol_close_the_circuit)
