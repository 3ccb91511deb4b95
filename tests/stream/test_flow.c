#include "stream/flow.h"

#include "support/test.h"

static const struct relay_msg sendme = {.cmd = RELAY_SENDME};
static const struct relay_msg xon = {.cmd = RELAY_XON};

static struct stream_flow flow_of(enum stream_flow_kind kind)
{
    struct stream_flow f;
    stream_flow_init(&f, kind);
    return f;
}

START_TEST(test_flow_window_lets_500_go_and_50_more_a_sendme)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    ck_err(stream_flow_on_msg(&f, &sendme), ERR_CIRC_SENDME);
    for (unsigned i = 0; i < 500; i++) {
        ck_assert(stream_flow_may_send(&f));
        stream_flow_sent(&f);
        if (i == 48)
            ck_err(stream_flow_on_msg(&f, &sendme), ERR_CIRC_SENDME);
    }
    ck_assert(!stream_flow_may_send(&f));
    ck_ok(stream_flow_on_msg(&f, &sendme));
    for (unsigned i = 0; i < 50; i++) {
        ck_assert(stream_flow_may_send(&f));
        stream_flow_sent(&f);
    }
    ck_assert(!stream_flow_may_send(&f));
    ck_err(stream_flow_on_msg(&f, &xon), ERR_CIRC_SENDME);
}
END_TEST

START_TEST(test_flow_window_asks_for_more_when_little_is_left_to_consume)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    struct relay_msg out;
    for (unsigned i = 0; i < 500; i++)
        ck_ok(stream_flow_received(&f, 100));
    ck_err(stream_flow_received(&f, 100), ERR_CIRC_WINDOW);
    stream_flow_consumed(&f, 50000 - 10 * CELL_BODY_LEN - 1);
    ck_assert(!stream_flow_due(&f, &out));
    stream_flow_consumed(&f, 1);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(stream_flow_due(&f, &out));
        ck_assert_uint_eq(out.cmd, RELAY_SENDME);
        ck_assert_uint_eq(out.len, 0);
    }
    ck_assert(!stream_flow_due(&f, &out));
    stream_flow_consumed(&f, SIZE_MAX);
    ck_assert_uint_eq(f.backlog, 0);
    for (unsigned i = 0; i < 500; i++)
        ck_ok(stream_flow_received(&f, 0));
}
END_TEST

START_TEST(test_flow_of_the_carrier_counts_nothing_and_takes_no_sendme)
{
    struct stream_flow f = flow_of(STREAM_FLOW_CARRIER);
    struct relay_msg out;
    for (unsigned i = 0; i < 70000; i++) {
        ck_assert(stream_flow_may_send(&f));
        stream_flow_sent(&f);
        ck_ok(stream_flow_received(&f, 1));
        stream_flow_consumed(&f, 1);
        ck_assert(!stream_flow_due(&f, &out));
    }
    ck_err(stream_flow_on_msg(&f, &sendme), ERR_CIRC_SENDME);
    struct stream_flow_rest rest = stream_flow_rest(&f);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert(stream_flow_rest_takes(&rest, RELAY_DATA));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_SENDME));
}
END_TEST

START_TEST(test_flow_rest_is_what_was_under_way)
{
    struct stream_flow f = flow_of(STREAM_FLOW_WINDOWS);
    for (unsigned i = 0; i < 149; i++)
        stream_flow_sent(&f);
    for (unsigned i = 0; i < 498; i++)
        ck_ok(stream_flow_received(&f, 1));
    struct stream_flow_rest rest = stream_flow_rest(&f);
    ck_assert(stream_flow_rest_takes(&rest, RELAY_DATA));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_DATA));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_DATA));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_SENDME));
    ck_assert(stream_flow_rest_takes(&rest, RELAY_SENDME));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_SENDME));
    ck_assert(!stream_flow_rest_takes(&rest, RELAY_XOFF));
}
END_TEST

TESTS("stream/flow", test_flow_window_lets_500_go_and_50_more_a_sendme,
      test_flow_window_asks_for_more_when_little_is_left_to_consume,
      test_flow_of_the_carrier_counts_nothing_and_takes_no_sendme,
      test_flow_rest_is_what_was_under_way)
