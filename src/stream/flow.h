/* Flow control of one stream: how much we may send on it, and when the other side is told to send
 * more. Plain state, a member of the stream.
 *
 * Two kinds. WINDOWS are fixed windows of 500 DATA messages each way that a SENDME opens by 50
 * (tor-spec 7.4). CARRIER is for carriers under congestion control, which alone decides how much is
 * sent, until XOFF comes, and again from XON on (proposal 324). */
#ifndef TUNIC_STREAM_FLOW_H
#define TUNIC_STREAM_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"

enum { STREAMWINDOW_START = 500, STREAMWINDOW_INCREMENT = 50 };

enum stream_flow_kind { STREAM_FLOW_WINDOWS, STREAM_FLOW_CARRIER };

struct stream_flow {
    enum stream_flow_kind kind;
    uint16_t package; /* WINDOWS: DATA messages that we may still send */
    uint16_t deliver; /* WINDOWS: and that the other side may */
    bool stopped;     /* CARRIER: the last word was XOFF */
    size_t backlog;   /* bytes that came and that their owner has not consumed */
};

/* What may still come on a stream that we have ended. */
struct stream_flow_rest {
    uint16_t data;    /* WINDOWS: DATA messages */
    uint8_t messages; /* WINDOWS: SENDMEs, for what we had sent */
    uint8_t kind;     /* enum stream_flow_kind */
};

void stream_flow_init(struct stream_flow *f, enum stream_flow_kind kind);

/* ---- ours ---- */

bool stream_flow_may_send(const struct stream_flow *f); /* one more DATA message */
void stream_flow_sent(struct stream_flow *f);           /* one DATA message, as it may */
/* MSG is the other side's word about flow: SENDME, XON or XOFF. ERR_CIRC_SENDME: none was due. */
MUST_USE err_t stream_flow_on_msg(struct stream_flow *f, const struct relay_msg *msg);

/* ---- theirs ---- */

/* DATA of LEN bytes came. ERR_CIRC_WINDOW: it may not have. */
MUST_USE err_t stream_flow_received(struct stream_flow *f, size_t len);
void stream_flow_consumed(struct stream_flow *f, size_t len);
/* Whether we owe the other side a word about flow: OUT, without a stream id, which counts as sent.
 * There may be more. */
bool stream_flow_due(struct stream_flow *f, struct relay_msg *out);

/* ---- after our end ---- */

struct stream_flow_rest stream_flow_rest(const struct stream_flow *f);
/* Whether a message CMD, DATA or one about flow, may still come; if so, one less may. */
bool stream_flow_rest_takes(struct stream_flow_rest *rest, uint8_t cmd);

#endif
