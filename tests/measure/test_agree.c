#include "measure/agree.h"

#include "support/test.h"

START_TEST(test_agree_one_that_always_disagrees_is_named)
{
    struct agree a = {.n = 0};
    for (unsigned i = 0; i < 12; i++) {
        /* Two of one size, a third of half that: m2 has a slow line. */
        agree_add(&a, "m1", 200, 500, 440 + i, 1000);
        agree_add(&a, "m2", 200, 500, 180 + i, 1000);
        agree_add(&a, "m3", 100, 500, 380 - 2 * i, 1000);
    }
    ck_assert(!agree_is_odd(&a, "m1"));
    ck_assert(agree_is_odd(&a, "m2"));
    ck_assert(agree_is_odd(&a, "m3")); /* it boasts: nearly twice its part */
    ck_assert_uint_ge(agree_percent(&a, "m1"), 105);
    ck_assert_uint_le(agree_percent(&a, "m2"), 50);
    ck_assert(!agree_is_odd(&a, "nobody"));
}
END_TEST

START_TEST(test_agree_few_runs_say_nothing)
{
    struct agree a = {.n = 0};
    for (unsigned i = 0; i < AGREE_LEAST - 1; i++)
        agree_add(&a, "m1", 1, 2, 1, 100);
    ck_assert(!agree_is_odd(&a, "m1"));
    ck_assert_uint_eq(agree_percent(&a, "m1"), 0);
    agree_add(&a, "m1", 0, 2, 1, 100);
    agree_add(&a, "m1", 1, 2, 0, 0);
    ck_assert(!agree_is_odd(&a, "m1"));
    agree_add(&a, "m1", 1, 2, 1, 100);
    ck_assert(agree_is_odd(&a, "m1"));
}
END_TEST

/* Once it is well again, that is forgotten. */
START_TEST(test_agree_the_newest_count)
{
    struct agree a = {.n = 0};
    for (unsigned i = 0; i < AGREE_RUNS; i++)
        agree_add(&a, "m1", 1, 2, 1, 100);
    ck_assert(agree_is_odd(&a, "m1"));
    for (unsigned i = 0; i < 3; i++)
        agree_add(&a, "m1", 1, 2, 50, 100);
    ck_assert(!agree_is_odd(&a, "m1"));
}
END_TEST

TESTS("measure/agree", test_agree_one_that_always_disagrees_is_named,
      test_agree_few_runs_say_nothing, test_agree_the_newest_count)
