/* XON and XOFF: flow control of one stream under congestion control (proposal 324 section 4). There
 * are no windows: whoever holds too much that its reader has not taken says XOFF, and XON when that
 * is gone, with the rate at which it went. Two pieces of plain state, members of a stream's flow.
 */
#ifndef TUNIC_STREAM_XONXOFF_H
#define TUNIC_STREAM_XONXOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"

/* What the consensus says, and who we are. */
struct xonxoff_params {
    uint32_t xoff_bytes; /* with more than this waiting here we say XOFF */
    uint32_t
        peer_xoff_bytes; /* the other side's: cc_xoff_exit, of an onion service cc_xoff_client */
    uint32_t xon_rate_bytes; /* how often a rate is computed anew */
    uint8_t xon_change_pct;  /* a rate that moved by more is told */
    uint8_t xon_ewma_cnt;    /* how many of them a mean is made of */
    uint32_t half_ms;        /* how long an ended stream may hear of what was under way */
};

enum { XONXOFF_BODY_MAX = 5 };

/* One of the two messages, without a stream id. */
struct xonxoff_msg {
    uint8_t cmd, len, body[XONXOFF_BODY_MAX];
};

/* Parameters in their units; the defaults hold where there is no consensus. */
enum {
    XOFF_CELLS = 500,
    XOFF_CELLS_LEAST = 1,
    XOFF_CELLS_MOST = 10000,
    XON_RATE_CELLS = 500,
    XON_RATE_CELLS_LEAST = 1,
    XON_RATE_CELLS_MOST = 5000,
    XON_CHANGE_PCT = 25,
    XON_CHANGE_PCT_LEAST = 1,
    XON_CHANGE_PCT_MOST = 99,
    XON_EWMA_CNT = 2,
    XON_EWMA_CNT_LEAST = 2,
    XON_EWMA_CNT_MOST = 100,
};

struct xonxoff_params xonxoff_defaults(void);
/* A client's, to an exit, or to an ONION service; the counts are of cells. */
struct xonxoff_params xonxoff_params(bool onion, uint32_t xoff_client, uint32_t xoff_exit,
                                     uint32_t xon_rate);

/* ---- what the other side says of what we send ---- */

struct xonxoff_heard {
    bool stopped;        /* by XOFF */
    uint8_t xoffs, xons; /* that came, as is SENT halved now and then */
    uint32_t sent;       /* bytes */
    uint32_t rate;       /* bytes a second that we may send; 0: as many as we like */
    int32_t tokens;      /* of those, how many now; a message may go beyond */
    uint64_t tokens_us;  /* when they were counted */
};

/* MSG is XON or XOFF. ERR_CIRC_PROTO: of another version; ERR_CIRC_XONXOFF: XOFF twice, or before
 * we had sent so much that there could be a reason. */
MUST_USE err_t xonxoff_heard(struct xonxoff_heard *h, const struct xonxoff_params *params,
                             const struct relay_msg *msg, uint64_t now_us);
void xonxoff_sent(struct xonxoff_heard *h, size_t len);
bool xonxoff_may_send(struct xonxoff_heard *h, uint64_t now_us);

/* ---- what we say of what comes ---- */

struct xonxoff_says {
    bool over;                /* more than the limit has waited since over_us */
    bool off;                 /* we said XOFF, and no XON since */
    bool xoff_due, xon_due;   /* to be said now */
    bool draining;            /* since drain_us, with something waiting */
    uint32_t rate, rate_told; /* in units of 1000 bytes a second; 0: not known */
    uint64_t over_us, drain_us, drained;
};

/* A message has come behind BACKLOG bytes that wait here. */
void xonxoff_received(struct xonxoff_says *s, const struct xonxoff_params *params, size_t backlog,
                      uint64_t now_us);
/* LEN bytes went to their reader, and BACKLOG still wait. */
void xonxoff_consumed(struct xonxoff_says *s, const struct xonxoff_params *params, size_t len,
                      size_t backlog, uint64_t now_us);
/* Whether one is due: OUT, which counts as sent. */
bool xonxoff_due(struct xonxoff_says *s, struct xonxoff_msg *out);

#endif
