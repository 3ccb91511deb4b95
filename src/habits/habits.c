#include "habits/habits.h"

#include <stddef.h>

enum { LINK_IDLE_S = 180, LINK_IDLE_MORE_S = 90 };

uint64_t habits_write_us(const struct habits *h, const struct env *env, uint64_t wrote_us)
{
    uint64_t begun_ms = (env->mono_us - wrote_us + US_PER_MS - 1) / US_PER_MS;
    return begun_ms < h->write_every_ms ? (h->write_every_ms - begun_ms) * US_PER_MS : 0;
}

uint64_t habits_counted_s(const struct env *env, uint64_t since_us)
{
    int64_t since_wall_us = env->wall_us - (int64_t)(env->mono_us - since_us);
    int64_t s = env_wall_s(env) - since_wall_us / (int64_t)US_PER_SEC;
    return s > 0 ? (uint64_t)s : 0;
}

uint64_t habits_seen_us(const struct env *env, uint64_t since_us, uint64_t s, uint32_t point_us)
{
    int64_t since_wall_us = env->wall_us - (int64_t)(env->mono_us - since_us);
    int64_t second = since_wall_us / (int64_t)US_PER_SEC;
    int64_t due_us = (second + (int64_t)s) * (int64_t)US_PER_SEC + point_us;
    return due_us > since_wall_us ? since_us + (uint64_t)(due_us - since_wall_us) : since_us;
}

uint32_t habits_link_idle_s(const struct habits *h, struct env *env)
{
    uint32_t idle_s = LINK_IDLE_S + (uint32_t)env_random_below(env, LINK_IDLE_MORE_S);
    return h->reduced && !h->circuits_available_s ? idle_s / 2 : idle_s;
}

uint32_t habits_predict_s(const struct habits *h, struct env *env)
{
    uint32_t s = h->circuits_available_s;
    if (!s)
        s = h->reduced ? h->conntimeout_s / 2 : h->conntimeout_s;
    return s + (uint32_t)env_random_below(env, s ? s : 1);
}

uint32_t habits_circuit_idle_s(struct env *env, uint32_t left_s)
{
    return left_s + 1 + (uint32_t)env_random_below(env, 1 + left_s / 20);
}

uint64_t habits_expire_s(uint32_t period_s)
{
    return (uint64_t)period_s + 1;
}

uint64_t habits_padding_ms(struct env *env, unsigned low_ms, unsigned high_ms)
{
    if (low_ms >= high_ms)
        return low_ms;
    uint64_t a = env_random_below(env, high_ms - low_ms);
    uint64_t b = env_random_below(env, high_ms - low_ms);
    return low_ms + (a > b ? a : b);
}

/* A time in SPAN_S from START_S, before the consensus is over. */
static int64_t refresh(struct env *env, int64_t start, int64_t span, int64_t valid_until_s)
{
    if (span < 1)
        span = 1;
    if (start + span >= valid_until_s)
        start = valid_until_s - span - 1;
    return start + (int64_t)env_random_below(env, (uint64_t)span);
}

int64_t habits_refresh_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                         int64_t valid_until_s)
{
    int64_t start = fresh_until_s + (fresh_until_s - valid_after_s) * 3 / 4;
    return refresh(env, start, (valid_until_s - start) * 7 / 8, valid_until_s);
}

/* CONSENSUS_MIN_SECONDS_BEFORE_CACHING, less where consensuses follow each other fast. */
static int64_t before_caching_s(int64_t interval_s)
{
    int64_t s = interval_s / 16 < 120 ? interval_s / 16 : 120;
    return s ? s : 1;
}

int64_t habits_refresh_early_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                               int64_t valid_until_s)
{
    int64_t interval_s = fresh_until_s - valid_after_s;
    return refresh(env, fresh_until_s + before_caching_s(interval_s), interval_s / 2,
                   valid_until_s);
}

int64_t habits_refresh_extra_early_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                                     int64_t valid_until_s)
{
    int64_t interval_s = fresh_until_s - valid_after_s, wait_s = before_caching_s(interval_s);
    int64_t span = wait_s + 60 > interval_s ? interval_s / 2 : 60;
    return refresh(env, fresh_until_s + wait_s, span, valid_until_s);
}

uint64_t habits_retry_ms(struct env *env, uint64_t last_ms, uint64_t base_ms)
{
    uint64_t high_ms = last_ms < UINT64_MAX / 3 ? 3 * last_ms : UINT64_MAX;
    uint64_t step_ms = base_ms % MS_PER_SEC ? 1 : MS_PER_SEC; /* tor's are whole seconds */
    if (high_ms < base_ms + step_ms)
        return base_ms;
    return base_ms + step_ms * env_random_below(env, (high_ms - base_ms) / step_ms);
}

uint32_t habits_guard_retry_s(uint64_t down_s, bool primary)
{
    static const struct {
        uint64_t hours;
        uint32_t primary_minutes, other_minutes;
    } schedule[] = {
        {6, 10, 60},
        {4 * 24, 90, 4 * 60},
        {7 * 24, 4 * 60, 18 * 60},
        {UINT32_MAX, 9 * 60, 36 * 60},
    };
    size_t i = 0;
    while (i < 3 && down_s > schedule[i].hours * 3600)
        i++;
    return 60 * (primary ? schedule[i].primary_minutes : schedule[i].other_minutes);
}
