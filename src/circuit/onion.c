#include "circuit/onion.h"

err_t onion_add(struct onion *o, const struct hop *gift_hop)
{
    if (o->n == CIRC_MAX_HOPS)
        return ERR_LIMIT;
    o->hop[o->n++] = *gift_hop;
    return OK;
}

void onion_clear(struct onion *o)
{
    while (o->n > 0)
        hop_free(&o->hop[--o->n]);
}

/* tor-spec 5.5.2.1: "the OP [...] encrypts the cell body with the stream ciphers [...] for every
 * hop from the recipient back to the first" */
err_t onion_seal(struct onion *o, unsigned hop, uint8_t chan_cmd, uint8_t *body)
{
    if (hop < 1 || hop > o->n)
        return ERR_ARG;
    const struct hop *to = &o->hop[hop - 1];
    TRY(to->layer->kind->originate(to->layer, to->spliced ? CELL_RELAY : chan_cmd, body));
    for (unsigned i = hop - 1; i > 0; i--) {
        const struct hop *by = &o->hop[i - 1];
        TRY(by->layer->kind->wrap(by->layer, by->spliced ? CELL_RELAY : chan_cmd, body));
    }
    return OK;
}

err_t onion_open(struct onion *o, uint8_t chan_cmd, uint8_t *body, unsigned *hop)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct layer *layer = o->hop[i].layer;
        bool recognized;
        TRY(layer->kind->open(layer, chan_cmd, body, &recognized));
        if (recognized) {
            *hop = i + 1;
            return OK;
        }
    }
    return ERR_CIRC_UNRECOGNIZED;
}
