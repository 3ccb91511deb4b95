#include "net/clock.h"

#include <time.h>

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * (int64_t)US_PER_SEC + t.tv_nsec / 1000;
}

/* Between two suspensions CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC by the same: what is read one
 * after the other differs by less than this, and is cut off. */
enum { BETWEEN_US = 16 };

/* CLOCK_MONOTONIC stands still while the machine sleeps; to relays and to whoever watches, that
 * time passes. The coarse clock, which stands still too, is the one that libevent goes by. */
void clock_read(struct env *env)
{
    int64_t coarse_us = now_us(CLOCK_MONOTONIC_COARSE), awake_us = now_us(CLOCK_MONOTONIC);
    int64_t mono_us = now_us(CLOCK_BOOTTIME), slept_us = mono_us - awake_us;
    env->lag_us = (uint32_t)(mono_us - coarse_us - slept_us / BETWEEN_US * BETWEEN_US);
    env_set_clocks(env, (uint64_t)mono_us, now_us(CLOCK_REALTIME));
}
