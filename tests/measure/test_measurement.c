#include "measure/measurement.h"

#include <stdio.h>

#include "measworld.h"

enum { MB = 1000000, SECONDS_MOST = 40 };

struct cast {
    struct mw_world w;
    struct measurement *m;
    unsigned connected, ends, reports;
    struct connected_to_relay circs;
    struct bw_report report[SECONDS_MOST + 1];
    bool done;
    struct meas_failure failure;
    bool go_at_once;
};

static void on_connected(void *arg, const struct connected_to_relay *m)
{
    struct cast *c = arg;
    c->connected++;
    c->circs = *m;
    if (c->go_at_once)
        ck_ok(measurement_go(c->m));
}

static void on_report(void *arg, const struct bw_report *m)
{
    struct cast *c = arg;
    ck_assert_uint_eq(m->sec, ++c->reports);
    ck_assert_uint_eq(m->meas_id, 5);
    c->report[m->sec] = *m;
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    struct cast *c = arg;
    c->ends++;
    c->done = !failure;
    if (failure)
        c->failure = *failure;
}

static const struct measurement_ops ops = {on_connected, on_report, on_end};

static struct connect_to_relay told_of(const struct cast *c, unsigned n, unsigned dur, uint64_t bw)
{
    struct connect_to_relay told = {.meas_id = 5,
                                    .relay = mw_relay(&c->w),
                                    .n_circs = n,
                                    .alloc_bw = bw,
                                    .dur = dur,
                                    .check = 1,
                                    .echo = MEAS_ECHO_RAW};
    return told;
}

static void begin_with(struct cast *c, const struct connect_to_relay *told, bool dead_man)
{
    const struct measurement_config config = {.name = "m1",
                                              .link = {.tls = c->w.client_tls},
                                              .ops_world = &mw_ops,
                                              .world = &c->w,
                                              .dead_man = dead_man,
                                              .open_over_ms = 100};
    ck_ok(measurement_new(c->w.env, &config, told, &ops, c, &c->m));
}

static void new_cast(struct cast *c, uint64_t rate)
{
    memset(c, 0, sizeof *c);
    mw_new(&c->w, 7, rate);
    c->go_at_once = true;
}

static void finish(struct cast *c)
{
    measurement_free(c->m);
    mw_free(&c->w);
}

/* A whole one: RATE is the relay's. */
static void measure(struct cast *c, unsigned n, unsigned dur, uint64_t bw)
{
    const struct connect_to_relay told = told_of(c, n, dur, bw);
    begin_with(c, &told, false);
    test_env_advance_ms(c->w.env, 3000 + dur * 1000);
}

static void assert_failed(const struct cast *c, enum meas_code code)
{
    ck_assert_uint_eq(c->ends, 1);
    ck_assert_msg(!c->done && c->failure.code == code, "%s: %s", meas_code_name(c->failure.code),
                  c->failure.info);
}

START_TEST(test_measurement_counts_what_a_relay_gives_back)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    measure(&c, 10, 10, 3 * MB);
    ck_assert_msg(c.ends == 1 && c.done, "%s", c.failure.info);
    ck_assert_uint_eq(c.connected, 1);
    ck_assert_uint_eq(c.circs.ready_circs, 10);
    ck_assert_uint_eq(c.reports, 10);
    uint64_t cells = 0;
    for (unsigned s = 2; s <= 10; s++) {
        const struct bw_report *r = &c.report[s];
        ck_assert_uint_ge(r->wire_in, MB * 95 / 100);
        ck_assert_uint_le(r->wire_in, MB * 105 / 100);
        ck_assert_uint_ge(r->recv, r->wire_in * 94 / 100);
        ck_assert_uint_le(r->recv, r->wire_in);
        ck_assert_uint_ge(r->wire_out, MB * 95 / 100);
        ck_assert_uint_le(r->wire_out, MB * 105 / 100);
        ck_assert_uint_eq(r->checked * 514, r->recv);
        ck_assert_uint_eq(r->bad, 0);
        ck_assert_uint_ge(r->blocked, 95);
    }
    for (unsigned s = 1; s <= 10; s++)
        cells += c.report[s].checked;
    ck_assert_uint_le(cells, c.w.echoed);
    ck_assert_uint_ge(cells + 2000, c.w.echoed);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_keeps_to_what_it_may_give)
{
    struct cast c;
    new_cast(&c, 0);
    measure(&c, 4, 6, 500000);
    ck_assert(c.done);
    for (unsigned s = 2; s <= 6; s++) {
        ck_assert_uint_ge(c.report[s].sent, 500000 * 98 / 100);
        ck_assert_uint_le(c.report[s].sent, 500000 * 102 / 100);
        ck_assert_uint_le(c.report[s].blocked, 5);
    }
    finish(&c);
}
END_TEST

START_TEST(test_measurement_alloc_changes_while_it_runs)
{
    struct cast c;
    new_cast(&c, 0);
    const struct connect_to_relay told = told_of(&c, 4, 8, 200000);
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 4000);
    ck_assert_int_eq(measurement_state(c.m), MEASUREMENT_RUNNING);
    measurement_set_alloc(c.m, 800000);
    test_env_advance_ms(c.w.env, 6000);
    ck_assert(c.done);
    ck_assert_uint_le(c.report[2].recv, 220000);
    ck_assert_uint_ge(c.report[7].recv, 780000);
    ck_assert_uint_eq(measurement_told(c.m)->alloc_bw, 800000);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_framed_cells_come_back_as_well)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    c.w.framed = true;
    struct connect_to_relay told = told_of(&c, 10, 5, 3 * MB);
    told.echo = MEAS_ECHO_FRAMED;
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 9000);
    ck_assert_msg(c.done, "%s", c.failure.info);
    ck_assert_uint_ge(c.report[3].checked, 1700);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_distance_does_not_hold_it_back)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    c.w.delay_ms = 200;
    c.w.jitter_ms = 20;
    measure(&c, 10, 10, 3 * MB);
    ck_assert_msg(c.done, "%s", c.failure.info);
    ck_assert_uint_ge(c.circs.rtt_ms, 200);
    ck_assert_uint_le(c.circs.rtt_ms, 215); /* the quickest: others took longer */
    for (unsigned s = 3; s <= 10; s++)
        ck_assert_uint_ge(c.report[s].wire_in, MB * 95 / 100);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_each_cheat_is_caught_within_a_second)
{
    static const unsigned shares[] = {1, 100};
    for (int cheat = MW_NO_DECRYPT; cheat <= MW_FLIP; cheat++)
        for (unsigned s = 0; s < 2; s++) {
            struct cast c;
            char text[MEAS_CHEAT_TEXT_MAX];
            new_cast(&c, 1 * MB);
            c.w.cheat = (enum mw_cheat)cheat;
            c.w.share = shares[s];
            const struct connect_to_relay told = told_of(&c, 10, 30, 3 * MB);
            begin_with(&c, &told, false);
            while (!c.w.cheated_us)
                test_env_advance_ms(c.w.env, 10);
            test_env_advance_ms(c.w.env, 1000);
            assert_failed(&c, MEAS_CHEAT);
            ck_assert_str_eq(c.failure.info, meas_cheat_text(&c.failure.cheat, text));
            ck_assert_int_ne(c.failure.cheat.circuit, 0);
            finish(&c);
        }
}
END_TEST

START_TEST(test_measurement_half_of_the_circuits_suffice)
{
    for (unsigned refused = 5; refused <= 6; refused++) {
        struct cast c;
        new_cast(&c, 1 * MB);
        c.w.refuse_dials = refused;
        measure(&c, 10, 3, 3 * MB);
        if (refused == 5) {
            ck_assert(c.done);
            ck_assert_uint_eq(c.circs.ready_circs, 5);
            ck_assert_uint_eq(c.circs.bad_circs, 5);
        } else {
            assert_failed(&c, MEAS_LAUNCH_CIRCS);
            ck_assert_uint_eq(c.connected, 0);
        }
        finish(&c);
    }
}
END_TEST

/* The coordinator met one relay, and here is another. */
START_TEST(test_measurement_meets_whom_its_coordinator_met)
{
    for (unsigned of = 0; of < 2; of++)
        for (unsigned places = 1; places <= 2; places++) {
            struct cast c;
            new_cast(&c, 1 * MB);
            struct connect_to_relay told = told_of(&c, 10, 3, 3 * MB);
            if (of)
                told.relay.ed25519.b[3] ^= 1;
            else
                told.relay.fp.b[3] ^= 1;
            told.relay.n_addrs = places;
            told.relay.addrs[1] = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, 2}), 9001};
            begin_with(&c, &told, false);
            test_env_advance_ms(c.w.env, 5000);
            assert_failed(&c, MEAS_WRONG_IDENTITY);
            ck_assert_uint_eq(c.connected, 0);
            finish(&c);
        }
}
END_TEST

/* One with each echo is not reckoned, more than that ends it. */
START_TEST(test_measurement_padding_is_a_flood)
{
    for (unsigned pads = 1; pads <= 3; pads += 2) {
        struct cast c;
        new_cast(&c, 4 * MB);
        c.w.pads = pads;
        measure(&c, 4, 5, 3 * MB);
        if (pads == 1) {
            ck_assert_msg(c.done, "%s", c.failure.info);
            ck_assert_uint_le(c.report[3].recv, c.report[3].wire_in * 6 / 10);
        } else {
            assert_failed(&c, MEAS_MALFORMED_TOR_RESP);
            ck_assert_uint_le(c.reports, 1);
        }
        finish(&c);
    }
}
END_TEST

START_TEST(test_measurement_refusal_is_told_in_the_relays_words)
{
    struct cast c;
    new_cast(&c, 0);
    c.w.answer = MW_REFUSES;
    c.w.refusal = MEAS_ERR_MEASURER;
    measure(&c, 4, 3, MB);
    assert_failed(&c, MEAS_LAUNCH_CIRCS);
    ck_assert_ptr_nonnull(strstr(c.failure.info, meas_error_text(MEAS_ERR_MEASURER)));
    finish(&c);
}
END_TEST

START_TEST(test_measurement_silent_relay_ends_it_in_time)
{
    static const enum mw_answer answers[] = {MW_SILENT, MW_DESTROYS, MW_GARBLES};
    for (unsigned i = 0; i < 3; i++) {
        struct cast c;
        new_cast(&c, 0);
        c.w.answer = answers[i];
        const struct connect_to_relay told = told_of(&c, 4, 3, MB);
        begin_with(&c, &told, false);
        test_env_advance_ms(c.w.env, 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS + 1000);
        assert_failed(&c, MEAS_LAUNCH_CIRCS);
        finish(&c);
    }
}
END_TEST

START_TEST(test_measurement_lost_links_end_it)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 10, 20, 3 * MB);
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 4000);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(c.ends, 0);
        link_tcp_failed(c.w.wire[i].client, 104);
        test_env_advance_ms(c.w.env, 1);
    }
    assert_failed(&c, MEAS_RELAY_LOST);
    finish(&c);
}
END_TEST

/* Two that stood are lost while two are on their way: these are waited for. */
START_TEST(test_measurement_does_not_count_a_circuit_twice)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    c.go_at_once = false;
    const struct connect_to_relay told = told_of(&c, 4, 3, MB);
    begin_with(&c, &told, false);
    while (c.w.n_wires < 2)
        test_env_advance_ms(c.w.env, 1);
    c.w.delay_ms = 600; /* of those to come */
    test_env_advance_ms(c.w.env, 400);
    for (unsigned i = 0; i < 2; i++)
        link_tcp_failed(c.w.wire[i].client, 104);
    test_env_advance_ms(c.w.env, 10);
    ck_assert_uint_eq(c.connected, 0);
    test_env_advance_ms(c.w.env, 5000);
    ck_assert_uint_eq(c.connected, 1);
    ck_assert_uint_eq(c.circs.bad_circs, 2);
    ck_ok(measurement_go(c.m));
    test_env_advance_ms(c.w.env, 4000);
    ck_assert_msg(c.done, "%s", c.failure.info);
    ck_assert_uint_gt(c.report[3].recv, 0);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_goes_on_with_half_of_its_links)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 10, 8, 3 * MB);
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 4000);
    for (unsigned i = 0; i < 5; i++)
        link_tcp_failed(c.w.wire[i].client, 104);
    test_env_advance_ms(c.w.env, 8000);
    ck_assert(c.done);
    ck_assert_uint_ge(c.report[8].wire_in, MB * 95 / 100);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_dead_man)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 4, 30, 3 * MB);
    begin_with(&c, &told, true);
    for (int i = 0; i < 8; i++) {
        test_env_advance_ms(c.w.env, 1000);
        measurement_heard(c.m);
    }
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.w.env, MEAS_DEAD_MAN_MS - 100);
    ck_assert_uint_eq(c.ends, 0);
    test_env_advance_ms(c.w.env, 200);
    assert_failed(&c, MEAS_DEAD_MAN);
    for (size_t i = 0; i < c.w.n_wires; i++)
        ck_assert_ptr_null(c.w.wire[i].client);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_nobody_says_go)
{
    struct cast c;
    new_cast(&c, 0);
    c.go_at_once = false;
    const struct connect_to_relay told = told_of(&c, 4, 3, MB);
    begin_with(&c, &told, false);
    ck_err(measurement_go(c.m), ERR_STATE);
    test_env_advance_ms(c.w.env, 3000);
    ck_assert_uint_eq(c.connected, 1);
    test_env_advance_ms(c.w.env, MEAS_GO_MS);
    assert_failed(&c, MEAS_TIMEOUT);
    finish(&c);
}
END_TEST

/* Of a relay that is not of this computer: one link, until it has agreed by that. */
START_TEST(test_measurement_asks_by_one_link_first)
{
    static const enum mw_answer noes[] = {MW_REFUSES, MW_SILENT, MW_DESTROYS, MW_GARBLES};
    struct cast c;
    for (unsigned i = 0; i <= sizeof noes / sizeof *noes; i++) {
        bool closed = i == sizeof noes / sizeof *noes;
        new_cast(&c, 0);
        c.w.answer = closed ? MW_GRANTS : noes[i];
        c.w.refuse_dials = closed ? 100 : 0;
        struct connect_to_relay told = told_of(&c, 40, 3, MB);
        ck_ok(ipport_parse("192.0.2.7:9001", &told.relay.addrs[0]));
        begin_with(&c, &told, false);
        for (unsigned ms = 0; ms < 40000 && !c.ends; ms += 100) {
            unsigned open = 0;
            test_env_advance_ms(c.w.env, 100);
            for (size_t k = 0; k < c.w.n_wires; k++)
                open += c.w.wire[k].client != NULL;
            ck_assert_uint_le(open, 1);
        }
        assert_failed(&c, MEAS_LAUNCH_CIRCS);
        ck_assert_uint_le(c.w.n_wires, 3);
        finish(&c);
    }
    new_cast(&c, 1 * MB);
    struct connect_to_relay told = told_of(&c, 10, 3, 3 * MB);
    ck_ok(ipport_parse("192.0.2.7:9001", &told.relay.addrs[0]));
    c.w.refuse_dials = 2;
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 6000);
    ck_assert_msg(c.done, "%s", c.failure.info);
    ck_assert_uint_eq(c.circs.ready_circs, 8);
    finish(&c);
}
END_TEST

/* The coordinator may have come where a measurer does not: the next address is tried, one link at
 * a time as ever, and none that is no relay's. */
START_TEST(test_measurement_goes_on_at_the_next_address)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    struct connect_to_relay told = told_of(&c, 10, 3, 3 * MB);
    ck_ok(ipport_parse("192.0.2.7:9001", &told.relay.addrs[0]));
    ck_ok(ipport_parse("[2001:db8::7]:9002", &told.relay.addrs[1]));
    told.relay.n_addrs = 2;
    c.w.refuse_dials = 1;
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 200);
    ck_assert_uint_ge(c.w.n_wires, 2);
    for (size_t i = 0; i < c.w.n_wires; i++)
        if (c.w.wire[i].client)
            ck_assert_uint_eq(link_target(c.w.wire[i].client)->reach.addr.port, 9002);
    test_env_advance_ms(c.w.env, 6000);
    ck_assert_msg(c.done, "%s", c.failure.info);
    ck_assert_uint_eq(c.circs.ready_circs, 9);
    finish(&c);
    new_cast(&c, 0);
    told = told_of(&c, 10, 3, MB);
    ck_ok(ipport_parse("192.0.2.7:9001", &told.relay.addrs[0]));
    ck_ok(ipport_parse("[::ffff:127.0.0.1]:9002", &told.relay.addrs[1]));
    told.relay.n_addrs = 2;
    c.w.refuse_dials = 1;
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 200);
    for (size_t i = 0; i < c.w.n_wires; i++)
        if (c.w.wire[i].client)
            ck_assert_uint_eq(link_target(c.w.wire[i].client)->reach.addr.port, 9001);
    measurement_stop(c.m, MEAS_CANCELLED, "enough");
    finish(&c);
}
END_TEST

START_TEST(test_measurement_go_twice_changes_nothing)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 4, 3, 3 * MB);
    begin_with(&c, &told, false);
    test_env_advance_ms(c.w.env, 2500);
    ck_err(measurement_go(c.m), ERR_STATE);
    test_env_advance_ms(c.w.env, 3000);
    ck_assert(c.done);
    ck_err(measurement_go(c.m), ERR_STATE);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_stops_when_told)
{
    for (unsigned at_ms = 0; at_ms < 4000; at_ms += 333) {
        struct cast c;
        new_cast(&c, 1 * MB);
        const struct connect_to_relay told = told_of(&c, 4, 30, 3 * MB);
        begin_with(&c, &told, false);
        test_env_advance_ms(c.w.env, at_ms);
        measurement_stop(c.m, MEAS_CANCELLED, "somebody wished it");
        measurement_stop(c.m, MEAS_CHEAT, "twice");
        test_env_advance_ms(c.w.env, 0);
        assert_failed(&c, MEAS_CANCELLED);
        uint64_t echoed = c.w.echoed;
        test_env_advance_ms(c.w.env, 2000);
        ck_assert_uint_le(c.w.echoed, echoed + 4000);
        ck_assert_uint_eq(c.ends, 1);
        finish(&c);
    }
}
END_TEST

START_TEST(test_measurement_nonsense_is_refused)
{
    struct cast c;
    new_cast(&c, 0);
    for (unsigned how = 0; how < 8; how++) {
        struct connect_to_relay told = told_of(&c, 4, 3, MB);
        const struct measurement_config config = {
            .name = "", .link = {.tls = c.w.client_tls}, .ops_world = &mw_ops, .world = &c.w};
        struct measurement *m;
        told.meas_id = how == 0 ? 0 : 5;
        told.n_circs = how == 1 ? 0 : how == 2 ? MEAS_CIRCS_MOST + 1 : 4;
        told.dur = how == 3 ? 0 : how == 4 ? 601 : 3;
        told.alloc_bw = how == 5 ? 0 : MB;
        told.relay.n_addrs = how == 6 ? 0 : 1;
        told.check = how == 7 ? 2 : 1;
        ck_err(measurement_new(c.w.env, &config, &told, &ops, &c, &m), ERR_ARG);
    }
    finish(&c);
}
END_TEST

/* Parts of one are judged over all of them (parts.h). */
START_TEST(test_measurement_a_part_leaves_the_judgement_to_others)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    c.go_at_once = false;
    c.w.refuse_dials = 3;
    const struct connect_to_relay told = told_of(&c, 4, 6, MB);
    const struct measurement_config config = {.name = "m1",
                                              .link = {.tls = c.w.client_tls},
                                              .ops_world = &mw_ops,
                                              .world = &c.w,
                                              .is_part = true,
                                              .first = 20};
    ck_ok(measurement_new(c.w.env, &config, &told, &ops, &c, &c.m));
    test_env_advance_ms(c.w.env, 2000);
    ck_assert(c.connected == 1 && !c.ends);
    ck_assert_uint_eq(c.circs.circs, 4);
    ck_assert_uint_eq(c.circs.ready_circs, 1);
    ck_assert_uint_eq(c.circs.bad_circs, 3);
    ck_assert_str_ne(measurement_refusal(c.m), "");
    ck_ok(measurement_go(c.m));
    c.w.cheat = MW_FLIP;
    c.w.share = 1;
    test_env_advance_ms(c.w.env, 1000);
    assert_failed(&c, MEAS_CHEAT);
    ck_assert_uint_eq(c.failure.cheat.socket, 23); /* counted over all parts */
    finish(&c);
}
END_TEST

START_TEST(test_measurement_a_part_tells_of_each_circuit_that_goes)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 2, 6, MB);
    const struct measurement_config config = {.name = "m1",
                                              .link = {.tls = c.w.client_tls},
                                              .ops_world = &mw_ops,
                                              .world = &c.w,
                                              .is_part = true};
    ck_ok(measurement_new(c.w.env, &config, &told, &ops, &c, &c.m));
    c.go_at_once = false;
    test_env_advance_ms(c.w.env, 2000);
    ck_ok(measurement_go(c.m));
    for (unsigned i = 0; i < 2; i++) {
        link_tcp_failed(c.w.wire[i].client, 104);
        test_env_advance_ms(c.w.env, 1);
        ck_assert_uint_eq(c.connected, 2 + i);
        ck_assert_uint_eq(c.circs.bad_circs, 1 + i);
    }
    ck_assert_uint_eq(c.ends, 0);
    finish(&c);
}
END_TEST

/* ---- when it ends, and when it is late ---- */

static void until_running(struct cast *c)
{
    for (unsigned ms = 0; ms < 5000 && measurement_state(c->m) != MEASUREMENT_RUNNING; ms++)
        test_env_advance_ms(c->w.env, 1);
    ck_assert_int_eq(measurement_state(c->m), MEASUREMENT_RUNNING);
}

static void lose_all(struct cast *c)
{
    for (size_t i = 0; i < c->w.n_wires; i++)
        if (c->w.wire[i].client)
            link_tcp_failed(c->w.wire[i].client, 104);
    test_env_advance_ms(c->w.env, 0);
}

/* The relay's clock began with the first cell of the team: it may be over before ours is. */
START_TEST(test_measurement_relay_may_end_it_half_a_second_early)
{
    for (unsigned early_ms = 500; early_ms <= 501; early_ms++) {
        struct cast c;
        new_cast(&c, 1 * MB);
        const struct connect_to_relay told = told_of(&c, 4, 3, MB);
        begin_with(&c, &told, false);
        until_running(&c);
        test_env_advance_ms(c.w.env, 3000 - early_ms);
        lose_all(&c);
        ck_assert_uint_eq(c.ends, early_ms > 500);
        test_env_advance_ms(c.w.env, 600);
        if (early_ms > 500)
            assert_failed(&c, MEAS_RELAY_LOST);
        else
            ck_assert(c.ends == 1 && c.done && c.reports == 3);
        finish(&c);
    }
}
END_TEST

static unsigned echoing(const struct cast *c)
{
    unsigned n = 0;
    for (size_t i = 0; i < c->w.n_wires; i++)
        n += c->w.wire[i].echoes;
    return n;
}

/* Links that stand, and a relay that says nothing more: it is not waited for if half of the
 * circuits are there. */
START_TEST(test_measurement_goes_on_with_half_when_the_rest_is_late)
{
    for (unsigned stand = 4; stand <= 5; stand++) {
        struct cast c;
        new_cast(&c, 1 * MB);
        c.go_at_once = false;
        const struct connect_to_relay told = told_of(&c, 10, 3, MB);
        begin_with(&c, &told, false);
        while (echoing(&c) < stand)
            test_env_advance_ms(c.w.env, 1);
        c.w.answer = MW_SILENT;
        test_env_advance_ms(c.w.env, 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS - 100);
        ck_assert_uint_eq(c.connected + c.ends, 0);
        test_env_advance_ms(c.w.env, 1000);
        ck_assert_uint_eq(c.connected, stand == 5);
        if (stand < 5)
            assert_failed(&c, MEAS_LAUNCH_CIRCS);
        else
            ck_assert_uint_eq(c.circs.ready_circs, 5);
        finish(&c);
    }
}
END_TEST

START_TEST(test_measurement_opens_its_links_over_the_time_that_it_may)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 12, 3, MB);
    begin_with(&c, &told, false); /* over 100 ms */
    test_env_advance_ms(c.w.env, 0);
    ck_assert_uint_eq(c.w.n_wires, 2);
    test_env_advance_ms(c.w.env, 30);
    ck_assert_uint_le(c.w.n_wires, 8);
    test_env_advance_ms(c.w.env, 70);
    ck_assert_uint_eq(c.w.n_wires, 12);
    finish(&c);
}
END_TEST

START_TEST(test_measurement_relay_that_takes_it_back_is_heard)
{
    const struct meas_cell no = {.cmd = MEAS_ERR, .err = {.code = MEAS_ERR_ABORTED}};
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 4, 30, MB);
    begin_with(&c, &told, false);
    until_running(&c);
    test_env_advance_ms(c.w.env, 1500);
    mw_say(&c.w.wire[2], &no);
    test_env_advance_ms(c.w.env, 100);
    assert_failed(&c, MEAS_REFUSED);
    ck_assert_ptr_nonnull(strstr(c.failure.info, meas_error_text(MEAS_ERR_ABORTED)));
    for (size_t i = 0; i < c.w.n_wires; i++)
        ck_assert_ptr_null(c.w.wire[i].client);
    finish(&c);
}
END_TEST

/* A computer that came late is said to have, so that no figure of the relay's is made of it. */
START_TEST(test_measurement_says_how_late_it_was)
{
    struct cast c;
    new_cast(&c, 1 * MB);
    const struct connect_to_relay told = told_of(&c, 4, 4, 3 * MB);
    begin_with(&c, &told, false);
    until_running(&c);
    test_env_advance_ms(c.w.env, 1900);
    c.w.env->mono_us += 350 * US_PER_MS;
    test_env_advance_ms(c.w.env, 3000);
    ck_assert(c.done);
    ck_assert_uint_lt(c.report[1].lag_ms, 50);
    ck_assert_uint_ge(c.report[2].lag_ms, 250);
    ck_assert_uint_le(c.report[2].lag_ms, 351);
    ck_assert_uint_lt(c.report[4].lag_ms, 50);
    finish(&c);
}
END_TEST

TESTS("measure/measurement", test_measurement_counts_what_a_relay_gives_back,
      test_measurement_keeps_to_what_it_may_give, test_measurement_alloc_changes_while_it_runs,
      test_measurement_framed_cells_come_back_as_well,
      test_measurement_distance_does_not_hold_it_back,
      test_measurement_each_cheat_is_caught_within_a_second,
      test_measurement_half_of_the_circuits_suffice,
      test_measurement_meets_whom_its_coordinator_met, test_measurement_padding_is_a_flood,
      test_measurement_refusal_is_told_in_the_relays_words,
      test_measurement_silent_relay_ends_it_in_time, test_measurement_lost_links_end_it,
      test_measurement_does_not_count_a_circuit_twice,
      test_measurement_goes_on_with_half_of_its_links, test_measurement_dead_man,
      test_measurement_nobody_says_go, test_measurement_goes_on_at_the_next_address,
      test_measurement_asks_by_one_link_first, test_measurement_go_twice_changes_nothing,
      test_measurement_stops_when_told, test_measurement_nonsense_is_refused,
      test_measurement_a_part_leaves_the_judgement_to_others,
      test_measurement_a_part_tells_of_each_circuit_that_goes,
      test_measurement_relay_may_end_it_half_a_second_early,
      test_measurement_goes_on_with_half_when_the_rest_is_late,
      test_measurement_opens_its_links_over_the_time_that_it_may,
      test_measurement_relay_that_takes_it_back_is_heard, test_measurement_says_how_late_it_was)
