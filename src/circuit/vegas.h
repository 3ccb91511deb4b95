/* Vegas: the kind of flow of congestion control (proposal 324, 3.3; TOR_VEGAS).
 *
 * A window of cells may be under way. How many of them wait at relays is told by how much longer
 * than at best a cell and its SENDME take: cwnd * min_rtt / ewma_rtt are on the wires (the BDP),
 * the rest waits. In slow start the window grows with each SENDME until too many do; from then on a
 * step of it up or down, several times a window, keeps their number between two bounds. What
 * comes is limited by the other end's window alone. */
#ifndef TUNIC_CIRCUIT_VEGAS_H
#define TUNIC_CIRCUIT_VEGAS_H

#include <stdint.h>

#include "circuit/flow.h"

/* What lies behind the head, for those who look on. Its room is what CWND allows beyond INFLIGHT.
 */
struct vegas {
    struct flow flow;
    const struct cc_params *params; /* of its config */
    const struct cc_thresholds *way;
    unsigned inc;
    uint64_t cwnd_least;          /* the least window, which a SENDME fits into */
    unsigned sent, got;           /* DATA since the last that a SENDME will be for, each way */
    uint64_t cwnd, inflight, bdp; /* cells */
    uint64_t ewma_rtt_us, min_rtt_us, max_rtt_us; /* 0: never measured */
    uint64_t next_cc_event;   /* SENDMEs until the window may change, after slow start */
    uint64_t next_cwnd_event; /* SENDMEs until a window's worth of them has come */
    bool in_slow_start;
    bool cwnd_full;     /* it was, not long ago: so there is use for a larger one */
    bool blocked_chan;  /* at the last SENDME our own link was congested */
    bool clock_stalled; /* no time had passed, and since then no time was credible */
};

extern const struct flow_kind vegas_kind;

#endif
