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

TESTS("net/clock", test_clock_is_the_systems_to_the_microsecond)
