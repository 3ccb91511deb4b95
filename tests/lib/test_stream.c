/* Streams over loopback: a document over one hop, data through three, each way to fail. */
#include "tunic/stream.h"

#include <event2/event.h>
#include <poll.h>

#include "cell/relay.h"
#include "lab.h"
#include "tunic/trace.h"

enum { BIG = 1500 * 1000 };

static struct lab lab;
static struct tunic *t;
static struct tunic_relay *guard;
static struct tunic_circuit *c;
static struct tunic_error e;

static void setup(const struct lab_fault *faults)
{
    memset(&e, 0, sizeof e);
    c = NULL;
    lab_start(&lab, faults);
    t = tunic_new(&e);
    tunic_allow_internal_addresses(t, 1);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    guard = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_msg(guard != NULL, "%s", e.text);
}

static void teardown(void)
{
    tunic_circuit_free(c);
    tunic_relay_free(guard);
    tunic_free(t);
    lab_stop(&lab);
}

static void build_three(void)
{
    struct tunic_hop hop = lab_hop(&lab, LAB_GUARD);
    c = tunic_circuit_create(guard, TUNIC_NTOR_V3, &hop, 5000, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    for (int node = LAB_MIDDLE; node <= LAB_EXIT; node++) {
        hop = lab_hop(&lab, node);
        ck_assert_msg(tunic_circuit_extend(c, TUNIC_NTOR_V3, &hop, 5000, &e) == 0, "%s", e.text);
    }
}

/* Everything up to the orderly end. */
static size_t read_all(struct tunic_stream *s, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n;
    while ((n = tunic_stream_read(s, out + len, cap - 1 - len, 10000, &e)) > 0)
        len += (size_t)n;
    ck_assert_msg(n == 0, "%s", e.text);
    out[len] = 0;
    return len;
}

START_TEST(test_stream_fetches_a_consensus_over_one_hop)
{
    static const char get[] = "GET /tor/status-vote/current/consensus HTTP/1.0\r\n\r\n";
    static char text[200000];
    setup(NULL);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    struct tunic_stream *s = tunic_stream_begin_dir(c, 5000, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_SUCCEEDED);
    ck_assert_int_eq(tunic_stream_write(s, get, sizeof get - 1, 1000, &e), sizeof get - 1);
    read_all(s, text, sizeof text);
    ck_assert(strncmp(text, "HTTP/1.0 200 ", 13) == 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nnetwork-status-version 3\n"));
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_CLOSED);
    ck_assert_int_eq(tunic_stream_error(s)->cls, TUNIC_CLOSED);
    ck_assert_int_eq(tunic_stream_error(s)->reason, TUNIC_RELAY_END_REASON_DONE);
    ck_assert_int_eq(tunic_stream_write(s, "x", 1, 1000, &e), -1);
    lab_is_error(&e, TUNIC_CLOSED, TUNIC_STAGE_STREAM, 0, TUNIC_RELAY_END_REASON_DONE);
    tunic_stream_free(s);
    teardown();
}
END_TEST

/* A megabyte and a half each way: windows, backpressure, SENDMEs. */
START_TEST(test_stream_carries_data_through_three_hops)
{
    char head[200], *text = malloc(BIG + 1000);
    setup(NULL);
    build_three();
    struct tunic_stream *s = tunic_stream_begin(c, "hello.test:80", 5000, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    ck_assert_str_eq(tunic_stream_address(s), "127.0.0.1");
    int n = snprintf(head, sizeof head, "GET /bytes/%d HTTP/1.0\r\n\r\n", BIG);
    ck_assert_int_eq(tunic_stream_write(s, head, (size_t)n, 1000, &e), n);
    size_t len = read_all(s, text, BIG + 1000);
    const char *body = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_uint_eq(len - (size_t)(body + 4 - text), BIG);
    tunic_stream_free(s);

    s = tunic_stream_begin(c, "hello.test:80", 5000, &e);
    n = snprintf(head, sizeof head, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n", BIG);
    ck_assert_int_eq(tunic_stream_write(s, head, (size_t)n, 1000, &e), n);
    memset(text, 'x', BIG);
    ck_assert_int_eq(tunic_stream_write(s, text, BIG, 20000, &e), BIG);
    read_all(s, text, BIG);
    ck_assert_ptr_nonnull(strstr(text, "1500000 bytes, sha256 "));
    tunic_stream_free(s);
    free(text);
    teardown();
}
END_TEST

START_TEST(test_stream_optimistic_counts_as_open_at_once)
{
    static const char get[] = "GET / HTTP/1.0\r\n\r\n";
    char text[8192];
    setup(NULL);
    build_three();
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.target = "hello.test:80";
    o.optimistic = 1;
    struct tunic_stream *s = tunic_stream_start(c, &o, &e);
    ck_assert_int_eq(tunic_stream_wait(s, 0, &e), 0);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_SENTCONNECT);
    ck_assert_int_eq(tunic_stream_write(s, get, sizeof get - 1, 1000, &e), (int)sizeof get - 1);
    ck_assert_uint_gt(read_all(s, text, sizeof text), 0);
    ck_assert_int_eq(strncmp(text, "HTTP/1.", 7), 0);
    ck_assert_str_eq(tunic_stream_address(s), "127.0.0.1");
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_stream_end_reasons)
{
    static const struct {
        const char *fault;
        enum tunic_stage stage;
        int reason;
    } cases[] = {
        {"stream-end-reason=3", TUNIC_STAGE_STREAM, TUNIC_RELAY_END_REASON_CONNECTREFUSED},
        {"stream-end-reason=2", TUNIC_STAGE_DNS, TUNIC_RELAY_END_REASON_RESOLVEFAILED},
        {"stream-end-reason=4", TUNIC_STAGE_STREAM, TUNIC_RELAY_END_REASON_EXITPOLICY},
        {"stream-end-reason=8", TUNIC_STAGE_STREAM, TUNIC_RELAY_END_REASON_NOROUTE},
        {"stream-end-reason=11", TUNIC_STAGE_STREAM, TUNIC_RELAY_END_REASON_RESOURCELIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct lab_fault faults[] = {{LAB_EXIT, cases[i].fault}, {0, NULL}};
        setup(faults);
        build_three();
        ck_assert_ptr_null(tunic_stream_begin(c, "hello.test:80", 5000, &e));
        ck_assert_int_eq(e.from_peer, 1);
        lab_is_error(&e, TUNIC_REFUSED, cases[i].stage, 0, cases[i].reason);
        ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_BUILT);
        teardown();
    }
}
END_TEST

START_TEST(test_stream_faults_end_the_circuit)
{
    static const struct lab_fault faults[] = {{LAB_EXIT, "stream-connected-twice"}, {0, NULL}};
    char byte[10];
    setup(faults);
    build_three();
    struct tunic_stream *s = tunic_stream_begin(c, "hello.test:80", 5000, &e);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(tunic_stream_read(s, byte, sizeof byte, 5000, &e), -1);
    lab_is_error(&e, TUNIC_PROTOCOL, TUNIC_STAGE_CIRCUIT, 3, TUNIC_CIRC_CLOSURE_REASON_TORPROTOCOL);
    ck_assert_int_eq(tunic_circuit_wait(c, 1000, &e), -1);
    lab_is_error(&e, TUNIC_PROTOCOL, TUNIC_STAGE_CIRCUIT, 3, TUNIC_CIRC_CLOSURE_REASON_TORPROTOCOL);
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_stream_waits_no_longer_than_told)
{
    static const struct lab_fault faults[] = {{LAB_EXIT, "stream-silent"}, {0, NULL}};
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    char byte;
    setup(faults);
    build_three();
    o.target = "hello.test:80";
    struct tunic_stream *s = tunic_stream_start(c, &o, &e);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_SENTCONNECT);
    ck_assert_int_eq(tunic_stream_wait(s, 50, &e), -1);
    lab_is_error(&e, TUNIC_TIMEOUT, TUNIC_STAGE_STREAM, 0, TUNIC_STREAM_CLOSURE_REASON_TIMEOUT);
    ck_assert_int_eq(tunic_stream_read(s, &byte, 1, 50, &e), -1);
    lab_is_error(&e, TUNIC_TIMEOUT, TUNIC_STAGE_STREAM, 0, TUNIC_STREAM_CLOSURE_REASON_TIMEOUT);
    char *much = calloc(1, BIG); /* more than the window */
    ssize_t n = tunic_stream_write(s, much, BIG, 50, &e);
    ck_assert_int_gt(n, 100000);
    ck_assert_int_lt(n, 300000);
    ck_assert_int_eq(tunic_stream_write(s, much, BIG, 0, &e), 0);
    free(much);
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_stream_wrong_use)
{
    setup(NULL);
    c = tunic_circuit_start(guard, NULL, &e);
    ck_assert_ptr_null(tunic_stream_begin(c, "hello.test:80", 1000, &e));
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_CREATE_FAST, NULL, 5000, &e), 0);
    static const char *const bad[] = {"hello.test", "hello.test:", "hello.test:99999", "", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_ptr_null(tunic_stream_begin(c, bad[i], 1000, &e));
        lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_STREAM, 0, -1);
    }
    /* Streams are the library's or the program's, not both; and leave at one hop. */
    struct tunic_stream *s = tunic_stream_begin_dir(c, 5000, &e);
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_BEGIN_DIR, 5, "", 0, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    struct tunic_hop hop = lab_hop(&lab, LAB_MIDDLE);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR, &hop, 5000, &e), 0);
    ck_assert_ptr_null(tunic_stream_begin_dir(c, 5000, &e));
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_STREAM, 0, -1);
    tunic_stream_free(s);
    teardown();
}
END_TEST

static char trace_of[2000];

static void on_trace(void *arg, const struct tunic_trace *trace)
{
    char one[80];
    (void)arg;
    if (trace->kind != TUNIC_TRACE_MESSAGE || strlen(trace_of) + sizeof one > sizeof trace_of)
        return;
    ck_assert_ptr_eq(trace->circuit, c);
    snprintf(one, sizeof one, "%s%d%s ", trace->out ? ">" : "<", trace->hop, trace->command_name);
    strcat(trace_of, one);
}

START_TEST(test_stream_messages_are_seen)
{
    setup(NULL);
    struct tunic_hop hop = lab_hop(&lab, LAB_EXIT);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    tunic_set_trace(t, on_trace, NULL);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR, &hop, 5000, &e), 0);
    struct tunic_stream *s = tunic_stream_begin(c, "hello.test:80", 5000, &e);
    ck_assert_int_eq(tunic_stream_write(s, "x", 1, 5000, &e), 1);
    tunic_stream_free(s);
    ck_assert_str_eq(trace_of, ">1EXTEND2 <1EXTENDED2 >2BEGIN <2CONNECTED >2DATA >2END ");
    tunic_set_trace(t, NULL, NULL);
    teardown();
}
END_TEST

START_TEST(test_stream_look_ups)
{
    struct tunic_answer a[4];
    setup(NULL);
    build_three();
    ck_assert_msg(tunic_resolve(c, "hello.test", a, 4, 5000, &e) == 1, "%s", e.text);
    ck_assert_int_eq(a[0].family, 4);
    ck_assert_str_eq(a[0].text, "127.0.0.1");
    ck_assert_int_eq(tunic_resolve(c, "nowhere.example", a, 4, 5000, &e), -1);
    ck_assert_int_eq(e.from_peer, 1);
    lab_is_error(&e, TUNIC_REFUSED, TUNIC_STAGE_DNS, 0, TUNIC_STREAM_CLOSURE_REASON_RESOLVEFAILED);
    tunic_allow_internal_addresses(t, 0);
    ck_assert_int_eq(tunic_resolve(c, "hello.test", a, 4, 5000, &e), -1);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DNS);
    teardown();
}
END_TEST

START_TEST(test_stream_to_an_internal_address_is_told_as_such)
{
    setup(NULL);
    build_three();
    tunic_allow_internal_addresses(t, 0);
    ck_assert_ptr_null(tunic_stream_begin(c, "hello.test:80", 5000, &e));
    ck_assert_int_eq(e.cls, TUNIC_PROTOCOL);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_STREAM);
    ck_assert_ptr_nonnull(strstr(e.text, "127.0.0.1"));
    ck_assert_ptr_nonnull(strstr(e.text, "tunic_allow_internal_addresses()"));
    teardown();
}
END_TEST

/* In every order of freeing, in the middle of things. */
START_TEST(test_stream_is_freed_in_any_order)
{
    setup(NULL);
    for (int order = 0; order < 60; order++) {
        struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
        struct tunic_relay *r = tunic_relay_connect(t, &o, 5000, &e);
        struct tunic_circuit *one = tunic_circuit_create(r, TUNIC_CREATE_FAST, NULL, 5000, &e);
        struct tunic_stream *a = tunic_stream_begin_dir(one, 5000, &e);
        struct tunic_stream_options begin = TUNIC_STREAM_OPTIONS_INIT;
        begin.kind = TUNIC_BEGIN_DIR;
        struct tunic_stream *b = tunic_stream_start(one, &begin, &e);
        ck_assert(a && b);
        bool freed[4] = {false};
        for (int i = 0, left = 4, at = order; left; at = at * 7 + 3, i++) {
            int which = (at / 2) % 4;
            while (freed[which])
                which = (which + 1) % 4;
            freed[which] = true;
            left--;
            if (which == 0)
                tunic_relay_free(r);
            else if (which == 1)
                tunic_circuit_free(one);
            else
                tunic_stream_free(which == 2 ? a : b);
            if (order & 1)
                ck_assert_int_eq(tunic_run_once(t, 1, &e), 0);
        }
    }
    teardown();
}
END_TEST

START_TEST(test_stream_comes_and_goes)
{
    setup(NULL);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    for (int i = 0; i < 1000; i++) {
        struct tunic_stream *s = tunic_stream_begin_dir(c, 5000, &e);
        ck_assert_msg(s != NULL, "%d: %s", i, e.text);
        tunic_stream_free(s);
    }
    teardown();
}
END_TEST

/* ---- callbacks in the caller's own loop ---- */

static struct {
    struct event_base *base;
    struct tunic_relay *relay;
    struct tunic_circuit *circuit;
    struct tunic_stream *stream;
    char text[100000];
    size_t len;
    char story[200];
} w;

static void note(const char *what)
{
    strcat(w.story, what);
}

static void on_stream(void *arg, struct tunic_stream *s, enum tunic_event event)
{
    static const char get[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n";
    ssize_t n;
    (void)arg;
    if (event == TUNIC_EVENT_OPEN) {
        note("stream ");
        ck_assert_int_eq(tunic_stream_write(s, get, sizeof get - 1, 0, &e), sizeof get - 1);
        ck_assert_int_eq(tunic_stream_read(s, w.text, 1, 10, &e), -1); /* it must not wait */
        ck_assert_int_eq(e.cls, TUNIC_USAGE);
    } else if (event == TUNIC_EVENT_READABLE) {
        while ((n = tunic_stream_read(s, w.text + w.len, sizeof w.text - w.len, 0, &e)) > 0)
            w.len += (size_t)n;
        if (n == 0)
            note("end ");
        else
            ck_assert_int_eq(e.cls, TUNIC_TIMEOUT);
    } else if (event == TUNIC_EVENT_CLOSED) {
        note("closed ");
        tunic_relay_free(w.relay); /* all of it, from inside */
        tunic_circuit_free(w.circuit);
        tunic_stream_free(s);
        if (w.base)
            event_base_loopbreak(w.base);
    }
}

static void on_circuit(void *arg, struct tunic_circuit *circuit, enum tunic_event event)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    (void)arg;
    ck_assert_int_eq(event, TUNIC_EVENT_OPEN);
    note("circuit ");
    o.kind = TUNIC_BEGIN_DIR;
    o.callback = on_stream;
    w.stream = tunic_stream_start(circuit, &o, &e);
    ck_assert_ptr_nonnull(w.stream);
}

static void on_relay(void *arg, struct tunic_relay *relay, enum tunic_event event)
{
    struct tunic_circuit_options o = TUNIC_CIRCUIT_OPTIONS_INIT;
    ck_assert_ptr_eq(arg, &w);
    ck_assert_int_eq(event, TUNIC_EVENT_OPEN);
    note("relay ");
    o.callback = on_circuit;
    w.circuit = tunic_circuit_start(relay, &o, &e);
    ck_assert_int_eq(tunic_circuit_start_hop(w.circuit, TUNIC_CREATE_FAST, NULL, &e), 0);
}

static void launch(void)
{
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    o.callback = on_relay;
    o.callback_arg = &w;
    w.relay = tunic_relay_start(t, &o, &e);
    ck_assert_ptr_nonnull(w.relay);
}

START_TEST(test_stream_in_the_callers_loop)
{
    memset(&w, 0, sizeof w);
    lab_start(&lab, NULL);
    w.base = event_base_new();
    t = tunic_new_on_base(w.base, &e);
    launch();
    ck_assert_int_eq(tunic_relay_wait(w.relay, 100, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    event_base_dispatch(w.base);
    ck_assert_str_eq(w.story, "relay circuit stream end closed ");
    ck_assert(strncmp(w.text, "HTTP/1.0 200 ", 13) == 0);
    tunic_free(t);
    event_base_free(w.base);
    lab_stop(&lab);
}
END_TEST

/* A loop of another kind: one descriptor, and no turn of ours that it did not ask for. */
START_TEST(test_stream_behind_a_pollable_descriptor)
{
    int turns = 0;
    memset(&w, 0, sizeof w);
    lab_start(&lab, NULL);
    t = tunic_new(&e);
    launch();
    struct pollfd p = {.fd = tunic_fd(t, &e), .events = POLLIN};
    ck_assert_int_ge(p.fd, 0);
    for (; !strstr(w.story, "closed") && turns < 500; turns++) {
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    }
    ck_assert_str_eq(w.story, "relay circuit stream end closed ");
    for (turns = 0; turns < 20 && poll(&p, 1, 50) == 1; turns++)
        ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    ck_assert_int_lt(turns, 20); /* then it rests */

    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    int silent = lab_listen(&o.port);
    o.address = "127.0.0.1";
    o.handshake_timeout_ms = 100;
    struct tunic_relay *r = tunic_relay_start(t, &o, &e);
    for (turns = 0; turns < 50 && tunic_relay_status(r) == TUNIC_OR_STATUS_LAUNCHED; turns++) {
        ck_assert_int_eq(poll(&p, 1, 5000), 1); /* timers count, too */
        ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    }
    ck_assert_int_eq(tunic_relay_error(r)->cls, TUNIC_TIMEOUT);
    ck_assert_int_eq(tunic_fd(t, &e), p.fd);
    close(silent);
    tunic_free_all(t);
    lab_stop(&lab);
}
END_TEST

static struct tunic_stream *victim;

static void free_victim(void *arg, struct tunic_stream *s, enum tunic_event event)
{
    (void)arg, (void)s;
    if (event == TUNIC_EVENT_OPEN)
        tunic_stream_free(victim);
}

static void free_relay(void *arg, struct tunic_relay *r, enum tunic_event event)
{
    (void)arg, (void)event;
    tunic_relay_free(r);
}

/* A wait for what a callback frees comes to an end, and touches it no more. */
START_TEST(test_stream_is_freed_while_waited_for)
{
    char in[8];
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    setup(NULL);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    victim = tunic_stream_begin_dir(c, 5000, &e);
    ck_assert_ptr_nonnull(victim);
    o.kind = TUNIC_BEGIN_DIR;
    o.callback = free_victim;
    struct tunic_stream *other = tunic_stream_start(c, &o, &e);
    ck_assert_int_eq(tunic_stream_read(victim, in, sizeof in, 5000, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_NONE, 0, -1);
    tunic_stream_free(other);
    victim = tunic_stream_start(c, &o, &e);
    ck_assert_int_eq(tunic_stream_wait(victim, 5000, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_NONE, 0, -1);

    struct tunic_relay_options at = lab_options(&lab, LAB_EXIT);
    at.callback = free_relay;
    ck_assert_ptr_null(tunic_relay_connect(t, &at, 5000, &e));
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_NONE, 0, -1);
    teardown();
}
END_TEST

static ssize_t written, taken;

static void write_and_wait(void *arg, struct tunic_stream *s, enum tunic_event event)
{
    static const char much[300 * 1000];
    (void)arg;
    if (event != TUNIC_EVENT_OPEN)
        return;
    written = tunic_stream_write(s, much, 10, 100, &e);
    taken = tunic_stream_write(s, much, sizeof much, 0, &e);
}

/* It would not say how much of it was taken. */
START_TEST(test_stream_writes_nothing_where_it_may_not_wait)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    setup(NULL);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    o.kind = TUNIC_BEGIN_DIR;
    o.callback = write_and_wait;
    struct tunic_stream *s = tunic_stream_start(c, &o, &e);
    ck_assert_int_eq(tunic_stream_wait(s, 5000, &e), 0);
    ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    ck_assert_int_eq(written, -1);
    ck_assert_int_gt(taken, 0);
    ck_assert_int_eq(tunic_stream_write(s, NULL, 1, 0, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    ck_assert_int_eq(tunic_stream_read(s, NULL, 1, 0, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    tunic_stream_free(s);
    teardown();
}
END_TEST

TESTS("lib/stream", test_stream_fetches_a_consensus_over_one_hop,
      test_stream_carries_data_through_three_hops, test_stream_optimistic_counts_as_open_at_once,
      test_stream_end_reasons, test_stream_faults_end_the_circuit,
      test_stream_waits_no_longer_than_told, test_stream_wrong_use, test_stream_look_ups,
      test_stream_messages_are_seen, test_stream_to_an_internal_address_is_told_as_such,
      test_stream_is_freed_in_any_order, test_stream_comes_and_goes,
      test_stream_in_the_callers_loop, test_stream_behind_a_pollable_descriptor,
      test_stream_is_freed_while_waited_for, test_stream_writes_nothing_where_it_may_not_wait)
