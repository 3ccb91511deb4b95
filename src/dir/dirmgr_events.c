/* When the directory manager's owner is told, and when it has to look again by itself. */
#include <string.h>

#include "dir/dirmgr_int.h"

/* The longest sleep: the wall clock may be set while we wait. */
enum { WAKE_MAX_S = 60 };

static const struct {
    int percent;
    const char *tag, *summary;
} phases[] = {
    /* The words are C tor's: controllers know them. */
    {25, "requesting_status", "Asking for networkstatus consensus"},
    {30, "loading_status", "Loading networkstatus consensus"},
    {40, "loading_keys", "Loading authority key certs"},
    {45, "requesting_descriptors", "Asking for relay descriptors"},
    {50, "loading_descriptors", "Loading relay descriptors"},
    {75, "enough_dirinfo", "Loaded enough directory info to build circuits"},
};

void dirmgr_kick(struct dirmgr *d)
{
    d->want_due = true;
    later_ask(d->env, &d->tell);
}

void dirmgr_netdir_changed(struct dirmgr *d)
{
    d->netdir_due = true;
    later_ask(d->env, &d->tell);
}

void dirmgr_step(struct dirmgr *d, int percent)
{
    if (percent <= d->percent || d->n_steps == STEPS_MAX)
        return;
    d->percent = percent;
    d->steps[d->n_steps++] = percent;
    later_ask(d->env, &d->tell);
}

void dirmgr_note_wake(struct dirmgr *d, uint64_t at_us)
{
    if (at_us < d->wake_us)
        d->wake_us = at_us;
}

void dirmgr_note_wall(struct dirmgr *d, int64_t at_s)
{
    int64_t wait_s = at_s - env_wall_s(d->env);
    if (wait_s > WAKE_MAX_S)
        wait_s = WAKE_MAX_S;
    dirmgr_note_wake(d, d->env->mono_us + (uint64_t)(wait_s > 0 ? wait_s : 0) * US_PER_SEC);
}

void dirmgr_arm(struct dirmgr *d)
{
    uint64_t last = d->env->mono_us + (uint64_t)WAKE_MAX_S * US_PER_SEC;
    timerq_arm(&d->env->timers, &d->wake, d->wake_us < last ? d->wake_us : last);
}

static void tell_step(struct dirmgr *d, int percent)
{
    size_t i = 0;
    while (i + 1 < sizeof phases / sizeof phases[0] && phases[i + 1].percent <= percent)
        i++;
    if (d->ops.progress)
        d->ops.progress(d->arg, percent, phases[i].tag, phases[i].summary);
}

void dirmgr_tell_steps(struct dirmgr *d)
{
    size_t n = d->n_steps;
    int steps[STEPS_MAX];
    memcpy(steps, d->steps, n * sizeof steps[0]);
    d->n_steps = 0;
    for (size_t i = 0; i < n; i++)
        tell_step(d, steps[i]);
}

bool dirmgr_may_repeat(struct dirmgr *d, struct ratelim *words)
{
    unsigned held_back;
    return ratelim_pass(words, d->env, WORDS_EVERY_S, &held_back);
}
