/* Inside of a circuit, shared by the files of this folder. */
#ifndef TUNIC_CIRCUIT_CIRC_INT_H
#define TUNIC_CIRCUIT_CIRC_INT_H

#include "base/timer.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "circuit/circ.h"
#include "circuit/handshake.h"
#include "circuit/onion.h"
#include "circuit/window.h"

struct circ {
    struct env *env;
    const struct circ_ops *ops;
    void *arg;
    const struct circ_user_ops *user;
    void *user_arg;
    circ_tap_fn *tap;
    void *tap_arg;

    struct link_circ lc;
    struct link *link; /* NULL once it ended */
    uint32_t id;
    uint64_t created_us;

    enum circ_state state;
    struct circ_hop_target target[CIRC_MAX_HOPS]; /* built, and behind them those asked for */
    unsigned built, wanted;
    struct circ_handshake handshake; /* with hop BUILT + 1 */

    struct onion onion;
    struct window window[CIRC_MAX_HOPS];
    unsigned early_left;    /* RELAY_EARLY cells we may still send */
    unsigned stream_hops;   /* bit N: a stream message went to hop N, so one may come back */
    bool blocked;           /* circ_send() said ERR_FULL, on_writable is owed */
    enum relay_receiver we; /* who messages have to be for */

    struct circ_end end;
    struct timer gone; /* tells the neighbours of the close */
};

/* Closes for a fault of the other side, or of ours. */
void circ_fail(struct circ *c, err_t why);

/* ---- extend.c ---- */

/* Asks for the next hop, with CREATE2 or EXTEND2. */
MUST_USE err_t circ_extend_next(struct circ *c);
/* CREATED_FAST and CREATED2. Errors are of class CIRCUIT. */
MUST_USE err_t circ_on_created(struct circ *c, uint8_t cmd, const uint8_t *body);
MUST_USE err_t circ_on_extended2(struct circ *c, const struct relay_msg *msg);

#endif
