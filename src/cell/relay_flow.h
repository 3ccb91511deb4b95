/* Bodies of flow-control messages: SENDME (tor-spec 7.3, 7.4), XOFF and XON (proposal 324). */
#ifndef TUNIC_CELL_RELAY_FLOW_H
#define TUNIC_CELL_RELAY_FLOW_H

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum { SENDME_TAG_V0 = 20, SENDME_TAG_V1 = 16 }; /* tag lengths by relay message format */

/* About a circuit; in a SENDME about a stream the body "SHOULD be ignored" and is sent empty.
 *
 * Version 0 has no tag and is sent as an empty body; an empty body is version 0. Version 1 has a
 * tag of 20 or 16 bytes; the caller compares its length with what the hop's crypto makes. An
 * unknown version is ERR_UNSUPPORTED. */
struct relay_sendme {
    uint8_t version;
    uint8_t tag_len;
    const uint8_t *tag;
};
MUST_USE err_t relay_sendme_decode(struct rd r, struct relay_sendme *out);
MUST_USE err_t relay_sendme_encode(struct wr *w, const struct relay_sendme *m);

/* Version 0, nothing else. */
MUST_USE err_t relay_xoff_decode(struct rd r);
MUST_USE err_t relay_xoff_encode(struct wr *w);

struct relay_xon {
    uint32_t kbps; /* drain rate in units of 1000 bytes per second; 0: no limit */
};
MUST_USE err_t relay_xon_decode(struct rd r, struct relay_xon *out);
MUST_USE err_t relay_xon_encode(struct wr *w, const struct relay_xon *m);

#endif
