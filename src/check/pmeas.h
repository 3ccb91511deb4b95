/* Pmeas: a party to a measurement in the hands of a case: a link that proves the identity which the
 * run was given, as an honest relay's would, and one circuit of one hop on it.
 *
 * As with probes, all calls are nothing after the trial's first failure; NULL may be given. */
#ifndef TUNIC_CHECK_PMEAS_H
#define TUNIC_CHECK_PMEAS_H

#include "cell/measurement.h"
#include "check/probe.h"
#include "circuit/fast.h"
#include "circuit/layer.h"
#include "link/link.h"

enum { PMEAS_CELLS = 64 };

struct pmeas {
    struct trial *t;
    struct probe *p; /* its connection: bytes only */
    struct link *link;
    struct link_circ lc;
    struct layer *layer;
    struct fast_client fast;
    bool open, gone, circuit_gone;
    /* What came and was not taken yet, in its order. */
    struct pmeas_cell {
        uint8_t cmd; /* MEASUREMENT or RELAY */
        uint8_t body[CELL_BODY_LEN];
    } came[PMEAS_CELLS];
    size_t n_came;
};

/* Dials, and makes the circuit by CREATE_FAST. Without an identity the trial is skipped. The trial
 * owns it. */
struct pmeas *pmeas_open(struct trial *t);
void pmeas_free(struct pmeas *m); /* for the trial */

void pmeas_say(struct pmeas *m, const struct meas_cell *cell);
/* MEASUREMENT comes next, within TIMEOUT_MS (0: an answer's time). */
bool pmeas_hear(struct pmeas *m, struct meas_cell *out, uint32_t timeout_ms);
/* A RELAY cell with this body under the layer, or, if FRAMED, as a message with its digest, which
 * BODY gets. */
void pmeas_send(struct pmeas *m, uint8_t body[CELL_BODY_LEN], bool framed);
/* That body comes back next, not encrypted. */
void pmeas_await_echo(struct pmeas *m, const uint8_t body[CELL_BODY_LEN]);
/* The relay ends the circuit, within TIMEOUT_MS; RELAY cells before that count for nothing. */
void pmeas_await_destroy(struct pmeas *m, uint32_t timeout_ms);
/* We end it. */
void pmeas_close(struct pmeas *m);

#endif
