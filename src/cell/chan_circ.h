/* Bodies of the channel cells that make and end circuits (tor-spec 5.1, 5.4).
 *
 * These cells have a fixed size: bytes behind the message are padding and are ignored. */
#ifndef TUNIC_CELL_CHAN_CIRC_H
#define TUNIC_CELL_CHAN_CIRC_H

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum {
    CREATE_FAST_LEN = 20,   /* X, Y and the derivative key data KH */
    CREATE2_DATA_MAX = 505, /* CELL_BODY_LEN without type and length */
    CREATED2_DATA_MAX = 496 /* so that it fits EXTENDED2 as well */
};

/* Circuit handshake types, in CREATE2 and EXTEND2. */
enum handshake_type {
    HANDSHAKE_TAP = 0, /* gone from the network */
    HANDSHAKE_NTOR = 2,
    HANDSHAKE_NTOR_V3 = 3
};

struct chan_create_fast {
    uint8_t x[CREATE_FAST_LEN];
};
MUST_USE err_t chan_create_fast_decode(struct rd r, struct chan_create_fast *out);
MUST_USE err_t chan_create_fast_encode(struct wr *w, const struct chan_create_fast *m);

struct chan_created_fast {
    uint8_t y[CREATE_FAST_LEN];
    uint8_t kh[CREATE_FAST_LEN];
};
MUST_USE err_t chan_created_fast_decode(struct rd r, struct chan_created_fast *out);
MUST_USE err_t chan_created_fast_encode(struct wr *w, const struct chan_created_fast *m);

struct chan_create2 {
    uint16_t htype; /* enum handshake_type */
    uint16_t hlen;
    const uint8_t *hdata;
};
MUST_USE err_t chan_create2_decode(struct rd r, struct chan_create2 *out);
MUST_USE err_t chan_create2_encode(struct wr *w, const struct chan_create2 *m);

struct chan_created2 {
    uint16_t hlen;
    const uint8_t *hdata;
};
MUST_USE err_t chan_created2_decode(struct rd r, struct chan_created2 *out);
MUST_USE err_t chan_created2_encode(struct wr *w, const struct chan_created2 *m);

/* Any reason is decoded, known or not: see reason.h. */
struct chan_destroy {
    uint8_t reason; /* enum destroy_reason */
};
MUST_USE err_t chan_destroy_decode(struct rd r, struct chan_destroy *out);
MUST_USE err_t chan_destroy_encode(struct wr *w, const struct chan_destroy *m);

#endif
