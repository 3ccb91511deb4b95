#include "base/pace.h"

enum { PACE_US = PACE_MS * US_PER_MS };

static void over(void *arg)
{
    struct pace *p = arg;
    p->next_us = p->env->mono_us + PACE_US;
    p->act(p->arg);
}

void pace_init(struct pace *p, struct env *env, void (*act)(void *arg), void *arg)
{
    *p = (struct pace){.env = env, .act = act, .arg = arg};
    timer_init(&p->over, over, p);
}

void pace_end(struct pace *p)
{
    env_disarm(p->env, &p->over);
}

bool pace_is_open(struct pace *p)
{
    uint64_t now = p->env->mono_us;
    if (now >= p->next_us)
        p->next_us = now + PACE_US;
    if (p->next_us == now + PACE_US)
        return true;
    if (!p->over.armed)
        timerq_arm(&p->env->timers, &p->over, p->next_us);
    return false;
}
