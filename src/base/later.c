#include "base/later.h"

void later_init(struct later *l, void (*act)(void *arg), void *arg)
{
    timer_init(&l->timer, act, arg);
}

void later_ask(struct env *env, struct later *l)
{
    /* Arming an armed timer would move it behind what was asked for since. */
    if (!l->timer.armed)
        env_arm_ms(env, &l->timer, 0);
}

void later_cancel(struct env *env, struct later *l)
{
    env_disarm(env, &l->timer);
}
