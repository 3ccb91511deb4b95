#include "base/pace.h"

#include "support/test.h"

static unsigned acted;

static void act(void *arg)
{
    (void)arg;
    acted++;
}

static struct env *setup(struct pace *p)
{
    struct env *env = test_env(1);
    acted = 0;
    pace_init(p, env, act, NULL);
    return env;
}

START_TEST(test_pace_first_after_a_pause_leaves_at_once)
{
    struct pace p;
    struct env *env = setup(&p);
    for (int i = 0; i < 3; i++) {
        ck_assert(pace_is_open(&p));
        ck_assert(pace_is_open(&p)); /* of the same wake-up */
        test_env_advance_ms(env, PACE_MS);
    }
    ck_assert_uint_eq(acted, 0);
    pace_end(&p);
    test_env_free(env);
}
END_TEST

START_TEST(test_pace_what_follows_leaves_together_and_in_time)
{
    struct pace p;
    struct env *env = setup(&p);
    ck_assert(pace_is_open(&p));
    for (unsigned round = 1; round <= 3; round++) { /* also behind what has waited */
        test_env_advance_ms(env, 1);
        ck_assert(!pace_is_open(&p));
        test_env_advance_ms(env, PACE_MS - 2);
        ck_assert(!pace_is_open(&p));
        ck_assert_uint_eq(acted, round - 1);
        test_env_advance_ms(env, 1);
        ck_assert_uint_eq(acted, round);
        if (round == 2)
            ck_assert(pace_is_open(&p)); /* it leaves, too */
    }
    test_env_advance_ms(env, 1000); /* nothing waits: nobody is woken */
    ck_assert_uint_eq(acted, 3);
    pace_end(&p);
    test_env_free(env);
}
END_TEST

START_TEST(test_pace_late_wake_up_needs_no_act_of_its_own)
{
    struct pace p;
    struct env *env = setup(&p);
    ck_assert(pace_is_open(&p));
    env->mono_us += 1000;
    ck_assert(!pace_is_open(&p));
    env->mono_us += PACE_MS * (uint64_t)US_PER_MS;
    ck_assert(pace_is_open(&p));
    ck_assert(pace_is_open(&p));
    env_run_timers(env);
    ck_assert_uint_eq(acted, 1);
    test_env_free(env);
}
END_TEST

START_TEST(test_pace_at_its_end_wakes_nobody)
{
    struct pace p;
    struct env *env = setup(&p);
    ck_assert(pace_is_open(&p));
    test_env_advance_ms(env, 1);
    ck_assert(!pace_is_open(&p));
    pace_end(&p);
    test_env_advance_ms(env, 1000);
    ck_assert_uint_eq(acted, 0);
    test_env_free(env);
}
END_TEST

TESTS("base/pace", test_pace_first_after_a_pause_leaves_at_once,
      test_pace_what_follows_leaves_together_and_in_time,
      test_pace_late_wake_up_needs_no_act_of_its_own, test_pace_at_its_end_wakes_nobody)
