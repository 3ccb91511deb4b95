/* Timer queue: every deadline of a client in one place, so that the event loop arms one timer.
 *
 * A struct timer is a member of the machine that owns it; arming neither allocates nor fails. The
 * queue is a pairing heap. A timer armed with a deadline that has passed fires in the next run,
 * which net makes at the end of every wake-up: that is how machines defer work and freeing. */
#ifndef TUNIC_BASE_TIMER_H
#define TUNIC_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    void (*fire)(void *arg);
    void *arg;
    uint64_t due_us;
    uint64_t order; /* among equal deadlines, the order of arming */
    bool armed;
    struct timerq *queue;              /* while armed: where */
    struct timer *child, *next, *prev; /* prev: left sibling, or the parent for a first child */
};

struct timerq {
    struct timer *root;
    uint64_t armings; /* how often a timer was armed */
    uint64_t ran_us;  /* the time of the last run */
};

#define TIMER_NEVER UINT64_MAX

/* A timer must be initialized once; the all-zero timer with no fire function is never armed. */
void timer_init(struct timer *t, void (*fire)(void *arg), void *arg);

/* Arms T for DUE_US; a timer that is armed already, in whatever queue, is moved. May be called from
 * fire functions. */
void timerq_arm(struct timerq *q, struct timer *t, uint64_t due_us);

/* Harmless on a timer that is not armed. */
void timer_disarm(struct timer *t);

/* The earliest deadline, or TIMER_NEVER. */
uint64_t timerq_next(const struct timerq *q);

/* Fires every timer that is due at NOW_US, earliest first. A timer armed during the run fires in
 * the next run even if it is due already, so a run always ends. */
void timerq_run(struct timerq *q, uint64_t now_us);

#endif
