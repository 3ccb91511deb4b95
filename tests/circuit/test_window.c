#include "circuit/window.h"

#include <string.h>

#include "cell/relay.h"
#include "support/test.h"

enum { MAX = RELAY_V0_DATA_MAX, TAG = 20 };

static void tag_of(unsigned n, uint8_t tag[TAG])
{
    memset(tag, (int)(n & 0xff), TAG);
    tag[0] = (uint8_t)(n >> 8);
}

/* Sends cells FROM+1 .. UNTIL with as much data as allowed. */
static void send_until(struct window *w, struct env *env, unsigned from, unsigned until)
{
    for (unsigned n = from + 1; n <= until; n++) {
        uint8_t tag[TAG];
        tag_of(n, tag);
        ck_ok(window_data_sent(w, env, window_data_max(w, MAX), MAX, tag, TAG));
    }
}

static err_t sendme(struct window *w, uint8_t version, unsigned n, size_t tag_len)
{
    uint8_t body[3 + 32] = {version, 0, (uint8_t)tag_len};
    tag_of(n, body + 3);
    return window_sendme_received(w, body, 3 + tag_len, TAG);
}

START_TEST(test_window_runs_out_and_is_refilled_by_the_right_tags)
{
    struct env *env = test_env(1);
    struct window w;
    uint8_t tag[TAG] = {0};
    window_init(&w, env);
    send_until(&w, env, 0, 1000);
    ck_assert_uint_eq(w.package, 0);
    ck_err(window_data_sent(&w, env, 1, MAX, tag, TAG), ERR_FULL);
    for (unsigned n = 100; n <= 1000; n += 100)
        ck_ok(sendme(&w, 1, n, TAG));
    ck_assert_uint_eq(w.package, 1000);
    ck_err(sendme(&w, 1, 1000, TAG), ERR_CIRC_SENDME);
    send_until(&w, env, 1000, 1100);
    ck_ok(sendme(&w, 1, 1100, TAG));
    test_env_free(env);
}
END_TEST

START_TEST(test_window_early_sendme_is_refused)
{
    struct env *env = test_env(2);
    struct window w;
    window_init(&w, env);
    ck_err(sendme(&w, 1, 0, TAG), ERR_CIRC_SENDME);
    send_until(&w, env, 0, 99);
    ck_err(sendme(&w, 1, 99, TAG), ERR_CIRC_SENDME);
    send_until(&w, env, 99, 100);
    ck_ok(sendme(&w, 1, 100, TAG));
    test_env_free(env);
}
END_TEST

START_TEST(test_window_bad_sendmes_are_refused)
{
    struct env *env = test_env(3);
    struct window w;
    static const uint8_t trailing[24] = {1, 0, 20};
    window_init(&w, env);
    send_until(&w, env, 0, 250);
    ck_err(sendme(&w, 1, 101, TAG), ERR_CIRC_SENDME); /* tag of another cell */
    ck_err(sendme(&w, 1, 200, TAG), ERR_CIRC_SENDME); /* out of order */
    ck_err(sendme(&w, 0, 100, TAG), ERR_CIRC_SENDME); /* version */
    ck_err(sendme(&w, 2, 100, TAG), ERR_CIRC_SENDME);
    for (size_t len = 0; len < 32; len++) {
        if (len != TAG)
            ck_err(sendme(&w, 1, 100, len), ERR_CIRC_SENDME);
    }
    ck_err(window_sendme_received(&w, NULL, 0, TAG), ERR_CIRC_SENDME); /* version 0: empty */
    ck_err(window_sendme_received(&w, trailing, 2, TAG), ERR_CIRC_SENDME);
    ck_assert_uint_eq(w.package, 750);
    ck_ok(sendme(&w, 1, 100, TAG));
    test_env_free(env);
}
END_TEST

START_TEST(test_window_deliver_asks_for_a_sendme_each_hundred)
{
    struct env *env = test_env(4);
    struct window w;
    window_init(&w, env);
    for (unsigned n = 1; n <= 3000; n++) {
        bool due;
        ck_ok(window_data_received(&w, &due));
        ck_assert_int_eq(due, n % 100 == 0);
    }
    w.deliver = 0;
    bool due;
    ck_err(window_data_received(&w, &due), ERR_CIRC_WINDOW);
    test_env_free(env);
}
END_TEST

START_TEST(test_window_a_bulk_sender_leaves_room_for_random_padding)
{
    struct env *env = test_env(5);
    struct window w;
    uint8_t tag[TAG] = {0};
    unsigned since = 0, shorter = 0;
    window_init(&w, env);
    for (unsigned n = 0; n < 10000; n++) {
        size_t len = window_data_max(&w, MAX);
        w.package = 1000; /* only the length matters here */
        w.tags_n = 0;
        ck_ok(window_data_sent(&w, env, len, MAX, tag, TAG));
        since++;
        if (len < MAX) {
            ck_assert_uint_eq(len, MAX - 20);
            ck_assert_uint_ge(since, 50);
            since = 0;
            shorter++;
        }
        ck_assert_uint_le(since, 100);
    }
    ck_assert_uint_ge(shorter, 100);
    test_env_free(env);
}
END_TEST

START_TEST(test_window_short_cells_need_no_shortening)
{
    struct env *env = test_env(6);
    struct window w;
    uint8_t tag[TAG] = {0};
    window_init(&w, env);
    for (unsigned n = 0; n < 1000; n++) {
        ck_assert_uint_eq(window_data_max(&w, MAX), MAX);
        ck_ok(window_data_sent(&w, env, n % 10 ? MAX : MAX - 20, MAX, tag, TAG));
    }
    test_env_free(env);
}
END_TEST

TESTS("circuit/window", test_window_runs_out_and_is_refilled_by_the_right_tags,
      test_window_early_sendme_is_refused, test_window_bad_sendmes_are_refused,
      test_window_deliver_asks_for_a_sendme_each_hundred,
      test_window_a_bulk_sender_leaves_room_for_random_padding,
      test_window_short_cells_need_no_shortening)
