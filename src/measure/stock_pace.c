/* What lanes may send and when, by what this measurer is to give; and who holds them back. */
#include "measure/stock_int.h"

enum {
    PACE_STEP_US = 10 * 1000,
    /* Tor fills its own buckets every tenth of a second, and is idle in between: what comes back,
     * and so what may go, comes in such bursts. Twice that is never empty while the relay is the
     * slower one. At first there is a quarter of it, so that no second has much more than it is
     * given. */
    PACE_BURST_MS = 200,
    PACE_FIRST = 4,
};

/* ---- whether senders are held back ---- */

/* By the relay: its cells are under way, more of them would bring no more back, and we could pay
 * for more. */
static bool is_held(struct stock *s)
{
    return s->state == STOCK_RUNNING && flight_is_settled(&s->flight) && !s->flight.capped &&
           !s->paced.armed;
}

static void stop_held(struct stock *s)
{
    if (s->held_since_us)
        s->held_us += s->env->mono_us - s->held_since_us;
    s->held_since_us = 0;
}

static void note_held(struct stock *s)
{
    bool held = is_held(s);
    if (held && !s->held_since_us)
        s->held_since_us = s->env->mono_us;
    else if (!held)
        stop_held(s);
}

uint64_t stock_held_us(struct stock *s)
{
    bool held = s->held_since_us != 0;
    stop_held(s);
    uint64_t us = s->held_us;
    s->held_us = 0;
    s->held_since_us = held ? s->env->mono_us : 0;
    return us;
}

/* ---- whose turn it is ---- */

/* Each time another lane is the first to take from what the pace allows. */
void stock_pump_all(struct stock *s)
{
    unsigned first = s->first++;
    for (unsigned i = 0; i < s->n && s->state == STOCK_RUNNING; i++) {
        struct lane *ln = &s->lanes[(first + i) % s->n];
        if (ln->state == LANE_READY)
            s->kind->pump(ln);
    }
    note_held(s);
}

/* ---- what a lane may do ---- */

/* What one cell costs of what this measurer is to give: in echo2 the relay handles it twice, and so
 * does this computer. */
static uint64_t price(const struct stock *s)
{
    return s->config.told.mode == MEAS_ECHO2 ? 2 * CHAN_CELL_MAX : CHAN_CELL_MAX;
}

uint64_t stock_allows(struct stock *s, const struct lane *ln, bool limited)
{
    uint64_t flying = ln->sent - ln->back, share = flight_share(&s->flight, ln->i);
    uint64_t paid = bucket_look(&s->pace, s->env->mono_us) / price(s);
    if (s->state != STOCK_RUNNING || (limited && share <= flying))
        return 0;
    if (!paid) {
        if (!s->paced.armed)
            timerq_arm(&s->env->timers, &s->paced, bucket_next_us(&s->pace));
        return 0;
    }
    return !limited || paid < share - flying ? paid : share - flying;
}

void stock_paid(struct stock *s, uint64_t cells)
{
    uint64_t bytes = cells * price(s);
    uint64_t there = bucket_look(&s->pace, s->env->mono_us);
    bucket_take(&s->pace, bytes < there ? bytes : there);
}

void stock_spent(struct stock *s, struct lane *ln, uint64_t cells)
{
    ln->sent += cells;
    stock_paid(s, cells);
}

/* ---- life ---- */

static void paced(void *arg)
{
    stock_pump_all(arg);
}

static uint64_t burst_of(uint64_t alloc_bw)
{
    return alloc_bw / MS_PER_SEC * PACE_BURST_MS;
}

void stock_init_pace(struct stock *s)
{
    uint64_t alloc_bw = s->config.told.alloc_bw;
    timer_init(&s->paced, paced, s);
    bucket_init(&s->pace, alloc_bw, burst_of(alloc_bw) / PACE_FIRST, PACE_STEP_US, s->env->mono_us);
}

void stock_alloc(struct stock *s, uint64_t alloc_bw)
{
    bucket_change(&s->pace, alloc_bw, burst_of(alloc_bw), PACE_STEP_US, s->env->mono_us);
    stock_pump_all(s);
}
