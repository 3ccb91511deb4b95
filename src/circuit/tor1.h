/* tor1: the onion layer of AES-128-CTR and a running SHA-1 (tor-spec 5.5, 6.1). */
#ifndef TUNIC_CIRCUIT_TOR1_H
#define TUNIC_CIRCUIT_TOR1_H

#include "circuit/layer.h"

enum {
    TOR1_DIGEST_SEED_LEN = 20,
    TOR1_KEY_LEN = 16,
    TOR1_KEYS_LEN = 2 * TOR1_DIGEST_SEED_LEN + 2 * TOR1_KEY_LEN, /* Df | Db | Kf | Kb */
};

/* KEYS is what the handshake gave, in that order; the caller wipes it. NULL: out of memory. Freed
 * by its kind's free(), which wipes it. */
struct layer *tor1_new(const uint8_t keys[TOR1_KEYS_LEN], enum layer_side side);

#endif
