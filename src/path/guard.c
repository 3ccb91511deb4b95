/* One guard, and where it stands in a sample. */
#include <stdlib.h>

#include "habits/habits.h"
#include "path/guards_int.h"

struct guard *sample_find(const struct sample *s, const struct rsa_id *id)
{
    for (size_t i = 0; i < s->n; i++)
        if (rsa_id_equal(&s->list[i].rsa, id))
            return &s->list[i];
    return NULL;
}

void guard_tell(const struct guards *g, const struct sample *s, const struct guard *guard,
                enum guard_news news)
{
    if (g->told && s == g->now)
        g->told(g->told_arg, news, &guard->rsa, guard->nickname);
}

void guard_clear(struct guard *g)
{
    free(g->sampled_by);
    free(g->extra);
    *g = (struct guard){0};
}

void sample_clear(struct sample *s)
{
    for (size_t i = 0; i < s->n; i++)
        guard_clear(&s->list[i]);
    s->n = 0;
}

int64_t guard_backdate(struct env *env, int64_t now_s, int64_t span_s)
{
    if (span_s < 1)
        return now_s;
    int64_t t = now_s - (int64_t)env_random_below(env, (uint64_t)span_s);
    return t > 0 ? t : 1;
}

void guard_consider_retry(const struct guards *g, struct guard *guard)
{
    if (guard->reach != GUARD_NO)
        return;
    uint64_t now = g->env->mono_us;
    uint64_t down_s = (now - guard->failing_since_us) / US_PER_SEC;
    uint64_t delay_us = habits_guard_retry_s(down_s, guard->primary != 0) * (uint64_t)US_PER_SEC;
    if (!guard->tried || now - guard->tried_us >= delay_us)
        guard->reach = GUARD_MAYBE;
}
