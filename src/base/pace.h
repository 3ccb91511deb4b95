/* Pace: when news leave that come often and go to many. To send each by itself costs more than the
 * news do: the first after a pause leaves at once, and what follows leaves together PACE_MS later.
 * A member of the machine that sends. */
#ifndef TUNIC_BASE_PACE_H
#define TUNIC_BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

enum {
    PACE_MS = 10,            /* that long news wait at most */
    PACE_ENOUGH = 16 * 1024, /* bytes; with so many there is nothing more to be had by waiting */
};

struct pace {
    struct env *env;
    void (*act)(void *arg);
    void *arg;
    uint64_t next_us; /* from here on they leave at once; zero: none has left */
    struct timer over;
};

/* ACT sends all that has waited. Must be called once. */
void pace_init(struct pace *p, struct env *env, void (*act)(void *arg), void *arg);
/* What waits is nobody's any more. */
void pace_end(struct pace *p);

/* News have come. True: they leave with this wake-up, as all others of it. False: they wait until
 * ACT is called. */
bool pace_is_open(struct pace *p);

#endif
