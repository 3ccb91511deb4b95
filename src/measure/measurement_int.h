/* The inside of a measurement, for its files and its test only. */
#ifndef TUNIC_MEASURE_MEASUREMENT_INT_H
#define TUNIC_MEASURE_MEASUREMENT_INT_H

#include "base/bucket.h"
#include "base/later.h"
#include "base/timer.h"
#include "measure/echo.h"
#include "measure/measurement.h"
#include "measure/onehop.h"

enum {
    CELL_ON_WIRE = CHAN_CELL_MAX,
    PACE_STEP_US = 2000,  /* the bucket fills so often */
    PACE_BURST_MS = 100,  /* what it holds at most, in time: relays fill theirs so often, too */
    PACE_BURST_CELLS = 8, /* and at least */
    WINDOW_MS = 200,      /* of alloc_bw is under way, besides what the distance takes */
    WINDOW_LEAST = 2,     /* cells a circuit */
    WINDOW_MOST = 1000,   /* C tor closes circuits of 1,500 */
    TURN_MS = 100,        /* of what comes back: a circuit's turn */
    TURN_CELLS_MOST = 16, /* of a circuit, before the next has its turn */
};

/* One link with its circuit. */
struct msocket {
    struct measurement *m;
    unsigned number;
    struct onehop hop;
    struct ipport at;  /* where it was opened */
    struct echo *echo; /* once it is ready */
    uint64_t asked_us; /* when MEAS_ECHO_ON went out */
    bool ready, bad;   /* ready stays so when it is bad later */
    bool can_send;     /* it is in the ring */
    struct msocket *prev, *next;
};

struct measurement {
    struct env *env;
    struct measurement_config config;
    struct connect_to_relay told;
    char name[MEAS_NAME_MAX + 1];
    const struct measurement_ops *ops;
    void *arg;
    enum measurement_state state;
    uint8_t secret[ECHO_SECRET_LEN]; /* of what is checked */

    struct msocket *sockets; /* told.n_circs of them */
    unsigned opened, ready, bad;
    unsigned lost; /* of those that are bad: they were ready once */
    bool short_of_memory;
    bool met_another;            /* a link proved to be no link to the relay */
    uint64_t rtt_us;             /* the quickest answer to MEAS_ECHO_ON; UINT64_MAX: none yet */
    char refusal[MEAS_INFO_MAX]; /* what the relay said to one of them, or "" */
    struct timer open_next, deadline, dead_man;

    /* Sending. */
    struct msocket *ring; /* those that could send */
    struct bucket pace;
    unsigned window; /* cells under way, a circuit */
    unsigned turn;   /* cells that go out together */
    struct timer tick;
    struct later pump; /* once a wake-up */

    /* The second that runs. */
    uint64_t go_us, tick_due_us, blocked_since_us, blocked_us; /* since 0: not held back */
    struct bw_report now;
    uint64_t wire_in, wire_out, cpu_us; /* as they were when it began */
    uint64_t all_in, all_recv;          /* since `go`: on the links, and in echoes */
    struct timer second;

    struct later tell;
    struct meas_failure failure;
};

/* ---- measurement_state.c ---- */

void measurement_init_states(struct measurement *m);
/* Nothing is sent any more, and all links are closed. STATE: MEASUREMENT_DONE or _FAILED. */
void measurement_end(struct measurement *m, enum measurement_state state);
void measurement_fail(struct measurement *m, enum meas_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* One more is ready, or bad: enough are, or too many. */
void measurement_count(struct measurement *m);

/* ---- msocket.c ---- */

/* Dials. */
void msocket_open(struct msocket *s);
void msocket_free(struct msocket *s);
/* It could send: into the ring with it, if it is not there. */
void msocket_can_send(struct msocket *s);
/* Up to MOST cells go out; how many did. Fewer: it cannot send more now, and has left the ring. */
unsigned msocket_send(struct msocket *s, unsigned most);

/* ---- pacing.c ---- */

void pacing_init(struct measurement *m);
/* Begins to send; measurement_end() ends that. */
void pacing_begin(struct measurement *m);
/* The rate is told.alloc_bw from now on. */
void pacing_set(struct measurement *m);
/* RECV bytes have come back in the second that is over. */
void pacing_learn(struct measurement *m, uint64_t recv);
/* How long senders have been held back since it was asked last. */
uint64_t pacing_blocked_us(struct measurement *m);

#endif
