/* Rwindow: flow control of a circuit at its end here: fixed windows (tor-spec 7.3), or a fixed
 * congestion window under the rules of proposal 324. */
#ifndef TUNIC_TESTNET_RWINDOW_H
#define TUNIC_TESTNET_RWINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "circuit/layer.h"

enum {
    RWINDOW_TAGS = 64,
    CC_SENDME_INC = 31, /* the consensus' default of cc_sendme_inc */
};

struct rwindow {
    unsigned increment; /* DATA that one SENDME stands for */
    unsigned package;   /* DATA we may still send */
    unsigned deliver;   /* DATA we may still get */
    unsigned sent, got; /* since the last one that a SENDME answers */
    uint8_t tags[RWINDOW_TAGS][LAYER_TAG_MAX];
    unsigned tags_at, tags_n;
};

void rwindow_init(struct rwindow *w, bool congestion_control);
/* DATA was sent, in the cell that LAYER originated last. */
void rwindow_sent(struct rwindow *w, const struct layer *layer);
/* DATA came; *SENDME_DUE. ERR_CIRC_WINDOW. */
MUST_USE err_t rwindow_got(struct rwindow *w, bool *sendme_due);
/* ERR_CIRC_SENDME: none was due, or the tag is wrong. */
MUST_USE err_t rwindow_sendme(struct rwindow *w, const struct layer_kind *kind, const uint8_t *body,
                              size_t len);

#endif
