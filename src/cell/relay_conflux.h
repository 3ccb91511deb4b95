/* Bodies of the conflux messages (proposal 329). LINKED_ACK has no body. */
#ifndef TUNIC_CELL_RELAY_CONFLUX_H
#define TUNIC_CELL_RELAY_CONFLUX_H

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum { CONFLUX_NONCE_LEN = 32 };

enum conflux_ux {
    CONFLUX_UX_NONE = 0,
    CONFLUX_UX_MIN_LATENCY = 1,
    CONFLUX_UX_LOW_MEM_LATENCY = 2,
    CONFLUX_UX_HIGH_THROUGHPUT = 3,
    CONFLUX_UX_LOW_MEM_THROUGHPUT = 4
};

/* LINK and LINKED, version 1; another version is ERR_UNSUPPORTED. */
struct relay_conflux_link {
    uint8_t nonce[CONFLUX_NONCE_LEN];
    uint64_t last_seqno_sent;
    uint64_t last_seqno_recv;
    uint8_t desired_ux; /* enum conflux_ux */
};
MUST_USE err_t relay_conflux_link_decode(struct rd r, struct relay_conflux_link *out);
MUST_USE err_t relay_conflux_link_encode(struct wr *w, const struct relay_conflux_link *m);

struct relay_conflux_switch {
    uint32_t seqno; /* relative */
};
MUST_USE err_t relay_conflux_switch_decode(struct rd r, struct relay_conflux_switch *out);
MUST_USE err_t relay_conflux_switch_encode(struct wr *w, const struct relay_conflux_switch *m);

#endif
