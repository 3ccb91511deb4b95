#include "stream/flow.h"

#include "cell/chan.h"

/* More is asked for only below this, as C tor does. */
enum { BACKLOG_LOW = 10 * CELL_BODY_LEN };

void stream_flow_init(struct stream_flow *f, enum stream_flow_kind kind)
{
    *f = (struct stream_flow){
        .kind = kind, .package = STREAMWINDOW_START, .deliver = STREAMWINDOW_START};
}

/* ---- ours ---- */

bool stream_flow_may_send(const struct stream_flow *f)
{
    return f->kind == STREAM_FLOW_CARRIER ? !f->stopped : f->package > 0;
}

void stream_flow_sent(struct stream_flow *f)
{
    if (f->kind == STREAM_FLOW_WINDOWS)
        f->package--;
}

err_t stream_flow_on_msg(struct stream_flow *f, const struct relay_msg *msg)
{
    if (f->kind == STREAM_FLOW_CARRIER && msg->cmd != RELAY_SENDME) {
        f->stopped = msg->cmd == RELAY_XOFF;
        return OK;
    }
    /* proposal 324: under congestion control "stream-level SENDMEs [...] are not used" */
    if (msg->cmd != RELAY_SENDME || f->kind != STREAM_FLOW_WINDOWS ||
        f->package > STREAMWINDOW_START - STREAMWINDOW_INCREMENT)
        return ERR_CIRC_SENDME;
    f->package += STREAMWINDOW_INCREMENT;
    return OK;
}

/* ---- theirs ---- */

err_t stream_flow_received(struct stream_flow *f, size_t len)
{
    if (f->kind == STREAM_FLOW_WINDOWS && f->deliver == 0)
        return ERR_CIRC_WINDOW;
    if (f->kind == STREAM_FLOW_WINDOWS)
        f->deliver--;
    f->backlog += len;
    return OK;
}

void stream_flow_consumed(struct stream_flow *f, size_t len)
{
    f->backlog -= len < f->backlog ? len : f->backlog;
}

bool stream_flow_due(struct stream_flow *f, struct relay_msg *out)
{
    if (f->kind != STREAM_FLOW_WINDOWS || f->backlog > BACKLOG_LOW ||
        f->deliver > STREAMWINDOW_START - STREAMWINDOW_INCREMENT)
        return false;
    f->deliver += STREAMWINDOW_INCREMENT;
    *out = (struct relay_msg){.cmd = RELAY_SENDME};
    return true;
}

/* ---- after our end ---- */

struct stream_flow_rest stream_flow_rest(const struct stream_flow *f)
{
    return (struct stream_flow_rest){
        .data = f->deliver,
        .messages = (uint8_t)((STREAMWINDOW_START - f->package) / STREAMWINDOW_INCREMENT),
        .kind = (uint8_t)f->kind,
    };
}

bool stream_flow_rest_takes(struct stream_flow_rest *rest, uint8_t cmd)
{
    if (cmd == RELAY_DATA) /* the carrier has counted it in its own flow control */
        return rest->kind == STREAM_FLOW_CARRIER || (rest->data && rest->data--);
    if (rest->kind == STREAM_FLOW_CARRIER)
        return cmd != RELAY_SENDME;
    return cmd == RELAY_SENDME && rest->messages && rest->messages--;
}
