#include "measure/flight.h"

#include "base/env.h"

enum {
    FLAT_TICKS = 2, /* without growth: it is settled */
    TRY_TICKS = 2,
    PATIENCE_FIRST = 8, /* ticks between two tries, doubled after each in vain */
    PATIENCE_MOST = 32,
};

void flight_init(struct flight *f, unsigned circs, unsigned least, uint64_t now_us)
{
    if (least < FLIGHT_FIRST)
        least = FLIGHT_FIRST;
    *f = (struct flight){.circs = circs ? circs : 1, .least = least, .last_us = now_us};
    f->cells = (uint64_t)f->circs * least;
    f->patience = PATIENCE_FIRST;
}

static uint64_t circuits_hold(const struct flight *f)
{
    return (uint64_t)f->circs * FLIGHT_CIRCUIT_MOST;
}

/* Half a second of the rate, once there is one; what one answer needs is never cut. */
static uint64_t most(const struct flight *f)
{
    uint64_t most = circuits_hold(f);
    uint64_t by_rate = f->rate * FLIGHT_RATE_MS / MS_PER_SEC;
    uint64_t least = f->least > FLIGHT_FIRST ? (uint64_t)f->circs * f->least : FLIGHT_LEAST;
    if (by_rate < least)
        by_rate = least;
    return f->rate && by_rate < most ? by_rate : most;
}

static void go_to(struct flight *f, enum flight_state state)
{
    f->state = state;
    f->ticks = 0;
    f->was_settled |= state == FLIGHT_SETTLED;
}

static void grow(struct flight *f, uint64_t cells)
{
    f->cells = cells < most(f) ? cells : most(f);
}

/* So little is under way that a busy computer, ours or the relay's, may be late by as much. */
static bool is_little(const struct flight *f)
{
    return f->cells * MS_PER_SEC < f->rate * FLIGHT_LITTLE_MS;
}

/* Twice as much under way, and the rate is up by a quarter: it was not the relay. */
static void growing(struct flight *f, uint64_t rate)
{
    if (rate > f->before + f->before / 4 || is_little(f)) {
        f->before = rate;
        f->ticks = 0;
        grow(f, f->cells * 2);
    } else if (++f->ticks >= FLAT_TICKS) {
        go_to(f, FLIGHT_SETTLED);
    }
}

static void settled(struct flight *f)
{
    if (is_little(f)) {
        go_to(f, FLIGHT_GROWING);
        grow(f, f->cells * 2);
        return;
    }
    if (++f->ticks < f->patience)
        return;
    f->settled = f->cells;
    f->before = f->rate;
    grow(f, f->cells + f->cells / 2);
    go_to(f, FLIGHT_TRYING);
}

static void trying(struct flight *f, uint64_t rate)
{
    if (++f->ticks < TRY_TICKS)
        return;
    if (rate > f->before + f->before / 8) {
        go_to(f, FLIGHT_GROWING);
        f->patience = PATIENCE_FIRST;
        f->before = rate;
        grow(f, f->cells * 2);
        return;
    }
    f->cells = f->settled;
    if (f->patience < PATIENCE_MOST)
        f->patience *= 2;
    go_to(f, FLIGHT_SETTLED);
}

bool flight_tick(struct flight *f, uint64_t now_us, uint64_t back)
{
    uint64_t before = f->cells;
    if (now_us <= f->last_us)
        return false;
    uint64_t rate = (back - f->last_back) * US_PER_SEC / (now_us - f->last_us);
    f->last_us = now_us;
    f->last_back = back;
    f->rate = f->rate ? (f->rate + rate) / 2 : rate;
    if (f->state == FLIGHT_GROWING)
        growing(f, rate);
    else if (f->state == FLIGHT_SETTLED)
        settled(f);
    else
        trying(f, rate);
    if (f->cells > most(f))
        f->cells = most(f);
    f->capped = f->cells >= circuits_hold(f);
    return f->cells > before;
}

uint64_t flight_share(const struct flight *f, unsigned i)
{
    uint64_t share = f->cells / f->circs + (i < f->cells % f->circs);
    return share < FLIGHT_CIRCUIT_MOST ? share : FLIGHT_CIRCUIT_MOST;
}

bool flight_is_settled(const struct flight *f)
{
    return f->was_settled;
}
