/* The client's side of a circuit handshake, whichever of the three it is: what to send in
 * CREATE_FAST, CREATE2 or EXTEND2, and the new hop's terms and keys from what comes back. */
#ifndef TUNIC_CIRCUIT_HANDSHAKE_H
#define TUNIC_CIRCUIT_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "circuit/circ.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/terms.h"

enum circ_handshake_kind {
    HANDSHAKE_NONE,
    HANDSHAKE_IS_FAST,
    HANDSHAKE_IS_NTOR,
    HANDSHAKE_IS_NTOR_V3
};

struct circ_handshake {
    enum circ_handshake_kind kind; /* NONE: nothing is under way */
    struct hop_ask asked;
    union {
        struct fast_client fast;
        struct ntor_client ntor;
        struct ntor_v3_client ntor_v3;
    } u;
};

/* Appends the skin for CREATE_FAST. */
MUST_USE err_t circ_handshake_begin_fast(struct circ_handshake *h, struct env *env,
                                         struct wr *skin);
/* ntor-v3 where TARGET has it and an Ed25519 identity, and what is asked of it; else ntor. Appends
 * the skin; *HTYPE is its type in CREATE2 and EXTEND2. */
MUST_USE err_t circ_handshake_begin(struct circ_handshake *h, struct env *env,
                                    const struct circ_hop_target *target, struct wr *skin,
                                    uint16_t *htype);

/* REPLY is what came in CREATED_FAST, CREATED2 or EXTENDED2; SENDME_INC is the consensus'. On OK
 * *TERMS are what was agreed on, but for how far away the relay is, and the first
 * terms->layer->keys_len bytes of KEYS, which the caller wipes, are for that layer.
 * ERR_CIRC_HANDSHAKE. H is over and wiped in any case. */
MUST_USE err_t circ_handshake_finish(struct circ_handshake *h, struct rd reply, unsigned sendme_inc,
                                     struct hop_terms *terms, uint8_t keys[LAYER_KEYS_MAX]);

void circ_handshake_wipe(struct circ_handshake *h);

#endif
