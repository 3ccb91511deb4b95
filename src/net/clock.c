#include "net/clock.h"

#include <time.h>

void clock_read(struct env *env)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    env->mono_us = (uint64_t)t.tv_sec * US_PER_SEC + (uint64_t)t.tv_nsec / 1000;
    clock_gettime(CLOCK_REALTIME, &t);
    env->wall_us = (int64_t)t.tv_sec * (int64_t)US_PER_SEC + t.tv_nsec / 1000;
}
