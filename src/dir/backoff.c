#include "dir/backoff.h"

#include "habits/habits.h"

/* C tor's waits have no bound, but it forgets failures each hour. */
static void wait_longer(struct backoff *b, struct env *env, uint64_t base_ms, uint64_t most_ms)
{
    uint64_t ms = habits_retry_ms(env, b->last_ms, base_ms);
    b->last_ms = ms < most_ms ? ms : most_ms;
    if (b->fails < 1000)
        b->fails++;
    b->not_before_us = env->mono_us + b->last_ms * US_PER_MS;
}

void backoff_begin(struct backoff *b, const struct env *env, uint32_t first_s)
{
    *b = (struct backoff){.not_before_us = env->mono_us + first_s * (uint64_t)US_PER_SEC};
}

void backoff_fail(struct backoff *b, struct env *env, bool testing, uint32_t first_s)
{
    uint64_t base_ms = testing ? 250 : 1000, most_ms = testing ? 4000 : 600000;
    if (first_s)
        base_ms = first_s * (uint64_t)MS_PER_SEC;
    wait_longer(b, env, base_ms, most_ms > base_ms ? most_ms : base_ms);
}

void backoff_fail_server(struct backoff *b, struct env *env, bool testing)
{
    wait_longer(b, env, testing ? 2500 : 10000, testing ? 4000 : 600000);
}

void backoff_ok(struct backoff *b)
{
    *b = (struct backoff){0};
}

bool backoff_due(const struct backoff *b, const struct env *env)
{
    return env->mono_us >= b->not_before_us;
}
