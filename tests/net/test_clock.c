/* The clocks that machines are given. */
#include "net/clock.h"

#include <time.h>

#include "support/test.h"

static int64_t microseconds(clockid_t clock)
{
    struct timespec t;
    ck_assert_int_eq(clock_gettime(clock, &t), 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Often enough that two readings lie in one microsecond. */
START_TEST(test_clock_is_the_systems_to_the_microsecond)
{
    struct env *env = test_env(1);
    for (int i = 0; i < 20000; i++) {
        int64_t mono = microseconds(CLOCK_BOOTTIME), wall = microseconds(CLOCK_REALTIME);
        clock_read(env);
        ck_assert_int_le(mono, (int64_t)env->mono_us);
        ck_assert_int_le((int64_t)env->mono_us, microseconds(CLOCK_BOOTTIME));
        ck_assert_int_le(wall, env->wall_us);
        ck_assert_int_le(env->wall_us, microseconds(CLOCK_REALTIME));
    }
    test_env_free(env);
}
END_TEST

/* A second of its steps is a second: but for readings between which the process had to wait. */
START_TEST(test_clock_knows_how_far_the_coarse_one_is_behind)
{
    enum { READINGS = 20000 };
    struct env *env = test_env(1);
    int64_t slept_us, first_us = 0;
    int steady = 0;
    for (int i = 0; i < READINGS; i++) {
        int64_t coarse_us = microseconds(CLOCK_MONOTONIC_COARSE);
        clock_read(env);
        slept_us = (int64_t)env_coarse_us(env) - coarse_us;
        first_us = i ? first_us : slept_us;
        steady += slept_us >= first_us - 16 && slept_us <= first_us + 16;
    }
    ck_assert_int_gt(steady, READINGS * 3 / 4);
    test_env_free(env);
}
END_TEST

TESTS("net/clock", test_clock_is_the_systems_to_the_microsecond,
      test_clock_knows_how_far_the_coarse_one_is_behind)
