#include "base/env.h"

void env_random(struct env *env, void *out, size_t len)
{
    env->random(env->random_arg, out, len);
}

uint64_t env_random_below(struct env *env, uint64_t bound)
{
    /* Values under 2^64 mod bound would make the low residues more likely: draw again. */
    uint64_t skip = (0 - bound) % bound;
    uint64_t x;
    do {
        env_random(env, &x, sizeof x);
    } while (x < skip);
    return x % bound;
}

void env_arm_ms(struct env *env, struct timer *t, uint64_t delay_ms)
{
    timerq_arm(&env->timers, t, env->mono_us + delay_ms * US_PER_MS);
}

void env_disarm(struct env *env, struct timer *t)
{
    timerq_disarm(&env->timers, t);
}

void env_run_timers(struct env *env)
{
    timerq_run(&env->timers, env->mono_us);
}
