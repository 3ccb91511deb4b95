/* The plan is followed: made when a period begins, asked (coordinator_ask.c), begun when the slot
 * has come. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

enum { TICK_MS = 250, TICK_MOST_MS = 30 * 1000, AGAIN_S = 60 };

/* ---- beginning ---- */

static bool is_of_group(const struct cjob *j, const struct cjob *first)
{
    return j->item && j->item->at.group == first->item->at.group &&
           j->item->at.slot == first->item->at.slot;
}

static bool is_pending(const struct cjob *j)
{
    return j->item && !(j->run && run_state(j->run) >= RUN_RUNNING);
}

/* Those of FIRST's group wait for each other, but not for ever. */
static bool is_ready(const struct cplan *p, const struct cjob *first)
{
    bool all = true, any = false;
    for (const struct cjob *j = first; j; j = j->next) {
        if (!is_of_group(j, first) || !is_pending(j))
            continue;
        bool held = j->run && run_is_held(j->run);
        all = all && held;
        any = any || held;
    }
    uint64_t age_us = p->c->env->mono_us - first->queued_us;
    if (!p->config.compact && cplan_slot_us(p, first->item->at.slot) > cplan_now_us(p))
        return false;
    return all || (any && age_us > (CPLAN_LEAD_MS + CPLAN_TOGETHER_MS) * (uint64_t)US_PER_MS);
}

static bool is_due(const struct cjob *j, const struct cjob *first)
{
    return is_of_group(j, first) && j->run && run_is_held(j->run);
}

/* Whether there is room for FIRST, or for all of its group that are due. */
static bool fits(const struct coordinator *c, const struct cjob *first, bool all)
{
    for (const struct csession *s = c->sessions; s; s = s->next) {
        uint64_t need = 0, most = csession_bw(s);
        for (const struct cjob *j = first; j; j = all ? j->next : NULL)
            if (is_due(j, first))
                need += cteam_bw_of(j, s);
        if (need && s->reserved_bw + need > most + most / 1000)
            return false;
    }
    return true;
}

static bool is_idle(const struct coordinator *c)
{
    bool any = false;
    for (const struct csession *s = c->sessions; s; s = s->next)
        any |= s->reserved_bw > 0;
    return !any;
}

/* In their order: a large one is not overtaken by small ones for ever. */
static void begin_due(struct cplan *p)
{
    for (struct cjob *first = p->c->jobs; first; first = first->next) {
        if (!is_pending(first) || !is_ready(p, first))
            continue;
        bool all = fits(p->c, first, true);
        /* A measurer is missing, and the group is too much for the rest: one after the other. */
        if (!all && !is_idle(p->c))
            return;
        for (struct cjob *j = first; j; j = j->next)
            if (is_due(j, first) && (all || fits(p->c, j, false))) {
                cteam_reserve_held(j);
                run_release(j->run);
            }
    }
}

/* ---- a look ---- */

/* A plan counts on those who are there when it is made: all, or after a while those who came. */
static bool team_is_there(struct cplan *p)
{
    const struct coordinator *c = p->c;
    size_t n = coordinator_measurers(c);
    uint64_t now_us = c->env->mono_us;
    p->waits_since_us = p->waits_since_us ? p->waits_since_us : now_us;
    return n && (n >= c->conf.n_measurers ||
                 now_us - p->waits_since_us >= CPLAN_PATIENCE_S * (uint64_t)US_PER_SEC);
}

static void say_made(const struct cplan *p)
{
    log_notice(p->c->env->log,
               "Schedule of the day: %zu relays in %u slots, %zu measured already, %zu without "
               "room, %zu not there; it ends in about %lld min",
               p->count[CPLAN_WAITING], schedule_slots(p->schedule), p->count[CPLAN_DONE],
               p->count[CPLAN_NO_ROOM], p->away,
               (long long)((cplan_ends_us(p) - cplan_now_us(p)) / (60 * (int64_t)US_PER_SEC)));
}

static bool is_of_now(const struct cplan *p)
{
    return p->made && cplan_now_us(p) / US_PER_SEC / SCHEDULE_PERIOD_S == p->period;
}

/* False: there is no plan yet. */
static bool have_plan(struct cplan *p)
{
    if (is_of_now(p))
        return true;
    if (p->made && p->count[CPLAN_WAITING])
        log_notice(p->c->env->log, "The day is over, and %zu relays of its schedule were not asked",
                   p->count[CPLAN_WAITING]);
    if (p->made)
        cplan_drop(p);
    if (!p->roster.n || p->c->env->mono_us < p->again_us || !team_is_there(p))
        return false;
    p->waits_since_us = 0;
    err_t e = cplan_make(p);
    if (e == OK) {
        say_made(p);
    } else {
        p->again_us = p->c->env->mono_us + AGAIN_S * (uint64_t)US_PER_SEC;
        log_warn(p->c->env->log, "There is no schedule: %s; tried again in %d s", err_text(e),
                 AGAIN_S);
    }
    return e == OK;
}

/* When the next thing is due; while anything is asked or runs, soon. */
static uint64_t next_ms(const struct cplan *p)
{
    uint32_t slot = p->cursor;
    if (p->count[CPLAN_ASKED])
        return TICK_MS;
    if (!is_of_now(p))
        return MS_PER_SEC;
    if (p->config.compact)
        return p->count[CPLAN_WAITING] ? MS_PER_SEC : TICK_MOST_MS;
    while (slot < p->config.slots && !cplan_waits(p, slot))
        slot++;
    int64_t ms = (cplan_ask_us(p, slot) - cplan_now_us(p)) / US_PER_MS + 1;
    return ms < TICK_MS ? TICK_MS : ms < TICK_MOST_MS ? (uint64_t)ms : TICK_MOST_MS;
}

static void tick(void *arg)
{
    struct cplan *p = arg;
    if (p->c->finishing || (!p->on && !p->count[CPLAN_ASKED]))
        return;
    if (!p->on) {
        begin_due(p); /* what had begun to be measured */
    } else if (!p->roster.n && p->made) {
        begin_due(p); /* who is there is not known yet */
    } else if (p->made && !is_of_now(p) && p->count[CPLAN_ASKED]) {
        begin_due(p); /* they were asked yesterday */
    } else if (have_plan(p)) {
        cplan_wake(p);
        if (p->config.compact)
            cplan_ask_by_room(p);
        else
            cplan_ask_by_clock(p);
        begin_due(p);
    }
    env_arm_ms(p->c->env, &p->tick, next_ms(p));
}

/* ---- what comes of one ---- */

static void on_held(struct coordinator *c)
{
    cplan_look(c->plan);
}

static bool runs_beside(const struct cjob *j, const struct cjob *other)
{
    return other->run && run_state(other->run) == RUN_RUNNING && other->config.tied &&
           ip_equal(&other->config.relay.addrs[0].ip, &j->config.relay.addrs[0].ip);
}

/* One that went on alone would show all of the host. */
static void on_second(struct cjob *j)
{
    bool may = j->config.tied;
    for (const struct cjob *o = j->coordinator->jobs; may && o; o = o->next)
        may = !runs_beside(j, o) || run_may_end(o->run);
    for (struct cjob *o = j->coordinator->jobs; may && o; o = o->next)
        if (runs_beside(j, o))
            run_end_early(o->run);
}

/* The relay has done nothing wrong, and another run would give more. */
static bool is_worth_another(const struct cplan *p, const struct cplan_item *item, const char *why,
                             uint64_t next_prior)
{
    unsigned most = p->c->conf.max_tries ? p->c->conf.max_tries : POLITE_RUNS_MOST;
    return item->tries < most && (next_prior || strcmp(why, "measurer_lost") == 0);
}

static void on_over(struct cjob *j, const char *why, uint64_t next_prior)
{
    struct cplan_item *item = j->item;
    struct cplan *p = j->coordinator->plan;
    j->item = NULL;
    item->job = NULL;
    if (why && is_worth_another(p, item, why, next_prior)) {
        item->prior = next_prior ? next_prior : item->prior;
        cplan_size(p, item, false);
        p->moved++;
        cplan_later(p, item, cplan_next_slot(p));
    } else {
        cplan_enter(p, item, why ? CPLAN_FAILED : CPLAN_DONE);
        ckeep_item(p, item);
    }
    cplan_look(p);
}

static const struct cplan_ops job_ops = {.held = on_held, .second = on_second, .over = on_over};

/* ---- life ---- */

struct cplan *cplan_new(struct coordinator *c)
{
    struct cplan *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->c = c;
    roster_init(&p->roster);
    env_random(c->env, p->secret, SCHEDULE_SECRET_LEAST);
    p->secret_len = SCHEDULE_SECRET_LEAST;
    timer_init(&p->tick, tick, p);
    c->plan_ops = &job_ops;
    return p;
}

void cplan_free(struct cplan *p)
{
    if (!p)
        return;
    env_disarm(p->c->env, &p->tick);
    cplan_drop(p);
    roster_free(&p->roster);
    secret_wipe(p, sizeof *p);
    free(p);
}
