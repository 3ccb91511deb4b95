/* Rwindow: flow control of a circuit at its end here: fixed windows (tor-spec 7.3), or congestion
 * control (proposal 324) as clients have it. Peers that cheat ignore it, so it counts what was sent
 * whether or not that was allowed. */
#ifndef TUNIC_TESTNET_RWINDOW_H
#define TUNIC_TESTNET_RWINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/rd.h"
#include "circuit/flow.h"
#include "circuit/layer.h"
#include "circuit/tags.h"

struct rwindow {
    struct flow *vegas; /* NULL: fixed windows, of: */
    unsigned increment; /* DATA that one SENDME stands for */
    unsigned package;   /* DATA we may still send */
    unsigned deliver;   /* DATA we may still get */
    unsigned sent, got; /* since the last one that a SENDME answers */
    struct tags tags;   /* of SENDMEs that are due */
};

/* VEGAS: congestion control, as CONFIG says, which outlives it. ERR_NOMEM: W is empty. */
MUST_USE err_t rwindow_init(struct rwindow *w, struct env *env, const struct flow_config *config,
                            bool vegas);
void rwindow_clear(struct rwindow *w);
/* DATA that we may send now. */
unsigned rwindow_room(const struct rwindow *w);
/* DATA was sent, in the cell that LAYER originated last. ERR_NOMEM. */
MUST_USE err_t rwindow_sent(struct rwindow *w, struct env *env, const struct layer *layer);
/* DATA came; *SENDME_DUE. ERR_CIRC_WINDOW. */
MUST_USE err_t rwindow_got(struct rwindow *w, bool *sendme_due);
/* Whether a SENDME of BODY is due, with this tag. */
bool rwindow_expects(const struct rwindow *w, const struct layer_kind *kind, struct rd body);
/* It came; BLOCKED: our link takes no more. ERR_CIRC_SENDME: none was due, or the tag is wrong. */
MUST_USE err_t rwindow_sendme(struct rwindow *w, struct env *env, const struct layer_kind *kind,
                              struct rd body, bool blocked);
/* One more SENDME's worth may be sent, for nothing. */
void rwindow_widen(struct rwindow *w);
/* As much is under way as a SENDME answers. */
bool rwindow_awaits_sendme(const struct rwindow *w);
/* How long a SENDME took, in microseconds; 0: unknown. */
uint64_t rwindow_rtt_us(const struct rwindow *w);

#endif
