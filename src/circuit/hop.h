/* Hop: one relay of a circuit, or the other end of a rendezvous: who it is, the layer around its
 * cells, how much may be under way, and what its SENDMEs must show. A member of an onion. */
#ifndef TUNIC_CIRCUIT_HOP_H
#define TUNIC_CIRCUIT_HOP_H

#include "base/rd.h"
#include "circuit/circ.h"
#include "circuit/flow.h"
#include "circuit/layer.h"
#include "circuit/tags.h"
#include "circuit/terms.h"

struct hop {
    struct circ_hop_target target;
    struct layer *layer;
    struct flow *flow; /* NULL: nobody counts (tools that break rules) */
    struct tags tags;
    unsigned cellq_high; /* cells that wait for the link and mean congestion */
    /* No EXTEND made it: a relay joined two circuits, and cells go on from there as RELAY, whatever
     * they left as (rend-spec-v3 4.3). */
    bool spliced;
};

/* Makes H's layer and flow, of KEYS (terms->layer->keys_len bytes); CONFIG outlives them.
 * ERR_NOMEM: nothing is left. */
MUST_USE err_t hop_make(struct hop *h, struct env *env, const struct hop_terms *terms,
                        const uint8_t *keys, enum layer_side side,
                        const struct flow_config *config);
void hop_free(struct hop *h); /* what hop_make() made */

/* How much data the next DATA to H may carry. */
size_t hop_data_max(const struct hop *h);
/* DATA of LEN bytes was sent, in the cell that its layer originated last. */
MUST_USE err_t hop_data_sent(struct hop *h, struct env *env, size_t len);
/* The body of a circuit SENDME came, which must be of VERSION. LINK_FULL: DATA waits for room on
 * our link. ERR_CIRC_SENDME: none was due, or not the right one. */
MUST_USE err_t hop_sendme_received(struct hop *h, struct env *env, uint8_t version, struct rd body,
                                   bool link_full);
/* The body of the SENDME that answers the last cell from H. */
MUST_USE err_t hop_sendme_encode(const struct hop *h, uint8_t version, struct wr *w);

#endif
