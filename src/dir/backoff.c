#include "dir/backoff.h"

/* C tor's schedule: a random delay between the base and three times the last one. */
void backoff_fail(struct backoff *b, struct env *env, bool testing)
{
    const uint64_t base_ms = testing ? 250 : 1000, cap_ms = testing ? 4000 : 600000;
    uint64_t high = base_ms;
    for (unsigned i = 0; i <= b->fails && high < cap_ms; i++)
        high *= 3;
    if (high > cap_ms)
        high = cap_ms;
    if (b->fails < 1000)
        b->fails++;
    uint64_t delay_ms = base_ms + env_random_below(env, high - base_ms + 1);
    b->not_before_us = env->mono_us + delay_ms * US_PER_MS;
}

void backoff_ok(struct backoff *b)
{
    *b = (struct backoff){0};
}

bool backoff_due(const struct backoff *b, const struct env *env)
{
    return env->mono_us >= b->not_before_us;
}
