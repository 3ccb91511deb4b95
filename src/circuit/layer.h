/* One hop's onion layer: the keys shared with one relay, and what they do to the 509 bytes of a
 * RELAY cell (tor-spec 5.5, 6.1).
 *
 * A layer is a kind and the state behind it. Cells that we make for the other end are "originated",
 * cells that pass by on the way out are "wrapped", cells that come in are "opened", which tells
 * whether they were meant for us by that end. The relay's side of a layer has the same three acts
 * with the directions exchanged. Nothing is allocated per cell. Layers of different kinds mix
 * freely in one circuit.
 *
 * All three acts are told the command of the channel cell around the body (RELAY or RELAY_EARLY),
 * because a layer may authenticate it: CGO does. */
#ifndef TUNIC_CIRCUIT_LAYER_H
#define TUNIC_CIRCUIT_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"

/* RELAY is the end that answered the handshake: a relay, or an onion service. */
enum layer_side { LAYER_CLIENT, LAYER_RELAY };

enum {
    LAYER_TAG_MAX = 20,
    LAYER_KEYS_MAX = 160 /* CGO: 80 bytes each way */
};

struct layer;

struct layer_kind {
    const char *name;         /* for logs */
    enum relay_format format; /* of the messages in cells for this hop */
    size_t tag_len;           /* of the tags that authenticate SENDMEs */
    size_t keys_len;          /* key material for both directions, at most LAYER_KEYS_MAX */
    /* KEYS is what the handshake gave, KEYS_LEN bytes; the caller wipes it. NULL: out of memory. */
    struct layer *(*make)(const uint8_t *keys, enum layer_side side);
    err_t (*originate)(struct layer *l, uint8_t chan_cmd, uint8_t *body);
    err_t (*wrap)(struct layer *l, uint8_t chan_cmd, uint8_t *body);
    err_t (*open)(struct layer *l, uint8_t chan_cmd, uint8_t *body, bool *recognized);
    void (*free)(struct layer *l); /* wipes */
};

/* The head of every kind's state. */
struct layer {
    const struct layer_kind *kind;
    uint8_t sent_tag[LAYER_TAG_MAX]; /* of the last cell originated */
    uint8_t got_tag[LAYER_TAG_MAX];  /* of the last cell recognized */
};

static inline void layer_free(struct layer *l)
{
    if (l)
        l->kind->free(l);
}

#endif
