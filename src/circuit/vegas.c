#include "circuit/vegas.h"

#include <stdlib.h>

enum {
    /* Whatever the consensus says, no more than 128 MB are under way, so that what is kept for
     * their SENDMEs is bounded. */
    CWND_MOST = 1 << 18,
    EWMA_LEAST = 2,
    /* A time that differs so much from those before is the clock's fault, not the network's. */
    DELTA_DISCREPANCY_RATIO_MAX = 5000
};

static struct vegas *vegas_of(struct flow *f)
{
    return (struct vegas *)f;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* ---- counting SENDMEs ---- */

/* SENDMEs between two changes of the window, to the nearest; 0: each may change it. */
static uint64_t cwnd_update_rate(const struct vegas *v)
{
    uint64_t cells = (uint64_t)v->params->cwnd_inc_rate * v->inc;
    return v->in_slow_start ? 1 : (v->cwnd + cells / 2) / cells;
}

static uint64_t sendme_per_cwnd(const struct vegas *v)
{
    return (v->cwnd + v->inc / 2) / v->inc;
}

static void count_down(uint64_t *n)
{
    if (*n)
        --*n;
}

/* ---- times ---- */

/* N of the N-count EWMA: after slow start there is one decision for many SENDMEs. */
static uint64_t n_ewma(const struct vegas *v)
{
    const struct cc_params *p = v->params;
    uint64_t n = v->in_slow_start
                     ? p->ewma_ss
                     : least(cwnd_update_rate(v) * p->ewma_cwnd_pct / 100, p->ewma_max);
    return most(n, EWMA_LEAST);
}

/* Proposal 324, 2.1.1: a clock that stands still or jumps says nothing about the network. What a
 * connection may do, too, is believed in slow start, where there is little to compare it with. */
static bool stalled_or_jumped(struct vegas *v, uint64_t rtt_us)
{
    uint64_t before_us = v->ewma_rtt_us;
    if (rtt_us == 0) {
        v->clock_stalled = true;
        return true;
    }
    if (v->in_slow_start || !before_us)
        return false;
    if (before_us > rtt_us * DELTA_DISCREPANCY_RATIO_MAX)
        return v->clock_stalled;
    if (rtt_us > before_us * DELTA_DISCREPANCY_RATIO_MAX)
        return true;
    v->clock_stalled = false;
    return false;
}

static void update_min_rtt(struct vegas *v)
{
    uint64_t now = v->ewma_rtt_us, pct = v->params->rtt_reset_pct;
    if (v->min_rtt_us == 0)
        v->min_rtt_us = now;
    else if (v->cwnd == v->cwnd_least && !v->in_slow_start)
        /* A single time that was too short would hold the window down for good. */
        v->min_rtt_us =
            pct * most(now, v->min_rtt_us) / 100 + (100 - pct) * least(now, v->min_rtt_us) / 100;
    else
        v->min_rtt_us = least(now, v->min_rtt_us);
}

/* Whether a SENDME's time counts. */
static bool update_rtt(struct vegas *v, uint64_t rtt_us)
{
    if (stalled_or_jumped(v, rtt_us))
        return false;
    uint64_t n = n_ewma(v), before = v->ewma_rtt_us;
    v->max_rtt_us = most(rtt_us, v->max_rtt_us);
    v->ewma_rtt_us = before ? (2 * rtt_us + (n - 1) * before) / (n + 1) : rtt_us;
    update_min_rtt(v);
    return true;
}

/* ---- what is on the wires ---- */

/* Whether there is anything new to go by; TIMED: this SENDME's time counts. */
static bool update_bdp(struct vegas *v, bool timed, bool blocked)
{
    if (!v->ewma_rtt_us) { /* the clock has stood still all the time */
        v->blocked_chan = blocked;
        v->bdp = blocked ? most(least(v->inflight, v->cwnd), v->cwnd_least) : v->cwnd;
        return blocked;
    }
    v->bdp = v->cwnd * v->min_rtt_us / v->ewma_rtt_us;
    if (blocked != v->blocked_chan)
        v->next_cc_event = 0;
    v->blocked_chan = blocked;
    return blocked || timed;
}

static void update_full(struct vegas *v)
{
    const struct cc_params *p = v->params;
    if (v->inflight + (uint64_t)p->cwnd_full_gap * v->inc >= v->cwnd)
        v->cwnd_full = true;
    else if (100 * v->inflight < p->cwnd_full_minpct * v->cwnd)
        v->cwnd_full = false;
}

/* ---- the window ---- */

/* Limited slow start (RFC 3742). */
static uint64_t ss_inc(const struct vegas *v)
{
    if (v->cwnd <= v->way->ss_cap)
        return ((uint64_t)v->params->cwnd_inc_pct_ss * v->inc + 50) / 100;
    return most(((uint64_t)v->inc * v->way->ss_cap + v->cwnd) / (2 * v->cwnd), 1);
}

static void slow_start(struct vegas *v, uint64_t queue_use)
{
    const struct cc_params *p = v->params;
    if (queue_use >= v->way->gamma || v->blocked_chan) {
        v->cwnd = v->bdp + v->way->gamma;
        v->in_slow_start = false;
    } else if (v->cwnd_full) {
        uint64_t inc = ss_inc(v);
        v->cwnd += inc;
        if (inc * sendme_per_cwnd(v) <= (uint64_t)p->cwnd_inc * p->cwnd_inc_rate)
            v->in_slow_start = false; /* from here on steady steps are the larger ones */
    }
    if (v->cwnd >= p->ss_max) {
        v->cwnd = p->ss_max;
        v->in_slow_start = false;
    }
}

static void steady_state(struct vegas *v, uint64_t queue_use)
{
    unsigned step = v->params->cwnd_inc;
    if (queue_use > v->way->delta)
        v->cwnd = less(v->bdp + v->way->delta, step);
    else if (queue_use > v->way->beta || v->blocked_chan)
        v->cwnd = less(v->cwnd, step);
    else if (v->cwnd_full && queue_use < v->way->alpha)
        v->cwnd += step;
}

static void update_cwnd(struct vegas *v)
{
    uint64_t queue_use = less(v->cwnd, v->bdp);
    update_full(v);
    if (v->in_slow_start)
        slow_start(v, queue_use);
    else if (v->next_cc_event == 0)
        steady_state(v, queue_use);
    v->cwnd = most(least(v->cwnd, v->params->cwnd_max), v->cwnd_least);
    v->cwnd = least(v->cwnd, CWND_MOST);
    if (v->next_cwnd_event == 0)
        v->next_cwnd_event = sendme_per_cwnd(v);
    if (v->next_cc_event == 0)
        v->next_cc_event = cwnd_update_rate(v);
    if (v->params->cwnd_full_per_cwnd ? v->next_cwnd_event == sendme_per_cwnd(v)
                                      : v->next_cc_event == cwnd_update_rate(v))
        v->cwnd_full = false;
}

static void update_room(struct vegas *v)
{
    v->flow.room = (unsigned)less(v->cwnd, v->inflight);
}

/* ---- a kind of flow ---- */

static struct flow *vegas_make(const struct flow_config *config, unsigned inc, enum cc_way way)
{
    const struct cc_params *p = &config->cc;
    struct vegas *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct vegas){.flow = {.kind = &vegas_kind, .sendmes_most = CWND_MOST / inc + 1},
                        .params = p,
                        .way = &p->way[way],
                        .inc = inc,
                        .cwnd_least = most(p->cwnd_min, inc),
                        .cwnd = most(p->cwnd_init, inc),
                        .in_slow_start = true};
    v->next_cc_event = cwnd_update_rate(v);
    update_room(v);
    return &v->flow;
}

static err_t vegas_sent(struct flow *f, bool *answered)
{
    struct vegas *v = vegas_of(f);
    if (f->room == 0)
        return ERR_FULL;
    v->inflight++;
    *answered = ++v->sent == v->inc;
    if (*answered)
        v->sent = 0;
    update_room(v);
    return OK;
}

static err_t vegas_received(struct flow *f, bool *sendme_due)
{
    struct vegas *v = vegas_of(f);
    *sendme_due = ++v->got == v->inc;
    if (*sendme_due)
        v->got = 0;
    return OK;
}

static err_t vegas_sendme(struct flow *f, struct env *env, const struct flow_sendme *m)
{
    struct vegas *v = vegas_of(f);
    if (v->inflight < v->inc)
        return ERR_CIRC_SENDME;
    count_down(&v->next_cc_event);
    count_down(&v->next_cwnd_event);
    bool timed = update_rtt(v, less(env->mono_us, m->sent_us));
    if (update_bdp(v, timed, m->blocked))
        update_cwnd(v);
    v->inflight -= v->inc;
    update_room(v);
    return OK;
}

static void vegas_free(struct flow *f)
{
    free(f);
}

const struct flow_kind vegas_kind = {
    .make = vegas_make,
    .sent = vegas_sent,
    .received = vegas_received,
    .sendme = vegas_sendme,
    .free = vegas_free,
};
