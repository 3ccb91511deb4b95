/* What a client that knows a network shows to its control side, and what that asks of circuits and
 * streams by their ids. */
#include "client/look.h"

#include <errno.h>

#include "cell/reason.h"
#include "client/figures.h"
#include "client/steer.h"
#include "client/tunnel.h"
#include "support/knownclient.h"

static struct {
    struct event_circuit circuit[8];
    size_t n_circuits;
    struct event_stream stream[8];
    size_t n_streams;
    size_t n_guards;
    bool down;
    struct event_listener listener;
    char told[400]; /* names of events, each with ";" */
    struct tunnel_end end;
    unsigned ends;
} t;

static void on_event(void *arg, const struct event_record *e)
{
    size_t len = strlen(t.told);
    (void)arg;
    snprintf(t.told + len, sizeof t.told - len, "%s;", event_name(e));
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    known_begin(true, false);
    t.listener = (struct event_listener){.on_event = on_event};
}

static void settle(void)
{
    test_env_advance_ms(known.net->env, 0);
}

static void note_circuit(void *arg, const struct event_circuit *e)
{
    (void)arg;
    t.circuit[t.n_circuits++] = *e;
}

static void note_stream(void *arg, const struct event_stream *e)
{
    (void)arg;
    t.stream[t.n_streams++] = *e;
}

static void note_guard(void *arg, const struct guard_info *g)
{
    (void)arg;
    t.n_guards++;
    t.down |= g->down;
}

static void look(void)
{
    t.n_circuits = t.n_streams = t.n_guards = 0;
    t.down = false;
    look_at_circuits(known.client, note_circuit, NULL);
    look_at_streams(known.client, note_stream, NULL);
    look_at_guards(known.client, note_guard, NULL);
}

static uint64_t build(enum circuit_purpose purpose)
{
    const struct router *r = netdir_by_rsa(client_known(known.client), &known.net->id[5].rsa_id);
    uint64_t id;
    ck_ok(client_build_circuit(known.client, &r, 1, purpose, &id));
    return id;
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    (void)arg;
    t.end = *end;
    t.ends++;
}

static uint64_t open_stream(void)
{
    static const struct tunnel_ops ops = {.on_end = on_end};
    const struct tunnel_request req = {
        .kind = TUNNEL_CONNECT, .host = "web.test", .port = 80, .ipv4_ok = true};
    struct tunnel *tunnel = tunnel_open(known.client, &req, &ops, NULL);
    ck_assert_ptr_nonnull(tunnel);
    settle();
    return tunnel_stream(tunnel);
}

START_TEST(test_client_shows_circuits_oldest_first)
{
    setup();
    uint64_t one = build(CIRCUIT_GENERAL), two = build(CIRCUIT_CONTROLLER);
    look();
    ck_assert_uint_eq(t.n_circuits, 2);
    ck_assert_uint_eq(t.circuit[0].id, one);
    ck_assert_uint_eq(t.circuit[1].id, two);
    ck_assert_int_eq(t.circuit[0].status, CIRCUIT_LAUNCHED);
    ck_assert_int_eq(t.circuit[1].purpose, CIRCUIT_CONTROLLER);
    struct client_figures f = client_figures(known.client);
    ck_assert_uint_eq(f.circuits_building, 2);
    ck_assert_uint_eq(f.circuits_open, 0);
    known_end();
}
END_TEST

START_TEST(test_client_closes_and_changes_circuits_by_their_ids)
{
    setup();
    uint64_t one = build(CIRCUIT_GENERAL), two = build(CIRCUIT_GENERAL);
    client_close_circuit(known.client, 99, false); /* there is none */
    client_set_circuit_purpose(known.client, 99, CIRCUIT_CONTROLLER);
    ck_assert(client_has_circuit(known.client, one) && client_has_circuit(known.client, two));
    client_set_circuit_purpose(known.client, two, CIRCUIT_CONTROLLER);
    look();
    ck_assert_int_eq(t.circuit[0].purpose, CIRCUIT_GENERAL);
    ck_assert_int_eq(t.circuit[1].purpose, CIRCUIT_CONTROLLER);
    client_close_circuit(known.client, one, true); /* no stream is on it */
    settle();
    ck_assert(!client_has_circuit(known.client, one) && client_has_circuit(known.client, two));
    client_close_circuit(known.client, two, false);
    settle();
    ck_assert(!client_has_circuit(known.client, two));
    known_end();
}
END_TEST

START_TEST(test_client_shows_streams_and_ends_them_by_their_ids)
{
    setup();
    uint64_t id = open_stream();
    ck_assert(client_has_stream(known.client, id) && !client_has_stream(known.client, id + 99));
    look();
    bool found = false;
    for (size_t i = 0; i < t.n_streams; i++)
        if (t.stream[i].id == id) {
            found = true;
            ck_assert_str_eq(t.stream[i].host, "web.test");
            ck_assert_int_eq(t.stream[i].status, STREAM_NEW);
        }
    ck_assert(found);
    struct client_figures f = client_figures(known.client);
    ck_assert_uint_eq(f.streams, 1);
    ck_assert_uint_eq(f.streams_waiting, 1);
    client_close_stream(known.client, id, END_HIBERNATING);
    settle();
    ck_assert_uint_eq(t.ends, 1);
    ck_assert_uint_eq(t.end.reason, END_HIBERNATING);
    ck_assert(!client_has_stream(known.client, id));
    ck_assert_uint_eq(client_figures(known.client).streams, 0);
    known_end();
}
END_TEST

START_TEST(test_client_counts_relays_links_and_guards)
{
    setup();
    (void)open_stream(); /* for which a guard is dialled */
    struct client_figures f = client_figures(known.client);
    look();
    ck_assert_uint_eq(f.relays, known.net->plan.n_nodes);
    ck_assert_uint_gt(f.links_opening, 0);
    ck_assert_uint_eq(f.links_open, 0);
    ck_assert_uint_gt(f.guards, 0);
    ck_assert_uint_eq(f.guards, t.n_guards);
    ck_assert_uint_eq(f.guards_down, 0);
    link_tcp_failed(known.link, ECONNREFUSED);
    settle();
    ck_assert_uint_eq(client_figures(known.client).guards_down, 1);
    look();
    ck_assert(t.down);
    client_stop(known.client);
    ck_assert_uint_eq(client_figures(known.client).links_opening, 0);
    known_end();
}
END_TEST

START_TEST(test_client_forgets_guards_and_times)
{
    setup();
    client_listen(known.client, &t.listener, EVENT_BIT(EVENT_STATUS));
    client_drop_timeouts(known.client);
    settle();
    ck_assert_ptr_nonnull(strstr(t.told, "BUILDTIMEOUT_SET;"));
    t.told[0] = 0;
    client_listen(known.client, &t.listener, EVENT_BIT(EVENT_GUARD));
    client_drop_guards(known.client);
    settle();
    ck_assert_ptr_nonnull(strstr(t.told, "DROPPED;"));
    look();
    ck_assert_uint_gt(t.n_guards, 0); /* others */
    known_end();
}
END_TEST

TESTS("control/known_client", test_client_shows_circuits_oldest_first,
      test_client_closes_and_changes_circuits_by_their_ids,
      test_client_shows_streams_and_ends_them_by_their_ids,
      test_client_counts_relays_links_and_guards, test_client_forgets_guards_and_times)
