/* The inside of a measurement of a relay of unmodified tor, for stock*.c only. */
#ifndef TUNIC_MEASURE_STOCK_INT_H
#define TUNIC_MEASURE_STOCK_INT_H

#include "base/bucket.h"
#include "base/later.h"
#include "link/link.h"
#include "measure/flight.h"
#include "measure/stock.h"

struct lane;

/* What one mode does with a link that is open. */
struct lane_kind {
    bool needs_next; /* a second hop */
    /* The link is open: begins its circuit. lane_is_ready() follows, or lane_fails(). */
    err_t (*open)(struct lane *ln);
    /* Sends as much as may go. */
    void (*pump)(struct lane *ln);
    /* Ends the circuit, with DESTROY if it is still there. It may be called on one that is not. */
    void (*close)(struct lane *ln);
    void (*free)(struct lane *ln);
};

enum lane_state { LANE_WAITING, LANE_CONNECTING, LANE_BUILDING, LANE_READY, LANE_BAD };

/* One link to the relay, and its circuit. */
struct lane {
    struct stock *s;
    unsigned i; /* socket */
    enum lane_state state;
    struct link *link; /* NULL: not yet, or buried */
    bool over;         /* its end was told; it waits to be buried */
    struct timer open;
    uint64_t asked_us;                 /* when its circuit was asked for */
    uint64_t sent, back, bad, checked; /* cells */
    void *flow;                        /* the kind's own */
};

enum stock_state { STOCK_CONNECTING, STOCK_READY, STOCK_RUNNING, STOCK_DRAINING, STOCK_OVER };

/* What is counted, up to now. */
struct stock_sums {
    uint64_t sent, back, hop_cells, checked, bad;
    uint64_t wire_in, wire_out, cpu_us;
};

struct stock {
    struct env *env;
    struct stock_config config;
    char name[MEAS_NAME_MAX + 1];
    const struct measurement_ops *ops;
    void *arg;
    const struct lane_kind *kind;
    uint8_t secret[32]; /* of which cells are checked */
    struct lane *lanes;
    unsigned n, ready, bad;
    unsigned first; /* lane to send for */
    unsigned rtt_ms;
    enum stock_state state;
    struct link_config link_config;
    struct bucket pace; /* bytes, of what this measurer is to give */
    struct timer paced; /* the bucket has some again */
    struct flight flight;
    struct timer tick;
    /* seconds */
    uint64_t go_us;
    unsigned sec;
    struct timer second;
    struct stock_sums before;        /* when the last second ended */
    uint64_t gone_in, gone_out;      /* bytes of links that are over */
    uint64_t held_us, held_since_us; /* held back, in this second; since: 0: not now */
    unsigned lag_ms;
    /* the end */
    struct timer late; /* connecting, waiting for go, draining */
    struct timer dead_man;
    struct meas_failure failure;
    bool has_failed, sent_away;
    bool short_of_memory; /* a lane was lost for what we lacked */
    uint64_t bytes;       /* once it is over */
    struct later tell, bury;
};

extern const struct lane_kind lane_echo2, lane_dir, lane_drop, lane_http;

/* ---- stock_sums.c ---- */

struct stock_sums stock_sums(const struct stock *s);
/* Cells that may be answered and are not. */
uint64_t stock_flying(const struct stock *s);

/* ---- stock_state.c ---- */

/* None of its timers goes off any more. */
void stock_disarm(struct stock *s);
/* Whether no circuit is missing any more; LAST_FAILURE says what became of the last one. */
void stock_look_whether_all(struct stock *s, enum meas_code code, const char *last_failure);
void stock_fails(struct stock *s, enum meas_code code, bool sent_away, const char *text);
void stock_finish(struct stock *s); /* all is sent and has come back */

/* ---- stock_pace.c ---- */

void stock_init_pace(struct stock *s);
/* How many cells a lane may send now, by its share of the flight (LIMITED) and by the pace. */
uint64_t stock_allows(struct stock *s, const struct lane *ln, bool limited);
void stock_spent(struct stock *s, struct lane *ln, uint64_t cells);
/* Cells that came for what was asked count against the pace, too. */
void stock_paid(struct stock *s, uint64_t cells);
void stock_pump_all(struct stock *s);
/* How long senders have been held back since it was asked last. */
uint64_t stock_held_us(struct stock *s);

/* ---- stock_lane.c ---- */

void lane_dial(void *lane);   /* a timer's */
void lanes_bury(void *stock); /* a later's: those that are over */
void lane_bury(struct lane *ln);
void lane_is_ready(struct lane *ln);
/* Its circuit cannot be had, while connecting; later that ends everything. */
void lane_fails(struct lane *ln, enum meas_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The relay has ended what it had granted. */
void lane_sent_away(struct lane *ln, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Its circuit has ended: the relay did that, or it could not be had. */
void lane_circ_ended(struct lane *ln, const struct circ_end *end);
void lane_cheat(struct lane *ln, const struct meas_cheat *cheat);

/* ---- stock_may.c ---- */

/* Of a mode that there is (stock_may()). */
const struct lane_kind *stock_kind(enum meas_mode mode);
/* All that is looked at before there is a measurement; as stock_new(). */
MUST_USE err_t stock_may(const struct env *env, const struct stock_config *config,
                         char why[CONSENT_WHY_MAX]);

/* ---- stock_seconds.c: and the flight's ticks ---- */

void stock_init_seconds(struct stock *s);
/* From `go` on, until stock_disarm(). */
void stock_start_seconds(struct stock *s);

#endif
