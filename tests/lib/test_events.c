/* What a client on a test network tells of itself, as lines of JSON; and a controller that says
 * where a stream goes, as the control port will. */
#include "client/events.h"

#include <jansson.h>

#include "cell/reason.h"
#include "client/attach.h"
#include "client/tunnel.h"
#include "crypto/encode.h"
#include "host/host.h"
#include "lab.h"

/* ---- a feed: the whole of it ---- */

static json_t *path_of(const struct event_circuit *c)
{
    json_t *path = json_array();
    for (size_t i = 0; i < c->n_hops; i++) {
        char hex[HEX_SIZE(sizeof(struct rsa_id))];
        hex_upper(c->hop[i].rsa.b, sizeof c->hop[i].rsa.b, hex);
        json_array_append_new(path, json_sprintf("$%s~%s", hex, c->hop[i].nickname));
    }
    return path;
}

static json_t *fields_of(const struct event_record *e)
{
    const struct event_circuit *c = &e->circuit;
    const struct event_stream *s = &e->stream;
    switch (e->kind) {
    case EVENT_CIRCUIT:
        return json_pack("{s:I, s:s, s:b, s:o, s:s}", "circuit", (json_int_t)c->id, "purpose",
                         circuit_purpose_name(c->purpose), "onehop",
                         (c->flags & CIRCUIT_ONEHOP_TUNNEL) != 0, "path", path_of(c), "reason",
                         destroy_reason_name(c->reason));
    case EVENT_STREAM:
        return json_pack("{s:I, s:I, s:s, s:s+, s:s}", "stream", (json_int_t)s->id, "circuit",
                         (json_int_t)s->circuit, "purpose", stream_purpose_name(s->purpose),
                         "target", s->host, "", "reason", end_reason_name(s->reason));
    case EVENT_GUARD:
        return json_pack("{s:s}", "guard", e->guard.relay.nickname);
    case EVENT_BOOTSTRAP:
        return json_pack("{s:i}", "progress", e->bootstrap.step.percent);
    default:
        return json_object();
    }
}

static void feed(void *file, const struct event_record *e)
{
    json_t *line = fields_of(e);
    json_object_set_new(line, "event", json_string(event_name(e)));
    json_dumpf(line, file, JSON_COMPACT);
    fputc('\n', file);
    json_decref(line);
}

/* ---- a client on the network ---- */

struct world {
    struct lab lab;
    const char *pairs[9]; /* options */
    struct log log;
    struct net *net;
    struct host *host;
    struct client *client;
    char *text; /* what was fed, once it is closed */
    size_t len;
    FILE *file;
    struct event_listener feeder, waiter;
    struct tunnel *tunnel;
    char page[400];
    size_t page_len;
    bool ended;
    struct tunnel_end end;
    uint64_t stream, building, built, for_documents; /* ids, as they were last told */
    bool ready;
};

static void on_event(void *arg, const struct event_record *e)
{
    struct world *w = arg;
    if (e->kind == EVENT_BOOTSTRAP)
        w->ready = e->bootstrap.step.percent == 100;
    if (e->kind != EVENT_CIRCUIT)
        return;
    if (e->circuit.status == CIRCUIT_BUILT)
        *(e->circuit.flags & CIRCUIT_ONEHOP_TUNNEL ? &w->for_documents : &w->built) = e->circuit.id;
    if (e->circuit.status == CIRCUIT_BEGUN)
        w->building = e->circuit.id;
}

static void world_new(struct world *w)
{
    memset(w, 0, sizeof *w);
    lab_start(&w->lab, NULL);
    ck_ok(crypto_init());
    w->log.least = LOG_ERR;
    ck_ok(net_new(&w->log, NULL, &w->net));
    char *authority = strstr(w->lab.torrc, "DirAuthority ") + strlen("DirAuthority ");
    authority[strcspn(authority, "\n")] = 0;
    const char *pairs[] = {"TestingTorNetwork", "1",         "DirAuthority",
                           authority,           "SocksPort", "0",
                           "ConfluxEnabled",    "0",         NULL};
    memcpy(w->pairs, pairs, sizeof pairs);
    struct options *o;
    struct conf_err why = {""};
    err_t e = host_options_of(w->pairs, true, &o, &why);
    ck_assert_msg(e == OK, "%s", why.text);
    const struct host_place place = {.net = w->net};
    e = host_new(&place, o, &w->host, &why);
    ck_assert_msg(e == OK, "%s", why.text);
    w->client = host_client(w->host);
    w->file = open_memstream(&w->text, &w->len);
    w->feeder = (struct event_listener){.on_event = feed, .arg = w->file};
    w->waiter = (struct event_listener){.on_event = on_event, .arg = w};
    client_listen(w->client, &w->feeder, EVENTS_ALL);
    client_listen(w->client, &w->waiter, EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_BOOTSTRAP));
    ck_ok(host_begin(w->host, &why));
}

static void world_free(struct world *w)
{
    host_free(w->host);
    net_free(w->net);
    lab_stop(&w->lab);
    fclose(w->file);
    free(w->text);
}

static void turn_until(struct world *w, const bool *done)
{
    for (int i = 0; !*done && i < 100000; i++)
        ck_ok(net_turn(w->net, true));
    ck_assert(*done);
}

/* ---- an application ---- */

static void on_connected(void *arg, const struct ip *addr)
{
    static const char get[] = "GET / HTTP/1.0\r\n\r\n";
    struct world *w = arg;
    (void)addr;
    ck_assert_uint_eq(tunnel_write(w->tunnel, (const uint8_t *)get, sizeof get - 1),
                      sizeof get - 1);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct world *w = arg;
    ck_assert_uint_lt(w->page_len + len, sizeof w->page);
    memcpy(w->page + w->page_len, bytes, len);
    w->page_len += len;
    tunnel_consumed(w->tunnel, len);
}

static void on_writable(void *arg)
{
    (void)arg;
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct world *w = arg;
    w->ended = true;
    w->end = *end;
}

static const struct tunnel_ops app_ops = {
    .on_connected = on_connected, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

static void ask_for_page(struct world *w)
{
    const struct tunnel_request req = {
        .kind = TUNNEL_CONNECT, .host = "hello.test", .port = 80, .ipv4_ok = true};
    net_enter(w->net);
    w->tunnel = tunnel_open(w->client, &req, &app_ops, w);
    ck_assert_ptr_nonnull(w->tunnel);
    w->stream = tunnel_stream(w->tunnel);
}

/* ---- what was fed ---- */

/* The events of object ID of KIND ("circuit", "stream"), in order, and the last line of them. */
static json_t *story(const struct world *w, const char *kind, uint64_t id, char *out, size_t size)
{
    json_t *last = NULL;
    size_t n = 0;
    fflush(w->file);
    out[0] = 0;
    for (const char *line = w->text; *line; line = strchr(line, '\n') + 1) {
        json_t *o = json_loadb(line, strcspn(line, "\n"), 0, NULL);
        ck_assert_ptr_nonnull(o);
        bool about = json_object_get(o, kind) != NULL;
        if (about && (uint64_t)json_integer_value(json_object_get(o, kind)) == id &&
            (strcmp(kind, "stream") == 0 || !json_object_get(o, "stream"))) {
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "",
                                  json_string_value(json_object_get(o, "event")));
            json_decref(last);
            last = json_incref(o);
        }
        json_decref(o);
    }
    return last;
}

START_TEST(test_events_of_a_page_as_json_in_order)
{
    struct world w;
    char text[400];
    world_new(&w);
    ask_for_page(&w); /* before anything is known of the network */
    turn_until(&w, &w.ended);
    ck_assert_int_eq(w.end.stage, TUNNEL_STAGE_NONE);
    ck_assert_ptr_nonnull(strstr(w.page, "200 OK"));
    ck_ok(net_turn(w.net, false));

    json_t *s = story(&w, "stream", w.stream, text, sizeof text);
    ck_assert_str_eq(text, "NEW SENTCONNECT REMAP SUCCEEDED CLOSED");
    ck_assert_str_eq(json_string_value(json_object_get(s, "purpose")), "USER");
    ck_assert_str_eq(json_string_value(json_object_get(s, "reason")), "DONE");
    uint64_t id = (uint64_t)json_integer_value(json_object_get(s, "circuit"));
    json_decref(s);

    json_t *c = story(&w, "circuit", id, text, sizeof text);
    ck_assert_str_eq(text, "LAUNCHED BEGUN EXTENDED EXTENDED EXTENDED BUILT");
    json_t *path = json_object_get(c, "path");
    ck_assert_uint_eq(json_array_size(path), 3);
    ck_assert_ptr_nonnull(strchr(json_string_value(json_array_get(path, 2)), '~'));
    json_decref(c);

    const char *built = strstr(w.text, "\"BUILT\""), *sent = strstr(w.text, "\"SENTCONNECT\"");
    ck_assert(built && sent && built < sent);
    const char *guard = strstr(w.text, "{\"guard\":\"guard");
    ck_assert_ptr_nonnull(guard);
    ck_assert_ptr_nonnull(strstr(guard, "\",\"event\":\"UP\"}"));
    const char *consensus = strstr(w.text, "{\"event\":\"NEWCONSENSUS\"}");
    ck_assert_ptr_nonnull(consensus);
    ck_assert(!strstr(strchr(consensus, '\n'), "NEWCONSENSUS"));
    ck_assert_ptr_nonnull(strstr(consensus, "{\"progress\":45,\"event\":\"BOOTSTRAP\"}"));
    ck_assert_ptr_nonnull(strstr(consensus, "{\"event\":\"ENOUGH_DIR_INFO\"}"));
    ck_assert_ptr_nonnull(strstr(w.text, "{\"event\":\"CIRCUIT_ESTABLISHED\"}"));
    ck_assert_ptr_nonnull(strstr(w.text, "{\"progress\":100,\"event\":\"BOOTSTRAP\"}"));
    world_free(&w);
}
END_TEST

static void disable_network(struct world *w, const char *yes_or_no)
{
    const char *pairs[11];
    struct options *o;
    struct conf_err why = {""};
    memcpy(pairs, w->pairs, 8 * sizeof pairs[0]);
    memcpy(pairs + 8, (const char *[]){"DisableNetwork", yes_or_no, NULL}, 3 * sizeof pairs[0]);
    ck_ok(host_options_of(pairs, true, &o, &why));
    net_enter(w->net);
    ck_ok(host_change(w->host, o, HOST_SET, &why));
    ck_ok(net_turn(w->net, false));
    fflush(w->file);
}

START_TEST(test_events_say_anew_that_circuits_stand_after_a_pause)
{
    struct world w;
    world_new(&w);
    turn_until(&w, &w.ready);
    disable_network(&w, "1");
    size_t paused = w.len;
    const char *lacks = strstr(w.text, "{\"event\":\"NOT_ENOUGH_DIR_INFO\"}");
    ck_assert_ptr_nonnull(lacks);
    ck_assert_ptr_nonnull(strstr(lacks, "{\"event\":\"CIRCUIT_NOT_ESTABLISHED\"}"));
    w.built = 0;
    disable_network(&w, "0");
    for (int i = 0; !w.built && i < 100000; i++)
        ck_ok(net_turn(w.net, true));
    fflush(w.file);
    ck_assert_ptr_nonnull(strstr(w.text + paused, "{\"event\":\"CIRCUIT_ESTABLISHED\"}"));
    world_free(&w);
}
END_TEST

/* ---- a controller ---- */

static bool leave(void *arg, struct tunnel *t)
{
    (void)arg, (void)t;
    return true;
}

static void forget(void *arg, struct tunnel *t)
{
    (void)arg, (void)t;
}

static const struct attach_ops leave_ops = {.wait = leave, .forget = forget};

START_TEST(test_events_lead_a_controller_that_attaches_streams)
{
    static const struct attach_policy controller = {&leave_ops, NULL};
    struct world w;
    char text[400];
    world_new(&w);
    client_set_attach(w.client, &controller);
    ask_for_page(&w);
    turn_until(&w, &w.ready);
    ck_assert_int_eq(client_attach(w.client, w.stream, w.for_documents, 0), ATTACH_ONE_HOP);
    ck_assert_int_eq(client_attach(w.client, w.stream, w.building + 100, 0), ATTACH_NO_CIRCUIT);
    ck_assert_int_eq(client_attach(w.client, w.stream + 100, w.built, 0), ATTACH_NO_STREAM);
    net_enter(w.net);
    ck_assert_int_eq(client_attach(w.client, w.stream, w.built, 0), ATTACH_DONE);
    turn_until(&w, &w.ended);
    ck_assert_ptr_nonnull(strstr(w.page, "200 OK"));
    ck_ok(net_turn(w.net, false));
    json_t *s = story(&w, "stream", w.stream, text, sizeof text);
    ck_assert_str_eq(text, "NEW CONTROLLER_WAIT SENTCONNECT REMAP SUCCEEDED CLOSED");
    ck_assert_int_eq(json_integer_value(json_object_get(s, "circuit")), (json_int_t)w.built);
    json_decref(s);
    world_free(&w);
}
END_TEST

/* ---- two that share a directory ---- */

struct numbers {
    struct event_listener l;
    uint64_t circuits, streams;
    unsigned documents, pages;
    bool ready;
};

static void count(void *arg, const struct event_record *e)
{
    struct numbers *n = arg;
    if (e->kind == EVENT_BOOTSTRAP) {
        n->ready = e->bootstrap.step.percent == 100;
    } else if (e->kind == EVENT_CIRCUIT && e->circuit.status == CIRCUIT_LAUNCHED) {
        ck_assert_uint_eq(e->circuit.id, ++n->circuits);
    } else if (e->kind == EVENT_STREAM && e->stream.status == STREAM_NEW) {
        ck_assert_uint_eq(e->stream.id, ++n->streams);
        n->documents += e->stream.purpose == STREAM_DIR_FETCH;
        n->pages += e->stream.purpose == STREAM_USER;
    }
}

static void listen_to(struct numbers *n, struct client *c)
{
    *n = (struct numbers){.l = {.on_event = count, .arg = n}};
    client_listen(c, &n->l,
                  EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_STREAM) | EVENT_BIT(EVENT_BOOTSTRAP));
}

START_TEST(test_events_of_clients_with_one_directory_have_ids_of_their_own)
{
    struct world w;
    struct numbers first, second;
    struct options *o;
    struct conf_err why;
    struct host *other;
    world_new(&w);
    listen_to(&first, w.client);
    const struct host_place place = {.net = w.net, .share = w.host};
    ck_ok(host_options_of(w.pairs, true, &o, &why));
    ck_ok(host_new(&place, o, &other, &why));
    listen_to(&second, host_client(other));
    ck_ok(host_begin(other, &why));
    ask_for_page(&w);
    turn_until(&w, &second.ready);
    turn_until(&w, &w.ended);
    ck_assert_uint_gt(first.documents, 0);
    ck_assert_uint_eq(first.pages, 1);
    ck_assert_uint_gt(first.circuits, 2);
    ck_assert_uint_eq(second.documents, 0); /* the first carries them */
    ck_assert_uint_gt(second.circuits, 0);
    host_free(other);
    world_free(&w);
}
END_TEST

TESTS("lib/events", test_events_of_clients_with_one_directory_have_ids_of_their_own,
      test_events_of_a_page_as_json_in_order,
      test_events_say_anew_that_circuits_stand_after_a_pause,
      test_events_lead_a_controller_that_attaches_streams)
