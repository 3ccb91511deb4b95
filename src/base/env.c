#include "base/env.h"

#include "base/hash.h"

/* ---- clocks ---- */

static void tell_jump(struct env *env, int64_t seconds, bool late)
{
    struct clock_watch *w;
    DL_FOREACH (env->watches, w)
        w->jumped(w->arg, seconds, late);
}

/* How long the next timer is overdue: whoever drives us wakes up for it. */
static int64_t late_us(const struct env *env)
{
    uint64_t due = env_next_us(env);
    return due < env->mono_us ? (int64_t)(env->mono_us - due) : 0;
}

void env_set_clocks(struct env *env, uint64_t mono_us, int64_t wall_us)
{
    const int64_t least_us = CLOCK_JUMP_LEAST_S * (int64_t)US_PER_SEC;
    int64_t passed_us = (int64_t)(mono_us - env->mono_us);
    int64_t set_us = wall_us - env->wall_us - passed_us;
    bool first = !env->mono_us;
    env->mono_us = mono_us;
    env->wall_us = wall_us;
    if (first)
        return;
    if (late_us(env) >= least_us)
        tell_jump(env, passed_us / (int64_t)US_PER_SEC, true);
    else if (set_us >= least_us || set_us <= -least_us)
        tell_jump(env, set_us / (int64_t)US_PER_SEC, false);
}

void env_watch_clocks(struct env *env, struct clock_watch *w)
{
    DL_APPEND(env->watches, w);
}

void env_unwatch_clocks(struct env *env, struct clock_watch *w)
{
    if (!w->prev)
        return;
    DL_DELETE(env->watches, w);
    w->prev = w->next = NULL;
}

/* ---- randomness and timers ---- */

void env_random(struct env *env, void *out, size_t len)
{
    env->random(env->random_arg, out, len);
}

void env_padding(struct env *env, void *out, size_t len)
{
    if (env->padding)
        env->padding(env->padding_arg, out, len);
    else
        env_random(env, out, len);
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
    (void)env;
    timer_disarm(t);
}

void env_arm_coarse_us(struct env *env, struct timer *t, uint64_t delay_us)
{
    timerq_arm(&env->coarse, t, env_coarse_us(env) + delay_us);
}

void env_arm_lazy_ms(struct env *env, struct timer *t, uint64_t delay_ms)
{
    timerq_arm(&env->lazy, t, env->mono_us + delay_ms * US_PER_MS);
}

uint64_t env_next_us(const struct env *env)
{
    uint64_t next_us = timerq_next(&env->timers), coarse_us = timerq_next(&env->coarse);
    uint64_t other_us =
        coarse_us == TIMER_NEVER ? timerq_next(&env->lazy) : coarse_us + env->lag_us;
    return other_us < next_us ? other_us : next_us;
}

void env_run_timers(struct env *env)
{
    timerq_run(&env->timers, env->mono_us);
    timerq_run(&env->coarse, env_coarse_us(env));
    timerq_run(&env->lazy, env->mono_us);
}
