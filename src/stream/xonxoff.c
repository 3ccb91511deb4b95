#include "stream/xonxoff.h"

#include "base/env.h"
#include "base/rd.h"
#include "base/wr.h"
#include "cell/relay_flow.h"

enum {
    /* Bytes of a full message, by which the parameters count: what any format has room for, or what
     * the roomiest one has. */
    MESSAGE_LEAST = 488,
    MESSAGE_MOST = 498,
    /* C tor, XOFF_GRACE_PERIOD_USEC: what its application takes within this time is no backlog. */
    GRACE_US = 5000,
    /* C tor, MAX_EXPECTED_CELL_BURST: more than comes between two writes to the application. */
    BURST = 32 * MESSAGE_LEAST,
    COUNT_HALVES_AT = 200,
    SENT_HALVES_AT = 10 << 20,
    HALF_MS = 60000, /* what a circuit is given to be built in, while nothing is known */
};

struct xonxoff_params xonxoff_params(bool onion, uint32_t xoff_client, uint32_t xoff_exit,
                                     uint32_t xon_rate)
{
    return (struct xonxoff_params){
        .xoff_bytes = xoff_client * MESSAGE_LEAST,
        .peer_xoff_bytes = (onion ? xoff_client : xoff_exit) * MESSAGE_LEAST,
        .xon_rate_bytes = xon_rate * MESSAGE_MOST,
        .xon_change_pct = XON_CHANGE_PCT,
        .xon_ewma_cnt = XON_EWMA_CNT,
        .half_ms = HALF_MS,
    };
}

struct xonxoff_params xonxoff_defaults(void)
{
    return xonxoff_params(false, XOFF_CELLS, XOFF_CELLS, XON_RATE_CELLS);
}

/* ---- what the other side says of what we send ---- */

static void halve(struct xonxoff_heard *h)
{
    h->sent /= 2;
    h->xoffs /= 2;
    h->xons /= 2;
}

void xonxoff_sent(struct xonxoff_heard *h, size_t len)
{
    if (h->sent + len >= SENT_HALVES_AT)
        halve(h);
    h->sent += (uint32_t)len;
    if (h->rate)
        h->tokens -= (int32_t)len;
}

/* One more of them came than COUNT, each of which stands for LIMIT bytes of ours. */
static err_t count(struct xonxoff_heard *h, uint8_t *count, uint32_t limit)
{
    if (*count == COUNT_HALVES_AT)
        halve(h);
    ++*count;
    return h->sent < (uint64_t)limit * *count ? ERR_CIRC_XONXOFF : OK;
}

static err_t heard_xoff(struct xonxoff_heard *h, const struct xonxoff_params *params,
                        const struct relay_msg *msg)
{
    if (relay_xoff_decode(rd_over(msg->data, msg->len)) != OK)
        return ERR_CIRC_PROTO;
    if (h->stopped)
        return ERR_CIRC_XONXOFF;
    /* proposal 324 4.1.4: "clients MUST ensure that an XOFF does not arrive before it has sent the
     * appropriate XOFF limit of bytes on a stream", nor "more frequently than every XOFF limit" */
    TRY(count(h, &h->xoffs, params->peer_xoff_bytes));
    h->stopped = true;
    return OK;
}

static err_t heard_xon(struct xonxoff_heard *h, const struct xonxoff_params *params,
                       const struct relay_msg *msg, uint64_t now_us)
{
    struct relay_xon m;
    uint32_t least = params->peer_xoff_bytes < params->xon_rate_bytes ? params->peer_xoff_bytes
                                                                      : params->xon_rate_bytes;
    if (relay_xon_decode(rd_over(msg->data, msg->len), &m) != OK)
        return ERR_CIRC_PROTO;
    /* proposal 324 4.1.4: XONs "do not arrive before the minimum of the XOFF limit and
     * 'cc_xon_rate' full cells worth of bytes have been transmitted" */
    TRY(count(h, &h->xons, least));
    h->stopped = false;
    bool free_of_it = m.kbps == 0 || m.kbps > INT32_MAX / 1000;
    uint32_t rate = free_of_it ? 0 : m.kbps * 1000;
    /* As C tor's bucket, which is full at first: a second's worth may go at once. */
    if (!h->rate || h->tokens > (int32_t)rate)
        h->tokens = (int32_t)rate;
    h->rate = rate;
    h->tokens_us = now_us;
    return OK;
}

err_t xonxoff_heard(struct xonxoff_heard *h, const struct xonxoff_params *params,
                    const struct relay_msg *msg, uint64_t now_us)
{
    return msg->cmd == RELAY_XOFF ? heard_xoff(h, params, msg) : heard_xon(h, params, msg, now_us);
}

static void refill(struct xonxoff_heard *h, uint64_t now_us)
{
    uint64_t us = now_us - h->tokens_us;
    int64_t more =
        us >= 2 * US_PER_SEC ? 2 * (int64_t)h->rate : (int64_t)(us * h->rate / US_PER_SEC);
    if (more == 0)
        return; /* the time goes on counting */
    int64_t tokens = h->tokens + more;
    h->tokens = (int32_t)(tokens < h->rate ? tokens : h->rate);
    h->tokens_us = now_us;
}

bool xonxoff_may_send(struct xonxoff_heard *h, uint64_t now_us)
{
    if (h->stopped || !h->rate)
        return !h->stopped;
    refill(h, now_us);
    return h->tokens > 0;
}

/* ---- what we say of what comes ---- */

/* How fast what waited went: it has been DRAINED since drain_us. The mean is C tor's N_EWMA. */
static void compute_rate(struct xonxoff_says *s, const struct xonxoff_params *params,
                         uint64_t now_us)
{
    uint64_t us = now_us - s->drain_us;
    if (us == 0)
        return; /* all in one wake-up */
    uint64_t rate = s->drained * MS_PER_SEC / us;
    uint64_t n = params->xon_ewma_cnt;
    rate = rate ? rate : 1; /* 0 would be "no limit" */
    if (s->rate)
        rate = (2 * rate + (n - 1) * s->rate) / (n + 1);
    s->rate = rate < INT32_MAX ? (uint32_t)rate : INT32_MAX;
    s->drained = 0;
    s->draining = false;
}

static bool rate_moved(const struct xonxoff_says *s, const struct xonxoff_params *params)
{
    uint64_t told = s->rate_told, now = (uint64_t)s->rate * 100;
    return told && (now > (100 + (uint64_t)params->xon_change_pct) * told ||
                    now < (100 - (uint64_t)params->xon_change_pct) * told);
}

/* Whether it is time for an XON. */
static void decide_xon(struct xonxoff_says *s, const struct xonxoff_params *params, size_t backlog)
{
    if (s->xoff_due && !backlog) /* it was never said */
        s->xoff_due = s->off = false;
    else if (s->off)
        s->xon_due = !backlog;
    else
        s->xon_due |= rate_moved(s, params);
}

void xonxoff_consumed(struct xonxoff_says *s, const struct xonxoff_params *params, size_t len,
                      size_t backlog, uint64_t now_us)
{
    s->drained += len;
    if (!s->draining && backlog) {
        s->draining = true;
        s->drain_us = now_us;
        s->drained = 0;
    }
    if (s->draining && s->drained > params->xon_rate_bytes)
        compute_rate(s, params, now_us);
    decide_xon(s, params, backlog);
    if (backlog)
        return;
    s->draining = false;
    /* proposal 324 4.1.2: when the queue "has been 0 for 'cc_xon_rate' cells worth of data, we
     * double the EWMA rate" */
    if (s->drained >= params->xon_rate_bytes && s->rate_told) {
        s->rate = s->rate < INT32_MAX / 2 ? 2 * s->rate : INT32_MAX;
        s->drained = 0;
    }
}

/* proposal 324 4.1.1: "If the length of an edge outbuf queue exceeds the size provided"; for how
 * long is C tor's. */
static void decide_xoff(struct xonxoff_says *s, const struct xonxoff_params *params, size_t backlog,
                        uint64_t now_us)
{
    if (backlog <= params->xoff_bytes) {
        s->over = false;
    } else if (s->off) {
        return;
    } else if (!s->over) {
        s->over = true;
        s->over_us = now_us;
    } else if (now_us > s->over_us + GRACE_US) {
        s->over = s->xon_due = s->draining = false;
        s->off = s->xoff_due = true;
        s->rate = 0; /* "the EWMA rate is reset to 0, to allow fresh calculation" */
    }
}

void xonxoff_received(struct xonxoff_says *s, const struct xonxoff_params *params, size_t backlog,
                      uint64_t now_us)
{
    decide_xoff(s, params, backlog, now_us);
    /* Nothing may go to the reader for a while: the clock is to run nevertheless. After XOFF it
     * runs from when the reader takes something: who has paused is not slow. (C tor's goes on, and
     * after a pause of minutes its XON allows next to nothing.) */
    if (backlog > BURST && !s->off)
        xonxoff_consumed(s, params, 0, backlog, now_us);
}

bool xonxoff_due(struct xonxoff_says *s, struct xonxoff_msg *out)
{
    struct wr w = wr_over(out->body, sizeof out->body);
    struct relay_xon xon = {.kbps = s->rate};
    if (!s->xoff_due && !s->xon_due)
        return false;
    err_t e = s->xoff_due ? relay_xoff_encode(&w) : relay_xon_encode(&w, &xon);
    out->cmd = s->xoff_due ? RELAY_XOFF : RELAY_XON;
    out->len = (uint8_t)w.len;
    if (!s->xoff_due) {
        s->off = false;
        s->rate_told = s->rate;
    }
    s->xoff_due = s->xon_due = false;
    return e == OK;
}
