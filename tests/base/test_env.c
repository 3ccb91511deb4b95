#include "base/env.h"

#include <string.h>

#include "support/test.h"

/* A random source that gives out prepared values, then zeros. */
struct values {
    const uint64_t *x;
    size_t n, at;
};

static void next_value(void *arg, void *out, size_t len)
{
    struct values *v = arg;
    uint64_t x = v->at < v->n ? v->x[v->at] : 0;
    v->at++;
    ck_assert_uint_eq(len, sizeof x);
    memcpy(out, &x, len);
}

START_TEST(test_env_random_below_draws_again_where_residues_would_be_uneven)
{
    /* 2^64 mod 10 is 6: the values 0 to 5 are one residue class too many. */
    static const uint64_t x[] = {0, 5, 6, 25};
    struct values v = {x, 4, 0};
    struct env env = {.random = next_value, .random_arg = &v};
    ck_assert_uint_eq(env_random_below(&env, 10), 6);
    ck_assert_uint_eq(v.at, 3);
    ck_assert_uint_eq(env_random_below(&env, 10), 5);
}
END_TEST

START_TEST(test_env_random_below_a_power_of_two_takes_the_first_value)
{
    static const uint64_t x[] = {0, UINT64_MAX, 3};
    struct values v = {x, 3, 0};
    struct env env = {.random = next_value, .random_arg = &v};
    ck_assert_uint_eq(env_random_below(&env, 8), 0);
    ck_assert_uint_eq(env_random_below(&env, UINT64_C(1) << 63), (UINT64_C(1) << 63) - 1);
    ck_assert_uint_eq(env_random_below(&env, 1), 0);
    ck_assert_uint_eq(v.at, 3);
}
END_TEST

START_TEST(test_env_random_below_is_spread_evenly)
{
    struct env *env = test_env(5);
    unsigned seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[env_random_below(env, 7)]++;
    for (int i = 0; i < 7; i++) /* 10 standard deviations are 926 */
        ck_assert(seen[i] > 9000 && seen[i] < 11000);
    test_env_free(env);
}
END_TEST

static void sixes(void *arg, void *out, size_t len)
{
    *(size_t *)arg += len;
    memset(out, 6, len);
}

START_TEST(test_env_padding_is_random_unless_it_has_its_own_source)
{
    struct values v = {NULL, 0, 0};
    size_t asked = 0;
    uint8_t out[8] = {1};
    struct env env = {.random = next_value, .random_arg = &v};
    env_padding(&env, out, sizeof out);
    ck_assert_uint_eq(v.at, 1);
    env.padding = sixes;
    env.padding_arg = &asked;
    env_padding(&env, out, sizeof out);
    ck_assert_uint_eq(v.at, 1);
    ck_assert_uint_eq(asked, sizeof out);
    ck_assert_mem_eq(out, "\6\6\6\6\6\6\6\6", 8);
}
END_TEST

START_TEST(test_env_random_fills_what_it_is_given_and_no_more)
{
    struct env *env = test_env(5);
    uint8_t a[40], b[40];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    env_random(env, a, 32);
    env_random(env, b, 32);
    ck_assert_mem_ne(a, b, 32);
    ck_assert_mem_eq(a + 32, "\0\0\0\0\0\0\0\0", 8);
    test_env_free(env);
}
END_TEST

START_TEST(test_env_wall_seconds_are_rounded_down)
{
    struct env env = {.wall_us = 1999999};
    ck_assert_int_eq(env_wall_s(&env), 1);
    env.wall_us = 2000000;
    ck_assert_int_eq(env_wall_s(&env), 2);
}
END_TEST

static void count(void *arg)
{
    ++*(int *)arg;
}

START_TEST(test_env_timers_count_from_the_time_of_the_wake_up)
{
    struct env *env = test_env(1);
    struct timer t;
    int fired = 0;
    timer_init(&t, count, &fired);
    env_arm_ms(env, &t, 5);
    ck_assert_uint_eq(timerq_next(&env->timers), env->mono_us + 5000);
    test_env_advance_ms(env, 4);
    ck_assert_int_eq(fired, 0);
    test_env_advance_ms(env, 1);
    ck_assert_int_eq(fired, 1);
    env_arm_ms(env, &t, 1);
    env_disarm(env, &t);
    env_disarm(env, &t);
    test_env_advance_ms(env, 10);
    ck_assert_int_eq(fired, 1);
    test_env_free(env);
}
END_TEST

START_TEST(test_env_coarse_timers_go_by_a_clock_that_is_behind)
{
    struct env *env = test_env(1);
    struct timer coarse, fine;
    int n_coarse = 0, n_fine = 0;
    timer_init(&coarse, count, &n_coarse);
    timer_init(&fine, count, &n_fine);
    ck_assert_uint_eq(env_next_us(env), TIMER_NEVER);
    env->lag_us = 3000;
    env_arm_coarse_us(env, &coarse, 10000);
    ck_assert_uint_eq(env_next_us(env), env->mono_us + 10000);
    env_arm_ms(env, &fine, 9);
    ck_assert_uint_eq(env_next_us(env), env->mono_us + 9000);
    test_env_advance_ms(env, 9); /* the coarse clock is as far behind as it was */
    ck_assert_int_eq(n_fine, 1);
    ck_assert_int_eq(n_coarse, 0);
    env->lag_us = 2000; /* it has seen the tenth go by */
    env_run_timers(env);
    ck_assert_int_eq(n_coarse, 1);
    env_arm_coarse_us(env, &coarse, 0); /* in the next run */
    env_run_timers(env);
    ck_assert_int_eq(n_coarse, 2);
    env_arm_coarse_us(env, &coarse, 1);
    env_disarm(env, &coarse);
    env_disarm(env, &coarse);
    test_env_advance_ms(env, 10);
    ck_assert_int_eq(n_coarse, 2);
    test_env_free(env);
}
END_TEST

/* ---- clocks ---- */

struct heard {
    unsigned n;
    int64_t seconds;
    bool late;
};

static void hear(void *arg, int64_t seconds, bool late)
{
    struct heard *h = arg;
    h->n++;
    h->seconds = seconds;
    h->late = late;
}

static void nothing(void *arg)
{
    (void)arg;
}

enum { SEC = US_PER_SEC };

/* Both clocks go on by MONO_S and WALL_S; a timer is due after DUE_S (0: none is armed). */
static struct heard heard_after(int64_t mono_s, int64_t wall_s, uint64_t due_s)
{
    struct env *env = test_env(1);
    struct heard h = {0};
    struct clock_watch w = {.jumped = hear, .arg = &h};
    struct timer t;
    timer_init(&t, nothing, NULL);
    env_watch_clocks(env, &w);
    if (due_s)
        env_arm_ms(env, &t, due_s * MS_PER_SEC);
    env_set_clocks(env, env->mono_us + (uint64_t)mono_s * SEC, env->wall_us + wall_s * SEC);
    env_disarm(env, &t);
    env_unwatch_clocks(env, &w);
    test_env_free(env);
    return h;
}

START_TEST(test_env_a_wake_up_that_comes_late_is_a_jump)
{
    struct heard h = heard_after(3600, 3600, 1);
    ck_assert_uint_eq(h.n, 1);
    ck_assert(h.late);
    ck_assert_int_eq(h.seconds, 3600);
    ck_assert_uint_eq(heard_after(101, 101, 1).n, 1);
    ck_assert_uint_eq(heard_after(100, 100, 1).n, 0); /* 99 s late */
}
END_TEST

START_TEST(test_env_a_long_rest_until_the_next_timer_is_none)
{
    ck_assert_uint_eq(heard_after(3600, 3600, 3600).n, 0);
    ck_assert_uint_eq(heard_after(3600, 3600, 0).n, 0);
}
END_TEST

START_TEST(test_env_a_wall_clock_that_is_set_is_a_jump_either_way)
{
    struct heard h = heard_after(1, 101, 1);
    ck_assert_uint_eq(h.n, 1);
    ck_assert(!h.late);
    ck_assert_int_eq(h.seconds, 100);
    h = heard_after(1, -99, 1);
    ck_assert_uint_eq(h.n, 1);
    ck_assert_int_eq(h.seconds, -100);
    /* what NTP does, a step of seconds or a slew over an hour */
    ck_assert_uint_eq(heard_after(1, 100, 1).n, 0);
    ck_assert_uint_eq(heard_after(1, -98, 1).n, 0);
}
END_TEST

START_TEST(test_env_a_sleep_and_a_set_clock_are_told_once)
{
    struct heard h = heard_after(7200, 86400, 1);
    ck_assert_uint_eq(h.n, 1);
    ck_assert(h.late);
}
END_TEST

START_TEST(test_env_the_first_look_at_the_clocks_is_no_jump)
{
    struct env *env = test_env(1);
    struct heard h = {0};
    struct clock_watch w = {.jumped = hear, .arg = &h};
    env->mono_us = 0;
    env->wall_us = 0;
    env_watch_clocks(env, &w);
    env_set_clocks(env, UINT64_C(900000) * SEC, INT64_C(1767225600) * SEC);
    ck_assert_uint_eq(h.n, 0);
    env_unwatch_clocks(env, &w);
    env_unwatch_clocks(env, &w); /* harmless */
    env_set_clocks(env, env->mono_us + 1, env->wall_us + 500 * (int64_t)SEC);
    ck_assert_uint_eq(h.n, 0);
    test_env_free(env);
}
END_TEST

TESTS("base/env", test_env_random_below_draws_again_where_residues_would_be_uneven,
      test_env_random_below_a_power_of_two_takes_the_first_value,
      test_env_random_below_is_spread_evenly, test_env_random_fills_what_it_is_given_and_no_more,
      test_env_padding_is_random_unless_it_has_its_own_source,
      test_env_wall_seconds_are_rounded_down, test_env_timers_count_from_the_time_of_the_wake_up,
      test_env_coarse_timers_go_by_a_clock_that_is_behind,
      test_env_a_wake_up_that_comes_late_is_a_jump,
      test_env_a_long_rest_until_the_next_timer_is_none,
      test_env_a_wall_clock_that_is_set_is_a_jump_either_way,
      test_env_a_sleep_and_a_set_clock_are_told_once,
      test_env_the_first_look_at_the_clocks_is_no_jump)
