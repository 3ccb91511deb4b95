/* Rmeas: the relay's side of a measurement of its capacity (proposal 316; docs/testnet-relays.md):
 * who may ask for one, circuits whose cells it gives back, and what clients may carry meanwhile.
 *
 *     measurable.c    under which terms it lets itself be measured
 *     rmeas.c         what a coordinator and measurers ask for; the life of a run
 *     rmeas_echo.c    cells that come back
 *     rmeas_share.c   the clients' share, and what the coordinator is told of it
 *
 * A run is awaited from PARAMS_OK on, and goes on from the first echo on. There is one at a time.
 */
#ifndef TUNIC_TESTNET_RMEAS_H
#define TUNIC_TESTNET_RMEAS_H

#include "base/env.h"
#include "cell/measurement.h"
#include "testnet/measurable.h"
#include "testnet/nlink.h"

struct node;
struct rcirc;

enum {
    RMEAS_QUEUE_FULL = 64,   /* echoes of one link that wait: it is not read meanwhile */
    RMEAS_LINKS_MOST = 1024, /* beyond those that a node has in any case */
    RMEAS_ROUND_MS = 100,
    RMEAS_ROUNDS = 10, /* of a second */
};

/* What a circuit is there for. Those of the last two carry nothing for clients. */
enum rmeas_use { RMEAS_CLIENTS, RMEAS_COORDINATOR, RMEAS_FRAMED, RMEAS_RAW };

enum rmeas_state { RMEAS_IDLE, RMEAS_AWAITED, RMEAS_RUNNING };

struct rmeas {
    struct node *node;
    struct measurable_terms terms;
    struct {
        unsigned n; /* that there have been, up to MEASURABLE_RUNS: when, the last one first */
        uint64_t at_us[MEASURABLE_RUNS];
    } past[MEASURABLE_COORDINATORS_MOST];

    enum rmeas_state state;
    struct rcirc *coordinator; /* NULL: none, or it has gone */
    struct meas_params asked;
    enum meas_echo echo;
    unsigned sockets[MEAS_MEASURERS_MAX]; /* circuits that each measurer has, by identity */
    uint64_t began_us;
    uint16_t second; /* the last one that is over */
    struct timer limit, tick;

    /* Clients' share. */
    uint64_t echoed;                     /* bytes of echoes since the node began */
    uint64_t round_echoed[RMEAS_ROUNDS]; /* what ECHOED was, rounds ago: a ring */
    unsigned round_at;                   /* the oldest of them */
    unsigned rounds;                     /* that have begun */
    int64_t allowed;                     /* bytes that clients may carry since it began */
    int64_t early;                       /* so many before the end of that they wait */
    uint64_t client_in, client_out;      /* of theirs, when it began */
    uint64_t told_in, told_out;          /* when the coordinator was told last */
    bool held;                           /* clients wait for the next round */
    struct timer round;
};

void rmeas_init(struct rmeas *m, struct node *n);
void rmeas_end(struct rmeas *m);

/* MEASUREMENT came on C. */
void rmeas_cell(struct rcirc *c, const uint8_t *body);
/* C is over. */
void rmeas_leave(struct rcirc *c);
/* The run is over; its coordinator, if it is still there, hears CODE, if that is not 0. */
void rmeas_finish(struct rmeas *m, uint8_t code);
/* How many links more than usual there may be, of which PEER may have one: 316 exempts measurers
 * from limits until the end. Who has an identity has shown nothing of it by then. */
unsigned rmeas_expects(const struct rmeas *m, const struct ip *peer);
void rmeas_say(struct rcirc *c, const struct meas_cell *cell);
/* C becomes one of the run's, if who opened it is a measurer that has sockets left. */
bool rmeas_admit(struct rcirc *c);
/* The first echo goes back: the run begins. */
void rmeas_start(struct rmeas *m);

/* ---- rmeas_echo.c ---- */

/* A RELAY cell came on C, a raw one. */
void rmeas_raw(struct rcirc *c, uint8_t *body);
/* A relay message MEAS_ECHO came on C in the cell BODY, decrypted: true, and it goes back if it
 * may; false: nobody measures here. */
bool rmeas_framed(struct rcirc *c, const uint8_t *body);
/* One more cell goes back; no misdeed is asked: what misdeeds themselves give back. */
void rmeas_echo_as_is(struct rcirc *c, const uint8_t *body);
/* C, whose echoes waited, could send some. */
void rmeas_flushed(struct rcirc *c);
/* What waits in C is dropped. */
void rmeas_forget_waiting(struct rcirc *c);
/* Closes all circuits that give cells back. */
void rmeas_close_echoes(struct node *n);

/* ---- rmeas_share.c ---- */

void rmeas_share_init(struct rmeas *m);
void rmeas_share_begin(struct rmeas *m);
void rmeas_share_end(struct rmeas *m);
/* Clients' cells or bytes passed; they wait if it was too much. */
void rmeas_share_spend(struct node *n);
/* What is told of the second that is over. */
struct meas_bg rmeas_share_second(struct rmeas *m);

#endif
