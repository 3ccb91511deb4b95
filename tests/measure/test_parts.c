#include "measure/parts.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct {
    struct parts *p;
    unsigned connected, reports, ends;
    struct connected_to_relay circs;
    struct bw_report report;
    struct meas_failure failure;
    bool done;
} t;

static void on_connected(void *arg, const struct connected_to_relay *c)
{
    ck_assert_ptr_eq(arg, &t);
    t.connected++;
    t.circs = *c;
}

static void on_report(void *arg, const struct bw_report *r)
{
    ck_assert_ptr_eq(arg, &t);
    ck_assert_uint_eq(r->sec, ++t.reports);
    t.report = *r;
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    ck_assert_ptr_eq(arg, &t);
    t.ends++;
    t.done = !failure;
    if (failure)
        t.failure = *failure;
}

static const struct measurement_ops ops = {on_connected, on_report, on_end};

static struct connect_to_relay told_of(unsigned n_circs, uint64_t bw)
{
    return (struct connect_to_relay){
        .meas_id = 7, .n_circs = n_circs, .alloc_bw = bw, .dur = 4, .check = 1};
}

static void begin(unsigned n_circs, unsigned n)
{
    const struct connect_to_relay told = told_of(n_circs, 1000);
    memset(&t, 0, sizeof t);
    ck_ok(parts_new(&told, n, &ops, &t, &t.p));
}

static void connect(unsigned i, unsigned ready, unsigned bad, unsigned rtt_ms)
{
    const struct connected_to_relay c = {.meas_id = 7,
                                         .circs = ready + bad,
                                         .ready_circs = ready,
                                         .bad_circs = bad,
                                         .rtt_ms = rtt_ms};
    parts_connected(t.p, i, &c, bad ? "it hung up" : "");
}

static void report(unsigned i, unsigned sec, unsigned k)
{
    const struct bw_report r = {.meas_id = 7,
                                .sec = sec,
                                .sent = 10 * k,
                                .recv = 9 * k,
                                .wire_in = 11 * k,
                                .wire_out = 12 * k,
                                .checked = k,
                                .bad = k / 100,
                                .blocked = k,
                                .cpu = k / 2,
                                .lag_ms = k / 10};
    parts_report(t.p, i, &r);
}

START_TEST(test_parts_each_circuit_and_byte_is_of_one_part)
{
    static const unsigned circs[] = {1, 2, 3, 7, 160, 1024};
    for (size_t c = 0; c < sizeof circs / sizeof *circs; c++)
        for (unsigned n = 1; n <= PARTS_MOST && n <= circs[c]; n++) {
            const struct connect_to_relay told = told_of(circs[c], 1000003);
            unsigned at = 0;
            uint64_t bw = 0;
            for (unsigned i = 0; i < n; i++) {
                const struct connect_to_relay one = parts_told(&told, i, n);
                ck_assert_uint_eq(parts_first(&told, i, n), at);
                ck_assert_uint_ge(one.n_circs, circs[c] / n);
                ck_assert_uint_le(one.n_circs, circs[c] / n + 1);
                ck_assert_uint_eq(one.meas_id, 7);
                ck_assert_uint_eq(one.dur, 4);
                at += one.n_circs;
                bw += one.alloc_bw;
            }
            ck_assert_uint_eq(at, circs[c]);
            ck_assert_uint_eq(bw, 1000003);
        }
    /* Nobody is told to give nothing. */
    const struct connect_to_relay little = told_of(8, 3);
    ck_assert_uint_eq(parts_told(&little, 0, 2).alloc_bw, 1);
    ck_assert_uint_eq(parts_share(&little, 1, 2, 800), 400);
}
END_TEST

START_TEST(test_parts_too_many_or_none)
{
    struct connect_to_relay told = told_of(40, 1000);
    ck_err(parts_new(&told, 0, &ops, &t, &t.p), ERR_ARG);
    ck_err(parts_new(&told, PARTS_MOST + 1, &ops, &t, &t.p), ERR_ARG);
    told.n_circs = 3;
    ck_err(parts_new(&told, 4, &ops, &t, &t.p), ERR_ARG);
    told.dur = 0;
    ck_err(parts_new(&told, 3, &ops, &t, &t.p), ERR_ARG);
    parts_free(NULL);
}
END_TEST

START_TEST(test_parts_speak_as_one)
{
    begin(10, 2);
    connect(0, 5, 0, 30);
    ck_assert_uint_eq(t.connected, 0);
    connect(1, 4, 1, 0);
    ck_assert_uint_eq(t.connected, 1);
    ck_assert_uint_eq(t.circs.meas_id, 7);
    ck_assert_uint_eq(t.circs.circs, 10);
    ck_assert_uint_eq(t.circs.ready_circs, 9);
    ck_assert_uint_eq(t.circs.bad_circs, 1);
    ck_assert_uint_eq(t.circs.rtt_ms, 0); /* of the quicker one, which took none */
    report(0, 1, 100);
    report(0, 2, 40); /* it is ahead */
    ck_assert_uint_eq(t.reports, 0);
    report(1, 1, 200);
    ck_assert_uint_eq(t.reports, 1);
    ck_assert_uint_eq(t.report.meas_id, 7);
    ck_assert_uint_eq(t.report.sent, 3000);
    ck_assert_uint_eq(t.report.recv, 2700);
    ck_assert_uint_eq(t.report.wire_in, 3300);
    ck_assert_uint_eq(t.report.wire_out, 3600);
    ck_assert_uint_eq(t.report.checked, 300);
    ck_assert_uint_eq(t.report.bad, 3);
    ck_assert_uint_eq(t.report.blocked, 150);
    ck_assert_uint_eq(t.report.cpu, 100); /* of the busiest */
    ck_assert_uint_eq(t.report.lag_ms, 20);
    report(1, 2, 60);
    ck_assert_uint_eq(t.report.checked, 100); /* the second's own */
    for (unsigned s = 3; s <= 4; s++) {
        report(0, s, 10);
        report(1, s, 10);
    }
    ck_assert_uint_eq(t.reports, 4);
    parts_ended(t.p, 1, NULL);
    ck_assert_uint_eq(t.ends, 0);
    parts_ended(t.p, 0, NULL);
    ck_assert(t.ends == 1 && t.done);
    parts_free(t.p);
}
END_TEST

/* By what each has, not by their number: 3 circuits held back, 1 not. */
START_TEST(test_parts_being_held_back_weighs_circuits)
{
    begin(3, 2);
    connect(0, 2, 0, 1);
    connect(1, 1, 0, 1);
    report(0, 1, 99);
    report(1, 1, 0);
    ck_assert_uint_eq(t.report.blocked, 66);
    parts_free(t.p);
}
END_TEST

START_TEST(test_parts_half_of_all_circuits_suffice)
{
    begin(4, 4); /* two threads without any, and two with theirs */
    connect(0, 0, 1, 0);
    connect(1, 1, 0, 9);
    connect(2, 0, 1, 0);
    connect(3, 1, 0, 8);
    ck_assert(t.connected == 1 && !t.ends);
    ck_assert_uint_eq(t.circs.rtt_ms, 8);
    connect(3, 1, 1, 8); /* one more goes */
    ck_assert(t.ends == 1 && !t.done);
    ck_assert_int_eq(t.failure.code, MEAS_RELAY_LOST);
    ck_assert_uint_eq(t.failure.meas_id, 7);
    ck_assert_str_eq(t.failure.info, "3 of 4 circuits have ended: it hung up");
    parts_free(t.p);
    begin(8, 2); /* a half, and it is all of one thread's */
    connect(0, 4, 0, 5);
    connect(1, 0, 4, 0);
    ck_assert(t.connected == 1 && !t.ends);
    parts_free(t.p);
    begin(4, 2);
    connect(0, 1, 1, 5);
    connect(1, 0, 2, 0);
    ck_assert(t.ends == 1 && !t.connected);
    ck_assert_int_eq(t.failure.code, MEAS_LAUNCH_CIRCS);
    ck_assert_str_eq(t.failure.info, "3 of 4 circuits failed: it hung up");
    parts_free(t.p);
    begin(5, 2); /* some neither stand nor have failed: they are late */
    connect(0, 2, 0, 5);
    connect(1, 0, 2, 0);
    ck_assert_int_eq(t.failure.code, MEAS_LAUNCH_CIRCS);
    ck_assert_str_eq(t.failure.info, "2 of 5 circuits were there in time");
    parts_free(t.p);
}
END_TEST

/* The way to the relay is as long as the quickest answer took, whoever had it. */
START_TEST(test_parts_tell_the_quickest_answer)
{
    static const unsigned rtts[][3] = {{5, 7, 9}, {9, 5, 7}, {7, 9, 5}};
    for (size_t i = 0; i < 3; i++) {
        begin(12, 4);
        for (unsigned k = 0; k < 3; k++)
            connect(k, 3, 0, rtts[i][k]);
        connect(3, 0, 3, 1); /* it has no answer */
        ck_assert_uint_eq(t.connected, 1);
        ck_assert_uint_eq(t.circs.rtt_ms, 5);
        parts_free(t.p);
    }
}
END_TEST

START_TEST(test_parts_one_that_fails_ends_all)
{
    const struct meas_failure cheat = {
        .code = MEAS_CHEAT, .meas_id = 7, .info = "a cell differs", .cheat = {.socket = 3}};
    begin(4, 2);
    connect(0, 2, 0, 5);
    connect(1, 2, 0, 5);
    parts_ended(t.p, 1, &cheat);
    ck_assert(t.ends == 1 && !t.done);
    ck_assert_int_eq(t.failure.code, MEAS_CHEAT);
    ck_assert_uint_eq(t.failure.cheat.socket, 3);
    /* Nothing is told behind the end. */
    report(0, 1, 10);
    report(1, 1, 10);
    connect(0, 0, 2, 0);
    parts_ended(t.p, 0, NULL);
    ck_assert(t.ends == 1 && !t.reports && t.connected == 1);
    parts_free(t.p);
    begin(4, 2); /* of a part that there is not nothing is told */
    connect(2, 0, 4, 0);
    parts_ended(t.p, 2, &cheat);
    ck_assert_uint_eq(t.ends, 0);
    parts_free(t.p);
}
END_TEST

START_TEST(test_parts_seconds_out_of_order_do_not_count)
{
    begin(4, 2);
    report(0, 2, 10);
    report(0, 0, 10);
    report(2, 1, 10);
    report(0, 1, 10);
    report(0, 1, 10);
    report(1, 1, 10);
    ck_assert_uint_eq(t.reports, 1);
    ck_assert_uint_eq(t.report.checked, 20);
    for (unsigned s = 2; s <= 5; s++) {
        report(0, s, 10);
        report(1, s, 10);
    }
    ck_assert_uint_eq(t.reports, 4); /* there are no more */
    parts_free(t.p);
}
END_TEST

TESTS("measure/parts", test_parts_each_circuit_and_byte_is_of_one_part, test_parts_too_many_or_none,
      test_parts_speak_as_one, test_parts_being_held_back_weighs_circuits,
      test_parts_half_of_all_circuits_suffice, test_parts_tell_the_quickest_answer,
      test_parts_one_that_fails_ends_all, test_parts_seconds_out_of_order_do_not_count)
