/* Later: what a machine puts off until no call of it is on the stack. To close is to mark at once;
 * to tell the neighbour, once, and to free what was let go come at the end of the wake-up.
 *
 * A struct later is a member of the machine whose work it is; asking neither allocates nor fails.
 * By custom its name says which of the two it does: `tell` or `reap`. */
#ifndef TUNIC_BASE_LATER_H
#define TUNIC_BASE_LATER_H

#include "base/env.h"

struct later {
    struct timer timer; /* in ENV's queue, due at once */
};

/* Must be called once; the all-zero one without an act is never asked for. */
void later_init(struct later *l, void (*act)(void *arg), void *arg);

/* ACT(ARG) runs once when this wake-up's calls are done, however often it is asked for, after what
 * was asked for before it. If it is asked for inside of an act, it waits for the next round. */
void later_ask(struct env *env, struct later *l);

/* Harmless if it was not asked for. To be called before the machine is freed. */
void later_cancel(struct env *env, struct later *l);

static inline bool later_is_asked(const struct later *l)
{
    return l->timer.armed;
}

#endif
