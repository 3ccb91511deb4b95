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

uint32_t clock_tick_us(void)
{
    struct timespec step;
    if (clock_getres(CLOCK_MONOTONIC_COARSE, &step) != 0 || step.tv_sec)
        return 0;
    return (uint32_t)(step.tv_nsec / 1000);
}
