/* Metrics: what a client did, counted from its events, and what it has at the moment, as
 * Prometheus's text (exposition format 0.0.4). A label's value is a word of a short list, never a
 * relay, an address or a destination. No I/O: who serves it is app/monitors.h. */
#ifndef TUNIC_MONITOR_METRICS_H
#define TUNIC_MONITOR_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/out.h"

struct client;
struct metrics;

/* Counts from now on what happens in CLIENT, which is borrowed. NULL out of memory. */
struct metrics *metrics_new(struct client *client);
void metrics_free(struct metrics *m); /* NULL is fine */

/* What only the surroundings know. */
struct metrics_around {
    unsigned dialled_v4, dialled_v6; /* connections to relays, and to what stands before them */
    size_t applications;             /* connections of theirs */
};

/* All of it, in the order of their names' table. */
void metrics_write(const struct metrics *m, const struct metrics_around *around,
                   struct text_out *out);

#endif
