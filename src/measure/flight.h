/* Flight: how many cells may be under way through a relay of unmodified tor, all circuits together.
 *
 * What nobody has answered yet fills the relay's queues first, and one who fills them is cut off.
 * So it begins with three cells a circuit and doubles while the rate grows by that, looks again now
 * and then, and keeps under half a second of the rate and under what a circuit may hold. Pure
 * arithmetic; whoever sends calls flight_tick() every FLIGHT_TICK_MS. */
#ifndef TUNIC_MEASURE_FLIGHT_H
#define TUNIC_MEASURE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FLIGHT_TICK_MS = 250,
    FLIGHT_FIRST = 3,           /* cells a circuit, at first */
    FLIGHT_CIRCUIT_MOST = 1000, /* live: circ_max_cell_queue_size_out=1500 */
    FLIGHT_RATE_MS = 500,       /* of the rate, all together, at most */
    FLIGHT_LITTLE_MS = 100,     /* of the rate: under that it grows in any case */
    FLIGHT_LEAST = 4,           /* all together, however slow the relay is */
};

enum flight_state { FLIGHT_GROWING, FLIGHT_SETTLED, FLIGHT_TRYING };

struct flight {
    enum flight_state state;
    unsigned circs;
    unsigned least;   /* cells a circuit, under which it stands still (one in k comes back) */
    uint64_t cells;   /* that may be under way now */
    uint64_t rate;    /* cells a second, smoothed; 0: none yet */
    uint64_t before;  /* the rate that the last growth is held against */
    uint64_t settled; /* cells, while TRYING: what it goes back to */
    unsigned ticks;   /* in this state, or since the last growth */
    unsigned patience;
    bool capped;      /* the circuits hold all that they may */
    bool was_settled; /* at any time */
    uint64_t last_us, last_back;
};

/* LEAST: of each circuit, and at least FLIGHT_FIRST. */
void flight_init(struct flight *f, unsigned circs, unsigned least, uint64_t now_us);
/* BACK cells came since the beginning. True: more may go than before. */
bool flight_tick(struct flight *f, uint64_t now_us, uint64_t back);
/* What circuit I may have under way: the shares of all are f->cells. */
uint64_t flight_share(const struct flight *f, unsigned i);
/* It has been seen that more under way brings no more back: what holds us back is the relay, or the
 * way to it. Over a way that takes half a second itself that does not follow. */
bool flight_is_settled(const struct flight *f);

#endif
