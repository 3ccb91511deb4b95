/* tor1: the onion layer of AES in counter mode and a running digest (tor-spec 5.5, 6.1). */
#ifndef TUNIC_CIRCUIT_TOR1_H
#define TUNIC_CIRCUIT_TOR1_H

#include "circuit/layer.h"

enum {
    TOR1_DIGEST_SEED_LEN = 20,
    TOR1_KEY_LEN = 16,
    TOR1_KEYS_LEN = 2 * TOR1_DIGEST_SEED_LEN + 2 * TOR1_KEY_LEN, /* Df | Db | Kf | Kb */

    TOR1_HS_DIGEST_SEED_LEN = 32,
    TOR1_HS_KEY_LEN = 32,
    TOR1_HS_KEYS_LEN = 2 * TOR1_HS_DIGEST_SEED_LEN + 2 * TOR1_HS_KEY_LEN,
};

/* A relay's: AES-128 and SHA-1. */
extern const struct layer_kind tor1_kind;

/* Between the two ends of a rendezvous, a client and an onion service: AES-256 and SHA3-256
 * (rend-spec-v3 4.2.1). The library allocates for each SHA3 digest of a cell that begins or ends
 * here, so these calls may fail for lack of memory; cells that pass by cost none. */
extern const struct layer_kind tor1_hs_kind;

#endif
