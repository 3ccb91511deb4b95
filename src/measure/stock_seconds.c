/* What a measurement reports each second, and how the flight of its cells is steered. */
#include "measure/stock_int.h"

enum { PERCENT = 100 };

/* Bytes that the relay must have written: cells as they came to us, and on the wire what goes with
 * them, but not more of that than TLS takes. Of drop nothing is known but what was sent. */
static uint64_t received(const struct stock *s, const struct stock_sums *now)
{
    const struct stock_sums *then = &s->before;
    uint64_t cells = now->back - then->back + now->hop_cells - then->hop_cells;
    uint64_t wire = now->wire_in - then->wire_in;
    uint64_t most = cells * CHAN_CELL_MAX * (PERCENT + STOCK_WIRE_PERCENT) / PERCENT;
    if (s->config.told.mode == MEAS_DROP)
        return now->wire_out - then->wire_out;
    return wire < most ? wire : most;
}

static unsigned percent_of(uint64_t part, uint64_t whole)
{
    return part < whole ? (unsigned)(part * PERCENT / whole) : PERCENT;
}

static void report(struct stock *s)
{
    const struct stock_sums now = stock_sums(s);
    const struct stock_sums *then = &s->before;
    uint64_t held_us = stock_held_us(s);
    const struct bw_report r = {
        .meas_id = s->config.told.meas_id,
        .sec = s->sec,
        .sent = (now.sent - then->sent) * CHAN_CELL_MAX,
        .recv = received(s, &now),
        .wire_in = now.wire_in - then->wire_in,
        .wire_out = now.wire_out - then->wire_out,
        .checked = now.checked - then->checked,
        .bad = now.bad - then->bad,
        .blocked = percent_of(held_us, US_PER_SEC),
        .cpu = percent_of(now.cpu_us - then->cpu_us, US_PER_SEC),
        .lag_ms = s->lag_ms,
    };
    s->before = now;
    s->lag_ms = 0;
    s->ops->on_report(s->arg, &r);
}

static void note_lag(struct stock *s, uint64_t due_us)
{
    uint64_t late_ms = (s->env->mono_us - due_us) / US_PER_MS;
    if (s->env->mono_us > due_us && late_ms > s->lag_ms)
        s->lag_ms = late_ms < UINT16_MAX ? (unsigned)late_ms : UINT16_MAX;
}

static uint64_t due_us(const struct stock *s, unsigned sec)
{
    return s->go_us + (uint64_t)sec * US_PER_SEC;
}

static bool has_had_enough(const struct stock *s)
{
    return s->config.bytes_most && s->before.wire_in + s->before.wire_out >= s->config.bytes_most;
}

/* The last one is over. */
static void drain(struct stock *s)
{
    s->state = STOCK_DRAINING;
    env_disarm(s->env, &s->paced);
    env_disarm(s->env, &s->dead_man);
    if (stock_flying(s))
        env_arm_ms(s->env, &s->late, STOCK_DRAIN_MS);
    else
        stock_finish(s);
}

static void second(void *arg)
{
    struct stock *s = arg;
    s->sec++;
    note_lag(s, due_us(s, s->sec));
    report(s);
    if (s->state != STOCK_RUNNING) /* it was cancelled in there */
        return;
    if (s->sec >= s->config.told.dur)
        drain(s);
    else if (has_had_enough(s))
        stock_fails(s, MEAS_CANCELLED, false, "the relay has had its bytes for a day");
    else
        timerq_arm(&s->env->timers, &s->second, due_us(s, s->sec + 1));
}

/* ---- the flight ---- */

static void tick(void *arg)
{
    struct stock *s = arg;
    const struct stock_sums now = stock_sums(s);
    note_lag(s, s->flight.last_us + FLIGHT_TICK_MS * US_PER_MS);
    env_arm_ms(s->env, &s->tick, FLIGHT_TICK_MS);
    (void)flight_tick(&s->flight, s->env->mono_us, now.back);
    stock_pump_all(s);
}

void stock_init_seconds(struct stock *s)
{
    timer_init(&s->second, second, s);
    timer_init(&s->tick, tick, s);
}

void stock_start_seconds(struct stock *s)
{
    unsigned least = s->config.told.mode == MEAS_SINK2 ? 2 * STOCK_SINK_EVERY : 0;
    s->go_us = s->env->mono_us;
    s->before = stock_sums(s);
    flight_init(&s->flight, s->n, least, s->env->mono_us);
    timerq_arm(&s->env->timers, &s->second, due_us(s, 1));
    env_arm_ms(s->env, &s->tick, FLIGHT_TICK_MS);
}
