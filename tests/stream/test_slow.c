/* Streams under congestion control, whose readers or whose far sides' readers are slow: XOFF and
 * XON on a carrier that is of no circuit. */
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "stream/stream.h"
#include "support/test.h"

enum { CELL = 488, SENT_MOST = 20000, APPS = 4 };

/* ---- the carrier ---- */

struct sent {
    uint8_t cmd;
    uint16_t id;
    size_t len;
};

struct app {
    struct world *w;
    struct stream *s;
    size_t to_send, written, got, waiting;
    unsigned connected, ended,
        flows[4]; /* [0] XOFF sent, [1] received, [2] XON sent, [3] received */
    bool reads, close_in_flow;
    err_t why;
};

struct world {
    struct carrier carrier; /* first */
    struct env *env;
    struct streams *set;
    struct sent sent[SENT_MOST];
    size_t n;
    uint64_t rtt_us;
    bool left;
    struct app app[APPS];
};

static err_t send(struct carrier *c, uint8_t cmd, uint16_t id, const uint8_t *data, size_t len)
{
    struct world *w = (struct world *)c;
    (void)data;
    ck_assert_uint_lt(w->n, SENT_MOST);
    w->sent[w->n++] = (struct sent){cmd, id, len};
    return OK;
}

static err_t send_data(struct carrier *c, uint16_t id, const uint8_t *data, size_t *len)
{
    *len = *len < CELL ? *len : CELL;
    return send(c, RELAY_DATA, id, data, *len);
}

static bool yes(const struct carrier *c)
{
    return !((const struct world *)c)->left;
}

static bool no(const struct carrier *c)
{
    (void)c;
    return false;
}

static uint64_t max_rtt_us(const struct carrier *c)
{
    return ((const struct world *)c)->rtt_us;
}

static void nothing(struct carrier *c)
{
    (void)c;
}

static void leave(struct carrier *c)
{
    ((struct world *)c)->left = true;
}

static const struct carrier_kind kind = {
    .send = send,
    .send_data = send_data,
    .may_begin = yes,
    .is_open = yes,
    .own_sendmes = no,
    .max_rtt_us = max_rtt_us,
    .serve = nothing,
    .leave = leave,
    .free = nothing,
};

/* ---- the applications ---- */

static void app_write(struct app *a)
{
    static const uint8_t bytes[64 * CELL];
    size_t n = 1;
    while (a->written < a->to_send && n) {
        size_t want = a->to_send - a->written;
        n = stream_write(a->s, bytes, want < sizeof bytes ? want : sizeof bytes);
        a->written += n;
    }
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    (void)addr, (void)ttl_s;
    ((struct app *)arg)->connected++;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct app *a = arg;
    (void)bytes;
    a->got += len;
    if (a->reads)
        stream_consumed(a->s, len);
    else
        a->waiting += len;
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct app *a = arg;
    a->ended++;
    a->why = end->why;
}

static void on_flow(void *arg, bool ours, uint8_t cmd)
{
    struct app *a = arg;
    ck_assert(cmd == RELAY_XOFF || cmd == RELAY_XON);
    a->flows[(cmd == RELAY_XON ? 2 : 0) + !ours]++;
    if (a->close_in_flow)
        stream_close(a->s, END_DONE);
}

static void on_writable(void *arg)
{
    app_write(arg);
}

static const struct stream_ops app_ops = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_flow = on_flow,
};

static struct world *world_new(void)
{
    static const struct xonxoff_params params = {.xoff_bytes = 10 * CELL,
                                                 .peer_xoff_bytes = 20 * CELL,
                                                 .xon_rate_bytes = 5 * 498,
                                                 .xon_change_pct = 25,
                                                 .xon_ewma_cnt = 2,
                                                 .half_ms = 2000};
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->carrier.kind = &kind;
    w->set = streams_new(w->env, &w->carrier);
    ck_assert_ptr_nonnull(w->set);
    streams_set_params(w->set, &params);
    return w;
}

static void world_free(struct world *w)
{
    streams_free(w->set);
    env_run_timers(w->env);
    test_env_free(w->env);
    free(w);
}

static err_t says(struct world *w, uint16_t id, uint8_t cmd, const char *data, size_t len)
{
    const struct relay_msg msg = {
        .cmd = cmd, .stream_id = id, .data = (const uint8_t *)data, .len = len};
    return w->carrier.user->on_msg(w->carrier.user_arg, &msg);
}

static err_t exit_says(struct app *a, uint8_t cmd, const char *data, size_t len)
{
    return says(a->w, stream_id(a->s), cmd, data, len);
}

static struct app *begin(struct world *w, unsigned i, enum stream_kind what)
{
    struct app *a = &w->app[i];
    const struct stream_request req = {
        .kind = what, .target = what == STREAM_RESOLVE ? "example.com" : "example.com:80"};
    *a = (struct app){.w = w, .reads = true};
    ck_ok(stream_open(w->set, &req, &app_ops, a, &a->s));
    return a;
}

static struct app *connected(struct world *w, unsigned i)
{
    struct app *a = begin(w, i, STREAM_BEGIN);
    ck_ok(exit_says(a, RELAY_CONNECTED, "", 0));
    return a;
}

static void data_comes(struct app *a, size_t cells)
{
    static const char bytes[CELL];
    for (size_t i = 0; i < cells; i++)
        ck_ok(exit_says(a, RELAY_DATA, bytes, sizeof bytes));
}

static size_t count(const struct world *w, uint8_t cmd)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->sent[i].cmd == cmd;
    return n;
}

static void reads(struct app *a, size_t len)
{
    a->waiting -= len;
    stream_consumed(a->s, len);
}

/* ---- our reader is slow ---- */

START_TEST(test_slow_reader_stops_the_exit_and_lets_it_go_on)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0), *other = connected(w, 1);
    a->reads = false;
    data_comes(a, 12);
    test_env_advance_ms(w->env, 6);
    data_comes(other, 12);
    ck_assert_uint_eq(count(w, RELAY_XOFF), 0);
    data_comes(a, 1);
    ck_assert_uint_eq(count(w, RELAY_XOFF), 1);
    ck_assert_uint_eq(w->sent[w->n - 1].id, stream_id(a->s));
    ck_assert_uint_eq(a->flows[0], 1);
    reads(a, 12 * CELL);
    ck_assert_uint_eq(count(w, RELAY_XON), 0);
    test_env_advance_ms(w->env, 100);
    reads(a, CELL);
    ck_assert_uint_eq(count(w, RELAY_XON), 1);
    ck_assert_uint_eq(a->flows[2], 1);
    ck_assert_uint_eq(count(w, RELAY_SENDME), 0);
    ck_assert_uint_eq(other->flows[0] + other->flows[2], 0);
    world_free(w);
}
END_TEST

START_TEST(test_slow_reader_of_an_exit_that_does_not_stop_closes_the_circuit)
{
    static const char bytes[CELL];
    struct world *w = world_new();
    struct app *a = connected(w, 0);
    a->reads = false;
    err_t e = OK;
    for (unsigned i = 0; e == OK; i++) {
        ck_assert_uint_lt(i, STREAM_HELD_MOST / CELL);
        test_env_advance_ms(w->env, 1);
        e = exit_says(a, RELAY_DATA, bytes, sizeof bytes);
    }
    ck_err(e, ERR_CIRC_WINDOW);
    ck_assert_uint_eq(count(w, RELAY_XOFF), 1);
    ck_assert_uint_le(a->waiting, STREAM_HELD_MOST);
    world_free(w);
}
END_TEST

START_TEST(test_slow_stream_may_be_closed_where_it_is_told_of_xoff)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0), *b = connected(w, 1);
    a->reads = false;
    a->close_in_flow = true;
    data_comes(a, 12);
    test_env_advance_ms(w->env, 6);
    data_comes(a, 1);
    ck_assert_uint_eq(count(w, RELAY_END), 1);
    b->close_in_flow = true;
    b->to_send = 100 * CELL;
    app_write(b);
    ck_ok(exit_says(b, RELAY_XOFF, "", 1));
    ck_assert_uint_eq(count(w, RELAY_END), 2);
    ck_assert_uint_eq(a->ended + b->ended, 0);
    world_free(w);
}
END_TEST

/* ---- theirs is ---- */

START_TEST(test_slow_exit_stops_that_stream_alone)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0), *other = connected(w, 1);
    a->to_send = 1000 * CELL;
    app_write(a);
    ck_assert_uint_eq(a->written, 1000 * CELL);
    ck_ok(exit_says(a, RELAY_XOFF, "", 1));
    ck_assert_uint_eq(a->flows[1], 1);
    a->to_send = 3000 * CELL;
    app_write(a);
    test_env_advance_ms(w->env, 10000);
    ck_assert_uint_eq(a->written, 1000 * CELL);
    other->to_send = 50 * CELL;
    app_write(other);
    ck_assert_uint_eq(other->written, 50 * CELL);
    ck_ok(exit_says(a, RELAY_XON, "\0\0\0\0", 5));
    ck_assert_uint_eq(a->flows[3], 1);
    ck_assert_uint_eq(a->written, 3000 * CELL);
    world_free(w);
}
END_TEST

START_TEST(test_slow_exit_names_a_rate_that_is_kept)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0), *other = connected(w, 1);
    a->to_send = 100 * CELL;
    app_write(a);
    ck_ok(exit_says(a, RELAY_XOFF, "", 1));
    ck_ok(exit_says(a, RELAY_XON, "\0\0\0\0\144", 5)); /* 100,000 bytes a second */
    a->to_send = 1500 * CELL;
    app_write(a);
    ck_assert_uint_le(a->written, 100 * CELL + 100000 + CELL);
    size_t before = a->written;
    test_env_advance_ms(w->env, 5000); /* nobody calls but the set's own timer */
    ck_assert_uint_ge(a->written - before, 495000);
    ck_assert_uint_le(a->written - before, 501000);
    other->to_send = 100 * CELL;
    app_write(other);
    ck_assert_uint_eq(other->written, 100 * CELL);
    ck_ok(exit_says(a, RELAY_XOFF, "", 1)); /* stopped while it waits for the rate */
    before = a->written;
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_eq(a->written, before);
    uint64_t armings = w->env->timers.armings;
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_eq(w->env->timers.armings, armings); /* and nothing runs for it */
    ck_ok(exit_says(a, RELAY_XON, "\0\0\0\0", 5));
    ck_assert_uint_eq(a->written, 1500 * CELL);
    world_free(w);
}
END_TEST

START_TEST(test_slow_stream_that_waits_for_its_rate_may_end)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0), *b = connected(w, 1);
    for (struct app *app = a; app <= b; app++) {
        app->to_send = 100 * CELL;
        app_write(app);
        ck_ok(exit_says(app, RELAY_XON, "\0\0\0\0\1", 5));
        app->to_send = 1000 * CELL;
        app_write(app);
    }
    stream_close(a->s, END_DONE);
    ck_ok(exit_says(b, RELAY_END, "\6", 1));
    test_env_advance_ms(w->env, 1000);
    ck_assert_uint_eq(b->ended, 1);
    world_free(w);
}
END_TEST

/* ---- bad exits: peers.md's TROVE-2026-018 and proposal 324 4.1.4 ---- */

START_TEST(test_slow_exit_without_a_reason_closes_the_circuit)
{
    struct world *w = world_new();
    struct app *quiet = connected(w, 0), *early = connected(w, 1), *asks;
    ck_err(exit_says(quiet, RELAY_XOFF, "", 1), ERR_CIRC_XONXOFF);
    ck_err(exit_says(quiet, RELAY_XON, "\0\0\0\0", 5), ERR_CIRC_XONXOFF);
    early->to_send = 20 * CELL - 1;
    app_write(early);
    ck_err(exit_says(early, RELAY_XOFF, "", 1), ERR_CIRC_XONXOFF);
    ck_err(exit_says(early, RELAY_SENDME, "", 0), ERR_CIRC_SENDME);
    asks = begin(w, 2, STREAM_RESOLVE);
    ck_err(exit_says(asks, RELAY_XOFF, "", 1), ERR_CIRC_PROTO);
    ck_err(exit_says(asks, RELAY_XON, "\0\0\0\0", 5), ERR_CIRC_PROTO);
    ck_err(says(w, (uint16_t)(stream_id(asks->s) + 1), RELAY_XOFF, "", 1), ERR_CIRC_PROTO);
    ck_err(says(w, (uint16_t)(stream_id(asks->s) + 1), RELAY_XON, "\0\0\0\0", 5), ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

/* Optimistic data may fill an exit's queue before it is connected. */
START_TEST(test_slow_exit_may_say_so_before_connected)
{
    struct world *w = world_new();
    struct app *a = begin(w, 0, STREAM_BEGIN);
    ck_err(exit_says(a, RELAY_XOFF, "", 1), ERR_CIRC_XONXOFF);
    a = begin(w, 1, STREAM_BEGIN);
    a->to_send = 20 * CELL;
    app_write(a);
    ck_ok(exit_says(a, RELAY_XOFF, "", 1));
    a->to_send = 40 * CELL;
    app_write(a);
    ck_assert_uint_eq(a->written, 20 * CELL);
    ck_ok(exit_says(a, RELAY_CONNECTED, "", 0));
    ck_ok(exit_says(a, RELAY_XON, "\0\0\0\0", 5));
    ck_assert_uint_eq(a->written, 40 * CELL);
    world_free(w);
}
END_TEST

/* As C tor: what was under way may take as long as the slowest answer did. */
START_TEST(test_slow_ended_stream_hears_for_a_round_trip)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0);
    uint16_t id = stream_id(a->s);
    w->rtt_us = 7 * US_PER_SEC;
    stream_close(a->s, END_DONE);
    test_env_advance_ms(w->env, 6990);
    ck_ok(says(w, id, RELAY_DATA, "abc", 3));
    test_env_advance_ms(w->env, 50);
    ck_err(says(w, id, RELAY_DATA, "abc", 3), ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_slow_ended_stream_hears_for_a_while)
{
    struct world *w = world_new();
    struct app *a = connected(w, 0);
    uint16_t id = stream_id(a->s);
    stream_close(a->s, END_DONE);
    for (unsigned i = 0; i < 1000; i++) {
        ck_ok(says(w, id, RELAY_DATA, "abc", 3));
        ck_ok(says(w, id, RELAY_XOFF, "", 1));
        ck_ok(says(w, id, RELAY_XON, "\0\0\0\0", 5));
    }
    test_env_advance_ms(w->env, 1990);
    ck_ok(says(w, id, RELAY_DATA, "abc", 3));
    ck_err(says(w, id, RELAY_SENDME, "", 0), ERR_CIRC_PROTO);
    test_env_advance_ms(w->env, 50);
    ck_err(says(w, id, RELAY_DATA, "abc", 3), ERR_CIRC_PROTO);
    ck_err(says(w, id, RELAY_XOFF, "", 1), ERR_CIRC_PROTO);
    ck_err(says(w, id, RELAY_XON, "\0\0\0\0", 5), ERR_CIRC_PROTO);
    ck_ok(says(w, id, RELAY_END, "\6", 1));
    world_free(w);
}
END_TEST

TESTS("stream/slow", test_slow_reader_stops_the_exit_and_lets_it_go_on,
      test_slow_reader_of_an_exit_that_does_not_stop_closes_the_circuit,
      test_slow_stream_may_be_closed_where_it_is_told_of_xoff,
      test_slow_exit_stops_that_stream_alone, test_slow_exit_names_a_rate_that_is_kept,
      test_slow_stream_that_waits_for_its_rate_may_end,
      test_slow_exit_without_a_reason_closes_the_circuit,
      test_slow_exit_may_say_so_before_connected, test_slow_ended_stream_hears_for_a_while,
      test_slow_ended_stream_hears_for_a_round_trip)
