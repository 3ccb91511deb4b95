#include "circuit/onion.h"

err_t onion_add(struct onion *o, struct layer *gift_layer)
{
    if (o->n == ONION_MAX_LAYERS)
        return ERR_LIMIT;
    o->layer[o->n++] = gift_layer;
    return OK;
}

void onion_clear(struct onion *o)
{
    for (unsigned i = 0; i < o->n; i++) {
        o->layer[i]->kind->free(o->layer[i]);
        o->layer[i] = NULL;
    }
    o->n = 0;
}

/* tor-spec 5.5.2.1: "the OP [...] encrypts the cell body with the stream ciphers [...] for every
 * hop from the recipient back to the first" */
err_t onion_seal(struct onion *o, unsigned hop, uint8_t chan_cmd, uint8_t *body)
{
    if (hop < 1 || hop > o->n)
        return ERR_ARG;
    struct layer *target = o->layer[hop - 1];
    TRY(target->kind->originate(target, chan_cmd, body));
    for (unsigned i = hop - 1; i > 0; i--)
        TRY(o->layer[i - 1]->kind->wrap(o->layer[i - 1], chan_cmd, body));
    return OK;
}

err_t onion_open(struct onion *o, uint8_t *body, unsigned *hop)
{
    for (unsigned i = 0; i < o->n; i++) {
        bool recognized;
        TRY(o->layer[i]->kind->open(o->layer[i], body, &recognized));
        if (recognized) {
            *hop = i + 1;
            return OK;
        }
    }
    return ERR_CIRC_UNRECOGNIZED;
}
