#include "circuit/vegas.h"

#include <stdlib.h>

#include "support/test.h"
#include "support/vec.h"

enum { INC = 31, COLUMNS_MOST = 10 };

static struct flow_config config;

static struct vegas *make(enum cc_way way)
{
    config = (struct flow_config){.cc = cc_params_defaults()};
    struct flow *f = vegas_kind.make(&config, INC, way);
    ck_assert_ptr_nonnull(f);
    return (struct vegas *)f;
}

static err_t sendme(struct vegas *v, uint64_t sent_us, uint64_t now_us, bool blocked)
{
    struct env env = {.mono_us = now_us};
    return vegas_kind.sendme(&v->flow, &env,
                             &(struct flow_sendme){.sent_us = sent_us, .blocked = blocked});
}

static void row_of(struct vec *v, const char *key, size_t n, uint64_t out[COLUMNS_MOST])
{
    const char *at = vec_text(v, key);
    for (size_t i = 0; i < n; i++) {
        char *end;
        out[i] = strtoull(at, &end, 10);
        ck_assert(end != at);
        at = end;
    }
    ck_assert_int_eq(*at, 0);
}

/* ---- published vectors ---- */

/* A time that counts makes the least time known. */
static void run_clock_row(struct vegas *v, const uint64_t row[])
{
    v->ewma_rtt_us = row[0];
    v->min_rtt_us = 0;
    v->in_slow_start = row[2];
    v->inflight = INC;
    ck_ok(sendme(v, 1, 1 + row[1], false));
    ck_assert_int_eq(v->clock_stalled, (int)row[3]);
    ck_assert_int_eq(v->min_rtt_us == 0, (int)row[4]);
}

static void run_rtt_row(struct vegas *v, const uint64_t row[])
{
    v->cwnd = row[2];
    v->in_slow_start = row[3];
    v->inflight = INC;
    ck_ok(sendme(v, row[0], row[1], false));
    ck_assert_uint_eq(row[1] - row[0], row[4]);
    ck_assert_uint_eq(v->ewma_rtt_us, row[5]);
    ck_assert_uint_eq(v->min_rtt_us, row[6]);
}

static void run_cwnd_row(struct vegas *v, const uint64_t row[])
{
    v->inflight = row[3];
    ck_ok(sendme(v, row[0], row[1], row[2]));
    ck_assert_uint_eq(v->inflight, row[3] - INC);
    ck_assert_uint_eq(v->ewma_rtt_us, row[4]);
    ck_assert_uint_eq(v->min_rtt_us, row[5]);
    ck_assert_uint_eq(v->cwnd, row[6]);
    ck_assert_int_eq(v->in_slow_start, (int)row[7]);
    ck_assert_int_eq(v->cwnd_full, (int)row[8]);
    ck_assert_int_eq(v->blocked_chan, (int)row[9]);
    ck_assert_uint_eq(v->flow.room, row[6] > v->inflight ? row[6] - v->inflight : 0);
}

static unsigned run_vectors(const char *key, size_t columns,
                            void (*run)(struct vegas *v, const uint64_t row[]))
{
    struct vec *file = vec_open("vectors/circuit/vegas.txt");
    struct vegas *v = make(CC_WAY_EXIT);
    unsigned n = 0;
    for (long at = 1; vec_next(file);) {
        uint64_t row[COLUMNS_MOST];
        if (!vec_has(file, key))
            continue;
        if (vec_has(file, "run") && vec_int(file, "run") != at) {
            flow_free(&v->flow);
            v = make(CC_WAY_EXIT);
            at = vec_int(file, "run");
        }
        row_of(file, key, columns, row);
        run(v, row);
        n++;
    }
    flow_free(&v->flow);
    vec_close(file);
    return n;
}

START_TEST(test_vegas_vectors_of_clocks)
{
    ck_assert_uint_eq(run_vectors("clock", 5, run_clock_row), 17);
}
END_TEST

START_TEST(test_vegas_vectors_of_times)
{
    ck_assert_uint_eq(run_vectors("rtt", 7, run_rtt_row), 9);
}
END_TEST

START_TEST(test_vegas_vectors_of_windows)
{
    ck_assert_uint_eq(run_vectors("cwnd", 10, run_cwnd_row), 31 + 7 + 7 + 15);
}
END_TEST

/* ---- how much may be sent ---- */

static unsigned send_all(struct vegas *v, unsigned *answered)
{
    unsigned n = 0;
    *answered = 0;
    while (flow_may_send(&v->flow)) {
        bool one;
        ck_ok(vegas_kind.sent(&v->flow, &one));
        n++;
        ck_assert_int_eq(one, v->inflight % INC == 0);
        *answered += one;
    }
    return n;
}

START_TEST(test_vegas_lets_out_its_window_and_no_more)
{
    struct vegas *v = make(CC_WAY_EXIT);
    unsigned answered;
    bool one;
    ck_assert_uint_eq(send_all(v, &answered), 124);
    ck_assert_uint_eq(answered, 4);
    ck_err(vegas_kind.sent(&v->flow, &one), ERR_FULL);
    ck_ok(sendme(v, 1, 100001, false));
    ck_assert_uint_eq(v->cwnd, 155);
    ck_assert_uint_eq(send_all(v, &answered), 31 + 31);
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_a_window_that_shrank_lets_nothing_out)
{
    struct vegas *v = make(CC_WAY_EXIT);
    bool one;
    v->inflight = 400;
    v->cwnd = 300;
    v->in_slow_start = false;
    ck_ok(sendme(v, 1, 100001, false));
    ck_assert_uint_eq(v->inflight, 369);
    ck_assert_uint_eq(v->flow.room, 0);
    ck_err(vegas_kind.sent(&v->flow, &one), ERR_FULL);
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_sendme_for_nothing_is_refused_and_changes_nothing)
{
    struct vegas *v = make(CC_WAY_EXIT);
    for (unsigned n = 0; n < INC; n++) {
        bool one;
        struct vegas before = *v;
        ck_err(sendme(v, 1, 100001, false), ERR_CIRC_SENDME);
        ck_assert_mem_eq(v, &before, sizeof *v);
        ck_ok(vegas_kind.sent(&v->flow, &one));
    }
    ck_ok(sendme(v, 1, 100001, false));
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_owes_a_sendme_for_each_group)
{
    struct vegas *v = make(CC_WAY_EXIT);
    for (unsigned n = 1; n <= 5000; n++) { /* far more than any window of ours */
        bool due;
        ck_ok(vegas_kind.received(&v->flow, &due));
        ck_assert_int_eq(due, n % INC == 0);
    }
    flow_free(&v->flow);
}
END_TEST

/* ---- slow start and what ends it ---- */

START_TEST(test_vegas_thresholds_go_by_the_way)
{
    static const unsigned gamma[] = {124, 186, 248};
    for (unsigned way = 0; way < CC_WAYS; way++) {
        struct vegas *v = make((enum cc_way)way);
        v->cwnd = 1000;
        v->inflight = 1000;
        v->ewma_rtt_us = v->min_rtt_us = 100000;
        ck_ok(sendme(v, 0, 1000000, false));
        ck_assert(!v->in_slow_start);
        ck_assert_uint_eq(v->cwnd, v->bdp + gamma[way]);
        flow_free(&v->flow);
    }
}
END_TEST

START_TEST(test_vegas_slow_start_ends_at_its_most)
{
    struct vegas *v = make(CC_WAY_EXIT);
    v->cwnd = 4999;
    v->inflight = 4999;
    ck_ok(sendme(v, 1, 100001, false));
    ck_assert(!v->in_slow_start);
    ck_assert_uint_eq(v->cwnd, 5000);
    flow_free(&v->flow);
}
END_TEST

/* Where a steady step would be the larger one. */
START_TEST(test_vegas_slow_start_ends_where_it_is_slower)
{
    struct vegas *v = make(CC_WAY_EXIT);
    config.cc.cwnd_inc = 100;
    v->cwnd = 700;
    v->inflight = 700;
    ck_ok(sendme(v, 1, 100001, false));
    ck_assert(!v->in_slow_start);
    ck_assert_uint_eq(v->cwnd, 700 + 13);
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_idle_window_does_not_grow)
{
    struct vegas *v = make(CC_WAY_EXIT);
    v->cwnd = 400;
    for (unsigned n = 0; n < 50; n++) {
        v->inflight = INC; /* as a stream that trickles */
        ck_ok(sendme(v, 1, 100001, false));
        ck_assert_uint_eq(v->cwnd, 400);
    }
    flow_free(&v->flow);
}
END_TEST

/* ---- bounds ---- */

START_TEST(test_vegas_window_keeps_between_its_bounds)
{
    struct vegas *v = make(CC_WAY_EXIT);
    config.cc.cwnd_inc = 1000;
    config.cc.cwnd_max = 500;
    v->in_slow_start = false;
    v->ewma_rtt_us = v->min_rtt_us = 1000;
    for (unsigned n = 0; n < 20; n++) { /* long times: it shrinks */
        v->inflight = 124;
        ck_ok(sendme(v, 0, 4000000, false));
        ck_assert_uint_ge(v->cwnd, 124);
        ck_assert_uint_le(v->cwnd, 500);
    }
    for (unsigned n = 0; n < 200; n++) { /* ever shorter ones: it grows */
        v->inflight = v->cwnd;
        ck_ok(sendme(v, 0, 1000000 - 4000 * n, false));
        ck_assert_uint_ge(v->cwnd, 124);
        ck_assert_uint_le(v->cwnd, 500);
    }
    ck_assert_uint_eq(v->cwnd, 500);
    flow_free(&v->flow);
}
END_TEST

/* Thresholds of zero are allowed; a window under one SENDME's DATA would never open again. */
START_TEST(test_vegas_window_is_never_less_than_a_sendme_stands_for)
{
    struct vegas *v = make(CC_WAY_EXIT);
    config.cc.way[CC_WAY_EXIT] = (struct cc_thresholds){.ss_cap = 100};
    v->inflight = 124;
    v->ewma_rtt_us = v->min_rtt_us = 1;
    ck_ok(sendme(v, 0, 5000000, false));
    ck_assert(!v->in_slow_start);
    ck_assert_uint_eq(v->cwnd, 124);
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_least_window_forgets_a_time_that_was_too_short)
{
    struct vegas *v = make(CC_WAY_EXIT);
    v->in_slow_start = false;
    v->ewma_rtt_us = 100000;
    v->min_rtt_us = 1000;
    v->inflight = 124;
    ck_ok(sendme(v, 0, 100000, false));
    ck_assert_uint_eq(v->min_rtt_us, 100000);
    config.cc.rtt_reset_pct = 30;
    v->cwnd = 124;
    v->min_rtt_us = 1000;
    v->inflight = 124;
    ck_ok(sendme(v, 0, 100000, false));
    ck_assert_uint_eq(v->min_rtt_us, 30000 + 700);
    flow_free(&v->flow);
}
END_TEST

/* ---- clocks and our own link ---- */

START_TEST(test_vegas_no_time_at_all_holds_the_window)
{
    struct vegas *v = make(CC_WAY_EXIT);
    for (unsigned n = 0; n < 10; n++) {
        v->inflight = 124;
        ck_ok(sendme(v, 7, 7, false));
        ck_assert_uint_eq(v->cwnd, 124);
        ck_assert(v->in_slow_start);
    }
    v->inflight = 124;
    ck_ok(sendme(v, 9, 7, false)); /* and one that ran backwards */
    ck_assert_uint_eq(v->ewma_rtt_us, 0);
    v->inflight = 124;
    ck_ok(sendme(v, 7, 7, true)); /* then the link is all there is to go by */
    ck_assert(!v->in_slow_start && v->blocked_chan);
    ck_assert_uint_eq(v->cwnd, 124 + 186);
    flow_free(&v->flow);
}
END_TEST

START_TEST(test_vegas_blocked_link_counts_at_once_and_once_a_window)
{
    struct vegas *v = make(CC_WAY_EXIT);
    v->in_slow_start = false;
    v->ewma_rtt_us = v->min_rtt_us = 100000;
    v->cwnd = 2000;
    v->next_cc_event = 2;
    v->inflight = 2000;
    ck_ok(sendme(v, 0, 100000, true));
    ck_assert_uint_eq(v->cwnd, 1999);
    ck_assert_uint_eq(v->next_cc_event, 2);
    ck_ok(sendme(v, 0, 100000, true));
    ck_assert_uint_eq(v->cwnd, 1999);
    ck_ok(sendme(v, 0, 100000, false)); /* it is not any more: the window may grow at once */
    ck_assert_uint_eq(v->cwnd, 2000);
    flow_free(&v->flow);
}
END_TEST

TESTS("circuit/vegas", test_vegas_vectors_of_clocks, test_vegas_vectors_of_times,
      test_vegas_vectors_of_windows, test_vegas_lets_out_its_window_and_no_more,
      test_vegas_a_window_that_shrank_lets_nothing_out,
      test_vegas_sendme_for_nothing_is_refused_and_changes_nothing,
      test_vegas_owes_a_sendme_for_each_group, test_vegas_thresholds_go_by_the_way,
      test_vegas_slow_start_ends_at_its_most, test_vegas_slow_start_ends_where_it_is_slower,
      test_vegas_idle_window_does_not_grow, test_vegas_window_keeps_between_its_bounds,
      test_vegas_window_is_never_less_than_a_sendme_stands_for,
      test_vegas_least_window_forgets_a_time_that_was_too_short,
      test_vegas_no_time_at_all_holds_the_window,
      test_vegas_blocked_link_counts_at_once_and_once_a_window)
