#include "stream/flow.h"

#include "base/env.h"
#include "cell/chan.h"

/* More is asked for only below this, as C tor does. */
enum { BACKLOG_LOW = 10 * CELL_BODY_LEN };

void stream_flow_init(struct stream_flow *f, enum stream_flow_kind kind,
                      const struct xonxoff_params *params)
{
    *f = (struct stream_flow){.params = params,
                              .kind = kind,
                              .package = STREAMWINDOW_START,
                              .deliver = STREAMWINDOW_START};
}

/* ---- ours ---- */

bool stream_flow_may_send(struct stream_flow *f, uint64_t now_us)
{
    return f->kind == STREAM_FLOW_CARRIER ? xonxoff_may_send(&f->heard, now_us) : f->package > 0;
}

bool stream_flow_is_slowed(const struct stream_flow *f)
{
    return f->kind == STREAM_FLOW_CARRIER && f->heard.rate && !f->heard.stopped;
}

void stream_flow_sent(struct stream_flow *f, size_t len)
{
    if (f->kind == STREAM_FLOW_WINDOWS)
        f->package--;
    else
        xonxoff_sent(&f->heard, len);
}

err_t stream_flow_on_msg(struct stream_flow *f, const struct relay_msg *msg, uint64_t now_us)
{
    if (msg->cmd != RELAY_SENDME)
        return f->kind == STREAM_FLOW_CARRIER ? xonxoff_heard(&f->heard, f->params, msg, now_us)
                                              : ERR_CIRC_PROTO;
    /* proposal 324: under congestion control "stream-level SENDMEs [...] are not used" */
    if (f->kind != STREAM_FLOW_WINDOWS || f->package > STREAMWINDOW_START - STREAMWINDOW_INCREMENT)
        return ERR_CIRC_SENDME;
    f->package += STREAMWINDOW_INCREMENT;
    return OK;
}

/* ---- theirs ---- */

static err_t received_by_carrier(struct stream_flow *f, size_t len, uint64_t now_us)
{
    if (f->backlog > f->params->xoff_bytes + f->burst_most + (size_t)STREAM_BEHIND_XOFF_MOST)
        return ERR_CIRC_WINDOW;
    /* As C tor, which looks at what waited before. */
    xonxoff_received(&f->says, f->params, f->backlog, now_us);
    f->backlog += len;
    return OK;
}

err_t stream_flow_received(struct stream_flow *f, size_t len, uint64_t now_us)
{
    if (f->kind == STREAM_FLOW_CARRIER)
        return received_by_carrier(f, len, now_us);
    if (f->deliver == 0)
        return ERR_CIRC_WINDOW;
    f->deliver--;
    f->backlog += len;
    return OK;
}

void stream_flow_consumed(struct stream_flow *f, size_t len, uint64_t now_us)
{
    len = len < f->backlog ? len : f->backlog;
    f->backlog -= len;
    if (f->kind == STREAM_FLOW_CARRIER)
        xonxoff_consumed(&f->says, f->params, len, f->backlog, now_us);
}

bool stream_flow_due(struct stream_flow *f, struct xonxoff_msg *out)
{
    if (f->kind == STREAM_FLOW_CARRIER)
        return xonxoff_due(&f->says, out);
    if (f->backlog > BACKLOG_LOW || f->deliver > STREAMWINDOW_START - STREAMWINDOW_INCREMENT)
        return false;
    f->deliver += STREAMWINDOW_INCREMENT;
    *out = (struct xonxoff_msg){.cmd = RELAY_SENDME};
    return true;
}

/* ---- after our end ---- */

static uint32_t ticks(uint64_t us)
{
    return (uint32_t)(us >> 14);
}

struct stream_flow_rest stream_flow_rest(const struct stream_flow *f, uint64_t now_us,
                                         uint64_t round_trip_us)
{
    uint64_t us = (uint64_t)f->params->half_ms * US_PER_MS;
    return (struct stream_flow_rest){
        .data = f->deliver,
        .messages = (uint8_t)((STREAMWINDOW_START - f->package) / STREAMWINDOW_INCREMENT),
        .kind = (uint8_t)f->kind,
        .until = ticks(now_us + (us > round_trip_us ? us : round_trip_us)) + 1,
    };
}

bool stream_flow_rest_takes(struct stream_flow_rest *rest, uint8_t cmd, uint64_t now_us)
{
    bool about_flow = cmd == RELAY_XON || cmd == RELAY_XOFF;
    /* proposal 324 4.1.4: "Any data or relay cells after this point are considered invalid data".
     */
    if (rest->kind == STREAM_FLOW_CARRIER)
        return (cmd == RELAY_DATA || about_flow) && (int32_t)(rest->until - ticks(now_us)) >= 0;
    if (cmd == RELAY_DATA)
        return rest->data && rest->data--;
    return cmd == RELAY_SENDME && rest->messages && rest->messages--;
}
