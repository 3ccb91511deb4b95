/* Meter: once a second, while somebody listens for it, tells what went over OR connections,
 * circuits and streams (EVENT_BW and those behind it), and remembers the last five minutes. */
#ifndef TUNIC_CLIENT_METER_H
#define TUNIC_CLIENT_METER_H

#include "client/circuits.h"
#include "client/linkpool.h"
#include "client/ostream.h"

enum { METER_SECONDS = 300 }; /* control_events.c, N_BW_EVENTS_TO_CACHE */

struct meter {
    struct env *env;
    struct events *events;
    struct linkpool *links;
    struct circuits *circuits;
    struct ostreams *streams;
    unsigned wanted; /* kinds of its own */
    struct timer due;
    struct linkpool_bytes told;
    struct event_bw seconds[METER_SECONDS]; /* a ring */
    size_t n, next;
};

/* The rest is borrowed. M does not move. */
void meter_init(struct meter *m, struct env *env, struct events *events, struct linkpool *links,
                struct circuits *circuits, struct ostreams *streams);
void meter_stop(struct meter *m);

/* Second I of those that it remembers, oldest first; NULL: there are no more. */
const struct event_bw *meter_second(const struct meter *m, size_t i);

#endif
