#include "client/doubt.h"

/* Between two rounds; the kernel sends SYN again after one second, and relays far away need two.
 * The longer it lasts, the less is it worth to be there at once. */
static const struct pace {
    unsigned rounds; /* up to this one; 0: all others */
    uint64_t ms;
} paces[] = {{5, 2000}, {60, 3000}, {120, 10000}, {0, 60000}};

enum {
    PATIENCE_MS = 2000, /* with who has not answered when the next round comes */
    OFTEN = 60,         /* rounds */
    PATIENT_MS = 45000, /* with all of them; after that links fail as they would without doubt */
    SILENT_MS = 3000,   /* who has not answered in that time while others did is to blame */
    OTHERS_MOST = 8,
};

static uint64_t pace_ms(const struct doubt *d)
{
    const struct pace *p = paces;
    while (p->rounds && d->rounds >= p->rounds)
        p++;
    return p->ms;
}

static void ask(struct doubt *d)
{
    struct link_target other[OTHERS_MOST];
    bool waits = d->env->mono_us - d->since_us < PATIENT_MS * US_PER_MS;
    linkpool_dial_anew(d->links, PATIENCE_MS, waits);
    linkpool_double_stalled(d->links);
    for (size_t i = 0, n = d->rounds ? d->ops->others(d->arg, other, OTHERS_MOST) : 0; i < n; i++)
        linkpool_try(d->links, &other[i]);
    env_arm_ms(d->env, &d->next, pace_ms(d));
    d->rounds++;
}

static void settle(struct doubt *d)
{
    d->state = DOUBT_NONE;
    linkpool_way_stands(d->links, SILENT_MS);
}

static void next(void *arg)
{
    struct doubt *d = arg;
    if (d->state == DOUBT_ASKING)
        ask(d);
    else
        settle(d);
}

void doubt_init(struct doubt *d, struct env *env, struct linkpool *links,
                const struct doubt_ops *ops, void *arg)
{
    *d = (struct doubt){.env = env, .links = links, .ops = ops, .arg = arg};
    timer_init(&d->next, next, d);
}

void doubt_end(struct doubt *d)
{
    d->state = DOUBT_NONE;
    if (d->env)
        env_disarm(d->env, &d->next);
}

void doubt_stalled(struct doubt *d)
{
    if (d->state != DOUBT_NONE)
        return;
    d->state = DOUBT_ASKING;
    d->since_us = d->env->mono_us;
    d->rounds = 0;
    d->ops->begun(d->arg);
    ask(d);
}

void doubt_answered(struct doubt *d)
{
    if (d->state != DOUBT_ASKING)
        return;
    d->state = DOUBT_ANSWERED;
    env_arm_ms(d->env, &d->next, SILENT_MS);
    d->ops->answered(d->arg);
}

void doubt_wanted(struct doubt *d)
{
    if (d->rounds > OFTEN)
        doubt_look(d);
}

void doubt_look(struct doubt *d)
{
    if (d->state != DOUBT_ASKING)
        return;
    d->rounds = 1;
    env_arm_ms(d->env, &d->next, 0);
}
