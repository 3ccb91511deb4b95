/* Flow control of one stream: how much we may send on it, and when the other side is told to send
 * more, or less. Plain state, a member of the stream.
 *
 * Two kinds. WINDOWS are fixed windows of 500 DATA messages each way that a SENDME opens by 50
 * (tor-spec 7.4). CARRIER is for carriers under congestion control, which alone decides how much is
 * sent; XON and XOFF keep a reader that is slow from being swamped (xonxoff.h). */
#ifndef TUNIC_STREAM_FLOW_H
#define TUNIC_STREAM_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"
#include "stream/xonxoff.h"

enum {
    STREAMWINDOW_START = 500,
    STREAMWINDOW_INCREMENT = 50,
    /* CARRIER: what may come after XOFF went out, for it was under way then. It is the other side's
     * window, which we do not know; nobody's is that large, and more is an attack. What waited for
     * its turn comes besides. */
    STREAM_BEHIND_XOFF_MOST = 8 << 20,
};

enum stream_flow_kind { STREAM_FLOW_WINDOWS, STREAM_FLOW_CARRIER };

struct stream_flow {
    const struct xonxoff_params *params; /* borrowed; read each time, for they may change */
    enum stream_flow_kind kind;
    uint16_t package;           /* WINDOWS: DATA messages that we may still send */
    uint16_t deliver;           /* WINDOWS: and that the other side may */
    size_t burst_most;          /* CARRIER: bytes that may come at once, after others */
    size_t backlog;             /* bytes that came and that their owner has not consumed */
    struct xonxoff_heard heard; /* CARRIER */
    struct xonxoff_says says;   /* CARRIER */
};

/* What may still come on a stream that we have ended. */
struct stream_flow_rest {
    uint16_t data;    /* WINDOWS: DATA messages */
    uint8_t messages; /* WINDOWS: SENDMEs, for what we had sent */
    uint8_t kind;     /* enum stream_flow_kind */
    uint32_t until; /* CARRIER: anything until then, in ticks of 2^14 microseconds, as they wrap */
};

void stream_flow_init(struct stream_flow *f, enum stream_flow_kind kind,
                      const struct xonxoff_params *params);

/* ---- ours ---- */

bool stream_flow_may_send(struct stream_flow *f, uint64_t now_us); /* one more DATA message */
/* It may not, but time alone will change that: the other side's XON said how fast. */
bool stream_flow_is_slowed(const struct stream_flow *f);
void stream_flow_sent(struct stream_flow *f, size_t len); /* one DATA message, as it may */
/* MSG is the other side's word about flow: SENDME, XON or XOFF. Errors are of class CIRCUIT: of a
 * kind that is not used here, or not due (see xonxoff.h). */
MUST_USE err_t stream_flow_on_msg(struct stream_flow *f, const struct relay_msg *msg,
                                  uint64_t now_us);

/* ---- theirs ---- */

/* DATA of LEN bytes came. ERR_CIRC_WINDOW: it may not have. */
MUST_USE err_t stream_flow_received(struct stream_flow *f, size_t len, uint64_t now_us);
void stream_flow_consumed(struct stream_flow *f, size_t len, uint64_t now_us);
/* Whether we owe the other side a word about flow: OUT, which counts as sent. There may be more. */
bool stream_flow_due(struct stream_flow *f, struct xonxoff_msg *out);

/* ---- after our end ---- */

/* ROUND_TRIP_US: the longest that was seen on the carrier, 0 if none was. */
struct stream_flow_rest stream_flow_rest(const struct stream_flow *f, uint64_t now_us,
                                         uint64_t round_trip_us);
/* Whether a message CMD, DATA or one about flow, may still come; if so, one less may. */
bool stream_flow_rest_takes(struct stream_flow_rest *rest, uint8_t cmd, uint64_t now_us);

#endif
