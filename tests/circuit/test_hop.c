#include "circuit/hop.h"
#include "circuit/window.h"

#include <string.h>

#include "cell/relay.h"
#include "support/test.h"

enum { MAX = RELAY_V0_DATA_MAX, TAG = 20 };

/* A hop with what a handshake without extensions agrees on. */
static struct hop hop_new(struct env *env)
{
    static const uint8_t keys[LAYER_KEYS_MAX];
    const struct flow_config config = {.package_start = CIRCWINDOW_START,
                                       .deliver_start = CIRCWINDOW_START};
    const struct hop_terms terms = hop_terms_plain();
    struct hop h = {.spliced = false};
    ck_ok(hop_make(&h, env, &terms, keys, LAYER_CLIENT, &config));
    return h;
}

static void end(struct hop *h, struct env *env)
{
    hop_free(h);
    test_env_free(env);
}

static err_t data_received(struct hop *h, bool *due)
{
    return h->flow->kind->received(h->flow, due);
}

static void tag_of(unsigned n, uint8_t tag[TAG])
{
    memset(tag, (int)(n & 0xff), TAG);
    tag[0] = (uint8_t)(n >> 8);
}

/* Sends cells FROM+1 .. UNTIL with as much data as allowed. */
static void send_until(struct hop *h, struct env *env, unsigned from, unsigned until)
{
    for (unsigned n = from + 1; n <= until; n++) {
        tag_of(n, h->layer->sent_tag);
        ck_ok(hop_data_sent(h, env, hop_data_max(h)));
    }
}

static err_t sendme(struct hop *h, struct env *env, uint8_t version, unsigned n, size_t tag_len)
{
    uint8_t body[3 + 32] = {version, 0, (uint8_t)tag_len};
    tag_of(n, body + 3);
    return hop_sendme_received(h, env, 1, rd_over(body, 3 + tag_len), false);
}

START_TEST(test_hop_runs_out_and_is_refilled_by_the_right_tags)
{
    struct env *env = test_env(1);
    struct hop h = hop_new(env);
    send_until(&h, env, 0, 1000);
    ck_assert_uint_eq(h.flow->room, 0);
    ck_err(hop_data_sent(&h, env, 1), ERR_FULL);
    for (unsigned n = 100; n <= 1000; n += 100)
        ck_ok(sendme(&h, env, 1, n, TAG));
    ck_assert_uint_eq(h.flow->room, 1000);
    ck_err(sendme(&h, env, 1, 1000, TAG), ERR_CIRC_SENDME);
    send_until(&h, env, 1000, 1100);
    ck_ok(sendme(&h, env, 1, 1100, TAG));
    end(&h, env);
}
END_TEST

START_TEST(test_hop_early_sendme_is_refused)
{
    struct env *env = test_env(2);
    struct hop h = hop_new(env);
    ck_err(sendme(&h, env, 1, 0, TAG), ERR_CIRC_SENDME);
    send_until(&h, env, 0, 99);
    ck_err(sendme(&h, env, 1, 99, TAG), ERR_CIRC_SENDME);
    send_until(&h, env, 99, 100);
    ck_ok(sendme(&h, env, 1, 100, TAG));
    end(&h, env);
}
END_TEST

START_TEST(test_hop_bad_sendmes_are_refused)
{
    struct env *env = test_env(3);
    static const uint8_t trailing[24] = {1, 0, 20};
    struct hop h = hop_new(env);
    send_until(&h, env, 0, 250);
    ck_err(sendme(&h, env, 1, 101, TAG), ERR_CIRC_SENDME); /* tag of another cell */
    ck_err(sendme(&h, env, 1, 200, TAG), ERR_CIRC_SENDME); /* out of order */
    ck_err(sendme(&h, env, 0, 100, TAG), ERR_CIRC_SENDME); /* version */
    ck_err(sendme(&h, env, 2, 100, TAG), ERR_CIRC_SENDME);
    for (size_t len = 0; len < 32; len++) {
        if (len != TAG)
            ck_err(sendme(&h, env, 1, 100, len), ERR_CIRC_SENDME);
    }
    ck_err(hop_sendme_received(&h, env, 1, rd_over(NULL, 0), false),
           ERR_CIRC_SENDME); /* version 0 */
    ck_err(hop_sendme_received(&h, env, 1, rd_over(trailing, 2), false), ERR_CIRC_SENDME);
    ck_assert_uint_eq(h.flow->room, 750);
    ck_ok(sendme(&h, env, 1, 100, TAG));
    end(&h, env);
}
END_TEST

START_TEST(test_hop_deliver_asks_for_a_sendme_each_hundred)
{
    struct env *env = test_env(4);
    struct hop h = hop_new(env);
    for (unsigned n = 1; n <= 3000; n++) {
        bool due;
        ck_ok(data_received(&h, &due));
        ck_assert_int_eq(due, n % 100 == 0);
    }
    ((struct window *)h.flow)->deliver = 0;
    bool due;
    ck_err(data_received(&h, &due), ERR_CIRC_WINDOW);
    end(&h, env);
}
END_TEST

START_TEST(test_hop_a_bulk_sender_leaves_room_for_random_padding)
{
    struct env *env = test_env(5);
    unsigned since = 0, shorter = 0;
    struct hop h = hop_new(env);
    for (unsigned n = 0; n < 10000; n++) {
        size_t len = hop_data_max(&h);
        h.flow->room = 1000; /* only the length matters here */
        h.tags.n = 0;
        ck_ok(hop_data_sent(&h, env, len));
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
    end(&h, env);
}
END_TEST

START_TEST(test_hop_short_cells_need_no_shortening)
{
    struct env *env = test_env(6);
    struct hop h = hop_new(env);
    for (unsigned n = 0; n < 1000; n++) {
        ck_assert_uint_eq(hop_data_max(&h), MAX);
        ck_ok(hop_data_sent(&h, env, n % 10 ? MAX : MAX - 20));
    }
    end(&h, env);
}
END_TEST

TESTS("circuit/hop", test_hop_runs_out_and_is_refilled_by_the_right_tags,
      test_hop_early_sendme_is_refused, test_hop_bad_sendmes_are_refused,
      test_hop_deliver_asks_for_a_sendme_each_hundred,
      test_hop_a_bulk_sender_leaves_room_for_random_padding,
      test_hop_short_cells_need_no_shortening)
