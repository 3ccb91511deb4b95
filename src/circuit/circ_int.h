/* Inside of a circuit, shared by the files of this folder. */
#ifndef TUNIC_CIRCUIT_CIRC_INT_H
#define TUNIC_CIRCUIT_CIRC_INT_H

#include "base/later.h"
#include "cell/reason.h"
#include "cell/relay.h"
#include "circuit/circ.h"
#include "circuit/handshake.h"
#include "circuit/onion.h"

/* Why circ_send() said ERR_FULL: a SENDME undoes the one, room in the link's output the other. */
enum { BLOCKED_BY_FLOW = 1, BLOCKED_BY_LINK = 2 };

struct circ {
    struct env *env;
    struct circ_config config;
    const struct circ_ops *ops;
    void *arg;
    const struct circ_user_ops *user;
    void *user_arg;
    circ_control_fn *control;
    void *control_arg;
    circ_tap_fn *tap;
    void *tap_arg;

    struct link_circ lc;
    struct link *link; /* NULL once it ended */
    uint32_t id;

    enum circ_state state;
    struct onion onion;              /* the hops built, and behind them the targets asked for */
    unsigned wanted;                 /* hops, with those asked for */
    struct circ_handshake handshake; /* with hop onion.n + 1 */
    unsigned early_left;             /* RELAY_EARLY cells we may still send */
    unsigned stream_hops; /* bit N: a stream message went to hop N, so one may come back */
    unsigned blocked;     /* set of BLOCKED_BY_*: on_writable is owed when one of them is undone */
    enum relay_receiver we; /* messages have to be for this role */

    struct circpad *pad; /* NULL: no machine was ever begun */
    void (*on_pad_over)(void *arg);

    struct circ_counts counts;
    struct circ_end end;
    struct later tell; /* the neighbours, of the close */
};

/* Closes for a fault of the other side, or of ours. */
void circ_fail(struct circ *c, err_t why);

/* The other side ended it; it is off its link. */
void circ_close_remote(struct circ *c, uint8_t reason);
void circ_mark_closed(struct circ *c, err_t why, uint8_t reason);

/* ---- send.c ---- */

/* What was in the way (BLOCKED_BY_*) is no more. */
void circ_unblock(struct circ *c, unsigned by);
/* Answers the last cell from HOP with a SENDME about the circuit. */
MUST_USE err_t circ_send_sendme(struct circ *c, unsigned hop);

/* ---- receive.c ---- */

extern const struct link_circ_ops circ_link_ops;

/* ---- pad.c ---- */

/* A message CMD went to another relay; or came and is no padding. */
void circ_pad_sent(struct circ *c, uint8_t cmd);
void circ_pad_received(struct circ *c);
/* DROP and PADDING_NEGOTIATED. */
MUST_USE err_t circ_on_padding(struct circ *c, unsigned hop, const struct relay_msg *msg);
void circ_pad_end(struct circ *c);

/* ---- extend.c ---- */

/* CREATED_FAST and CREATED2. Errors are of class CIRCUIT. */
MUST_USE err_t circ_on_created(struct circ *c, uint8_t cmd, const uint8_t *body);
MUST_USE err_t circ_on_extended2(struct circ *c, const struct relay_msg *msg);

#endif
