/* Bodies of circuit padding's messages (padding-spec 3). DROP's body is ignored. */
#ifndef TUNIC_CELL_RELAY_PAD_H
#define TUNIC_CELL_RELAY_PAD_H

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum circpad_cmd { CIRCPAD_STOP = 1, CIRCPAD_START = 2 };
enum circpad_response { CIRCPAD_OK = 1, CIRCPAD_ERR = 2 };

/* Version 0; another one is ERR_UNSUPPORTED. */
struct relay_padding_negotiate {
    uint8_t command; /* enum circpad_cmd */
    uint8_t machine;
    uint8_t echo_request; /* 0 or 1 */
    uint32_t machine_ctr;
};
MUST_USE err_t relay_padding_negotiate_decode(struct rd r, struct relay_padding_negotiate *out);
MUST_USE err_t relay_padding_negotiate_encode(struct wr *w,
                                              const struct relay_padding_negotiate *m);

struct relay_padding_negotiated {
    uint8_t command;  /* enum circpad_cmd */
    uint8_t response; /* enum circpad_response */
    uint8_t machine;
    uint32_t machine_ctr;
};
MUST_USE err_t relay_padding_negotiated_decode(struct rd r, struct relay_padding_negotiated *out);
MUST_USE err_t relay_padding_negotiated_encode(struct wr *w,
                                               const struct relay_padding_negotiated *m);

#endif
