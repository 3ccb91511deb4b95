#include <stdlib.h>
#include <string.h>

#include "dir/netdir.h"
#include "dir/weight.h"
#include "support/test.h"

static struct consensus with_weights(int32_t each)
{
    struct consensus c = {0};
    for (size_t i = 0; i < DIR_WEIGHT_N; i++)
        c.weights[i] = each;
    return c;
}

static struct router relay(unsigned flags, uint32_t bandwidth)
{
    return (struct router){.flags = (uint16_t)flags, .bandwidth = bandwidth};
}

static uint64_t weigh(const struct consensus *c, enum weight_for position, unsigned flags)
{
    struct weights w;
    struct router r = relay(flags, 1);
    weights_init(&w, c, position);
    return weights_of(&w, &r);
}

START_TEST(test_weight_each_position_has_its_weights)
{
    struct consensus c = with_weights(0);
    static const struct {
        enum weight_for position;
        enum dir_weight plain, exit, guard, both;
    } table[] = {
        {WEIGHT_FOR_MIDDLE, DIR_Wmm, DIR_Wme, DIR_Wmg, DIR_Wmd},
        {WEIGHT_FOR_EXIT, DIR_Wem, DIR_Wee, DIR_Weg, DIR_Wed},
        {WEIGHT_FOR_DIR, DIR_Wbm, DIR_Wbe, DIR_Wbg, DIR_Wbd},
    };
    for (size_t i = 0; i < 3; i++) {
        c.weights[table[i].plain] = 1;
        c.weights[table[i].exit] = 20;
        c.weights[table[i].guard] = 300;
        c.weights[table[i].both] = 4000;
        ck_assert_uint_eq(weigh(&c, table[i].position, 0), 1);
        ck_assert_uint_eq(weigh(&c, table[i].position, ROUTER_EXIT), 20);
        ck_assert_uint_eq(weigh(&c, table[i].position, ROUTER_GUARD), 300);
        ck_assert_uint_eq(weigh(&c, table[i].position, ROUTER_EXIT | ROUTER_GUARD), 4000);
        /* Like tor: a BadExit weighs as if it were none. */
        ck_assert_uint_eq(weigh(&c, table[i].position, ROUTER_EXIT | ROUTER_BADEXIT), 1);
    }
    c.weights[DIR_Wgm] = 5;
    c.weights[DIR_Wgg] = 6;
    c.weights[DIR_Wgd] = 7;
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_GUARD, 0), 5);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_GUARD, ROUTER_EXIT), 0);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_GUARD, ROUTER_GUARD), 6);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_GUARD, ROUTER_GUARD | ROUTER_EXIT), 7);
}
END_TEST

START_TEST(test_weight_caches_are_weighed_twice_but_for_directories)
{
    struct consensus c = with_weights(10000);
    c.weights[DIR_Wmb] = 5000;
    c.weights[DIR_Web] = 2500;
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_MIDDLE, ROUTER_V2DIR), 5000);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_MIDDLE, 0), 10000);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_EXIT, ROUTER_V2DIR | ROUTER_EXIT), 2500);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_DIR, ROUTER_V2DIR), 10000);
}
END_TEST

START_TEST(test_weight_missing_one_makes_all_equal)
{
    struct consensus c = with_weights(0);
    c.weights[DIR_Wmd] = -1;
    for (unsigned flags = 0; flags < 1u << ROUTER_FLAG_N; flags++)
        ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_MIDDLE, flags), 1);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_EXIT, 0), 0); /* needs no Wmd */
    ck_assert_uint_eq(weigh(NULL, WEIGHT_FOR_EXIT, 0), 1);
    c.weights[DIR_Wgb] = -1;
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_EXIT, 0), 1);
    ck_assert_uint_eq(weigh(&c, WEIGHT_FOR_DIR, 0), 0); /* needs no Wgb */
}
END_TEST

START_TEST(test_weight_sum_of_a_full_consensus_cannot_overflow)
{
    struct dir_param scale = {(char[]){"bwweightscale"}, INT32_MAX};
    struct consensus c = with_weights(INT32_MAX);
    struct weights w;
    struct router r = relay(ROUTER_GUARD | ROUTER_EXIT | ROUTER_V2DIR, UINT32_MAX);
    for (int scaled = 0; scaled < 2; scaled++) {
        c.params = &scale;
        c.n_params = (size_t)scaled;
        weights_init(&w, &c, WEIGHT_FOR_MIDDLE);
        ck_assert_uint_gt(weights_of(&w, &r), 0);
        ck_assert_uint_le(weights_of(&w, &r), UINT64_MAX / CONSENSUS_RELAYS_MAX);
    }
}
END_TEST

enum { KINDS = 8, DRAWS = 200000 };

/* Chi-square over eight kinds of relay: 7 degrees of freedom, 0.1% point 24.3; the seed is fixed.
 */
START_TEST(test_weight_choice_follows_the_weights)
{
    struct env *env = test_env(99);
    struct consensus c = with_weights(10000);
    struct router relays[KINDS];
    const struct router *list[KINDS];
    struct weights w;
    size_t drawn[KINDS] = {0};
    c.weights[DIR_Wmg] = 4000;
    c.weights[DIR_Wme] = 2000;
    c.weights[DIR_Wmd] = 1000;
    static const unsigned flags[4] = {0, ROUTER_GUARD, ROUTER_EXIT, ROUTER_GUARD | ROUTER_EXIT};
    static const double factor[4] = {1, 0.4, 0.2, 0.1};
    double sum = 0, chi2 = 0;
    for (size_t i = 0; i < KINDS; i++) {
        relays[i] = relay(flags[i % 4], i < 4 ? 500 : 1700);
        list[i] = &relays[i];
        sum += relays[i].bandwidth * factor[i % 4];
    }
    weights_init(&w, &c, WEIGHT_FOR_MIDDLE);
    for (size_t i = 0; i < DRAWS; i++)
        drawn[weights_choose(&w, env, list, KINDS) - relays]++;
    for (size_t i = 0; i < KINDS; i++) {
        double want = DRAWS * relays[i].bandwidth * factor[i % 4] / sum;
        chi2 += ((double)drawn[i] - want) * ((double)drawn[i] - want) / want;
    }
    ck_assert_double_lt(chi2, 24.3);
    test_env_free(env);
}
END_TEST

START_TEST(test_weight_all_zero_is_uniform)
{
    struct env *env = test_env(5);
    struct consensus c = with_weights(0);
    struct router relays[KINDS];
    const struct router *list[KINDS];
    struct weights w;
    size_t drawn[KINDS] = {0};
    double chi2 = 0;
    for (size_t i = 0; i < KINDS; i++) {
        relays[i] = relay(0, (uint32_t)(i * 1000));
        list[i] = &relays[i];
    }
    weights_init(&w, &c, WEIGHT_FOR_EXIT);
    for (size_t i = 0; i < DRAWS; i++)
        drawn[weights_choose(&w, env, list, KINDS) - relays]++;
    for (size_t i = 0; i < KINDS; i++) {
        double want = DRAWS / (double)KINDS;
        chi2 += ((double)drawn[i] - want) * ((double)drawn[i] - want) / want;
    }
    ck_assert_double_lt(chi2, 24.3);
    test_env_free(env);
}
END_TEST

START_TEST(test_weight_nobody_and_nothing)
{
    struct env *env = test_env(5);
    struct consensus c = with_weights(10000);
    struct weights w;
    struct router heavy = relay(0, 10), none = relay(0, 0);
    const struct router *list[2] = {&none, &heavy};
    weights_init(&w, &c, WEIGHT_FOR_EXIT);
    ck_assert_ptr_null(weights_choose(&w, env, list, 0));
    for (size_t i = 0; i < 1000; i++)
        ck_assert_ptr_eq(weights_choose(&w, env, list, 2), &heavy);
    test_env_free(env);
}
END_TEST

TESTS("dir/weight", test_weight_each_position_has_its_weights,
      test_weight_caches_are_weighed_twice_but_for_directories,
      test_weight_missing_one_makes_all_equal, test_weight_sum_of_a_full_consensus_cannot_overflow,
      test_weight_choice_follows_the_weights, test_weight_all_zero_is_uniform,
      test_weight_nobody_and_nothing)
