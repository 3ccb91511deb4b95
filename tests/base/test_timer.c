#include "support/test.h"

#include <string.h>

struct note {
    struct timer timer;
    struct env *env;
    char name;
    struct note *arm, *disarm;
};

static char order[64];

static void fire(void *arg)
{
    struct note *n = arg;
    size_t len = strlen(order);
    order[len] = n->name;
    order[len + 1] = 0;
    if (n->arm)
        env_arm_ms(n->env, &n->arm->timer, 0);
    if (n->disarm)
        env_disarm(n->env, &n->disarm->timer);
}

static struct note note(struct env *env, char name)
{
    struct note n = {.env = env, .name = name};
    return n;
}

static void arm(struct note *n, uint64_t ms)
{
    timer_init(&n->timer, fire, n);
    env_arm_ms(n->env, &n->timer, ms);
}

START_TEST(test_timer_fires_in_order_of_deadline)
{
    struct env *env = test_env(1);
    struct note notes[26];
    order[0] = 0;
    for (size_t i = 0; i < 26; i++) {
        notes[i] = note(env, (char)('a' + i));
        arm(&notes[i], (i * 7) % 26 * 10);
    }
    test_env_advance_ms(env, 1000);
    ck_assert_str_eq(order, "apetixmbqfujyncrgvkzodshwl");
    ck_assert_uint_eq(timerq_next(&env->timers), TIMER_NEVER);
    test_env_free(env);
}
END_TEST

START_TEST(test_timer_equal_deadlines_fire_in_order_of_arming)
{
    struct env *env = test_env(1);
    struct note a = note(env, 'a'), b = note(env, 'b'), c = note(env, 'c');
    order[0] = 0;
    arm(&b, 5);
    arm(&a, 5);
    arm(&c, 5);
    test_env_advance_ms(env, 4);
    ck_assert_str_eq(order, "");
    test_env_advance_ms(env, 1);
    ck_assert_str_eq(order, "bac");
    test_env_free(env);
}
END_TEST

START_TEST(test_timer_armed_while_firing_waits_for_the_next_run)
{
    struct env *env = test_env(1);
    struct note a = note(env, 'a');
    order[0] = 0;
    a.arm = &a;
    arm(&a, 0);
    env_run_timers(env);
    ck_assert_str_eq(order, "a");
    env_run_timers(env);
    ck_assert_str_eq(order, "aa");
    test_env_free(env);
}
END_TEST

START_TEST(test_timer_disarmed_by_an_earlier_one_does_not_fire)
{
    struct env *env = test_env(1);
    struct note a = note(env, 'a'), b = note(env, 'b'), c = note(env, 'c');
    order[0] = 0;
    a.disarm = &b;
    arm(&a, 1);
    arm(&b, 1);
    arm(&c, 1);
    test_env_advance_ms(env, 5);
    ck_assert_str_eq(order, "ac");
    test_env_free(env);
}
END_TEST

START_TEST(test_timer_moved_by_arming_again)
{
    struct env *env = test_env(1);
    struct note a = note(env, 'a'), b = note(env, 'b');
    order[0] = 0;
    arm(&a, 1);
    arm(&b, 2);
    env_arm_ms(env, &a.timer, 3);
    test_env_advance_ms(env, 5);
    ck_assert_str_eq(order, "ba");
    test_env_free(env);
}
END_TEST

START_TEST(test_timer_many_armed_and_disarmed_at_random_stay_ordered)
{
    struct env *env = test_env(7);
    enum { N = 500 };
    static struct timer timers[N];
    for (size_t i = 0; i < N; i++)
        timer_init(&timers[i], fire, NULL);
    for (size_t round = 0; round < 20000; round++) {
        struct timer *t = &timers[env_random_below(env, N)];
        if (env_random_below(env, 3))
            timerq_arm(&env->timers, t, 2 * US_PER_SEC + env_random_below(env, 1000));
        else
            env_disarm(env, t);
    }
    uint64_t last = 0;
    size_t armed = 0, popped = 0;
    for (size_t i = 0; i < N; i++)
        armed += timers[i].armed;
    while (env->timers.root) {
        struct timer *t = env->timers.root;
        ck_assert_uint_ge(t->due_us, last);
        last = t->due_us;
        env_disarm(env, t);
        popped++;
    }
    ck_assert_uint_eq(popped, armed);
    test_env_free(env);
}
END_TEST

TESTS("base/timer", test_timer_fires_in_order_of_deadline,
      test_timer_equal_deadlines_fire_in_order_of_arming,
      test_timer_armed_while_firing_waits_for_the_next_run,
      test_timer_disarmed_by_an_earlier_one_does_not_fire, test_timer_moved_by_arming_again,
      test_timer_many_armed_and_disarmed_at_random_stay_ordered)
