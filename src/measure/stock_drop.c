/* Lanes of mode drop: RELAY_DROP, which nobody answers. So that not more of it waits at the relay
 * than it takes in a moment, whatever buffers there are on the way, CREATE_FAST of a circuit that
 * is for nothing else goes behind every few cells: a relay reads its links in order, so its answer
 * says that it has read what went before. */
#include <stdlib.h>

#include "cell/reason.h"
#include "measure/stock_int.h"

enum {
    DROP_AGAIN_MS = 2,
    DROP_FIRST = 32, /* cells between two marks: as many again may be under way */
    DROP_LEAST = 8,
    DROP_MOST = 512,
    DROP_SOON_MS = 50,  /* a mark that is answered within this: more may be under way, */
    DROP_LATE_MS = 200, /* and if it takes longer than this, less */
};

struct drop {
    struct lane *lane;
    struct circ *circ; /* RELAY_DROP goes on it */
    struct circ *mark; /* NULL: none is under way */
    bool answered;     /* the mark is, and waits to be freed */
    uint64_t marked_us;
    uint64_t every;     /* cells */
    uint64_t since;     /* cells sent behind the mark */
    struct timer again; /* the link may have room, or the mark be answered */
};

static struct drop *drop_of(const struct lane *ln)
{
    return ln->flow;
}

/* ---- marks ---- */

static void mark_on_open(void *arg)
{
    struct drop *d = arg;
    d->answered = true;
}

static void on_end(void *arg, const struct circ_end *end)
{
    lane_circ_ended(((struct drop *)arg)->lane, end);
}

static const struct circ_ops mark_ops = {.on_open = mark_on_open, .on_end = on_end};

static void steer(struct drop *d)
{
    uint64_t took_ms = (d->lane->s->env->mono_us - d->marked_us) / US_PER_MS;
    if (took_ms < DROP_SOON_MS && d->every < DROP_MOST)
        d->every *= 2;
    else if (took_ms > DROP_LATE_MS && d->every > DROP_LEAST)
        d->every /= 2;
}

static void forget_mark(struct drop *d)
{
    steer(d);
    circ_free(d->mark);
    d->mark = NULL;
    d->answered = false;
}

static void set_mark(struct drop *d)
{
    const struct circ_config config = circ_config_defaults();
    d->mark = circ_new(d->lane->s->env, d->lane->link, &config, &mark_ops, d);
    d->marked_us = d->lane->s->env->mono_us;
    d->since = 0;
    if (!d->mark || circ_build_fast(d->mark) != OK)
        lane_fails(d->lane, MEAS_RESOURCES, "a circuit could not be asked for");
}

/* ---- the circuit ---- */

static void on_open(void *arg)
{
    lane_is_ready(((struct drop *)arg)->lane);
}

static const struct circ_ops circ_ops = {.on_open = on_open, .on_end = on_end};

/* Up to the next mark, or until the last one is answered. */
static void send(struct drop *d)
{
    static const uint8_t nothing[RELAY_V0_DATA_MAX];
    struct lane *ln = d->lane;
    uint64_t n = stock_allows(ln->s, ln, false), sent = 0;
    while (sent < n && d->since < d->every && circ_may_begin(d->circ) &&
           circ_send(d->circ, 1, RELAY_DROP, 0, nothing, sizeof nothing) == OK) {
        sent++;
        d->since++;
    }
    if (sent)
        stock_spent(ln->s, ln, sent);
}

static void pump(struct lane *ln)
{
    struct drop *d = drop_of(ln);
    if (d->answered)
        forget_mark(d);
    send(d);
    if (!d->mark && d->since >= d->every)
        set_mark(d);
    if (ln->s->state == STOCK_RUNNING)
        env_arm_ms(ln->s->env, &d->again, DROP_AGAIN_MS);
}

static void again(void *arg)
{
    pump(((struct drop *)arg)->lane);
}

/* ---- life ---- */

static err_t open(struct lane *ln)
{
    struct stock *s = ln->s;
    const struct circ_config config = circ_config_defaults();
    struct drop *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    ln->flow = d;
    *d = (struct drop){.lane = ln, .every = DROP_FIRST};
    timer_init(&d->again, again, d);
    d->circ = circ_new(s->env, ln->link, &config, &circ_ops, d);
    return d->circ ? circ_build_fast(d->circ) : ERR_NOMEM;
}

static void close(struct lane *ln)
{
    struct drop *d = drop_of(ln);
    if (!d)
        return;
    env_disarm(ln->s->env, &d->again);
    if (d->mark)
        circ_close(d->mark, OK, DESTROY_NONE);
    if (d->circ)
        circ_close(d->circ, OK, DESTROY_NONE);
}

static void lane_free(struct lane *ln)
{
    struct drop *d = drop_of(ln);
    if (!d)
        return;
    env_disarm(ln->s->env, &d->again);
    circ_free(d->mark);
    circ_free(d->circ);
    free(d);
    ln->flow = NULL;
}

const struct lane_kind lane_drop = {.open = open, .pump = pump, .close = close, .free = lane_free};
