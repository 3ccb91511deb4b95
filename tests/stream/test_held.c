#include "stream/held.h"

#include <string.h>

#include "support/test.h"

static void add(struct held *h, uint64_t seq, size_t len)
{
    uint8_t data[RELAY_DATA_MAX];
    memset(data, (int)(seq & 0xff), sizeof data);
    const struct relay_msg msg = {
        .cmd = RELAY_DATA, .stream_id = (uint16_t)(seq * 7), .data = data, .len = len};
    ck_ok(held_add(h, seq, &msg));
}

static void take(struct held *h, uint64_t seq, size_t len)
{
    struct relay_msg msg;
    ck_assert_uint_eq(held_first(h), seq);
    held_take(h, &msg);
    ck_assert_uint_eq(msg.cmd, RELAY_DATA);
    ck_assert_uint_eq(msg.stream_id, (uint16_t)(seq * 7));
    ck_assert_uint_eq(msg.len, len);
    for (size_t i = 0; i < len; i++)
        ck_assert_uint_eq(msg.data[i], seq & 0xff);
}

START_TEST(test_held_gives_back_what_it_got_in_order)
{
    struct held h = {0};
    size_t bytes = 0;
    ck_assert_uint_eq(held_first(&h), 0);
    for (uint64_t i = 1; i <= 500; i++) { /* over many chunks */
        add(&h, i * 3, i % (RELAY_DATA_MAX + 1));
        bytes += held_cost(i % (RELAY_DATA_MAX + 1));
        ck_assert_uint_eq(h.bytes, bytes);
    }
    for (uint64_t i = 1; i <= 500; i++)
        take(&h, i * 3, i % (RELAY_DATA_MAX + 1));
    ck_assert_uint_eq(h.bytes, 0);
    ck_assert_uint_eq(held_first(&h), 0);
    held_free(&h);
}
END_TEST

/* What was taken is a view until the next one is. */
START_TEST(test_held_last_one_taken_can_be_read_when_it_is_empty)
{
    struct held h = {0};
    struct relay_msg msg;
    for (uint64_t round = 1; round < 100; round++) {
        add(&h, round, 498);
        held_take(&h, &msg);
        ck_assert_uint_eq(held_first(&h), 0);
        ck_assert_uint_eq(msg.data[497], round & 0xff);
    }
    held_free(&h);
}
END_TEST

START_TEST(test_held_fills_and_empties_again_and_again)
{
    struct held h = {0};
    uint64_t in = 1, out = 1;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 40 + round; i++)
            add(&h, in++, 498);
        for (unsigned i = 0; i < 40; i++)
            take(&h, out++, 498);
    }
    while (out < in)
        take(&h, out++, 498);
    ck_assert_uint_eq(h.bytes, 0);
    held_free(&h);
    ck_assert_ptr_null(h.first);
}
END_TEST

START_TEST(test_held_chunks_are_counted_until_they_are_freed)
{
    struct buf_tally tally = {0};
    struct held h = {.tally = &tally};
    for (uint64_t i = 1; i <= 100; i++)
        add(&h, i, 498);
    size_t most = tally.held;
    ck_assert_uint_ge(most, h.bytes);
    for (uint64_t i = 1; i <= 50; i++)
        take(&h, i, 498);
    ck_assert_uint_lt(tally.held, most);
    ck_assert_uint_ge(tally.held, h.bytes);
    held_free(&h);
    ck_assert_uint_eq(tally.held, 0);
    ck_assert_uint_eq(tally.given_back, most);
    add(&h, 1, 1);
    ck_assert_uint_gt(tally.held, 0); /* it goes on counting */
    held_free(&h);
}
END_TEST

TESTS("stream/held", test_held_gives_back_what_it_got_in_order,
      test_held_last_one_taken_can_be_read_when_it_is_empty,
      test_held_fills_and_empties_again_and_again,
      test_held_chunks_are_counted_until_they_are_freed)
