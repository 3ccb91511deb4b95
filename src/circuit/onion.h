/* Onion: the layers of all hops of a circuit, innermost (first hop) first. A member of the circuit.
 */
#ifndef TUNIC_CIRCUIT_ONION_H
#define TUNIC_CIRCUIT_ONION_H

#include "circuit/layer.h"

enum { ONION_MAX_LAYERS = 8 };

struct onion {
    struct layer *layer[ONION_MAX_LAYERS]; /* [0] is hop 1 */
    unsigned n;
};

/* Takes ownership of LAYER on OK. ERR_LIMIT: there are ONION_MAX_LAYERS. */
MUST_USE err_t onion_add(struct onion *o, struct layer *gift_layer);
void onion_clear(struct onion *o); /* frees all layers */

/* Makes BODY, a message in the format of hop HOP (1 .. n), a cell that only that hop recognizes. */
MUST_USE err_t onion_seal(struct onion *o, unsigned hop, uint8_t chan_cmd, uint8_t *body);

/* Takes layers off until one recognizes the cell; *HOP is whose it is. ERR_CIRC_UNRECOGNIZED. */
MUST_USE err_t onion_open(struct onion *o, uint8_t *body, unsigned *hop);

/* HOP is 1 .. n. */
static inline struct layer *onion_layer(const struct onion *o, unsigned hop)
{
    return o->layer[hop - 1];
}

#endif
