#include "net/clock.h"

#include <time.h>

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * (int64_t)US_PER_SEC + t.tv_nsec / 1000;
}

/* CLOCK_MONOTONIC stands still while the machine sleeps; to relays and to whoever watches, that
 * time passes. */
void clock_read(struct env *env)
{
    env_set_clocks(env, (uint64_t)now_us(CLOCK_BOOTTIME), now_us(CLOCK_REALTIME));
}

/* A timer that is due between two steps fires at the second, so what is due a little before one
 * fires at it, whatever was lost in asking. */
void clock_read_ticks(struct env *env)
{
    struct timespec step;
    int64_t fine_us = now_us(CLOCK_MONOTONIC), coarse_us = now_us(CLOCK_MONOTONIC_COARSE);
    if (clock_getres(CLOCK_MONOTONIC_COARSE, &step) != 0 || step.tv_sec)
        return;
    env->tick_us = (uint32_t)(step.tv_nsec / 1000);
    env->tick_at_us = env->mono_us - (uint64_t)(fine_us - coarse_us) - env->tick_us / 4;
}
