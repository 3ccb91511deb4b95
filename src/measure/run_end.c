/* A run's states, and its end, good or bad: what it came to, and who is told that it is over. */
#include <stdarg.h>
#include <stdio.h>

#include "measure/run_int.h"

void run_enter(struct run *r, enum run_state state)
{
    r->state = state;
    if (r->ops->on_state && state < RUN_DONE)
        r->ops->on_state(r->arg, state);
}

/* Those that still take part are told to stop. */
static void cancel_all(struct run *r)
{
    bool done = r->state == RUN_DONE && r->summed == r->config.dur;
    for (size_t k = 0; k < r->config.n_members; k++) {
        if (r->team.told[k] && !r->team.gone[k] && !done)
            r->ops->cancel(r->arg, k, r->config.meas_id);
        r->team.gone[k] = true;
    }
}

static void leave(struct run *r, enum run_state state)
{
    bool asked = r->asked;
    r->state = r->result.state = state;
    r->asked = false;
    env_disarm(r->env, &r->deadline);
    run_tell(r);
    if (asked)
        r->ops->leave(r->arg, state == RUN_FAILED);
    cancel_all(r);
    later_ask(r->env, &r->tell);
}

static void sum_up(struct run *r)
{
    struct run_result *result = &r->result;
    result->seconds = r->summed;
    result->allotted = r->raise.allotted;
    for (size_t k = 0; k < r->config.n_members; k++) {
        result->checked += r->team.sums[k].checked;
        result->bad += r->team.sums[k].bad;
        result->circs += r->team.connected[k].circs;
        result->ready_circs += r->team.connected[k].ready_circs;
    }
    for (unsigned s = 0; s < r->summed && r->config.mode == MEAS_FLASHFLOW; s++)
        result->bg_missing += !r->has_bg[s];
    result->skipped = run_together_skipped(r);
}

/* With which prior it would be another run: none if all was given that there is, or if what we are
 * does not suffice. */
static uint64_t next_prior(const struct run *r, bool enough_seconds)
{
    const struct estimate *e = &r->result.estimate;
    bool slow = e->cpu >= ESTIMATE_CPU_MOST || e->lag_ms >= ESTIMATE_LAG_MOST_MS;
    bool more = r->config.paper ? run_allot_wanted(r) < r->most
                                : r->raise.allotted < r->raise.most || !enough_seconds;
    more = more || r->config.has_more;
    return slow || !more ? 0 : alloc_next_prior(e->bw, r->config.prior);
}

void run_finish(struct run *r)
{
    struct run_result *result = &r->result;
    sum_up(r);
    err_t e = estimate_make(r->seconds, r->summed, result->skipped, r->percent, &result->estimate);
    if (e == ERR_NOMEM) {
        run_fail(r, MEAS_RESOURCES, RUN_NOBODY, "%s", err_text(e));
        return;
    }
    result->member = RUN_NOBODY;
    /* Of drop nothing comes back: what was sent is no figure of the relay's. */
    result->conclusive = e == OK && r->config.mode != MEAS_DROP &&
                         (r->config.paper ? alloc_accepts(result->estimate.bw, r->raise.allotted,
                                                          run_allot_multiplier(r))
                                          : result->estimate.limited_by == LIMITED_BY_RELAY);
    if (!result->conclusive)
        result->next_prior = next_prior(r, e == OK);
    leave(r, RUN_DONE);
}

void run_fail(struct run *r, enum meas_code code, size_t who, const char *fmt, ...)
{
    va_list args;
    if (r->state >= RUN_DONE)
        return;
    struct meas_failure *f = &r->result.failure;
    f->code = code;
    f->meas_id = r->config.meas_id;
    va_start(args, fmt);
    vsnprintf(f->info, sizeof f->info, fmt, args);
    va_end(args);
    r->result.member = who;
    if (who < RUN_NOBODY)
        r->team.gone[who] = true;
    if (!r->result.seconds)
        sum_up(r);
    leave(r, RUN_FAILED);
}

void run_cancel(struct run *r, const char *why)
{
    run_fail(r, MEAS_CANCELLED, RUN_NOBODY, "%s", why);
}
