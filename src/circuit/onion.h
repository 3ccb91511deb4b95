/* Onion: the hops of a circuit, innermost (first) first, and what their layers do to a cell
 * together. A member of the circuit. */
#ifndef TUNIC_CIRCUIT_ONION_H
#define TUNIC_CIRCUIT_ONION_H

#include "circuit/hop.h"

struct onion {
    struct hop hop[CIRC_MAX_HOPS]; /* [0] is hop 1; behind the N-th only targets to come */
    unsigned n;
};

/* One more hop, whose target, layer and flow are set; they are the onion's from here on. ERR_LIMIT:
 * there are CIRC_MAX_HOPS. */
MUST_USE err_t onion_add(struct onion *o, const struct hop *gift_hop);
void onion_clear(struct onion *o); /* frees all hops */

/* Makes BODY, a message in the format of hop HOP (1 .. n), a cell that only that hop recognizes. */
MUST_USE err_t onion_seal(struct onion *o, unsigned hop, uint8_t chan_cmd, uint8_t *body);

/* Takes layers off until one recognizes the cell; *HOP is whose it is. ERR_CIRC_UNRECOGNIZED. */
MUST_USE err_t onion_open(struct onion *o, uint8_t chan_cmd, uint8_t *body, unsigned *hop);

/* HOP is 1 .. n. */
static inline struct layer *onion_layer(const struct onion *o, unsigned hop)
{
    return o->hop[hop - 1].layer;
}

#endif
