#include "base/sets.h"

#include "support/test.h"

enum { N = 64 };

static void begin(uint32_t *set)
{
    for (uint32_t i = 0; i < N; i++)
        set[i] = i;
}

START_TEST(test_sets_first_of_each_stands_for_it)
{
    uint32_t set[N];
    begin(set);
    for (uint32_t i = 0; i < N; i++)
        ck_assert_uint_eq(sets_first(set, i), i);
    sets_join(set, 9, 4);
    sets_join(set, 7, 9);
    ck_assert_uint_eq(sets_first(set, 9), 4);
    ck_assert_uint_eq(sets_first(set, 7), 4);
    ck_assert_uint_eq(sets_first(set, 5), 5);
    sets_join(set, 2, 7);
    ck_assert_uint_eq(sets_first(set, 9), 2);
    sets_join(set, 9, 2); /* already one */
    ck_assert_uint_eq(sets_first(set, 4), 2);
}
END_TEST

/* Whatever the order, odd numbers are one set and even ones another. */
START_TEST(test_sets_order_does_not_matter)
{
    uint32_t set[N];
    begin(set);
    for (uint32_t k = 0; k < N; k++) {
        uint32_t i = (k * 37 + 11) % N;
        if (i >= 2)
            sets_join(set, i, i - 2);
    }
    for (uint32_t i = 0; i < N; i++)
        ck_assert_uint_eq(sets_first(set, i), i % 2);
}
END_TEST

TESTS("base/sets", test_sets_first_of_each_stands_for_it, test_sets_order_does_not_matter)
