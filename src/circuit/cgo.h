/* CGO, the "counter galois onion": the onion layer of relays since 2025 (proposal 359). Whatever
 * somebody changes in a cell on its way, or in the order of cells, leaves noise behind the next
 * relay for good, and keys change with every cell that begins or ends here.
 *
 * The client always decrypts and the relay always encrypts, in both directions: only the cipher's
 * way of encrypting spreads a change over all. */
#ifndef TUNIC_CIRCUIT_CGO_H
#define TUNIC_CIRCUIT_CGO_H

#include "circuit/layer.h"

enum {
    CGO_WAY_KEYS_LEN = 80, /* J | S | N */
    CGO_KEYS_LEN = 2 * CGO_WAY_KEYS_LEN,
};

/* Messages are of format v1, and tags 16 bytes of the cell. Has to go with congestion control, for
 * v1 has no SENDMEs for streams. */
extern const struct layer_kind cgo_kind;

#endif
