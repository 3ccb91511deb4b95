#include "base/ratelim.h"

#include "support/test.h"

START_TEST(test_ratelim_first_passes_and_the_next_waits)
{
    struct env *env = test_env(1);
    struct ratelim r = {0};
    unsigned held = 99;
    ck_assert(ratelim_pass(&r, env, 10, &held));
    ck_assert_uint_eq(held, 0);
    ck_assert(!ratelim_pass(&r, env, 10, &held));
    test_env_advance_ms(env, 9999);
    ck_assert(!ratelim_pass(&r, env, 10, &held));
    test_env_advance_ms(env, 1);
    ck_assert(ratelim_pass(&r, env, 10, &held));
    ck_assert_uint_eq(held, 2);
    test_env_free(env);
}
END_TEST

START_TEST(test_ratelim_count_of_those_held_back_begins_anew)
{
    struct env *env = test_env(1);
    struct ratelim r = {0};
    unsigned held;
    ck_assert(ratelim_pass(&r, env, 1, &held));
    ck_assert(!ratelim_pass(&r, env, 1, &held));
    test_env_advance_ms(env, 1000);
    ck_assert(ratelim_pass(&r, env, 1, &held));
    ck_assert_uint_eq(held, 1);
    test_env_advance_ms(env, 5000);
    ck_assert(ratelim_pass(&r, env, 1, &held));
    ck_assert_uint_eq(held, 0);
    test_env_free(env);
}
END_TEST

START_TEST(test_ratelim_passes_at_time_zero)
{
    struct env env = {.mono_us = 0};
    struct ratelim r = {0};
    unsigned held;
    ck_assert(ratelim_pass(&r, &env, 1, &held));
    ck_assert(!ratelim_pass(&r, &env, 1, &held));
}
END_TEST

START_TEST(test_ratelim_long_intervals_do_not_wrap)
{
    struct env env = {.mono_us = 0};
    struct ratelim r = {0};
    unsigned held;
    ck_assert(ratelim_pass(&r, &env, 86400, &held)); /* 86400 s are more than 2^32 us */
    env.mono_us = 86399 * (uint64_t)US_PER_SEC;
    ck_assert(!ratelim_pass(&r, &env, 86400, &held));
    env.mono_us += US_PER_SEC;
    ck_assert(ratelim_pass(&r, &env, 86400, &held));
}
END_TEST

TESTS("base/ratelim", test_ratelim_first_passes_and_the_next_waits,
      test_ratelim_count_of_those_held_back_begins_anew, test_ratelim_passes_at_time_zero,
      test_ratelim_long_intervals_do_not_wrap)
