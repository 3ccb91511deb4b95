#include "base/bucket.h"

#include "base/env.h"
#include "support/test.h"

enum { STEP_US = 100 * US_PER_MS };

START_TEST(test_bucket_fills_by_its_rate_in_steps_up_to_its_burst)
{
    struct bucket b;
    bucket_init(&b, 1000, 1500, STEP_US, 5);
    ck_assert_uint_eq(bucket_look(&b, 5), 1500);
    bucket_take(&b, 1500);
    ck_assert_uint_eq(bucket_look(&b, 5 + STEP_US - 1), 0);
    ck_assert_uint_eq(bucket_next_us(&b), 5 + STEP_US);
    ck_assert_uint_eq(bucket_look(&b, 5 + STEP_US), 100);
    ck_assert_uint_eq(bucket_look(&b, 5 + 3 * STEP_US + 7), 300);
    ck_assert_uint_eq(bucket_look(&b, 5 + 4 * STEP_US), 400);
    ck_assert_uint_eq(bucket_look(&b, 5 + 1000 * (uint64_t)STEP_US), 1500);
    ck_assert_uint_eq(bucket_look(&b, UINT64_MAX - US_PER_SEC), 1500);
}
END_TEST

START_TEST(test_bucket_loses_no_part_of_a_byte)
{
    struct bucket b;
    bucket_init(&b, 15, 1000, STEP_US, 0);
    bucket_take(&b, 1000);
    uint64_t got = 0;
    for (uint64_t now = 0; now <= 10 * US_PER_SEC; now += STEP_US) {
        uint64_t left = bucket_look(&b, now);
        bucket_take(&b, left);
        got += left;
    }
    ck_assert_uint_eq(got, 150);
}
END_TEST

START_TEST(test_bucket_next_is_when_there_is_more)
{
    static const uint64_t rates[] = {0, 1, 3, 9, 10, 11, 1000, 1u << 31};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct bucket b;
        bucket_init(&b, rates[i], 1, STEP_US, 0);
        bucket_take(&b, 1);
        uint64_t next = bucket_next_us(&b);
        ck_assert_uint_eq(bucket_look(&b, next - 1), 0);
        ck_assert_uint_eq(bucket_look(&b, next), 1);
    }
}
END_TEST

START_TEST(test_bucket_changes_what_is_left_only_to_the_new_burst)
{
    struct bucket b;
    bucket_init(&b, 1000, 1000, STEP_US, 0);
    bucket_take(&b, 900);
    bucket_change(&b, 10000, 2000, STEP_US, STEP_US);
    ck_assert_uint_eq(bucket_look(&b, STEP_US), 200);
    ck_assert_uint_eq(bucket_look(&b, 2 * STEP_US), 1200);
    bucket_change(&b, 10, 50, STEP_US / 2, 2 * STEP_US);
    ck_assert_uint_eq(bucket_look(&b, 2 * STEP_US), 50);
}
END_TEST

TESTS("base/bucket", test_bucket_fills_by_its_rate_in_steps_up_to_its_burst,
      test_bucket_loses_no_part_of_a_byte, test_bucket_next_is_when_there_is_more,
      test_bucket_changes_what_is_left_only_to_the_new_burst)
