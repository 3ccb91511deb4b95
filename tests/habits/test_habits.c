/* A thousand seeded draws of each time, against the formula of C tor. */
#include "habits/habits.h"

#include <stdlib.h>

#include "support/test.h"

enum { DRAWS = 1000, BINS = 10 };

struct draws {
    struct env *env;
    uint64_t x[DRAWS];
};

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void draw(struct draws *d, uint64_t (*fn)(struct env *env, const void *arg), const void *arg)
{
    d->env = test_env(4711);
    for (size_t i = 0; i < DRAWS; i++)
        d->x[i] = fn(d->env, arg);
    qsort(d->x, DRAWS, sizeof d->x[0], ascending);
    test_env_free(d->env);
}

/* Every draw is in [LOW, HIGH), the whole of it is used, and the bins of CDF (of x from 0 to 1) are
 * as full as they should be: chi-square with 9 degrees of freedom is over 27.9 once in a thousand
 * seeds, and this is one seed. */
static void check_spread(const struct draws *d, uint64_t low, uint64_t high, double (*cdf)(double))
{
    double chi = 0;
    ck_assert_uint_ge(d->x[0], low);
    ck_assert_uint_lt(d->x[DRAWS - 1], high);
    uint64_t whole = high - low;
    for (unsigned b = 0; b < BINS; b++) {
        uint64_t from = low + whole * b / BINS, to = low + whole * (b + 1) / BINS, n = 0;
        for (size_t i = 0; i < DRAWS; i++)
            n += d->x[i] >= from && d->x[i] < to;
        double want = DRAWS * (cdf((double)(to - low) / (double)whole) -
                               cdf((double)(from - low) / (double)whole));
        chi += ((double)n - want) * ((double)n - want) / want;
    }
    ck_assert_double_lt(chi, 27.9);
}

static double uniform(double x)
{
    return x;
}

static double greater_of_two(double x)
{
    return x * x;
}

static const struct habits plain = {.conntimeout_s = HABITS_CONNTIMEOUT_S};
static const struct habits reduced = {.conntimeout_s = HABITS_CONNTIMEOUT_S, .reduced = true};
static const struct habits asked = {
    .conntimeout_s = HABITS_CONNTIMEOUT_S, .circuits_available_s = 600, .reduced = true};

static uint64_t link_idle(struct env *env, const void *h)
{
    return habits_link_idle_s(h, env);
}

START_TEST(test_habits_link_rests_as_tors)
{
    struct draws d;
    draw(&d, link_idle, &plain); /* 180 + crypto_rand_int(180/2) */
    check_spread(&d, 180, 270, uniform);
    draw(&d, link_idle, &reduced); /* timeout /= 2 */
    check_spread(&d, 90, 135, uniform);
    draw(&d, link_idle, &asked); /* not if CircuitsAvailableTimeout is set */
    check_spread(&d, 180, 270, uniform);
}
END_TEST

static uint64_t predict(struct env *env, const void *h)
{
    return habits_predict_s(h, env);
}

START_TEST(test_habits_ports_are_predicted_as_long_as_tors)
{
    struct draws d;
    struct habits short_ones = {.conntimeout_s = HABITS_CONNTIMEOUT_LEAST_S};
    draw(&d, predict, &plain); /* timeout + crypto_rand_int(timeout) */
    check_spread(&d, 1800, 3600, uniform);
    draw(&d, predict, &reduced);
    check_spread(&d, 900, 1800, uniform);
    draw(&d, predict, &asked); /* the user's value is not halved */
    check_spread(&d, 600, 1200, uniform);
    draw(&d, predict, &short_ones);
    check_spread(&d, 60, 120, uniform);
}
END_TEST

static uint64_t circuit_idle(struct env *env, const void *left_s)
{
    return habits_circuit_idle_s(env, *(const uint32_t *)left_s);
}

START_TEST(test_habits_clean_circuits_outlast_the_prediction_by_a_twentieth_at_most)
{
    struct draws d;
    uint32_t left_s = 3599, none = 0;
    draw(&d, circuit_idle, &left_s); /* left + 1 + crypto_rand_int(1 + left/20) */
    check_spread(&d, 3600, 3600 + 180, uniform);
    draw(&d, circuit_idle, &none);
    ck_assert_uint_eq(d.x[0], 1);
    ck_assert_uint_eq(d.x[DRAWS - 1], 1);
}
END_TEST

START_TEST(test_habits_looks_at_old_circuits_a_second_late)
{
    ck_assert_uint_eq(habits_expire_s(30), 31);
    ck_assert_uint_eq(habits_expire_s(UINT32_MAX), UINT64_C(4294967296));
}
END_TEST

/* From some moment to the look that sees 300 s of it gone; then looks follow each other by 300 s.
 */
static uint64_t seen(struct env *env, const void *arg)
{
    (void)arg;
    uint32_t point_us = (uint32_t)env_random_below(env, US_PER_SEC);
    test_env_advance_ms(env, env_random_below(env, 5000));
    uint64_t since_us = env->mono_us - env_random_below(env, 900000);
    uint64_t at_us = habits_seen_us(env, since_us, 300, point_us);
    ck_assert_uint_eq(habits_seen_us(env, at_us, 300, point_us), at_us + 300 * US_PER_SEC);
    return at_us - since_us;
}

START_TEST(test_habits_whole_seconds_are_seen_at_a_look)
{
    struct draws d;
    draw(&d, seen, NULL); /* 300 s, and the difference of two places in a second */
    ck_assert_uint_gt(d.x[0], 299 * US_PER_SEC);
    ck_assert_uint_lt(d.x[DRAWS - 1], 301 * US_PER_SEC);
    ck_assert_uint_gt(d.x[DRAWS / 2], 300 * US_PER_SEC - 100000);
    ck_assert_uint_lt(d.x[DRAWS / 2], 300 * US_PER_SEC + 100000);
    struct env *env = test_env(1);
    ck_assert_uint_eq(habits_seen_us(env, env->mono_us, 0, 0), env->mono_us);
    test_env_free(env);
}
END_TEST

static uint64_t padding(struct env *env, const void *arg)
{
    const unsigned *range = arg;
    return habits_padding_ms(env, range[0], range[1]);
}

START_TEST(test_habits_padding_is_the_greater_of_two)
{
    struct draws d;
    const unsigned usual[] = {1500, 9500}, low[] = {9000, 14000}, none[] = {3000, 3000};
    draw(&d, padding, usual);
    check_spread(&d, 1500, 9500, greater_of_two);
    draw(&d, padding, low);
    check_spread(&d, 9000, 14000, greater_of_two);
    draw(&d, padding, none); /* "No randomization" */
    ck_assert_uint_eq(d.x[0], 3000);
    ck_assert_uint_eq(d.x[DRAWS - 1], 3000);
}
END_TEST

static uint64_t refresh(struct env *env, const void *arg)
{
    const int64_t *dates = arg;
    return (uint64_t)habits_refresh_s(env, dates[0], dates[1], dates[2]);
}

START_TEST(test_habits_consensus_is_replaced_when_tor_does)
{
    struct draws d;
    const int64_t hourly[] = {100000, 103600, 110800}, fast[] = {100, 102, 106},
                  at_once[] = {100, 101, 102};
    draw(&d, refresh, hourly); /* from 45 min past fresh_until, 7/8 of what is left */
    check_spread(&d, 106300, 106300 + 3937, uniform);
    draw(&d, refresh, fast);
    ck_assert_uint_ge(d.x[0], 103);
    ck_assert_uint_lt(d.x[DRAWS - 1], 106);
    draw(&d, refresh, at_once);
    ck_assert_uint_eq(d.x[0], 100);
    ck_assert_uint_lt(d.x[DRAWS - 1], 102);
}
END_TEST

static uint64_t refresh_early(struct env *env, const void *arg)
{
    const int64_t *dates = arg;
    return (uint64_t)habits_refresh_early_s(env, dates[0], dates[1], dates[2]);
}

static uint64_t refresh_extra_early(struct env *env, const void *arg)
{
    const int64_t *dates = arg;
    return (uint64_t)habits_refresh_extra_early_s(env, dates[0], dates[1], dates[2]);
}

START_TEST(test_habits_consensus_is_replaced_early_when_the_user_wants_that)
{
    struct draws d;
    const int64_t hourly[] = {100000, 103600, 110800}, fast[] = {100, 120, 160};
    draw(&d, refresh_early, hourly); /* two minutes past fresh_until, half an interval */
    check_spread(&d, 103720, 103720 + 1800, uniform);
    draw(&d, refresh_extra_early, hourly);
    check_spread(&d, 103720, 103720 + 60, uniform);
    draw(&d, refresh_early, fast); /* a sixteenth of an interval */
    check_spread(&d, 121, 131, uniform);
    draw(&d, refresh_extra_early, fast);
    check_spread(&d, 121, 131, uniform);
}
END_TEST

static uint64_t retry(struct env *env, const void *last_ms)
{
    return habits_retry_ms(env, *(const uint64_t *)last_ms, 1000);
}

START_TEST(test_habits_failures_wait_up_to_three_times_as_long)
{
    struct draws d;
    uint64_t first = 0, second = 1000, later = 40000;
    draw(&d, retry, &first);
    ck_assert_uint_eq(d.x[0], 1000);
    ck_assert_uint_eq(d.x[DRAWS - 1], 1000);
    draw(&d, retry, &second);
    unsigned twos = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        ck_assert(d.x[i] == 1000 || d.x[i] == 2000);
        twos += d.x[i] == 2000;
    }
    ck_assert_uint_gt(twos, DRAWS * 2 / 5);
    ck_assert_uint_lt(twos, DRAWS * 3 / 5);
    draw(&d, retry, &later);
    check_spread(&d, 1000, 120000, uniform);
    struct env *env = test_env(1);
    ck_assert_uint_ge(habits_retry_ms(env, UINT64_MAX, 1000), 1000);
    test_env_free(env);
}
END_TEST

START_TEST(test_habits_guards_are_tried_again_when_tors_are)
{
    const uint64_t hour = 3600;
    ck_assert_uint_eq(habits_guard_retry_s(0, true), 10 * 60);
    ck_assert_uint_eq(habits_guard_retry_s(6 * hour, true), 10 * 60);
    ck_assert_uint_eq(habits_guard_retry_s(6 * hour + 1, true), 90 * 60);
    ck_assert_uint_eq(habits_guard_retry_s(96 * hour + 1, true), 4 * 3600);
    ck_assert_uint_eq(habits_guard_retry_s(168 * hour + 1, true), 9 * 3600);
    ck_assert_uint_eq(habits_guard_retry_s(0, false), 3600);
    ck_assert_uint_eq(habits_guard_retry_s(6 * hour + 1, false), 4 * 3600);
    ck_assert_uint_eq(habits_guard_retry_s(96 * hour + 1, false), 18 * 3600);
    ck_assert_uint_eq(habits_guard_retry_s(UINT64_MAX, false), 36 * 3600);
}
END_TEST

/* diff = CEIL_DIV(nsec, ONE_MILLION); at once if it is no less than the interval. */
START_TEST(test_habits_cells_wait_for_what_has_not_begun_of_two_ms)
{
    struct habits h = {.write_every_ms = 2};
    struct env *env = test_env(1);
    env->mono_us = 1000000;
    ck_assert_uint_eq(habits_write_us(&h, env, 0), 0);
    ck_assert_uint_eq(habits_write_us(&h, env, 998000), 0);
    ck_assert_uint_eq(habits_write_us(&h, env, 998999), 0);
    ck_assert_uint_eq(habits_write_us(&h, env, 999000), 1000);
    ck_assert_uint_eq(habits_write_us(&h, env, 999999), 1000);
    ck_assert_uint_eq(habits_write_us(&h, env, 1000000), 2000);
    h.write_every_ms = 100;
    ck_assert_uint_eq(habits_write_us(&h, env, 900999), 0);
    ck_assert_uint_eq(habits_write_us(&h, env, 960500), 60000);
    test_env_free(env);
}
END_TEST

START_TEST(test_habits_seconds_are_counted_by_their_numbers)
{
    struct env *env = test_env(1);
    env->wall_us = INT64_C(1700000011200000);
    ck_assert_uint_eq(habits_counted_s(env, env->mono_us), 0);
    ck_assert_uint_eq(habits_counted_s(env, env->mono_us - 300000), 1);
    ck_assert_uint_eq(habits_counted_s(env, env->mono_us - 10040000), 10);
    ck_assert_uint_eq(habits_counted_s(env, env->mono_us - 10300000), 11);
    test_env_free(env);
}
END_TEST

TESTS("habits/habits", test_habits_cells_wait_for_what_has_not_begun_of_two_ms,
      test_habits_seconds_are_counted_by_their_numbers, test_habits_link_rests_as_tors,
      test_habits_ports_are_predicted_as_long_as_tors,
      test_habits_clean_circuits_outlast_the_prediction_by_a_twentieth_at_most,
      test_habits_looks_at_old_circuits_a_second_late, test_habits_whole_seconds_are_seen_at_a_look,
      test_habits_padding_is_the_greater_of_two, test_habits_consensus_is_replaced_when_tor_does,
      test_habits_consensus_is_replaced_early_when_the_user_wants_that,
      test_habits_failures_wait_up_to_three_times_as_long,
      test_habits_guards_are_tried_again_when_tors_are)
