#include "stream/flow.h"

#include "support/test.h"

static const struct relay_msg sendme = {.cmd = RELAY_SENDME};
static const struct relay_msg xon = {
    .cmd = RELAY_XON, .data = (const uint8_t *)"\0\0\0\0\0", .len = 5};

/* Ten cells; an ended stream hears for a second. */
static const struct xonxoff_params params = {.xoff_bytes = 4880,
                                             .peer_xoff_bytes = 4880,
                                             .xon_rate_bytes = 4980,
                                             .xon_change_pct = 25,
                                             .xon_ewma_cnt = 2,
                                             .half_ms = 1000};

static struct stream_flow flow_of(enum stream_flow_kind kind)
{
    struct stream_flow f;
    stream_flow_init(&f, kind, &params);
    return f;
}

START_TEST(test_flow_window_lets_500_go_and_50_more_a_sendme)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    ck_err(stream_flow_on_msg(&f, &sendme, 0), ERR_CIRC_SENDME);
    for (unsigned i = 0; i < 500; i++) {
        ck_assert(stream_flow_may_send(&f, 0));
        stream_flow_sent(&f, 1);
        if (i == 48)
            ck_err(stream_flow_on_msg(&f, &sendme, 0), ERR_CIRC_SENDME);
    }
    ck_assert(!stream_flow_may_send(&f, 0));
    ck_ok(stream_flow_on_msg(&f, &sendme, 0));
    for (unsigned i = 0; i < 50; i++) {
        ck_assert(stream_flow_may_send(&f, 0));
        stream_flow_sent(&f, 1);
    }
    ck_assert(!stream_flow_may_send(&f, 0));
    ck_err(stream_flow_on_msg(&f, &xon, 0), ERR_CIRC_PROTO);
}
END_TEST

START_TEST(test_flow_window_asks_for_more_when_little_is_left_to_consume)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    struct xonxoff_msg out;
    for (unsigned i = 0; i < 500; i++)
        ck_ok(stream_flow_received(&f, 100, 0));
    ck_err(stream_flow_received(&f, 100, 0), ERR_CIRC_WINDOW);
    stream_flow_consumed(&f, 50000 - 10 * CELL_BODY_LEN - 1, 0);
    ck_assert(!stream_flow_due(&f, &out));
    stream_flow_consumed(&f, 1, 0);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(stream_flow_due(&f, &out));
        ck_assert_uint_eq(out.cmd, RELAY_SENDME);
        ck_assert_uint_eq(out.len, 0);
    }
    ck_assert(!stream_flow_due(&f, &out));
    stream_flow_consumed(&f, SIZE_MAX, 0);
    ck_assert_uint_eq(f.backlog, 0);
    for (unsigned i = 0; i < 500; i++)
        ck_ok(stream_flow_received(&f, 0, 0));
}
END_TEST

START_TEST(test_flow_of_the_carrier_counts_nothing_and_takes_no_sendme)
{
    struct stream_flow f = flow_of(STREAM_FLOW_CARRIER);
    struct xonxoff_msg out;
    for (unsigned i = 0; i < 70000; i++) {
        ck_assert(stream_flow_may_send(&f, 0));
        stream_flow_sent(&f, 1);
        ck_ok(stream_flow_received(&f, 1, 0));
        stream_flow_consumed(&f, 1, 0);
        ck_assert(!stream_flow_due(&f, &out));
    }
    ck_err(stream_flow_on_msg(&f, &sendme, 0), ERR_CIRC_SENDME);
    ck_ok(stream_flow_on_msg(&f, &xon, 0));
}
END_TEST

/* A side that goes on and on after XOFF. */
START_TEST(test_flow_of_the_carrier_holds_only_so_much)
{
    struct stream_flow f = flow_of(STREAM_FLOW_CARRIER);
    struct xonxoff_msg out;
    uint64_t now_us = 0;
    size_t held = 0;
    unsigned said = 0;
    while (stream_flow_received(&f, 498, now_us) == OK) {
        held += 498;
        now_us += 1000;
        while (stream_flow_due(&f, &out))
            said += out.cmd == RELAY_XOFF;
    }
    ck_assert_uint_eq(said, 1);
    ck_assert_uint_ge(held, STREAM_BEHIND_XOFF_MOST);
    ck_assert_uint_le(held, STREAM_BEHIND_XOFF_MOST + params.xoff_bytes + 498);
    ck_err(stream_flow_received(&f, 1, now_us), ERR_CIRC_WINDOW);
}
END_TEST

/* proposal 324 4.1.4: time, not quantity. */
START_TEST(test_flow_rest_of_the_carrier_is_what_comes_in_time)
{
    static const uint8_t what[] = {RELAY_DATA, RELAY_XON, RELAY_XOFF};
    static const uint64_t starts_us[] = {0, 1234567, (uint64_t)UINT32_MAX << 14};
    struct stream_flow f = flow_of(STREAM_FLOW_CARRIER);
    for (size_t i = 0; i < 3; i++) {
        uint64_t us = starts_us[i];
        struct stream_flow_rest rest = stream_flow_rest(&f, us, 0);
        struct stream_flow_rest slow = stream_flow_rest(&f, us, 5 * US_PER_SEC);
        for (size_t j = 0; j < 3; j++) {
            for (unsigned n = 0; n < 1000; n++)
                ck_assert(stream_flow_rest_takes(&rest, what[j], us + US_PER_SEC));
            ck_assert(!stream_flow_rest_takes(&rest, what[j], us + US_PER_SEC + 33000));
            ck_assert(stream_flow_rest_takes(&slow, what[j], us + 5 * US_PER_SEC));
            ck_assert(!stream_flow_rest_takes(&slow, what[j], us + 5 * US_PER_SEC + 33000));
        }
        ck_assert(!stream_flow_rest_takes(&rest, RELAY_SENDME, us));
    }
}
END_TEST

START_TEST(test_flow_rest_is_what_was_under_way)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    for (unsigned i = 0; i < 149; i++)
        stream_flow_sent(&f, 1);
    for (unsigned i = 0; i < 498; i++)
        ck_ok(stream_flow_received(&f, 1, 0));
    struct stream_flow_rest rest = stream_flow_rest(&f, 0, 0);
    ck_assert(stream_flow_rest_takes(&rest, RELAY_DATA, 0));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_DATA, 0));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_DATA, 0));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_SENDME, 0));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_SENDME, 0));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_SENDME, 0));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_XOFF, 0));
}
END_TEST

TESTS("stream/flow", test_flow_window_lets_500_go_and_50_more_a_sendme,
      test_flow_window_asks_for_more_when_little_is_left_to_consume,
      test_flow_of_the_carrier_counts_nothing_and_takes_no_sendme,
      test_flow_of_the_carrier_holds_only_so_much,
      test_flow_rest_of_the_carrier_is_what_comes_in_time, test_flow_rest_is_what_was_under_way)
